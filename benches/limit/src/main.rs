//! The limit: the rows Anteroom serves, read and written as FHIR JSON by hand, with nothing in between. No token, no
//! audit, no FHIR library. `benches/run` measures the product against it; it is no part of the product.

mod appointment;
mod database;
mod patient;
mod text;

use std::sync::Arc;

use anyhow::Context;
use anyhow::bail;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde::Serialize;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::appointment::Bundle;
use crate::database::Database;
use crate::patient::Patient;

/// The product's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str =
    "limit --database sqlite://PATH|mysql://USER:PASSWORD@HOST:PORT/NAME --listen ADDRESS:PORT";

struct App {
    database: Database,
    base: String,
}

#[derive(Deserialize)]
struct Asked {
    /// `pid` of the patient: the product has it from the token.
    patient: i64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (url, listen) = arguments(std::env::args().skip(1))?;
    let app = App {
        database: Database::open(&url).await?,
        base: format!("http://{listen}/fhir"),
    };
    let router = Router::new()
        .route("/readyz", get(async || "ready"))
        .route("/Patient/{uuid}", get(read))
        .route("/Appointment", get(search))
        .with_state(Arc::new(app));
    let listener = TcpListener::bind(&listen)
        .await
        .with_context(|| format!("listening on {listen}"))?;
    axum::serve(listener, router).await?;
    Ok(())
}

fn arguments(mut given: impl Iterator<Item = String>) -> anyhow::Result<(String, String)> {
    let (mut database, mut listen) = (None, None);
    while let Some(name) = given.next() {
        match name.as_str() {
            "--database" => database = given.next(),
            "--listen" => listen = given.next(),
            _ => bail!("unknown argument {name}; usage: {USAGE}"),
        }
    }
    database.zip(listen).context(USAGE)
}

async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    let Ok(uuid) = id.parse::<Uuid>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match app.database.patient(uuid).await {
        Ok(Some(row)) => json(&Patient::of(&row, &app.base), 4096),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => broken(&error),
    }
}

async fn search(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    match app.database.events(asked.patient).await {
        Ok(rows) => json(&Bundle::of(&rows, &app.base), 2048 * (rows.len() + 1)),
        Err(error) => broken(&error),
    }
}

fn json(resource: &impl Serialize, capacity: usize) -> Response {
    let mut bytes = Vec::with_capacity(capacity);
    match serde_json::to_writer(&mut bytes, resource) {
        Ok(()) => (
            [(CONTENT_TYPE, "application/fhir+json")],
            Bytes::from(bytes),
        )
            .into_response(),
        Err(error) => broken(&error),
    }
}

fn broken(error: &dyn std::error::Error) -> Response {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
