//! The patient's login form, shown while an app waits for its answer.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The login page. Fields: `username`, `password`, `email` where it is asked, `csrf`.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub struct Login {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// Where the form posts to.
    pub action: String,
    /// The session's form token.
    pub csrf: String,
    /// The app that asks; `None` before a page of our own.
    pub app: Option<AskingApp>,
    /// What was typed as username before, or empty.
    pub username: String,
    /// What was typed as e-mail before; `None` where the practice asks for none.
    pub email: Option<String>,
    /// Whether the page leads to `/reset`: after a failure, or always (F066), where the practice offers it (F043).
    pub reset: bool,
    /// The one sentence for every wrong login.
    pub error: Option<String>,
    /// A sentence of the practice for everybody who logs in (`login_banner`); empty where none.
    pub banner: String,
    /// The sentence shown when there were too many tries; says how long to wait.
    pub wait: Option<String>,
    /// Whether new patients may register.
    pub register: bool,
}

/// The app behind an authorization request, as the patient may judge it.
#[derive(Debug, Clone)]
pub struct AskingApp {
    /// The name the app was registered with, cut and cleaned for display.
    pub name: String,
    /// The host of its redirect address.
    pub host: String,
}

impl AskingApp {
    /// An invented app.
    pub fn sample() -> Self {
        AskingApp {
            name: "Health Diary".to_owned(),
            host: "diary.example".to_owned(),
        }
    }
}

impl Login {
    /// The empty form.
    pub fn sample() -> Self {
        Login {
            frame: Frame::sample("Log in"),
            action: "/login".to_owned(),
            csrf: "sample-form-token".to_owned(),
            app: Some(AskingApp::sample()),
            username: String::new(),
            email: None,
            reset: false,
            error: None,
            banner: String::new(),
            wait: None,
            register: true,
        }
    }

    /// The form after a wrong login, where the practice asks for the e-mail too.
    pub fn sample_refused() -> Self {
        Login {
            banner: "From 1 December you choose a new password when you log in.".to_owned(),
            username: "ana.moreno".to_owned(),
            email: Some("ana@mail.example".to_owned()),
            reset: true,
            error: Some("These details do not match. Check them and try again.".to_owned()),
            ..Login::sample()
        }
    }

    /// The form while further tries are refused.
    pub fn sample_waiting() -> Self {
        Login {
            username: "ana.moreno".to_owned(),
            wait: Some("There were too many tries. Wait 5 minutes, then try again.".to_owned()),
            ..Login::sample()
        }
    }

    /// The login form of staff, for the same request.
    fn staff(&self) -> String {
        self.action.replacen("/login", "/login/staff", 1)
    }

    /// The id of the form's error, for each field to name; empty where there is none.
    fn error_id(&self) -> &'static str {
        if self.error.is_some() {
            "login-error"
        } else {
            ""
        }
    }
}
