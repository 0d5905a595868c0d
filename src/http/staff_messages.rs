//! `/staff/messages`: the own mailbox of a member of staff: what is unread first, each answered, completed or put away in
//! place, and a new message to a patient who is looked for. OpenEMR's own screens show all of it.

pub mod many;

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::csrf;
use crate::auth::desk;
use crate::auth::session::Visitor;
use crate::db::sql::date_text;
use crate::domain::access::Right;
use crate::domain::people::Person;
use crate::domain::records::Topic;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::emr::mail::threads::Whose;
use crate::emr::patients;
use crate::emr::patients::Found;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::messages::filled;
use crate::http::messages::filled::Filled;
use crate::http::messages::shown;
use crate::http::messages::shown::Side;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::messages::StaffNewMessage;
use crate::http::pages::messages::Written;
use crate::http::pages::plain::plain;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::staff_signin::Searched;
use crate::rest::Rest;
use crate::store::grants;

/// Where it is.
pub const HERE: &str = "/staff/messages";

/// Where a new message is written.
const NEW: &str = "/staff/messages/new";

/// `GET /staff/messages`, with `folder` and `after`.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (colleague, visitor) = let_in(&app, &id, &headers, HERE).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let side = side(&app, &rest, &colleague);
        Ok(side.inbox(query.as_deref(), visitor.token).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `GET /staff/messages/{id}`: the thread of a message. What is new in it counts as read from now on.
pub async fn one(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let message = path.and_then(|Path(message)| Uuid::try_parse(&message).ok());
    let shown: Result<Response, Away> = async {
        let back = message.map_or_else(|| HERE.to_owned(), |one| format!("{HERE}/{one}"));
        let (colleague, visitor) = let_in(&app, &id, &headers, &back).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let side = side(&app, &rest, &colleague);
        let asked = (query.as_deref(), visitor.token);
        Ok(side.opened(message, asked).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/messages/{id}` with `decision=reply|archive|back|complete` and `seen`; `body`, `file` and `ticket` for a reply.
pub async fn act(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    request: Request,
) -> Response {
    let message = path.and_then(|Path(message)| Uuid::try_parse(&message).ok());
    let headers = request.headers().clone();
    let done: Result<Response, Away> = async {
        let token = filled::token(&app, &headers)?;
        let (colleague, _) = let_in(&app, &id, &headers, HERE).await?;
        let filled = filled::received(&app, token, request).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let side = side(&app, &rest, &colleague);
        Ok(side.acted(message, (&filled, token)).await?)
    }
    .await;
    door::shown(&app, &id, done)
}

/// `GET /staff/messages/new`, with `patient` where a link says it.
pub async fn new_page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let pairs = negotiate::pairs(query.as_deref());
    let patient = pairs.into_iter().find(|(name, _)| name == "patient");
    let shown: Result<Response, Away> = async {
        let (colleague, visitor) = let_in(&app, &id, &headers, NEW).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let patient = patient.and_then(|(_, patient)| Uuid::try_parse(&patient).ok());
        let side = side(&app, &rest, &colleague);
        let chosen = chosen(side, patient).await?;
        let person = chosen.as_ref().map(|chosen| chosen.person);
        seen(side, person).await;
        let page = blank(side, (csrf::token(visitor.token), chosen)).await?;
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/messages/new` with `decision=search` and `search`, or with `decision=send`, `patient`, `title`, `topic`, `body`,
/// `file` and `ticket`.
pub async fn new_post(State(app): State<Arc<App>>, id: RequestId, request: Request) -> Response {
    let headers = request.headers().clone();
    let done: Result<Response, Away> = async {
        let token = filled::token(&app, &headers)?;
        let (colleague, _) = let_in(&app, &id, &headers, NEW).await?;
        let filled = filled::received(&app, token, request).await?;
        let form = filled.form();
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let side = side(&app, &rest, &colleague);
        let patient = Uuid::try_parse(&form.text("patient")).ok();
        let chosen = chosen(side, patient).await?;
        let person = chosen.as_ref().map(|chosen| chosen.person);
        let mut page = blank(side, (csrf::token(token), chosen)).await?;
        if form.text("decision") == "search" {
            let base = app.config.fhir_base();
            let text = form.text("search");
            let asked = (text.as_str(), Right::Notes);
            seen(side, person).await;
            let found = desk::search(&context(&app, &base, &id.0), &colleague, asked).await?;
            let found = Searched::of(text, &found);
            (page.search, page.found, page.more_found) = (found.text, found.found, found.more);
            return Ok(reply::html(StatusCode::OK, page));
        }
        // A patient who was found and chosen.
        let sends = form.text("decision") == "send" || filled.fits().is_err();
        if let (Some(patient), false) = (patient, sends) {
            return Ok(see_other(&format!("{NEW}?patient={patient}")));
        }
        let refusal = match begun(side, (person, &filled)).await {
            Ok(()) => return Ok(see_other(&format!("{HERE}?folder=sent&done=sent"))),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        seen(side, person).await;
        page.written = Written {
            title: form.text("title"),
            topic: form.text("topic"),
            body: form.text("body"),
            errors: vec![reply::sentence(&refusal)],
        };
        Ok(reply::html(reply::status(&refusal), page))
    }
    .await;
    door::shown(&app, &id, done)
}

/// Who has a mailbox patients write to, and may read patients' messages (F141, F161, F164); whoever is not logged in comes
/// back to `path`.
///
/// # Errors
/// The way to the login; otherwise as [`desk::need_part`].
pub async fn let_in<'h>(
    app: &App,
    id: &RequestId,
    headers: &'h HeaderMap,
    path: &str,
) -> Result<(Colleague, Visitor<'h>), Away> {
    let (colleague, visitor) = door::desk(app, id, headers, (path, Right::Notes)).await?;
    let base = app.config.fhir_base();
    desk::need_part(&context(app, &base, &id.0), &colleague).await?;
    Ok((colleague, visitor))
}

/// A member of staff's own side.
pub fn side<'a>(app: &'a App, rest: &'a Rest<'a>, colleague: &Colleague) -> Side<'a> {
    Side {
        app,
        rest,
        whose: Whose::Staff(colleague.staff.id),
        base: HERE,
    }
}

async fn begun(side: Side<'_>, (patient, filled): (Option<Person>, &Filled)) -> Answer<()> {
    let form = filled.fits()?;
    let person = patient.ok_or_else(|| Refusal::invalid("patient", "Choose a patient first."))?;
    let (title, body) = (shown::titled(form)?, shown::written(form)?);
    let mut letter = shown::letter(person, (None, title, body));
    letter.topic = Topic::of(&form.text("topic"));
    letter.enclosed = filled.enclosed(side.rest, person.uuid)?;
    side.send(letter, form).await.map(|_| ())
}

/// Leaves the ledger's line of a page that shows name and birth date of a patient.
async fn seen(side: Side<'_>, person: Option<Person>) {
    let Some(person) = person else { return };
    let resource = format!("Patient/{}", person.uuid);
    let mut entry = side.rest.entry("Patient.read".to_owned(), resource);
    entry.patient = Some(person.uuid);
    side.app.reads.note(entry).await;
}

/// The patient an address or a form names.
async fn chosen(side: Side<'_>, patient: Option<Uuid>) -> Answer<Option<Found>> {
    match patient {
        Some(id) => patients::by_id(side.rest.emr, id).await,
        None => Ok(None),
    }
}

async fn blank(side: Side<'_>, (csrf, chosen): (String, Option<Found>)) -> Answer<StaffNewMessage> {
    Ok(StaffNewMessage {
        frame: reply::frame(side.app, "Write to a patient"),
        csrf,
        ticket: side.app.entropy.token()?,
        files: side.takes_files().await?,
        search: String::new(),
        found: None,
        more_found: false,
        patient: chosen.map(|found| {
            let born = found.born.map_or_else(String::new, date_text);
            let name = plain(&found.name, 80);
            (found.person.uuid.to_string(), name, born)
        }),
        topics: Topic::ALL.map(|(_, code, words)| (code, words)),
        written: Written::default(),
    })
}
