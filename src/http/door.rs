//! The door of the pages: who is let in, and where whoever is not goes first. A form is checked before anybody comes
//! here (`forms::own_form`), so that another site learns nothing of who is logged in.

use axum::http::HeaderMap;
use axum::response::Response;

use crate::auth::desk;
use crate::auth::session;
use crate::auth::session::Visitor;
use crate::auth::who::Audience;
use crate::auth::who::Who;
use crate::domain::access::Right;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::emr::account::Account;
use crate::emr::colleague::Colleague;
use crate::http::App;
use crate::http::forms;
use crate::http::oauth::context;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::staff::member;

/// Why a page is not shown: somebody has to log in first, or it is a no.
pub enum Away {
    /// The way to the login.
    Login(Box<Response>),
    /// The no, or what broke.
    No(Failure),
}

impl Away {
    /// The way to the login, and from there back to `path`.
    pub async fn login(app: &App, id: &RequestId, path: &str, headers: &HeaderMap) -> Self {
        Self::Login(Box::new(forms::log_in_first(app, id, path, headers).await))
    }
}

impl From<Failure> for Away {
    fn from(failure: Failure) -> Self {
        Self::No(failure)
    }
}

impl From<Refusal> for Away {
    fn from(refusal: Refusal) -> Self {
        Self::No(refusal.into())
    }
}

impl From<Fault> for Away {
    fn from(fault: Fault) -> Self {
        Self::No(fault.into())
    }
}

/// Who is logged in as staff, whatever their rights; whoever is not logged in comes back to `path`.
///
/// # Errors
/// The way to the login; otherwise as [`member`].
pub async fn staff<'h>(
    app: &App,
    id: &RequestId,
    headers: &'h HeaderMap,
    path: &str,
) -> Result<(Colleague, Visitor<'h>), Away> {
    match member(app, id, headers).await? {
        Some(found) => Ok(found),
        None => Err(Away::login(app, id, path, headers).await),
    }
}

/// The same for a page that loads itself: it keeps no login alive.
///
/// # Errors
/// As [`staff`].
pub async fn staff_unasked<'h>(
    app: &App,
    id: &RequestId,
    headers: &'h HeaderMap,
    path: &str,
) -> Result<(Colleague, Visitor<'h>), Away> {
    let base = app.config.fhir_base();
    if let Some(visitor) = forms::own_visitor(app, headers)
        && let Some(colleague) = desk::seen(&context(app, &base, &id.0), visitor).await?
    {
        return Ok((colleague, visitor));
    }
    Err(Away::login(app, id, path, headers).await)
}

/// Who is at the desk and has the right; whoever is not logged in comes back to `path`.
///
/// # Errors
/// The way to the login; otherwise as [`desk::need`].
pub async fn desk<'h>(
    app: &App,
    id: &RequestId,
    headers: &'h HeaderMap,
    (path, right): (&str, Right),
) -> Result<(Colleague, Visitor<'h>), Away> {
    let (colleague, visitor) = staff(app, id, headers, path).await?;
    let base = app.config.fhir_base();
    desk::need(&context(app, &base, &id.0), &colleague, right).await?;
    Ok((colleague, visitor))
}

/// Who is at the desk and has the right, for what a page of the desk asks for by itself: it keeps no login alive, and leads
/// nobody to one.
///
/// # Errors
/// `NotFound` where nobody is logged in; otherwise as [`desk::need`].
pub async fn desk_unasked(
    app: &App,
    id: &RequestId,
    headers: &HeaderMap,
    right: Right,
) -> Result<Colleague, Away> {
    let base = app.config.fhir_base();
    let context = context(app, &base, &id.0);
    let visitor = forms::own_watcher(app, headers).ok_or(Refusal::NotFound)?;
    let colleague = desk::seen(&context, visitor).await?;
    let colleague = colleague.ok_or(Refusal::NotFound)?;
    desk::need(&context, &colleague, right).await?;
    Ok(colleague)
}

/// The same as [`desk`] for a patient's own pages.
///
/// # Errors
/// The way to the login; otherwise as [`session::current`].
pub async fn own<'h>(
    app: &App,
    id: &RequestId,
    headers: &'h HeaderMap,
    path: &str,
) -> Result<(Account, Visitor<'h>), Away> {
    let base = app.config.fhir_base();
    if let Some(visitor) = forms::own_visitor(app, headers) {
        let context = context(app, &base, &id.0);
        let current = session::current(&context, visitor, Audience::Patient).await?;
        if let Some((_, Who::Patient(account))) = current {
            return Ok((account, visitor));
        }
    }
    Err(Away::login(app, id, path, headers).await)
}

/// What a handler answers.
pub fn shown(app: &App, id: &RequestId, done: Result<Response, Away>) -> Response {
    match done {
        Ok(response) => response,
        Err(Away::Login(response)) => *response,
        Err(Away::No(failure)) => reply::page(app, &id.0, failure),
    }
}
