//! What the caller sends and wants: the query, forms, bodies under a limit, `Accept`, `_format`, `Prefer`.

use std::time::Duration;

use axum::body::Body;
use axum::body::HttpBody;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::http::header::CONTENT_TYPE;
use futures_util::StreamExt;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::fhir::search::Handling;

/// The largest body of any route but those of documents (`spec/security.md` section 0).
pub const LARGEST_BODY: usize = 2 * 1024 * 1024;

/// How long a body that is refused for its size is listened to, and how many pieces of it.
const LINGER: Duration = Duration::from_secs(2);
const MOST_UNREAD: usize = 4_096;

/// The most fields of a form: whoever looks through them must not be kept busy with a million.
const MOST_FIELDS: usize = 1000;

/// `_format` values and media types that mean JSON.
const JSON: [&str; 4] = [
    "json",
    "application/json",
    "application/fhir+json",
    "text/json",
];

/// The pairs of a query, in order, decoded. FHIR repeats names, which axum's own extractor cannot hold.
pub fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// What was done before a page is shown, as its address says it (`done`): one of these words, with its sentence.
pub fn done<'d>(
    query: Option<&str>,
    known: &'d [(&'static str, &'static str)],
) -> Option<&'d (&'static str, &'static str)> {
    let pairs = pairs(query);
    let said = |word: &str| {
        pairs
            .iter()
            .any(|(name, value)| name == "done" && value == word)
    };
    known.iter().find(|(word, _)| said(word))
}

/// The pairs of a form body.
///
/// # Errors
/// `UnsupportedMediaType` for any other body, `TooLarge` over the limit.
pub async fn form(headers: &HeaderMap, body: Body) -> Answer<Vec<(String, String)>> {
    if media_type(headers) != "application/x-www-form-urlencoded" {
        let wanted = "Send application/x-www-form-urlencoded.";
        return Err(Refusal::UnsupportedMediaType(wanted).into());
    }
    let bytes = bytes(body).await?;
    let pairs: Vec<(String, String)> = form_urlencoded::parse(&bytes)
        .take(MOST_FIELDS + 1)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    match pairs.len() > MOST_FIELDS {
        true => Err(Refusal::TooLarge("The form has over 1,000 fields.").into()),
        false => Ok(pairs),
    }
}

/// A body, whole.
///
/// # Errors
/// `TooLarge` over the limit, where the caller tells the size before a byte of it is awaited.
pub async fn bytes(body: Body) -> Result<Vec<u8>, Refusal> {
    bytes_of(body, LARGEST_BODY).await
}

/// The same under another limit.
///
/// # Errors
/// `TooLarge` over the limit.
pub async fn bytes_of(body: Body, most: usize) -> Result<Vec<u8>, Refusal> {
    let why = match most {
        LARGEST_BODY => "The body is over 2 MiB or ended early.",
        _ => "The body is over 20 MiB or ended early.",
    };
    // What Content-Length announces is refused whatever comes of it. Who sends it all the same is listened to for a
    // moment: many a client reads no answer before it has sent everything.
    let announced = HttpBody::size_hint(&body).lower();
    if usize::try_from(announced).map_or(true, |announced| announced > most) {
        let unread = body
            .into_data_stream()
            .take(MOST_UNREAD)
            .for_each(|_| async {});
        let _ = tokio::time::timeout(LINGER, unread).await;
        return Err(Refusal::TooLarge(why));
    }
    axum::body::to_bytes(body, most)
        .await
        .map(|bytes| bytes.to_vec())
        .map_err(|_| Refusal::TooLarge(why))
}

/// The parameter `fhirVersion` of the body's media type.
pub fn fhir_version(headers: &HeaderMap) -> Option<String> {
    version_of(headers.get(CONTENT_TYPE)?.to_str().ok()?)
}

/// Whether the body is FHIR's JSON of this version.
///
/// # Errors
/// `UnsupportedMediaType` for anything else.
pub fn fhir_body(headers: &HeaderMap) -> Result<(), Refusal> {
    if fhir_version(headers).is_some_and(|version| version != "4.0") {
        let wanted =
            "This server speaks FHIR 4.0: leave fhirVersion away, or send fhirVersion=4.0.";
        return Err(Refusal::UnsupportedMediaType(wanted));
    }
    match media_type(headers).as_str() {
        "application/fhir+json" | "application/json" => Ok(()),
        _ => Err(Refusal::UnsupportedMediaType(
            "Send the resource as application/fhir+json.",
        )),
    }
}

/// The media type of the body, without its parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    bare(value.unwrap_or_default())
}

/// Whether the caller takes FHIR JSON: `_format` decides where it is given, else `Accept` (R4 http, 3.1.0.1.11).
///
/// # Errors
/// `NotAcceptable` where it takes something else only.
pub fn json(headers: &HeaderMap, pairs: &[(String, String)]) -> Result<(), Refusal> {
    if let Some((_, format)) = pairs.iter().find(|(name, _)| name == "_format") {
        // A plus sign in a query means a blank: application/fhir+json arrives as application/fhir json.
        let format = bare(&format.replace(' ', "+"));
        return match JSON.contains(&format.as_str()) {
            true => Ok(()),
            false => Err(Refusal::NotAcceptable),
        };
    }
    let takes = |range: &String| {
        JSON.contains(&range.as_str()) || matches!(range.as_str(), "*/*" | "application/*")
    };
    let says_nothing = ranges(headers).next().is_none();
    match says_nothing || accepted(headers).iter().any(takes) {
        true => Ok(()),
        false => Err(Refusal::NotAcceptable),
    }
}

/// Whether a Binary is wanted as a FHIR resource: only where FHIR's own type is named. Everybody else, and a caller
/// who says nothing, gets the document's bytes (R4 binary, 2.7.2).
pub fn wants_fhir(headers: &HeaderMap, query: Option<&str>) -> bool {
    let named = |kind: &str| JSON.contains(&kind);
    let format = pairs(query).into_iter().find(|(name, _)| name == "_format");
    match format {
        Some((_, format)) => named(&bare(&format.replace(' ', "+"))),
        None => accepted(headers)
            .first()
            .is_some_and(|first| first == "application/fhir+json" || first == "application/json"),
    }
}

/// Whether this media type is the first that the caller names.
pub fn prefers(headers: &HeaderMap, kind: &str) -> bool {
    accepted(headers).first().is_some_and(|first| first == kind)
}

/// Whether the caller takes bytes of this media type: the type itself, a range it is in, or nothing said. `_format`,
/// where it is given, was looked at before.
///
/// # Errors
/// `NotAcceptable` where it takes something else only.
pub fn bytes_of_type(headers: &HeaderMap, kind: &str) -> Result<(), Refusal> {
    let kind = bare(kind);
    let family = kind.split_once('/').map_or("", |(family, _)| family);
    let takes = |range: String| {
        let of_family = range.strip_suffix("/*").is_some_and(|of| of == family);
        range == "*/*" || of_family || range == kind
    };
    match ranges(headers).next().is_none() || ranges(headers).map(bare).any(takes) {
        true => Ok(()),
        false => Err(Refusal::NotAcceptable),
    }
}

/// `Prefer: handling=strict` refuses unknown parameters; anything else ignores and tells (R4 search, 3.1.1.1).
pub fn handling(headers: &HeaderMap) -> Handling {
    let strict = preferences(headers)
        .iter()
        .any(|(name, value)| name == "handling" && value.eq_ignore_ascii_case("strict"));
    match strict {
        true => Handling::Strict,
        false => Handling::Lenient,
    }
}

/// What `Prefer` says: names in lower case and values, which may stand in quotes (RFC 7240, 2).
pub fn preferences(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| unquoted_parts(value, &[',', ';']))
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            (name.trim().to_ascii_lowercase(), value.to_owned())
        })
        .collect()
}

/// The parts of a header between separators that do not stand in quotes.
fn unquoted_parts<'t>(text: &'t str, separators: &'static [char]) -> impl Iterator<Item = &'t str> {
    let mut is_quoted = false;
    text.split(move |c| {
        if c == '"' {
            is_quoted = !is_quoted;
        }
        !is_quoted && separators.contains(&c)
    })
}

/// The media ranges of `Accept` that are not refused by `q=0` and are of a FHIR version we speak, without parameters.
fn accepted(headers: &HeaderMap) -> Vec<String> {
    ranges(headers)
        .filter(|range| version_of(range).is_none_or(|version| is_spoken(&version)))
        .map(bare)
        .collect()
}

/// The media ranges of `Accept` that are not refused by `q=0`.
fn ranges(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| unquoted_parts(value, &[',']))
        .filter(|range| !range.replace(' ', "").ends_with(";q=0"))
        .filter(|range| !bare(range).is_empty())
}

/// The parameter `fhirVersion` of a media type.
fn version_of(media_type: &str) -> Option<String> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let named = name.trim().eq_ignore_ascii_case("fhirVersion");
        named.then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Whether a FHIR version is ours. Resources served here are the same in 4.3, and whoever names 4.0.1 means 4.0.
fn is_spoken(version: &str) -> bool {
    matches!(version, "4.0" | "4.0.1" | "4.3" | "4.3.0")
}

/// A media type without its parameters, in lower case.
fn bare(text: &str) -> String {
    let (kind, _) = text.split_once(';').unwrap_or((text, ""));
    kind.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn accept(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn json_is_served_to_whoever_takes_it() {
        for fine in [
            "*/*",
            "application/fhir+json; fhirVersion=4.0",
            "application/fhir+json; fhirVersion=4.3",
            "application/fhir+json; fhirVersion=3.0, application/fhir+json; fhirVersion=\"4.0\"",
            "application/json",
            "text/html, */*;q=0.1",
        ] {
            assert_eq!(json(&accept(fine), &[]), Ok(()), "{fine}");
        }
        assert_eq!(json(&HeaderMap::new(), &[]), Ok(()));
        let old = "application/fhir+json; fhirVersion=3.0";
        for other in ["application/fhir+xml", "image/png", old, "*/*;q=0"] {
            assert_eq!(
                json(&accept(other), &[]).is_err(),
                other != "*/*;q=0",
                "{other}"
            );
        }
    }

    #[test]
    fn format_wins_over_accept() {
        let query = |text: &str| pairs(Some(text));
        let xml = accept("application/fhir+xml");
        assert_eq!(json(&xml, &query("_format=application/fhir+json")), Ok(()));
        assert_eq!(json(&xml, &query("_format=json")), Ok(()));
        assert!(json(&accept("*/*"), &query("_format=xml")).is_err());
    }

    #[test]
    fn strict_handling_may_stand_in_quotes_and_behind_others() {
        let prefer = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(value));
            handling(&headers)
        };
        for strict in [
            "handling=strict",
            "Handling = \"strict\"",
            "return=minimal; foo=\"a,b\", handling=\"strict\"",
        ] {
            assert_eq!(prefer(strict), Handling::Strict, "{strict}");
        }
        for lenient in ["handling=lenient", "foo=\"a, handling=strict\"", "strict"] {
            assert_eq!(prefer(lenient), Handling::Lenient, "{lenient}");
        }
    }

    #[test]
    fn bytes_are_sent_to_whoever_takes_their_type() {
        for fine in ["*/*", "image/*", "IMAGE/png", "audio/ogg, */*;q=0.1"] {
            assert_eq!(bytes_of_type(&accept(fine), "image/png"), Ok(()), "{fine}");
        }
        assert_eq!(bytes_of_type(&HeaderMap::new(), "image/png"), Ok(()));
        for other in ["audio/ogg", "audio/*", "image/jpeg"] {
            assert!(
                bytes_of_type(&accept(other), "image/png").is_err(),
                "{other}"
            );
        }
    }

    #[test]
    fn a_binary_is_bytes_unless_fhir_is_named_first() {
        assert!(!wants_fhir(&accept("*/*"), None));
        assert!(!wants_fhir(&accept("application/pdf, */*;q=0.5"), None));
        assert!(wants_fhir(&accept("application/fhir+json"), None));
        assert!(wants_fhir(&accept("*/*"), Some("_format=json")));
    }
}
