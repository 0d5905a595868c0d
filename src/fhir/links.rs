//! References between the entries of a transaction (R4 http, 3.1.0.11.2): what an entry calls another one becomes the
//! id that one has or is to have.

use std::collections::BTreeSet;
use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::refusal::Refusal;
use crate::fhir::Base;

/// What a name within a Bundle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// A record of this id.
    Record(ResourceType, Uuid),
    /// The new record of the entry of this number, whose id is known only when it is written.
    Later(usize),
}

/// Names of entries and conditional references, and what each stands for.
pub type Links = HashMap<String, Link>;

/// Elements that hold a URI, beside `reference`.
const URIS: [&str; 3] = ["url", "valueUrl", "valueUri"];

/// The references of a resource that are searches, such as `Practitioner?identifier=x`, each once.
pub fn conditional(resource: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(resource, &mut found);
    found
}

/// The type and the query of a conditional reference.
pub fn search(text: &str) -> Option<(ResourceType, &str)> {
    let (kind, query) = text.split_once('?')?;
    Some((ResourceType::of(kind)?, query))
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| collect(one, found)),
        Value::Object(members) => {
            for (name, inner) in members {
                match inner {
                    Value::String(text) if name == "reference" && search(text).is_some() => {
                        found.insert(text.clone());
                    }
                    inner => collect(inner, found),
                }
            }
        }
        _ => {}
    }
}

/// Puts ids where a resource names other entries: in references, in URLs, and in the links of its narrative.
///
/// # Errors
/// `Unprocessable` at a reference to what has no id before it is written.
pub fn rewrite(resource: &mut Value, links: &Links, base: &Base) -> Result<(), Refusal> {
    if links.is_empty() {
        return Ok(());
    }
    let kind = resource.get("resourceType").and_then(Value::as_str);
    let place = kind.and_then(ResourceType::of);
    let place = place.map_or("$this", ResourceType::name);
    walk(resource, place, (links, base))
}

fn walk(value: &mut Value, place: &str, known: (&Links, &Base)) -> Result<(), Refusal> {
    match value {
        Value::Array(all) => {
            for (index, one) in all.iter_mut().enumerate() {
                walk(one, &format!("{place}[{index}]"), known)?;
            }
        }
        Value::Object(members) => {
            for (name, inner) in members {
                let place = format!("{place}.{}", plain(name));
                match inner {
                    Value::String(text) => text_of(name, text, (&place, known))?,
                    inner => walk(inner, &place, known)?,
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn text_of(
    name: &str,
    text: &mut String,
    (place, (links, base)): (&str, (&Links, &Base)),
) -> Result<(), Refusal> {
    if name == "div" {
        return narrative(text, (place, (links, base)));
    }
    let is_reference = name == "reference";
    if !is_reference && !URIS.contains(&name) {
        return Ok(());
    }
    if let Some(link) = links.get(text.as_str()) {
        let (kind, id) = record(*link, place)?;
        *text = match is_reference {
            true => format!("{}/{id}", kind.name()),
            false => base.of(kind, id),
        };
    }
    Ok(())
}

/// `href` and `src` of a narrative, in either kind of quotation mark.
fn narrative(
    text: &mut String,
    (place, (links, base)): (&str, (&Links, &Base)),
) -> Result<(), Refusal> {
    for (name, link) in links {
        for quote in ['"', '\''] {
            let quoted = format!("={quote}{name}{quote}");
            if text.contains(&quoted) {
                let (kind, id) = record(*link, place)?;
                let url = base.of(kind, id);
                *text = text.replace(&quoted, &format!("={quote}{url}{quote}"));
            }
        }
    }
    Ok(())
}

fn record(link: Link, place: &str) -> Result<(ResourceType, Uuid), Refusal> {
    match link {
        Link::Record(kind, id) => Ok((kind, id)),
        Link::Later(index) => {
            let why = format!(
                "Bundle.entry[{index}] has no id before it is written: send it first, and refer to it in another Bundle"
            );
            Err(Refusal::invalid(place, why).understood())
        }
    }
}

/// A member's name as far as it can be repeated.
fn plain(name: &str) -> &str {
    let usual = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if usual { name } else { "extension" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: Uuid = Uuid::from_u128(7);
    const TEXT: &str = "00000000-0000-0000-0000-000000000007";

    fn links() -> Links {
        let record = Link::Record(ResourceType::DocumentReference, ID);
        HashMap::from([
            ("urn:uuid:a".to_owned(), record),
            ("urn:uuid:b".to_owned(), Link::Later(4)),
            (
                "Practitioner?name=x".to_owned(),
                Link::Record(ResourceType::Practitioner, ID),
            ),
        ])
    }

    fn base() -> Base {
        Base::new("http://x.org/fhir")
    }

    #[test]
    fn names_become_ids_in_references_urls_and_narrative() {
        let mut task = json!({
            "resourceType": "Task",
            "text": {"div": "<div><a href=\"urn:uuid:a\">see</a> urn:uuid:a</div>"},
            "focus": {"reference": "urn:uuid:a", "display": "urn:uuid:a"},
            "owner": {"reference": "Practitioner?name=x"},
            "input": [{"valueUrl": "urn:uuid:a"}, {"valueString": "urn:uuid:a"}],
            "for": {"reference": "urn:uuid:unknown"}
        });
        rewrite(&mut task, &links(), &base()).expect("known");
        assert_eq!(
            task,
            json!({
                "resourceType": "Task",
                "text": {"div": format!("<div><a href=\"http://x.org/fhir/DocumentReference/{TEXT}\">see</a> urn:uuid:a</div>")},
                "focus": {"reference": format!("DocumentReference/{TEXT}"), "display": "urn:uuid:a"},
                "owner": {"reference": format!("Practitioner/{TEXT}")},
                "input": [{"valueUrl": format!("http://x.org/fhir/DocumentReference/{TEXT}")}, {"valueString": "urn:uuid:a"}],
                "for": {"reference": "urn:uuid:unknown"}
            })
        );
    }

    #[test]
    fn what_has_no_id_yet_cannot_be_referred_to() {
        let mut message =
            json!({"resourceType": "Communication", "inResponseTo": [{"reference": "urn:uuid:b"}]});
        let refusal = rewrite(&mut message, &links(), &base()).expect_err("later");
        assert!(matches!(
            &refusal,
            Refusal::Unprocessable { location, why }
                if location == "Communication.inResponseTo[0].reference" && why.contains("Bundle.entry[4]")
        ));
    }

    #[test]
    fn searches_are_found_wherever_they_stand() {
        let visit = json!({"participant": [
            {"actor": {"reference": "Patient?identifier=s|1"}},
            {"actor": {"reference": "Patient?identifier=s|1"}},
            {"actor": {"reference": "Nothing?x=y"}},
            {"actor": {"reference": "Patient/1"}}]});
        let found: Vec<String> = conditional(&visit).into_iter().collect();
        assert_eq!(found, ["Patient?identifier=s|1"]);
        assert_eq!(
            search(&found[0]),
            Some((ResourceType::Patient, "identifier=s|1"))
        );
    }
}
