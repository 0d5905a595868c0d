//! "My records": what a patient takes away, as a summary to read, as a FHIR Bundle, and with every document as an archive. All
//! are made while they are sent.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::Uri;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc;
use tokio::sync::mpsc::Sender;

use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::language::Language;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::records::Stage;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::http::App;
use crate::http::documents;
use crate::http::documents::zipped;
use crate::http::documents::zipped::Archive;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::request_id::RequestId;
use crate::http::words::Reader;
use crate::rest::Rest;
use crate::rest::whole;
use crate::rest::whole::Whole;
use crate::sheet::summary;
use crate::store::grants;

mod told;

/// Documents of one statement.
const PAGE: u32 = 200;

/// How many pieces wait for a slow reader.
const WAITING: usize = 2;

/// What stands in the archive beside the documents.
const SUMMARY: &str = "record.pdf";
const BUNDLE: &str = "record.json";
const MISSING: &str = "missing documents.txt";

/// Whose record is taken away, through which request: it outlives the handler.
struct Taker {
    app: Arc<App>,
    id: RequestId,
    grant: Grant,
    person: Person,
    language: Language,
}

impl Taker {
    fn rest(&self) -> Rest<'_> {
        fhir::rest(&self.app, &self.id, &self.grant)
    }
}

/// `GET /account/records.zip`
pub async fn everything(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let page = (app.clone(), id.clone());
    let shown: Result<Response, Away> = async {
        let taker = taker((app, id), (&uri, &headers)).await?;
        let wall = taker.app.emr.zone.wall(taker.app.emr.now());
        let (archive, body) = zipped::archive(wall);
        tokio::spawn(archived(taker, archive));
        Ok(file(("application/zip", "my-records.zip"), body))
    }
    .await;
    door::shown(&page.0, &page.1, shown)
}

/// `GET /account/records.pdf`
pub async fn readable(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let page = (app.clone(), id.clone());
    let shown: Result<Response, Away> = async {
        let taker = taker((app, id), (&uri, &headers)).await?;
        let bytes = printed(&taker).await?;
        Ok(file(
            ("application/pdf", "my-record.pdf"),
            Body::from(bytes),
        ))
    }
    .await;
    door::shown(&page.0, &page.1, shown)
}

/// `GET /account/records.json`
pub async fn bundle(
    State(app): State<Arc<App>>,
    id: RequestId,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let page = (app.clone(), id.clone());
    let shown: Result<Response, Away> = async {
        let taker = taker((app, id), (&uri, &headers)).await?;
        let (out, pieces) = mpsc::channel(WAITING);
        let next = |mut pieces: mpsc::Receiver<std::io::Result<Vec<u8>>>| async move {
            let piece = pieces.recv().await?;
            Some((piece, pieces))
        };
        let body = Body::from_stream(futures_util::stream::unfold(pieces, next));
        tokio::spawn(async move {
            if let Err(failure) = poured(&taker, &out).await {
                tracing::warn!(?failure, "a record was not sent whole");
                let broken = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
                let _ = out.send(Err(broken)).await;
            }
        });
        Ok(file(("application/fhir+json", "my-record.json"), body))
    }
    .await;
    door::shown(&page.0, &page.1, shown)
}

/// Who takes the record away. The ledger has its line before a byte goes out.
async fn taker(
    (app, id): (Arc<App>, RequestId),
    (uri, headers): (&Uri, &HeaderMap),
) -> Result<Taker, Away> {
    let (account, _) = door::own(&app, &id, headers, uri.path()).await?;
    documents::open(&app.emr).await?;
    let language = Reader::of((&Method::GET, uri), headers).language;
    let person = account.person;
    let grant = grants::whole_record(person);
    let mut entry = fhir::rest(&app, &id, &grant).entry(
        "record.export".to_owned(),
        format!("Patient/{}", person.uuid),
    );
    entry.patient = Some(person.uuid);
    app.reads.note(entry).await;
    Ok(Taker {
        app,
        id,
        grant,
        person,
        language,
    })
}

fn file((kind, name): (&'static str, &str), body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let disposition = format!("attachment; filename=\"{name}\"");
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

/// Writes the archive to its end; where that fails, the connection ends before it is one.
async fn archived(taker: Taker, mut archive: Archive) {
    match filled(&taker, &mut archive).await {
        Ok(()) => {
            // Whoever went away before the last piece wants no archive.
            let _ = archive.finish().await;
        }
        Err(failure) => {
            tracing::warn!(?failure, "an archive of a record was not sent whole");
            archive.break_off().await;
        }
    }
}

async fn filled(taker: &Taker, archive: &mut Archive) -> Answer<()> {
    archive.begin("", SUMMARY).await?;
    archive.write(&printed(taker).await?).await?;
    archive.begin("", BUNDLE).await?;
    let mut pages = Pages::of(taker);
    while let Some(piece) = pages.next().await? {
        archive.write(piece.as_bytes()).await?;
    }
    let mut missing = Vec::new();
    let mut query = Query {
        patient: Some(taker.person.uuid),
        count: PAGE,
        ..Query::default()
    };
    let reach = |kind, interaction| taker.grant.reach(kind, interaction);
    let list = reach(ResourceType::DocumentReference, Interaction::Search)?;
    let bytes = reach(ResourceType::Binary, Interaction::Read)?;
    loop {
        let page = emr::find(&taker.app.emr, &list, &query).await?;
        for record in page.records {
            let Record::DocumentReference(document) = record else {
                continue;
            };
            if matches!(document.stage, Stage::Refused(_)) {
                continue;
            }
            match emr::open(&taker.app.emr, &bytes, document.uuid).await {
                Ok(opened) => {
                    archive.begin("documents/", &document.name).await?;
                    archive.copy(opened.bytes).await?;
                }
                Err(Failure::Refused(Refusal::NotFound)) => missing.push(document.name),
                Err(failure) => return Err(failure),
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    if !missing.is_empty() {
        archive.begin("", MISSING).await?;
        archive
            .write(told::missing(&missing, taker.language).as_bytes())
            .await?;
    }
    Ok(())
}

async fn poured(taker: &Taker, out: &Sender<std::io::Result<Vec<u8>>>) -> Answer<()> {
    let mut pages = Pages::of(taker);
    while let Some(piece) = pages.next().await? {
        if out.send(Ok(piece.into_bytes())).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// A Bundle in pieces: its head, its entries page by page, its end.
struct Pages<'a> {
    taker: &'a Taker,
    whole: Whole,
    state: At,
}

/// How far a Bundle is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Head,
    First,
    Within,
    End,
}

impl<'a> Pages<'a> {
    fn of(taker: &'a Taker) -> Self {
        Self {
            taker,
            whole: whole::of(taker.person.uuid),
            state: At::Head,
        }
    }

    async fn next(&mut self) -> Answer<Option<String>> {
        match self.state {
            At::Head => {
                self.state = At::First;
                let now = self.taker.app.emr.now().format(&Rfc3339);
                let now = now.map_err(|error| Fault::new("writing a time", error))?;
                Ok(Some(format!(
                    "{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"timestamp\":\"{now}\",\"entry\":["
                )))
            }
            At::First | At::Within => {
                let Some(entries) = self.whole.page(&self.taker.rest()).await? else {
                    self.state = At::End;
                    return Ok(Some("]}".to_owned()));
                };
                let text = entries.join(",");
                let lead = match self.state {
                    At::Within if !text.is_empty() => ",",
                    _ => "",
                };
                if !text.is_empty() {
                    self.state = At::Within;
                }
                Ok(Some(format!("{lead}{text}")))
            }
            At::End => Ok(None),
        }
    }
}

/// The summary, laid out on another thread.
async fn printed(taker: &Taker) -> Answer<Vec<u8>> {
    let summary = told::summary(&taker.rest(), taker.person, taker.language).await?;
    let work = tokio::task::spawn_blocking(move || summary::pdf(&summary)).await;
    Ok(work.map_err(|error| Fault::new("printing a record", error))??)
}
