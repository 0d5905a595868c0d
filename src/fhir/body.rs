//! A resource that was sent, beside the record as it stands: read through the gate, and every root element that differs
//! and is not the caller's to set refused by name, so that nothing that was sent is lost without a word.

use std::collections::BTreeSet;

use fhir_sdk::r4b::resources::Resource;
use serde_json::Map;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::query::Field;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Restriction;
use crate::fhir::bytes;

/// Members of `meta` that are the server's and are not looked at (R4 http, 3.1.0.4).
const SERVERS_META: [&str; 3] = ["versionId", "lastUpdated", "profile"];

/// A body that passed the gate.
#[derive(Clone, Debug)]
pub struct Body {
    /// The resource.
    pub resource: Resource,
    /// The same as JSON, spelled as this server spells it.
    pub json: Map<String, Value>,
}

/// Reads a body as a resource of the type its address is about.
///
/// # Errors
/// `Invalid` for what is not JSON or a resource of another type, `Unprocessable` with the FHIRPath of anything else that
/// is wrong.
pub fn read(sent: &[u8], kind: ResourceType) -> Answer<Body> {
    let name = kind.name();
    let named: Value = serde_json::from_slice(sent)
        .map_err(|_| Refusal::invalid("$this", "the body is not JSON"))?;
    if named.get("resourceType").is_some_and(|other| other != name) {
        let why = format!("this is the address of {name}");
        return Err(Refusal::invalid("$this.resourceType", why).into());
    }
    let resource = fhir_decode::decode(sent)
        .map_err(|problem| Refusal::invalid(problem.path, problem.why).understood())?;
    let json = object(&bytes(&resource)?)?;
    Ok(Body { resource, json })
}

/// The JSON of a resource that this server wrote.
///
/// # Errors
/// A fault where it is none.
pub fn object(written: &[u8]) -> Result<Map<String, Value>, Fault> {
    serde_json::from_slice(written)
        .map_err(|error| Fault::new("reading what was written a moment ago", error))
}

/// Whether the body is about the record of its address.
///
/// # Errors
/// `Invalid` at the id: another one, or none.
pub fn same_id(body: &Body, kind: ResourceType, id: Uuid) -> Result<(), Refusal> {
    let sent = body.json.get("id").and_then(Value::as_str);
    match sent.and_then(|sent| sent.parse::<Uuid>().ok()) == Some(id) {
        true => Ok(()),
        false => {
            let place = format!("{}.id", kind.name());
            Err(Refusal::invalid(place, "this is not the id in the URL"))
        }
    }
}

/// The root elements that are new or differ, all of them writable.
///
/// # Errors
/// `Unprocessable` at the first element that differs and may not, with the names of all of them; or at a part of an
/// element that cannot be kept.
pub fn changed(
    kind: ResourceType,
    (before, after): (Option<&Map<String, Value>>, &Map<String, Value>),
    writable: &[&str],
) -> Result<Vec<String>, Refusal> {
    let none = Map::new();
    let before = before.unwrap_or(&none);
    let name = kind.name();
    meta(name, before.get("meta"), after.get("meta"))?;
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = names.into_iter().filter(|name| {
        !matches!(name.as_str(), "resourceType" | "id" | "meta")
            && !same(before.get(*name), after.get(*name))
    });
    let (ours, theirs): (Vec<&String>, Vec<&String>) =
        differs.partition(|element| writable.contains(&element.as_str()));
    if let Some(first) = theirs.first() {
        let all: Vec<String> = theirs
            .iter()
            .map(|other| format!("{name}.{other}"))
            .collect();
        let why = match writable {
            [] => format!("nothing of it may be set here, not {}", all.join(", ")),
            some => format!(
                "only {} may be set here, not {}",
                some.join(", "),
                all.join(", ")
            ),
        };
        let place = format!("{name}.{}", first.trim_start_matches('_'));
        return Err(Refusal::invalid(place, why).understood());
    }
    for element in &ours {
        if let Some(value) = after.get(*element) {
            let mut known = Vec::new();
            gather(before.get(*element), &mut known);
            // The element itself may be the root's extensions, which the type judges.
            unkept(value, (&format!("{name}.{element}"), &known))?;
        }
    }
    Ok(ours.into_iter().cloned().collect())
}

/// The patient a body names, where it names one: for the ledger.
pub fn patient(kind: ResourceType, id: Uuid, json: &Map<String, Value>) -> Option<Uuid> {
    if kind == ResourceType::Patient {
        return Some(id);
    }
    let direct = ["subject", "patient", "beneficiary", "for"]
        .into_iter()
        .filter_map(|name| json.get(name));
    let actors = json.get("participant").and_then(Value::as_array);
    let actors = actors
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("actor"));
    direct.chain(actors).find_map(|reference| {
        let (kind, id) = reference.get("reference")?.as_str()?.rsplit_once('/')?;
        let patient = kind == "Patient" || kind.ends_with("/Patient");
        patient.then(|| id.parse().ok())?
    })
}

/// Whether a body fits a granular scope: all restrictions of one of the lists.
pub fn fits(json: &Map<String, Value>, lists: &[Vec<Restriction>]) -> bool {
    let holds = |(field, token): &Restriction| {
        let name = match field {
            Field::Status => "status",
            Field::Category => "category",
            Field::Type => "type",
            _ => return false,
        };
        let Some(value) = json.get(name) else {
            return false;
        };
        if *field == Field::Status {
            return value == token.code.as_str()
                && token.system.as_deref().is_none_or(str::is_empty);
        }
        let concepts = match value {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let codings = concepts
            .iter()
            .filter_map(|one| one.get("coding")?.as_array());
        codings.flatten().any(|coding| {
            let text = |name: &str| coding.get(name).and_then(Value::as_str).unwrap_or_default();
            text("code") == token.code
                && token
                    .system
                    .as_deref()
                    .is_none_or(|system| text("system") == system)
        })
    };
    lists.iter().any(|list| list.iter().all(holds))
}

fn meta(name: &str, before: Option<&Value>, after: Option<&Value>) -> Result<(), Refusal> {
    let Some(Value::Object(after)) = after else {
        return Ok(());
    };
    for (member, value) in after {
        let known = before.and_then(|before| before.get(member));
        if !SERVERS_META.contains(&member.as_str()) && known != Some(value) {
            let place = format!("{name}.meta.{}", member.trim_start_matches('_'));
            return Err(Refusal::invalid(place, "this cannot be set here").understood());
        }
    }
    Ok(())
}

/// Whether two values are the same: instants are, however their offset is written.
fn same(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(Value::String(left)), Some(Value::String(right))) => {
            left == right || instant(left).is_some_and(|at| Some(at) == instant(right))
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same(Some(a), Some(b)))
        }
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| same(Some(value), right.get(name)))
        }
        (left, right) => left == right,
    }
}

fn instant(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Ids and extensions inside elements, which no table has a place for: those the record shows itself may come back.
fn unkept(value: &Value, (place, known): (&str, &[&Value])) -> Result<(), Refusal> {
    match value {
        Value::Array(all) => {
            for (index, one) in all.iter().enumerate() {
                unkept(one, (&format!("{place}[{index}]"), known))?;
            }
        }
        Value::Object(members) => {
            for (name, inner) in members {
                if is_extra(name) {
                    if !known.contains(&inner) && !place.contains(".extension") {
                        let inside = format!("{place}.{}", name.trim_start_matches('_'));
                        let why = "ids and extensions inside an element cannot be kept";
                        return Err(Refusal::invalid(inside, why).understood());
                    }
                } else {
                    unkept(inner, (&format!("{place}.{name}"), known))?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn gather<'v>(value: Option<&'v Value>, known: &mut Vec<&'v Value>) {
    match value {
        Some(Value::Array(all)) => all.iter().for_each(|one| gather(Some(one), known)),
        Some(Value::Object(members)) => {
            for (name, inner) in members {
                if is_extra(name) {
                    known.push(inner);
                } else {
                    gather(Some(inner), known);
                }
            }
        }
        _ => {}
    }
}

fn is_extra(name: &str) -> bool {
    matches!(name, "extension" | "modifierExtension" | "id") || name.starts_with('_')
}

#[cfg(test)]
mod tests;
