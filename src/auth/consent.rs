//! The patient's answer: what was ticked becomes a grant and a code, or the app is told no.

use uuid::Uuid;

use crate::auth::Context;
use crate::auth::authorize;
use crate::auth::authorize::Pending;
use crate::auth::authorize::Step;
use crate::auth::request;
use crate::auth::session::Visitor;
use crate::crypto;
use crate::domain::refusal::Answer;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::store::authorizations;
use crate::store::codes;
use crate::store::codes::Code;
use crate::store::grants;
use crate::store::grants::Given;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::tokens;

/// Whether the patient cannot take a scope out: without it the launch itself makes no sense.
pub fn is_fixed(scope: &Scope) -> bool {
    matches!(scope.word, Word::OpenId | Word::LaunchPatient)
}

/// Grants what the patient ticked, of what the app asked, and answers the app with a code; where to send the browser.
/// Words the app did not ask for are ignored, whatever the form says.
///
/// # Errors
/// `Expired` where the request has ended or another patient is logged in by now; otherwise as
/// [`crate::db::Db::run`].
pub async fn approve(
    context: &Context<'_>,
    id: &str,
    visitor: Visitor<'_>,
    ticked: &[String],
) -> Answer<String> {
    let pending = authorize::pending(context, id, visitor).await?;
    let Step::Consent(account) = &pending.step else {
        return Err(authorize::ended());
    };
    let mut scopes = Scope::list(&pending.asked.scope);
    let asked_fixed_only = scopes.iter().all(is_fixed);
    scopes.retain(|scope| is_fixed(scope) || ticked.contains(&scope.spelling));
    if scopes.is_empty() || (!asked_fixed_only && scopes.iter().all(is_fixed)) {
        return refuse(context, &pending).await;
    }
    let now = context.seconds();
    let auth_time = auth_time(context, visitor).await?;
    let given = Given {
        id: fresh_id(context)?,
        client_id: pending.client.client_id.clone(),
        pid: account.person.pid,
        credential: account.credential(),
        auth_time,
        ends: now + life(&scopes),
        scope: Scope::join(&scopes),
    };
    let secret = format!("ac_{}", context.entropy.token()?);
    let code = Code {
        code_hash: crypto::fingerprint(&secret),
        grant_id: given.id.clone(),
        client_id: given.client_id.clone(),
        redirect_uri: pending.asked.redirect_uri.clone(),
        challenge: pending.asked.challenge.clone(),
        nonce: pending.asked.nonce.clone(),
        expires: now + codes::LIFE,
        wrong: 0,
        used: None,
    };
    let mut entry = context.entry("consent", Outcome::Success);
    entry.actor = format!("Patient/{}", account.person.uuid);
    entry.client_id = given.client_id.clone();
    entry.grant_id = given.id.clone();
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (given, code, entry) = (given.clone(), code.clone(), entry.clone());
            let id = pending.asked.id.clone();
            Box::pin(async move {
                if !authorizations::finish(tx, &id, now).await? {
                    return Ok(false);
                }
                grants::add(tx, &given, now).await?;
                codes::add(tx, &code).await?;
                ledger::record(tx, &entry).await?;
                Ok(true)
            })
        })
        .await?;
    match done {
        true => Ok(request::answer_address(
            &pending.asked.redirect_uri,
            &[
                ("code", &secret),
                ("state", &pending.asked.state),
                ("iss", context.issuer),
            ],
        )),
        false => Err(authorize::ended()),
    }
}

/// Tells the app that the patient said no; where to send the browser. Possible before logging in, too.
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
    entry.client_id = pending.client.client_id.clone();
    if let Step::Consent(account) | Step::NewCredentials(account) = &pending.step {
        entry.actor = format!("Patient/{}", account.person.uuid);
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
    match done {
        true => Ok(request::answer_address(
            &pending.asked.redirect_uri,
            &[
                ("error", "access_denied"),
                ("error_description", "the patient said no"),
                ("state", &pending.asked.state),
                ("iss", context.issuer),
            ],
        )),
        false => Err(authorize::ended()),
    }
}

/// When the password of the present session was given.
async fn auth_time(context: &Context<'_>, visitor: Visitor<'_>) -> Answer<i64> {
    let current = crate::auth::session::current(context, visitor).await?;
    let (session, _) = current.ok_or_else(authorize::ended)?;
    Ok(session.auth_time)
}

/// A year with a refresh token; without one, no longer than code and access token together.
fn life(scopes: &[Scope]) -> i64 {
    match scopes.iter().any(|scope| scope.word == Word::OfflineAccess) {
        true => grants::LIFE,
        false => codes::LIFE + tokens::ACCESS_LIFE,
    }
}

fn fresh_id(context: &Context<'_>) -> Answer<String> {
    let mut bytes = [0; 16];
    context.entropy.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid()).map(|id: Uuid| id.to_string())
}
