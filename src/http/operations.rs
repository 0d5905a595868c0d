//! Operations: addresses that end in a `$name`. GET takes primitives from the query, POST a body of Parameters, or, for
//! `$validate`, the resource itself.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::extract::Path;
use axum::extract::Request;
use axum::extract::State;
use axum::handler::Handler;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::response::Response;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::fhir::inputs;
use crate::http::App;
use crate::http::fhir;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::onboarding;
use crate::http::portal;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::scheduling;
use crate::http::signing;
use crate::rest::route;
use crate::rest::route::Verb;

/// `GET /fhir/{type}/{id}`, where the id may be an operation.
pub async fn read_or_operation(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: fhir::Named<(String, String)>,
    request: Request,
) -> Response {
    match path {
        Ok(Path((kind, name))) if name.starts_with('$') => {
            of(&app, &id, (&[&kind, &name], request)).await
        }
        _ => fhir::read.call(request, app).await,
    }
}

/// `POST /fhir/{type}/{operation}`.
pub async fn on_type(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: fhir::Named<(String, String)>,
    request: Request,
) -> Response {
    match path {
        Ok(Path((kind, name))) if name.starts_with('$') => {
            of(&app, &id, (&[&kind, &name], request)).await
        }
        _ => fhir::not_allowed.call(request, app).await,
    }
}

/// `POST /fhir/Binary/{operation}`: there is none.
pub async fn on_binary(
    State(app): State<Arc<App>>,
    path: fhir::Named<String>,
    request: Request,
) -> Response {
    match path {
        Ok(Path(name)) if name.starts_with('$') => fhir::other.call(request, app).await,
        _ => fhir::not_allowed.call(request, app).await,
    }
}

/// `GET` and `POST /fhir/{type}/{id}/{operation}`.
pub async fn on_record(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: fhir::Named<(String, String, String)>,
    request: Request,
) -> Response {
    match path {
        Ok(Path((kind, logical, name))) if name.starts_with('$') => {
            of(&app, &id, (&[&kind, &logical, &name], request)).await
        }
        _ => fhir::other.call(request, app).await,
    }
}

async fn of(app: &App, id: &RequestId, (path, request): (route::Path<'_>, Request)) -> Response {
    if path.last() == Some(&"$portal-invite") {
        return onboarding::fhir::invite(app, id, (path, request)).await;
    }
    let (parts, body) = request.into_parts();
    let uri = parts.extensions.get::<OriginalUri>();
    let uri = uri
        .cloned()
        .unwrap_or_else(|| OriginalUri(parts.uri.clone()));
    let said = (&parts.method, &uri, &parts.headers);
    let done = answered(app, id, (path, said), body).await;
    done.unwrap_or_else(|failure| fhir::failed(app, id, (&uri, failure)))
}

async fn answered(
    app: &App,
    id: &RequestId,
    (path, (method, uri, headers)): (route::Path<'_>, (&Method, &OriginalUri, &HeaderMap)),
    body: Body,
) -> Answer<Response> {
    if portal::is_ours(path) {
        return portal::answer((app, id), (path, (method, uri, headers)), body).await;
    }
    if signing::is_ours(path) {
        return signing::answer((app, id), (path, (method, uri, headers)), body).await;
    }
    if scheduling::is_ours(path) {
        return scheduling::answer((app, id), (path, (method, uri, headers)), body).await;
    }
    let grant = guard::grant(app, headers).await?;
    // What is not there has no body that would have to be right.
    route::declared(path).ok_or(Refusal::NotFound)?;
    let pairs = negotiate::pairs(uri.query());
    negotiate::json(headers, &pairs)?;
    let verb = match *method {
        Method::POST => Verb::Post,
        _ => Verb::Get,
    };
    let mut given = match verb {
        Verb::Get => inputs::Inputs::default(),
        Verb::Post => {
            let bytes = negotiate::bytes(body).await?;
            if !bytes.is_empty() {
                negotiate::fhir_body(headers)?;
            }
            inputs::read(&bytes, route::takes_resource(path))?
        }
    };
    given.pairs.extend(pairs);
    let rest = fhir::rest(app, id, &grant);
    let answered = route::operation(&rest, path, (verb, given)).await?;
    Ok(reply::answered(app, answered).await)
}
