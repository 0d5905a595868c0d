//! In which language a page is shown: the one its reader chose (`?lang=`, then the cookie), else what the browser
//! prefers. Templates say each sentence through the filter `t`, and are rendered where the reader is known: handlers
//! leave a page in the answer, and the outermost layer writes it ([`write`]).

use std::any::Any;
use std::sync::Arc;

use askama::DynTemplate;
use askama::Values;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::header::CONTENT_LANGUAGE;
use axum::http::header::CONTENT_LENGTH;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::COOKIE;
use axum::http::header::SET_COOKIE;
use axum::http::header::VARY;
use axum::response::Response;

use crate::domain::language::Language;

/// The name under which a template finds its reader.
const KEY: &str = "reader";

/// The cookie of the language somebody chose. It opens nothing.
const COOKIE_NAME: &str = "anteroom_language";

/// The parameter that chooses one.
const CHOICE: &str = "lang";

/// A page in an answer, not yet written.
#[derive(Clone)]
pub struct Page(Arc<dyn DynTemplate + Send + Sync>);

impl Page {
    /// A page to be written.
    pub fn new(page: impl DynTemplate + Send + Sync + 'static) -> Self {
        Self(Arc::new(page))
    }
}

/// Who reads a page, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// In which language.
    pub language: Language,
    /// Path and query, without the choice of a language.
    pub address: String,
    /// Whether the language was chosen with this very request.
    chosen: bool,
    /// Whether only the headers are asked for.
    head: bool,
    /// Whether the page is the answer to something that was done: what it shows may be gone with the next address, a
    /// PIN or a password, and no GET leads to it again.
    once: bool,
}

impl Values for Reader {
    fn get_value<'a>(&'a self, key: &str) -> Option<&'a dyn Any> {
        (key == KEY).then_some(self as &dyn Any)
    }
}

impl Reader {
    /// The reader, as the browser tells.
    pub fn of((method, uri): (&Method, &Uri), headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default();
        let (choice, rest): (Vec<&str>, Vec<&str>) = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| pair.split('=').next() == Some(CHOICE));
        let choice = choice.first().and_then(|pair| pair.split('=').nth(1));
        let choice = choice.and_then(Language::of);
        // Ids and words of ours go along; nothing else that somebody sent is said back on a page.
        let plain = |pair: &&str| {
            let ours = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte);
            pair.len() <= 200 && pair.bytes().all(ours)
        };
        let rest: Vec<&str> = rest.into_iter().filter(plain).collect();
        let language = choice
            .or_else(|| kept(headers))
            .or_else(|| preferred(headers));
        // Two slashes begin the name of another server, and browsers take a backslash for a slash: whoever follows our
        // link stays here.
        let path = match uri.path().get(1..2) {
            Some("/" | "\\") => "/",
            _ => uri.path(),
        };
        let address = match rest.is_empty() {
            true => path.to_owned(),
            false => format!("{path}?{}", rest.join("&")),
        };
        Self {
            language: language.unwrap_or_default(),
            address,
            chosen: choice.is_some(),
            head: method == Method::HEAD,
            once: !matches!(*method, Method::GET | Method::HEAD),
        }
    }

    /// The address of the same page in another language.
    fn switched(&self, tag: &str) -> String {
        let mark = if self.address.contains('?') { '&' } else { '?' };
        format!("{}{mark}{CHOICE}={tag}", self.address)
    }
}

/// Writes the page of an answer, where it has one, and remembers a language that was chosen, on the way to another page
/// too. `secure` is the cookie's attribute where the site is reached by https.
pub fn write(reader: &Reader, secure: &str, mut response: Response) -> Response {
    let page = response.extensions_mut().remove::<Page>();
    let tag = reader.language.tag();
    if reader.chosen
        && (page.is_some() || response.status().is_redirection())
        && let Ok(cookie) = HeaderValue::from_str(&format!(
            "{COOKIE_NAME}={tag}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}"
        ))
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    let Some(Page(page)) = page else {
        return response;
    };
    // A page that says no is the same whatever was asked; the forms among them keep the request they belong to.
    let refused = response.status().is_client_error()
        && response.status() != StatusCode::TOO_MANY_REQUESTS
        && response.status() != StatusCode::UNPROCESSABLE_ENTITY;
    let address = match refused {
        true => reader.address.split('?').next().unwrap_or("/"),
        false => &reader.address,
    };
    // Where nothing was done, a GET shows the form again.
    let reader = &Reader {
        address: address.to_owned(),
        once: reader.once && response.status().is_success(),
        ..reader.clone()
    };
    let text = page.dyn_render_with_values(reader).unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be rendered");
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        String::new()
    });
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_LANGUAGE, tag),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let varies = HeaderValue::from_static("Accept-Language, Cookie");
    headers.append(VARY, varies);
    // What the routes said of a body that was not there yet.
    headers.insert(CONTENT_LENGTH, text.len().into());
    *response.body_mut() = match reader.head {
        true => Body::empty(),
        false => Body::from(text),
    };
    response
}

/// The language chosen before.
fn kept(headers: &HeaderMap) -> Option<Language> {
    let cookies = headers.get_all(COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, tag) = pairs.find(|(name, _)| *name == COOKIE_NAME)?;
    Language::of(tag)
}

/// The first of the browser's languages that is ours, by its weight (RFC 9110, 12.5.4).
fn preferred(headers: &HeaderMap) -> Option<Language> {
    let text = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut ranges: Vec<(u32, Language)> = Vec::new();
    for range in text.split(',').take(20) {
        let (tag, weight) = range.split_once(";q=").unwrap_or((range, "1"));
        let weight = weight.trim().parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0);
        if let (Some(language), true) = (Language::of(tag), weight > 0.0) {
            // Thousandths, as the RFC counts them; whole numbers have an order.
            ranges.push(((weight * 1000.0) as u32, language));
        }
    }
    // The first of equal ones is the one meant.
    let best = ranges.iter().map(|(weight, _)| *weight).max()?;
    let found = ranges.iter().find(|(weight, _)| *weight == best);
    found.map(|(_, language)| *language)
}

/// What templates call.
#[expect(
    missing_docs,
    reason = "the attribute makes a struct of each filter, and gives it no sentence"
)]
pub mod filters {
    use std::fmt::Display;

    use askama::Values;

    use super::Reader;
    use crate::words;

    fn reader(values: &dyn Values) -> Reader {
        let reader = askama::get_value::<Reader>(values, super::KEY);
        reader.cloned().unwrap_or_default()
    }

    /// The sentence in the reader's language.
    #[askama::filter_fn]
    pub fn t(text: impl Display, values: &dyn Values) -> askama::Result<String> {
        let text = text.to_string();
        Ok(words::said(reader(values).language, &text).into_owned())
    }

    /// A sentence of the catalogue with its one hole filled, by what stays as it is: `"Hello {}"|with(name)`.
    #[askama::filter_fn]
    pub fn with<F: Display>(
        text: impl Display,
        values: &dyn Values,
        filling: F,
    ) -> askama::Result<String> {
        let language = reader(values).language;
        let filling = filling.to_string();
        Ok(words::filled(language, &text.to_string(), &[&filling]))
    }

    /// The same with two holes.
    #[askama::filter_fn]
    pub fn with_both<F: Display, S: Display>(
        text: impl Display,
        values: &dyn Values,
        first: F,
        second: S,
    ) -> askama::Result<String> {
        let language = reader(values).language;
        let fillings = [first.to_string(), second.to_string()];
        let fillings = fillings.each_ref().map(String::as_str);
        Ok(words::filled(language, &text.to_string(), &fillings))
    }

    /// The tag of the reader's language, for `<html lang>`: `""|tag`.
    #[askama::filter_fn]
    pub fn tag(_text: impl Display, values: &dyn Values) -> askama::Result<&'static str> {
        Ok(reader(values).language.tag())
    }

    /// Whether the reader reads the language of a tag.
    #[askama::filter_fn]
    pub fn reads(tag: impl Display, values: &dyn Values) -> askama::Result<bool> {
        Ok(tag.to_string() == reader(values).language.tag())
    }

    /// Whether the same page can be had in another language: `""|switches`.
    #[askama::filter_fn]
    pub fn switches(_text: impl Display, values: &dyn Values) -> askama::Result<bool> {
        Ok(!reader(values).once)
    }

    /// The address of this page in the language of a tag.
    #[askama::filter_fn]
    pub fn switched(tag: impl Display, values: &dyn Values) -> askama::Result<String> {
        Ok(reader(values).switched(&tag.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(uri: &str, headers: &[(&'static str, &'static str)]) -> Language {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        let uri = uri.parse().expect("an address");
        Reader::of((&Method::GET, &uri), &map).language
    }

    #[test]
    fn the_choice_wins_over_the_cookie_and_the_cookie_over_what_the_browser_prefers() {
        assert_eq!(language("/login", &[]), Language::English);
        for (text, expected) in [
            ("es-MX,es;q=0.9,en;q=0.8", Language::Spanish),
            ("de,en;q=0.5,es;q=0.4", Language::English),
            ("fr", Language::English),
            ("es;q=0", Language::English),
        ] {
            assert_eq!(
                language("/login", &[("accept-language", text)]),
                expected,
                "{text}"
            );
        }
        let kept = ("cookie", "anteroom_language=es");
        assert_eq!(
            language("/login", &[("accept-language", "en"), kept]),
            Language::Spanish
        );
        assert_eq!(
            language("/login?request=x&lang=en", &[kept]),
            Language::English
        );
        assert_eq!(language("/login?lang=xx", &[kept]), Language::Spanish);
    }

    #[test]
    fn the_page_in_another_language_is_the_same_page() {
        let at = |uri: &str| {
            let uri = uri.parse().expect("an address");
            Reader::of((&Method::GET, &uri), &HeaderMap::new())
        };
        let reader = at("/login?lang=es&request=abc");
        assert_eq!(reader.switched("en"), "/login?request=abc&lang=en");
        assert_eq!(at("/help").switched("es"), "/help?lang=es");
    }

    #[test]
    fn the_switch_never_leads_to_another_server() {
        for path in ["//evil.example/x", "/\\evil.example/x"] {
            let uri: Uri = path.parse().expect("an address");
            let reader = Reader::of((&Method::GET, &uri), &HeaderMap::new());
            assert_eq!(reader.switched("es"), "/?lang=es", "{path}");
        }
    }

    #[tokio::test]
    async fn a_page_says_its_language_and_a_head_has_no_body() {
        use crate::http::pages::help::Help;
        for (method, language) in [(Method::GET, "es"), (Method::HEAD, "en")] {
            let uri = format!("/help?lang={language}")
                .parse()
                .expect("an address");
            let reader = Reader::of((&method, &uri), &HeaderMap::new());
            let page = crate::http::reply::html(StatusCode::OK, Help::sample());
            let written = write(&reader, "; Secure", page);
            let header = |name| {
                written
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok())
            };
            assert_eq!(header(CONTENT_LANGUAGE), Some(language));
            assert_eq!(header(VARY), Some("Accept-Language, Cookie"));
            assert!(header(SET_COOKIE).is_some_and(|cookie| cookie.ends_with("; Secure")));
            let length = header(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
            assert!(length > Some(1000), "{length:?}");
            let body = axum::body::to_bytes(written.into_body(), usize::MAX).await;
            let body = body.expect("a body");
            match method {
                Method::HEAD => assert!(body.is_empty()),
                _ => assert_eq!(Some(body.len()), length),
            }
        }
    }

    #[tokio::test]
    async fn what_is_shown_once_is_not_lost_by_choosing_a_language() {
        use crate::http::pages::reset::ResetAsked;
        for (method, status, offered) in [
            (Method::POST, StatusCode::OK, false),
            (Method::POST, StatusCode::UNPROCESSABLE_ENTITY, true),
            (Method::GET, StatusCode::OK, true),
        ] {
            let uri = "/reset".parse().expect("an address");
            let reader = Reader::of((&method, &uri), &HeaderMap::new());
            let page = crate::http::reply::html(status, ResetAsked::sample());
            let body = write(&reader, "", page).into_body();
            let body = axum::body::to_bytes(body, usize::MAX).await;
            let text = String::from_utf8(body.expect("a body").to_vec()).expect("text");
            assert_eq!(text.contains("lang=es"), offered, "{method} {status}");
        }
    }

    #[test]
    fn a_choice_on_the_way_to_another_page_is_kept() {
        let uri = "/login?lang=es".parse().expect("an address");
        let reader = Reader::of((&Method::GET, &uri), &HeaderMap::new());
        for (status, kept) in [(StatusCode::SEE_OTHER, true), (StatusCode::OK, false)] {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            let written = write(&reader, "", response);
            assert_eq!(written.headers().contains_key(SET_COOKIE), kept, "{status}");
        }
    }
}
