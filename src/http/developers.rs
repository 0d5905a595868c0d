//! `/developers` and the form there with which a developer registers an app.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::client::Added;
use crate::auth::client::NewClient;
use crate::auth::client::check::Wrong;
use crate::auth::csrf;
use crate::auth::registration;
use crate::auth::registration::Rejected;
use crate::config::Registration;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::fhir::capability;
use crate::http::App;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::oauth::context;
use crate::http::pages::developers::Developers;
use crate::http::pages::developers::ReadyClient;
use crate::http::pages::developers::ResourceRow;
use crate::http::pages::developers_register::Group;
use crate::http::pages::developers_register::Policy;
use crate::http::pages::developers_register::RegisterApp;
use crate::http::pages::developers_register::Registered;
use crate::http::pages::developers_register::Typed;
use crate::http::register;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::site::SANDBOX_CLIENT;
use crate::store::clients;
use crate::store::clients::Kind;

/// Scopes beside those of resources, and what each means to a developer.
const WORDS: [(&str, &str); 6] = [
    ("openid", "An id token: who logged in."),
    ("fhirUser", "The FHIR resource of whoever logged in."),
    (
        "launch/patient",
        "A patient in context when your app starts on its own.",
    ),
    (
        "launch",
        "The context staff started your app in. Waits for the practice.",
    ),
    (
        "offline_access",
        "A refresh token that works while nobody is there.",
    ),
    (
        "online_access",
        "A refresh token that works while the user stays logged in.",
    ),
];

/// What is ticked at first.
const USUAL: [&str; 4] = ["openid", "fhirUser", "launch/patient", "patient/*.rs"];

/// `GET /developers`
pub async fn page(State(app): State<Arc<App>>, id: RequestId) -> Response {
    let client = match clients::find(&app.emr.db, SANDBOX_CLIENT).await {
        Ok(client) => client.filter(|_| app.config.sandbox),
        Err(failure) => return reply::page(&app, &id.0, failure),
    };
    let page = Developers {
        frame: reply::frame(&app, "For developers"),
        public_url: app.config.public_url.clone(),
        fhir_base: app.config.fhir_base(),
        policy: policy(&app),
        client: client.map(|client| ReadyClient {
            client_id: client.client_id,
            redirect_uri: client.redirect_uris.first().cloned().unwrap_or_default(),
            scope: client.scope,
        }),
        scopes: capability::scopes(),
        resources: capability::table()
            .into_iter()
            .map(|row| ResourceRow {
                name: row.name.to_owned(),
                interactions: row.interactions,
                search: row.search,
            })
            .collect(),
    };
    reply::html(StatusCode::OK, page)
}

/// `GET /developers/register`: the form. A browser without a visitor cookie gets one, for the form to be bound to.
pub async fn form(State(app): State<Arc<App>>, id: RequestId, headers: HeaderMap) -> Response {
    let shown = |token: &str| {
        let typed = Typed {
            kind: Kind::Public.word().to_owned(),
            scopes: USUAL.map(str::to_owned).to_vec(),
            ..Typed::default()
        };
        reply::html(StatusCode::OK, view(&app, token, typed))
    };
    forms::open_page(&app, &id, &headers, shown)
}

/// `POST /developers/register`: the same policy and the same counters as `POST /oauth2/register`.
pub async fn form_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    extensions: Extensions,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let address = register::fingerprint(&app, &headers, &extensions);
    let answered: Answer<Response> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let typed = typed(&form);
        let base = app.config.fhir_base();
        let caller = (address.as_str(), "developers page");
        let context = context(&app, &base, &id.0);
        let asked = match Kind::of(&typed.kind) {
            Some(kind) => registration::register(&context, caller, wanted(&typed, kind)).await,
            None => {
                let why = "Choose one of the four.".to_owned();
                Err(Rejected::Wrong(vec![("kind", why)]))
            }
        };
        match asked {
            Ok(added) => Ok(reply::html(StatusCode::CREATED, registered(&app, added))),
            Err(rejected) => again(&app, visitor.token, typed, rejected),
        }
    }
    .await;
    answered.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

/// The form once more, with what was typed and what is wrong with it.
fn again(app: &App, token: &str, typed: Typed, rejected: Rejected) -> Answer<Response> {
    let wrong = match rejected {
        Rejected::Wrong(wrong) => wrong,
        // The page says so itself; a form sent to it is an old one.
        Rejected::Off | Rejected::Statement => Vec::new(),
        Rejected::Failed(Failure::Refused(
            refusal @ (Refusal::TooMany(_) | Refusal::Unavailable(_)),
        )) => {
            return Ok(later(app, token, typed, &refusal));
        }
        Rejected::Failed(failure) => return Err(failure),
    };
    let own = |(field, sentence): Wrong| (field.to_owned(), sentence);
    let page = RegisterApp {
        field_errors: wrong.into_iter().map(own).collect(),
        error: Some("Nothing was registered yet. Correct the marked fields.".to_owned()),
        ..view(app, token, typed)
    };
    let status = match page.policy {
        Policy::Off => StatusCode::FORBIDDEN,
        Policy::Open | Policy::Approval => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(reply::html(status, page))
}

/// The form once more: nothing is wrong with it but the moment.
fn later(app: &App, token: &str, typed: Typed, refusal: &Refusal) -> Response {
    let page = RegisterApp {
        error: Some(reply::sentence(refusal)),
        ..view(app, token, typed)
    };
    let mut response = reply::html(reply::status(refusal), page);
    register::wait(&mut response, refusal);
    response
}

fn view(app: &App, token: &str, typed: Typed) -> RegisterApp {
    RegisterApp {
        frame: reply::frame(app, "Register an app"),
        csrf: csrf::token(token),
        policy: policy(app),
        typed,
        groups: groups(),
        field_errors: Vec::new(),
        error: None,
    }
}

fn policy(app: &App) -> Policy {
    match app.config.registration {
        Registration::Open => Policy::Open,
        Registration::Approval => Policy::Approval,
        Registration::Off => Policy::Off,
    }
}

/// The scopes to tick: those of patients type by type, those of staff and services as a whole.
fn groups() -> Vec<Group> {
    let mut patient = vec![(
        "patient/*.rs".to_owned(),
        "Read everything a patient may see.",
    )];
    for scope in capability::scopes() {
        let whole = scope.contains('*') || scope.contains('?') || scope.ends_with(".read");
        if scope.starts_with("patient/") && !whole {
            patient.push((scope, ""));
        }
    }
    let owned = |(scope, meaning): (&str, &'static str)| (scope.to_owned(), meaning);
    vec![
        Group {
            title: "Login and launch",
            scopes: WORDS.map(owned).to_vec(),
        },
        Group {
            title: "The record of the patient who allows it",
            scopes: patient,
        },
        Group {
            title: "For staff: waits for the practice",
            scopes: vec![owned((
                "user/*.rs",
                "Read what the member of staff who logs in may see.",
            ))],
        },
        Group {
            title: "For a backend service: waits for the practice",
            scopes: vec![owned((
                "system/*.rs",
                "Read every patient's record, with nobody there.",
            ))],
        },
    ]
}

fn typed(form: &Form) -> Typed {
    let line = |name: &str| form.text(name).trim().to_owned();
    Typed {
        name: line("name"),
        kind: line("kind"),
        redirect_uris: form.text("redirect_uris"),
        scopes: form.all("scope"),
        more_scopes: line("more_scopes"),
        launch_uri: line("launch_uri"),
        jwks: form.text("jwks"),
        jwks_uri: line("jwks_uri"),
        client_uri: line("client_uri"),
        contact: line("contact"),
        logout_uris: form.text("logout_uris"),
    }
}

fn wanted(typed: &Typed, kind: Kind) -> NewClient {
    let lines = |text: &str| {
        text.lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    };
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let more = typed.more_scopes.split_whitespace().map(str::to_owned);
    let scopes: Vec<String> = typed.scopes.iter().cloned().chain(more).collect();
    NewClient {
        redirect_uris: lines(&typed.redirect_uris),
        scope: scopes.join(" "),
        jwks: given(&typed.jwks),
        jwks_uri: given(&typed.jwks_uri),
        launch_uri: given(&typed.launch_uri),
        logout_uris: lines(&typed.logout_uris),
        client_uri: given(&typed.client_uri),
        contact: given(&typed.contact),
        ..NewClient::named(&typed.name, kind)
    }
}

fn registered(app: &App, added: Added) -> Registered {
    let client = added.client;
    Registered {
        frame: reply::frame(app, "Your app is registered"),
        public_url: app.config.public_url.clone(),
        fhir_base: app.config.fhir_base(),
        name: client.name,
        kind: client.kind.word(),
        client_id: client.client_id,
        secret: added.secret,
        redirect_uri: client.redirect_uris.first().cloned().unwrap_or_default(),
        scope: client.scope,
        waits: client.waits,
    }
}
