//! What this server adds to FHIR, as `fhir-profiles/` publishes it: the very files, found by kind, id and URL.

use std::sync::LazyLock;

use fhir_sdk::r4b::codes::IssueSeverity;
use fhir_sdk::r4b::codes::IssueType;
use fhir_sdk::r4b::resources::Resource;
use serde_json::Value;
use serde_json::json;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::fhir::bundle;
use crate::fhir::bytes;
use crate::fhir::outcome;
use crate::fhir::search::Handling;

/// The kinds that anybody may read and search. Code systems and value sets are served with the practice's own lists.
pub const KINDS: [&str; 5] = [
    "OperationDefinition",
    "StructureDefinition",
    "SearchParameter",
    "ImplementationGuide",
    "CapabilityStatement",
];

/// The search parameters of each of [`KINDS`]: name, type, and the SearchParameter that defines it.
pub const PARAMETERS: [(&str, &str, &str); 4] = [
    (
        "_id",
        "token",
        "http://hl7.org/fhir/SearchParameter/Resource-id",
    ),
    (
        "url",
        "uri",
        "http://hl7.org/fhir/SearchParameter/conformance-url",
    ),
    (
        "name",
        "string",
        "http://hl7.org/fhir/SearchParameter/conformance-name",
    ),
    (
        "version",
        "token",
        "http://hl7.org/fhir/SearchParameter/conformance-version",
    ),
];

/// How many entries a page has where nobody says, and at most.
const COUNT: (usize, usize) = (50, 200);

/// Where a page begins, in the links this server makes.
const OFFSET: &str = "_offset";

/// A file of `fhir-profiles/`, in the binary.
macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../fhir-profiles/", $name, ".json"))
    };
}

/// Every definition, by the name of its file. `tests/definitions.rs` holds that none is forgotten.
const FILES: [&[u8]; 54] = [
    file!("CapabilityStatement-anteroom"),
    file!("CodeSystem-communication-category"),
    file!("CodeSystem-document-category"),
    file!("CodeSystem-invite-result"),
    file!("CodeSystem-ledger-action"),
    file!("CodeSystem-openemr-appointment-mark"),
    file!("CodeSystem-openemr-calendar-category"),
    file!("CodeSystem-reason"),
    file!("CodeSystem-task-code"),
    file!("ImplementationGuide-dev.anteroom.fhir"),
    file!("OperationDefinition-appointment-book"),
    file!("OperationDefinition-appointment-find"),
    file!("OperationDefinition-appointment-hold"),
    file!("OperationDefinition-document-sign"),
    file!("OperationDefinition-portal-credential"),
    file!("OperationDefinition-portal-disable"),
    file!("OperationDefinition-portal-enable"),
    file!("OperationDefinition-portal-invite"),
    file!("OperationDefinition-portal-lock"),
    file!("OperationDefinition-portal-reset"),
    file!("OperationDefinition-portal-status"),
    file!("OperationDefinition-portal-unlock"),
    file!("OperationDefinition-portal-username-available"),
    file!("SearchParameter-communication-done"),
    file!("SearchParameter-communication-read"),
    file!("SearchParameter-coverage-period"),
    file!("SearchParameter-coverage-subscriber-id"),
    file!("SearchParameter-patient-portal-status"),
    file!("SearchParameter-practitioner-portal-addressee"),
    file!("StructureDefinition-anteroom-appointment"),
    file!("StructureDefinition-anteroom-communication"),
    file!("StructureDefinition-anteroom-coverage"),
    file!("StructureDefinition-anteroom-document-reference"),
    file!("StructureDefinition-anteroom-patient"),
    file!("StructureDefinition-anteroom-task"),
    file!("StructureDefinition-emr-series"),
    file!("StructureDefinition-emr-status"),
    file!("StructureDefinition-message-archived"),
    file!("StructureDefinition-message-done"),
    file!("StructureDefinition-message-read"),
    file!("StructureDefinition-portal-addressee"),
    file!("ValueSet-appointment-status"),
    file!("ValueSet-appointment-type"),
    file!("ValueSet-communication-category"),
    file!("ValueSet-communication-status"),
    file!("ValueSet-coverage-status"),
    file!("ValueSet-document-category"),
    file!("ValueSet-document-status"),
    file!("ValueSet-ledger-action"),
    file!("ValueSet-openemr-appointment-mark"),
    file!("ValueSet-openemr-calendar-category"),
    file!("ValueSet-reason"),
    file!("ValueSet-task-code"),
    file!("ValueSet-task-status"),
];

/// One definition.
#[derive(Debug)]
pub struct Definition {
    /// Its FHIR type.
    pub kind: String,
    /// Its id on every server.
    pub id: String,
    /// Its canonical URL, without a version.
    pub url: String,
    /// Its name for programs.
    pub name: String,
    /// Its business version.
    pub version: String,
    /// The JSON as published.
    pub bytes: &'static [u8],
}

static ALL: LazyLock<Vec<Definition>> =
    LazyLock::new(|| FILES.into_iter().filter_map(definition).collect());

/// `None` for what is no definition; that the table holds nothing of the kind is tested.
fn definition(bytes: &'static [u8]) -> Option<Definition> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    Some(Definition {
        kind: text("resourceType")?,
        id: text("id")?,
        url: text("url")?,
        name: text("name")?,
        version: text("version")?,
        bytes,
    })
}

/// Every definition of a kind, such as `CodeSystem`, in the order of ids.
pub fn all(kind: &str) -> impl Iterator<Item = &'static Definition> {
    ALL.iter().filter(move |known| known.kind == kind)
}

/// The definition of a kind by its id or its canonical URL, with or without `|version`.
pub fn find(kind: &str, name: &str) -> Option<&'static Definition> {
    let (url, version) = match name.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (name, None),
    };
    all(kind).find(|known| match version {
        Some(version) => known.url == url && known.version == version,
        None => known.id == name || known.url == name,
    })
}

/// One condition: what of a definition is compared, how, and with which values (any of them will do).
struct Condition {
    of: fn(&Definition) -> &str,
    how: fn(&str, &str) -> bool,
    values: Vec<String>,
}

/// A search, as it was understood.
struct Asked {
    conditions: Vec<Condition>,
    /// What was used, for the links.
    pairs: Vec<(String, String)>,
    count: usize,
    offset: usize,
    ignored: Vec<String>,
}

/// The searchset of a kind.
///
/// # Errors
/// `Invalid` for a modifier or number that cannot be, and for unknown parameters where `handling` is strict.
pub fn search(
    kind: &str,
    pairs: &[(String, String)],
    handling: Handling,
    base: &str,
) -> Answer<Vec<u8>> {
    let asked = parse(pairs, handling)?;
    let found: Vec<&Definition> = all(kind).filter(|one| asked.matches(one)).collect();
    let page = found.iter().skip(asked.offset).take(asked.count);
    let mut entries = Vec::with_capacity(asked.count.min(found.len()) + 1);
    for one in page {
        let url = serde_json::to_string(&format!("{base}/{kind}/{}", one.id))
            .map_err(|error| Fault::new("writing a URL", error))?;
        let mut entry = format!("{{\"fullUrl\":{url},\"resource\":").into_bytes();
        entry.extend_from_slice(one.bytes.trim_ascii());
        entry.extend_from_slice(b",\"search\":{\"mode\":\"match\"}}");
        entries.push(entry);
    }
    if !asked.ignored.is_empty() {
        let url = bundle::name_of(&asked.ignored);
        let mut entry = format!("{{\"fullUrl\":\"{url}\",\"resource\":").into_bytes();
        entry.extend(warning(&asked.ignored)?);
        entry.extend_from_slice(b",\"search\":{\"mode\":\"outcome\"}}");
        entries.push(entry);
    }
    let address = format!("{base}/{kind}");
    let mut links = vec![json!({"relation": "self", "url": asked.link(&address, asked.offset)})];
    let next = asked.offset.saturating_add(asked.count);
    if asked.count > 0 && next < found.len() {
        links.push(json!({"relation": "next", "url": asked.link(&address, next)}));
    }
    let mut bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":{},\"link\":{}",
        found.len(),
        Value::Array(links)
    )
    .into_bytes();
    // FHIR JSON has no empty arrays.
    if !entries.is_empty() {
        bundle.extend_from_slice(b",\"entry\":[");
        bundle.extend(entries.join(&b','));
        bundle.push(b']');
    }
    bundle.push(b'}');
    Ok(bundle)
}

fn warning(ignored: &[String]) -> Result<Vec<u8>, Fault> {
    let words = format!("Ignored, because not known here: {}.", ignored.join(", "));
    let built = outcome::issue(IssueSeverity::Warning, IssueType::NotSupported, &words)
        .and_then(|issue| outcome::of(vec![issue]))
        .map_err(|error| Fault::new("putting a page together", error.to_string()))?;
    bytes(&Resource::from(built))
}

impl Asked {
    fn matches(&self, one: &Definition) -> bool {
        self.conditions.iter().all(|known| {
            let value = (known.of)(one);
            known.values.iter().any(|wanted| (known.how)(value, wanted))
        })
    }

    fn link(&self, address: &str, offset: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.pairs);
        if offset > 0 {
            query.append_pair(OFFSET, &offset.to_string());
        }
        match query.finish() {
            query if query.is_empty() => address.to_owned(),
            query => format!("{address}?{query}"),
        }
    }
}

fn parse(pairs: &[(String, String)], handling: Handling) -> Result<Asked, Refusal> {
    let mut asked = Asked {
        conditions: Vec::new(),
        pairs: Vec::new(),
        count: COUNT.0,
        offset: 0,
        ignored: Vec::new(),
    };
    for (name, value) in pairs {
        // An empty value says nothing (R4 search, 3.1.1.3).
        if value.is_empty() {
            continue;
        }
        match name.as_str() {
            "_format" | "_pretty" => continue,
            "_count" => asked.count = number(name, value)?.min(COUNT.1),
            OFFSET => {
                asked.offset = number(name, value)?;
                continue;
            }
            _ => match condition(name, value)? {
                Some(condition) => asked.conditions.push(condition),
                None if handling == Handling::Strict => {
                    let why = format!("This search knows {}, _count.", known().join(", "));
                    return Err(Refusal::invalid(name, why));
                }
                None => {
                    asked.ignored.push(name.clone());
                    continue;
                }
            },
        }
        asked.pairs.push((name.clone(), value.clone()));
    }
    Ok(asked)
}

/// The names of the search parameters.
fn known() -> [&'static str; 4] {
    PARAMETERS.map(|(name, _, _)| name)
}

/// `None` for a parameter that is not known.
fn condition(name: &str, value: &str) -> Result<Option<Condition>, Refusal> {
    let (bare, modifier) = name.split_once(':').unwrap_or((name, ""));
    let of: fn(&Definition) -> &str = match bare {
        "_id" => |one| &one.id,
        "url" => |one| &one.url,
        "name" => |one| &one.name,
        "version" => |one| &one.version,
        _ => return Ok(None),
    };
    let how: fn(&str, &str) -> bool = match (bare, modifier) {
        ("name", "") => |is, wanted| is.to_lowercase().starts_with(&wanted.to_lowercase()),
        ("name", "contains") => |is, wanted| is.to_lowercase().contains(&wanted.to_lowercase()),
        ("name", "exact") | (_, "") => |is, wanted| is == wanted,
        ("name", _) => {
            let why = "The modifiers of name are :exact and :contains.";
            return Err(Refusal::invalid(name, why));
        }
        _ => return Err(Refusal::invalid(name, format!("{bare} takes no modifier."))),
    };
    Ok(Some(Condition {
        of,
        how,
        values: alternatives(value),
    }))
}

/// The values between the commas that are not escaped (R4 search, 3.1.1.5.7.1).
fn alternatives(value: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            ',' => {
                all.push(String::new());
                continue;
            }
            '\\' => letters.next().unwrap_or('\\'),
            letter => letter,
        };
        if let Some(last) = all.last_mut() {
            last.push(letter);
        }
    }
    // Nothing between two commas is no value, and would else be the beginning of every name.
    all.retain(|one| !one.is_empty());
    all
}

fn number(name: &str, value: &str) -> Result<usize, Refusal> {
    value
        .parse::<u32>()
        .ok()
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| Refusal::invalid(name, "This has to be a whole number, 0 or more."))
}

#[cfg(test)]
mod tests;
