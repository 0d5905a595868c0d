//! Registration over the network: OAuth 2.0 Dynamic Client Registration (RFC 7591) and the form at /developers. Who may
//! be used at once, who waits for the practice, and how often anybody may ask.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::auth::Context;
use crate::auth::client;
use crate::auth::client::Added;
use crate::auth::client::Deed;
use crate::auth::client::NewClient;
use crate::auth::client::check;
use crate::auth::client::check::Wrong;
use crate::config::Registration;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::store::clients::Client;
use crate::store::clients::Kind;
use crate::store::throttle;
use crate::store::throttle::Reserved;

#[cfg(test)]
mod tests;

/// Who registers apps over the network.
const BY: [&str; 2] = ["registration", "developers page"];

/// What an app with a user gets that names no scopes.
const USUAL: &str = "openid fhirUser launch/patient patient/*.rs";

/// How an app may prove who it is at the token endpoint, in RFC 7591's words.
const METHODS: [&str; 4] = [
    "none",
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
];

/// Members of RFC 7591 whose names differ from the fields of [`NewClient`].
const MEMBERS: [(&str, &str); 3] = [
    ("name", "client_name"),
    ("logout_uris", "post_logout_redirect_uris"),
    ("contact", "contacts"),
];

/// Why nothing was registered.
#[derive(Debug)]
pub enum Rejected {
    /// The practice registers apps itself.
    Off,
    /// These members or fields are wrong; each with a sentence.
    Wrong(Vec<Wrong>),
    /// It came with a software statement, and this server trusts nobody who makes them.
    Statement,
    /// Too often, too many, or something broke.
    Failed(Failure),
}

impl From<Failure> for Rejected {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Self {
        Self::Failed(refusal.into())
    }
}

/// An app that asks to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The app.
    pub app: NewClient,
    /// How it wants to prove who it is: one of four words of RFC 7591.
    pub method: &'static str,
}

/// Registers an app for a caller, known by the fingerprint of the address; `by` is `registration` or
/// `developers page`. Only what could be registered is counted: somebody who corrects a form is not shut out.
///
/// # Errors
/// Why not, for [`Rejected`]'s reader.
pub async fn register(
    context: &Context<'_>,
    (address, by): (&str, &str),
    mut app: NewClient,
) -> Result<Added, Rejected> {
    if context.config.registration == Registration::Off {
        return Err(Rejected::Off);
    }
    // Neither is for the caller to say.
    app.client_id = None;
    app.verified = false;
    app.waits = waits(context.config.registration, &app);
    let deed = Deed::of(context, by);
    let wrong = check::check(&app, deed.inside);
    if !wrong.is_empty() {
        return Err(Rejected::Wrong(wrong));
    }
    let reserved = throttle::reserve_app(deed.db, address, context.seconds()).await?;
    if let Reserved::Wait(seconds) = reserved {
        return Err(Refusal::TooMany(seconds).into());
    }
    Ok(client::register(&deed, app, context.entropy).await?)
}

/// Whether an app waits for the practice. Where registration is open, apps that open no more than the record of the
/// patient who allows them do not; whatever works for staff, or with nobody there, does.
fn waits(registration: Registration, app: &NewClient) -> bool {
    match registration {
        Registration::Open => app.kind == Kind::Backend || asks_staff(&app.scope),
        Registration::Approval | Registration::Off => true,
    }
}

/// Whether scopes work for staff, or with nobody there.
fn asks_staff(scope: &str) -> bool {
    let asks = |scope: &Scope| {
        scope.word == Word::Launch || matches!(scope.level(), Some(Level::User | Level::System))
    };
    Scope::list(scope).iter().any(asks)
}

/// Whether staff may use an app. Where registration is open, one that registered itself for patients has been seen by
/// nobody at the practice: staff could give it every chart there is, and not their own alone as a patient does.
pub fn is_for_staff(registration: Registration, client: &Client) -> bool {
    let by_itself = BY.contains(&client.registered_by.as_str());
    registration != Registration::Open || !by_itself || client.verified || asks_staff(&client.scope)
}

/// Reads a registration request. What a caller has no say in (`client_id`, `client_secret`) and what is unknown is left
/// out, and so are scopes this server does not have.
///
/// # Errors
/// Every member of the wrong shape, or the software statement.
pub fn read(body: &[u8]) -> Result<Asked, Rejected> {
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
        let why = "Send one JSON object with members such as client_name, redirect_uris and scope.";
        return Err(Rejected::Wrong(vec![("body", why.to_owned())]));
    };
    if body
        .get("software_statement")
        .is_some_and(|it| !it.is_null())
    {
        return Err(Rejected::Statement);
    }
    let mut members = Members {
        body,
        wrong: Vec::new(),
    };
    let asked = members.asked();
    match members.wrong.is_empty() {
        true => Ok(asked),
        false => Err(Rejected::Wrong(members.wrong)),
    }
}

struct Members {
    body: Map<String, Value>,
    wrong: Vec<Wrong>,
}

impl Members {
    fn asked(&mut self) -> Asked {
        let grants = self.list("grant_types", "[\"authorization_code\"]");
        let scope = self.text("scope", "one text with blanks between the scopes");
        let method = self.method();
        let kind = self.kind(method, &grants, scope.as_deref().unwrap_or_default());
        self.grants(kind, &grants);
        let launch = "an https address";
        let launch_uri = self.text("launch_uri", launch);
        let login = self.text("initiate_login_uri", launch);
        let contacts = self.list("contacts", "[\"mail@app.example\"]");
        let name = self.text("client_name", "a text");
        let app = NewClient {
            redirect_uris: self.list("redirect_uris", "[\"https://app.example/callback\"]"),
            scope: self.scope(kind, scope),
            jwks: self.jwks(),
            jwks_uri: self.text("jwks_uri", "an https address"),
            launch_uri: launch_uri.or(login),
            logout_uris: self.list("post_logout_redirect_uris", "[\"https://app.example/\"]"),
            client_uri: self.text("client_uri", "an https address"),
            contact: Some(contacts.join(", ")).filter(|contact| !contact.is_empty()),
            ..NewClient::named(&name.unwrap_or_default(), kind)
        };
        Asked { app, method }
    }

    fn refuse(&mut self, member: &'static str, why: impl Into<String>) {
        self.wrong.push((member, why.into()));
    }

    /// A member that is a text; null is absent (RFC 7591, 2).
    fn text(&mut self, member: &'static str, expected: &str) -> Option<String> {
        match self.body.get(member) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.refuse(member, format!("Write {expected}."));
                None
            }
        }
    }

    /// A member that is a list of texts.
    fn list(&mut self, member: &'static str, example: &str) -> Vec<String> {
        let texts = match self.body.get(member) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect::<Option<Vec<String>>>(),
            Some(_) => None,
        };
        texts.unwrap_or_else(|| {
            self.refuse(member, format!("Write a list of texts, such as {example}."));
            Vec::new()
        })
    }

    fn method(&mut self) -> &'static str {
        let member = "token_endpoint_auth_method";
        let expected = "none, client_secret_basic, client_secret_post or private_key_jwt";
        let Some(word) = self.text(member, expected) else {
            return "client_secret_basic";
        };
        let known = METHODS.into_iter().find(|known| *known == word);
        known.unwrap_or_else(|| {
            self.refuse(member, format!("Write {expected}."));
            "none"
        })
    }

    fn kind(&mut self, method: &str, grants: &[String], scope: &str) -> Kind {
        let alone = grants.iter().any(|grant| grant == "client_credentials");
        let system = |scope: &Scope| scope.level() == Some(Level::System);
        match (method, alone || Scope::list(scope).iter().any(system)) {
            ("private_key_jwt", true) => Kind::Backend,
            ("private_key_jwt", false) => Kind::Asymmetric,
            (_, true) => {
                let why = "Backend services (client_credentials, system/ scopes) sign: write private_key_jwt and \
                    give jwks or jwks_uri.";
                self.refuse("token_endpoint_auth_method", why);
                Kind::Backend
            }
            ("none", false) => Kind::Public,
            _ => Kind::Confidential,
        }
    }

    fn grants(&mut self, kind: Kind, grants: &[String]) {
        let (known, expected): (&[&str], &str) = match kind {
            Kind::Backend => (
                &["client_credentials"],
                "A backend service has client_credentials and nothing else; register an app with a user apart.",
            ),
            _ => (
                &["authorization_code", "refresh_token"],
                "Write authorization_code, with or without refresh_token, or client_credentials for a backend service.",
            ),
        };
        if grants.iter().any(|grant| !known.contains(&grant.as_str())) {
            self.refuse("grant_types", expected);
        }
        let responses = self.list("response_types", "[\"code\"]");
        if responses.iter().any(|response| response != "code") {
            self.refuse("response_types", "Write [\"code\"], the only one there is.");
        }
    }

    fn scope(&mut self, kind: Kind, asked: Option<String>) -> String {
        match (asked, kind) {
            (Some(asked), _) => {
                let known = Scope::join(&Scope::list(&asked));
                if known.is_empty() && !asked.trim().is_empty() {
                    let why = "None of these is a scope of this server; write such as patient/Patient.rs.";
                    self.refuse("scope", why);
                }
                known
            }
            (None, Kind::Backend) => String::new(),
            (None, _) => USUAL.to_owned(),
        }
    }

    fn jwks(&mut self) -> Option<String> {
        match self.body.get("jwks") {
            None | Some(Value::Null) => None,
            Some(Value::Object(set)) => Some(Value::Object(set.clone()).to_string()),
            Some(_) => {
                self.refuse("jwks", "Write a JWK set: {\"keys\": [...]}.");
                None
            }
        }
    }
}

/// The member of RFC 7591 that a field of [`NewClient`] is.
pub fn member(field: &'static str) -> &'static str {
    let found = MEMBERS.iter().find(|(known, _)| *known == field);
    found.map_or(field, |(_, member)| member)
}

/// What an app may do now, in words.
pub fn status(client: &Client) -> &'static str {
    match client.waits {
        true => "waiting for the practice",
        false => "active",
    }
}

/// The answer to a registration (RFC 7591, 3.2.1): what was really registered.
pub fn answer(added: &Added, method: &str) -> Value {
    let client = &added.client;
    let scopes = Scope::list(&client.scope);
    let lasts =
        Scope::has(&scopes, &Word::OfflineAccess) || Scope::has(&scopes, &Word::OnlineAccess);
    let (grants, responses) = match (client.kind, lasts) {
        (Kind::Backend, _) => (json!(["client_credentials"]), json!([])),
        (_, true) => (
            json!(["authorization_code", "refresh_token"]),
            json!(["code"]),
        ),
        (_, false) => (json!(["authorization_code"]), json!(["code"])),
    };
    let mut answer = json!({
        "client_id": client.client_id,
        "client_id_issued_at": client.created,
        "client_name": client.name,
        "token_endpoint_auth_method": method,
        "grant_types": grants,
        "response_types": responses,
        "redirect_uris": client.redirect_uris,
        "scope": client.scope,
        "anteroom_status": status(client),
    });
    let jwks = client.jwks.as_deref();
    let rest = [
        ("client_secret", added.secret.clone().map(Value::from)),
        (
            "client_secret_expires_at",
            added.secret.as_ref().map(|_| json!(0)),
        ),
        (
            "jwks",
            jwks.and_then(|text| serde_json::from_str(text).ok()),
        ),
        ("jwks_uri", client.jwks_uri.clone().map(Value::from)),
        ("launch_uri", client.launch_uri.clone().map(Value::from)),
        (
            "initiate_login_uri",
            client.launch_uri.clone().map(Value::from),
        ),
        ("client_uri", client.client_uri.clone().map(Value::from)),
        (
            "contacts",
            client.contact.clone().map(|contact| json!([contact])),
        ),
        (
            "post_logout_redirect_uris",
            Some(json!(client.logout_uris)).filter(|_| !client.logout_uris.is_empty()),
        ),
    ];
    for (name, value) in rest {
        if let Some(value) = value {
            answer[name] = value;
        }
    }
    answer
}
