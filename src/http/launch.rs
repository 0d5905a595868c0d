//! `POST /launch`: an app is started for a patient, by the desk's form or by an EMR with a token of a member of staff.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::auth::launch;
use crate::auth::launch::Wish;
use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::colleague;
use crate::emr::persons;
use crate::http::App;
use crate::http::forms;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::staff;

/// What a program sends, as JSON; in a form the names are the same.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    client_id: String,
    patient: String,
    encounter: Option<String>,
    intent: Option<String>,
    need_patient_banner: Option<bool>,
}

/// `POST /launch`: with a token 201 and the address as JSON, from the desk's form 303 to the app.
pub async fn start(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if headers.contains_key(AUTHORIZATION) {
        let made = by_token(&app, &id, &headers, body).await;
        return match made {
            Ok(url) => json(
                StatusCode::CREATED,
                &serde_json::json!({ "launch_url": url }),
            ),
            Err(failure) => refused(&app, &id, failure),
        };
    }
    let made = by_form(&app, &id, &headers, body).await;
    made.unwrap_or_else(|failure| reply::page(&app, &id.0, failure))
}

async fn by_form(app: &App, id: &RequestId, headers: &HeaderMap, body: Body) -> Answer<Response> {
    let (form, _) = forms::own_form(app, headers, body).await?;
    let Some((colleague, _)) = staff::member(app, id, headers).await? else {
        return Ok(forms::log_in_first(app, id, "/staff/launch", headers).await);
    };
    let wish = Wish {
        client_id: form.text("client_id"),
        patient: form.text("patient"),
        encounter: form.text("encounter"),
        intent: form.text("intent"),
        banner: banner(&form.text("need_patient_banner"))?,
    };
    let base = app.config.fhir_base();
    let url = launch::launch(&context(app, &base, &id.0), &colleague, &wish).await?;
    Ok(see_other(&url))
}

async fn by_token(app: &App, id: &RequestId, headers: &HeaderMap, body: Body) -> Answer<String> {
    let grant = guard::grant(app, headers).await?;
    let User::Staff(member) = grant.user() else {
        return Err(Refusal::Forbidden("Only a token of a member of staff starts an app.").into());
    };
    let wish = wish(headers, body).await?;
    within(app, &grant, &wish.patient).await?;
    let found = colleague::by_id(&app.emr, member.id).await?;
    let colleague = found.ok_or(Refusal::Unauthenticated)?;
    let base = app.config.fhir_base();
    launch::launch(&context(app, &base, &id.0), &colleague, &wish).await
}

/// A token starts an app for the patients it reaches itself, and for nobody else. What is no patient's id is left to the
/// launch, which names it.
async fn within(app: &App, grant: &Grant, patient: &str) -> Answer<()> {
    let reach = grant.reach(ResourceType::Patient, Interaction::Read)?;
    let Ok(id) = Uuid::try_parse(patient.trim()) else {
        return Ok(());
    };
    let Some(person) = persons::by_uuid(&app.emr, id).await? else {
        return Ok(());
    };
    let reached = reach.within(person).is_some();
    let no = "The token's scope does not reach this patient.";
    reached
        .then_some(())
        .ok_or_else(|| Refusal::Forbidden(no).into())
}

/// A body of either kind.
async fn wish(headers: &HeaderMap, body: Body) -> Answer<Wish> {
    let asked = match negotiate::media_type(headers).as_str() {
        "application/json" => {
            let bytes = negotiate::bytes(body).await?;
            serde_json::from_slice(&bytes).map_err(|error| {
                let why = format!(
                    "body: expected a JSON object with client_id, patient and optionally encounter, intent and \
                     need_patient_banner (line {}, column {} is not)",
                    error.line(),
                    error.column()
                );
                Refusal::invalid("body", why)
            })?
        }
        "application/x-www-form-urlencoded" => {
            let pairs = negotiate::form(headers, body).await?;
            let text = |name: &str| {
                let pair = pairs.iter().find(|(known, _)| known == name);
                pair.map(|(_, value)| value.clone())
            };
            Asked {
                client_id: text("client_id").unwrap_or_default(),
                patient: text("patient").unwrap_or_default(),
                encounter: text("encounter"),
                intent: text("intent"),
                need_patient_banner: match text("need_patient_banner") {
                    Some(word) => Some(banner(&word)?),
                    None => None,
                },
            }
        }
        _ => {
            let wanted = "Send application/json or application/x-www-form-urlencoded.";
            return Err(Refusal::UnsupportedMediaType(wanted).into());
        }
    };
    Ok(Wish {
        client_id: asked.client_id,
        patient: asked.patient,
        encounter: asked.encounter.unwrap_or_default(),
        intent: asked.intent.unwrap_or_default(),
        banner: asked.need_patient_banner.unwrap_or(true),
    })
}

/// `need_patient_banner` of a form; absent, the app shows whose record it is.
fn banner(word: &str) -> Result<bool, Refusal> {
    match word {
        "" | "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Refusal::invalid(
            "need_patient_banner",
            "need_patient_banner: expected true or false.",
        )),
    }
}

/// An error for a program: a word, and the sentence that names the parameter.
fn refused(app: &App, id: &RequestId, failure: Failure) -> Response {
    let refusal = match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Broken(fault) => {
            reply::log(&fault, &id.0);
            let body = serde_json::json!({ "error": "server_error" });
            return json(StatusCode::INTERNAL_SERVER_ERROR, &body);
        }
    };
    let status = reply::status(&refusal);
    let word = match status {
        StatusCode::UNAUTHORIZED => "invalid_token",
        StatusCode::FORBIDDEN => "insufficient_scope",
        StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        _ => "invalid_request",
    };
    let body = serde_json::json!({
        "error": word,
        "error_description": reply::sentence(&refusal),
    });
    let mut response = json(status, &body);
    let challenge = format!(
        "Bearer realm=\"{}\", error=\"{word}\"",
        app.config.public_url
    );
    if let (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Ok(value)) =
        (status, HeaderValue::from_str(&challenge))
    {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}

fn json(status: StatusCode, body: &Value) -> Response {
    let never = HeaderValue::from_static("no-store");
    (status, [(CACHE_CONTROL, never)], Json(body)).into_response()
}
