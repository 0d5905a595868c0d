//! `/account/apps`: the apps that somebody who is logged in allowed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use time::OffsetDateTime;

use crate::auth::apps;
use crate::auth::apps::Change;
use crate::auth::apps::Changed;
use crate::auth::consent;
use crate::auth::csrf;
use crate::auth::session;
use crate::auth::session::Visitor;
use crate::auth::who::Audience;
use crate::auth::who::Who;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::emr::persons;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::apps::AppCard;
use crate::http::pages::apps::Apps;
use crate::http::pages::plain::plain;
use crate::http::pages::scope_words;
use crate::http::pages::scope_words::Reader;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::store::allowed::Allowed;
use crate::store::allowed::Used;

/// The path of the apps page: the `management_endpoint` of the SMART configuration.
pub const APPS: &str = "/account/apps";

/// `GET /account/apps`
pub async fn apps(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (APPS, query.as_deref());
        let (who, other, visitor) = logged_in(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let all = apps::list(&context(&app, &base, &id.0), &who).await?;
        let staff = matches!(who, Who::Staff(_));
        let charts: Vec<i64> = match staff {
            true => all.iter().filter_map(|(one, _)| one.pid).collect(),
            false => Vec::new(),
        };
        let names = persons::names(&app.emr, &charts).await?;
        let patient = |one: &Allowed| one.pid.and_then(|pid| names.get(&pid).cloned());
        let page = Apps {
            frame: reply::frame(&app, "Your apps"),
            csrf: csrf::token(visitor.token),
            name: who.display().to_owned(),
            staff,
            other,
            notice: notice(query.as_deref()),
            apps: all
                .iter()
                .map(|(one, used)| {
                    let action = match &who {
                        Who::Patient(_) => format!("{APPS}/{}", one.id),
                        Who::Staff(_) => format!("{APPS}/{}?as=staff", one.id),
                    };
                    AppCard {
                        patient: patient(one).unwrap_or_default(),
                        ..card(&app, reader(&who), (one, *used), action)
                    }
                })
                .collect(),
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/apps/{grant}` with `decision=narrow` or `decision=end`.
pub async fn change(
    State(app): State<Arc<App>>,
    id: RequestId,
    Path(grant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let asks = (APPS, query.as_deref());
        let (who, ..) = logged_in(&app, &id, &headers, asks).await?;
        let change = match form.text("decision").as_str() {
            "end" => Change::End,
            "narrow" => Change::Narrow(form.all("scope")),
            _ => {
                let why = "decision must be narrow or end.";
                return Err(Refusal::invalid("decision", why).into());
            }
        };
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let by = who.reference();
        let changed = apps::change(&context, (&who, &by), &grant, &change).await?;
        app.tokens.clear();
        let word = DONE.iter().find(|(known, ..)| *known == changed);
        let word = word.map_or("", |(_, word, _)| word);
        let side = match who {
            Who::Patient(_) => "",
            Who::Staff(_) => "&as=staff",
        };
        Ok(see_other(&format!("{APPS}?done={word}{side}")))
    }
    .await;
    door::shown(&app, &id, done)
}

/// What was done, its word in the address, and the sentence on the page.
const DONE: [(Changed, &str, &str); 3] = [
    (Changed::Ended, "ended", "The app's access has ended."),
    (
        Changed::Narrowed,
        "narrowed",
        "The app may do less from now on.",
    ),
    (
        Changed::Same,
        "same",
        "Nothing was unticked, so nothing was changed.",
    ),
];

fn notice(query: Option<&str>) -> &'static str {
    let pairs = negotiate::pairs(query);
    let word = pairs.iter().find(|(name, _)| name == "done");
    let done = word.and_then(|(_, word)| DONE.iter().find(|(_, known, _)| known == word));
    done.map_or("", |(.., sentence)| sentence)
}

/// Who looks at a page of their own, and the name of who else is logged in in this browser: the patient comes first
/// unless the address says `as=staff`. Whoever is not logged in comes back to `path`.
pub(super) async fn logged_in<'h>(
    app: &App,
    id: &RequestId,
    headers: &'h HeaderMap,
    (path, query): (&str, Option<&str>),
) -> Result<(Who, Option<String>, Visitor<'h>), Away> {
    let Some(visitor) = forms::own_visitor(app, headers) else {
        return Err(Away::login(app, id, path, headers).await);
    };
    let base = app.config.fhir_base();
    let context = context(app, &base, &id.0);
    let pairs = negotiate::pairs(query);
    let staff = pairs
        .iter()
        .any(|(name, value)| name == "as" && value == "staff");
    let order = match staff {
        true => [Audience::Staff, Audience::Patient],
        false => [Audience::Patient, Audience::Staff],
    };
    let mut here = Vec::new();
    for audience in order {
        let current = session::current(&context, visitor, audience).await?;
        here.extend(current.map(|(_, who)| who));
    }
    let mut here = here.into_iter();
    let first = here.next();
    let other = here.next().map(|who| who.display().to_owned());
    match first {
        Some(who) => Ok((who, other, visitor)),
        None => Err(Away::login(app, id, path, headers).await),
    }
}

/// In whose words a page speaks.
pub fn reader(who: &Who) -> Reader {
    match who {
        Who::Patient(_) => Reader::Patient,
        Who::Staff(_) => Reader::Staff,
    }
}

/// A home page that may be linked to: on the web, and not too long to be looked at.
pub fn home_page(client_uri: Option<&String>) -> Option<String> {
    let uri = client_uri.filter(|uri| uri.starts_with("https://") && uri.len() <= 200)?;
    Some(plain(uri, 200)).filter(|shown| shown == uri)
}

/// An app as a page shows it; its form goes to `action`.
pub(super) fn card(
    app: &App,
    reader: Reader,
    (one, used): (&Allowed, Used),
    action: String,
) -> AppCard {
    let scopes = Scope::list(&one.scope);
    let all: Vec<&str> = scopes.iter().map(|scope| scope.spelling.as_str()).collect();
    let fixed: Vec<&str> = scopes
        .iter()
        .filter(|scope| consent::is_fixed(scope))
        .map(|scope| scope.spelling.as_str())
        .collect();
    AppCard {
        action,
        name: forms::name(&one.name),
        host: forms::lives_at(&one.redirect_uri),
        home: home_page(one.client_uri.as_ref()),
        verified: one.verified,
        patient: String::new(),
        allowed: told(app, one.created),
        ends: ends(app, one, &scopes),
        used: match used.calls {
            0 => "Never yet".to_owned(),
            1 => format!("{}; once in all", told(app, used.latest / 1000)),
            calls => format!("{}; {calls} times in all", told(app, used.latest / 1000)),
        },
        groups: scope_words::groups(reader, &all, &fixed),
        narrowable: fixed.len() < all.len(),
    }
}

fn ends(app: &App, one: &Allowed, scopes: &[Scope]) -> String {
    if one.with_login {
        return "When you log out here, or your login ends".to_owned();
    }
    let lasts = one.lasts.unwrap_or(one.ends).min(one.ends);
    if !Scope::has(scopes, &Word::OfflineAccess) {
        return told(app, lasts);
    }
    let latest = told(app, one.ends);
    match lasts < one.ends {
        true => format!(
            "{latest} at the latest; if it is not used, {}",
            told(app, lasts)
        ),
        false => latest,
    }
}

/// A moment as it reads on the practice's wall: `21 November 2026, 14:05`.
pub fn told(app: &App, seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let wall = app.emr.zone.wall(at);
    format!(
        "{} {} {}, {:02}:{:02}",
        wall.day(),
        wall.month(),
        wall.year(),
        wall.hour(),
        wall.minute()
    )
}
