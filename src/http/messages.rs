//! `/account/messages`: a patient's messages without an app. What is written here goes the way an app's message goes, through
//! the same rules.

pub mod shown;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::csrf;
use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::messages::shown::DONE;
use crate::http::messages::shown::Said;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::messages::NewMessage;
use crate::http::pages::plain::plain;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::visits;
use crate::portal;
use crate::rest::Rest;
use crate::store::grants;

/// Where it is.
pub const HERE: &str = "/account/messages";

/// Where a new message is written.
const NEW: &str = "/account/messages/new";

/// Staff who are offered at most.
const MOST: u32 = 200;

/// `GET /account/messages`, with `folder` and `after`.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, visitor) = door::own(&app, &id, &headers, HERE).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let told = negotiate::done(query.as_deref(), &DONE);
        let notice = told.map_or("", |(_, sentence)| sentence);
        let said = (csrf::token(visitor.token), notice);
        let page = shown::own(&app, &rest)
            .folder(query.as_deref(), said)
            .await?;
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `GET /account/messages/new`, with `to` where a link says it.
pub async fn new_page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, visitor) = door::own(&app, &id, &headers, NEW).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let pairs = negotiate::pairs(query.as_deref());
        let to = pairs.into_iter().find(|(name, _)| name == "to");
        let mut page = blank(&app, &rest, csrf::token(visitor.token)).await?;
        page.to = to.map(|(_, to)| to).unwrap_or_default();
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/messages/new` with `to`, `title`, `body` and `ticket`.
pub async fn new_post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let (account, _) = door::own(&app, &id, &headers, NEW).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let refusal = match begun(&app, &rest, (account.person, &form)).await {
            Ok(()) => return Ok(see_other(&format!("{HERE}?folder=sent&done=sent"))),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        let mut page = blank(&app, &rest, csrf::token(visitor.token)).await?;
        page.to = form.text("to");
        page.title = form.text("title");
        page.body = form.text("body");
        page.errors = vec![reply::sentence(&refusal)];
        Ok(reply::html(reply::status(&refusal), page))
    }
    .await;
    door::shown(&app, &id, done)
}

/// `GET /account/messages/{id}`: the thread of a message. What is new in it counts as read from now on.
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
        let (account, visitor) = door::own(&app, &id, &headers, &back).await?;
        let message = message.ok_or(Refusal::NotFound)?;
        open(&app).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let side = shown::own(&app, &rest);
        let opened = side.thread(message).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let said = Said {
            notice: told.map_or("", |(_, sentence)| sentence),
            ..Said::default()
        };
        let said = (csrf::token(visitor.token), said);
        let page = side.conversation((message, &opened), said)?;
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/messages/{id}` with `decision=reply|archive|back|complete`; `body` and `ticket` for a reply.
pub async fn act(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let message = path.and_then(|Path(message)| Uuid::try_parse(&message).ok());
    let done: Result<Response, Away> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let (account, _) = door::own(&app, &id, &headers, HERE).await?;
        let message = message.ok_or(Refusal::NotFound)?;
        open(&app).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let side = shown::own(&app, &rest);
        let refusal = match side.act(message, &form, Vec::new()).await {
            Ok(address) => return Ok(see_other(&address)),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        Ok(tried(side, (message, &form), (visitor.token, refusal)).await?)
    }
    .await;
    door::shown(&app, &id, done)
}

/// The thread again, with why an answer was not sent.
///
/// # Errors
/// The refusal itself, where the page has no place for it.
pub async fn tried(
    side: shown::Side<'_>,
    (message, form): (Uuid, &Form),
    (token, refusal): (&str, Refusal),
) -> Answer<Response> {
    match refusal {
        Refusal::Rules(_) | Refusal::Unprocessable { .. } | Refusal::Invalid { .. } => {
            let opened = side.thread(message).await?;
            let said = Said {
                errors: vec![reply::sentence(&refusal)],
                typed: form.text("body"),
                ..Said::default()
            };
            let page = side.conversation((message, &opened), (csrf::token(token), said))?;
            Ok(reply::html(reply::status(&refusal), page))
        }
        other => Err(other.into()),
    }
}

/// While the portal is off nothing of the record is shown here, as to apps (F001).
///
/// # Errors
/// `Rules` with the one that says so.
pub async fn open(app: &App) -> Answer<()> {
    match visits::shut(&app.emr).await? {
        true => Err(Refusal::Rules(portal::account::portal_is_off()).into()),
        false => Ok(()),
    }
}

async fn begun(app: &App, rest: &Rest<'_>, (person, form): (Person, &Form)) -> Answer<()> {
    let to = Uuid::try_parse(&form.text("to"))
        .map_err(|_| Refusal::invalid("to", "Choose whom you write to."))?;
    let (title, body) = (shown::titled(form)?, shown::written(form)?);
    let letter = shown::letter(person, (Some(to), title, body));
    shown::own(app, rest).send(letter, form).await.map(|_| ())
}

/// An empty form, with whom a patient may write to (F143).
async fn blank(app: &App, rest: &Rest<'_>, csrf: String) -> Answer<NewMessage> {
    let closed = visits::shut(&app.emr).await?;
    let reach = rest
        .grant
        .reach(ResourceType::Practitioner, Interaction::Search)?;
    let query = Query {
        count: MOST,
        ..Query::default()
    };
    let found = emr::find(rest.emr, &reach, &query).await?.records;
    let mut addressees: Vec<(String, String)> = found
        .into_iter()
        .filter_map(|record| match record {
            Record::Practitioner(person) if person.addressee && person.active => {
                let name = [person.name.given.join(" "), person.name.family.clone()];
                Some((person.uuid.to_string(), plain(&name.join(" "), 80)))
            }
            _ => None,
        })
        .collect();
    addressees.sort_by(|one, other| one.1.cmp(&other.1));
    Ok(NewMessage {
        frame: reply::frame(app, "Write a message"),
        csrf,
        ticket: shown::ticket(rest)?,
        closed,
        phone: app.config.help_phone.clone(),
        addressees,
        to: String::new(),
        title: String::new(),
        body: String::new(),
        errors: Vec::new(),
    })
}
