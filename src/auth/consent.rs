//! The user's answer: what was ticked becomes a grant and a code, or the app is told no.

use uuid::Uuid;

use crate::auth::Context;
use crate::auth::authorize;
use crate::auth::authorize::Pending;
use crate::auth::authorize::Step;
use crate::auth::request;
use crate::auth::session::Visitor;
use crate::auth::who::Who;
use crate::crypto;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::store::authorizations;
use crate::store::authorizations::Asked;
use crate::store::clients::Client;
use crate::store::codes;
use crate::store::codes::Code;
use crate::store::grants;
use crate::store::grants::Given;
use crate::store::launches;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::sessions::Session;
use crate::store::tokens;

/// Whether the user cannot take a scope out: without it the launch itself makes no sense.
pub fn is_fixed(scope: &Scope) -> bool {
    matches!(
        scope.word,
        Word::OpenId | Word::LaunchPatient | Word::Launch
    )
}

/// Grants what the user ticked, of what the app asked, and answers the app with a code; where to send the browser.
/// Words the app did not ask for are ignored, whatever the form says.
///
/// # Errors
/// `Expired` where the request has ended or another user is logged in by now; otherwise as
/// [`crate::db::Db::run`].
pub async fn approve(
    context: &Context<'_>,
    id: &str,
    visitor: Visitor<'_>,
    ticked: &[String],
) -> Answer<String> {
    let pending = authorize::pending(context, id, visitor).await?;
    let (Step::Consent(who, session), Some(client)) = (&pending.step, &pending.client) else {
        return Err(authorize::ended());
    };
    let mut scopes = Scope::list(&pending.asked.scope);
    let asked_fixed_only = scopes.iter().all(is_fixed);
    scopes.retain(|scope| is_fixed(scope) || ticked.contains(&scope.spelling));
    if scopes.is_empty() || (!asked_fixed_only && scopes.iter().all(is_fixed)) {
        return refuse(context, &pending).await;
    }
    let given = given(context, client, (&pending.asked, &scopes), (who, session))?;
    let granted = give(context, &given, &pending.asked, (who, Request::Stored)).await?;
    granted.ok_or_else(authorize::ended)
}

/// Answers the app with a code without asking, where the user has a grant of this app that holds all of this already.
/// Only for answers to an https address: anybody on the machine can listen on another (RFC 8252, 8.6). A launch, by its
/// fingerprint, is spent with the answer. Where to send the browser, or `None` where the user has to be asked.
///
/// # Errors
/// As [`approve`].
pub(super) async fn again(
    context: &Context<'_>,
    client: &Client,
    (asked, launch): (&Asked, Option<String>),
    (who, session): (&Who, &Session),
) -> Answer<Option<String>> {
    let scopes = Scope::list(&asked.scope);
    let chosen = matches!(who, Who::Patient(_)) || asked.launch.patient.is_some();
    if !asked.redirect_uri.starts_with("https://") || authorize::needs_patient(&scopes) && !chosen {
        return Ok(None);
    }
    let now = context.seconds();
    let lives = grants::of_holder(&context.emr.db, who.holder(), now).await?;
    let given_before = lives
        .iter()
        .filter(|given| given.client_id == client.client_id)
        .filter(|given| given.credential == who.credential())
        .any(|given| {
            let held = Scope::list(&given.scope);
            let has = |scope: &Scope| held.iter().any(|known| known.covers(scope));
            scopes.iter().all(has)
        });
    if !given_before {
        return Ok(None);
    }
    let given = given(context, client, (asked, &scopes), (who, session))?;
    give(context, &given, asked, (who, Request::Unstored(launch))).await
}

/// Whether a request waits in the table, and what else the answer to it spends.
#[derive(Clone, PartialEq, Eq)]
enum Request {
    /// It waits.
    Stored,
    /// It does not; the fingerprint of the launch it came with is spent by its answer.
    Unstored(Option<String>),
}

fn given(
    context: &Context<'_>,
    client: &Client,
    (asked, scopes): (&Asked, &[Scope]),
    (who, session): (&Who, &Session),
) -> Answer<Given> {
    let mut launch = asked.launch.clone();
    if let Holder::Patient(pid) = who.holder() {
        launch.patient = Some(pid);
    }
    let online =
        Scope::has(scopes, &Word::OnlineAccess) && !Scope::has(scopes, &Word::OfflineAccess);
    Ok(Given {
        id: fresh_id(context)?,
        client_id: client.client_id.clone(),
        holder: who.holder(),
        launch,
        credential: who.credential(),
        acr: session.acr.clone(),
        session_hash: online.then(|| session.session_hash.clone()),
        auth_time: session.auth_time,
        ends: context.seconds() + life(scopes),
        scope: Scope::join(scopes),
    })
}

/// Stores a grant with its code, and ends the request it answers; `None` where that had ended before.
async fn give(
    context: &Context<'_>,
    given: &Given,
    asked: &Asked,
    (who, request): (&Who, Request),
) -> Answer<Option<String>> {
    let now = context.seconds();
    let secret = format!("ac_{}", context.entropy.token()?);
    let code = Code {
        code_hash: crypto::fingerprint(&secret),
        grant_id: given.id.clone(),
        client_id: given.client_id.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
        nonce: asked.nonce.clone(),
        expires: now + codes::LIFE,
        wrong: 0,
        used: None,
    };
    let mut entry = context.entry("consent", Outcome::Success);
    entry.actor = who.reference();
    entry.client_id = given.client_id.clone();
    entry.grant_id = given.id.clone();
    if !asked.dropped.is_empty() {
        entry.reason = format!("not offered: {}", asked.dropped);
    }
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (given, code, entry) = (given.clone(), code.clone(), entry.clone());
            let (id, request) = (asked.id.clone(), request.clone());
            Box::pin(async move {
                let waited = match request {
                    Request::Stored => authorizations::finish(tx, &id, now).await?,
                    Request::Unstored(None) => true,
                    Request::Unstored(Some(launch)) => {
                        launches::claim(tx, &launch, &given.client_id, now).await?
                    }
                };
                if !waited {
                    return Ok(false);
                }
                grants::add(tx, &given, now).await?;
                codes::add(tx, &code).await?;
                ledger::record(tx, &entry).await?;
                Ok(true)
            })
        })
        .await?;
    Ok(done.then(|| {
        request::answer_address(
            &asked.redirect_uri,
            &[
                ("code", &secret),
                ("state", &asked.state),
                ("iss", context.issuer),
            ],
        )
    }))
}

/// Tells the app that the user said no; where to send the browser. Possible before logging in, too. A visit to a page
/// of our own ends at the start page.
///
/// # Errors
/// As [`approve`].
pub async fn deny(context: &Context<'_>, id: &str, visitor: Visitor<'_>) -> Answer<String> {
    let pending = authorize::pending(context, id, visitor).await?;
    refuse(context, &pending).await
}

async fn refuse(context: &Context<'_>, pending: &Pending) -> Answer<String> {
    let now = context.seconds();
    let mut entry = context.entry("consent", Outcome::Refused);
    entry.reason = "access_denied".to_owned();
    entry.client_id = pending.asked.client_id.clone().unwrap_or_default();
    match &pending.step {
        Step::Consent(who, _) => entry.actor = who.reference(),
        Step::NewCredentials(account) => {
            entry.actor = format!("Patient/{}", account.person.uuid);
        }
        Step::Choose(colleague) => {
            entry.actor = format!("Practitioner/{}", colleague.staff.uuid);
        }
        Step::Login(_) | Step::Own(_) => {}
    }
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (id, entry) = (pending.asked.id.clone(), entry.clone());
            Box::pin(async move {
                ledger::record(tx, &entry).await?;
                authorizations::finish(tx, &id, now).await
            })
        })
        .await?;
    if pending.client.is_none() {
        return Ok("/".to_owned());
    }
    match done {
        true => Ok(request::answer_address(
            &pending.asked.redirect_uri,
            &[
                ("error", "access_denied"),
                ("error_description", "the user said no"),
                ("state", &pending.asked.state),
                ("iss", context.issuer),
            ],
        )),
        false => Err(authorize::ended()),
    }
}

/// A year with a refresh token; without one, no longer than code and access token together.
fn life(scopes: &[Scope]) -> i64 {
    let refreshed = [Word::OfflineAccess, Word::OnlineAccess]
        .iter()
        .any(|word| Scope::has(scopes, word));
    match refreshed {
        true => grants::LIFE,
        false => codes::LIFE + tokens::ACCESS_LIFE,
    }
}

fn fresh_id(context: &Context<'_>) -> Answer<String> {
    let mut bytes = [0; 16];
    context.entropy.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid()).map(|id: Uuid| id.to_string())
}
