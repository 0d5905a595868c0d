//! `/staff/registrations`: who registered, beside the charts it may be, and what staff decide about it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::csrf;
use crate::auth::registering::deciding;
use crate::auth::registering::deciding::Waiting;
use crate::auth::session::Visitor;
use crate::db::sql::datetime_text;
use crate::domain::access::Right;
use crate::domain::accounts;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::enrol::said;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::staff_registrations::Like;
use crate::http::pages::staff_registrations::Registered;
use crate::http::pages::staff_registrations::StaffRegistrations;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::portal::registration::draft::FIELDS;
use crate::portal::registration::draft::Field;
use crate::portal::work::Decide;

/// Where it is.
const HERE: &str = "/staff/registrations";

/// What was decided, as the form and the address say it, and the sentence on the page that follows.
const DONE: [(&str, &str); 5] = [
    (
        "accept",
        "Done. Who waited was let in, and a letter with a link is on its way.",
    ),
    (
        "reject",
        "The registration was refused. The chart stays, with access off, and a letter says why.",
    ),
    (
        "open",
        "A chart was opened, and a letter with a link is on its way.",
    ),
    ("dismiss", "The registration was put away."),
    (
        "too-late",
        "Somebody else was faster: nothing was left to decide.",
    ),
];

/// `GET /staff/registrations`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (HERE, Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let notice = told.map_or("", |(_, sentence)| sentence);
        Ok(listed(&app, &id, (&colleague, visitor), (notice, None)).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/registrations` with `id`, `decision` and, where it is refused, `reason`.
pub async fn post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let asks = (HERE, Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let (decision, reason) = (form.text("decision"), form.text("reason"));
        let which = Uuid::try_parse(&form.text("id")).unwrap_or_default();
        let done = match decision.as_str() {
            "accept" => deciding::decide(&context, &colleague, (which, Decide::Accept, "")).await,
            "reject" => {
                deciding::decide(&context, &colleague, (which, Decide::Reject, &reason)).await
            }
            "open" => deciding::open(&context, &colleague, which).await,
            "dismiss" => deciding::dismiss(&context, &colleague, which).await,
            _ => {
                let why = "decision: expected accept, reject, open or dismiss.";
                Err(Refusal::invalid("decision", why).into())
            }
        };
        // Somebody may have been shut out.
        app.tokens.clear();
        match done {
            Ok(()) => Ok(see_other(&format!("{HERE}?done={decision}"))),
            Err(Failure::Refused(Refusal::NotFound | Refusal::Conflict(_))) => {
                Ok(see_other(&format!("{HERE}?done=too-late")))
            }
            Err(Failure::Refused(Refusal::Rules(reasons))) => {
                let forgotten = reasons.iter().any(|one| one.id == "review.reason");
                let text = match forgotten {
                    true => "Say why, for the person to read.".to_owned(),
                    false => reply::sentence(&Refusal::Rules(reasons)),
                };
                Ok(listed(&app, &id, (&colleague, visitor), ("", Some(text))).await?)
            }
            Err(other) => Err(other.into()),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

async fn listed(
    app: &App,
    id: &RequestId,
    (colleague, visitor): (&Colleague, Visitor<'_>),
    (notice, error): (&'static str, Option<String>),
) -> Answer<Response> {
    let base = app.config.fhir_base();
    let waiting = deciding::list(&context(app, &base, &id.0), colleague).await?;
    let page = StaffRegistrations {
        frame: reply::frame(app, "Registrations"),
        csrf: csrf::token(visitor.token),
        notice,
        error,
        waiting: waiting.iter().map(|one| card(app, one)).collect(),
    };
    Ok(reply::html(StatusCode::OK, page))
}

fn card(app: &App, one: &Waiting) -> Registered {
    let draft = &one.draft;
    let names = ["first_name", "middle_name", "last_name"].map(|name| draft.get(name));
    let name: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let [insurer, provider] = &one.names;
    let fact = |field: &Field| {
        let code = draft.get(field.name);
        let text = match field.name {
            "insurer" => insurer.as_str(),
            "provider" => provider.as_str(),
            _ => code,
        };
        said::fact(field, code, text)
    };
    let rows = FIELDS
        .iter()
        // The name is the heading.
        .filter(|field| !matches!(field.name, "first_name" | "middle_name" | "last_name"))
        .map(fact)
        .filter(|fact| !fact.value.is_empty())
        .collect();
    let sent = datetime_text(app.emr.zone.wall(accounts::instant(one.sent)));
    let like = one.like.iter().take(20).map(|known| Like {
        name: known.name.clone(),
        number: known.pid,
        born: known.born.clone(),
        email: match known.email.as_str() {
            "" => known.trusted.clone(),
            email => email.to_owned(),
        },
        phone: known
            .phones
            .iter()
            .find(|phone| !phone.is_empty())
            .cloned()
            .unwrap_or_default(),
        likely: known.identity().is_like(&draft.identity()),
    });
    Registered {
        id: one.id.to_string(),
        name: name.join(" "),
        sent: sent.chars().take(16).collect(),
        known: one.chart.is_none(),
        waits: one.waits,
        rows,
        like: like.collect(),
    }
}
