//! "My records": what a patient takes away, as a summary to read, as a FHIR Bundle, and with every document as an archive. All
//! are made while they are sent.

use std::sync::Arc;
use std::time::Duration;

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
use tokio::sync::mpsc::Sender;

use crate::auth::session;
use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::Holder;
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
use crate::http::documents::records::turn::LONGEST;
use crate::http::documents::records::turn::Turn;
use crate::http::documents::records::turn::in_time;
use crate::http::documents::zipped;
use crate::http::documents::zipped::Archive;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::oauth::context;
use crate::http::request_id::RequestId;
use crate::http::words::Reader;
use crate::rest::Rest;
use crate::rest::whole;
use crate::rest::whole::Whole;
use crate::sheet::summary;
use crate::store::grants;

mod told;
pub mod turn;

/// Documents of one statement.
const PAGE: u32 = 200;

/// How many pieces wait for a slow reader.
const WAITING: usize = 2;

/// Until it is looked again whether a document that had no place to be decrypted has one.
const PAUSE: Duration = Duration::from_secs(1);

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
    /// Of the login, which changes with the password.
    credential: String,
    _turn: Turn,
}

impl Taker {
    fn rest(&self) -> Rest<'_> {
        fhir::rest(&self.app, &self.id, &self.grant)
    }

    /// Whether all this may go on: it can take long, and what staff switch off ends.
    async fn stands(&self) -> Answer<()> {
        documents::open(&self.app.emr).await?;
        let base = self.app.config.fhir_base();
        let context = context(&self.app, &base, &self.id.0);
        let who = session::who(&context, Holder::Patient(self.person.pid)).await?;
        match who.is_some_and(|who| who.credential() == self.credential) {
            true => Ok(()),
            false => Err(Refusal::Unauthenticated.into()),
        }
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
        let summary = printed(&taker).await?;
        let begun = begun(&taker).await?;
        let wall = taker.app.emr.zone.wall(taker.app.emr.now());
        let (archive, body) = zipped::archive(wall);
        tokio::spawn(archived(taker, archive, (summary, begun)));
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
        let begun = begun(&taker).await?;
        let (out, body) = zipped::pieces(WAITING);
        tokio::spawn(async move {
            let poured = in_time(LONGEST, poured(&taker, &out, begun)).await;
            // The turn is over before the answer is.
            drop(taker);
            if let Err(failure) = poured {
                tracing::warn!(?failure, "a record was not sent whole");
                zipped::break_off(&out).await;
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
    let turn = app.exports.turn(account.person)?;
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
        credential: account.credential(),
        _turn: turn,
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
async fn archived(taker: Taker, mut archive: Archive, (summary, begun): (Vec<u8>, Begun)) {
    let filled = filled(&taker, &mut archive, (&summary, begun));
    let filled = in_time(LONGEST, filled).await;
    // The turn is over before the answer is.
    drop(taker);
    match filled {
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

async fn filled(
    taker: &Taker,
    archive: &mut Archive,
    (summary, begun): (&[u8], Begun),
) -> Answer<()> {
    archive.begin("", SUMMARY).await?;
    archive.write(summary).await?;
    archive.begin("", BUNDLE).await?;
    let (mut pages, first) = begun;
    archive.write(first.as_bytes()).await?;
    while let Some(piece) = pages.next(taker).await? {
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
        let page = {
            let _reading = taker.app.exports.reading().await;
            emr::find(&taker.app.emr, &list, &query).await?
        };
        for record in page.records {
            let Record::DocumentReference(document) = record else {
                continue;
            };
            if matches!(document.stage, Stage::Refused(_)) {
                continue;
            }
            // No place is waited for in a turn: where there is none, others read meanwhile.
            let asked = (document.uuid, Duration::ZERO);
            let opened = taker.app.exports.read(PAUSE, || async {
                taker.stands().await?;
                emr::open_within(&taker.app.emr, &bytes, asked).await
            });
            match opened.await {
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

async fn poured(
    taker: &Taker,
    out: &Sender<std::io::Result<Vec<u8>>>,
    (mut pages, first): Begun,
) -> Answer<()> {
    let mut piece = Some(first);
    while let Some(text) = piece {
        if out.send(Ok(text.into_bytes())).await.is_err() {
            return Ok(());
        }
        piece = pages.next(taker).await?;
    }
    Ok(())
}

/// A Bundle, and as much of it as is made before anything is answered.
type Begun = (Pages, String);

/// The head and the first page: a record that cannot be read is told so, and not sent in part.
async fn begun(taker: &Taker) -> Answer<Begun> {
    let mut pages = Pages {
        whole: whole::of(taker.person.uuid),
        state: At::Head,
    };
    let mut text = String::new();
    while text.is_empty() || pages.state == At::First {
        match pages.next(taker).await? {
            Some(piece) => text.push_str(&piece),
            None => break,
        }
    }
    Ok((pages, text))
}

/// A Bundle in pieces: its head, its entries page by page, its end.
struct Pages {
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

impl Pages {
    async fn next(&mut self, taker: &Taker) -> Answer<Option<String>> {
        match self.state {
            At::Head => {
                self.state = At::First;
                let now = taker.app.emr.now().format(&Rfc3339);
                let now = now.map_err(|error| Fault::new("writing a time", error))?;
                Ok(Some(format!(
                    "{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"timestamp\":\"{now}\",\"entry\":["
                )))
            }
            At::First | At::Within => {
                let _reading = taker.app.exports.reading().await;
                taker.stands().await?;
                let Some(entries) = self.whole.page(&taker.rest()).await? else {
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
    let _reading = taker.app.exports.reading().await;
    let summary = told::summary(&taker.rest(), taker.person, taker.language).await?;
    let work = tokio::task::spawn_blocking(move || summary::pdf(&summary)).await;
    Ok(work.map_err(|error| Fault::new("printing a record", error))??)
}
