//! Login, launch, tokens, discovery: as a browser and an app see them.

mod attacks;
mod discovery;
mod launch;
mod login;
mod token;
