//! `/staff/patients/{id}/forms`: staff put a form before a patient, and see how far each is.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::csrf;
use crate::crypto;
use crate::domain::access::Right;
use crate::domain::accounts::instant;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::filing;
use crate::emr::forms::templates;
use crate::emr::persons;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::own_forms;
use crate::http::pages::plain::plain;
use crate::http::pages::staff_forms::StaffForms;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::portal;
use crate::rest::Rest;
use crate::rest::forms as papers;
use crate::sheet;
use crate::store::grants;
use crate::store::ledger;
use crate::store::tablets;
use crate::store::tablets::NewTablet;
use crate::store::tablets::Tablet;

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 1] = [("put", "The form waits for the patient now.")];

/// `GET /staff/patients/{id}/forms`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let patient = path.map_or_else(String::new, |Path(patient)| patient);
    let shown: Result<Response, Away> = async {
        let here = here(&patient);
        let asks = (here.as_str(), Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let person = person(&app, &patient).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let notice = told.map_or("", |(_, sentence)| sentence);
        let behind = own_forms::behind(query.as_deref());
        let about = (person, visitor.token, behind);
        let page = listed(&app, &rest, about, (notice, Vec::new())).await?;
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/patients/{id}/forms` with `template`, `category` and `decision=put`, or `id` and `decision=tablet`.
pub async fn post(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let patient = path.map_or_else(String::new, |Path(patient)| patient);
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let here = here(&patient);
        let asks = (here.as_str(), Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let person = person(&app, &patient).await?;
        if form.text("decision") == "tablet" {
            let about = (app.as_ref(), &rest);
            let handed = match handed(about, (person, colleague.staff.uuid), &form).await {
                Err(Failure::Refused(refusal @ Refusal::Rules(_))) => {
                    return refused(&app, &rest, (person, visitor.token), refusal).await;
                }
                handed => handed?,
            };
            let about = (person, visitor.token, None);
            let mut page = listed(&app, &rest, about, ("", Vec::new())).await?;
            page.tablet = Some(handed);
            return Ok(reply::html(StatusCode::OK, page));
        }
        let refusal = match decided(&rest, person, &form).await {
            Ok(word) => return Ok(see_other(&format!("{here}?done={word}"))),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        refused(&app, &rest, (person, visitor.token), refusal).await
    }
    .await;
    door::shown(&app, &id, done)
}

/// The page with what the rules, or somebody who was first, say no to.
async fn refused(
    app: &App,
    rest: &Rest<'_>,
    (person, token): (Person, &str),
    refusal: Refusal,
) -> Result<Response, Away> {
    let errors = match &refusal {
        Refusal::Rules(reasons) => reasons.iter().map(|reason| reason.text.clone()).collect(),
        Refusal::Conflict(_) => vec![reply::sentence(&refusal)],
        _ => return Err(refusal.into()),
    };
    let page = listed(app, rest, (person, token, None), ("", errors)).await?;
    Ok(reply::html(reply::status(&refusal), page))
}

/// The address of a patient's forms; of the search where the id is none.
fn here(patient: &str) -> String {
    match Uuid::try_parse(patient) {
        Ok(id) => format!("/staff/patients/{id}/forms"),
        Err(_) => "/staff/patients".to_owned(),
    }
}

async fn person(app: &App, patient: &str) -> Answer<Person> {
    let id: Uuid = patient.parse().map_err(|_| Refusal::NotFound)?;
    let found = persons::by_uuid(&app.emr, id).await?;
    found.ok_or_else(|| Refusal::NotFound.into())
}

async fn decided(rest: &Rest<'_>, person: Person, form: &Form) -> Answer<&'static str> {
    match form.text("decision").as_str() {
        "put" => {
            let template = Uuid::try_parse(&form.text("template")).unwrap_or_default();
            papers::put(rest, (person.uuid, template), &form.text("category")).await?;
            Ok("put")
        }
        _ => {
            let why = "Please use one of the buttons on the page.";
            Err(Refusal::invalid("decision", why).into())
        }
    }
}

/// Makes a link for a tablet: the title of the form, the address, the square code.
async fn handed(
    (app, rest): (&App, &Rest<'_>),
    (person, colleague): (Person, Uuid),
    form: &Form,
) -> Answer<(String, String, String)> {
    let id = Uuid::try_parse(&form.text("id")).map_err(|_| Refusal::NotFound)?;
    let found = papers::one(rest, id).await?;
    if found.person != person || !found.state.is_open() {
        return Err(Refusal::NotFound.into());
    }
    if !found.questions.is_whole() {
        return Err(Refusal::Rules(portal::form::not_whole()).into());
    }
    let token = app.entropy.token()?;
    let new = NewTablet {
        id: rest.new_id()?,
        token_hash: crypto::fingerprint(&token),
        document: found.row,
        person,
        made_by: colleague,
    };
    let now = app.emr.now().unix_timestamp();
    let mut entry = rest.entry("form.tablet".to_owned(), format!("DocumentReference/{id}"));
    entry.patient = Some(person.uuid);
    let work = (new, entry);
    app.emr
        .db
        .transaction_about(&work, |work, tx| {
            Box::pin(async move {
                tablets::insert(tx, &work.0, now).await?;
                ledger::record(tx, &work.1).await
            })
        })
        .await?;
    let address = format!("{}/sign/{token}", app.config.public_url);
    let code = sheet::code_svg(&address).unwrap_or_default();
    let code = format!(
        "data:image/svg+xml;base64,{}",
        crypto::base64(code.as_bytes())
    );
    Ok((found.title, address, code))
}

/// How far a tablet is.
fn stand(tablet: &Tablet, now: i64) -> &'static str {
    match (tablet.opened, tablet.ended) {
        _ if tablet.signatures > 0 => "Signed",
        (_, Some(_)) => "Ended without a signature",
        (None, None) if tablet.works(now) => "Waits to be opened",
        (Some(_), None) if tablet.works(now) => "The patient has it",
        _ => "Ran out",
    }
}

async fn listed(
    app: &App,
    rest: &Rest<'_>,
    (person, token, behind): (Person, &str, Option<Uuid>),
    (notice, errors): (&'static str, Vec<String>),
) -> Answer<StaffForms> {
    let reach = rest.grant.reach(papers::KIND, Interaction::Search)?;
    let reach = reach.within(person).ok_or(Refusal::NotFound)?;
    let mut all = match behind {
        Some(_) => Vec::new(),
        None => papers::open(rest, &reach).await?,
    };
    let (signed, next) = papers::signed(rest, &reach, behind).await?;
    all.extend(signed);
    let action = format!("/staff/patients/{}/forms", person.uuid);
    let mut entry = rest.entry(
        "DocumentReference.search".to_owned(),
        "DocumentReference".to_owned(),
    );
    entry.patient = Some(person.uuid);
    app.reads.note(entry).await;
    let known = persons::names(&app.emr, &[person.pid]).await?;
    let name = known.get(&person.pid).map_or("", String::as_str);
    let now = app.emr.now().unix_timestamp();
    let offered = templates::titles(&app.emr).await?;
    let offered = offered.into_iter().filter(|template| template.active);
    Ok(StaffForms {
        frame: reply::frame(app, "Forms"),
        csrf: csrf::token(token),
        older: own_forms::older(&action, next),
        action,
        back: format!("/staff/patients/{}", person.uuid),
        name: plain(name, 80),
        notice,
        errors,
        templates: offered
            .map(|template| (template.uuid.to_string(), plain(&template.title, 80)))
            .collect(),
        categories: filing::categories(&app.emr, reach.held()).await?,
        forms: all.iter().map(|form| own_forms::row(app, form)).collect(),
        tablet: None,
        tablets: tablets::of(&app.emr.db, person)
            .await?
            .iter()
            .filter_map(|tablet| {
                let form = all.iter().find(|form| form.row == tablet.document)?;
                let at = instant(tablet.created);
                let when = own_forms::minutes(app, at);
                Some((form.title.clone(), when, stand(tablet, now)))
            })
            .collect(),
    })
}
