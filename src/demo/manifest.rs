//! `demo.json`: what somebody, or something, that tries the sandbox needs to know.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use time::Date;

use crate::db::sql::date_text;
use crate::domain::refusal::Fault;

/// Who can log in, and who cannot and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sandbox {
    /// The patients, by chart number.
    pub patients: Vec<PatientLogin>,
    /// The staff whose passwords are told.
    pub staff: Vec<StaffLogin>,
}

/// A patient of the sandbox; what there is not is an empty string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PatientLogin {
    /// What the patient types.
    pub username: String,
    /// The password.
    pub password: String,
    /// Contact e-mail.
    pub email: String,
    /// `1984-02-29`
    pub birth_date: String,
    /// FHIR id.
    pub id: String,
    /// First and last name.
    pub name: String,
    /// The state of the account, in words.
    pub notes: String,
}

/// A member of staff of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StaffLogin {
    /// Login name.
    pub username: String,
    /// The password.
    pub password: String,
    /// FHIR id.
    pub id: String,
    /// First and last name.
    pub name: String,
    /// `portal-admin`, `portal-user`, `clinician`, or none.
    pub roles: Vec<String>,
}

/// An app the sandbox has registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoClient {
    /// OAuth client id.
    pub client_id: String,
    /// Its name, as people read it.
    #[serde(default)]
    pub name: String,
    /// `public`, `confidential`, `asymmetric` or `backend`.
    pub kind: String,
    /// Where it may be sent back to.
    pub redirect_uris: Vec<String>,
    /// The secret of a confidential app.
    pub client_secret: Option<String>,
    /// The private key of an app that signs.
    pub private_jwk: Option<Value>,
    /// Scopes it may ask for, separated by blanks.
    pub scope: String,
    /// Where staff start it.
    #[serde(default)]
    pub launch_uri: Option<String>,
}

/// The apps of a manifest that was written before, with their secrets; none where it cannot be read.
pub fn clients(demo_json: &str) -> Vec<DemoClient> {
    #[derive(Deserialize)]
    struct Kept {
        clients: Vec<DemoClient>,
    }
    let kept: Result<Kept, _> = serde_json::from_str(demo_json);
    kept.map(|kept| kept.clients).unwrap_or_default()
}

/// Where the sandbox is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Place<'a> {
    /// The issuer.
    pub public_url: &'a str,
    /// Base of the FHIR interface.
    pub fhir_base: &'a str,
    /// Where mail is put instead of being sent.
    pub mail_dir: &'a str,
    /// URL of the database.
    pub database: &'a str,
}

#[derive(Serialize)]
struct Manifest<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(flatten)]
    sandbox: &'a Sandbox,
    clients: &'a [DemoClient],
}

/// A birth date as the manifest writes it.
pub(super) fn birth_date(date: Date) -> String {
    date_text(date)
}

/// The text of `demo.json`.
///
/// # Errors
/// A fault where the parts cannot be written as JSON.
pub fn demo_json(
    sandbox: &Sandbox,
    place: Place<'_>,
    clients: &[DemoClient],
) -> Result<String, Fault> {
    let manifest = Manifest {
        place,
        sandbox,
        clients,
    };
    serde_json::to_string_pretty(&manifest).map_err(|error| Fault::new("writing demo.json", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_of_the_interface() {
        let sandbox = Sandbox {
            patients: vec![PatientLogin {
                username: "u".into(),
                password: "p".into(),
                email: String::new(),
                birth_date: "1984-02-29".into(),
                id: "i".into(),
                name: "Given Family".into(),
                notes: "active".into(),
            }],
            staff: vec![StaffLogin {
                username: "s".into(),
                password: "p".into(),
                id: "j".into(),
                name: "n".into(),
                roles: vec!["portal-admin".into()],
            }],
        };
        let place = Place {
            public_url: "http://127.0.0.1:8080",
            fhir_base: "http://127.0.0.1:8080/fhir",
            mail_dir: "m",
            database: "d",
        };
        let clients = [DemoClient {
            client_id: "c".into(),
            name: "n".into(),
            kind: "public".into(),
            redirect_uris: vec!["http://127.0.0.1:8765/callback".into()],
            client_secret: None,
            private_jwk: None,
            scope: "openid".into(),
            launch_uri: None,
        }];
        let text = demo_json(&sandbox, place, &clients).expect("plain data");
        let read: Value = serde_json::from_str(&text).expect("JSON");
        let keys = |value: &Value| -> Vec<String> {
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect()
        };
        let sorted = |names: &[&str]| {
            let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names.sort();
            names
        };
        let mut top = keys(&read);
        top.sort();
        let all = [
            "public_url",
            "fhir_base",
            "mail_dir",
            "database",
            "patients",
            "staff",
            "clients",
        ];
        assert_eq!(top, sorted(&all));
        assert_eq!(super::clients(&text), clients, "it is read back as it was");
        assert_eq!(super::clients("{}"), []);
        let mut client = keys(&read["clients"][0]);
        client.sort();
        let all = [
            "client_id",
            "name",
            "launch_uri",
            "kind",
            "redirect_uris",
            "client_secret",
            "private_jwk",
            "scope",
        ];
        assert_eq!(client, sorted(&all));
        assert_eq!(read["patients"][0]["birth_date"], "1984-02-29");
        assert_eq!(read["staff"][0]["roles"][0], "portal-admin");
        assert!(read["clients"][0]["client_secret"].is_null());
    }
}
