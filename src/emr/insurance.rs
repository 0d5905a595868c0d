//! Insurances written: by staff at once, by patients as a review that staff decide.

mod kept;
mod subscriber;

use sqlx::FromRow;
use time::Date;
use uuid::Uuid;

use crate::config::Choice;
use crate::db::Tx;
use crate::db::error;
use crate::db::sql::Sql;
use crate::db::sql::Value;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::coverage::Policy;
use crate::domain::coverage::Relationship;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::chart;
use crate::emr::chart::stored;
use crate::emr::coverages;
use crate::emr::insurers;
use crate::emr::insurers::Said;
use crate::emr::people::tidy;
use crate::emr::persons;
use crate::emr::uuids;
use crate::emr::wall;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::chart::Writer;
use crate::portal::insurance::InsuranceAsk;
use crate::portal::insurance::InsuranceCase;
use crate::portal::insurance::InsuranceChange;
use crate::store::reviews;
use crate::store::reviews::Decision;
use crate::store::reviews::Which;

pub(super) use kept::accept;
pub(super) use kept::asked;
pub(super) use kept::merged;
pub(super) use kept::of_existing;

/// The unique key (pid, type, date) finds it.
const TAKEN: &str = "SELECT uuid FROM insurance_data WHERE pid = ? AND type = ? AND date = ?";

const HELD: &str = "SELECT type AS rank_word, provider, plan_name, policy_number, group_number, \
    subscriber_relationship, subscriber_fname, subscriber_lname, CAST(d.date AS CHAR) AS begun, \
    (SELECT MIN(c.uuid) FROM insurance_companies c WHERE CAST(c.id AS CHAR) = TRIM(d.provider)) AS insurer, \
    (SELECT MIN(CAST(n.date AS CHAR)) FROM insurance_data n WHERE n.pid = d.pid AND n.type = d.type \
     AND CAST(n.date AS CHAR) > COALESCE(CAST(d.date AS CHAR), '')) AS followed";
const HELD_END: &str = ", CAST(d.date_end AS CHAR) AS ended";
const NO_END: &str = ", NULL AS ended";
const OF_ONE: &str = " FROM insurance_data d WHERE d.uuid = ? AND d.pid = ?";

/// OpenEMR's billing wants the subscriber's own data in the row: of a patient who is insured on their own account those
/// of the chart, of somebody else the name.
const INSERT: &str = "INSERT INTO insurance_data (uuid, pid, type, provider, plan_name, policy_number, group_number, \
    subscriber_relationship, date, accept_assignment, policy_type, subscriber_fname, subscriber_mname, \
    subscriber_lname, subscriber_ss, subscriber_DOB, subscriber_sex, subscriber_street, subscriber_city, \
    subscriber_state, subscriber_postal_code, subscriber_country, subscriber_phone, copay, subscriber_employer) ";
const OWN: &str = "SELECT ?, p.pid, ?, ?, ?, ?, ?, ?, ?, 'TRUE', '', p.fname, p.mname, p.lname, '', p.DOB, p.sex, \
    p.street, p.city, p.state, p.postal_code, p.country_code, p.phone_home, '', '' FROM patient_data p \
    WHERE p.pid = ? AND p.uuid = ?";
const OTHERS: &str = "SELECT ?, p.pid, ?, ?, ?, ?, ?, ?, ?, 'TRUE', '', ?, '', ?, '', NULL, '', '', '', '', '', '', '', \
    '', '' FROM patient_data p \
    WHERE p.pid = ? AND p.uuid = ?";

const ENDED: &str = "UPDATE insurance_data SET date_end = ? WHERE uuid = ? AND pid = ?";

const UPDATE: &str = "UPDATE insurance_data SET type = ?, provider = ?, plan_name = ?, policy_number = ?, \
    group_number = ?, subscriber_relationship = ?, date = ?";
const WHERE: &str = " WHERE uuid = ? AND pid = ?";

/// Letters a column holds at most.
const MOST: usize = 255;

#[derive(FromRow)]
struct Taken {
    uuid: Option<Vec<u8>>,
}

#[derive(FromRow)]
struct Held {
    rank_word: Option<String>,
    provider: Option<String>,
    plan_name: Option<String>,
    policy_number: Option<String>,
    group_number: Option<String>,
    subscriber_relationship: Option<String>,
    subscriber_fname: Option<String>,
    subscriber_lname: Option<String>,
    begun: Option<String>,
    insurer: Option<Vec<u8>>,
    followed: Option<String>,
    ended: Option<String>,
}

/// Gathers what the rules must know.
///
/// # Errors
/// `Unprocessable` where there is no such patient for this caller, and at an element that is too long.
pub(super) async fn case(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    (ask, choice): (InsuranceAsk, Choice),
) -> Answer<Case> {
    let person = persons::by_uuid(emr, ask.patient).await?;
    let person = person.filter(|person| reach.within(*person).is_some());
    let person = person.ok_or_else(|| {
        let why = "there is no such patient for this token";
        Refusal::invalid("Coverage.beneficiary", why).understood()
    })?;
    fits(&ask.policy)?;
    let (id, name) = &ask.policy.payor;
    let insurer = insurers::said(
        emr,
        match id {
            Some(id) => Said::Id(*id),
            None => Said::Name(name),
        },
    )
    .await?;
    let taken = taken(emr, person, (ask.id, &ask.policy)).await?;
    let practice = emr.practice().await?;
    Ok(Case::Insurance(InsuranceCase {
        person,
        insurer: insurer.map(|insurer| insurer.row),
        taken,
        ends: emr.layout.has("insurance_data", "date_end"),
        writer: chart::writer(grant),
        client_id: grant.client_id().to_owned(),
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        choice,
        ask,
    }))
}

/// Whether another insurance of that rank begins on that day.
async fn taken(emr: &Emr, person: Person, (id, policy): (Uuid, &Policy)) -> Answer<bool> {
    let Some(start) = policy.start else {
        return Ok(false);
    };
    let sql = Sql::new(TAKEN)
        .bind(person.pid)
        .bind(policy.rank.word())
        .bind(start);
    let row: Option<Taken> = emr.db.one(sql).await?;
    Ok(row.is_some_and(|row| uuids::known(row.uuid.as_deref()) != Some(id)))
}

fn fits(policy: &Policy) -> Result<(), Refusal> {
    let [first, last] = &policy.subscriber;
    let texts = [
        ("Coverage.subscriberId", &policy.number),
        (
            "Coverage.class.where(type.coding.code='plan').value",
            &policy.plan,
        ),
        (
            "Coverage.class.where(type.coding.code='group').value",
            &policy.group,
        ),
        ("Coverage.subscriber.display", first),
        ("Coverage.subscriber.display", last),
    ];
    match texts
        .iter()
        .find(|(_, text)| stored(text).chars().count() > MOST)
    {
        Some((element, _)) => {
            let why = format!("OpenEMR holds at most {MOST} letters here");
            Err(Refusal::invalid(*element, why).understood())
        }
        None => Ok(()),
    }
}

/// Writes an insurance, or a patient's wish for one.
///
/// # Errors
/// `Conflict` where it says something else by now, another of its rank begins on that day, or the chart is gone.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, change: &InsuranceChange) -> Answer<Written> {
    let ask = &change.ask;
    if !change.waits {
        let policy = (&ask.policy, Some(change.insurer));
        let target = (
            change.person,
            ask.id,
            ask.before.as_ref().map(|one| &one.policy),
        );
        write(emr, tx, target, policy).await?;
        if change.writer == Writer::Patient {
            let review = kept::new(emr, change);
            reviews::insert(tx, &review).await?;
            let which = Which::One(review.id);
            reviews::decide(tx, which, &Decision::at_once(emr.now())).await?;
        }
        return Ok(Written::Record(ask.id));
    }
    let review = kept::new(emr, change);
    reviews::insert(tx, &review).await?;
    Ok(Written::Review(review.id))
}

/// Writes a new insurance, or over one that is as it was before; without an insurer it keeps the one it has.
///
/// # Errors
/// As [`apply`].
pub(super) async fn write(
    emr: &Emr,
    tx: &mut Tx,
    (person, id, before): (Person, Uuid, Option<&Policy>),
    (policy, insurer): (&Policy, Option<i64>),
) -> Answer<()> {
    if !persons::hold(tx, person).await? {
        return Err(gone());
    }
    let lock = tx.lock_clause();
    let insurer = insurer.map(|insurer| insurer.to_string());
    let done = match before {
        None => {
            let insurer = insurer.unwrap_or_default();
            match tx.run(insert((person, id), (policy, insurer))).await {
                Ok(1) => uuids::register(tx, id, ("insurance_data", "id"), 0).await,
                Ok(_) => return Err(gone()),
                Err(failure) => Err(failure),
            }
        }
        Some(before) => {
            let ends = emr.layout.has("insurance_data", "date_end");
            let sql = Sql::new(HELD)
                .push(if ends { HELD_END } else { NO_END })
                .push(OF_ONE);
            let sql = sql.bind(id).bind(person.pid).push(lock);
            let held: Option<Held> = tx.one(sql).await?;
            let held = held.ok_or(Refusal::NotFound)?;
            let insurer = insurer.or_else(|| held.provider.clone());
            let insurer = insurer.unwrap_or_default();
            if !held.says(before) {
                let why = "The insurance was changed by somebody else meanwhile: read it again.";
                return Err(Refusal::Conflict(why.to_owned()).into());
            }
            let sql = update((policy, insurer));
            let sql = subscriber::said(emr, sql, (before, policy)).push(WHERE);
            tx.run(sql.bind(id).bind(person.pid)).await.map(|_| ())
        }
    };
    if let Err(failure) = done {
        return Err(match error::duplicate(&failure) {
            true => {
                let why = "Another insurance of this rank begins on that day.";
                Refusal::Conflict(why.to_owned()).into()
            }
            false => failure,
        });
    }
    let end = before.and_then(|before| before.end);
    if policy.end != end && emr.layout.has("insurance_data", "date_end") {
        let sql = Sql::new(ENDED).bind(policy.end).bind(id).bind(person.pid);
        tx.run(sql).await?;
    }
    Ok(())
}

fn gone() -> Failure {
    let why = "The chart of this request is gone: it was deleted or merged in OpenEMR.";
    Refusal::Conflict(why.to_owned()).into()
}

fn insert((person, id): (Person, Uuid), (policy, insurer): (&Policy, String)) -> Sql {
    let own = policy.relationship == Relationship::Own;
    let sql = Sql::new(INSERT)
        .push(if own { OWN } else { OTHERS })
        .bind(id)
        .bind(policy.rank.word())
        .bind(insurer)
        .bind(stored(&policy.plan))
        .bind(stored(&policy.number))
        .bind(stored(&policy.group))
        .bind(coverages::written(policy.relationship))
        .bind(policy.start);
    let [first, last] = &policy.subscriber;
    let sql = match own {
        true => sql,
        false => sql.bind(stored(first)).bind(stored(last)),
    };
    sql.bind(person.pid).bind(person.uuid)
}

fn update((policy, insurer): (&Policy, String)) -> Sql {
    let start: Value = policy.start.into();
    Sql::new(UPDATE)
        .bind(policy.rank.word())
        .bind(insurer)
        .bind(stored(&policy.plan))
        .bind(stored(&policy.number))
        .bind(stored(&policy.group))
        .bind(coverages::written(policy.relationship))
        .bind(start)
}

impl Held {
    /// Whether the row says what it said when it was read; the insurer's name is not in it. It ends when it says, or
    /// where the next of its rank begins.
    fn says(self, before: &Policy) -> bool {
        let day = |text: Option<String>| text.as_deref().and_then(wall::day);
        let followed = day(self.followed).and_then(Date::previous_day);
        let end = day(self.ended).into_iter().chain(followed).min();
        let insurer = uuids::known(self.insurer.as_deref());
        let relationship =
            coverages::relationship(&self.subscriber_relationship.unwrap_or_default());
        let subscriber = [tidy(self.subscriber_fname), tidy(self.subscriber_lname)];
        tidy(self.rank_word).eq_ignore_ascii_case(before.rank.word())
            && !tidy(self.provider).is_empty()
            && before.payor.0.is_none_or(|payor| insurer == Some(payor))
            && end == before.end
            && tidy(self.plan_name) == before.plan
            && tidy(self.policy_number) == before.number
            && tidy(self.group_number) == before.group
            && relationship == before.relationship
            && (relationship == Relationship::Own || subscriber == before.subscriber)
            && self.begun.as_deref().and_then(wall::day) == before.start
    }
}

#[cfg(test)]
mod tests;
