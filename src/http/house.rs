//! What the loops behind the server need of the one shared state.

use crate::auth::Context;
use crate::auth::keys::Keys;
use crate::config::Config;
use crate::emr::Emr;
use crate::http::App;
use crate::http::oauth;
use crate::worker::jobs::House;

impl House for App {
    fn context<'a>(&'a self, request_id: &'a str) -> Context<'a> {
        oauth::context(self, self.base.url(), request_id)
    }
}

impl AsRef<Emr> for App {
    fn as_ref(&self) -> &Emr {
        &self.emr
    }
}

impl AsRef<Config> for App {
    fn as_ref(&self) -> &Config {
        &self.config
    }
}

impl AsRef<Keys> for App {
    fn as_ref(&self) -> &Keys {
        &self.keys
    }
}
