//! The token endpoint: codes and refresh tokens become access tokens (RFC 6749, 4.1.3 and 6; RFC 7636, 4.6; SMART App
//! Launch 2.2). Refreshing is in [`refresh`], backend services in [`service`], what a token answer says in [`answer`].

pub mod answer;
pub(in crate::auth) mod refresh;
mod service;

use oauth2::basic::BasicErrorResponseType;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::client_auth;
use crate::auth::login;
use crate::auth::oauth_error::OAuthError;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::session;
use crate::auth::token::answer::Issued;
use crate::auth::token::answer::TokenAnswer;
use crate::auth::who::Who;
use crate::crypto;
use crate::db::Tx;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::emr::persons;
use crate::store::clients::Client;
use crate::store::clients::Kind as ClientKind;
use crate::store::codes;
use crate::store::codes::Code;
use crate::store::grants;
use crate::store::grants::Given;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::tokens;
use crate::store::tokens::Kind;
use crate::store::tokens::Token;

/// An access token and, with `offline_access`, a refresh token, before anybody has seen them.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
}

/// The grant types there are.
const GRANT_TYPES: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

/// Answers a token request. `basic` is the `Authorization: Basic` header, taken apart, where there was one.
///
/// # Errors
/// An [`OAuthError`]; every one is in the ledger.
pub async fn exchange(
    context: &Context<'_>,
    params: &Params,
    basic: Option<(String, String)>,
) -> Result<TokenAnswer, OAuthError> {
    let (client, grant_type) = match asked(context, params, basic).await {
        Ok(asked) => asked,
        Err(error) => return Err(noted(context, ("token", ""), error).await),
    };
    let answer = match (grant_type, client.kind) {
        ("client_credentials", ClientKind::Backend) => {
            service::with_nobody(context, params, &client).await
        }
        ("client_credentials", _) => Err(not_for(
            "grant_type client_credentials is for apps registered as backend; use authorization_code",
        )),
        (_, ClientKind::Backend) => Err(not_for(
            "this app is registered as backend: grant_type must be client_credentials",
        )),
        ("refresh_token", _) => refresh::with_refresh(context, params, &client).await,
        _ => with_code(context, params, &client).await,
    };
    match answer {
        Ok(issued) => answer::token_answer(context, issued),
        Err(error) => Err(noted(context, ("token", &client.client_id), error).await),
    }
}

/// Who asks for which kind of grant. A kind there is not is told before anybody has to prove anything.
async fn asked<'p>(
    context: &Context<'_>,
    params: &'p Params,
    basic: Option<(String, String)>,
) -> Result<(Client, &'p str), OAuthError> {
    let grant_type = request::one(params, "grant_type")
        .map_err(|_| OAuthError::request("grant_type is repeated; send it once"))?;
    let all = "authorization_code, refresh_token or client_credentials";
    let grant_type =
        grant_type.ok_or_else(|| OAuthError::request(format!("grant_type is required: {all}")))?;
    if !GRANT_TYPES.contains(&grant_type) {
        return Err(OAuthError::new(
            BasicErrorResponseType::UnsupportedGrantType,
            format!("grant_type must be {all}"),
        ));
    }
    let endpoint = format!("{}/oauth2/token", context.issuer);
    let client = client_auth::authenticate(context, params, basic, &endpoint).await?;
    Ok((client, grant_type))
}

fn not_for(why: &'static str) -> OAuthError {
    OAuthError::new(BasicErrorResponseType::UnauthorizedClient, why)
}

async fn with_code(
    context: &Context<'_>,
    params: &Params,
    client: &Client,
) -> Result<Issued, OAuthError> {
    let get = |name| request::one(params, name).unwrap_or_default();
    let secret = get("code").ok_or_else(|| OAuthError::request("code is required"))?;
    let verifier = get("code_verifier");
    let verifier = verifier.ok_or_else(|| OAuthError::request("code_verifier is required"))?;
    let db = &context.emr.db;
    let now = context.seconds();
    let code = codes::find(db, &crypto::fingerprint(secret)).await?;
    // A code in a stranger's hands is not spent: its owner may still come.
    let code = code.filter(|code| code.client_id == client.client_id);
    let code = code.ok_or_else(|| OAuthError::grant("code is not a code of this app"))?;
    if code.used.is_some() {
        return Err(replayed(context, &code).await);
    }
    if !code.lives(now) {
        return Err(OAuthError::grant(
            "code has ended: it lives a minute and has five tries",
        ));
    }
    if get("redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err(OAuthError::grant(
            "redirect_uri must be the one the code was sent to",
        ));
    }
    if !verifies(verifier, &code.challenge) {
        codes::miss(db, &code.code_hash).await?;
        return Err(OAuthError::grant(
            "code_verifier must be the 43 to 128 characters whose SHA-256 was sent as code_challenge",
        ));
    }
    let given = grants::find(db, &code.grant_id, now).await?;
    let given = given.ok_or_else(|| OAuthError::grant("the grant has ended"))?;
    let standing = standing(context, &given).await?;
    let pair = pair(context, &given.scope)?;
    let rows = rows(&pair, &given, (&given.scope, &code.code_hash), now);
    let mut entry = context.entry("token.issue", Outcome::Success);
    entry.actor.clone_from(&standing.user);
    entry.client_id = client.client_id.clone();
    entry.grant_id = given.id.clone();
    let claimed = db
        .transaction(|tx| {
            let (code, rows, entry) = (code.code_hash.clone(), rows.clone(), entry.clone());
            Box::pin(async move {
                if !codes::claim(tx, &code, now).await? {
                    return Ok(false);
                }
                store(tx, &rows).await?;
                ledger::record(tx, &entry).await?;
                Ok(true)
            })
        })
        .await?;
    if !claimed {
        return Err(replayed(context, &code).await);
    }
    Ok(Issued {
        pair,
        scope: given.scope.clone(),
        given,
        standing,
        nonce: code.nonce,
    })
}

/// A code that comes twice takes everything with it that came from it (RFC 6749, 4.1.2).
async fn replayed(context: &Context<'_>, code: &Code) -> OAuthError {
    let error = OAuthError::grant("code was used already; its tokens are revoked");
    match revoke(context, &code.grant_id, "code-replay").await {
        Ok(()) => error,
        Err(failure) => failure.into(),
    }
}

/// Ends a grant, with a line in the ledger that says why: one line, however often the token comes again.
pub(super) async fn revoke(context: &Context<'_>, grant_id: &str, why: &str) -> Answer<()> {
    let now = context.seconds();
    let mut entry = context.entry("grant.revoke", Outcome::Success);
    entry.grant_id = grant_id.to_owned();
    entry.reason = why.to_owned();
    context
        .emr
        .db
        .transaction(|tx| {
            let (grant_id, entry) = (grant_id.to_owned(), entry.clone());
            Box::pin(async move {
                if grants::revoke_all(tx, &grant_id, now).await? {
                    ledger::record(tx, &entry).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Who a grant is for and about, as FHIR ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// `Patient/<uuid>`, `Practitioner/<uuid>` or `system`.
    pub(super) user: String,
    /// The patient in context.
    pub(super) patient: Option<Uuid>,
}

/// Who stands behind a grant, where the practice still lets them in and the password is the same.
pub(super) async fn standing(context: &Context<'_>, given: &Given) -> Result<Standing, OAuthError> {
    let ended = || OAuthError::grant("the user's access has ended; launch again");
    if !login::portal_is_on(context).await? {
        return Err(ended());
    }
    if given.holder == Holder::System {
        return Ok(Standing {
            user: "system".to_owned(),
            patient: None,
        });
    }
    let who = session::who_may_stay(context, given.holder).await?;
    let who = who.filter(|who| who.credential() == given.credential);
    let who = who.ok_or_else(ended)?;
    let patient = match (&who, given.launch.patient) {
        (Who::Patient(account), _) => Some(account.person.uuid),
        (Who::Staff(_), Some(pid)) => {
            let person = persons::by_pid(context.emr, pid).await?;
            Some(person.ok_or_else(ended)?.uuid)
        }
        (Who::Staff(_), None) => None,
    };
    if let Some(hash) = &given.session_hash {
        let session = sessions::find(&context.emr.db, hash, context.seconds()).await?;
        session.ok_or_else(|| {
            OAuthError::grant("online_access lasts while the user is logged in; launch again")
        })?;
    }
    Ok(Standing {
        user: who.reference(),
        patient,
    })
}

/// Fresh tokens; a refresh token only with `offline_access` or `online_access`.
pub(super) fn pair(context: &Context<'_>, granted: &str) -> Result<Pair, OAuthError> {
    let fault = |fault| OAuthError::from(Failure::Broken(fault));
    let scopes = Scope::list(granted);
    let refreshed = [Word::OfflineAccess, Word::OnlineAccess]
        .iter()
        .any(|word| Scope::has(&scopes, word));
    let access = context.entropy.token().map_err(fault)?;
    let refresh = match refreshed {
        true => Some(context.entropy.token().map_err(fault)?),
        false => None,
    };
    Ok(Pair {
        access: format!("at_{access}"),
        refresh: refresh.map(|refresh| format!("rt_{refresh}")),
    })
}

/// A pair as it is stored: `scope` is the access token's, `parent` what the pair came from.
pub(super) fn rows(
    pair: &Pair,
    given: &Given,
    (scope, parent): (&str, &str),
    now: i64,
) -> Vec<Token> {
    let row = |secret: &String, kind, scope: &str, life| Token {
        token_hash: crypto::fingerprint(secret),
        grant_id: given.id.clone(),
        kind,
        scope: scope.to_owned(),
        parent: parent.to_owned(),
        issued: now,
        expires: given.ends.min(now + life),
    };
    let access = row(&pair.access, Kind::Access, scope, tokens::ACCESS_LIFE);
    let refresh = pair.refresh.as_ref();
    let refresh =
        refresh.map(|secret| row(secret, Kind::Refresh, &given.scope, tokens::REFRESH_IDLE));
    [Some(access), refresh].into_iter().flatten().collect()
}

pub(super) async fn store(tx: &mut Tx, rows: &[Token]) -> Answer<()> {
    for row in rows {
        tokens::add(tx, row).await?;
    }
    Ok(())
}

/// RFC 7636, 4.1 and 4.6.
fn verifies(verifier: &str, challenge: &str) -> bool {
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    well_formed
        && crypto::same(
            crypto::fingerprint(verifier).as_bytes(),
            challenge.as_bytes(),
        )
}

/// Writes the refusal of an action into the ledger; where that breaks, that is the error.
pub(super) async fn noted(
    context: &Context<'_>,
    (action, client_id): (&'static str, &str),
    error: OAuthError,
) -> OAuthError {
    let outcome = match error.broken {
        Some(_) => Outcome::Failed,
        None => Outcome::Refused,
    };
    let mut entry = context.entry(action, outcome);
    entry.client_id = client_id.to_owned();
    entry.reason = format!("{}: {}", error.error.as_ref(), error.description);
    if matches!(
        error.broken,
        Some(Failure::Refused(Refusal::Unavailable(_)))
    ) {
        // The database is away, and the ledger with it.
        return error;
    }
    match login::record(context, entry).await {
        Ok(()) => error,
        Err(failure) => failure.into(),
    }
}

#[cfg(test)]
mod refresh_tests;
#[cfg(test)]
pub(in crate::auth) mod tests;
