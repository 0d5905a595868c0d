//! Login, launch, tokens, discovery: as a browser and an app see them.

mod activate;
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
mod mailbox;
mod register;
mod reset;
pub(crate) mod staff;
mod staff_pages;
mod token;
mod upstream;
mod ways_back;
