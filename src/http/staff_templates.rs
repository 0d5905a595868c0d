//! `/staff/templates`: staff look through the forms that can be put before patients, make one without HTML or from a FHIR
//! Questionnaire, change, download and retire one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::csrf;
use crate::domain::access::Right;
use crate::domain::forms::Source;
use crate::domain::forms::outline;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::filing;
use crate::emr::forms::templates;
use crate::fhir::questionnaire;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::own_forms;
use crate::http::pages::staff_templates::StaffTemplate;
use crate::http::pages::staff_templates::StaffTemplates;
use crate::http::pages::staff_templates::TemplateRow;
use crate::http::pages::staff_templates::Typed;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::portal::form::keep::KeepAsk;
use crate::portal::form::keep::Told;
use crate::rest::Rest;
use crate::rest::forms as papers;
use crate::store::grants;
use crate::store::ledger;

/// Where it is.
const HERE: &str = "/staff/templates";

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 3] = [
    ("keep", "The template is kept."),
    ("retire", "The template is not offered any more."),
    ("offer", "The template is offered again."),
];

/// Of two who change one form the second is told.
const MEANWHILE: &str = "Somebody else changed this form meanwhile. What you typed is still here. Save again to keep yours instead.";

/// What became of what was sent.
enum Came {
    /// It is done; the word of it.
    Done(&'static str),
    /// It can not be, and why.
    Wrong(String),
    /// Somebody else changed the form since it was looked at.
    Meanwhile,
}

/// `GET /staff/templates`, with `change` to change one.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (HERE, Right::Portal);
        let (_, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let pairs = negotiate::pairs(query.as_deref());
        let named = pairs.iter().find(|(name, _)| name == "change");
        let named = named.and_then(|(_, id)| Uuid::try_parse(id).ok());
        let typed = match named {
            Some(id) => typed(&app, id).await?,
            None => Typed::default(),
        };
        let mut page = listed(&app, visitor.token, typed).await?;
        page.notice = told.map_or("", |(_, sentence)| sentence);
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `GET /staff/templates/{id}`: one as patients see it, and with `.json` behind it as a Questionnaire to take along.
pub async fn one(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
) -> Response {
    let asked = path.map_or_else(String::new, |Path(asked)| asked);
    let (name, file) = match asked.strip_suffix(".json") {
        Some(name) => (name, true),
        None => (asked.as_str(), false),
    };
    let template = Uuid::try_parse(name).ok();
    let shown: Result<Response, Away> = async {
        let asks = (HERE, Right::Portal);
        door::desk(&app, &id, &headers, asks).await?;
        let template = template.ok_or(Refusal::NotFound)?;
        if file {
            return Ok(downloaded(&app, template).await?);
        }
        let found = templates::read(&app.emr, template).await?;
        let found = found.ok_or(Refusal::NotFound)?;
        let page = StaffTemplate {
            frame: reply::frame(&app, "Template"),
            parts: own_forms::parts(&found.questions, &Default::default()),
            file: match found.questions.is_whole() {
                true => format!("{HERE}/{template}.json"),
                false => String::new(),
            },
            unknown: found.questions.unknown,
            hidden: found.questions.hidden,
            change: match found.source {
                Source::House => format!("{HERE}?change={template}#new"),
                Source::OpenEmr(_) => String::new(),
            },
            title: found.title,
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// A template as a FHIR Questionnaire, with its directives as they are written.
async fn downloaded(app: &App, id: Uuid) -> Answer<Response> {
    let found = templates::written(&app.emr, id).await?;
    let found = found.filter(|one| one.questions.is_whole());
    let found = found.ok_or(Refusal::NotFound)?;
    let mut response = reply::fhir_body(StatusCode::OK, questionnaire::file(&found)?);
    response.headers_mut().insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"questionnaire.json\""),
    );
    Ok(response)
}

/// `POST /staff/templates` with `decision=keep`, `title`, `category` and `lines`, or `decision=read` and `json`, and where one
/// is changed `id` and `seen`; or with `id` and `decision=retire|offer`.
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
        let grant = grants::at_desk(colleague.staff.clone());
        let rest = fhir::rest(&app, &id, &grant);
        let came = match form.text("decision").as_str() {
            "keep" => lines(&rest, &form).await?,
            "read" => sheet(&rest, &form).await?,
            "retire" => offered(&rest, &form, ("retire", 0)).await?,
            "offer" => offered(&rest, &form, ("offer", 1)).await?,
            _ => Came::Wrong("Please use one of the buttons on the page.".to_owned()),
        };
        let mut typed = Typed {
            id: form.text("id"),
            seen: form.text("seen"),
            title: form.text("title"),
            category: form.text("category"),
            lines: form.text("lines"),
            json: form.text("json"),
        };
        let (status, error, now) = match came {
            Came::Done(word) => return Ok(see_other(&format!("{HERE}?done={word}"))),
            Came::Wrong(error) => (StatusCode::UNPROCESSABLE_ENTITY, error, None),
            Came::Meanwhile => {
                let id = Uuid::try_parse(&typed.id).map_err(|_| Refusal::NotFound)?;
                let now = self::typed(&app, id).await?;
                typed.seen.clone_from(&now.seen);
                (StatusCode::CONFLICT, MEANWHILE.to_owned(), Some(now))
            }
        };
        let mut page = listed(&app, visitor.token, typed).await?;
        page.error = error;
        page.now = now;
        Ok(reply::html(status, page))
    }
    .await;
    door::shown(&app, &id, done)
}

/// Keeps a template that was typed as lines.
async fn lines(rest: &Rest<'_>, form: &Form) -> Answer<Came> {
    let questions = match outline::read(&form.text("lines")) {
        Ok(questions) => questions,
        Err(sentence) => return Ok(Came::Wrong(sentence.to_owned())),
    };
    let (id, seen) = looked_at(rest, form).await?;
    let ask = KeepAsk {
        id,
        title: form.text("title").trim().to_owned(),
        category: form.text("category"),
        questions,
        offered: None,
        seen,
        told: Told::Lines,
    };
    kept(rest, ask).await
}

/// Keeps a template that was pasted as a Questionnaire.
async fn sheet(rest: &Rest<'_>, form: &Form) -> Answer<Came> {
    let (id, seen) = looked_at(rest, form).await?;
    // The page's category counts where the file has none.
    let text = questionnaire::with_category(&form.text("json"), &form.text("category"));
    let ask = match papers::pasted(rest, &text) {
        Ok(ask) => ask,
        Err(Failure::Refused(
            Refusal::Invalid { location, why } | Refusal::Unprocessable { location, why },
        )) => {
            let error = format!("The Questionnaire was not kept. {location}: {why}");
            return Ok(Came::Wrong(error));
        }
        Err(failure) => return Err(failure),
    };
    let ask = KeepAsk {
        id,
        seen,
        offered: None,
        ..ask
    };
    kept(rest, ask).await
}

/// The form that is made anew and the version of it that was looked at; the id of a new one where it is none.
async fn looked_at(rest: &Rest<'_>, form: &Form) -> Answer<(Uuid, Option<u64>)> {
    let Ok(id) = Uuid::try_parse(&form.text("id")) else {
        return Ok((rest.new_id()?, None));
    };
    match templates::to_change(rest.emr, id).await? {
        Some(_) => Ok((id, u64::from_str_radix(&form.text("seen"), 16).ok())),
        None => Err(Refusal::NotFound.into()),
    }
}

async fn kept(rest: &Rest<'_>, ask: KeepAsk) -> Answer<Came> {
    match papers::keep(rest, ask).await {
        Ok(_) => Ok(Came::Done("keep")),
        Err(Failure::Refused(Refusal::Stale | Refusal::Conflict(_))) => Ok(Came::Meanwhile),
        Err(Failure::Refused(Refusal::Rules(reasons))) => {
            let sentences: Vec<String> = reasons.into_iter().map(|reason| reason.text).collect();
            let first = sentences.into_iter().next();
            Ok(Came::Wrong(first.unwrap_or_default()))
        }
        Err(failure) => Err(failure),
    }
}

/// Offers a template (1) or retires it (0).
async fn offered(
    rest: &Rest<'_>,
    form: &Form,
    (word, offered): (&'static str, i64),
) -> Answer<Came> {
    let id = Uuid::try_parse(&form.text("id")).map_err(|_| Refusal::NotFound)?;
    let entry = rest.entry("form.template".to_owned(), format!("Questionnaire/{id}"));
    let work = ((id, offered), entry);
    let done: bool = rest
        .emr
        .db
        .transaction_about(&work, |work, tx| {
            Box::pin(async move {
                let done = templates::offer(tx, work.0).await?;
                ledger::record(tx, &work.1).await?;
                Ok(done)
            })
        })
        .await?;
    match done {
        true => Ok(Came::Done(word)),
        false => Err(Refusal::NotFound.into()),
    }
}

/// One that is to be changed, as it was typed.
async fn typed(app: &App, id: Uuid) -> Answer<Typed> {
    let found = templates::to_change(&app.emr, id).await?;
    let (found, version) = found.ok_or(Refusal::NotFound)?;
    Ok(Typed {
        id: id.to_string(),
        seen: format!("{version:016x}"),
        lines: outline::written(&found.questions),
        title: found.title,
        category: found.category,
        json: String::new(),
    })
}

async fn listed(app: &App, token: &str, typed: Typed) -> Answer<StaffTemplates> {
    let all = templates::titles(&app.emr).await?;
    Ok(StaffTemplates {
        frame: reply::frame(app, "Templates of forms"),
        csrf: csrf::token(token),
        notice: "",
        error: String::new(),
        templates: all
            .into_iter()
            .map(|one| TemplateRow {
                id: one.uuid.to_string(),
                title: one.title,
                category: one.category,
                active: one.active,
                ours: one.source == Source::House,
            })
            .collect(),
        categories: filing::categories(&app.emr, None)
            .await?
            .into_iter()
            .map(|name| (name.clone(), name == typed.category))
            .collect(),
        directives: templates::directives(),
        typed,
        now: None,
    })
}
