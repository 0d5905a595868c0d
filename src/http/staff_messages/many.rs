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
use crate::emr::persons;
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

/// Patients who are named before it goes, and numbers that are named where they are none.
const NAMED: usize = 20;

const CHANGED: &str =
    "Whom this message goes to has changed meanwhile, and nothing was sent. Look at it again.";

/// What a form asks for.
struct Asked {
    /// Whom it goes to.
    pids: Vec<i64>,
    /// Who is meant and cannot get it.
    left_out: Vec<i64>,
    /// What it says.
    circular: Circular,
}

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

/// `POST /staff/messages/many` with `decision=preview|change|send`, whom and what; `list` says whom the preview named.
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
            Ok(asked) if !asked.pids.is_empty() && !agreed(&form, &asked) => {
                let changed = decision == "send" && !form.text("list").is_empty();
                preview(&app, &rest, (&mut page, &asked)).await?;
                let status = match changed {
                    true => StatusCode::CONFLICT,
                    false => StatusCode::OK,
                };
                page.written
                    .errors
                    .extend(changed.then(|| CHANGED.to_owned()));
                return Ok(reply::html(status, page));
            }
            Ok(Asked { pids, circular, .. }) => {
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

/// Whether a form sends to those, and to nobody but those, whom it was shown with.
fn agreed(form: &Form, asked: &Asked) -> bool {
    form.text("decision") == "send" && form.text("list") == list(&asked.pids)
}

/// What tells some patients from others.
fn list(pids: &[i64]) -> String {
    crypto::fingerprint(&commas(pids))
}

/// Says to whom it goes, before it does.
async fn preview(app: &App, rest: &Rest<'_>, (page, asked): (&mut Many, &Asked)) -> Answer<()> {
    let first: Vec<i64> = asked.pids.iter().copied().take(NAMED).collect();
    let names = persons::names(rest.emr, &first).await?;
    page.names = first
        .iter()
        .map(|pid| {
            let name = names.get(pid).map_or("", String::as_str);
            format!("{} ({pid})", plain(name, 80))
        })
        .collect();
    // Names are shown.
    let entry = rest.entry("Patient.search".to_owned(), "Patient".to_owned());
    app.reads.note(entry).await;
    page.count = Some(asked.pids.len());
    page.list = list(&asked.pids);
    page.left_out = few(&asked.left_out);
    Ok(())
}

/// Some numbers in a line, and that there are more.
fn few(numbers: &[i64]) -> String {
    let text = commas(&numbers[..numbers.len().min(NAMED)]);
    match numbers.len() > NAMED {
        true => format!("{text} …"),
        false => text,
    }
}

fn commas(numbers: &[i64]) -> String {
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    texts.join(", ")
}

/// The patients' numbers that were typed, each as it stands: what is none is never taken apart to make some of it.
async fn numbers(rest: &Rest<'_>, text: &str) -> Answer<Vec<i64>> {
    let between = |letter: char| letter.is_whitespace() || matches!(letter, ',' | ';');
    let mut found = Vec::new();
    for piece in text.split(between).filter(|piece| !piece.is_empty()) {
        let number = piece.parse::<i64>().ok();
        // Not `+1` and not `007`, which may be the number of another chart.
        let number = number.filter(|number| *number >= 0 && number.to_string() == piece);
        let number = number.ok_or_else(|| none_such(&plain(piece, 40)))?;
        if !found.contains(&number) {
            found.push(number);
        }
    }
    if found.is_empty() {
        let why = "Write at least one patient number.";
        return Err(Refusal::invalid("numbers", why).into());
    }
    let doubtful = whom::doubtful(rest.emr, &found).await?;
    if !doubtful.another.is_empty() {
        let why = format!(
            "Other charts have these as the number they show, so they are not safe to use: {}",
            few(&doubtful.another)
        );
        return Err(Refusal::invalid("numbers", why).into());
    }
    if !doubtful.nobody.is_empty() {
        return Err(none_such(&few(&doubtful.nobody)).into());
    }
    Ok(found)
}

fn none_such(said: &str) -> Refusal {
    let why = format!("No patient has such a number: {said}");
    Refusal::invalid("numbers", why)
}

/// Whom a form means, and what it says.
async fn asked(rest: &Rest<'_>, form: &Form) -> Answer<Asked> {
    let circular = Circular {
        title: shown::titled(form)?,
        body: shown::written(form)?,
    };
    let mut left_out = Vec::new();
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
            let numbers = numbers(rest, &form.text("numbers")).await?;
            let pids = whom::among(rest.emr, &numbers).await?;
            left_out = numbers;
            left_out.retain(|number| !pids.contains(number));
            pids
        }
        "all" => whom::everybody(rest.emr).await?,
        _ => {
            let why = "Choose whom the message goes to.";
            return Err(Refusal::invalid("whom", why).into());
        }
    };
    Ok(Asked {
        pids,
        left_out,
        circular,
    })
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
        names: Vec::new(),
        left_out: String::new(),
        list: String::new(),
    })
}
