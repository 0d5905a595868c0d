//! `/developers`: how an app developer starts against this server.

use super::developers_register::Policy;
use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The developers' page.
#[derive(Debug, Template)]
#[template(path = "developers.html")]
pub struct Developers {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The server's address and issuer, without a slash at the end.
    pub public_url: String,
    /// The FHIR base, without a slash at the end.
    pub fhir_base: String,
    /// Who may register apps.
    pub policy: Policy,
    /// A ready public client; `None` on a practice's real server.
    pub client: Option<ReadyClient>,
    /// Every scope the server grants.
    pub scopes: Vec<String>,
    /// The rows of the CapabilityStatement.
    pub resources: Vec<ResourceRow>,
}

/// A public client that is there from the start.
#[derive(Debug, Clone)]
pub struct ReadyClient {
    /// Its `client_id`.
    pub client_id: String,
    /// Its registered redirect.
    pub redirect_uri: String,
    /// The scopes it may ask for, parted by blanks.
    pub scope: String,
}

/// One resource type of the CapabilityStatement.
#[derive(Debug, Clone)]
pub struct ResourceRow {
    /// The type's name.
    pub name: String,
    /// FHIR's names of the interactions: `read`, `search-type`, `patch`.
    pub interactions: Vec<String>,
    /// Names of the search parameters.
    pub search: Vec<String>,
}

impl Developers {
    /// The sandbox's page with two resources.
    pub fn sample() -> Self {
        let words = |list: &str| list.split(' ').map(str::to_owned).collect::<Vec<String>>();
        Developers {
            frame: Frame::sample("For developers"),
            public_url: "http://127.0.0.1:8080".to_owned(),
            fhir_base: "http://127.0.0.1:8080/fhir".to_owned(),
            policy: Policy::Open,
            client: Some(ReadyClient {
                client_id: "demo-public".to_owned(),
                redirect_uri: "http://127.0.0.1:8765/callback".to_owned(),
                scope: "openid fhirUser launch/patient offline_access patient/Patient.rs patient/Appointment.rs".to_owned(),
            }),
            scopes: words("openid fhirUser launch/patient offline_access patient/Patient.rs patient/Appointment.rus patient/DocumentReference.rs"),
            resources: vec![
                ResourceRow {
                    name: "Patient".to_owned(),
                    interactions: words("read search-type"),
                    search: words("_id"),
                },
                ResourceRow {
                    name: "Appointment".to_owned(),
                    interactions: words("read search-type update patch"),
                    search: words("_id date patient status"),
                },
            ],
        }
    }

    /// The page of a practice's real server.
    pub fn sample_of_a_practice() -> Self {
        let mut page = Developers::sample();
        page.frame.sandbox = false;
        page.client = None;
        page.policy = Policy::Approval;
        page
    }

    /// The page of a practice that registers apps itself.
    pub fn sample_without_registration() -> Self {
        let mut page = Developers::sample_of_a_practice();
        page.policy = Policy::Off;
        page
    }

    fn client_id(&self) -> &str {
        self.client
            .as_ref()
            .map_or("YOUR_CLIENT_ID", |client| &client.client_id)
    }

    fn redirect_uri(&self) -> &str {
        self.client
            .as_ref()
            .map_or("https://your-app.example/callback", |client| {
                &client.redirect_uri
            })
    }

    fn scope(&self) -> &str {
        self.client.as_ref().map_or(
            "openid fhirUser launch/patient patient/Patient.rs",
            |client| &client.scope,
        )
    }
}
