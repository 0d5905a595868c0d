//! Five cookies: the visitor's, which everybody on a page has and forms are bound to, a session's of a patient and one of
//! staff, the mark of a browser that somebody has logged in with, and that of a tablet which is handed over for one form.

use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header::COOKIE;
use axum::http::header::SET_COOKIE;
use axum::response::Response;

use crate::http::App;

/// The visitor's cookie.
pub const VISITOR: &str = "anteroom_visitor";

/// The cookie of a logged-in patient.
pub const SESSION: &str = "anteroom_session";

/// The cookie of a logged-in member of staff.
pub const STAFF: &str = "anteroom_staff";

/// The cookie of the practice's tablet, for one form.
pub const TABLET: &str = "anteroom_tablet";

/// The mark of a known browser; it opens nothing.
pub const DEVICE: &str = "anteroom_device";

/// Seconds a browser stays known: half a year.
const DEVICE_LIFE: u32 = 180 * 86_400;

/// The value of a cookie, of the shape our tokens have.
pub fn find<'h>(app: &App, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    // A session is for pages that somebody opens: what a script or a poller asks for in the background neither sees it
    // nor keeps it alive (`spec/security.md`, case 117). A browser tells site and mode together; programs that are none
    // (Node's fetch sends a mode of its own) are believed.
    let mode = headers.get("sec-fetch-mode").map(HeaderValue::as_bytes);
    let background =
        headers.contains_key("sec-fetch-site") && mode.is_some_and(|mode| mode != b"navigate");
    match matches!(name, SESSION | STAFF) && background {
        true => None,
        false => held(app, headers, name),
    }
}

/// The same for what a page of ours asks for in the background and what keeps no session alive.
pub fn find_behind<'h>(app: &App, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    match site.is_none_or(|site| site == b"same-origin") {
        true => held(app, headers, name),
        false => None,
    }
}

fn held<'h>(app: &App, headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let wanted = full_name(app, name);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
        .filter(|value| (20..=100).contains(&value.len()))
}

/// The attribute that keeps a cookie off the open net, where the site is reached by https.
pub fn secure(app: &App) -> &'static str {
    match app.config.is_https() {
        true => "; Secure",
        false => "",
    }
}

/// Sets a cookie; the session's and the visitor's live as long as the browser's window.
pub fn set(app: &App, response: &mut Response, name: &str, value: &str) {
    let secure = secure(app);
    let life = match name {
        DEVICE => format!("; Max-Age={DEVICE_LIFE}"),
        _ => String::new(),
    };
    let text = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Lax{life}{secure}",
        full_name(app, name)
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// Takes a cookie away.
pub fn clear(app: &App, response: &mut Response, name: &str) {
    let secure = secure(app);
    let text = format!(
        "{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}",
        full_name(app, name)
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// `__Host-` keeps a cookie to this host and path over TLS; browsers refuse the prefix on plain HTTP, which only
/// the sandbox and tests use.
fn full_name(app: &App, name: &str) -> String {
    match app.config.is_https() {
        true => format!("__Host-{name}"),
        false => name.to_owned(),
    }
}
