//! Backend services (SMART App Launch 2.2, "Backend services"; RFC 6749, 4.4): no user, no refresh token, five minutes.

use oauth2::basic::BasicErrorResponseType;
use uuid::Builder;

use crate::auth::Context;
use crate::auth::login;
use crate::auth::oauth_error::OAuthError;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::token;
use crate::auth::token::Standing;
use crate::auth::token::answer::Issued;
use crate::domain::access::Holder;
use crate::domain::refusal::Failure;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::store::authorizations::Launched;
use crate::store::clients::Client;
use crate::store::grants;
use crate::store::grants::Given;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::tokens;

/// The longest list of scopes that is looked at.
const LONGEST_SCOPE: usize = 8192;

/// Gives a backend service a token: a grant of its own that ends with it.
pub(super) async fn with_nobody(
    context: &Context<'_>,
    params: &Params,
    client: &Client,
) -> Result<Issued, OAuthError> {
    // No token of this server opens anything then.
    if !login::portal_is_on(context).await? {
        return Err(OAuthError::new(
            BasicErrorResponseType::UnauthorizedClient,
            "the practice has its portal switched off, and with it every app",
        ));
    }
    let asked = request::one(params, "scope").unwrap_or_default();
    let scope = Scope::join(&allowed(client, asked)?);
    let now = context.seconds();
    let mut bytes = [0; 16];
    context.entropy.fill(&mut bytes).map_err(Failure::Broken)?;
    let id = Builder::from_random_bytes(bytes).into_uuid().to_string();
    let given = Given {
        id,
        client_id: client.client_id.clone(),
        holder: Holder::System,
        launch: Launched {
            by: None,
            patient: None,
            encounter: None,
            intent: None,
            banner: false,
        },
        scope: scope.clone(),
        credential: String::new(),
        acr: String::new(),
        session_hash: None,
        auth_time: now,
        ends: now + tokens::SYSTEM_LIFE,
    };
    let pair = token::pair(context, &scope)?;
    // It comes from no code and no other token: its parent is its own grant.
    let rows = token::rows(&pair, &given, (&scope, &given.id), now);
    let mut entry = context.entry("token.issue", Outcome::Success);
    "system".clone_into(&mut entry.actor);
    entry.client_id.clone_from(&client.client_id);
    entry.grant_id.clone_from(&given.id);
    context
        .emr
        .db
        .transaction(|tx| {
            let (given, rows, entry) = (given.clone(), rows.clone(), entry.clone());
            Box::pin(async move {
                grants::add(tx, &given, now).await?;
                token::store(tx, &rows).await?;
                ledger::record(tx, &entry).await
            })
        })
        .await?;
    Ok(Issued {
        pair,
        scope,
        given,
        standing: Standing {
            user: "system".to_owned(),
            patient: None,
        },
        nonce: None,
    })
}

/// What of the asked scopes the practice gave this service.
fn allowed(client: &Client, asked: Option<&str>) -> Result<Vec<Scope>, OAuthError> {
    let invalid = |why: String| OAuthError::new(BasicErrorResponseType::InvalidScope, why);
    let registered = &client.scope;
    let asked = asked.ok_or_else(|| {
        invalid(format!(
            "scope is required; this service is registered for {registered}"
        ))
    })?;
    if asked.len() > LONGEST_SCOPE {
        return Err(OAuthError::request("scope is longer than 8192 characters"));
    }
    let known = Scope::list(registered);
    let mut scopes = Scope::list(asked);
    scopes.retain(|scope| {
        scope.level() == Some(Level::System) && known.iter().any(|known| known.covers(scope))
    });
    match scopes.is_empty() {
        true => Err(invalid(format!(
            "scope has none of the scopes this service is registered for: {registered}"
        ))),
        false => Ok(scopes),
    }
}

#[cfg(test)]
mod tests;
