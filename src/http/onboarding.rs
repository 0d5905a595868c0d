//! `/staff/onboarding`: every patient with the state of the account; letting in and inviting one, or many as a job.

pub mod csv;
pub mod fhir;
pub mod jobs;
mod many;
mod results;
mod rows;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::Context;
use crate::auth::accounts::Hand;
use crate::auth::accounts::access;
use crate::auth::accounts::access::Attestation;
use crate::auth::accounts::access::Step;
use crate::auth::csrf;
use crate::auth::desk;
use crate::auth::onboarding as invitations;
use crate::auth::session::Visitor;
use crate::domain::access::Right;
use crate::domain::accounts::State as Account;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::emr::onboarding;
use crate::emr::onboarding::Filter;
use crate::emr::onboarding::Place;
use crate::emr::standing;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::oauth::see_other;
use crate::http::pages::onboarding::Onboarding;
use crate::http::pages::onboarding::PinToRead;
use crate::http::pages::onboarding::Tab;
use crate::http::pages::plain::plain;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::mail;
use crate::store::jobs::Wish;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::outbox::Letter;

/// The page's address.
const HERE: &str = "/staff/onboarding";

/// Patients on a page.
const PAGE: u32 = 50;

/// The states a patient who was let in and never came is in (G04), by the word of the address.
pub(super) const NEVER_USED: (&str, [Account; 2]) = (
    "never-used",
    [Account::AuthorisedNoCredentials, Account::CredentialsIssued],
);

/// What was done to one patient, as the address says it, and the sentence on the page that follows: who, and where to.
const DONE: [(&str, &str); 3] = [
    ("enabled", "Access is enabled for {}."),
    ("invite", "An invitation is on its way to {} ({})."),
    (
        "reset",
        "{} has a login already: a letter to reset it is on its way ({}).",
    ),
];

/// What the address of the page asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The word of a state, of [`NEVER_USED`], or none.
    status: String,
    /// What was typed.
    text: String,
    place: Place,
}

impl Asked {
    pub(super) fn of(pairs: &[(String, String)]) -> Self {
        let text = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map_or("", |(_, value)| value.trim())
        };
        let status = text("status");
        let known = Account::ALL.iter().any(|state| state.code().0 == status);
        let place = match (text("after").parse(), text("before").parse()) {
            (Ok(pid), _) => Place::After(pid),
            (_, Ok(pid)) => Place::Before(pid),
            _ => Place::First,
        };
        Self {
            status: match known || status == NEVER_USED.0 {
                true => status.to_owned(),
                false => String::new(),
            },
            text: text("search").chars().take(200).collect(),
            place,
        }
    }

    pub(super) fn filter(&self) -> Filter {
        let of_word = |state: &Account| state.code().0 == self.status;
        let states = match self.status == NEVER_USED.0 {
            true => NEVER_USED.1.to_vec(),
            false => Account::ALL.into_iter().filter(of_word).collect(),
        };
        Filter {
            states,
            text: self.text.clone(),
        }
    }

    /// An address with the same filter.
    pub(super) fn address(&self, path: &str, more: &[(&str, String)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let own = [("status", &self.status), ("search", &self.text)];
        for (name, value) in own.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        for (name, value) in more {
            query.append_pair(name, value);
        }
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }

    /// The address of this very page.
    fn here(&self, more: &[(&str, String)]) -> String {
        let place = match self.place {
            Place::First => None,
            Place::After(pid) => Some(("after", pid.to_string())),
            Place::Before(pid) => Some(("before", pid.to_string())),
        };
        let all: Vec<(&str, String)> = place.into_iter().chain(more.iter().cloned()).collect();
        self.address(HERE, &all)
    }
}

/// `GET /staff/onboarding`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let asks = (HERE, Right::Portal);
        let (colleague, visitor) = door::desk(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let pairs = negotiate::pairs(query.as_deref());
        let notice = notice(&app, &pairs).await?;
        let list = list(&app, (&context, &colleague), visitor, &Asked::of(&pairs)).await?;
        Ok(reply::html(StatusCode::OK, Onboarding { notice, ..list }))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /staff/onboarding` with `do`: `enable`, `invite` or `both` and a patient after a colon; `selected` with
/// `patient`, `all`, or `start`, which makes a job.
pub async fn act(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, visitor) = forms::own_form(&app, &headers, body).await?;
        let asks = (HERE, Right::Portal);
        let (colleague, _) = door::desk(&app, &id, &headers, asks).await?;
        let base = app.config.fhir_base();
        let context = context(&app, &base, &id.0);
        let asked = Asked::of(&negotiate::pairs(query.as_deref()));
        let wanted = form.text("do");
        let who = (&context, &colleague);
        let done = match wanted.split_once(':') {
            Some((what, patient)) => one(&app, who, (what, patient, &form), &asked).await,
            None => many::asked(&app, who, (&wanted, &form, visitor), &asked).await,
        };
        match done {
            // The same page with what is wrong.
            Err(Failure::Refused(
                refusal @ (Refusal::Rules(_) | Refusal::Conflict(_) | Refusal::Invalid { .. }),
            )) => {
                let list = list(&app, who, visitor, &asked).await?;
                let error = reply::sentence(&refusal);
                let page = Onboarding { error, ..list };
                Ok(reply::html(reply::status(&refusal), page))
            }
            done => Ok(done?),
        }
    }
    .await;
    door::shown(&app, &id, done)
}

/// Lets one patient in, invites them, or both.
async fn one(
    app: &App,
    (context, colleague): (&Context<'_>, &Colleague),
    (what, patient, form): (&str, &str, &Form),
    asked: &Asked,
) -> Answer<Response> {
    let gone = || Refusal::invalid("patient", "There is no such patient any more.");
    let id = patient.parse().map_err(|_| gone())?;
    let found = standing::by_id(&app.emr, id).await?.ok_or_else(gone)?;
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let hand = Hand::at_desk(colleague);
    let wish = Wish {
        enable: what != "invite",
        attested: form.all("attested").iter().any(|one| one == patient),
    };
    let who = (&hand, post);
    let done = match what {
        "enable" => {
            let said = match wish.attested {
                true => Attestation::Given,
                false => Attestation::Missing,
            };
            access::take(context, &hand, (&found, post), &Step::Enable(said)).await?;
            "enabled"
        }
        "invite" | "both" => {
            let sent = invitations::invite(context, who, &found, wish).await?;
            app.onboarding.forget().await;
            let word = match sent.letter {
                Letter::Reset => "reset",
                _ => "invite",
            };
            if let Some(pin) = sent.pin {
                // It is in no address and no table: this answer is the only place.
                let page = PinToRead {
                    frame: reply::frame(app, "Read this PIN out"),
                    name: plain(&found.display(), 80),
                    email: rows::masked(found.address()),
                    pin,
                    back: asked.here(&[]),
                };
                return Ok(reply::html(StatusCode::OK, page));
            }
            word
        }
        _ => {
            let why = "do: expected enable, invite or both.";
            return Err(Refusal::invalid("do", why).into());
        }
    };
    app.onboarding.forget().await;
    // A reload shows the page again and sends nothing again.
    let told = [("done", done.to_owned()), ("who", patient.to_owned())];
    Ok(see_other(&asked.here(&told)))
}

/// What was just done, in a sentence; empty where nothing was.
async fn notice(app: &App, pairs: &[(String, String)]) -> Answer<String> {
    let text = |name: &str| pairs.iter().find(|(known, _)| known == name);
    let sentence = text("done").and_then(|(_, word)| DONE.iter().find(|(known, _)| known == word));
    let id = text("who").and_then(|(_, id)| id.parse().ok());
    let (Some((_, sentence)), Some(id)) = (sentence, id) else {
        return Ok(String::new());
    };
    let Some(found) = standing::by_id(&app.emr, id).await? else {
        return Ok(String::new());
    };
    let name = plain(&found.display(), 80);
    let filled = sentence.replacen("{}", &name, 1);
    Ok(filled.replacen("{}", &rows::masked(found.address()), 1))
}

/// The page as it is for a filter. Looking is told in the ledger; what was typed is not.
async fn list(
    app: &App,
    (context, colleague): (&Context<'_>, &Colleague),
    visitor: Visitor<'_>,
    asked: &Asked,
) -> Answer<Onboarding> {
    let mut entry = context.entry("patient.search", Outcome::Success);
    entry.actor = desk::actor(colleague);
    "Patient".clone_into(&mut entry.resource);
    app.reads.note(entry).await;
    let snapshot = app.onboarding.get(&app.emr).await?;
    let filter = asked.filter();
    let mut found = onboarding::page(&app.emr, &snapshot, &filter, (asked.place, PAGE)).await?;
    let mut asked = asked.clone();
    if found.rows.is_empty() && asked.place != Place::First {
        // Whoever was there is elsewhere now: an empty page has no way back.
        asked.place = Place::First;
        found = onboarding::page(&app.emr, &snapshot, &filter, (asked.place, PAGE)).await?;
    }
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let pids: Vec<i64> = found.rows.iter().map(|row| row.person.pid).collect();
    let letters = match pids.is_empty() {
        true => std::collections::HashMap::new(),
        false => onboarding::last_letters(&app.emr, &pids).await?,
    };
    let mut rows = Vec::with_capacity(found.rows.len());
    for standing in &found.rows {
        let letter = letters.get(&standing.person.pid);
        rows.push(rows::row(app, context, (standing, letter), post).await?);
    }
    let practice = app.emr.practice().await?;
    let fits =
        |states: &[Account]| -> usize { states.iter().map(|state| snapshot.count(*state)).sum() };
    let tab = |title: &'static str, word: &'static str, count: usize| Tab {
        title,
        address: Asked {
            status: word.to_owned(),
            text: asked.text.clone(),
            place: Place::First,
        }
        .address(HERE, &[]),
        count,
        current: asked.status == word,
    };
    let mut tabs = vec![
        tab("All", "", snapshot.total()),
        tab(
            "Not enabled",
            "not-authorised",
            fits(&[Account::NotAuthorised]),
        ),
        tab("Enabled, never used", NEVER_USED.0, fits(&NEVER_USED.1)),
        tab("Active", "active", fits(&[Account::Active])),
        tab("Switched off", "disabled", fits(&[Account::Disabled])),
        tab(
            "Self-registered",
            "pending-verification",
            fits(&[Account::PendingVerification]),
        ),
    ];
    tabs.retain(|tab| tab.count > 0 || tab.current || tab.title == "All");
    let total = match filter.states.is_empty() {
        true => snapshot.total(),
        false => fits(&filter.states),
    };
    Ok(Onboarding {
        frame: reply::frame(app, "Onboarding"),
        csrf: csrf::token(visitor.token),
        action: asked.here(&[]),
        notice: String::new(),
        error: String::new(),
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        post: rows::post(post),
        one_by_one: invitations::many(context)
            .err()
            .map(|no| reply::sentence(&no)),
        tabs,
        status: asked.status.clone(),
        search: asked.text.clone(),
        total: asked.text.is_empty().then_some(total),
        before: found
            .before
            .map(|pid| asked.address(HERE, &[("before", pid.to_string())])),
        after: found
            .after
            .map(|pid| asked.address(HERE, &[("after", pid.to_string())])),
        csv: asked.address("/staff/onboarding.csv", &[]),
        jobs: jobs::newest(app).await?,
        rows,
    })
}

/// How many patients were let in and never came, for the desk (G04).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn never_used(app: &App) -> Answer<usize> {
    let snapshot = app.onboarding.get(&app.emr).await?;
    Ok(NEVER_USED
        .1
        .iter()
        .map(|state| snapshot.count(*state))
        .sum())
}

/// That whoever looked at a patient's line, or many, is told in the ledger.
async fn told(context: &Context<'_>, colleague: &Colleague, action: &'static str) -> Answer<()> {
    let mut entry = context.entry(action, Outcome::Success);
    entry.actor = desk::actor(colleague);
    "Patient".clone_into(&mut entry.resource);
    ledger::record_all(&context.emr.db, &[entry]).await
}
