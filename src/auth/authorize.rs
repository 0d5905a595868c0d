//! The authorization endpoint up to the consent: a request is judged, stored, and tied to the browser that brought it and
//! to the patient who logs in there (SMART App Launch 2.2; `spec/security.md` 1.1).

use openidconnect::core::CoreAuthErrorResponseType;

use crate::auth::Context;
use crate::auth::client;
use crate::auth::login;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::request::Prompt;
use crate::auth::request::Request;
use crate::auth::request::Wrong;
use crate::auth::session;
use crate::auth::session::Visitor;
use crate::crypto;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::account;
use crate::emr::account::Account;
use crate::store::authorizations;
use crate::store::authorizations::Asked;
use crate::store::authorizations::Attached;
use crate::store::authorizations::Stage;
use crate::store::clients::Client;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::sessions::Session;

/// What the page says when a request has ended, was begun elsewhere, or belongs to another login.
pub const ENDED: &str = "This page has ended. Go back to the app and start again.";

/// Where a request goes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// A page with a sentence and no way back to the app: the redirect address cannot be trusted.
    Page(Problem),
    /// Straight back to the app, with an error.
    Redirect(String),
    /// The login form of this request.
    Login(String),
    /// The consent form of this request: the patient is logged in already.
    Consent(String),
}

/// Why there is only a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// App or redirect address is not registered; which of the two is not said.
    UnknownApp,
    /// The practice has its portal switched off.
    PortalOff,
}

impl Problem {
    /// The sentence on the page.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnknownApp => {
                "This app is not registered here, or it asked to be answered at an address that is not registered for it."
            }
            Self::PortalOff => {
                "This practice has its patient portal switched off. Please ask the practice."
            }
        }
    }
}

/// A request that waits, with what its pages show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What was asked.
    pub asked: Asked,
    /// Who asks.
    pub client: Client,
    /// Who stands before it.
    pub step: Step,
}

/// Which page a waiting request shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The login form.
    Login,
    /// The form for new credentials, for this account.
    NewCredentials(Account),
    /// The consent form, for this account.
    Consent(Account),
}

/// Begins an authorization request.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn begin(context: &Context<'_>, params: &Params, visitor: Visitor<'_>) -> Answer<Begin> {
    let Some((client, redirect_uri)) = addressee(context, params).await? else {
        refused(context, "", "unknown-app").await?;
        return Ok(Begin::Page(Problem::UnknownApp));
    };
    if !login::portal_is_on(context).await? {
        return Ok(Begin::Page(Problem::PortalOff));
    }
    let begun = match request::judge(params, &client, context.fhir_base) {
        Err(wrong) => Err(wrong),
        Ok(request) => proceed(context, &client, redirect_uri, (request, visitor)).await?,
    };
    match begun {
        Ok(begin) => Ok(begin),
        Err(wrong) => {
            refused(context, &client.client_id, wrong.error.as_ref()).await?;
            let state = request::state(params);
            let mut pairs = vec![
                ("error", wrong.error.as_ref()),
                ("error_description", wrong.description),
            ];
            pairs.extend(state.map(|state| ("state", state)));
            pairs.push(("iss", context.issuer));
            Ok(Begin::Redirect(request::answer_address(
                redirect_uri,
                &pairs,
            )))
        }
    }
}

/// The request that waits under this id for this browser, and which page it shows now.
///
/// # Errors
/// `Expired` where it has ended, was begun in another browser, or was logged into by somebody who is not the one of
/// the present session.
pub async fn pending(context: &Context<'_>, id: &str, visitor: Visitor<'_>) -> Answer<Pending> {
    let visitor_hash = crypto::fingerprint(visitor.token);
    let db = &context.emr.db;
    let found = authorizations::find(db, id, &visitor_hash, context.seconds()).await?;
    let (asked, stage) = found.ok_or_else(ended)?;
    let client = client::in_use(db, &asked.client_id)
        .await?
        .ok_or_else(ended)?;
    let step = match stage {
        Stage::Login => Step::Login,
        Stage::MustChange(attached) => {
            let account = account::by_pid(context.emr, attached.pid).await?;
            let account = account.filter(|account| account.credential() == attached.credential);
            Step::NewCredentials(account.ok_or_else(ended)?)
        }
        Stage::Consent(_, session_hash) => {
            let current = session::current(context, visitor).await?;
            let same = current.filter(|(session, _)| session.session_hash == session_hash);
            Step::Consent(same.ok_or_else(ended)?.1)
        }
    };
    Ok(Pending {
        asked,
        client,
        step,
    })
}

/// Opens a session for an account that has just logged in and ties the request to it; the new session cookie.
/// A session the browser had before ends: an id is never kept over a login.
///
/// # Errors
/// `Expired` where the request has ended; otherwise as [`crate::db::Db::run`].
pub async fn attach_login(
    context: &Context<'_>,
    pending: &Pending,
    account: &Account,
    visitor: Visitor<'_>,
) -> Answer<String> {
    let token = context.entropy.token()?;
    let now = context.seconds();
    let session = Session {
        session_hash: crypto::fingerprint(&token),
        pid: account.person.pid,
        credential: account.credential(),
        auth_time: now,
    };
    let stage = Stage::Consent(attached(&session), session.session_hash.clone());
    let before = visitor.session.map(crypto::fingerprint);
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (session, stage, before) = (session.clone(), stage.clone(), before.clone());
            let id = pending.asked.id.clone();
            Box::pin(async move {
                if let Some(before) = before {
                    sessions::end(tx, &before, now).await?;
                }
                sessions::open(tx, &session).await?;
                authorizations::attach(tx, &id, &stage, now).await
            })
        })
        .await?;
    done.then_some(token).ok_or_else(ended)
}

/// Ties the request to an account whose password was set by staff: no session yet, the new-credentials form is next.
///
/// # Errors
/// `Expired` where the request has ended; otherwise as [`crate::db::Db::run`].
pub async fn attach_must_change(
    context: &Context<'_>,
    pending: &Pending,
    account: &Account,
) -> Answer<()> {
    let stage = Stage::MustChange(Attached {
        pid: account.person.pid,
        credential: account.credential(),
        auth_time: context.seconds(),
    });
    attach(context, &pending.asked.id, &stage).await
}

/// The failure of a request that cannot go on.
pub(super) fn ended() -> Failure {
    Refusal::Expired(ENDED).into()
}

/// App and redirect address, where both are registered and each was given once.
async fn addressee<'p>(
    context: &Context<'_>,
    params: &'p Params,
) -> Answer<Option<(Client, &'p str)>> {
    let id = request::one(params, "client_id").unwrap_or_default();
    let redirect_uri = request::one(params, "redirect_uri").unwrap_or_default();
    let (Some(id), Some(redirect_uri)) = (id, redirect_uri) else {
        return Ok(None);
    };
    let client = client::in_use(&context.emr.db, id).await?;
    let client = client.filter(|client| client::may_redirect(client, redirect_uri));
    Ok(client.map(|client| (client, redirect_uri)))
}

/// Stores a good request and says which page comes first.
async fn proceed(
    context: &Context<'_>,
    client: &Client,
    redirect_uri: &str,
    (request, visitor): (Request, Visitor<'_>),
) -> Answer<Result<Begin, Wrong>> {
    let current = session::current(context, visitor).await?;
    let now = context.seconds();
    if request.prompt == Prompt::None {
        // Consent is given anew each time, so there is always a page to show.
        return Ok(Err(match current {
            None => Wrong {
                error: CoreAuthErrorResponseType::LoginRequired,
                description: "the patient is not logged in",
            },
            Some(_) => Wrong {
                error: CoreAuthErrorResponseType::ConsentRequired,
                description: "the patient has to be asked",
            },
        }));
    }
    let current = current.filter(|(session, _)| match request.prompt {
        Prompt::Fresh(seconds) => now - session.auth_time < seconds,
        Prompt::Any | Prompt::None => true,
    });
    let asked = Asked {
        id: context.entropy.token()?,
        visitor_hash: crypto::fingerprint(visitor.token),
        client_id: client.client_id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        scope: crate::domain::scope::Scope::join(&request.scopes),
        state: request.state,
        nonce: request.nonce,
        challenge: request.challenge,
    };
    let stage = match &current {
        Some((session, _)) => Stage::Consent(attached(session), session.session_hash.clone()),
        None => Stage::Login,
    };
    context
        .emr
        .db
        .transaction(|tx| {
            let (asked, stage) = (asked.clone(), stage.clone());
            Box::pin(async move {
                authorizations::add(tx, &asked, now).await?;
                authorizations::attach(tx, &asked.id, &stage, now).await
            })
        })
        .await?;
    Ok(Ok(match current {
        Some(_) => Begin::Consent(asked.id),
        None => Begin::Login(asked.id),
    }))
}

fn attached(session: &Session) -> Attached {
    Attached {
        pid: session.pid,
        credential: session.credential.clone(),
        auth_time: session.auth_time,
    }
}

async fn attach(context: &Context<'_>, id: &str, stage: &Stage) -> Answer<()> {
    let now = context.seconds();
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (id, stage) = (id.to_owned(), stage.clone());
            Box::pin(async move { authorizations::attach(tx, &id, &stage, now).await })
        })
        .await?;
    done.then_some(()).ok_or_else(ended)
}

async fn refused(context: &Context<'_>, client_id: &str, reason: &str) -> Answer<()> {
    let mut entry = context.entry("authorize", Outcome::Refused);
    entry.client_id = client_id.to_owned();
    entry.reason = reason.to_owned();
    login::record(context, entry).await
}

#[cfg(test)]
mod tests;
