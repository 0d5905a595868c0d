//! `/staff/mail`: the delivery log (F088). Who opens it sees masked addresses and the mail server's words, never a letter.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::csrf;
use crate::auth::desk;
use crate::auth::session::Visitor;
use crate::db::sql::datetime_text;
use crate::domain::access::Right;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::accounts::instant;
use crate::domain::mailbox;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::emr::standing;
use crate::emr::standing::Which;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::staff_mail::LetterRow;
use crate::http::pages::staff_mail::StaffMail;
use crate::http::pages::staff_mail::Tab;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::mail;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::outbox;
use crate::store::outbox::Filter;
use crate::store::outbox::Letter;
use crate::store::outbox::Logged;
use crate::store::outbox::Status;

/// Letters on a page; one more is asked for, to tell that there are more.
const SHOWN: usize = 25;

const PATH: &str = "/staff/mail";

/// What was done, as the form and the address say it, and the sentence on the page that follows.
const DONE: [(&str, &str); 4] = [
    ("again", "The letter is sent once more."),
    ("withdraw", "The letter was taken back."),
    (
        "not-again",
        "It was not sent again: somebody else did so, or its link has ended. A new invitation or reset makes a new link.",
    ),
    (
        "not-withdraw",
        "It could not be taken back: it is on its way, or somebody else was faster.",
    ),
];

/// The states of the tabs, and each letter's state as class and word.
const STATES: [(Status, &str, &str); 6] = [
    (Status::Dead, "bad", "Not delivered"),
    (Status::Waiting, "wait", "Waits"),
    (Status::Sent, "good", "Sent"),
    (Status::Withdrawn, "off", "Taken back"),
    (Status::Sending, "wait", "On its way"),
    (Status::Again, "off", "Sent again"),
];

/// How many of them are tabs.
const TABS: usize = 4;

/// Letters in words.
const KINDS: [(Letter, &str); 15] = [
    (Letter::Invite, "Invitation"),
    (Letter::Reset, "Password reset"),
    (Letter::CredentialsChanged, "Sign-in was changed"),
    (Letter::VerifyEmail, "Confirm the address"),
    (Letter::AlreadyKnown, "Already registered"),
    (Letter::Welcome, "Welcome"),
    (Letter::NotApproved, "Registration refused"),
    (Letter::ConfirmEmail, "Confirm the new address"),
    (Letter::EmailChanged, "Address was changed"),
    (Letter::AccessChanged, "Access was changed"),
    (Letter::Visit, "What became of a visit"),
    (Letter::Reviewed, "A request was decided"),
    (Letter::Message, "There is a message"),
    (Letter::Form, "There is a form"),
    (Letter::Test, "Test"),
];

/// `GET /staff/mail` with `status`, `patient`, `before`.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (PATH, Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let asked = Asked::of(&negotiate::pairs(query.as_deref()));
        Ok(show(&app, &context, (&colleague, visitor), asked).await?)
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/mail` with `letter` and `decision`: `again` or `withdraw`; `status` and `patient` say which letters are
/// shown after it.
pub async fn post(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let asks = (PATH, Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let done = decide(&context, &colleague, &form).await?;
        let status = Status::of(&form.text("status"));
        let patient = Uuid::try_parse(&form.text("patient")).ok();
        let back = address(status, patient, None);
        let mark = if back.contains('?') { '&' } else { '?' };
        Ok(see_other(&format!("{back}{mark}done={done}")))
    }
    .await;
    door::shown(&app, &id, done)
}

/// What the address asks for.
#[derive(Debug, Default)]
struct Asked {
    status: Option<Status>,
    patient: String,
    before: Option<i64>,
    done: &'static str,
}

impl Asked {
    fn of(pairs: &[(String, String)]) -> Self {
        let one = |name: &str| {
            let pair = pairs.iter().find(|(known, _)| known == name);
            pair.map_or("", |(_, value)| value.trim())
        };
        let done = DONE.iter().find(|(word, _)| *word == one("done"));
        Self {
            status: Status::of(one("status")),
            patient: one("patient").chars().take(100).collect(),
            before: one("before").parse().ok(),
            done: done.map_or("", |(_, sentence)| sentence),
        }
    }
}

async fn show(
    app: &App,
    context: &Context<'_>,
    (colleague, visitor): (&Colleague, Visitor<'_>),
    asked: Asked,
) -> Answer<Response> {
    let (db, emr) = (&app.emr.db, &app.emr);
    let may_search = colleague.staff.has(Right::Demographics);
    let (mut only, mut several): (Option<Standing>, _) = (None, Vec::new());
    let named = Uuid::try_parse(&asked.patient).ok();
    if let Some(id) = named {
        only = standing::by_id(emr, id).await?;
    } else if may_search && !asked.patient.is_empty() {
        several = desk::search(context, colleague, (&asked.patient, Right::Demographics)).await?;
        if let [one] = several.as_slice() {
            only = standing::by_pid(emr, one.person.pid).await?;
            several.clear();
        }
    }
    let filter = Filter {
        // A patient who is not there has no letters.
        pid: match (&only, asked.patient.is_empty()) {
            (Some(only), _) => Some(only.person.pid),
            (None, true) => None,
            (None, false) => Some(-1),
        },
        status: asked.status,
        before: asked.before,
    };
    let rows = u32::try_from(SHOWN + 1).unwrap_or(u32::MAX);
    let mut letters = outbox::log(db, &filter, rows).await?;
    let more = letters.len() > SHOWN;
    letters.truncate(SHOWN);
    let pids: Vec<i64> = letters.iter().filter_map(|letter| letter.pid).collect();
    let people = match pids.is_empty() {
        true => Vec::new(),
        false => standing::find(emr, &Which::Pids(&pids)).await?,
    };
    let people: HashMap<i64, Standing> = people
        .into_iter()
        .map(|one| (one.person.pid, one))
        .collect();
    let patient = only.as_ref().map(|only| only.person.uuid);
    let older = letters.last().filter(|_| more).map(|last| last.id);
    let dead = outbox::dead(db).await?;
    let page = StaffMail {
        frame: reply::frame(app, "Letters"),
        csrf: csrf::token(visitor.token),
        notice: asked.done,
        stopped: stopped(mail::post(emr, &app.config.notify).await?),
        tabs: tabs(asked.status, patient, dead),
        status: asked.status.map_or("", Status::word),
        patient: patient.map(|id| id.to_string()).unwrap_or_default(),
        may_search,
        search: match named {
            Some(_) => String::new(),
            None => asked.patient,
        },
        only: only.map(|only| (only.display(), address(asked.status, None, None))),
        several: several
            .into_iter()
            .map(|one| (one.name, address(None, Some(one.person.uuid), None)))
            .collect(),
        letters: letters
            .iter()
            .map(|letter| row(app, letter, people.get(&letter.pid.unwrap_or_default())))
            .collect(),
        newest: asked.before.map(|_| address(asked.status, patient, None)),
        older: older.map(|id| address(asked.status, patient, Some(id))),
    };
    Ok(reply::html(StatusCode::OK, page))
}

const fn stopped(post: Post) -> &'static str {
    match post {
        Post::Ready => "",
        Post::NoTransport => "No letter leaves: no mail server is set up (notify_transport).",
        Post::NoSender => "No letter leaves: there is no sender's address (notify_sender).",
    }
}

fn tabs(open: Option<Status>, patient: Option<Uuid>, dead: i64) -> Vec<Tab> {
    let all = Tab {
        name: "All",
        address: address(None, patient, None),
        open: open.is_none(),
        count: 0,
    };
    let states = STATES.iter().take(TABS).map(|(status, _, name)| Tab {
        name,
        address: address(Some(*status), patient, None),
        open: open == Some(*status),
        count: if *status == Status::Dead { dead } else { 0 },
    });
    std::iter::once(all).chain(states).collect()
}

/// The address of these letters.
fn address(status: Option<Status>, patient: Option<Uuid>, before: Option<i64>) -> String {
    let pairs = [
        status.map(|status| format!("status={}", status.word())),
        patient.map(|id| format!("patient={id}")),
        before.map(|id| format!("before={id}")),
    ];
    let pairs: Vec<String> = pairs.into_iter().flatten().collect();
    match pairs.is_empty() {
        true => PATH.to_owned(),
        false => format!("{PATH}?{}", pairs.join("&")),
    }
}

fn row(app: &App, letter: &Logged, about: Option<&Standing>) -> LetterRow {
    let wall = |seconds: i64| -> String {
        let text = datetime_text(app.emr.zone.wall(instant(seconds)));
        text.chars().take(16).collect()
    };
    let kind = KINDS.iter().find(|(kind, _)| Some(*kind) == letter.letter);
    let state = STATES.iter().find(|(status, ..)| *status == letter.status);
    let waits = letter.status == Status::Waiting;
    LetterRow {
        id: letter.id,
        kind: kind.map_or("Letter", |(_, words)| words),
        patient: about.map(Standing::display).unwrap_or_default(),
        patient_address: about
            .map(|about| address(None, Some(about.person.uuid), None))
            .unwrap_or_default(),
        to: mailbox::masked(&letter.address),
        state: state.map_or(("off", ""), |(_, class, word)| (class, word)),
        written: wall(letter.created),
        then: match (waits && letter.tries > 0, letter.finished) {
            (true, _) => wall(letter.not_before),
            (false, Some(at)) => wall(at),
            (false, None) => String::new(),
        },
        tries: letter.tries,
        answer: letter.answer.clone(),
        again: letter.status == Status::Dead,
        withdraw: waits,
    }
}

/// Does what was decided, with its ledger line; the word for what came of it.
async fn decide(context: &Context<'_>, colleague: &Colleague, form: &Form) -> Answer<&'static str> {
    let number = form.text("letter").parse::<i64>().unwrap_or_default();
    let decision = form.text("decision");
    let (action, done, not) = match decision.as_str() {
        "again" => ("letter.again", "again", "not-again"),
        "withdraw" => ("letter.withdraw", "withdraw", "not-withdraw"),
        _ => {
            let why = "decision: expected again or withdraw.";
            return Err(Refusal::invalid("decision", why).into());
        }
    };
    let now = context.seconds();
    let mut entry = context.entry(action, Outcome::Success);
    entry.actor = desk::actor(colleague);
    entry.patient = patient_of(context, number).await?;
    if let Some(id) = entry.patient {
        entry.resource = format!("Patient/{id}");
    }
    let again = decision == "again";
    let happened = context
        .emr
        .db
        .transaction(|tx| {
            let mut entry = entry.clone();
            Box::pin(async move {
                let letter = match again {
                    true => outbox::again(tx, number, now).await?,
                    false => outbox::withdraw(tx, number, now).await?,
                };
                if let Some(letter) = &letter {
                    let kind = letter.letter.map_or("", Letter::name);
                    kind.clone_into(&mut entry.reason);
                    ledger::record(tx, &entry).await?;
                }
                Ok(letter.is_some())
            })
        })
        .await?;
    Ok(if happened { done } else { not })
}

/// Whose account a letter is about.
async fn patient_of(context: &Context<'_>, number: i64) -> Answer<Option<Uuid>> {
    let filter = Filter {
        before: Some(number.saturating_add(1)),
        ..Filter::default()
    };
    let newest = outbox::log(&context.emr.db, &filter, 1)
        .await?
        .into_iter()
        .next();
    let pid = newest
        .filter(|letter| letter.id == number)
        .and_then(|letter| letter.pid);
    match pid {
        Some(pid) => {
            let about = standing::by_pid(context.emr, pid).await?;
            Ok(about.map(|about| about.person.uuid))
        }
        None => Ok(None),
    }
}
