//! What is refused to staff and services on the FHIR side is in the ledger too: who tried what, and with which answer. A
//! caller nobody knows leaves no line, so that strangers cannot fill it; nor does a patient, whose own AuditEvents would
//! then be others after each question about somebody else's record.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::User;
use crate::http::App;
use crate::http::guard;
use crate::http::request_id::RequestId;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

/// Leaves a line for each refused request of somebody who has a good token.
pub async fn layer(
    State(app): State<Arc<App>>,
    id: RequestId,
    request: Request,
    next: Next,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut headers = HeaderMap::new();
    for value in request.headers().get_all(AUTHORIZATION) {
        headers.append(AUTHORIZATION, value.clone());
    }
    let response = next.run(request).await;
    let status = response.status();
    if status.is_client_error()
        && status != StatusCode::UNAUTHORIZED
        && let Ok(grant) = guard::grant(&app, &headers).await
        && !matches!(grant.user(), User::Patient(_))
    {
        let (action, resource) = named(&method, &path);
        let mut entry = Entry::new(action, Outcome::Refused, app.emr.now()).under(&grant);
        entry.resource = resource;
        entry.reason = format!("http {}", status.as_u16());
        id.0.clone_into(&mut entry.request_id);
        app.reads.note(entry).await;
    }
    response
}

/// What was tried, and on which type. No id: of a record that is another patient's, the line must tell no more than of
/// one that never was.
fn named(method: &Method, path: &str) -> (String, String) {
    let mut parts = path
        .trim_start_matches("/fhir")
        .split('/')
        .filter(|part| !part.is_empty());
    let kind = parts.next().and_then(ResourceType::of);
    let second = parts.next();
    let id = second.and_then(|text| Uuid::try_parse(text).ok());
    let verb = match (method, id) {
        (&Method::GET | &Method::HEAD, Some(_)) => "read",
        (&Method::GET | &Method::HEAD, None) => "search",
        (&Method::POST, _) if second == Some("_search") => "search",
        (&Method::POST, _) => "create",
        (&Method::PUT | &Method::PATCH, _) => "update",
        (&Method::DELETE, _) => "delete",
        _ => "other",
    };
    match kind {
        None => (format!("fhir.{verb}"), String::new()),
        Some(kind) => (format!("{}.{verb}", kind.name()), kind.name().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_path_but_types_comes_into_the_ledger() {
        let id = "0193a5c2-0000-4000-8000-000000000001";
        for (method, path, action, resource) in [
            (
                Method::GET,
                format!("/Patient/{id}"),
                "Patient.read",
                "Patient".to_owned(),
            ),
            (
                Method::GET,
                "/Patient".to_owned(),
                "Patient.search",
                "Patient".to_owned(),
            ),
            (
                Method::POST,
                "/Patient/_search".to_owned(),
                "Patient.search",
                "Patient".to_owned(),
            ),
            (
                Method::PUT,
                "/Patient/Moreno".to_owned(),
                "Patient.update",
                "Patient".to_owned(),
            ),
            (
                Method::DELETE,
                "/Secret/x".to_owned(),
                "fhir.delete",
                String::new(),
            ),
        ] {
            let told = named(&method, &path);
            assert_eq!(told, (action.to_owned(), resource), "{path}");
        }
    }
}
