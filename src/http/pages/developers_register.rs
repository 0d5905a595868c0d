//! `/developers/register`: the form with which a developer registers an app, and the page that tells its id.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The form. Fields: `name`, `kind`, `redirect_uris`, `scope` (checkboxes), `more_scopes`, `launch_uri`, `jwks`,
/// `jwks_uri`, `client_uri`, `contact`, `logout_uris`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "developers_register.html")]
pub struct RegisterApp {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The browser's form token.
    pub csrf: String,
    /// Who may be used at once and who waits.
    pub policy: Policy,
    /// What was typed before.
    pub typed: Typed,
    /// The scopes to tick, under their headings.
    pub groups: Vec<Group>,
    /// Field name and sentence, for each field that must be corrected.
    pub field_errors: Vec<(String, String)>,
    /// The sentence for the form as a whole.
    pub error: Option<String>,
}

/// What the practice lets anybody register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Apps for patients may be used at once.
    Open,
    /// Every app waits.
    Approval,
    /// Nothing.
    Off,
}

/// What was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// The app's name.
    pub name: String,
    /// One of the four kinds, as a word.
    pub kind: String,
    /// Redirect addresses, one a line.
    pub redirect_uris: String,
    /// The ticked scopes.
    pub scopes: Vec<String>,
    /// Further scopes, parted by blanks.
    pub more_scopes: String,
    /// Where staff start it.
    pub launch_uri: String,
    /// Its key set.
    pub jwks: String,
    /// Where its key set is.
    pub jwks_uri: String,
    /// Its home page.
    pub client_uri: String,
    /// Whom to write to.
    pub contact: String,
    /// Where a browser may be sent after logging out, one a line.
    pub logout_uris: String,
}

/// Scopes under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// The scopes, and what each means where that needs saying.
    pub scopes: Vec<(String, &'static str)>,
}

/// A kind of app as the form explains it: word, title, sentence.
type Choice = (&'static str, &'static str, &'static str);

const KINDS: [Choice; 4] = [
    (
        "public",
        "Public",
        "It runs in a browser or on a phone and cannot keep a secret. PKCE protects it.",
    ),
    (
        "confidential",
        "Confidential, with a secret",
        "It runs on a server of yours. You get a secret, shown once.",
    ),
    (
        "asymmetric",
        "Confidential, with a key pair",
        "It runs on a server of yours and signs with its own private key (private_key_jwt). The safest for apps with a server.",
    ),
    (
        "backend",
        "Backend service",
        "No user and no browser: it signs with its own key and reads what the practice allowed it, with system/ scopes.",
    ),
];

impl RegisterApp {
    /// The empty form.
    pub fn sample() -> Self {
        RegisterApp {
            frame: Frame::sample("Register an app"),
            csrf: "sample-form-token".to_owned(),
            policy: Policy::Open,
            typed: Typed {
                kind: "public".to_owned(),
                scopes: vec!["openid".to_owned(), "patient/*.rs".to_owned()],
                ..Typed::default()
            },
            groups: vec![
                Group {
                    title: "Login and launch",
                    scopes: vec![("openid".to_owned(), "An id token: who logged in.")],
                },
                Group {
                    title: "The record of the patient who allows it",
                    scopes: vec![
                        ("patient/*.rs".to_owned(), "Read everything there is."),
                        ("patient/Appointment.rs".to_owned(), ""),
                    ],
                },
            ],
            field_errors: Vec::new(),
            error: None,
        }
    }

    /// The form after it was sent with mistakes.
    pub fn sample_refused() -> Self {
        let mut page = RegisterApp::sample();
        page.typed.name = "Health \"Diary\"".to_owned();
        page.typed.redirect_uris = "http://diary.example/<cb>".to_owned();
        page.error = Some("Nothing was registered yet. Correct the marked fields.".to_owned());
        let fields = [
            "name",
            "kind",
            "redirect_uris",
            "scope",
            "launch_uri",
            "jwks",
            "jwks_uri",
            "client_uri",
            "contact",
            "logout_uris",
        ];
        page.field_errors = fields
            .map(|field| {
                (
                    field.to_owned(),
                    "This is not right; write it so.".to_owned(),
                )
            })
            .to_vec();
        page
    }

    /// The page of a practice that registers apps itself.
    pub fn sample_off() -> Self {
        RegisterApp {
            policy: Policy::Off,
            ..RegisterApp::sample()
        }
    }

    /// The four kinds.
    fn kinds(&self) -> [Choice; 4] {
        KINDS
    }

    /// The sentence for one field, or empty.
    fn error_of(&self, field: &str) -> &str {
        let found = self.field_errors.iter().find(|(name, _)| name == field);
        found.map_or("", |(_, sentence)| sentence.as_str())
    }

    fn is_ticked(&self, scope: &str) -> bool {
        self.typed.scopes.iter().any(|ticked| ticked == scope)
    }
}

/// The page after an app was registered: the only time its secret is shown.
#[derive(Debug, Template)]
#[template(path = "developers_registered.html")]
pub struct Registered {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The server's address and issuer, without a slash at the end.
    pub public_url: String,
    /// The FHIR base, without a slash at the end.
    pub fhir_base: String,
    /// The app's name.
    pub name: String,
    /// `public`, `confidential`, `asymmetric` or `backend`.
    pub kind: &'static str,
    /// Its id.
    pub client_id: String,
    /// Its secret, where it has one.
    pub secret: Option<String>,
    /// Its first redirect address; empty for a backend service.
    pub redirect_uri: String,
    /// Its scopes.
    pub scope: String,
    /// Whether it waits for the practice.
    pub waits: bool,
}

impl Registered {
    /// A confidential app that may be used at once.
    pub fn sample() -> Self {
        Registered {
            frame: Frame::sample("Your app is registered"),
            public_url: "http://127.0.0.1:8080".to_owned(),
            fhir_base: "http://127.0.0.1:8080/fhir".to_owned(),
            name: "Health Diary".to_owned(),
            kind: "confidential",
            client_id: "a1B2c3D4e5F6g7H8i9J0k1".to_owned(),
            secret: Some("cs_sample".to_owned()),
            redirect_uri: "https://diary.example/callback?who='me'".to_owned(),
            scope: "openid launch/patient patient/*.rs".to_owned(),
            waits: false,
        }
    }

    /// A backend service that waits.
    pub fn sample_waiting() -> Self {
        Registered {
            name: "Nightly".to_owned(),
            kind: "backend",
            secret: None,
            redirect_uri: String::new(),
            scope: "system/*.rs".to_owned(),
            waits: true,
            ..Registered::sample()
        }
    }

    /// A value inside single quotes, as a shell takes it.
    fn quoted(&self, value: &str) -> String {
        format!("'{}'", value.replace('\'', "'\\''"))
    }

    fn signs(&self) -> bool {
        matches!(self.kind, "asymmetric" | "backend")
    }

    fn has_user(&self) -> bool {
        self.kind != "backend"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_173_what_was_typed_is_shown_as_text_and_kept() {
        let html = RegisterApp::sample_refused().render().unwrap();
        assert!(!html.contains("<cb>"));
        assert!(html.contains("Health &#34;Diary&#34;"), "{html}");
        assert!(html.contains("http://diary.example/&#60;cb&#62;"));
        for field in ["name", "redirect_uris", "jwks"] {
            let marked = format!("id=\"{field}-error\"");
            assert_eq!(html.matches(&marked).count(), 1, "{field}");
        }
    }

    #[test]
    fn a_walk_through_survives_a_shell() {
        let page = Registered::sample();
        assert_eq!(page.quoted("a'b"), "'a'\\''b'");
        assert!(page.render().unwrap().contains("cs_sample"));
        let waiting = Registered::sample_waiting().render().unwrap();
        assert!(waiting.contains("client_assertion") && waiting.contains("waits"));
    }
}
