//! `/staff/templates`: staff look through the forms that can be put before patients, make one without HTML, and retire one.

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
use crate::domain::access::Right;
use crate::domain::forms::Source;
use crate::domain::forms::outline;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::filing;
use crate::emr::forms::templates;
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
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::portal::form::keep::KeepAsk;
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
            None => Default::default(),
        };
        let mut page = listed(&app, visitor.token, typed).await?;
        page.notice = told.map_or("", |(_, sentence)| sentence);
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `GET /staff/templates/{id}`: one as patients see it.
pub async fn one(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
) -> Response {
    let template = path.and_then(|Path(id)| Uuid::try_parse(&id).ok());
    let shown: Result<Response, Away> = async {
        let asks = (HERE, Right::Portal);
        door::desk(&app, &id, &headers, asks).await?;
        let template = template.ok_or(Refusal::NotFound)?;
        let found = templates::read(&app.emr, template).await?;
        let found = found.ok_or(Refusal::NotFound)?;
        let page = StaffTemplate {
            frame: reply::frame(&app, "Template"),
            parts: own_forms::parts(&found.questions, &Default::default()),
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

/// `POST /staff/templates` with `decision=keep`, `title`, `category`, `lines` and, where one is changed, `id`; or with `id` and
/// `decision=retire|offer`.
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
        let decision = form.text("decision");
        let error = match decision.as_str() {
            "keep" => kept(&rest, &form).await?,
            "retire" => offered(&rest, &form, 0).await?.to_owned(),
            "offer" => offered(&rest, &form, 1).await?.to_owned(),
            _ => "Please use one of the buttons on the page.".to_owned(),
        };
        if error.is_empty() {
            return Ok(see_other(&format!("{HERE}?done={decision}")));
        }
        let typed = ["id", "title", "category", "lines"].map(|name| form.text(name));
        let mut page = listed(&app, visitor.token, typed).await?;
        page.error = error;
        Ok(reply::html(StatusCode::UNPROCESSABLE_ENTITY, page))
    }
    .await;
    door::shown(&app, &id, done)
}

/// Keeps a template; what is wrong with it, empty where nothing is.
async fn kept(rest: &Rest<'_>, form: &Form) -> Answer<String> {
    let questions = match outline::read(&form.text("lines")) {
        Ok(questions) => questions,
        Err(sentence) => return Ok(sentence.to_owned()),
    };
    let id = match Uuid::try_parse(&form.text("id")) {
        Ok(id) => {
            let found = templates::read(rest.emr, id).await?;
            let ours = found.is_some_and(|one| one.source == Source::House);
            if !ours {
                return Err(Refusal::NotFound.into());
            }
            id
        }
        Err(_) => rest.new_id()?,
    };
    let ask = KeepAsk {
        id,
        title: form.text("title").trim().to_owned(),
        category: form.text("category"),
        questions,
    };
    match papers::keep(rest, ask).await {
        Ok(_) => Ok(String::new()),
        Err(Failure::Refused(Refusal::Rules(reasons))) => {
            let sentences: Vec<String> = reasons.into_iter().map(|reason| reason.text).collect();
            Ok(sentences.into_iter().next().unwrap_or_default())
        }
        Err(failure) => Err(failure),
    }
}

/// Offers a template (1) or retires it (0).
async fn offered(rest: &Rest<'_>, form: &Form, offered: i64) -> Answer<&'static str> {
    let id = Uuid::try_parse(&form.text("id")).map_err(|_| Refusal::NotFound)?;
    let entry = rest.entry("form.template".to_owned(), format!("Questionnaire/{id}"));
    let work = (rest.emr, (id, offered), entry);
    let done: bool = rest
        .emr
        .db
        .transaction_about(&work, |work, tx| {
            Box::pin(async move {
                let done = templates::offer(work.0, tx, work.1).await?;
                ledger::record(tx, &work.2).await?;
                Ok(done)
            })
        })
        .await?;
    match done {
        true => Ok(""),
        false => Err(Refusal::NotFound.into()),
    }
}

/// One that is to be changed, as it was typed.
async fn typed(app: &App, id: Uuid) -> Answer<[String; 4]> {
    let found = templates::written(&app.emr, id).await?;
    let found = found.filter(|one| one.source == Source::House);
    let found = found.ok_or(Refusal::NotFound)?;
    Ok([
        id.to_string(),
        found.title,
        found.category,
        outline::written(&found.questions),
    ])
}

async fn listed(app: &App, token: &str, typed: [String; 4]) -> Answer<StaffTemplates> {
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
            .map(|name| (name.clone(), name == typed[2]))
            .collect(),
        directives: templates::directives(),
        typed,
    })
}
