//! Logout, asked for by an app (OpenID Connect RP-Initiated Logout 1.0) or on a page of ours. The browser is only ever
//! sent to an address that is registered for the app whose id token came along; whatever is not certain is asked.

use crate::auth::Context;
use crate::auth::client;
use crate::auth::hint;
use crate::auth::request;
use crate::auth::request::Params;
use crate::auth::session;
use crate::auth::session::Visitor;
use crate::auth::who::Audience;
use crate::auth::who::Who;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::store::clients;
use crate::store::grants;
use crate::store::grants::Given;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::sessions::Session;

/// What a logout comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logout {
    /// The session of this audience has ended, where there was one, and the browser goes back to the app.
    Back(String, Option<Audience>),
    /// Somebody is logged in and has to be asked: their names.
    Ask(Vec<String>),
    /// Nobody is logged in.
    Nobody,
}

/// Who has been logged out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Which audience the session was of.
    pub audience: Audience,
    /// The names of the apps that stay connected.
    pub connected: Vec<String>,
}

/// Judges what an app asks. Nothing ends, and nobody is sent anywhere, on a word that is not proven.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn begin(context: &Context<'_>, params: &Params, visitor: Visitor<'_>) -> Answer<Logout> {
    let here = present(context, visitor).await?;
    let target = target(context, params).await?;
    match (target, here.is_empty()) {
        (Some((_, back)), true) => Ok(Logout::Back(back, None)),
        (Some((subject, back)), false) => {
            let own = here
                .iter()
                .find(|(_, who)| who.uuid().to_string() == subject);
            let Some(own) = own else {
                return Ok(ask(&here));
            };
            end(context, own).await?;
            Ok(Logout::Back(back, Some(audience(&own.1))))
        }
        (None, true) => Ok(Logout::Nobody),
        (None, false) => Ok(ask(&here)),
    }
}

/// Ends every session of a browser, as its user has confirmed.
///
/// # Errors
/// As [`crate::db::Db::run`].
pub async fn confirmed(context: &Context<'_>, visitor: Visitor<'_>) -> Answer<Vec<Left>> {
    let mut left = Vec::new();
    for one in present(context, visitor).await? {
        end(context, &one).await?;
        left.push(Left {
            audience: audience(&one.1),
            connected: connected(context, one.1.holder()).await?,
        });
    }
    Ok(left)
}

/// Whoever is logged in in this browser.
async fn present(context: &Context<'_>, visitor: Visitor<'_>) -> Answer<Vec<(Session, Who)>> {
    let mut here = Vec::new();
    for audience in [Audience::Patient, Audience::Staff] {
        here.extend(session::current(context, visitor, audience).await?);
    }
    Ok(here)
}

fn ask(here: &[(Session, Who)]) -> Logout {
    Logout::Ask(
        here.iter()
            .map(|(_, who)| who.display().to_owned())
            .collect(),
    )
}

fn audience(who: &Who) -> Audience {
    match who {
        Who::Patient(_) => Audience::Patient,
        Who::Staff(_) => Audience::Staff,
    }
}

/// The user an id token of ours names and where to go afterwards: an address registered for the app the token was made
/// for, which must be the one that asks.
async fn target(context: &Context<'_>, params: &Params) -> Answer<Option<(String, String)>> {
    if request::repeated(params).is_some() {
        return Ok(None);
    }
    let get = |name: &str| request::one(params, name).unwrap_or_default();
    let hinted =
        get("id_token_hint").and_then(|token| hint::subject(context.keys, context.issuer, token));
    let (Some((client_id, subject)), Some(uri)) = (hinted, get("post_logout_redirect_uri")) else {
        return Ok(None);
    };
    if get("client_id").is_some_and(|asking| asking != client_id) {
        return Ok(None);
    }
    let client = client::in_use(&context.emr.db, &client_id).await?;
    let registered = client.is_some_and(|client| client.logout_uris.iter().any(|one| one == uri));
    if !registered {
        return Ok(None);
    }
    let back = match request::state(params) {
        Some(state) => request::answer_address(uri, &[("state", state)]),
        None => uri.to_owned(),
    };
    Ok(Some((subject, back)))
}

/// Ends a session, and with it what lasts only as long.
async fn end(context: &Context<'_>, (session, who): &(Session, Who)) -> Answer<()> {
    let now = context.seconds();
    let mut entry = context.entry("logout", Outcome::Success);
    entry.actor = who.reference();
    let given = grants::of_holder(&context.emr.db, who.holder(), now).await?;
    let ending = given
        .into_iter()
        .filter(|given| given.session_hash.as_ref() == Some(&session.session_hash));
    let ending: Vec<String> = ending.map(|given| given.id).collect();
    context
        .emr
        .db
        .transaction(|tx| {
            let (hash, ending) = (session.session_hash.clone(), ending.clone());
            let entry = entry.clone();
            Box::pin(async move {
                sessions::end(tx, &hash, now).await?;
                for grant in &ending {
                    grants::revoke_all(tx, grant, now).await?;
                }
                ledger::record(tx, &entry).await
            })
        })
        .await
}

/// The apps that keep a refresh token: the user need not be there for them.
async fn connected(context: &Context<'_>, holder: Holder) -> Answer<Vec<String>> {
    let db = &context.emr.db;
    let given = grants::of_holder(db, holder, context.seconds()).await?;
    let stays = |given: &&Given| {
        given.session_hash.is_none() && Scope::has(&Scope::list(&given.scope), &Word::OfflineAccess)
    };
    let mut names = Vec::new();
    for given in given.iter().filter(stays) {
        let app = clients::find(db, &given.client_id).await?;
        names.extend(app.filter(|app| app.disabled.is_none()).map(|app| app.name));
    }
    names.sort();
    names.dedup();
    Ok(names)
}
