//! `/sign`: a form on the practice's own tablet (F156). The link opens once, for one device and ten minutes; the device reads,
//! fills in and signs that one form, and comes to no other page with it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::csrf;
use crate::crypto;
use crate::domain::forms::Form as Paper;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::forms as emr_forms;
use crate::http::App;
use crate::http::cookies;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::own_forms;
use crate::http::own_forms::Tried;
use crate::http::pages::own_forms::OwnForm;
use crate::http::pages::own_forms::Tablet as Page;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::rest::Rest;
use crate::rest::forms as papers;
use crate::store::grants;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::tablets;
use crate::store::tablets::Tablet;

/// Where it is.
const HERE: &str = "/sign";

const OVER: Refusal = Refusal::Expired(
    "This link was used already, or has ended. Please ask at the desk for another one.",
);

const DONE: [(&str, &str); 3] = [
    (
        "sign",
        "Thank you. The form is signed: please give the device back.",
    ),
    ("save", "Your answers are kept. Nothing is signed yet."),
    (
        "changed",
        "The form had changed meanwhile, and nothing was done. This is how it is now.",
    ),
];

/// `GET /sign/{token}`: what it is about; opening it is a button's work, so that no preview of a link uses it up.
pub async fn link(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
) -> Response {
    let token = path.map_or_else(String::new, |Path(token)| token);
    let found = tablets::by_token(&app.emr.db, &crypto::fingerprint(&token)).await;
    let now = app.emr.now().unix_timestamp();
    match found {
        Ok(Some(tablet)) if tablet.opened.is_none() && tablet.works(now) => {
            forms::open_page(&app, &id, &headers, |visitor| {
                let page = Page {
                    frame: reply::frame(&app, "Sign a form"),
                    csrf: csrf::token(visitor),
                    action: format!("{HERE}/{token}"),
                    text: "The practice asks you to read and sign one form on this device.",
                };
                reply::html(StatusCode::OK, page)
            })
        }
        Ok(_) => reply::page(&app, &id.0, OVER.into()),
        Err(failure) => reply::page(&app, &id.0, failure),
    }
}

/// `POST /sign/{token}`: this device, and no other, has the form from now on.
pub async fn open(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let token = path.map_or_else(String::new, |Path(token)| token);
    let done: Result<Response, Away> = async {
        forms::own_form(&app, &headers, body).await?;
        let device = app.entropy.token()?;
        if !opened(&app, &id, (&token, &device)).await? {
            return Err(OVER.into());
        }
        let mut response = see_other(HERE);
        cookies::set(&app, &mut response, cookies::TABLET, &device);
        // Whoever was logged in on this device is not, while somebody else holds it.
        cookies::clear(&app, &mut response, cookies::SESSION);
        cookies::clear(&app, &mut response, cookies::STAFF);
        Ok(response)
    }
    .await;
    door::shown(&app, &id, done)
}

/// Opens the link for a device; `false` where it was used already, or has ended. Either is told in the ledger.
async fn opened(app: &App, id: &RequestId, (token, device): (&str, &str)) -> Answer<bool> {
    let hash = crypto::fingerprint(token);
    let Some(tablet) = tablets::by_token(&app.emr.db, &hash).await? else {
        return Ok(false);
    };
    let grant = grants::in_office(tablet.person());
    let rest = fhir::rest(app, id, &grant);
    let form = format!("DocumentReference/{}", emr_forms::id_of(tablet.document));
    let mut entry = rest.entry("form.open".to_owned(), form);
    entry.patient = Some(tablet.person().uuid);
    let now = app.emr.now().unix_timestamp();
    let work = (hash, crypto::fingerprint(device), entry);
    app.emr
        .db
        .transaction_about(&work, |(hash, device, entry), tx| {
            Box::pin(async move {
                let first = tablets::open(tx, (hash, device), now).await?;
                let mut entry = entry.clone();
                if !first {
                    entry.outcome = Outcome::Refused;
                    entry.reason = "form.link".to_owned();
                }
                ledger::record(tx, &entry).await?;
                Ok(first)
            })
        })
        .await
}

/// `GET /sign`: the form.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let told = negotiate::done(query.as_deref(), &DONE);
        if let Some(("sign", sentence)) = told.copied() {
            let page = Page {
                frame: reply::frame(&app, "Sign a form"),
                csrf: String::new(),
                action: String::new(),
                text: sentence,
            };
            return Ok(reply::html(StatusCode::OK, page));
        }
        let tablet = current(&app, &headers).await?;
        let visitor = cookies::find(&app, &headers, cookies::VISITOR).ok_or(OVER)?;
        let grant = grants::in_office(tablet.person());
        let rest = fhir::rest(&app, &id, &grant);
        let form = still_open(&rest, &tablet).await?;
        own_forms::noted(&app, &rest, Some(form.uuid)).await;
        let mut page = here(own_forms::view(&app, &form, Tried::default()));
        page.csrf = csrf::token(visitor);
        page.notice = told.map_or("", |(_, sentence)| sentence);
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /sign` with the answers and `decision=save|sign`.
pub async fn act(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let tablet = current(&app, &headers).await?;
        let (sent, visitor) = forms::own_form(&app, &headers, body).await?;
        let grant = grants::in_office(tablet.person());
        let rest = fhir::rest(&app, &id, &grant);
        let form = still_open(&rest, &tablet).await?;
        let colleague = Some(tablet.made_by());
        let (tried, refusal) = match own_forms::filled(&rest, (&form, &sent), colleague).await? {
            Ok("sign") => {
                let mut response = see_other(&format!("{HERE}?done=sign"));
                cookies::clear(&app, &mut response, cookies::TABLET);
                return Ok(response);
            }
            Ok(word) => return Ok(see_other(&format!("{HERE}?done={word}"))),
            Err(no) => no,
        };
        let mut page = here(own_forms::view(&app, &form, tried));
        page.csrf = csrf::token(visitor.token);
        Ok(reply::html(reply::status(&refusal), page))
    }
    .await;
    door::shown(&app, &id, done)
}

/// The same page without ways to others.
fn here(page: OwnForm) -> OwnForm {
    OwnForm {
        action: HERE.to_owned(),
        tablet: true,
        file: String::new(),
        ..page
    }
}

/// The form of a tablet, as long as nobody has signed it.
async fn still_open(rest: &Rest<'_>, tablet: &Tablet) -> Answer<Paper> {
    let form = papers::one(rest, emr_forms::id_of(tablet.document)).await?;
    match form.state.is_open() {
        true => Ok(form),
        false => Err(OVER.into()),
    }
}

/// The tablet this device is.
async fn current(app: &App, headers: &HeaderMap) -> Answer<Tablet> {
    let device = cookies::find(app, headers, cookies::TABLET).ok_or(OVER)?;
    let found = tablets::by_device(&app.emr.db, &crypto::fingerprint(device)).await?;
    let now = app.emr.now().unix_timestamp();
    let found = found.filter(|tablet| tablet.works(now));
    found.ok_or_else(|| OVER.into())
}
