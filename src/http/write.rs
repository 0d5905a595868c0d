//! The writes: POST, PUT and PATCH of a resource. From headers and bytes to a request, and back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::HeaderName;
use axum::http::header::IF_MATCH;
use axum::response::Response;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::http::App;
use crate::http::fhir;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::rest::answer;
use crate::rest::answer::Wanted;
use crate::rest::repeat::Repeat;
use crate::rest::write::Booked;
use crate::rest::write::Payload;
use crate::rest::write::Request;
use crate::rest::write::Target;

/// The largest body of a document with its bytes in it.
const LARGEST_DOCUMENT: usize = 20 * 1024 * 1024;

/// What a request says beside its body.
type Said<'a> = (&'a Method, &'a OriginalUri, &'a HeaderMap);

/// `POST /fhir/{type}`.
pub async fn create(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: fhir::Named<String>,
    (method, uri, headers): (Method, OriginalUri, HeaderMap),
    body: Body,
) -> Response {
    let Path(kind) = path.unwrap_or_else(fhir::nowhere);
    let said = (&method, &uri, &headers);
    let done = written(&app, &id, said, ((&kind, None), body)).await;
    done.unwrap_or_else(|failure| fhir::failed(&app, &id, (&uri, failure)))
}

/// `PUT` and `PATCH /fhir/{type}/{id}`.
pub async fn change(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: fhir::Named<(String, String)>,
    (method, uri, headers): (Method, OriginalUri, HeaderMap),
    body: Body,
) -> Response {
    let Path((kind, logical)) = path.unwrap_or_else(fhir::nowhere);
    let said = (&method, &uri, &headers);
    let done = written(&app, &id, said, ((&kind, Some(&logical)), body)).await;
    done.unwrap_or_else(|failure| fhir::failed(&app, &id, (&uri, failure)))
}

async fn written(
    app: &App,
    id: &RequestId,
    (method, uri, headers): Said<'_>,
    ((kind, logical), body): ((&str, Option<&str>), Body),
) -> Answer<Response> {
    let grant = guard::grant(app, headers).await?;
    let kind = fhir::known(kind)?;
    if !fhir::methods(kind, logical.is_some()).contains(&method.as_str()) {
        return Err(Refusal::NoMethod.into());
    }
    // Whether the type is open to this caller comes before what is sent: a stranger's body is not read.
    let interaction = match logical {
        Some(_) => Interaction::Update,
        None => Interaction::Create,
    };
    grant.reach(kind, interaction)?;
    negotiate::json(headers, &negotiate::pairs(uri.query()))?;
    let rest = fhir::rest(app, id, &grant);
    let target = match logical {
        Some(logical) => Target::Known(logical.parse::<Uuid>().map_err(|_| Refusal::NotFound)?),
        None => rest.target()?,
    };
    let if_match = if_match(headers)?;
    let wraps = media(method, headers)?;
    let most = match kind {
        ResourceType::DocumentReference | ResourceType::Binary | ResourceType::Communication => {
            LARGEST_DOCUMENT
        }
        _ => negotiate::LARGEST_BODY,
    };
    let bytes = negotiate::bytes_of(body, most).await?;
    let if_none_exist = match method {
        &Method::POST => one(headers, "if-none-exist")?.map(str::to_owned),
        _ => None,
    };
    let repeat = match one(headers, "idempotency-key")? {
        Some(key) => {
            let header =
                |name: HeaderName| headers.get(name).map_or(&b""[..], |one| one.as_bytes());
            let parts = [
                method.as_str().as_bytes(),
                uri.path().as_bytes(),
                header(CONTENT_TYPE),
                header(IF_MATCH),
                if_none_exist.as_deref().unwrap_or_default().as_bytes(),
                &bytes,
            ];
            Some(Repeat::of(&rest, key, &parts)?)
        }
        None => None,
    };
    let request = Request {
        kind,
        target,
        payload: wraps(bytes),
        if_match,
        if_none_exist,
        booked: Booked::default(),
    };
    let answered = answer::write(&rest, request, (repeat.as_ref(), wanted(headers))).await?;
    Ok(reply::answered(app, answered).await)
}

/// What the body is, by its media type.
fn media(method: &Method, headers: &HeaderMap) -> Result<fn(Vec<u8>) -> Payload, Refusal> {
    let kind = negotiate::media_type(headers);
    let version = negotiate::fhir_version(headers);
    if version.is_some_and(|version| version != "4.0") {
        let wanted =
            "This server speaks FHIR 4.0: leave fhirVersion away, or send fhirVersion=4.0.";
        return Err(Refusal::UnsupportedMediaType(wanted));
    }
    match (method, kind.as_str()) {
        (&Method::PATCH, "application/json-patch+json") => Ok(Payload::Patch),
        (&Method::PATCH, _) => {
            let wanted = "Send a JSON Patch as application/json-patch+json.";
            Err(Refusal::UnsupportedMediaType(wanted))
        }
        (_, "application/fhir+json" | "application/json") => Ok(Payload::Resource),
        _ => {
            let wanted = "Send the resource as application/fhir+json.";
            Err(Refusal::UnsupportedMediaType(wanted))
        }
    }
}

/// `If-Match: W/"<version>"`, one version only (R4 http, 3.1.0.5).
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(text) = one(headers, "if-match")? else {
        return Ok(None);
    };
    let text = text.trim();
    // Whatever is there: that says nothing about the version that was seen.
    if text == "*" {
        return Err(Refusal::Stale);
    }
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner.filter(|inner| !inner.contains('"')) {
        // A version that is none of ours cannot be the present one.
        Some(version) => match u64::from_str_radix(version, 16) {
            Ok(version) => Ok(Some(version)),
            Err(_) => Err(Refusal::Stale),
        },
        None => {
            let why = "one version, such as W/\"0123456789abcdef\"";
            Err(Refusal::invalid("If-Match", why))
        }
    }
}

/// The value of a header that comes at most once.
pub(super) fn one<'h>(
    headers: &'h HeaderMap,
    name: &'static str,
) -> Result<Option<&'h str>, Refusal> {
    let mut all = headers.get_all(name).iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    match (value.to_str(), all.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => {
            let why = "once, in visible ASCII characters";
            Err(Refusal::invalid(name, why))
        }
    }
}

/// `Prefer: return=`; what is not known is not wanted (RFC 7240, 2).
pub(super) fn wanted(headers: &HeaderMap) -> Wanted {
    for (name, value) in negotiate::preferences(headers) {
        match (name.as_str(), value.as_str()) {
            ("return", "minimal") => return Wanted::Minimal,
            ("return", "representation") => return Wanted::Representation,
            ("return", "OperationOutcome") => return Wanted::Outcome,
            _ => {}
        }
    }
    Wanted::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn with(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn case_147_one_version_is_taken_and_the_rest_is_stale_or_wrong() {
        let read = |value| if_match(&with("if-match", value));
        assert_eq!(read("W/\"00000000000000ff\""), Ok(Some(255)));
        assert_eq!(read("\"ff\""), Ok(Some(255)));
        assert_eq!(if_match(&HeaderMap::new()), Ok(None));
        for stale in ["*", "W/\"none of ours\"", "W/\"\""] {
            assert_eq!(read(stale), Err(Refusal::Stale), "{stale}");
        }
        for wrong in ["", "W/", "ff", "W/\"1\", W/\"2\"", "W/\"1"] {
            let refused = matches!(read(wrong), Err(Refusal::Invalid { .. }));
            assert!(refused, "{wrong}");
        }
    }

    #[test]
    fn what_is_preferred_is_read_from_any_list() {
        assert_eq!(wanted(&HeaderMap::new()), Wanted::Representation);
        for (value, wants) in [
            ("return=minimal", Wanted::Minimal),
            ("handling=strict, return=minimal", Wanted::Minimal),
            ("return=\"minimal\"", Wanted::Minimal),
            ("return=OperationOutcome; x=y", Wanted::Outcome),
            ("return=representation", Wanted::Representation),
            ("return=everything", Wanted::Representation),
        ] {
            assert_eq!(wanted(&with("prefer", value)), wants, "{value}");
        }
    }

    #[test]
    fn a_body_is_known_by_its_type() {
        let kinds = |method: &Method, value| media(method, &with("content-type", value)).is_ok();
        assert!(kinds(&Method::POST, "application/fhir+json; charset=utf-8"));
        assert!(kinds(
            &Method::PUT,
            "application/fhir+json; fhirVersion=4.0"
        ));
        assert!(!kinds(
            &Method::PUT,
            "application/fhir+json; fhirVersion=5.0"
        ));
        assert!(kinds(&Method::PATCH, "application/json-patch+json"));
        assert!(!kinds(&Method::PATCH, "application/merge-patch+json"));
        assert!(!kinds(&Method::POST, "application/fhir+xml"));
    }
}
