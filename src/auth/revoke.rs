//! An app gives back what it has (RFC 7009): an access token alone, or with a refresh token everything the user allowed.

use crate::auth::Context;
use crate::auth::client_auth;
use crate::auth::login;
use crate::auth::oauth_error::OAuthError;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::token;
use crate::crypto;
use crate::domain::refusal::Answer;
use crate::store::clients::Client;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::tokens;
use crate::store::tokens::Kind;
use crate::store::tokens::Looked;

const ACTION: &str = "token.revoke";

/// Revokes a token of the app that asks. One that is unknown, over or another app's is no error, and nothing is done.
///
/// # Errors
/// An [`OAuthError`]; every one is in the ledger.
pub async fn revoke(
    context: &Context<'_>,
    params: &Params,
    basic: Option<(String, String)>,
) -> Result<(), OAuthError> {
    let endpoint = format!("{}/oauth2/revoke", context.issuer);
    let client = match client_auth::authenticate(context, params, basic, &endpoint).await {
        Ok(client) => client,
        Err(error) => return Err(token::noted(context, (ACTION, ""), error).await),
    };
    // token_type_hint is but a hint (RFC 7009, 2.1), and one look finds both kinds.
    let Some(secret) = request::one(params, "token").unwrap_or_default() else {
        let error = OAuthError::request("token is required");
        return Err(token::noted(context, (ACTION, &client.client_id), error).await);
    };
    let hash = crypto::fingerprint(secret);
    let found = tokens::look(&context.emr.db, &hash).await?;
    match found.filter(|found| found.given.client_id == client.client_id) {
        Some(found) if found.kind == Kind::Refresh => {
            token::revoke(context, &found.given.id, "app").await?;
        }
        Some(found) => one(context, &found, &hash).await?,
        None => nothing(context, &client).await?,
    }
    Ok(())
}

/// An access token alone: what the user allowed goes on.
async fn one(context: &Context<'_>, found: &Looked, hash: &str) -> Answer<()> {
    let now = context.seconds();
    let mut entry = context.entry(ACTION, Outcome::Success);
    entry.client_id.clone_from(&found.given.client_id);
    entry.grant_id.clone_from(&found.given.id);
    context
        .emr
        .db
        .transaction(|tx| {
            let (hash, entry) = (hash.to_owned(), entry.clone());
            Box::pin(async move {
                match tokens::revoke(tx, &hash, now).await? {
                    true => ledger::record(tx, &entry).await,
                    false => Ok(()),
                }
            })
        })
        .await
}

async fn nothing(context: &Context<'_>, client: &Client) -> Answer<()> {
    let mut entry = context.entry(ACTION, Outcome::Refused);
    entry.client_id.clone_from(&client.client_id);
    "not a token of this app".clone_into(&mut entry.reason);
    login::record(context, entry).await
}

#[cfg(test)]
mod tests;
