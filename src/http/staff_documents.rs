//! `/staff/patients/{id}/documents`: one patient's documents at the desk: which of them the patient sees, and filing one. What
//! is done here goes the way an app's write goes (F151, F158).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use uuid::Uuid;

use crate::auth::csrf;
use crate::auth::session::Visitor;
use crate::domain::ResourceType;
use crate::domain::access::Right;
use crate::domain::accounts::Standing;
use crate::domain::people::Person;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Token;
use crate::emr::colleague::Colleague;
use crate::emr::filing;
use crate::emr::standing;
use crate::fhir::document_reference::NOT_FOR_PATIENT;
use crate::http::App;
use crate::http::binary::handed;
use crate::http::binary::handed::Handed;
use crate::http::documents;
use crate::http::documents::listing;
use crate::http::documents::listing::Found;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::documents::Row;
use crate::http::pages::plain::plain;
use crate::http::pages::staff_documents::StaffDocuments;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::sending;
use crate::http::sending::Came;
use crate::http::sending::Sent;
use crate::portal::document::LARGEST;
use crate::portal::document::Paper;
use crate::rest::Rest;
use crate::rest::answer;
use crate::rest::read;
use crate::rest::write::Booked;
use crate::rest::write::Payload;
use crate::rest::write::Request as Write;
use crate::rest::write::Target;
use crate::store::grants;

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 4] = [
    ("share", "The patient sees the document now."),
    ("unshare", "The patient does not see the document any more."),
    ("filed", "The document is in the chart."),
    (
        "too-late",
        "Somebody else was faster: the document had changed, and nothing was done. This is how it is now.",
    ),
];

/// What was tried, and why it could not be.
#[derive(Default)]
struct Said<'a> {
    notice: &'static str,
    error: String,
    category: String,
    query: Option<&'a str>,
}

/// `GET /staff/patients/{id}/documents`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let patient = path.and_then(|Path(patient)| Uuid::try_parse(&patient).ok());
    let shown: Result<Response, Away> = async {
        let (colleague, visitor) = at_desk((&app, &id), patient, &headers).await?;
        let standing = opened(&app, patient).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let said = Said {
            notice: told.map_or("", |(_, sentence)| sentence),
            query: query.as_deref(),
            ..Said::default()
        };
        Ok(listed((&app, &id), (&colleague, visitor), &standing, said).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/patients/{id}/documents` with `ticket`, `category` and `file`.
pub async fn send(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    request: Request,
) -> Response {
    let patient = path.and_then(|Path(patient)| Uuid::try_parse(&patient).ok());
    let headers = request.headers().clone();
    let done: Result<Response, Away> = async {
        let token = forms::own_visitor(&app, &headers)
            .ok_or(forms::FOREIGN)?
            .token;
        forms::ours(&app, &headers)?;
        let (colleague, visitor) = at_desk((&app, &id), patient, &headers).await?;
        let standing = opened(&app, patient).await?;
        let (refusal, category) = match sending::received(&app, token, request).await? {
            Came::TooLarge(form) => {
                let refusal = Refusal::TooLarge(documents::TOO_LARGE);
                (refusal, form.text("category"))
            }
            Came::Whole(sent) => {
                let grant = grants::at_desk(colleague.staff.clone());
                let rest = fhir::rest(&app, &id, &grant);
                let category = sent.form.text("category");
                match filed(&rest, standing.person, *sent).await {
                    Ok(_) => {
                        let here = here(standing.person.uuid);
                        return Ok(see_other(&format!("{here}?done=filed")));
                    }
                    Err(Failure::Refused(refusal)) => (refusal, category),
                    Err(broken) => return Err(broken.into()),
                }
            }
        };
        let said = Said {
            error: reply::sentence(&refusal),
            category,
            ..Said::default()
        };
        let who = (&colleague, visitor);
        let mut page = listed((&app, &id), who, &standing, said).await?;
        *page.status_mut() = reply::status(&refusal);
        Ok(page)
    }
    .await;
    door::shown(&app, &id, done)
}

/// `POST /staff/patients/{id}/documents/{document}` with `seen` and `decision=share|unshare`.
pub async fn share(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<(String, String)>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (patient, document) = both(path);
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let (colleague, _) = at_desk((&app, &id), patient, &headers).await?;
        let standing = opened(&app, patient).await?;
        let document = document.ok_or(Refusal::NotFound)?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let here = here(standing.person.uuid);
        match decided(&rest, (standing.person, document), &form).await {
            Ok(word) => Ok(see_other(&format!("{here}?done={word}"))),
            Err(Failure::Refused(Refusal::Stale | Refusal::Conflict(_) | Refusal::Gone)) => {
                Ok(see_other(&format!("{here}?done=too-late")))
            }
            Err(failure) => Err(failure.into()),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

/// `GET /staff/patients/{id}/documents/{document}`: the document to save, or with `view=yes` to look at.
pub async fn one(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<(String, String)>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let (patient, document) = both(path);
    let shown: Result<Response, Away> = async {
        let (colleague, _) = at_desk((&app, &id), patient, &headers).await?;
        let standing = opened(&app, patient).await?;
        let document = document.ok_or(Refusal::NotFound)?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let asked = (query.as_deref(), &headers);
        let document = (standing.person, document);
        Ok(documents::given((&app, &rest), document, asked).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

fn both(path: Option<Path<(String, String)>>) -> (Option<Uuid>, Option<Uuid>) {
    let Some(Path((patient, document))) = path else {
        return (None, None);
    };
    (
        Uuid::try_parse(&patient).ok(),
        Uuid::try_parse(&document).ok(),
    )
}

fn here(patient: Uuid) -> String {
    format!("/staff/patients/{patient}/documents")
}

async fn at_desk<'h>(
    (app, id): (&App, &RequestId),
    patient: Option<Uuid>,
    headers: &'h HeaderMap,
) -> Result<(Colleague, Visitor<'h>), Away> {
    let back = patient.map_or_else(|| "/staff/patients".to_owned(), here);
    door::desk(app, id, headers, (&back, Right::Documents)).await
}

/// The patient of the address.
async fn opened(app: &App, patient: Option<Uuid>) -> Answer<Standing> {
    let patient = patient.ok_or(Refusal::NotFound)?;
    let found = standing::by_id(&app.emr, patient).await?;
    found.ok_or_else(|| Refusal::NotFound.into())
}

/// Files what staff sent; a browser's word about the kind of a file is what its name ends with, and the bytes say it
/// themselves.
async fn filed(rest: &Rest<'_>, person: Person, sent: Sent) -> Answer<Uuid> {
    let (spool, bytes) = sent
        .file
        .ok_or_else(|| Refusal::invalid("file", documents::NO_FILE))?;
    let category = sent.form.text("category");
    let paper = Paper {
        id: rest.new_id()?,
        patient: person.uuid,
        name: sent.name,
        declared: String::new(),
        category: (!category.is_empty()).then(|| asked(category)),
        bytes,
    };
    let handed = Handed {
        paper,
        spool: Some(spool),
        ticket: sent.form.text("ticket"),
    };
    handed::file(rest, handed).await
}

/// The category of the form: the row that was chosen, or a name.
fn asked(category: String) -> Token {
    let system = match category.parse::<i64>() {
        Ok(_) => filing::BY_ROW,
        Err(_) => DOCUMENT_CATEGORIES,
    };
    Token {
        system: Some(system.to_owned()),
        code: category,
    }
}

/// Sends the patch an app would send, about a document of this patient's chart; the word for what was done.
async fn decided(
    rest: &Rest<'_>,
    (person, document): (Person, Uuid),
    form: &Form,
) -> Answer<&'static str> {
    let kind = ResourceType::DocumentReference;
    let reach = rest.grant.reach(kind, Interaction::Read)?;
    let reach = reach.within(person).ok_or(Refusal::NotFound)?;
    read::or_gone(rest, &reach, document).await?;
    let (word, patch) = match form.text("decision").as_str() {
        "share" => ("share", json!([{"op": "remove", "path": "/securityLabel"}])),
        "unshare" => (
            "unshare",
            json!([{"op": "add", "path": "/securityLabel",
                "value": [{"coding": [{"system": NOT_FOR_PATIENT.0, "code": NOT_FOR_PATIENT.1}]}]}]),
        ),
        _ => {
            let why = "Please use one of the buttons on the page.";
            return Err(Refusal::invalid("decision", why).into());
        }
    };
    let seen = u64::from_str_radix(&form.text("seen"), 16).map_err(|_| Refusal::Stale)?;
    let request = Write {
        kind,
        target: Target::Known(document),
        payload: Payload::Patch(patch.to_string().into_bytes()),
        if_match: Some(seen),
        if_none_exist: None,
        booked: Booked::default(),
    };
    let wanted = (None, answer::Wanted::Minimal);
    answer::write(rest, request, wanted).await?;
    Ok(word)
}

async fn listed(
    (app, id): (&App, &RequestId),
    (colleague, visitor): (&Colleague, Visitor<'_>),
    standing: &Standing,
    said: Said<'_>,
) -> Answer<Response> {
    let grant = grants::at_desk(colleague.staff.clone());
    let rest = fhir::rest(app, id, &grant);
    let here = here(standing.person.uuid);
    let after = listing::after(said.query);
    let later = after.is_some();
    let (found, next) = listing::found(app, &rest, (standing.person, after)).await?;
    let page = StaffDocuments {
        frame: reply::frame(app, "Documents"),
        csrf: csrf::token(visitor.token),
        ticket: app.entropy.token()?,
        most: LARGEST,
        patient: standing.person.uuid.to_string(),
        name: plain(&standing.display(), 80),
        late: said.notice == DONE[3].1,
        notice: said.notice,
        error: said.error,
        categories: categories(app, colleague).await?,
        category: said.category,
        documents: found.iter().map(row).collect(),
        older: next.map_or_else(String::new, |next| listing::address(&here, &next)),
        later,
        here,
    };
    Ok(reply::html(StatusCode::OK, page))
}

/// The categories this member of staff may file to.
async fn categories(app: &App, colleague: &Colleague) -> Answer<Vec<(String, String)>> {
    let staff = &colleague.staff;
    let held = (!staff.has(Right::Super)).then_some(staff.rights.as_slice());
    let found = filing::choices(&app.emr, held).await?;
    let told = found.into_iter();
    Ok(told.map(|(row, name)| (row.to_string(), name)).collect())
}

fn row(found: &Found) -> Row {
    let mut row = listing::row(found);
    let author = found.document.author.as_ref();
    row.sender = match author {
        Some((_, name)) => plain(name, 80),
        None if found.document.from_patient => "The patient".to_owned(),
        None => String::new(),
    };
    row
}
