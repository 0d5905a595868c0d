//! `/`: what this server is and what to open.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The start page.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The server's address as the outside sees it, without a slash at the end.
    pub public_url: String,
    /// Anteroom's own version.
    pub version: String,
    /// Whether the sample app is registered here, so that it can be opened.
    pub sample_app: bool,
    /// The sandbox's patients; empty on a practice's real server.
    pub logins: Vec<Login>,
}

/// One invented patient of the sandbox.
#[derive(Debug, Clone)]
pub struct Login {
    /// What to type as username; empty where the patient has no account.
    pub username: String,
    /// What to type as password; empty where the patient has no account.
    pub password: String,
    /// Given name and family name.
    pub name: String,
    /// What logging in as this patient shows, in a few words.
    pub shows: String,
}

impl Home {
    /// The sandbox's start page with three logins.
    pub fn sample() -> Self {
        Home {
            frame: Frame::sample("Start"),
            public_url: "http://127.0.0.1:8080".to_owned(),
            version: "0.1.0".to_owned(),
            sample_app: true,
            logins: vec![
                login(
                    "ana.moreno",
                    "garden-lamp-42",
                    "Ana Moreno",
                    "Records of every kind",
                ),
                login(
                    "ben.okafor",
                    "river-stone-17",
                    "Ben Okafor",
                    "Must choose a new password first",
                ),
                login("", "", "Carla Weiss", "Has no account yet"),
            ],
        }
    }

    /// The start page of a practice's real server, without logins.
    pub fn sample_of_a_practice() -> Self {
        let mut page = Home::sample();
        page.frame.sandbox = false;
        page.sample_app = false;
        page.logins.clear();
        page
    }
}

fn login(username: &str, password: &str, name: &str, shows: &str) -> Login {
    Login {
        username: username.to_owned(),
        password: password.to_owned(),
        name: name.to_owned(),
        shows: shows.to_owned(),
    }
}
