//! `/staff/patients`: one patient's portal account at the desk. Every button does what the operation of the same name
//! does, by the same function (F040).

mod apps;
mod search;
mod sheet;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::accounts;
use crate::auth::accounts::Hand;
use crate::auth::accounts::With;
use crate::auth::accounts::access;
use crate::auth::accounts::access::Attestation;
use crate::auth::accounts::access::Step;
use crate::auth::accounts::credential;
use crate::auth::accounts::credential::Done;
use crate::auth::accounts::credential::Made;
use crate::auth::accounts::status;
use crate::auth::csrf;
use crate::auth::email_change;
use crate::auth::onboarding;
use crate::auth::session::Visitor;
use crate::db::sql::date_text;
use crate::db::sql::datetime_text;
use crate::domain::access::Right;
use crate::domain::accounts::Delivery;
use crate::domain::accounts::Standing;
use crate::domain::accounts::State as Account;
use crate::domain::accounts::instant;
use crate::domain::credentials::Change;
use crate::domain::credentials::CredentialAsk;
use crate::domain::credentials::Name;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::emr::standing;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::staff_patient::Shown;
use crate::http::pages::staff_patient::StaffPatient;
use crate::http::pages::staff_patient::Typed;
use crate::http::portal;
use crate::http::portal_answers;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::mail;
use crate::portal::login;
use crate::store::jobs::Wish;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::outbox;
use crate::store::outbox::Letter;
use crate::store::throttle;
use crate::store::throttle::Reserved;

pub use apps::apps_page;
pub use apps::apps_post;
pub use search::search_page;
pub use search::search_post;

const PATH: &str = "/staff/patients";

/// What was done, as the address says it, and the sentence on the page that follows.
const DONE: [(&str, &str); 6] = [
    ("enable", "Access is enabled."),
    (
        "disable",
        "Access is switched off. Nobody comes in with this account any more.",
    ),
    (
        "lock",
        "The account is locked. Nobody comes in with it any more.",
    ),
    ("unlock", "The account is unlocked."),
    ("invite", "The letter with the link is on its way."),
    ("lift", "Reset links go to the new address again."),
];

/// What a page shows beside the account itself.
#[derive(Default)]
struct Said {
    notice: String,
    errors: Vec<String>,
    typed: Typed,
    checked: Option<(String, bool)>,
    shown: Option<Shown>,
}

/// `GET /staff/patients/{id}`
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
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let standing = open(&context, &patient).await?;
        let hand = Hand::at_desk(&colleague);
        let entry = hand.entry(&context, ("portal.status", Outcome::Success), &standing);
        ledger::record_all(&app.emr.db, &[entry]).await?;
        let told = negotiate::done(query.as_deref(), &DONE);
        let said = Said {
            notice: told.map_or(String::new(), |(_, sentence)| (*sentence).to_owned()),
            ..Said::default()
        };
        Ok(show((&app, &context), (&colleague, visitor), standing, said).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/patients/{id}` with `decision`. What changes something answers with the way back to the page; what shows a
/// password is a page of its own, which a reload would make anew.
pub async fn change(
    State(app): State<Arc<App>>,
    id: RequestId,
    path: Option<Path<String>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let patient = path.map_or_else(String::new, |Path(patient)| patient);
    let done: Result<Response, Away> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let here = here(&patient);
        let asks = (here.as_str(), Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let standing = open(&context, &patient).await?;
        let hand = Hand::at_desk(&colleague);
        match decide((&app, &context), &hand, &standing, &form).await {
            Ok(Next::Back(word)) => Ok(see_other(&format!("{PATH}/{patient}?done={word}"))),
            Ok(Next::Pdf(bytes)) => Ok(portal::pdf(bytes)),
            Ok(Next::Page(said)) => {
                let now = standing::by_pid(&app.emr, standing.person.pid).await?;
                let standing = now.unwrap_or(standing);
                Ok(show((&app, &context), (&colleague, visitor), standing, *said).await?)
            }
            Err(Failure::Refused(refusal)) => {
                let said = Said {
                    errors: sentences(&refusal),
                    typed: typed_before(&form),
                    ..Said::default()
                };
                let mut page =
                    show((&app, &context), (&colleague, visitor), standing, said).await?;
                *page.status_mut() = reply::status(&refusal);
                Ok(page)
            }
            Err(broken) => Err(broken.into()),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

/// Where a decision leads.
enum Next {
    Back(&'static str),
    Page(Box<Said>),
    Pdf(Vec<u8>),
}

/// The address of a patient's page; of the search where the id is none.
fn here(patient: &str) -> String {
    match Uuid::try_parse(patient) {
        Ok(id) => format!("{PATH}/{id}"),
        Err(_) => PATH.to_owned(),
    }
}

/// The patient of the address.
async fn open(context: &Context<'_>, patient: &str) -> Answer<Standing> {
    let id: Uuid = patient.parse().map_err(|_| Refusal::NotFound)?;
    let found = standing::by_id(context.emr, id).await?;
    found.ok_or_else(|| Refusal::NotFound.into())
}

async fn decide(
    (app, context): (&App, &Context<'_>),
    hand: &Hand,
    standing: &Standing,
    form: &Form,
) -> Answer<Next> {
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let about = (standing, post);
    let decision = form.text("decision");
    let step = match decision.as_str() {
        "enable" => Some(Step::Enable(match form.text("attestation").as_str() {
            "true" => Attestation::Given,
            _ => Attestation::Missing,
        })),
        "disable" => Some(Step::Disable),
        "lock" => Some(Step::Lock(form.text("reason"))),
        "unlock" => Some(Step::Unlock),
        _ => None,
    };
    if let Some(step) = step {
        access::take(context, hand, about, &step).await?;
        app.tokens.clear();
        app.onboarding.forget().await;
        let word = DONE.iter().find(|(word, _)| *word == decision);
        return Ok(Next::Back(word.map_or("", |(word, _)| word)));
    }
    let done = match decision.as_str() {
        "invite" => {
            let done = onboarding::invite(context, (hand, post), standing, Wish::default()).await?;
            Done::Invited(done)
        }
        "lift" => {
            if standing.remembered.held_until(context.seconds()).is_some() {
                email_change::lift(context, standing, &hand.actor).await?;
            }
            return Ok(Next::Back("lift"));
        }
        "make" => {
            let ask = asked(form);
            credential::make(context, hand, about, (&ask, With::default())).await?
        }
        "preview" => {
            let made = credential::preview(context, hand, about).await?;
            return Ok(Next::Page(Box::new(with(app, &made, Stored::No))));
        }
        "commit" => {
            let mut ask = CredentialAsk::by(Delivery::Print);
            ask.password = typed(form, "password");
            credential::reset(context, hand, about, (&ask, With::default())).await?
        }
        "check" => {
            let (db, now) = (&app.emr.db, context.seconds());
            may_ask(throttle::reserve_name(db, &hand.actor, now).await?)?;
            let name = form.text("username");
            let facts = credential::judge_name(context, standing, name.trim()).await?;
            let broken = login::broken(&facts);
            let sentences: Vec<&str> = broken.iter().map(|one| one.text.as_str()).collect();
            let checked = match sentences.as_slice() {
                [] => ("This username is free.".to_owned(), true),
                all => (all.join(" "), false),
            };
            return Ok(Next::Page(Box::new(Said {
                typed: typed_before(form),
                checked: Some(checked),
                ..Said::default()
            })));
        }
        "sheet" => {
            let secret = form.text("password");
            return Ok(Next::Pdf(
                sheet::print((app, context), hand, standing, secret).await?,
            ));
        }
        _ => {
            let why = "Please use one of the buttons on the page.";
            return Err(Refusal::invalid("decision", why).into());
        }
    };
    app.tokens.clear();
    app.onboarding.forget().await;
    Ok(match done {
        Done::Made(made) => Next::Page(Box::new(with(app, &made, Stored::Yes))),
        Done::Invited(invited) => match invited.pin {
            None => Next::Back("invite"),
            Some(pin) => Next::Page(Box::new(Said {
                notice: format!(
                    "The letter with the link is on its way. Read this PIN out to the patient: {pin}"
                ),
                ..Said::default()
            })),
        },
        Done::Repeated => Next::Back(""),
    })
}

/// What the form for a login by hand says.
fn asked(form: &Form) -> CredentialAsk {
    let by_hand = accounts::by_hand(&form.text("why"));
    CredentialAsk {
        deliver: match by_hand {
            Some(_) => Delivery::InPerson,
            None => Delivery::Print,
        },
        by_hand,
        username: typed(form, "username").map(|name| name.trim().to_owned()),
        name: match form.text("rename").as_str() {
            "true" => Name::Changed,
            _ => Name::Kept,
        },
        password: typed(form, "password"),
        change: match form.text("spare").as_str() {
            "true" => Change::Spared,
            _ => Change::Asked,
        },
    }
}

/// What was typed, to be shown again; never the password.
fn typed_before(form: &Form) -> Typed {
    let ticked = |name: &str| form.text(name) == "true";
    Typed {
        attested: ticked("attestation"),
        locking: form.text("decision") == "lock",
        reason: form.text("reason"),
        why: form.text("why"),
        username: form.text("username"),
        rename: ticked("rename"),
        spare: ticked("spare"),
    }
}

fn may_ask(reserved: Reserved) -> Result<(), Refusal> {
    match reserved {
        Reserved::GoOn => Ok(()),
        Reserved::Wait(seconds) => Err(Refusal::TooMany(seconds)),
    }
}

fn typed(form: &Form, name: &str) -> Option<String> {
    Some(form.text(name)).filter(|text| !text.trim().is_empty())
}

/// Whether credentials that are shown are in the table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    Yes,
    No,
}

fn with(app: &App, made: &Made, stored: Stored) -> Said {
    let held = made.standing.credentials.as_ref();
    Said {
        shown: Some(Shown {
            username: made.username.clone(),
            password: made.password.clone(),
            account: held.map_or_else(String::new, |held| held.account_id.clone()),
            portal: portal_answers::portal_url(app),
            must_change: made.must_change,
            stored: stored == Stored::Yes,
        }),
        ..Said::default()
    }
}

/// A refusal, each rule in a sentence of its own.
fn sentences(refusal: &Refusal) -> Vec<String> {
    match refusal {
        Refusal::Rules(reasons) => reasons.iter().map(|reason| reason.text.clone()).collect(),
        other => vec![reply::sentence(other)],
    }
}

async fn show(
    (app, context): (&App, &Context<'_>),
    (colleague, visitor): (&Colleague, Visitor<'_>),
    standing: Standing,
    said: Said,
) -> Answer<Response> {
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let found = status::status(context, standing, post).await?;
    let practice = app.emr.practice().await?;
    let facts = facts((app, context), &found.standing).await?;
    let unmet = found.unmet.into_iter();
    let standing = found.standing;
    let id = standing.person.uuid.to_string();
    let page = StaffPatient {
        frame: reply::frame(app, "Portal account"),
        csrf: csrf::token(visitor.token),
        documents: colleague.staff.has(Right::Documents),
        action: format!("{PATH}/{id}"),
        name: plain(&standing.display(), 80),
        state: pill(found.state, &standing),
        facts,
        unmet: unmet
            .map(|reason| (reason.text, reason.expression))
            .collect(),
        allowed: standing.allowed && standing.remembered.registered.is_none(),
        locked: standing.remembered.locked.is_some(),
        sharing: standing.sharing,
        has_address: !standing.address().is_empty(),
        has_login: standing.credentials.is_some(),
        can_invite: found.can_invite,
        held: standing.remembered.held_until(context.seconds()).is_some(),
        may_spare: practice.globals.text("portal_force_credential_reset") == "2",
        notice: said.notice,
        errors: said.errors,
        typed: said.typed,
        checked: said.checked,
        shown: said.shown,
        id,
    };
    Ok(reply::html(StatusCode::OK, page))
}

/// The colour and the words of a state.
fn pill(state: Account, standing: &Standing) -> (&'static str, &'static str) {
    if standing.remembered.locked.is_some() && standing.credentials.is_some() {
        return ("bad", "Locked by staff");
    }
    let class = match state {
        Account::Active => "good",
        Account::CredentialsIssued | Account::AuthorisedNoCredentials => "wait",
        Account::PendingVerification => "warn",
        Account::Disabled => "bad",
        Account::PortalOff | Account::NotAuthorised => "off",
    };
    (class, state.code().1)
}

/// What is known of an account; what there is not is left out.
async fn facts(
    (app, context): (&App, &Context<'_>),
    standing: &Standing,
) -> Answer<Vec<(&'static str, String)>> {
    let day = |seconds: i64| {
        let at = datetime_text(app.emr.zone.wall(instant(seconds)));
        at.chars().take(16).collect::<String>()
    };
    let held = standing.credentials.as_ref();
    let remembered = &standing.remembered;
    let letter = match outbox::last_of(&app.emr.db, standing.person.pid).await? {
        Some(last) => {
            let name = last.letter.map_or("letter", Letter::name);
            let word = last.status.word();
            let told = format!("{name}, {}: {word} {}", day(last.created), last.answer);
            told.trim().to_owned()
        }
        None => String::new(),
    };
    let locked = remembered.locked.as_ref();
    let hold = remembered.held_until(context.seconds());
    let all = [
        ("Born", standing.born.map_or_else(String::new, date_text)),
        ("Number", standing.person.pid.to_string()),
        ("E-mail", plain(standing.address(), 120)),
        (
            "Username",
            held.map_or_else(String::new, |held| plain(&held.login_name, 100)),
        ),
        (
            "Account number",
            held.map_or_else(String::new, |held| plain(&held.account_id, 100)),
        ),
        ("Invited", remembered.invited.map_or_else(String::new, day)),
        (
            "First login",
            remembered.first_login.map_or_else(String::new, day),
        ),
        (
            "Locked",
            locked.map_or_else(String::new, |(at, why)| {
                format!("{} · {}", day(*at), plain(why, 255))
            }),
        ),
        ("Last letter", letter),
        ("Reset links held until", hold.map_or_else(String::new, day)),
    ];
    let known = all.into_iter().filter(|(_, value)| !value.is_empty());
    Ok(known.collect())
}
