//! The chart of somebody who registered, with everything beside it, in one transaction: the insurance, the notes to the
//! provider, the review for staff.

use serde_json::Value as Json;
use serde_json::json;
use sqlx::FromRow;
use uuid::Uuid;

use super::Provider;
use super::deciding::welcome;
use super::same;
use super::today;
use crate::config::accounts::Approval;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::coverage::Policy;
use crate::domain::coverage::Rank;
use crate::domain::coverage::Relationship;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::tasks::Asked;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::chart;
use crate::emr::insurance;
use crate::emr::insurers;
use crate::emr::insurers::Said;
use crate::emr::tracking;
use crate::emr::uuids;
use crate::portal::chart::Part;
use crate::portal::chart::Writer;
use crate::portal::registration::draft::Draft;
use crate::portal::registration::draft::FIELDS;
use crate::store::accounts;
use crate::store::accounts::Mark;
use crate::store::registrations;
use crate::store::registrations::Registration;
use crate::store::registrations::Settled;
use crate::store::registrations::Status;
use crate::store::reviews;
use crate::store::reviews::NewReview;
use crate::store::reviews::Review;

/// How notes about somebody new are headed (OpenEMR facts 2.5, 6), and one about a wish for a visit (F115).
const NEW: &str = "New Patient";
const WISH: &str = "New Appointment";

/// How long it is known where a chart came from: as long as staff may take to look at it.
const KEPT: i64 = 366 * 86_400;

/// How long somebody waits whom the practice seems to know.
const WAITING: i64 = 30 * 86_400;

const CHART: &str =
    "SELECT CAST(p.providerID AS CHAR) AS provider FROM patient_data p WHERE p.pid = ?";

#[derive(FromRow)]
struct Chart {
    provider: Option<String>,
}

/// What a chart is made of, looked up before its transaction.
#[derive(Clone, Debug)]
pub struct Prepared {
    draft: Draft,
    cells: Vec<(&'static str, String)>,
    provider: Option<Provider>,
    insurer: Option<(i64, Uuid, String)>,
}

/// Who lets somebody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// As the practice's setting says.
    By(Approval),
    /// A member of staff, who looked at it and at the chart it is like.
    AtDesk(Uuid),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// There is a chart.
    Chart(Person),
    /// The practice seems to know the person: the chart that is like it.
    Known(i64),
    /// Somebody else sent the same in at this moment.
    Beaten,
}

/// Looks up what the chart will be made of.
///
/// # Errors
/// As [`crate::db::Db::all`]; `Unprocessable` where OpenEMR cannot hold what was typed.
pub async fn prepare(emr: &Emr, draft: &Draft) -> Answer<Prepared> {
    let practice = emr.practice().await?;
    let providers = super::providers(emr).await?;
    let chosen = |one: &Provider| one.id.to_string() == draft.get("provider");
    let provider = providers.into_iter().find(chosen);
    let insurer = match draft.get("insurer").parse() {
        Ok(id) => insurers::said(emr, Said::Id(id)).await?,
        Err(_) => None,
    };
    // A list without the language leaves it out: the chart is worth more than a word of it.
    let language = chart::option(&practice.lists, Part::Language, draft.get("language"));
    let options: Vec<(Part, String)> = language
        .map(|id| (Part::Language, id))
        .into_iter()
        .collect();
    let street = [draft.get("street"), draft.get("street_line_2")].join("\n");
    let parts = [
        (Part::First, draft.get("first_name")),
        (Part::Middle, draft.get("middle_name")),
        (Part::Family, draft.get("last_name")),
        (Part::BirthDate, draft.get("birth_date")),
        (Part::Gender, draft.get("sex")),
        (Part::Street, street.trim()),
        (Part::City, draft.get("city")),
        (Part::State, draft.get("state")),
        (Part::PostalCode, draft.get("postal_code")),
        (Part::HomePhone, draft.get("phone_home")),
        (Part::MobilePhone, draft.get("phone_cell")),
        (Part::Email, draft.get("email")),
        (Part::ContactName, draft.get("contact_name")),
        (Part::ContactPhone, draft.get("contact_phone")),
    ];
    let mut cells = Vec::new();
    for (part, text) in parts {
        cells.extend(chart::written(emr, (part, text), &options)?);
    }
    if !options.is_empty() {
        cells.extend(chart::written(emr, (Part::Language, ""), &options)?);
    }
    cells.push(("hipaa_allowemail", "YES".to_owned()));
    if emr.layout.has("patient_data", "email_direct") {
        cells.push(("email_direct", chart::stored(draft.get("email"))));
    }
    if let Some(provider) = &provider {
        cells.push(("providerID", provider.row.to_string()));
    }
    Ok(Prepared {
        draft: draft.clone(),
        cells,
        provider,
        insurer: insurer.map(|insurer| (insurer.row, insurer.uuid, insurer.name)),
    })
}

/// Opens the chart, once: the link is spent before and the ledger told after, in the same transaction, by the caller.
///
/// # Errors
/// As [`Tx::run`].
pub async fn open(
    emr: &Emr,
    tx: &mut Tx,
    (registration, prepared): (&Registration, &Prepared),
    decided: Decided,
) -> Answer<Opened> {
    let now = emr.now().unix_timestamp();
    // Whoever registers at the same moment waits here, and then sees the other's chart.
    chart::hold(tx).await?;
    if let Decided::By(_) = decided
        && let Some(pid) = same(emr, tx, &prepared.draft).await?
    {
        return like(emr, tx, (registration, pid)).await;
    }
    let waits = matches!(
        decided,
        Decided::By(Approval::Staff) | Decided::By(Approval::Both)
    );
    let mut cells = prepared.cells.clone();
    cells.push((
        "allow_patient_portal",
        if waits { "NO" } else { "YES" }.to_owned(),
    ));
    let uuid = uuids::fresh();
    // The patient writes it, and is no user of OpenEMR.
    let pid = chart::open(emr, tx, (uuid, cells), &Writer::Patient).await?;
    let person = Person { pid, uuid };
    let settled = Settled {
        from: registration.status,
        to: Status::Submitted,
        pid: Some(pid),
        fields: json!({}),
        at: now,
        expires: now + KEPT,
    };
    if !registrations::settle(tx, registration.id, &settled).await? {
        return Err(Refusal::Conflict("This was sent in already.".to_owned()).into());
    }
    if let (Some(policy), Some((row, ..))) = (policy(emr, prepared), &prepared.insurer) {
        let target = (person, uuids::fresh(), None);
        insurance::write(emr, tx, target, (&policy, Some(*row))).await?;
    }
    if waits {
        accounts::remember(tx, pid, &Mark::Registered(Some(now))).await?;
    }
    tell(emr, tx, (pid, prepared), waiting_words(waits)).await?;
    let review = review(emr, (person, prepared), waits);
    reviews::insert(tx, &review).await?;
    if let Decided::AtDesk(by) = decided {
        let decision = reviews::Decision {
            status: "completed",
            reason: String::new(),
            refused: Vec::new(),
            by: Some(by),
            at: emr.now(),
        };
        reviews::decide(tx, reviews::Which::One(review.id), &decision).await?;
    }
    if !waits {
        welcome(emr, tx, registration, person).await?;
    }
    Ok(Opened::Chart(person))
}

const fn waiting_words(waits: bool) -> &'static str {
    match waits {
        true => "The patient waits to be let in: see Registrations at the portal's staff desk.",
        false => "The patient confirmed the e-mail address and is let in.",
    }
}

/// No second chart: staff are told at the first one, and look at both.
async fn like(emr: &Emr, tx: &mut Tx, (registration, pid): (&Registration, i64)) -> Answer<Opened> {
    let now = emr.now().unix_timestamp();
    let settled = Settled {
        from: registration.status,
        to: Status::Duplicate,
        pid: Some(pid),
        fields: registration.fields.clone(),
        at: now,
        expires: now + WAITING,
    };
    if !registrations::settle(tx, registration.id, &settled).await? {
        return Ok(Opened::Beaten);
    }
    let chart: Option<Chart> = tx.one(Sql::new(CHART).bind(pid)).await?;
    let provider = chart.and_then(|chart| chart.provider);
    let text = "Somebody registered in the portal whose name and birth date are like this patient's. No chart was opened: \
        see Registrations at the portal's staff desk.";
    tracking::headed(emr, tx, NEW, (pid, provider.as_deref(), text)).await?;
    Ok(Opened::Known(pid))
}

/// The notes to the provider: that somebody is new, and what was said beside it.
async fn tell(
    emr: &Emr,
    tx: &mut Tx,
    (pid, prepared): (i64, &Prepared),
    words: &str,
) -> Answer<()> {
    let key = prepared
        .provider
        .as_ref()
        .map(|provider| provider.row.to_string());
    let draft = &prepared.draft;
    let mut text = format!("A new patient registered in the portal. {words}");
    if draft.insured() && prepared.insurer.is_none() {
        let said = |name: &str| draft.get(name).to_owned();
        text.push_str(&format!(
            " The insurance company is not in the list, please enter it: {}, policy number {}, group number {}.",
            said("insurer_name"),
            said("policy_number"),
            said("group_number")
        ));
    }
    let text = tracking::one_line(&text);
    tracking::headed(emr, tx, NEW, (pid, key.as_deref(), &text)).await?;
    let wish = tracking::one_line(draft.get("wish"));
    if wish.is_empty() {
        return Ok(());
    }
    let text = format!("A new patient wishes for a first appointment: {wish}");
    tracking::headed(emr, tx, WISH, (pid, key.as_deref(), &text)).await
}

/// The insurance that was typed, where its company is in the list; it counts from today.
fn policy(emr: &Emr, prepared: &Prepared) -> Option<Policy> {
    let draft = &prepared.draft;
    let (_, id, name) = prepared.insurer.clone()?;
    let relationship = draft.relationship()?;
    let subscriber = match relationship {
        Relationship::Own => [String::new(), String::new()],
        _ => ["subscriber_first", "subscriber_last"].map(|name| draft.get(name).to_owned()),
    };
    Some(Policy {
        rank: Rank::Primary,
        payor: (Some(id), name),
        plan: draft.get("plan").to_owned(),
        group: draft.get("group_number").to_owned(),
        number: draft.get("policy_number").to_owned(),
        relationship,
        subscriber,
        start: Some(today(emr)),
        end: None,
    })
}

fn review(emr: &Emr, (person, prepared): (Person, &Prepared), waits: bool) -> NewReview {
    let mut fields: Json = json!({});
    for (name, text) in prepared.draft.pairs() {
        fields[name] = json!(text);
    }
    if let Some((.., name)) = &prepared.insurer {
        fields["insurer"] = json!(name);
    }
    if let Some(provider) = &prepared.provider {
        fields["provider"] = json!(provider.name);
    }
    NewReview {
        id: uuids::fresh(),
        kind: Work::Registration.code().0,
        person,
        resource: format!("Patient/{}", person.uuid),
        asked: fields.to_string(),
        known: json!({ "waits": waits }).to_string(),
        client_id: String::new(),
        created: reviews::millis(emr.now()),
        activity: None,
    }
}

/// What somebody typed who registered, for staff to read.
pub(in crate::emr) fn asked(review: &Review) -> Vec<Asked> {
    let json: Json = serde_json::from_str(&review.asked).unwrap_or_default();
    let all = FIELDS.iter().map(|field| Asked {
        element: field.label.to_owned(),
        before: String::new(),
        after: json[field.name].as_str().unwrap_or_default().to_owned(),
    });
    all.filter(|one| !one.after.is_empty()).collect()
}

/// What a review of a registration says first (F118).
pub(in crate::emr) fn description(review: &Review) -> String {
    match waits(review) {
        true => "New patient portal user: registered, and waits to be let in.".to_owned(),
        false => "New patient portal user: registered, and let in by the confirmed e-mail address."
            .to_owned(),
    }
}

pub(super) fn waits(review: &Review) -> bool {
    let json: Json = serde_json::from_str(&review.known).unwrap_or_default();
    json["waits"].as_bool().unwrap_or(true)
}
