//! Login, launch, tokens, discovery: as a browser and an app see them.

mod activity;
mod apps;
mod attacks;
mod audit;
mod discovery;
mod endpoint;
mod explain;
mod keys;
mod kinds;
mod launch;
mod login;
mod logout;
mod machines;
mod register;
mod staff;
mod staff_pages;
mod token;
mod upstream;
mod ways_back;
