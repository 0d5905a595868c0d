//! What a token is good for at this moment, told to whoever may know (RFC 7662; SMART App Launch 2.2, "Token
//! introspection"). Looked up in the database each time, so that what one replica revokes is over on all of them.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::auth::Context;
use crate::auth::client;
use crate::auth::client_auth;
use crate::auth::login;
use crate::auth::oauth_error::OAuthError;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::token;
use crate::auth::token::Standing;
use crate::auth::token::answer;
use crate::crypto;
use crate::domain::access::Grant;
use crate::domain::access::Holder;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::store::clients::Client;
use crate::store::clients::Kind as ClientKind;
use crate::store::grants;
use crate::store::ledger::Outcome;
use crate::store::tokens;
use crate::store::tokens::Kind;
use crate::store::tokens::Looked;

/// No token of ours is longer.
const LONGEST: usize = 128;

const ACTION: &str = "token.introspect";

/// Who may ask.
pub enum Caller {
    /// An app that proved who it is.
    App(Client),
    /// Whoever holds an access token.
    Bearer(Grant),
}

/// What may come in the `Authorization` header.
pub enum Shown<'s> {
    /// `Bearer`.
    Bearer(&'s str),
    /// `Basic`, taken apart, or nothing.
    Basic(Option<(String, String)>),
}

/// RFC 7662, 2.2, and SMART's launch context.
#[derive(Serialize)]
struct Active {
    active: bool,
    scope: String,
    client_id: String,
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    iss: String,
    sub: String,
    aud: String,
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    fhir_user: Option<String>,
    #[serde(flatten)]
    launched: answer::SmartFields,
}

/// Answers a question about a token. `shown` is what came in the header.
///
/// # Errors
/// An [`OAuthError`]; `invalid_token` where the caller's own access token is not good. Every one is in the ledger.
pub async fn introspect(
    context: &Context<'_>,
    params: &Params,
    shown: Shown<'_>,
) -> Result<Value, OAuthError> {
    let caller = match caller(context, params, shown).await {
        Ok(caller) => caller,
        Err(error) => return Err(token::noted(context, (ACTION, ""), error).await),
    };
    let asker = caller.client_id().to_owned();
    match told(context, params, &caller).await {
        Ok(Some((found, active))) => {
            let mut entry = context.entry(ACTION, Outcome::Success);
            entry.client_id = asker;
            entry.grant_id = found.given.id;
            login::record(context, entry).await?;
            Ok(active)
        }
        Ok(None) => {
            let mut entry = context.entry(ACTION, Outcome::Success);
            entry.client_id = asker;
            "inactive".clone_into(&mut entry.reason);
            login::record(context, entry).await?;
            Ok(json!({ "active": false }))
        }
        Err(error) => Err(token::noted(context, (ACTION, &asker), error).await),
    }
}

async fn caller(
    context: &Context<'_>,
    params: &Params,
    shown: Shown<'_>,
) -> Result<Caller, OAuthError> {
    match shown {
        Shown::Bearer(secret) => {
            if let Some(name) = request::repeated(params) {
                let why = format!("{name} is repeated; send it once");
                return Err(OAuthError::request(why));
            }
            let more = ["client_secret", "client_assertion", "client_assertion_type"];
            if params.iter().any(|(name, _)| more.contains(&name.as_str())) {
                return Err(OAuthError::request(
                    "send an access token or the app's own proof, not both",
                ));
            }
            let grant = bearer(context, secret).await?;
            let bad = "the access token in the Authorization header is unknown or has ended";
            grant
                .map(Caller::Bearer)
                .ok_or_else(|| OAuthError::token(bad))
        }
        Shown::Basic(basic) => {
            let endpoint = format!("{}/oauth2/introspect", context.issuer);
            let client = client_auth::authenticate(context, params, basic, &endpoint).await?;
            match client.kind {
                ClientKind::Public => Err(OAuthError::client(
                    "a public app proves nothing by its client_id: send an access token as Authorization: Bearer",
                )),
                _ => Ok(Caller::App(client)),
            }
        }
    }
}

async fn bearer(context: &Context<'_>, secret: &str) -> Answer<Option<Grant>> {
    if secret.len() > LONGEST || !login::portal_is_on(context).await? {
        return Ok(None);
    }
    let hash = crypto::fingerprint(secret);
    grants::by_access_token(&context.emr.db, &hash, context.seconds()).await
}

impl Caller {
    fn client_id(&self) -> &str {
        match self {
            Self::App(client) => &client.client_id,
            Self::Bearer(grant) => grant.client_id(),
        }
    }

    /// A backend service is the practice's own and may ask about every token (SMART 2.2); everybody else only about
    /// what is theirs.
    fn may_ask_about(&self, found: &Looked) -> bool {
        let system = |scope: &Scope| scope.level() == Some(Level::System);
        match self {
            Self::App(client) => {
                client.kind == ClientKind::Backend || client.client_id == found.given.client_id
            }
            Self::Bearer(grant) => {
                let service = *grant.user() == User::System && grant.scopes().iter().any(system);
                service || grant.id() == found.given.id
            }
        }
    }
}

/// The token and what is told about it; `None` where it is not good or not the caller's business.
async fn told(
    context: &Context<'_>,
    params: &Params,
    caller: &Caller,
) -> Result<Option<(Looked, Value)>, OAuthError> {
    // token_type_hint is but a hint (RFC 7662, 2.1), and one look finds both kinds.
    let secret = request::one(params, "token").unwrap_or_default();
    let secret = secret.ok_or_else(|| OAuthError::request("token is required"))?;
    if secret.len() > LONGEST {
        return Ok(None);
    }
    let found = tokens::look(&context.emr.db, &crypto::fingerprint(secret)).await?;
    let now = context.seconds();
    let Some(found) = found.filter(|found| found.lives(now) && caller.may_ask_about(found)) else {
        return Ok(None);
    };
    if client::in_use(&context.emr.db, &found.given.client_id)
        .await?
        .is_none()
    {
        return Ok(None);
    }
    let Some(standing) = stands(context, &found).await? else {
        return Ok(None);
    };
    let broken = |error| Failure::Broken(Fault::new("telling about a token", error));
    let active = serde_json::to_value(active(context, &found, &standing)).map_err(broken)?;
    Ok(Some((found, active)))
}

/// Who stands behind a token, where the practice still lets them in.
async fn stands(context: &Context<'_>, found: &Looked) -> Result<Option<Standing>, OAuthError> {
    let mut given = found.given.clone();
    if found.kind == Kind::Access {
        // Logging out ends what `online_access` gave: the refresh token. The access token lasts its ten minutes.
        given.session_hash = None;
    }
    match token::standing(context, &given).await {
        Ok(standing) => Ok(Some(standing)),
        Err(error) if error.broken.is_none() => Ok(None),
        Err(error) => Err(error),
    }
}

fn active(context: &Context<'_>, found: &Looked, standing: &Standing) -> Active {
    let given = &found.given;
    let scopes = Scope::list(&found.scope);
    let named = given.holder != Holder::System && Scope::has(&scopes, &Word::FhirUser);
    Active {
        active: true,
        scope: found.scope.clone(),
        client_id: given.client_id.clone(),
        exp: found.expires,
        iat: found.issued,
        token_type: (found.kind == Kind::Access).then_some("Bearer"),
        iss: context.issuer.to_owned(),
        sub: match given.holder {
            Holder::System => given.client_id.clone(),
            Holder::Patient(_) | Holder::Staff(_) => answer::subject(&standing.user).to_string(),
        },
        aud: context.fhir_base.to_owned(),
        fhir_user: named.then(|| answer::fhir_user(context, &standing.user)),
        launched: answer::launched(context, &scopes, (given, standing)),
    }
}

#[cfg(test)]
mod tests;
