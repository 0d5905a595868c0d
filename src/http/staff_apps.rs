//! What the desk shows about apps: who they are and what they may ask for, in words.

use axum::http::StatusCode;
use axum::response::Response;
use time::OffsetDateTime;

use crate::auth::client;
use crate::auth::csrf;
use crate::auth::session::Visitor;
use crate::db::sql::date_text;
use crate::domain::refusal::Answer;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::http::App;
use crate::http::pages::plain::plain;
use crate::http::pages::scope_words;
use crate::http::pages::scope_words::Reader;
use crate::http::pages::staff::RegisteredApp;
use crate::http::pages::staff::StaffApps;
use crate::http::reply;
use crate::store::clients::Client;
use crate::store::clients::Kind;

/// An address is shown this far.
const LONGEST: usize = 200;

/// The page: those that wait, and those in use.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn page(app: &App, visitor: Visitor<'_>, notice: &'static str) -> Answer<Response> {
    let waiting = client::waiting(&app.emr.db).await?;
    let all = client::list(&app.emr.db).await?;
    let used = |client: &&Client| client.disabled.is_none() && !client.waits;
    let page = StaffApps {
        frame: reply::frame(app, "Apps"),
        csrf: csrf::token(visitor.token),
        notice,
        waiting: waiting.iter().map(|one| card(app, one)).collect(),
        in_use: all.iter().filter(used).map(|one| card(app, one)).collect(),
    };
    Ok(reply::html(StatusCode::OK, page))
}

fn card(app: &App, client: &Client) -> RegisteredApp {
    let scopes = Scope::list(&client.scope);
    let asked: Vec<&str> = scopes.iter().map(|scope| scope.spelling.as_str()).collect();
    // What is about one patient is read in the patient's words, whatever else the app may ask for.
    let reader = match scopes
        .iter()
        .any(|scope| scope.level() == Some(Level::User))
    {
        true => Reader::Staff,
        false => Reader::Patient,
    };
    RegisteredApp {
        client_id: client.client_id.clone(),
        name: plain(&client.name, 60),
        facts: facts(app, client),
        groups: scope_words::groups(reader, &asked, &[]),
        alone: client.kind == Kind::Backend,
    }
}

/// What is known about an app; what there is not is left out.
fn facts(app: &App, client: &Client) -> Vec<(&'static str, String)> {
    let kind = match client.kind {
        Kind::Public => "Without a secret, such as an app on a phone or in a browser",
        Kind::Confidential => "A server with a secret",
        Kind::Asymmetric => "A server that signs with a key of its own",
        Kind::Backend => "A service that works alone, without a person",
    };
    let checked = match (client.waits, client.verified) {
        (true, _) => "Not yet",
        (false, true) => "The practice vouches for it",
        (false, false) => "Not verified by the practice",
    };
    let since = OffsetDateTime::from_unix_timestamp(client.created)
        .map(|at| date_text(app.emr.zone.wall(at).date()))
        .unwrap_or_default();
    let shown = |text: &str| plain(text, LONGEST);
    let all = [
        ("Checked", checked.to_owned()),
        ("Kind", kind.to_owned()),
        (
            "Sends people back to",
            shown(&client.redirect_uris.join(", ")),
        ),
        (
            "Starts at",
            shown(client.launch_uri.as_deref().unwrap_or_default()),
        ),
        (
            "Home page",
            shown(client.client_uri.as_deref().unwrap_or_default()),
        ),
        (
            "Contact",
            shown(client.contact.as_deref().unwrap_or_default()),
        ),
        (
            "Keys at",
            shown(client.jwks_uri.as_deref().unwrap_or_default()),
        ),
        (
            "Registered",
            format!("{since}, by {}", shown(&client.registered_by)),
        ),
        ("Id", shown(&client.client_id)),
    ];
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}
