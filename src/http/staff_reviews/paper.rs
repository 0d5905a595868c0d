//! The document or the form a request is about, on the desk's page, and its bytes.

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::response::Response;

use super::HERE;
use super::named;
use crate::domain::ResourceType;
use crate::domain::access::Right;
use crate::domain::records::DocumentReference;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr;
use crate::emr::filing;
use crate::emr::forms;
use crate::emr::forms::chart::UNSIGNED;
use crate::emr::tasks;
use crate::emr::tasks::Opens;
use crate::http::App;
use crate::http::binary;
use crate::http::binary::Shown;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::own_forms;
use crate::http::pages::plain::plain;
use crate::http::pages::staff_reviews::Filled;
use crate::http::pages::staff_reviews::Paper;
use crate::http::request_id::RequestId;
use crate::http::requests;
use crate::portal::work::CLOSED;
use crate::rest::Rest;
use crate::store::grants;

/// Pictures that every browser shows.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

const GONE: &str = "This is not in the patient's chart any more: it was deleted or moved in OpenEMR. You can refuse it, and the patient reads why.";

/// What is told of a form that is not signed, or that OpenEMR opened again.
const NOT_YET: &str =
    "This form does not wait for you: it is decided once the patient has signed it, or in OpenEMR.";

/// What of a request about a document or a form is shown.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) paper: Option<Paper>,
    pub(super) form: Option<Filled>,
    /// Why nothing is shown.
    pub(super) missing: &'static str,
    /// Whether whoever looks must not decide.
    pub(super) closed: bool,
}

/// The document or the form a request is about, as far as whoever looks may open it; `picked` is the category that was
/// chosen.
///
/// # Errors
/// As [`emr::read`].
pub(super) async fn looked(
    app: &App,
    rest: &Rest<'_>,
    (task, picked): (&Task, Option<&str>),
) -> Answer<Looked> {
    let waits = task.progress.waits();
    let theirs = waits && task.work == Work::Form && !task.by_patient;
    match tasks::opens(rest.emr, rest.grant, task).await? {
        Opens::Yes => {}
        Opens::No => {
            return Ok(Looked {
                missing: CLOSED,
                closed: true,
                ..Looked::default()
            });
        }
        Opens::Gone => {
            return Ok(Looked {
                missing: match waits {
                    true if theirs => NOT_YET,
                    true => GONE,
                    false => "",
                },
                closed: theirs,
                ..Looked::default()
            });
        }
    }
    let Some((kind, id)) = task.focus else {
        return Ok(Looked::default());
    };
    let content = format!("{HERE}/{}/content", task.uuid);
    let reach = match task.work {
        Work::Document | Work::Form => rest.grant.reach(kind, Interaction::Read)?,
        _ => return Ok(Looked::default()),
    };
    if task.work == Work::Form {
        let form = forms::read(rest.emr, &reach, id).await?;
        let signed = form.signed.is_some() || form.elsewhere.is_some();
        let filled = Filled {
            parts: own_forms::parts(&form.questions, &form.answers),
            signed: own_forms::signature_of(app, &form),
            elsewhere: own_forms::elsewhere_of(app, &form),
            content,
        };
        return Ok(Looked {
            form: Some(filled),
            missing: match waits && !signed {
                _ if theirs => NOT_YET,
                true => UNSIGNED,
                false => "",
            },
            closed: theirs,
            ..Looked::default()
        });
    }
    let Record::DocumentReference(document) = emr::read(rest.emr, &reach, id).await? else {
        return Err(Refusal::NotFound.into());
    };
    let categories = match waits {
        true => filing::categories(rest.emr, reach.held()).await?,
        false => Vec::new(),
    };
    Ok(Looked {
        paper: Some(paper(&document, content, (categories, picked))),
        ..Looked::default()
    })
}

fn paper(
    document: &DocumentReference,
    content: String,
    (mut categories, picked): (Vec<String>, Option<&str>),
) -> Paper {
    let filed = document.category.as_str();
    let chosen = picked.unwrap_or(filed);
    for name in [filed, chosen] {
        if !categories.is_empty() && !categories.iter().any(|one| one == name) {
            categories.insert(0, name.to_owned());
        }
    }
    let size = document.size.map(|size| format!(", {}", size_text(size)));
    Paper {
        name: plain(&document.name, 120),
        facts: format!("{}{}", document.content_type, size.unwrap_or_default()),
        content,
        picture: PICTURES.contains(&document.content_type.as_str()),
        filed: filed.to_owned(),
        categories: categories
            .into_iter()
            .map(|name| {
                let chosen = name == chosen;
                (name, chosen)
            })
            .collect(),
    }
}

/// `GET /staff/reviews/{id}/content`: the bytes of the document a request is about. The page's own picture of it comes
/// without a person asking for it, and keeps no login alive.
pub async fn content(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let task = named(path);
        let asks = (HERE, Right::Portal);
        let colleague = match is_picture(&headers) {
            true => door::desk_unasked(&app, &id, &headers, Right::Portal).await?,
            false => door::desk(&app, &id, &headers, asks).await?.0,
        };
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let (task, _) = requests::task(&rest, task.ok_or(Refusal::NotFound)?).await?;
        let paper = match (task.work, task.focus) {
            (Work::Document | Work::Form, Some((_, paper))) => paper,
            _ => return Err(Refusal::NotFound.into()),
        };
        // The document of somebody else is not shown under this request, whatever became of its row.
        match tasks::opens(&app.emr, &grant, &task).await? {
            Opens::Yes => {}
            Opens::No => return Err(Refusal::Forbidden(CLOSED).into()),
            Opens::Gone => return Err(Refusal::NotFound.into()),
        }
        let reach = grant.reach(ResourceType::Binary, Interaction::Read)?;
        let opened = emr::open(&app.emr, &reach, paper).await?;
        let response = binary::sent(opened, (Shown::Saved, &headers)).await?;
        let mut entry = rest.entry("Binary.read".to_owned(), format!("Binary/{paper}"));
        entry.patient = Some(task.person.uuid);
        app.reads.note(entry).await;
        Ok(response)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// Whether a browser asks for a picture on a page of ours.
fn is_picture(headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &str| {
        headers.get(name).map(HeaderValue::as_bytes) == Some(value.as_bytes())
    };
    says("sec-fetch-site", "same-origin") && says("sec-fetch-dest", "image")
}

/// A size for people.
fn size_text(bytes: i64) -> String {
    match bytes {
        bytes if bytes < 1_000 => format!("{bytes} B"),
        bytes if bytes < 1_000_000 => format!("{} KB", bytes / 1_000),
        bytes => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}
