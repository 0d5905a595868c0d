//! OpenID Connect Back-Channel Logout 1.0: the identity provider says that somebody's session, or somebody, has ended
//! there. Nothing ends here until its logout token holds in every point (2.6; `spec/security.md`, cases 81 and 82).

use std::sync::Arc;

use openidconnect::JsonWebKey;
use openidconnect::JsonWebKeyAlgorithm;
use openidconnect::JwsSigningAlgorithm;
use openidconnect::core::CoreJsonWebKey;
use openidconnect::core::CoreJsonWebKeyUse;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

use crate::auth::Context;
use crate::auth::login;
use crate::auth::upstream;
use crate::auth::upstream::Doubt;
use crate::auth::upstream::SKEW;
use crate::auth::upstream::Trouble;
use crate::auth::upstream::proof::SIGNATURES;
use crate::auth::upstream::provider::Known;
use crate::config::StaffIdp;
use crate::crypto;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::store::grants;
use crate::store::jtis;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::staff_links;
use crate::store::upstream as logins;

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The longest token that is looked at.
const LONGEST: usize = 16 * 1024;

/// A token is acted on soon after it was made; an old one is one that somebody kept.
const OLDEST: i64 = 600;

/// The header of a token (RFC 7515, 4).
#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// What a logout token that holds says.
#[derive(Clone)]
struct Ended {
    subject: Option<String>,
    sid: Option<String>,
    jti: String,
    expires: i64,
}

/// Ends what a logout token says has ended.
///
/// # Errors
/// `Invalid` where the token does not hold, `NotFound` without an identity provider, `Unavailable` where its keys
/// cannot be had; otherwise as [`crate::db::Db::run`].
pub async fn log_out(context: &Context<'_>, token: &str) -> Answer<()> {
    let idp = upstream::settings(context)?;
    let done = match judged(context, idp, token).await {
        Ok(ended) => end(context, idp, &ended).await,
        Err(trouble) => Err(trouble),
    };
    match done {
        Ok(()) => Ok(()),
        Err(Trouble::Failure(failure)) => Err(failure),
        Err(Trouble::Doubt(doubt)) => {
            let mut entry = context.entry("logout", Outcome::Refused);
            entry.reason = format!("identity-provider: {}", doubt.word);
            login::record(context, entry).await?;
            Err(Refusal::invalid("logout_token", doubt.sentence).into())
        }
    }
}

async fn judged(context: &Context<'_>, idp: &StaffIdp, token: &str) -> Result<Ended, Trouble> {
    let known = context.provider.known(context, idp).await?;
    let claims = match signed(&known, token) {
        Err(doubt) if doubt.word == "key" => renewed(context, idp, (&known, token)).await,
        signed => signed,
    };
    Ok(said(&claims?, idp, context.seconds())?)
}

/// The token under keys that came into use since they were read.
async fn renewed(
    context: &Context<'_>,
    idp: &StaffIdp,
    (known, token): (&Arc<Known>, &str),
) -> Result<Map<String, Value>, Doubt> {
    let renewed = context.provider.renewed(context, idp, known).await;
    signed(&renewed, token)
}

/// The claims of a token that a key of the provider signed.
fn signed(known: &Known, token: &str) -> Result<Map<String, Value>, Doubt> {
    let wrong = |word| move || no(word, "is no signed JSON Web Token");
    let parts: Vec<&str> = token.split('.').collect();
    let [head, body, signature] = parts[..] else {
        return Err(no("token", "is no signed JSON Web Token"));
    };
    if token.len() > LONGEST {
        return Err(no("token", "is too long"));
    }
    let bytes = |part: &str| crypto::from_base64url(part).ok_or_else(wrong("token"));
    let header: Header = serde_json::from_slice(&bytes(head)?)
        .map_err(|_| no("alg", "has a header that cannot be read, or an unknown alg"))?;
    if !SIGNATURES.contains(&header.alg) {
        return Err(no(
            "alg",
            "must be signed with a private key, such as by RS256 or ES256",
        ));
    }
    let typ = header.typ.unwrap_or_default().to_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    if !["", "logout+jwt", "jwt"].contains(&typ) || header.crit.is_some() {
        return Err(no("typ", "must have the typ logout+jwt and no crit"));
    }
    let signature = bytes(signature)?;
    let message = format!("{head}.{body}");
    let keys = known.metadata.jwks().keys();
    let mut fitting = keys
        .iter()
        .filter(|key| may_sign(key, &header.alg, header.kid.as_deref()))
        .peekable();
    if fitting.peek().is_none() {
        return Err(no(
            "key",
            "is signed with a key the issuer does not publish",
        ));
    }
    let verifies = |key: &CoreJsonWebKey| {
        key.verify_signature(&header.alg, message.as_bytes(), &signature)
            .is_ok()
    };
    if !fitting.any(verifies) {
        return Err(no("signature", "has a signature that does not fit"));
    }
    serde_json::from_slice(&bytes(body)?).map_err(|_| no("token", "holds no JSON object"))
}

fn may_sign(key: &CoreJsonWebKey, alg: &CoreJwsSigningAlgorithm, kid: Option<&str>) -> bool {
    let named = kid.is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid));
    let for_it = match key.signing_alg() {
        JsonWebKeyAlgorithm::Algorithm(only) => only == alg,
        JsonWebKeyAlgorithm::Unspecified => true,
        JsonWebKeyAlgorithm::Unsupported => false,
    };
    let signs = key
        .key_use()
        .is_none_or(|key_use| *key_use == CoreJsonWebKeyUse::Signature);
    named && for_it && signs && alg.key_type().as_ref() == Some(key.key_type())
}

/// What the claims say, where they are those of a logout token for us (2.4 and 2.6).
fn said(claims: &Map<String, Value>, idp: &StaffIdp, now: i64) -> Result<Ended, Doubt> {
    let text = |name: &str| {
        let value = claims.get(name).and_then(Value::as_str);
        value.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    if text("iss").as_deref() != Some(idp.issuer.as_str()) {
        return Err(no("iss", "is not from the issuer in the settings"));
    }
    let ours = match claims.get("aud") {
        Some(Value::String(one)) => *one == idp.client_id,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(&idp.client_id)),
        _ => false,
    };
    if !ours {
        return Err(no("aud", "is not for this server's client_id"));
    }
    match number("iat") {
        Some(issued) if issued <= now + SKEW && issued >= now - OLDEST => {}
        _ => return Err(no("iat", "must have an iat of the last ten minutes")),
    }
    let expires = number("exp").filter(|expires| *expires > now);
    let expires = expires.ok_or_else(|| no("exp", "must have an exp that is not over"))?;
    if claims.contains_key("nonce") {
        return Err(no("nonce", "must have no nonce: that is an ID token"));
    }
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(no("events", "must have the logout event among its events"));
    }
    let (subject, sid) = (text("sub"), text("sid"));
    if subject.is_none() && sid.is_none() {
        return Err(no("sub", "must have a sub or a sid"));
    }
    Ok(Ended {
        subject,
        sid,
        jti: text("jti").ok_or_else(|| no("jti", "must have a jti"))?,
        expires,
    })
}

/// Ends the sessions and what lasts as long as they do; what was given for longer stays (2.7).
async fn end(context: &Context<'_>, idp: &StaffIdp, ended: &Ended) -> Result<(), Trouble> {
    let now = context.seconds();
    let db = &context.emr.db;
    let session = ended
        .sid
        .as_deref()
        .map(|sid| upstream::session_hash(idp, sid));
    let staff = match (&session, &ended.subject) {
        (None, Some(subject)) => {
            staff_links::find(db, &upstream::subject_hash(idp, subject)).await?
        }
        _ => None,
    };
    let mut ids = Vec::new();
    if let Some(session) = &session {
        ids = logins::grants(db, session).await?;
    }
    if let Some(staff) = staff {
        let given = grants::of_holder(db, Holder::Staff(staff), now).await?;
        let online = given
            .into_iter()
            .filter(|given| given.session_hash.is_some());
        ids.extend(online.map(|given| given.id));
    }
    let name = crypto::fingerprint(&format!("logout\n{}\n{}", idp.issuer, ended.jti));
    let mut entry = context.entry("logout", Outcome::Success);
    entry.reason = "identity-provider".to_owned();
    let expires = ended.expires;
    let first = db
        .transaction(|tx| {
            let (name, session) = (name.clone(), session.clone());
            let (ids, entry) = (ids.clone(), entry.clone());
            Box::pin(async move {
                if !jtis::first(tx, &name, expires).await? {
                    return Ok(false);
                }
                if let Some(session) = &session {
                    sessions::end_upstream(tx, session, now).await?;
                }
                if let Some(staff) = staff {
                    sessions::end_all(tx, Holder::Staff(staff), now).await?;
                }
                for id in &ids {
                    grants::revoke_all(tx, id, now).await?;
                }
                ledger::record(tx, &entry).await?;
                Ok(true)
            })
        })
        .await?;
    match first {
        true => Ok(()),
        false => Err(no("jti", "was used before").into()),
    }
}

fn no(word: &'static str, what: &str) -> Doubt {
    Doubt::new(word, format!("logout_token {what}"))
}
