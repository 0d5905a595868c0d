//! What a profile demands of a resource beyond FHIR itself, as far as this server holds it: how often elements must and
//! may be there, from its own profiles and, for those of US Core it claims, from a list.

use serde_json::Map;
use serde_json::Value;

use crate::domain::ResourceType;
use crate::fhir::definitions;
use crate::fhir::served;

/// Elements US Core 7.0.0 wants at least once where R4 does not.
const US_CORE: [(ResourceType, &[&str]); 8] = [
    (
        ResourceType::Patient,
        &[
            "identifier",
            "identifier.system",
            "identifier.value",
            "name",
            "gender",
        ],
    ),
    (
        ResourceType::DocumentReference,
        &["type", "category", "subject"],
    ),
    (ResourceType::Coverage, &["relationship"]),
    (ResourceType::Encounter, &["type", "subject"]),
    (
        ResourceType::Practitioner,
        &[
            "identifier",
            "identifier.system",
            "identifier.value",
            "name",
            "name.family",
        ],
    ),
    (ResourceType::Organization, &["active", "name"]),
    (ResourceType::Location, &["name"]),
    (ResourceType::RelatedPerson, &["active"]),
];

/// Where FHIR's own definitions are.
const R4: &str = "http://hl7.org/fhir/StructureDefinition/";

/// How often an element must and may be there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cardinality {
    path: String,
    min: u64,
    max: Option<u64>,
}

/// An element that is there too seldom or too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// FHIRPath of the element.
    pub place: String,
    /// What the profile wants.
    pub why: String,
}

/// Looks at a resource as a profile does: the one named, or all this server has for the type. `None` for a profile that
/// is not known here.
pub fn check(
    kind: ResourceType,
    json: &Map<String, Value>,
    profile: Option<&str>,
) -> Option<Vec<Finding>> {
    let rules = rules(kind, profile)?;
    let mut findings = Vec::new();
    let resource = Value::Object(json.clone());
    for rule in rules {
        let parts: Vec<&str> = rule.path.split('.').collect();
        count(
            &resource,
            &parts,
            kind.name().to_owned(),
            &mut |place, number| {
                if number < rule.min {
                    let why = match rule.min {
                        1 => "the profile requires this element".to_owned(),
                        min => format!("the profile requires this element {min} times"),
                    };
                    findings.push(Finding { place, why });
                } else if let Some(max) = rule.max.filter(|max| number > *max) {
                    let why = match max {
                        0 => "the profile does not have this element".to_owned(),
                        max => format!("the profile has this element at most {max} times"),
                    };
                    findings.push(Finding { place, why });
                }
            },
        );
    }
    Some(findings)
}

fn rules(kind: ResourceType, profile: Option<&str>) -> Option<Vec<Cardinality>> {
    let claimed = served(kind).and_then(|served| served.profile);
    let url = profile.map(|profile| profile.split('|').next().unwrap_or(profile));
    let us_core = || {
        let listed = US_CORE.into_iter().find(|(known, _)| *known == kind);
        let paths = listed.into_iter().flat_map(|(_, paths)| paths.iter());
        let rule = |path: &&str| Cardinality {
            path: (*path).to_owned(),
            min: 1,
            max: None,
        };
        paths.map(rule).collect::<Vec<_>>()
    };
    let ours = ours(kind);
    match url {
        Some(url) if url.strip_prefix(R4) == Some(kind.name()) => Some(Vec::new()),
        Some(url) if Some(url) == claimed => Some(us_core()),
        Some(url) => {
            let definition = ours.filter(|known| known["url"] == url)?;
            Some(with_base(&definition, us_core()))
        }
        None => Some(match ours {
            Some(definition) => with_base(&definition, us_core()),
            None if claimed.is_some() => us_core(),
            None => Vec::new(),
        }),
    }
}

/// This server's own profile of a type.
fn ours(kind: ResourceType) -> Option<Value> {
    let mut all = definitions::all("StructureDefinition");
    all.find_map(|known| {
        let json: Value = serde_json::from_slice(known.bytes).ok()?;
        (json["type"] == kind.name() && json["kind"] == "resource").then_some(json)
    })
}

fn with_base(definition: &Value, mut rules: Vec<Cardinality>) -> Vec<Cardinality> {
    let base = definition["baseDefinition"].as_str().unwrap_or_default();
    if !base.contains("/us/core/") {
        rules.clear();
    }
    let elements = definition["differential"]["element"].as_array();
    for element in elements.into_iter().flatten() {
        // Slices are told apart by their content, which is not looked at here.
        let path = element["id"].as_str().filter(|id| !id.contains(':'));
        let Some((_, path)) = path.and_then(|path| path.split_once('.')) else {
            continue;
        };
        let max = element["max"].as_str().and_then(|max| max.parse().ok());
        let min = element["min"].as_u64().unwrap_or(0);
        if min > 0 || max.is_some() {
            let path = path.to_owned();
            rules.push(Cardinality { path, min, max });
        }
    }
    rules
}

/// How often the element of a path is in each of its parents.
fn count(value: &Value, path: &[&str], place: String, tell: &mut impl FnMut(String, u64)) {
    match (value, path) {
        (Value::Array(all), _) => {
            for (index, one) in all.iter().enumerate() {
                count(one, path, format!("{place}[{index}]"), tell);
            }
        }
        (Value::Object(members), [name]) => {
            let number = occurrences(members, name);
            tell(format!("{place}.{}", name.trim_end_matches("[x]")), number);
        }
        (Value::Object(members), [name, rest @ ..]) => {
            if let Some(inner) = members.get(*name) {
                count(inner, rest, format!("{place}.{name}"), tell);
            }
        }
        _ => {}
    }
}

fn occurrences(members: &Map<String, Value>, name: &str) -> u64 {
    let times = |value: &Value| value.as_array().map_or(1, |all| all.len() as u64);
    if let Some(stem) = name.strip_suffix("[x]") {
        let is_choice = |known: &str| {
            let rest = known.trim_start_matches('_').strip_prefix(stem);
            rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
        };
        return u64::from(members.keys().any(|known| is_choice(known)));
    }
    // A value that is missing for a stated reason is there.
    let value = members
        .get(name)
        .or_else(|| members.get(&format!("_{name}")));
    value.map_or(0, times)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn places(kind: ResourceType, json: &Value, profile: Option<&str>) -> Option<Vec<String>> {
        let json = json.as_object().expect("an object");
        let found = check(kind, json, profile)?;
        Some(found.into_iter().map(|finding| finding.place).collect())
    }

    #[test]
    fn our_profiles_say_what_must_and_may_be_there() {
        let bare = json!({"resourceType": "Communication", "status": "completed"});
        assert_eq!(
            places(ResourceType::Communication, &bare, None),
            Some(vec![
                "Communication.category".to_owned(),
                "Communication.subject".to_owned()
            ])
        );
        let visit = json!({"participant": [{"actor": {"reference": "Patient/1"}}, {"status": "accepted"}],
            "serviceType": [{"text": "a"}, {"text": "b"}],
            "cancelationReason": {"coding": [{"code": "x"}]}});
        let found = places(ResourceType::Appointment, &visit, None).expect("known");
        assert_eq!(
            found,
            [
                "Appointment.cancelationReason.coding",
                "Appointment.serviceType",
                "Appointment.participant[1].actor"
            ]
        );
    }

    #[test]
    fn us_core_is_under_what_is_derived_from_it() {
        let patient = json!({"identifier": [{"system": "s"}], "_gender": {"extension": []}, "multipleBirthBoolean": true});
        let us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|7.0.0";
        assert_eq!(
            places(ResourceType::Patient, &patient, Some(us_core)),
            Some(vec![
                "Patient.identifier[0].value".to_owned(),
                "Patient.name".to_owned()
            ])
        );
        let ours = "https://anteroom.dev/fhir/StructureDefinition/anteroom-patient";
        let found = places(ResourceType::Patient, &patient, Some(ours)).expect("known");
        assert!(
            found.contains(&"Patient.multipleBirth".to_owned()),
            "{found:?}"
        );
        assert!(found.contains(&"Patient.name".to_owned()), "{found:?}");
    }

    #[test]
    fn fhirs_own_profile_asks_nothing_more_and_a_strange_one_is_not_known() {
        let task = json!({});
        let r4 = "http://hl7.org/fhir/StructureDefinition/Task";
        assert_eq!(
            places(ResourceType::Task, &task, Some(r4)),
            Some(Vec::new())
        );
        let other = "http://hl7.org/fhir/StructureDefinition/Patient";
        assert_eq!(places(ResourceType::Task, &task, Some(other)), None);
        assert_eq!(
            places(ResourceType::Task, &task, Some("http://127.0.0.1/x")),
            None
        );
    }
}
