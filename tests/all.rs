//! Does our product behave? One binary, mirrored to the API. Actors come from `clinic`.

mod attacks;
mod auth;
mod cases;
mod clinic;
mod cluster;
mod command;
mod contract;
mod definitions;
mod denied;
mod fhir;
mod forms;
mod fuzz;
mod journeys;
mod mail;
mod race;
mod replicas;
mod rows;
mod rrule;
mod tidy;
