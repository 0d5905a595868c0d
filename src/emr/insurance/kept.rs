//! An insurance that a patient asked for, as a review keeps it: said, read again, merged with what of it is refused, and
//! taken over.

use serde_json::Value as Json;
use serde_json::json;
use time::Date;
use uuid::Uuid;

use super::taken;
use super::write;
use crate::config::Choice;
use crate::db::Tx;
use crate::domain::coverage::Coverage;
use crate::domain::coverage::Policy;
use crate::domain::coverage::Rank;
use crate::domain::coverage::Relationship;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::tasks::Asked;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::uuids;
use crate::emr::wall;
use crate::portal::chart::Writer;
use crate::portal::insurance::InsuranceAsk;
use crate::portal::insurance::InsuranceCase;
use crate::portal::insurance::InsuranceChange;
use crate::store::reviews;
use crate::store::reviews::NewReview;
use crate::store::reviews::Review;

/// What a review keeps of a policy, by its name there and the element.
const ELEMENTS: [(&str, &str); 10] = [
    ("rank", "Coverage.order"),
    ("payor", "Coverage.payor"),
    (
        "plan",
        "Coverage.class.where(type.coding.code='plan').value",
    ),
    (
        "group",
        "Coverage.class.where(type.coding.code='group').value",
    ),
    ("number", "Coverage.subscriberId"),
    ("relationship", "Coverage.relationship"),
    ("first", "Coverage.subscriber (first name)"),
    ("last", "Coverage.subscriber (last name)"),
    ("start", "Coverage.period.start"),
    ("end", "Coverage.period.end"),
];

/// What is to be written of a wish.
struct Merged {
    id: Uuid,
    /// As it was when it was asked for; `None` for a new one.
    before: Option<Policy>,
    /// As it is to be.
    policy: Policy,
    /// The insurer's row; `None` for the one it has.
    insurer: Option<i64>,
}

/// What this house keeps of a wish.
pub(super) fn new(emr: &Emr, change: &InsuranceChange) -> NewReview {
    let ask = &change.ask;
    let known = ask
        .before
        .as_ref()
        .map_or(Json::Null, |before| said(&before.policy));
    let mut asked = said(&ask.policy);
    asked["insurer"] = json!(change.insurer);
    NewReview {
        id: uuids::fresh(),
        kind: Work::Coverage.code().0,
        person: change.person,
        resource: format!("Coverage/{}", ask.id),
        asked: asked.to_string(),
        known: known.to_string(),
        client_id: change.client_id.clone(),
        created: reviews::millis(emr.now()),
        activity: None,
    }
}

/// What a review asks for without what is refused of it, which stays as it was; `None` where it cannot be read.
fn merge(review: &Review, refused: &[(String, String)]) -> Option<Merged> {
    let mut asked: Json = serde_json::from_str(&review.asked).unwrap_or_default();
    let known: Json = serde_json::from_str(&review.known).unwrap_or_default();
    let id = review.resource.strip_prefix("Coverage/")?.parse().ok()?;
    let insurer = asked["insurer"].as_i64()?;
    let mut kept = false;
    for (element, _) in refused {
        let mut fields = ELEMENTS.iter();
        if let Some((name, _)) = fields.find(|(_, known)| known == element) {
            asked[*name] = known[*name].clone();
            if *name == "payor" {
                kept = true;
                asked["payor_id"] = known["payor_id"].clone();
            }
        }
    }
    Some(Merged {
        id,
        before: read(&known),
        policy: read(&asked)?,
        insurer: Some(insurer).filter(|_| !kept),
    })
}

/// What the rules must know of an insurance as it would be; `None` where the review cannot be read.
///
/// # Errors
/// As [`crate::db::Db::one`].
pub(in crate::emr) async fn merged(
    emr: &Emr,
    (review, refused): (&Review, &[(String, String)]),
) -> Answer<Option<InsuranceCase>> {
    let Some(merged) = merge(review, refused) else {
        return Ok(None);
    };
    let person = review.person();
    let taken = taken(emr, person, (merged.id, &merged.policy)).await?;
    let before = merged.before.map(|policy| Coverage {
        uuid: merged.id,
        person,
        patient_name: String::new(),
        policy,
        active: true,
        typology: None,
        last_updated: None,
    });
    Ok(Some(InsuranceCase {
        ask: InsuranceAsk {
            id: merged.id,
            patient: person.uuid,
            before,
            policy: merged.policy,
        },
        person,
        // One that stays is not asked for.
        insurer: Some(merged.insurer.unwrap_or_default()),
        taken,
        ends: emr.layout.has("insurance_data", "date_end"),
        writer: Writer::Service,
        client_id: review.client_id.clone(),
        portal_on: true,
        choice: Choice::Review,
    }))
}

/// Takes over what a review asks for, but what was refused of it: that stays as it was.
///
/// # Errors
/// `Conflict` where it cannot be read; otherwise as [`write`].
pub(in crate::emr) async fn accept(
    emr: &Emr,
    tx: &mut Tx,
    (review, refused): (&Review, &[(String, String)]),
) -> Answer<()> {
    let Some(merged) = merge(review, refused) else {
        let why = "What was asked for cannot be read: refuse the request.";
        return Err(Refusal::Conflict(why.to_owned()).into());
    };
    let target = (review.person(), merged.id, merged.before.as_ref());
    write(emr, tx, target, (&merged.policy, merged.insurer)).await
}

/// A policy as a review keeps it.
fn said(policy: &Policy) -> Json {
    let [first, last] = &policy.subscriber;
    let day = |day: Option<Date>| day.map(|day| day.to_string());
    json!({
        "rank": policy.rank.word(),
        "payor": policy.payor.1,
        "payor_id": policy.payor.0.map(|id| id.to_string()),
        "plan": policy.plan,
        "group": policy.group,
        "number": policy.number,
        "relationship": policy.relationship.code(),
        "first": first,
        "last": last,
        "start": day(policy.start),
        "end": day(policy.end),
    })
}

fn read(json: &Json) -> Option<Policy> {
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let (rank, relationship) = (text("rank"), text("relationship"));
    let mut relationships = Relationship::ALL.into_iter();
    Some(Policy {
        rank: Rank::ALL.into_iter().find(|known| known.word() == rank)?,
        payor: (text("payor_id").parse().ok(), text("payor")),
        plan: text("plan"),
        group: text("group"),
        number: text("number"),
        relationship: relationships.find(|known| known.code() == relationship)?,
        subscriber: [text("first"), text("last")],
        start: wall::day(&text("start")),
        end: wall::day(&text("end")),
    })
}

/// What a review asks to have changed, for people to read.
pub(in crate::emr) fn asked(review: &Review) -> Vec<Asked> {
    let asked: Json = serde_json::from_str(&review.asked).unwrap_or_default();
    let known: Json = serde_json::from_str(&review.known).unwrap_or_default();
    let text = |json: &Json, name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let all = ELEMENTS.iter().map(|(name, element)| Asked {
        element: (*element).to_owned(),
        before: text(&known, name),
        after: text(&asked, name),
    });
    all.filter(|one| one.before != one.after).collect()
}

/// Whether a review is about an insurance that is there.
pub(in crate::emr) fn of_existing(review: &Review) -> Option<Uuid> {
    let known: Json = serde_json::from_str(&review.known).unwrap_or_default();
    read(&known)?;
    review.resource.strip_prefix("Coverage/")?.parse().ok()
}
