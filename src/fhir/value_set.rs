//! ValueSet: lists of codes to choose from, and their expansion.

use serde_json::Value;
use serde_json::json;

use crate::domain::ResourceType;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::code_system::PARAMETERS;

/// ValueSet as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::ValueSet,
    profile: None,
    prose: "The lists of codes this server uses: its own, and those of the practice as they are today. $expand gives the \
        codes of one, whole or filtered by how their words go on.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: PARAMETERS,
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[(
        "expand",
        "http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
    )],
};

/// Codes in an expansion at most, so that nobody asks for more than a page of them.
const MOST: usize = 1_000;

/// What of an expansion is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// Only codes with a word of their display, or the code itself, beginning with this.
    pub filter: String,
    /// How many to leave out first.
    pub offset: usize,
    /// How many at most; `None` is as many as there may be.
    pub count: Option<usize>,
    /// The moment it is made, in UTC as FHIR writes it.
    pub timestamp: String,
    /// Its id, a URN.
    pub identifier: String,
}

/// One code of an expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Contained {
    system: String,
    code: String,
    display: String,
}

/// The ValueSet with its expansion.
///
/// # Errors
/// `Unsupported` where it takes in codes that are not at hand here.
pub fn expanded(
    value_set: &Value,
    code_systems: &[Value],
    wanted: &Expansion,
) -> Result<Value, Refusal> {
    let needle = wanted.filter.trim().to_lowercase();
    let mut found = contained(value_set, code_systems)?;
    found.retain(|one| needle.is_empty() || begins(one, &needle));
    let total = found.len();
    let count = wanted.count.unwrap_or(MOST).min(MOST);
    let page: Vec<Value> = found
        .iter()
        .skip(wanted.offset)
        .take(count)
        .map(|one| json!({"system": one.system, "code": one.code, "display": one.display}))
        .collect();
    let mut expansion = json!({
        "identifier": wanted.identifier,
        "timestamp": wanted.timestamp,
        "total": total,
        "offset": wanted.offset,
    });
    let mut parameters = Vec::new();
    if !wanted.filter.is_empty() {
        parameters.push(json!({"name": "filter", "valueString": wanted.filter}));
    }
    if let Some(count) = wanted.count {
        parameters.push(json!({"name": "count", "valueInteger": count}));
    }
    if !parameters.is_empty() {
        expansion["parameter"] = Value::Array(parameters);
    }
    if !page.is_empty() {
        expansion["contains"] = Value::Array(page);
    }
    let mut value_set = value_set.clone();
    value_set["expansion"] = expansion;
    Ok(value_set)
}

/// Every code the composition takes in, each once, in its order.
fn contained(value_set: &Value, code_systems: &[Value]) -> Result<Vec<Contained>, Refusal> {
    let mut found: Vec<Contained> = Vec::new();
    for part in value_set["compose"]["include"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let system = part["system"].as_str().unwrap_or_default();
        let concepts = match part["concept"].as_array() {
            Some(listed) => listed.clone(),
            None => whole(system, code_systems)?,
        };
        for concept in concepts {
            let code = concept["code"].as_str().unwrap_or_default().to_owned();
            let display = concept["display"].as_str();
            let one = Contained {
                system: system.to_owned(),
                display: display.map_or_else(|| code.clone(), str::to_owned),
                code,
            };
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    Ok(found)
}

fn whole(system: &str, code_systems: &[Value]) -> Result<Vec<Value>, Refusal> {
    let known = code_systems.iter().find(|known| known["url"] == system);
    let concepts = known.and_then(|known| known["concept"].as_array());
    concepts.cloned().ok_or_else(|| {
        let why = "This list takes in a code system whose codes are not kept here.";
        Refusal::Unsupported(why.to_owned())
    })
}

/// Whether the code, or a word of its display, begins like this.
fn begins(one: &Contained, needle: &str) -> bool {
    let display = one.display.to_lowercase();
    let words = display.split(|letter: char| !letter.is_alphanumeric());
    display.starts_with(needle)
        || one.code.to_lowercase().starts_with(needle)
        || words.into_iter().any(|word| word.starts_with(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colours() -> (Value, Vec<Value>) {
        let value_set = json!({"resourceType": "ValueSet", "compose": {"include": [
            {"system": "s"}, {"system": "t", "concept": [{"code": "x"}]}, {"system": "s"}]}});
        let system = json!({"url": "s", "concept": [
            {"code": "r", "display": "Dark red"}, {"code": "g", "display": "Green"}]});
        (value_set, vec![system])
    }

    fn codes(wanted: &Expansion) -> Vec<String> {
        let (value_set, systems) = colours();
        let made = expanded(&value_set, &systems, wanted).expect("at hand");
        let contains = made["expansion"]["contains"].as_array().cloned();
        let codes = contains.unwrap_or_default();
        codes
            .iter()
            .map(|one| one["code"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn an_expansion_has_every_code_once_and_can_be_filtered_and_paged() {
        assert_eq!(codes(&Expansion::default()), ["r", "g", "x"]);
        let filtered = |filter: &str| Expansion {
            filter: filter.to_owned(),
            ..Expansion::default()
        };
        assert_eq!(codes(&filtered("RED")), ["r"]);
        assert_eq!(codes(&filtered("x")), ["x"]);
        assert_eq!(codes(&filtered("ed")), Vec::<String>::new());
        let page = Expansion {
            offset: 1,
            count: Some(1),
            ..Expansion::default()
        };
        assert_eq!(codes(&page), ["g"]);
    }

    #[test]
    fn codes_that_are_not_at_hand_are_told_as_that() {
        let value_set = json!({"compose": {"include": [{"system": "http://loinc.org"}]}});
        let made = expanded(&value_set, &[], &Expansion::default());
        assert!(matches!(made, Err(Refusal::Unsupported(_))));
    }
}
