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
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::COOKIE;
use axum::http::header::SET_COOKIE;
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
}

impl Values for Reader {
    fn get_value<'a>(&'a self, key: &str) -> Option<&'a dyn Any> {
        (key == KEY).then_some(self as &dyn Any)
    }
}

impl Reader {
    /// The reader, as the browser tells.
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default();
        let (choice, rest): (Vec<&str>, Vec<&str>) = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| pair.split('=').next() == Some(CHOICE));
        let choice = choice.first().and_then(|pair| pair.split('=').nth(1));
        let choice = choice.and_then(Language::of);
        let language = choice
            .or_else(|| kept(headers))
            .or_else(|| preferred(headers));
        let address = match rest.is_empty() {
            true => uri.path().to_owned(),
            false => format!("{}?{}", uri.path(), rest.join("&")),
        };
        Self {
            language: language.unwrap_or_default(),
            address,
            chosen: choice.is_some(),
        }
    }

    /// The address of the same page in another language.
    fn switched(&self, tag: &str) -> String {
        let mark = if self.address.contains('?') { '&' } else { '?' };
        format!("{}{mark}{CHOICE}={tag}", self.address)
    }
}

/// Writes the page of an answer, where it has one, and remembers a language that was chosen.
pub fn write(reader: &Reader, mut response: Response) -> Response {
    let Some(Page(page)) = response.extensions_mut().remove::<Page>() else {
        return response;
    };
    match page.dyn_render_with_values(reader) {
        Ok(text) => {
            *response.body_mut() = Body::from(text);
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, html);
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    let tag = reader.language.tag();
    if reader.chosen
        && let Ok(cookie) = HeaderValue::from_str(&format!(
            "{COOKIE_NAME}={tag}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
        ))
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
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

    /// The tag of the reader's language, for `<html lang>`: `""|tag`.
    #[askama::filter_fn]
    pub fn tag(_text: impl Display, values: &dyn Values) -> askama::Result<&'static str> {
        Ok(reader(values).language.tag())
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
        Reader::of(&uri.parse().expect("an address"), &map).language
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
        let at = |uri: &str| Reader::of(&uri.parse().expect("an address"), &HeaderMap::new());
        let reader = at("/login?lang=es&request=abc");
        assert_eq!(reader.switched("en"), "/login?request=abc&lang=en");
        assert_eq!(at("/help").switched("es"), "/help?lang=es");
    }
}
