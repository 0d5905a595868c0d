//! `/account/forms`: a patient fills in and signs what the practice put there. What is done here is what `$sign` does.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::csrf;
use crate::db::sql::datetime_text;
use crate::domain::forms::Answers;
use crate::domain::forms::Form as Paper;
use crate::domain::forms::Kind;
use crate::domain::forms::Part;
use crate::domain::forms::Questions;
use crate::domain::forms::State as Stand;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::own_forms::FormRow;
use crate::http::pages::own_forms::OwnForm;
use crate::http::pages::own_forms::OwnForms;
use crate::http::pages::own_forms::PartView;
use crate::http::pages::own_forms::SignedView;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::portal;
use crate::portal::form::Fill;
use crate::portal::form::Signature;
use crate::rest::Rest;
use crate::rest::forms as papers;
use crate::store::grants;

/// Where it is.
const HERE: &str = "/account/forms";

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 3] = [
    ("sign", "The form is signed, and the practice has it."),
    ("save", "Your answers are kept. Nothing is signed yet."),
    (
        "changed",
        "The form had changed meanwhile, and nothing was done. This is how it is now.",
    ),
];

/// What was typed, and what was wrong.
#[derive(Default)]
pub struct Tried {
    /// The answers.
    pub answers: Option<Answers>,
    /// The signature.
    pub signature: Signature,
    /// What was wrong.
    pub errors: Vec<String>,
}

/// `GET /account/forms`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, _) = door::own(&app, &id, &headers, HERE).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        open_portal(&app).await?;
        let reach = grant.reach(papers::KIND, Interaction::Search)?;
        let behind = behind(query.as_deref());
        let open = papers::open(&rest, &reach).await?;
        let (done, next) = papers::signed(&rest, &reach, behind).await?;
        noted(&app, &rest, None).await;
        let told = negotiate::done(query.as_deref(), &DONE);
        let page = OwnForms {
            frame: reply::frame(&app, "Your forms"),
            notice: told.map_or("", |(_, sentence)| sentence),
            open: open.iter().map(|form| row(&app, form)).collect(),
            done: done.iter().map(|form| row(&app, form)).collect(),
            older: older(HERE, next),
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// Behind which form a page of a list goes on.
pub fn behind(query: Option<&str>) -> Option<Uuid> {
    let pairs = negotiate::pairs(query);
    let named = pairs.iter().find(|(name, _)| name == "behind");
    named.and_then(|(_, id)| Uuid::try_parse(id).ok())
}

/// Where the next page of a list is; empty where there is none.
pub fn older(here: &str, next: Option<Uuid>) -> String {
    next.map_or_else(String::new, |last| format!("{here}?behind={last}"))
}

/// `GET /account/forms/{id}`, and with `.pdf` behind it the form as a file.
pub async fn one(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = path.map_or_else(String::new, |Path(asked)| asked);
    let (name, file) = match asked.strip_suffix(".pdf") {
        Some(name) => (name, true),
        None => (asked.as_str(), false),
    };
    let form = Uuid::try_parse(name).ok();
    let shown: Result<Response, Away> = async {
        let back = form.map_or_else(|| HERE.to_owned(), |form| format!("{HERE}/{form}"));
        let (account, visitor) = door::own(&app, &id, &headers, &back).await?;
        let form = form.ok_or(Refusal::NotFound)?;
        open_portal(&app).await?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let found = papers::one(&rest, form).await?;
        noted(&app, &rest, Some(form)).await;
        if file {
            return Ok(pdf(&rest, form).await?);
        }
        let told = negotiate::done(query.as_deref(), &DONE);
        let mut page = view(&app, &found, Tried::default());
        page.csrf = csrf::token(visitor.token);
        page.notice = told.map_or("", |(_, sentence)| sentence);
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/forms/{id}` with the answers and `decision=save|sign`.
pub async fn act(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let form = path.and_then(|Path(form)| Uuid::try_parse(&form).ok());
    let done: Result<Response, Away> = async {
        let (sent, _) = forms::own_form(&app, &headers, body).await?;
        let (account, visitor) = door::own(&app, &id, &headers, HERE).await?;
        let form = form.ok_or(Refusal::NotFound)?;
        let grant = grants::at_home(account.person);
        let rest = fhir::rest(&app, &id, &grant);
        let found = papers::one(&rest, form).await?;
        let (tried, refusal) = match filled(&rest, (&found, &sent), None).await? {
            Ok("sign") => return Ok(see_other(&format!("{HERE}?done=sign"))),
            Ok(word) => return Ok(see_other(&format!("{HERE}/{form}?done={word}"))),
            Err(no) => no,
        };
        let mut page = view(&app, &found, tried);
        page.csrf = csrf::token(visitor.token);
        Ok(reply::html(reply::status(&refusal), page))
    }
    .await;
    door::shown(&app, &id, done)
}

/// While the portal is off nothing of the record is shown here, as to apps (F001).
async fn open_portal(app: &App) -> Answer<()> {
    let practice = app.emr.practice().await?;
    match practice.globals.on("portal_onsite_two_enable") {
        true => Ok(()),
        false => Err(Refusal::Rules(portal::account::portal_is_off()).into()),
    }
}

/// Does what a sent form asks for; the word of what was done, or what was typed and why it can not be.
///
/// # Errors
/// Whatever is not about the form itself.
pub async fn filled(
    rest: &Rest<'_>,
    (form, sent): (&Paper, &Form),
    tablet: Option<Uuid>,
) -> Answer<Result<&'static str, (Tried, Refusal)>> {
    let answers = answers(form, sent);
    let typed = Signature {
        name: sent.text("name"),
        drawing: sent.text("drawing"),
        agreed: sent.text("agreed") == "true",
    };
    let (word, signature) = match sent.text("decision").as_str() {
        "save" => ("save", None),
        "sign" => ("sign", Some(typed.clone())),
        _ => {
            let why = "Please use one of the buttons on the page.";
            return Err(Refusal::invalid("decision", why).into());
        }
    };
    let ask = Fill {
        form: form.uuid,
        answers: Some(answers.clone()),
        signature,
        seen: Some(sent.text("seen")),
        tablet,
    };
    let refusal = match papers::fill(rest, ask).await {
        Ok(_) => return Ok(Ok(word)),
        Err(Failure::Refused(refusal)) => refusal,
        Err(broken) => return Err(broken),
    };
    let errors = match &refusal {
        Refusal::Conflict(_) | Refusal::Stale => return Ok(Ok("changed")),
        Refusal::Rules(reasons) => reasons.iter().map(|reason| reason.text.clone()).collect(),
        Refusal::Invalid { .. } | Refusal::Unprocessable { .. } => vec![reply::sentence(&refusal)],
        _ => return Err(refusal.into()),
    };
    let tried = Tried {
        answers: Some(answers),
        signature: typed,
        errors,
    };
    Ok(Err((tried, refusal)))
}

/// The answers a form was sent with; fields are counted as the page counts them.
fn answers(form: &Paper, sent: &Form) -> Answers {
    let items = form.questions.items().enumerate();
    let given = items.filter_map(|(number, item)| {
        let text = sent.text(&format!("a{number}"));
        // Browsers end lines with two signs.
        let text = text.replace("\r\n", "\n");
        (!text.trim().is_empty()).then(|| (item.id.clone(), text))
    });
    given.collect()
}

/// The parts of a form with what is answered; fields are counted from the top.
pub fn parts(questions: &Questions, answers: &Answers) -> Vec<PartView> {
    let mut number = 0_usize;
    let parts = questions.parts.iter().map(|part| match part {
        Part::Heading(text) => said("heading", text),
        Part::Words(text) => said("words", text),
        Part::Item(item) => {
            let answer = answers.get(&item.id).cloned().unwrap_or_default();
            let kind = match &item.kind {
                Kind::Line => "line",
                Kind::Lines => "lines",
                Kind::Date => "date",
                Kind::Check => "check",
                Kind::Choice(_) => "choice",
            };
            let mut view = said(kind, &item.label);
            if let Kind::Choice(options) = &item.kind {
                let options = options.iter();
                view.options = options
                    .map(|option| (option.clone(), *option == answer))
                    .collect();
            }
            view.name = format!("a{number}");
            view.answer = answer;
            view.required = item.required;
            number += 1;
            view
        }
    });
    parts.collect()
}

/// The page of one form.
pub fn view(app: &App, form: &Paper, tried: Tried) -> OwnForm {
    let answers = tried.answers.as_ref().unwrap_or(&form.answers);
    let parts = parts(&form.questions, answers);
    let signature = tried.signature;
    OwnForm {
        frame: reply::frame(app, "Form"),
        csrf: String::new(),
        action: format!("{HERE}/{}", form.uuid),
        title: form.title.clone(),
        notice: "",
        errors: tried.errors,
        reason: form.reason.clone(),
        parts,
        open: form.state.is_open() && form.questions.is_whole(),
        whole: form.questions.is_whole(),
        seen: form.seen.clone(),
        tablet: false,
        // What is no drawing of ours is not shown again.
        drawing: match signature.strokes() {
            Some(_) => signature.drawing,
            None => String::new(),
        },
        agreed: signature.agreed,
        name: signature.name,
        signed: signature_of(app, form),
        file: format!("{HERE}/{}.pdf", form.uuid),
    }
}

/// The signature of a form, and what became of the form since.
pub fn signature_of(app: &App, form: &Paper) -> Option<SignedView> {
    let signed = form.signed.as_ref()?;
    Some(SignedView {
        name: signed.name.clone(),
        picture: signed.picture.clone(),
        at: minutes(app, signed.at),
        note: form.since_signed(),
    })
}

/// The signature OpenEMR's own portal took, and when.
pub fn elsewhere_of(app: &App, form: &Paper) -> Option<SignedView> {
    let signed = form.elsewhere.as_ref()?;
    Some(SignedView {
        name: String::new(),
        picture: signed.picture.clone(),
        at: signed.at.map_or_else(String::new, |at| minutes(app, at)),
        note: "Signed in OpenEMR's own portal; not verified here.",
    })
}

fn said(kind: &'static str, text: &str) -> PartView {
    PartView {
        kind,
        text: text.to_owned(),
        ..PartView::default()
    }
}

/// A form as a line of a list, for the patient and for staff.
pub fn row(app: &App, form: &Paper) -> FormRow {
    let changed = form.signed.as_ref().is_some_and(|signed| !signed.whole);
    FormRow {
        id: form.uuid.to_string(),
        title: form.title.clone(),
        day: form
            .created
            .map(|at| minutes(app, at).chars().take(10).collect())
            .unwrap_or_default(),
        pill: match form.state {
            _ if changed && form.is_openemrs() => ("good", "Completed by staff"),
            _ if changed => ("bad", "Changed after it was signed"),
            Stand::New | Stand::Open => ("warn", "To be signed"),
            Stand::Editing => ("warn", "Begun"),
            Stand::InReview => ("wait", "The practice looks at it"),
            Stand::Locked => ("good", "Done"),
        },
        signed: form
            .signed
            .as_ref()
            .map(|signed| minutes(app, signed.at))
            .unwrap_or_default(),
        reason: form.reason.clone(),
        category: form
            .category
            .as_ref()
            .map(|(_, name)| name.clone())
            .unwrap_or_default(),
        open: form.state.is_open(),
    }
}

/// A moment on the practice's clock.
pub fn minutes(app: &App, at: time::OffsetDateTime) -> String {
    let text = datetime_text(app.emr.zone.wall(at));
    text.chars().take(16).collect()
}

/// The form as a file.
///
/// # Errors
/// As [`emr::content`].
pub async fn pdf(rest: &Rest<'_>, id: Uuid) -> Answer<Response> {
    let reach = rest.grant.reach(papers::KIND, Interaction::Read)?;
    let content = emr::content(rest.emr, &reach, id).await?;
    let mut response = reply::fhir_body(StatusCode::OK, content.bytes);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"form.pdf\""),
    );
    Ok(response)
}

/// Leaves the ledger's line of a look.
pub async fn noted(app: &App, rest: &Rest<'_>, one: Option<Uuid>) {
    let (action, resource) = match one {
        Some(id) => ("DocumentReference.read", format!("DocumentReference/{id}")),
        None => ("DocumentReference.search", "DocumentReference".to_owned()),
    };
    app.reads
        .note(rest.entry(action.to_owned(), resource))
        .await;
}
