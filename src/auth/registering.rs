//! People who register themselves (portal rules A.4): from the name and the address that are typed by nobody in
//! particular, over the link in a letter, to a chart and a first login. Whether the practice knows somebody is told to
//! nobody but the one whose mailbox it has on file (`spec/security.md`, case 87).
//!
//! Apps register in [`crate::auth::registration`].

pub mod beginning;
pub mod choosing;
pub mod deciding;

use serde_json::Value as Json;
use serde_json::json;
use time::Duration;
use uuid::Uuid;

use crate::auth::Context;
use crate::config::accounts::Approval;
use crate::crypto;
use crate::db::Tx;
use crate::domain::accounts::Post;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::emr::registering;
use crate::emr::registering::opening;
use crate::emr::registering::opening::Decided;
use crate::emr::registering::opening::Opened;
use crate::emr::registering::opening::Prepared;
use crate::emr::standing;
use crate::portal::registration;
use crate::portal::registration::RegistrationCase;
use crate::portal::registration::draft::Draft;
use crate::portal::registration::draft::Step;
use crate::portal::rules;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::links;
use crate::store::links::Condition;
use crate::store::links::Purpose;
use crate::store::registrations;
use crate::store::registrations::Registration;
use crate::store::registrations::Status;

/// How long the link in the letter opens the wizard (G11).
pub const LINK: Duration = Duration::hours(1);

/// How long the browser that began may go on with it.
pub const DRAFT: Duration = Duration::hours(24);

/// How long after sending it in the same browser may choose the login; then the letter has to be opened.
const CHOICE: Duration = Duration::hours(1);

/// A registration before one browser.
#[derive(Clone, Debug, PartialEq)]
pub struct Registering {
    /// As it stands.
    pub registration: Registration,
    /// What was typed, as far as this browser may see it.
    pub draft: Draft,
    /// Whether this browser began it.
    pub mine: bool,
}

/// What the browser that sent one in sees next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Choose a login for this chart.
    Choose(i64),
    /// A letter with the link to choose a login is on its way.
    Letter,
    /// The practice looks at it.
    Waits,
    /// The practice has to be called.
    Call,
    /// There is a login.
    Ready,
}

/// Everything the rules look at, for a draft.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn case(context: &Context<'_>, post: Post, draft: Draft) -> Answer<RegistrationCase> {
    let emr = context.emr;
    let practice = emr.practice().await?;
    let own = practice.globals.on("portal_onsite_two_register");
    let providers = registering::providers(emr).await?;
    let insurers = registering::insurance_companies(emr).await?;
    Ok(RegistrationCase {
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        offered: context.config.accounts.self_register.is_on(own),
        post,
        draft,
        today: registering::today(emr),
        requires: standing::requires(emr, &context.config.accounts.requires),
        providers: providers.iter().map(|one| one.id.to_string()).collect(),
        insurers: insurers.iter().map(|(id, _)| id.to_string()).collect(),
        known: false,
    })
}

/// Why registering is not offered; empty where it is (F048, F106).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn missing(context: &Context<'_>, post: Post) -> Answer<Vec<Reason>> {
    let practice = context.emr.practice().await?;
    let own = practice.globals.on("portal_onsite_two_register");
    let case = RegistrationCase {
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        offered: context.config.accounts.self_register.is_on(own),
        post,
        draft: Draft::default(),
        today: registering::today(context.emr),
        requires: Vec::new(),
        providers: Vec::new(),
        insurers: Vec::new(),
        known: false,
    };
    Ok(rules::broken(registration::OFFER, &case))
}

/// The registration a link opens in a browser, by the link's token and the browser's cookie. Looking changes nothing:
/// the link may be opened again until it was sent in, and a scanner spoils nothing (case 94). What was typed is shown
/// to the browser that typed it alone.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn find(
    context: &Context<'_>,
    token: &str,
    browser: Option<&str>,
) -> Answer<Option<Registering>> {
    let db = &context.emr.db;
    let now = context.seconds();
    let link = links::find(db, &crypto::fingerprint(token), now).await?;
    let Some(link) = link.filter(|link| link.purpose == Purpose::Register) else {
        return Ok(None);
    };
    let Some(registration) = registrations::find(db, link.id).await? else {
        return Ok(None);
    };
    let mine = browser.is_some_and(|browser| {
        registration.browser.as_deref() == Some(crypto::fingerprint(browser).as_str())
    });
    let opens = match registration.status {
        Status::Started => {
            let fresh = now < link.created + LINK.whole_seconds();
            link.condition == Condition::Good && (mine || fresh)
        }
        Status::Submitted | Status::Duplicate => mine,
        Status::Dismissed => false,
    };
    if !opens || registration.expires <= now {
        return Ok(None);
    }
    let all = draft(&registration.fields);
    Ok(Some(Registering {
        draft: match mine {
            true => all,
            false => all.person(),
        },
        registration,
        mine,
    }))
}

/// Keeps what was typed on a page, for this browser from now on; what is wrong with it.
///
/// # Errors
/// `Expired` where it was sent in meanwhile.
pub async fn keep(
    context: &Context<'_>,
    (registering, browser): (&Registering, &str),
    (step, typed): (Step, &Draft),
    post: Post,
) -> Answer<(Draft, Vec<Reason>)> {
    let draft = registering.draft.with(step, typed);
    let case = case(context, post, draft.clone()).await?;
    let wrong = registration::wrong(&case, step);
    // What does not fit is shown again, and not kept.
    if wrong.iter().all(|one| one.id != "register.length") {
        let db = &context.emr.db;
        let (id, browser) = (registering.registration.id, crypto::fingerprint(browser));
        if !registrations::keep(db, id, &browser, &fields(&draft)).await? {
            return Err(Refusal::Expired(SENT_IN).into());
        }
    }
    Ok((draft, wrong))
}

/// What somebody reads whose form was overtaken.
const SENT_IN: &str = "This registration was sent in already, or its time is over.";

/// What a transaction of sending in looks at.
struct Sending<'a> {
    context: &'a Context<'a>,
    registration: &'a Registration,
    prepared: Prepared,
}

/// Sends a registration in, once, from the browser that began it; the first page that lacks something, where one does.
///
/// # Errors
/// `Rules` where registering was switched off meanwhile; `Expired` from another browser.
pub async fn submit(
    context: &Context<'_>,
    registering: &Registering,
    post: Post,
) -> Answer<Option<Step>> {
    if !registering.mine {
        return Err(Refusal::Expired(SENT_IN).into());
    }
    if registering.registration.status != Status::Started {
        return Ok(None);
    }
    let missing = missing(context, post).await?;
    if !missing.is_empty() {
        return Err(Refusal::Rules(missing).into());
    }
    let case = case(context, post, registering.draft.clone()).await?;
    if let Some(step) = registration::unfinished(&case) {
        return Ok(Some(step));
    }
    let sending = Sending {
        context,
        registration: &registering.registration,
        prepared: opening::prepare(context.emr, &registering.draft).await?,
    };
    let db = &context.emr.db;
    // Of those who send the same in at once, one goes on; the others see what it made.
    if links::guess(db, registering.registration.id, context.seconds()).await? {
        let sent = db
            .transaction_about(&sending, |sending, tx| Box::pin(send(sending, tx)))
            .await;
        if let Err(failure) = sent {
            links::give_back(db, registering.registration.id).await?;
            return Err(failure);
        }
    }
    Ok(None)
}

async fn send(sending: &Sending<'_>, tx: &mut Tx) -> Answer<()> {
    let (context, registration) = (sending.context, sending.registration);
    if !links::spend(tx, registration.id, context.seconds()).await? {
        return Ok(());
    }
    let about = (registration, &sending.prepared);
    let decided = Decided::By(context.config.accounts.approval);
    let opened = opening::open(context.emr, tx, about, decided).await?;
    let mut entry = entry(context, "register.submit", registration.id);
    match opened {
        Opened::Chart(person) => {
            entry.resource = format!("Patient/{}", person.uuid);
            entry.patient = Some(person.uuid);
        }
        Opened::Known(_) => {
            entry.outcome = Outcome::Refused;
            "register.known".clone_into(&mut entry.reason);
        }
        Opened::Beaten => return Ok(()),
    }
    ledger::record(tx, &entry).await
}

/// What the browser that sent it in sees next. Where staff look at every registration, one that seems to be of a known
/// patient looks like any other.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn after(context: &Context<'_>, registration: &Registration) -> Answer<After> {
    let approval = context.config.accounts.approval;
    let pid = match (registration.status, registration.pid) {
        (Status::Submitted, Some(pid)) => pid,
        _ if approval == Approval::Email => return Ok(After::Call),
        _ => return Ok(After::Waits),
    };
    let chart = standing::by_pid(context.emr, pid).await?;
    let Some(chart) = chart.filter(|chart| chart.allowed) else {
        return Ok(After::Waits);
    };
    if chart.remembered.registered.is_some() {
        return Ok(After::Waits);
    }
    let until = registration.submitted.unwrap_or_default() + CHOICE.whole_seconds();
    Ok(match chart.credentials {
        Some(_) => After::Ready,
        // Whoever was let in by staff has a letter to open: that is how the address is confirmed once more.
        None if approval == Approval::Email && context.seconds() < until => After::Choose(pid),
        None => After::Letter,
    })
}

/// A draft as the table keeps it.
fn fields(draft: &Draft) -> Json {
    let mut fields = json!({});
    for (name, text) in draft.pairs() {
        fields[name] = json!(text);
    }
    fields
}

/// What the table keeps, as a draft.
fn draft(fields: &Json) -> Draft {
    let pairs = fields.as_object().into_iter().flatten();
    let texts = pairs.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    Draft::of(texts)
}

/// A line of the ledger about somebody nobody knows yet.
fn entry(context: &Context<'_>, action: &'static str, id: Uuid) -> Entry {
    let mut entry = context.entry(action, Outcome::Success);
    entry.actor = format!("registration {id}");
    entry
}
