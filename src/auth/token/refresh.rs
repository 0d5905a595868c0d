//! Refreshing with rotation (`spec/security.md` section 0): each refresh token is exchanged once. Within thirty seconds it
//! may come again while what it gave was never used, as it does when an answer is lost; any other reuse is theft.

use oauth2::basic::BasicErrorResponseType;

use crate::auth::Context;
use crate::auth::oauth_error::OAuthError;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::token;
use crate::auth::token::answer::Issued;
use crate::crypto;
use crate::db::Tx;
use crate::domain::refusal::Answer;
use crate::domain::scope::Scope;
use crate::store::clients::Client;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::tokens;
use crate::store::tokens::Refresh;
use crate::store::tokens::Token;

/// The longest list of scopes that is looked at.
const LONGEST_SCOPE: usize = 8192;

/// What the stored state of a refresh token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It is exchanged.
    Rotated,
    /// It has ended or was revoked.
    Ended,
    /// It was exchanged before: somebody has a copy.
    Reused,
}

pub(super) async fn with_refresh(
    context: &Context<'_>,
    params: &Params,
    client: &Client,
) -> Result<Issued, OAuthError> {
    let get = |name| request::one(params, name).unwrap_or_default();
    let secret = get("refresh_token");
    let secret = secret.ok_or_else(|| OAuthError::request("refresh_token is required"))?;
    let now = context.seconds();
    let hash = crypto::fingerprint(secret);
    let found = look(context, &hash).await?;
    // Another app's token is neither spent nor taken for stolen.
    let found = found.filter(|found| found.given.client_id == client.client_id);
    let found = found.ok_or_else(|| OAuthError::grant("the refresh token is not valid"))?;
    let given = found.given.clone();
    if ended(&found, now) {
        return Err(OAuthError::grant("the refresh token has ended"));
    }
    if found.revoked.is_some() {
        return Err(reused(context, &given.id).await);
    }
    let standing = token::standing(context, &given).await?;
    let scope = narrowed(get("scope"), &given.scope)?;
    let pair = token::pair(context, &given.scope)?;
    let rows = token::rows(&pair, &given, (&scope, &hash), now);
    let mut entry = context.entry("token.refresh", Outcome::Success);
    entry.actor.clone_from(&standing.user);
    entry.client_id = client.client_id.clone();
    entry.grant_id = given.id.clone();
    let turn = context
        .emr
        .db
        .transaction(|tx| {
            let (hash, rows, entry) = (hash.clone(), rows.clone(), entry.clone());
            Box::pin(async move {
                let turn = turn(tx, &hash, &rows, now).await?;
                if turn == Turn::Rotated {
                    ledger::record(tx, &entry).await?;
                }
                Ok(turn)
            })
        })
        .await?;
    match turn {
        Turn::Rotated => Ok(Issued {
            pair,
            scope,
            given,
            standing,
            nonce: None,
        }),
        Turn::Ended => Err(OAuthError::grant("the refresh token has ended")),
        Turn::Reused => Err(reused(context, &given.id).await),
    }
}

/// Two have the same token, and nobody can tell which of them is the thief: the family ends. A token that the grace took
/// back counts as well: whoever brings it got it before somebody else asked again with the one before it.
async fn reused(context: &Context<'_>, grant_id: &str) -> OAuthError {
    match token::revoke(context, grant_id, "refresh-reuse").await {
        Ok(()) => OAuthError::grant("the refresh token was used already; launch again"),
        Err(failure) => failure.into(),
    }
}

/// Whose refresh token a request brings, where it is a refresh request and there is such a token.
pub(in crate::auth) async fn owner(
    context: &Context<'_>,
    params: &Params,
) -> Answer<Option<String>> {
    let get = |name| request::one(params, name).unwrap_or_default();
    let secret = get("refresh_token").filter(|_| get("grant_type") == Some("refresh_token"));
    match secret {
        Some(secret) => {
            let found = look(context, &crypto::fingerprint(secret)).await?;
            Ok(found.map(|found| found.given.client_id))
        }
        None => Ok(None),
    }
}

/// Exchanges a token, holding its row so that of several at once each sees what the one before did.
async fn turn(tx: &mut Tx, hash: &str, rows: &[Token], now: i64) -> Answer<Turn> {
    let Some(found) = tokens::refresh(tx, hash).await? else {
        return Ok(Turn::Ended);
    };
    if ended(&found, now) {
        return Ok(Turn::Ended);
    }
    if found.revoked.is_some() {
        return Ok(Turn::Reused);
    }
    if let Some(consumed) = found.consumed {
        if now - consumed > tokens::GRACE || tokens::children_used(tx, hash).await? {
            return Ok(Turn::Reused);
        }
        tokens::revoke_children(tx, hash, now).await?;
    } else {
        tokens::consume(tx, hash, now).await?;
    }
    token::store(tx, rows).await?;
    Ok(Turn::Rotated)
}

async fn look(context: &Context<'_>, hash: &str) -> Answer<Option<Refresh>> {
    context
        .emr
        .db
        .transaction(|tx| {
            let hash = hash.to_owned();
            Box::pin(async move { tokens::refresh(tx, &hash).await })
        })
        .await
}

/// Out of time, or under a grant that is over.
fn ended(found: &Refresh, now: i64) -> bool {
    found.grant_revoked.is_some() || found.expires <= now || found.given.ends <= now
}

/// What the new access token opens: everything granted, or the part that was asked for (RFC 6749, 6).
fn narrowed(asked: Option<&str>, granted: &str) -> Result<String, OAuthError> {
    let Some(asked) = asked else {
        return Ok(granted.to_owned());
    };
    if asked.len() > LONGEST_SCOPE {
        return Err(OAuthError::request("scope is too long"));
    }
    let granted = Scope::list(granted);
    let mut words = asked.split(' ').filter(|word| !word.is_empty());
    let inside = words.all(|word| {
        Scope::of(word).is_some_and(|scope| granted.iter().any(|known| known.covers(&scope)))
    });
    match inside {
        true => Ok(Scope::join(&Scope::list(asked))),
        false => Err(OAuthError::new(
            BasicErrorResponseType::InvalidScope,
            "scope goes beyond what was granted",
        )),
    }
}
