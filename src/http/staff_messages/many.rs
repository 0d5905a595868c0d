//! `/staff/messages/many`: one message to many patients, each of whom gets their own: first whom it goes to and how many they
//! are, then the job that sends it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use time::Date;
use time::macros::format_description;

use crate::auth::circulars;
use crate::auth::csrf;
use crate::crypto;
use crate::domain::ResourceType;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::visits::Status;
use crate::emr;
use crate::emr::whom;
use crate::http::App;
use crate::http::documents;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::messages::shown;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::messages::Many;
use crate::http::pages::messages::Written;
use crate::http::pages::plain::plain;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::staff_messages::let_in;
use crate::http::visits::found;
use crate::rest::Rest;
use crate::store::circulars::Circular;
use crate::store::grants;

const HERE: &str = "/staff/messages/many";

/// Providers who are offered at most.
const MOST: u32 = 200;

/// `GET /staff/messages/many`
pub async fn page(State(app): State<Arc<App>>, id: RequestId, headers: HeaderMap) -> Response {
    let shown: Result<Response, Away> = async {
        let (colleague, visitor) = let_in(&app, &id, &headers, HERE).await?;
        documents::open(&app.emr).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let mut page = blank(&app, &rest, csrf::token(visitor.token)).await?;
        "all".clone_into(&mut page.whom);
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/messages/many` with `decision=preview|change|send`, whom and what.
pub async fn post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let (colleague, _) = let_in(&app, &id, &headers, HERE).await?;
        documents::open(&app.emr).await?;
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let mut page = blank(&app, &rest, csrf::token(visitor.token)).await?;
        let decision = form.text("decision");
        fill(&mut page, &form);
        if decision == "change" {
            return Ok(reply::html(StatusCode::OK, page));
        }
        let refusal = match asked(&rest, &form).await {
            Ok((pids, _)) if decision != "send" && !pids.is_empty() => {
                page.count = Some(pids.len());
                return Ok(reply::html(StatusCode::OK, page));
            }
            Ok((pids, circular)) => {
                let base = app.config.fhir_base();
                let ticket = ticket(&form);
                let by = (&colleague, ticket.as_str());
                let context = context(&app, &base, &id.0);
                match circulars::start(&context, by, pids, circular).await {
                    Ok(job) => return Ok(see_other(&format!("/staff/jobs/{job}"))),
                    Err(Failure::Refused(refusal)) => refusal,
                    Err(broken) => return Err(broken.into()),
                }
            }
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken.into()),
        };
        page.written.errors = vec![reply::sentence(&refusal)];
        Ok(reply::html(reply::status(&refusal), page))
    }
    .await;
    door::shown(&app, &id, done)
}

/// Whom a form means, and what it says.
async fn asked(rest: &Rest<'_>, form: &Form) -> Answer<(Vec<i64>, Circular)> {
    let circular = Circular {
        title: shown::titled(form)?,
        body: shown::written(form)?,
    };
    let pids = match form.text("whom").as_str() {
        "day" => {
            let format = format_description!("[year]-[month]-[day]");
            let day = Date::parse(&form.text("day"), format)
                .map_err(|_| Refusal::invalid("day", "Choose a day first."))?;
            let visits = found::of_day(rest, day).await?;
            if visits.len() >= found::MOST {
                let why = "This day has more visits than can be looked through here. Write the \
                    patients' numbers instead.";
                return Err(Refusal::invalid("day", why).into());
            }
            let provider = form.text("provider");
            let pids: Vec<i64> = visits
                .into_iter()
                .map(|one| one.visit)
                .filter(|visit| !matches!(visit.status, Status::Cancelled | Status::NoShow))
                .filter(|visit| {
                    let mut with = visit.providers.iter();
                    provider.is_empty() || with.any(|(id, _)| id.to_string() == provider)
                })
                .map(|visit| visit.person.pid)
                .collect();
            whom::among(rest.emr, &pids).await?
        }
        "numbers" => {
            let text = form.text("numbers");
            let pids: Vec<i64> = text
                .split(|letter: char| !letter.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            if pids.is_empty() {
                let why = "Write at least one patient number.";
                return Err(Refusal::invalid("numbers", why).into());
            }
            whom::among(rest.emr, &pids).await?
        }
        "all" => whom::everybody(rest.emr).await?,
        _ => {
            let why = "Choose whom the message goes to.";
            return Err(Refusal::invalid("whom", why).into());
        }
    };
    Ok((pids, circular))
}

/// What makes a form another than the next: its number, and whom it means. What it says the job knows itself.
fn ticket(form: &Form) -> String {
    let fields = ["ticket", "whom", "day", "provider", "numbers"];
    let said: Vec<String> = fields.iter().map(|name| form.text(name)).collect();
    crypto::fingerprint(&said.join("\n"))
}

fn fill(page: &mut Many, form: &Form) {
    page.whom = form.text("whom");
    page.day = form.text("day");
    page.provider = form.text("provider");
    page.numbers = form.text("numbers");
    page.written = Written {
        title: form.text("title"),
        body: form.text("body"),
        ..Written::default()
    };
    // The same form, on its way to be sent.
    match form.text("ticket") {
        ticket if ticket.is_empty() => {}
        ticket => page.ticket = ticket,
    }
}

async fn blank(app: &App, rest: &Rest<'_>, csrf: String) -> Answer<Many> {
    let reach = rest
        .grant
        .reach(ResourceType::Practitioner, Interaction::Search)?;
    let query = Query {
        count: MOST,
        ..Query::default()
    };
    let records = emr::find(rest.emr, &reach, &query).await?.records;
    let providers = records.into_iter().filter_map(|record| match record {
        Record::Practitioner(person) => {
            Some((person.uuid.to_string(), plain(&person.name.display(), 80)))
        }
        _ => None,
    });
    Ok(Many {
        frame: reply::frame(app, "Write to many"),
        csrf,
        ticket: app.entropy.token()?,
        whom: String::new(),
        day: String::new(),
        provider: String::new(),
        providers: providers.collect(),
        numbers: String::new(),
        written: Written::default(),
        count: None,
    })
}
