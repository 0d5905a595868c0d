//! Login, launch, tokens, discovery: as a browser and an app see them.

mod apps;
mod attacks;
mod discovery;
mod endpoint;
mod enrol;
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
