//! From a Coverage that was sent to what an insurance is to say. What OpenEMR has no column for is refused by name.

use fhir_sdk::Date;
use fhir_sdk::DateTime;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::Reference;
use serde_json::Map;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::coverage::Coverage;
use crate::domain::coverage::Policy;
use crate::domain::coverage::Rank;
use crate::domain::coverage::Relationship;
use crate::domain::people::Person;
use crate::domain::records::Record;
use crate::domain::refusal::Refusal;
use crate::fhir::Base;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::fhir::body;
use crate::fhir::bytes;
use crate::fhir::coverage::CLASS;
use crate::fhir::coverage::RELATIONSHIP;
use crate::fhir::kept;
use crate::fhir::refers;
use crate::fhir::render;
use crate::portal::Ask;
use crate::portal::insurance::InsuranceAsk;

/// The elements that are judged one by one: references are spelled in many ways.
const REFERENCES: [&str; 3] = ["beneficiary", "subscriber", "payor"];

/// The Ask of an insurance that was sent.
///
/// # Errors
/// `Unprocessable` at the element that cannot be kept, `Forbidden` where it is somebody else's.
pub(super) fn of(sent: Sent<'_>, base: &Base) -> Result<Ask, Refusal> {
    let Resource::Coverage(coverage) = &sent.resource else {
        let why = "this is the address of a Coverage";
        return Err(Refusal::invalid("$this.resourceType", why));
    };
    let before = match sent.before {
        Some(Record::Coverage(before)) => Some(before.as_ref()),
        Some(_) => return Err(Refusal::NotFound),
        None => None,
    };
    let json = json(&sent.resource)?;
    for element in &sent.changed {
        if let Some(value) = json.get(element) {
            kept::printable(&format!("Coverage.{element}"), value)?;
        }
    }
    let patient = patient((coverage, before), sent.role, base)?;
    let policy = policy((coverage, &json), patient, base)?;
    let wanted = Coverage {
        uuid: sent.id,
        person: Person {
            pid: 0,
            uuid: patient,
        },
        patient_name: String::new(),
        policy: policy.clone(),
        active: before.is_none_or(|before| before.active),
        typology: None,
        last_updated: None,
    };
    let record = Record::Coverage(Box::new(wanted));
    let unreadable = || Refusal::invalid("Coverage", "it cannot be written in FHIR").understood();
    let shown = render(&record, base).map_err(|_| unreadable())?;
    let shown = self::json(&shown)?;
    for element in &sent.changed {
        if !REFERENCES.contains(&element.as_str()) {
            let place = format!("Coverage.{element}");
            kept::whole(&place, json.get(element), shown.get(element))?;
        }
    }
    Ok(Ask::Insurance(Box::new(InsuranceAsk {
        id: sent.id,
        patient,
        before: before.cloned(),
        policy,
    })))
}

fn json(resource: &Resource) -> Result<Map<String, Value>, Refusal> {
    let unreadable = || Refusal::invalid("$this", "it cannot be written in FHIR").understood();
    let bytes = bytes(resource).map_err(|_| unreadable())?;
    body::object(&bytes).map_err(|_| unreadable())
}

/// Whose insurance: of a row that is there the row's, else the beneficiary, who is the patient of the token.
fn patient(
    (coverage, before): (&resources::Coverage, Option<&Coverage>),
    role: Role,
    base: &Base,
) -> Result<Uuid, Refusal> {
    if let Some(before) = before {
        return Ok(before.person.uuid);
    }
    let kinds = &[ResourceType::Patient];
    let (_, patient) = refers::target(&coverage.beneficiary, "Coverage.beneficiary", kinds, base)?;
    match role {
        Role::Patient(person) if person.uuid != patient => Err(Refusal::Forbidden(
            "A patient sends the own insurance only.",
        )),
        _ => Ok(patient),
    }
}

fn policy(
    (coverage, json): (&resources::Coverage, &Map<String, Value>),
    patient: Uuid,
    base: &Base,
) -> Result<Policy, Refusal> {
    let refused = |place: &str, why: &str| Refusal::invalid(place, why).understood();
    let order = coverage.order.map(std::num::NonZeroU32::get);
    let rank = Rank::ALL
        .into_iter()
        .find(|rank| Some(*rank as u32) == order);
    let rank = rank.ok_or_else(|| {
        refused(
            "Coverage.order",
            "1 is the primary insurance, 2 the secondary, 3 the tertiary",
        )
    })?;
    let code = json
        .get("relationship")
        .and_then(|concept| coded(concept, RELATIONSHIP));
    let relationship = Relationship::ALL
        .into_iter()
        .find(|known| Some(known.code()) == code.as_deref());
    let relationship = relationship.ok_or_else(|| {
        let why = format!(
            "a code of {RELATIONSHIP} is needed: self, spouse, child, parent, common or other"
        );
        refused("Coverage.relationship", &why)
    })?;
    let [Some(payor)] = coverage.payor.as_slice() else {
        return Err(refused("Coverage.payor", "an insurance has one payor"));
    };
    let class = |wanted: &str| {
        let all = json.get("class").and_then(Value::as_array);
        let mut all = all.map_or(&[][..], Vec::as_slice).iter();
        let found = all.find(|one| coded(&one["type"], CLASS).as_deref() == Some(wanted));
        found.map_or_else(String::new, |one| {
            one["value"].as_str().unwrap_or_default().to_owned()
        })
    };
    let period = coverage.period.as_ref();
    Ok(Policy {
        rank,
        payor: self::payor(payor, base)?,
        plan: class("plan"),
        group: class("group"),
        number: coverage.subscriber_id.clone().unwrap_or_default(),
        relationship,
        subscriber: subscriber((coverage.subscriber.as_ref(), relationship), patient, base)?,
        start: day(
            period.and_then(|period| period.start.as_ref()),
            "Coverage.period.start",
        )?,
        end: day(
            period.and_then(|period| period.end.as_ref()),
            "Coverage.period.end",
        )?,
    })
}

/// The code of one system in a concept.
fn coded(concept: &Value, system: &str) -> Option<String> {
    let codings = concept["coding"].as_array()?;
    let found = codings.iter().find(|one| one["system"] == system)?;
    found["code"].as_str().map(str::to_owned)
}

/// An Organization of this server, or the name of an insurer.
fn payor(sent: &Reference, base: &Base) -> Result<(Option<Uuid>, String), Refusal> {
    let name = sent.display.clone().unwrap_or_default();
    if sent.reference.is_none() && sent.identifier.is_none() && !name.trim().is_empty() {
        return Ok((None, name));
    }
    let kinds = &[ResourceType::Organization];
    let (_, id) = refers::target(sent, "Coverage.payor[0]", kinds, base)?;
    Ok((Some(id), name))
}

/// First and last name of somebody else who is insured; the last word is the last name.
fn subscriber(
    (sent, relationship): (Option<&Reference>, Relationship),
    patient: Uuid,
    base: &Base,
) -> Result<[String; 2], Refusal> {
    const PLACE: &str = "Coverage.subscriber";
    match (relationship, sent) {
        (Relationship::Own, None) => Ok(Default::default()),
        (Relationship::Own, Some(sent)) => {
            let (_, id) = refers::target(sent, PLACE, &[ResourceType::Patient], base)?;
            match id == patient {
                true => Ok(Default::default()),
                false => {
                    let why = "who is insured on their own account is the subscriber";
                    Err(Refusal::invalid(PLACE, why).understood())
                }
            }
        }
        (_, Some(sent)) if sent.reference.is_none() && sent.identifier.is_none() => {
            let name = sent.display.as_deref().unwrap_or_default().trim();
            let (first, last) = name.rsplit_once(' ').unwrap_or(("", name));
            Ok([first.trim().to_owned(), last.to_owned()])
        }
        (_, Some(_)) => {
            let why = "the chart holds the subscriber's name: send it as display";
            Err(Refusal::invalid(PLACE, why).understood())
        }
        (_, None) => {
            let why = "the subscriber's name is needed, as display";
            Err(Refusal::invalid(PLACE, why).understood())
        }
    }
}

fn day(at: Option<&DateTime>, place: &str) -> Result<Option<time::Date>, Refusal> {
    match at {
        None => Ok(None),
        Some(DateTime::Date(Date::Date(day))) => Ok(Some(*day)),
        Some(_) => {
            let why = "a whole date is needed, as YYYY-MM-DD";
            Err(Refusal::invalid(place, why).understood())
        }
    }
}

#[cfg(test)]
mod tests;
