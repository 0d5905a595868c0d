//! `id_token_hint`: an id token of ours that an app sends back to say whom it means (OpenID Connect Core, 3.1.2.1;
//! RP-Initiated Logout, 2). Its time may be over; its signature must be ours.

use jsonwebtoken::Algorithm;
use jsonwebtoken::Validation;
use serde::Deserialize;

use crate::auth::Context;
use crate::auth::keys::Keys;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::request::Wrong;
use crate::store::clients::Client;

/// The longest token that is looked at; ours are a tenth of it.
const LONGEST: usize = 8192;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
}

/// One audience, as either spelling has it (RFC 7519, 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List(Vec<String>),
}

/// The app an id token of ours was made for, and the user it names; `None` for anything else.
pub fn subject(keys: &Keys, issuer: &str, token: &str) -> Option<(String, String)> {
    if token.len() > LONGEST {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    let key = keys.ring().of_kid(&header.kid?)?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    validation.set_issuer(&[issuer]);
    validation.validate_exp = false;
    // Which app it was made for is what we are asked.
    validation.validate_aud = false;
    let token = jsonwebtoken::decode::<Claims>(token, key.verifying(), &validation).ok()?;
    let client_id = match token.claims.aud {
        Audience::One(one) => one,
        Audience::List(list) => <[String; 1]>::try_from(list).ok()?.into_iter().next()?,
    };
    Some((client_id, token.claims.sub))
}

/// The user an authorization request's `id_token_hint` names; `None` where it has none.
///
/// # Errors
/// The hint is no id token of ours, or was made for another app.
pub(super) fn hinted(
    context: &Context<'_>,
    params: &Params,
    client: &Client,
) -> Result<Option<String>, Wrong> {
    let Some(token) = request::one(params, "id_token_hint").unwrap_or_default() else {
        return Ok(None);
    };
    match subject(context.keys, context.issuer, token) {
        Some((client_id, subject)) if client_id == client.client_id => Ok(Some(subject)),
        Some(_) => Err(request::invalid(
            "id_token_hint is an id token of this server for another app",
        )),
        None => Err(request::invalid(
            "id_token_hint is not an id token of this server",
        )),
    }
}

#[cfg(test)]
mod tests;
