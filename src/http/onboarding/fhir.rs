//! `$portal-invite` and the status of its jobs: for staff who may open the portal's desk.

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::extract::Path;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LOCATION;
use axum::http::header::RETRY_AFTER;
use axum::response::Response;
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::accounts;
use crate::auth::accounts::Hand;
use crate::auth::accounts::Once;
use crate::auth::onboarding as invitations;
use crate::auth::onboarding::Ticket;
use crate::config::accounts::Factor;
use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::Right;
use crate::domain::access::User;
use crate::domain::accounts::State as Account;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::onboarding;
use crate::emr::onboarding::Filter;
use crate::emr::standing;
use crate::fhir::inputs;
use crate::fhir::inputs::Inputs;
use crate::fhir::outcome;
use crate::fhir::portal_job;
use crate::fhir::portal_job::Sent;
use crate::http::App;
use crate::http::fhir;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::onboarding::results;
use crate::http::portal;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::write;
use crate::mail;
use crate::rest::route;
use crate::rest::search;
use crate::store::circulars;
use crate::store::jobs;
use crate::store::jobs::By;
use crate::store::jobs::Job;
use crate::store::jobs::Status;
use crate::store::jobs::Wish;
use crate::store::outbox::Letter;

/// Patients that are named one by one at most.
const MOST_NAMED: usize = 10_000;

/// Patients a caller may wait for.
const MOST_AT_ONCE: usize = 20;

/// Results on a page.
const PAGE: u32 = 500;

/// How often a job that is waited for may fall asleep before its caller is sent to its status.
const SLICES: usize = 10;

const PROGRESS: HeaderName = HeaderName::from_static("x-progress");

/// `POST /fhir/Patient/{id}/$portal-invite` and `POST /fhir/Patient/$portal-invite`.
pub async fn invite(
    app: &App,
    id: &RequestId,
    (path, request): (route::Path<'_>, Request),
) -> Response {
    let (parts, body) = request.into_parts();
    let uri = parts.extensions.get::<OriginalUri>().cloned();
    let uri = uri.unwrap_or_else(|| OriginalUri(parts.uri.clone()));
    let said = (&parts.method, &uri, &parts.headers);
    let done = invited(app, id, (path, said), body).await;
    done.unwrap_or_else(|failure| fhir::failed(app, id, (&uri, failure)))
}

/// `GET /fhir/$portal-job/{id}`: 202 until it is done, then what became of each patient.
pub async fn status(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: fhir::Named<String>,
    (uri, headers): (OriginalUri, HeaderMap),
) -> Response {
    let Path(job) = path.unwrap_or_else(fhir::nowhere);
    let done = async {
        let grant = guard::grant_of_desk(&app, &headers).await?;
        staff(&grant)?;
        whole(&grant.reach(ResourceType::Patient, Interaction::Read)?)?;
        let pairs = negotiate::pairs(uri.query());
        negotiate::json(&headers, &pairs)?;
        let job = job.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
        let after = pairs.iter().find(|(name, _)| name == "_after");
        let after = after.map_or(Ok(0), |(_, value)| value.parse::<i64>());
        let after = after.map_err(|_| Refusal::invalid("_after", "this is a number"))?;
        told(&app, job, after).await
    };
    let done: Answer<Response> = done.await;
    done.unwrap_or_else(|failure| fhir::failed(&app, &id, (&uri, failure)))
}

/// `DELETE /fhir/$portal-job/{id}`: who has no letter yet gets none.
pub async fn stop(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: fhir::Named<String>,
    (uri, headers): (OriginalUri, HeaderMap),
) -> Response {
    let Path(job) = path.unwrap_or_else(fhir::nowhere);
    let done = async {
        let grant = guard::grant_of_desk(&app, &headers).await?;
        staff(&grant)?;
        whole(&grant.reach(ResourceType::Patient, Interaction::Update)?)?;
        let job = job.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
        known(&app, job).await?;
        let base = app.config.fhir_base();
        invitations::stop(&context(&app, &base, &id.0), &by(&grant), job).await?;
        let words = "Stopped: whoever has no letter yet gets none.";
        Ok(reply::fhir_body(
            StatusCode::ACCEPTED,
            outcome::information(words),
        ))
    };
    let done: Answer<Response> = done.await;
    done.unwrap_or_else(|failure| fhir::failed(&app, &id, (&uri, failure)))
}

async fn invited(
    app: &App,
    id: &RequestId,
    (path, (method, uri, headers)): (route::Path<'_>, (&Method, &OriginalUri, &HeaderMap)),
    body: Body,
) -> Answer<Response> {
    let grant = guard::grant_of_desk(app, headers).await?;
    let (_, patient, _) = route::declared(path).ok_or(Refusal::NotFound)?;
    staff(&grant)?;
    whole(&grant.reach(ResourceType::Patient, Interaction::Update)?)?;
    if method != Method::POST {
        return Err(Refusal::NoMethod.into());
    }
    let pairs = negotiate::pairs(uri.query());
    negotiate::json(headers, &pairs)?;
    let bytes = negotiate::bytes(body).await?;
    if !bytes.is_empty() {
        negotiate::fhir_body(headers)?;
    }
    let mut inputs = inputs::read_many(&bytes, false, MOST_NAMED)?;
    inputs.pairs.extend(pairs);
    match patient {
        Some(patient) => {
            let once = portal::once((app, id), (&grant, headers), (uri, &bytes))?;
            one(app, id, &grant, (patient, &inputs, once.as_ref())).await
        }
        None => {
            let query = uri.query().unwrap_or_default().as_bytes();
            let asked = [&bytes, query].concat();
            many(app, id, &grant, (headers, &inputs, asked)).await
        }
    }
}

/// Somebody who may open the portal's desk.
fn staff(grant: &Grant) -> Result<(), Refusal> {
    match grant.user() {
        User::Staff(staff) if staff.has(Right::Portal) => Ok(()),
        _ => Err(Refusal::Forbidden(
            "Inviting patients is for staff whose account in OpenEMR opens the Patient Portal.",
        )),
    }
}

fn by(grant: &Grant) -> By {
    let staff = match grant.user() {
        User::Staff(staff) => Some(staff.id),
        User::Patient(_) | User::System => None,
    };
    By {
        staff,
        actor: grant.user().reference(),
        client_id: grant.client_id().to_owned(),
        grant_id: grant.id().to_owned(),
        request_id: String::new(),
    }
}

fn wish(inputs: &Inputs) -> Result<Wish, Refusal> {
    let flag = |name: &'static str| match inputs.one(name)? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::invalid(name, "this is true or false")),
    };
    Ok(Wish {
        enable: flag("enable")?,
        attested: flag("attestation")?,
    })
}

/// Only scopes over users' records, whole: an app that was started for one patient, or sees a part, invites nobody.
fn whole(reach: &Reach) -> Result<(), Refusal> {
    match (reach.patient(), reach.filters()) {
        (None, None) => Ok(()),
        _ => Err(Refusal::Forbidden(
            "The token's scope does not cover this: it takes user/Patient.",
        )),
    }
}

async fn one(
    app: &App,
    id: &RequestId,
    grant: &Grant,
    (patient, inputs, once): (&str, &Inputs, Option<&Once>),
) -> Answer<Response> {
    inputs.only("$portal-invite", &["enable", "attestation"])?;
    let wish = wish(inputs)?;
    let patient = patient.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
    let found = standing::by_id(&app.emr, patient).await?;
    let found = found.ok_or(Refusal::NotFound)?;
    let base = app.config.fhir_base();
    let context = context(app, &base, &id.0);
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let hand = Hand::through(grant);
    let about = (wish, once);
    let done = invitations::invite_once(&context, (&hand, post), &found, about).await?;
    let Some(done) = done else {
        return Ok(portal::repeated());
    };
    app.onboarding.forget().await;
    let expires = context.now + accounts::INVITED;
    let body = portal_job::sent(&Sent {
        letter: match done.letter {
            Letter::Reset => "reset",
            _ => "invite",
        },
        expires: expires.format(&Rfc3339).unwrap_or_default(),
        factor: match app.config.accounts.invite_factor {
            Factor::BirthDate => "birth-date",
            Factor::Pin => "pin",
            Factor::None => "none",
        },
        pin: done.pin.as_deref(),
    });
    Ok(reply::fhir_body(StatusCode::OK, body))
}

async fn many(
    app: &App,
    id: &RequestId,
    grant: &Grant,
    (headers, inputs, bytes): (&HeaderMap, &Inputs, Vec<u8>),
) -> Answer<Response> {
    let names = ["patient", "search", "enable", "attestation"];
    inputs.only("$portal-invite", &names)?;
    let wish = wish(inputs)?;
    let pids = chosen(app, id, grant, inputs).await?;
    let number = match write::one(headers, "idempotency-key")? {
        Some(key) => format!("key {key}"),
        None => app.entropy.token()?,
    };
    let ticket = Ticket {
        number,
        asked: bytes,
    };
    let count = pids.len();
    let base = app.config.fhir_base();
    let context = context(app, &base, &id.0);
    let job = invitations::start(&context, (&by(grant), &ticket), pids, wish).await?;
    let is_async = negotiate::preferences(headers)
        .iter()
        .any(|(name, _)| name == "respond-async");
    if !is_async && count <= MOST_AT_ONCE && waited_for(app, &context, job).await? {
        return told(app, job, 0).await;
    }
    let words =
        format!("{count} patients are being invited. Content-Location tells how far it is.");
    let mut response = reply::fhir_body(StatusCode::ACCEPTED, outcome::information(&words));
    if let Ok(url) = HeaderValue::from_str(&portal_job::url(&app.base, job)) {
        response.headers_mut().insert(CONTENT_LOCATION, url);
    }
    Ok(response)
}

/// Works on a job while its caller waits; false where something is left for the loop.
async fn waited_for(app: &App, context: &Context<'_>, job: Uuid) -> Answer<bool> {
    let post = mail::post(&app.emr, &app.config.notify).await?;
    for _ in 0..SLICES {
        let known = jobs::find(&app.emr.db, job).await?;
        let known = known.ok_or(Refusal::NotFound)?;
        if known.status != Status::Waiting {
            app.onboarding.forget().await;
            return Ok(true);
        }
        invitations::slice(context, &known, post).await?;
    }
    Ok(false)
}

/// Whom a request names: one by one, by a search, or both.
async fn chosen(app: &App, id: &RequestId, grant: &Grant, inputs: &Inputs) -> Answer<Vec<i64>> {
    let mut ids = Vec::new();
    for text in inputs.all("patient") {
        let text = text.strip_prefix(app.base.url()).unwrap_or(text);
        let text = text.trim_start_matches('/');
        let one = text.strip_prefix("Patient/").unwrap_or(text).parse();
        ids.push(one.map_err(|_| {
            Refusal::invalid("patient", "this is a reference such as Patient/[id]")
        })?);
    }
    ids.sort_unstable();
    ids.dedup();
    let mut pids = onboarding::numbers(&app.emr, &ids).await?;
    if pids.len() != ids.len() {
        return Err(unknown().into());
    }
    if let Some(text) = inputs.one("search")? {
        pids.extend(searched(app, id, grant, text).await?);
        pids.sort_unstable_by(|left, right| right.cmp(left));
        pids.dedup();
    }
    Ok(pids)
}

fn unknown() -> Refusal {
    Refusal::invalid("patient", "one of these is no patient here").understood()
}

async fn searched(app: &App, id: &RequestId, grant: &Grant, text: &str) -> Answer<Vec<i64>> {
    let text = text.strip_prefix("Patient?").unwrap_or(text);
    let pairs = negotiate::pairs(Some(text.trim_start_matches('?')));
    if pairs.is_empty() {
        let why = "this is a search such as portal-status=authorised-no-credentials";
        return Err(Refusal::invalid("search", why).into());
    }
    // By state alone, however many those are: that is known anyway.
    if let [(name, value)] = pairs.as_slice()
        && name == "portal-status"
    {
        let codes: Vec<&str> = value.split(',').collect();
        let states = Account::ALL.into_iter();
        let states: Vec<Account> = states
            .filter(|state| codes.contains(&state.code().0))
            .collect();
        if states.len() == codes.len() {
            let snapshot = app.onboarding.get(&app.emr).await?;
            let filter = Filter {
                states,
                text: String::new(),
            };
            return onboarding::everybody(&app.emr, &snapshot, &filter).await;
        }
    }
    let rest = fhir::rest(app, id, grant);
    let found = search::matching(&rest, ResourceType::Patient, &pairs, invitations::MOST).await?;
    let pids = found.into_iter().filter_map(|record| match record {
        Record::Patient(patient) => Some(patient.person.pid),
        _ => None,
    });
    Ok(pids.collect())
}

/// A job of letters; a message to many is its sender's, who looks after it at the desk.
async fn known(app: &App, id: Uuid) -> Answer<Job> {
    let known = jobs::find(&app.emr.db, id).await?;
    match circulars::find(&app.emr.db, id).await? {
        None => known.ok_or_else(|| Refusal::NotFound.into()),
        Some(_) => Err(Refusal::NotFound.into()),
    }
}

/// How far a job is, or what became of each patient.
async fn told(app: &App, id: Uuid, after: i64) -> Answer<Response> {
    let job = known(app, id).await?;
    if job.status == Status::Waiting {
        let outcomes = jobs::outcomes(&app.emr.db, id).await?;
        let left = outcomes.iter().find(|(outcome, _)| outcome.is_empty());
        let left = left.map_or(0, |(_, number)| *number);
        let words = format!("{} of {} done", job.total - left, job.total);
        let mut response = reply::fhir_body(StatusCode::ACCEPTED, Vec::new());
        let headers = response.headers_mut();
        headers.remove(axum::http::header::CONTENT_TYPE);
        headers.insert(RETRY_AFTER, HeaderValue::from(2));
        if let Ok(words) = HeaderValue::from_str(&words) {
            headers.insert(PROGRESS, words);
        }
        return Ok(response);
    }
    let (page, more) = results::page(app, &job, (None, after, PAGE)).await?;
    let page: Vec<portal_job::Result> = page.into_iter().map(|one| one.told).collect();
    let body = portal_job::results(&app.base, id, &page, more);
    Ok(reply::fhir_body(StatusCode::OK, body))
}
