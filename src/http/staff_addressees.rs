//! `/staff/addressees`: who of the practice takes messages from patients, for whoever administers users (F142). What is done
//! here goes the way an app's write goes.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use uuid::Uuid;

use crate::auth::csrf;
use crate::domain::ResourceType;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::colleague;
use crate::emr::colleague::Colleague;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::staff_addressees::Addressee;
use crate::http::pages::staff_addressees::Addressees;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::rest::Rest;
use crate::rest::answer;
use crate::rest::write::Booked;
use crate::rest::write::Payload;
use crate::rest::write::Request as Write;
use crate::rest::write::Target;
use crate::store::grants;

/// Where it is.
pub const HERE: &str = "/staff/addressees";

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 3] = [
    ("on", "Patients can write to them now."),
    ("off", "Patients cannot write to them any more."),
    (
        "too-late",
        "Somebody else was faster, and nothing was done. This is how it is now.",
    ),
];

/// `GET /staff/addressees`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (_, visitor) = door::desk(&app, &id, &headers, (HERE, Right::Users)).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let page = Addressees {
            notice: told.map_or("", |(_, sentence)| sentence),
            ..listed(&app, csrf::token(visitor.token)).await?
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/addressees` with `colleague` and `decision=on|off`.
pub async fn post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let asks = (HERE, Right::Users);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let refusal = match switched(&rest, &form).await {
            Ok(word) => return Ok(see_other(&format!("{HERE}?done={word}"))),
            Err(Failure::Refused(Refusal::Stale | Refusal::Conflict(_))) => {
                return Ok(see_other(&format!("{HERE}?done=too-late")));
            }
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        let page = Addressees {
            error: reply::sentence(&refusal),
            ..listed(&app, csrf::token(visitor.token)).await?
        };
        Ok(reply::html(reply::status(&refusal), page))
    }
    .await;
    door::shown(&app, &id, done)
}

/// Sends the patch an app would send; the word for what was done.
async fn switched(rest: &Rest<'_>, form: &Form) -> Answer<&'static str> {
    let (word, takes) = match form.text("decision").as_str() {
        "on" => ("on", true),
        "off" => ("off", false),
        _ => {
            let why = "Please use one of the buttons on the page.";
            return Err(Refusal::invalid("decision", why).into());
        }
    };
    let colleague = Uuid::try_parse(&form.text("colleague")).map_err(|_| Refusal::NotFound)?;
    let patch = json!([{"op": "replace", "path": "/extension/0/valueBoolean", "value": takes}]);
    let request = Write {
        kind: ResourceType::Practitioner,
        target: Target::Known(colleague),
        payload: Payload::Patch(patch.to_string().into_bytes()),
        if_match: None,
        if_none_exist: None,
        booked: Booked::default(),
    };
    answer::write(rest, request, (None, answer::Wanted::Minimal)).await?;
    Ok(word)
}

/// Everybody who works there, those who take messages first.
async fn listed(app: &App, csrf: String) -> Answer<Addressees> {
    let mut all: Vec<Colleague> = colleague::all(&app.emr).await?;
    all.retain(|one| one.active);
    all.sort_by(|one, other| {
        let key = |one: &Colleague| (!one.portal_user, one.display.to_lowercase());
        key(one).cmp(&key(other))
    });
    Ok(Addressees {
        frame: reply::frame(app, "Who takes messages"),
        csrf,
        notice: "",
        error: String::new(),
        nobody: all.iter().all(|one| !one.portal_user),
        colleagues: all.iter().map(row).collect(),
    })
}

fn row(one: &Colleague) -> Addressee {
    Addressee {
        id: one.staff.uuid.to_string(),
        name: plain(&one.display, 80),
        login: plain(&one.username, 80),
        takes: one.portal_user,
        reads: one.staff.has(Right::Notes),
    }
}
