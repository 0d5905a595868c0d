//! Login, launch, tokens, discovery: as a browser and an app see them.

mod activate;
mod apps;
mod attacks;
mod discovery;
pub(crate) mod email_change;
mod endpoint;
mod explain;
mod keys;
mod kinds;
mod launch;
mod login;
mod logout;
mod machines;
pub(crate) mod mailbox;
mod onboarding;
mod own_login;
mod register;
mod reset;
mod staff;
mod staff_pages;
mod token;
mod upstream;
mod ways_back;
