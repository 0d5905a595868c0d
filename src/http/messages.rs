//! `/account/messages`: a patient's messages without an app. What is written here goes the way an app's message goes, through
//! the same rules.

pub mod answers;
pub mod filled;
pub mod shown;

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
use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::mail::colleagues;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::messages::filled::Filled;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::messages::NewMessage;
use crate::http::pages::plain::plain;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::visits;
use crate::rest::Rest;
use crate::store::grants;

/// Where it is.
pub const HERE: &str = "/account/messages";

/// Where a new message is written.
const NEW: &str = "/account/messages/new";

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
        let side = shown::own(&app, &rest);
        Ok(side.inbox(query.as_deref(), visitor.token).await?)
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

/// `POST /account/messages/new` with `to`, `title`, `body`, `file` and `ticket`.
pub async fn new_post(State(app): State<Arc<App>>, id: RequestId, request: Request) -> Response {
    let headers = request.headers().clone();
    let done: Result<Response, Away> = async {
        let token = filled::token(&app, &headers)?;
        let (account, visitor) = door::own(&app, &id, &headers, NEW).await?;
        let filled = filled::received(&app, token, request).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let refusal = match begun(&app, &rest, (account.person, &filled)).await {
            Ok(()) => return Ok(see_other(&format!("{HERE}?folder=sent&done=sent"))),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        let mut page = blank(&app, &rest, csrf::token(visitor.token)).await?;
        let form = filled.form();
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
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let asked = (query.as_deref(), visitor.token);
        Ok(shown::own(&app, &rest).opened(message, asked).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/messages/{id}` with `decision=reply|archive|back|complete` and `seen`; `body`, `file` and `ticket` for a
/// reply.
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
        let (account, _) = door::own(&app, &id, &headers, HERE).await?;
        let filled = filled::received(&app, token, request).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let side = shown::own(&app, &rest);
        Ok(side.acted(message, (&filled, token)).await?)
    }
    .await;
    door::shown(&app, &id, done)
}

async fn begun(app: &App, rest: &Rest<'_>, (person, filled): (Person, &Filled)) -> Answer<()> {
    let form = filled.form();
    let to = Uuid::try_parse(&form.text("to"))
        .map_err(|_| Refusal::invalid("to", "Choose whom you write to."))?;
    let (title, body) = (shown::titled(form)?, shown::written(form)?);
    let mut letter = shown::letter(person, (Some(to), title, body));
    letter.enclosed = filled.enclosed(rest, person.uuid)?;
    shown::own(app, rest).send(letter, form).await.map(|_| ())
}

/// An empty form, with whom a patient may write to (F143).
async fn blank(app: &App, rest: &Rest<'_>, csrf: String) -> Answer<NewMessage> {
    let closed = visits::shut(&app.emr).await?;
    let reach = rest
        .grant
        .reach(ResourceType::Practitioner, Interaction::Search)?;
    let found = colleagues::addressees(rest.emr, &reach).await?.into_iter();
    let addressees = found.map(|(id, name)| (id.to_string(), plain(&name, 80)));
    Ok(NewMessage {
        files: shown::own(app, rest).takes_files().await?,
        frame: reply::frame(app, "Write a message"),
        csrf,
        ticket: shown::ticket(rest)?,
        closed,
        phone: app.config.help_phone.clone(),
        addressees: addressees.collect(),
        to: String::new(),
        title: String::new(),
        body: String::new(),
        errors: Vec::new(),
    })
}
