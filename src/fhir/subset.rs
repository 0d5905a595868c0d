//! Parts of resources: `_summary` and `_elements`, on FHIR JSON that was written already.

mod parts;

use std::ops::Range;

use crate::domain::refusal::Refusal;
use crate::fhir::subset::parts::PARTS;

/// Elements a request may name at most.
const MOST_ELEMENTS: usize = 100;

/// Says that this is not the whole resource.
const SUBSETTED: &str = "{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ObservationValue\",\"code\":\"SUBSETTED\"}";

/// What no part is without: what it is, how it is to be understood, and that it is a part.
const ALWAYS: [&str; 5] = [
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "modifierExtension",
];

/// Root elements that may be of several types, as far as they are served.
const CHOICES: [&str; 4] = ["deceased", "multipleBirth", "occurred", "value"];

/// Which parts of a resource are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subset {
    /// All of it.
    #[default]
    Whole,
    /// `_summary=true`: what R4 marks as summary.
    Summary,
    /// `_summary=text`: the narrative and what must be there.
    Text,
    /// `_summary=data`: all but the narrative.
    Data,
    /// `_elements`: these root elements and what must be there; after a dot, of this type only.
    Elements(Vec<String>),
}

impl Subset {
    /// Reads `_summary` or `_elements`; `count` is no part of a resource.
    ///
    /// # Errors
    /// `Invalid` for anything else; `TooLarge` over 100 elements.
    pub fn of(name: &str, value: &str) -> Result<Self, Refusal> {
        if name == "_elements" {
            return elements(value);
        }
        match value {
            "true" => Ok(Self::Summary),
            "text" => Ok(Self::Text),
            "data" => Ok(Self::Data),
            "false" => Ok(Self::Whole),
            _ => {
                let why = "this is true, text, data or false, and for a search also count";
                Err(Refusal::invalid("_summary", why))
            }
        }
    }

    /// What the parameters of a read ask for. `_elements` says more than `_summary`.
    ///
    /// # Errors
    /// As [`Subset::of`].
    pub fn asked(pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let mut subset = Self::Whole;
        for (name, value) in pairs {
            if !matches!(name.as_str(), "_summary" | "_elements") {
                continue;
            }
            let found = Self::of(name, value)?;
            if !matches!((&subset, name.as_str()), (Self::Elements(_), "_summary")) {
                subset = found;
            }
        }
        Ok(subset)
    }

    /// The same for what a search includes: elements are chosen of what was searched for.
    pub fn of_included(&self) -> Self {
        match self {
            Self::Elements(_) => Self::Whole,
            other => other.clone(),
        }
    }

    fn keeps(&self, kind: &str, element: &str) -> bool {
        let row = PARTS.iter().find(|(known, ..)| known.name() == kind);
        let (must, summary) = row.map_or((&[][..], &[][..]), |(_, must, more)| (*must, *more));
        // The extension of a primitive goes with the primitive.
        let element = element.strip_prefix('_').unwrap_or(element);
        // What is contained is what the context refers to: one does not go without the other.
        let element = match element {
            "contained" => "context",
            other => other,
        };
        if ALWAYS.contains(&element) || must.iter().any(|known| is(known, element)) {
            return true;
        }
        match self {
            Self::Whole => true,
            Self::Summary => summary.iter().any(|known| is(known, element)),
            Self::Text => element == "text",
            Self::Data => element != "text",
            Self::Elements(wanted) => wanted.iter().any(|wanted| match wanted.split_once('.') {
                Some((type_name, wanted)) => type_name == kind && chosen(wanted, element),
                None => chosen(wanted, element),
            }),
        }
    }
}

fn elements(value: &str) -> Result<Subset, Refusal> {
    let names: Vec<String> = value
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    let usual = |name: &String| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    };
    if !names.iter().all(usual) {
        let why = "this is a list of elements of the resource, such as status,start";
        return Err(Refusal::invalid("_elements", why));
    }
    match names.len() > MOST_ELEMENTS {
        true => Err(Refusal::TooLarge("A request names at most 100 elements.")),
        false => Ok(Subset::Elements(names)),
    }
}

/// Whether an element is the one of the table, or one of its choices.
fn is(known: &str, element: &str) -> bool {
    match known.strip_suffix('*') {
        Some(choice) => is_choice(choice, element),
        None => known == element,
    }
}

/// Whether an element is the one that was asked for: by its name in JSON or by that of the choice it is of. A path
/// into an element asks for the element.
fn chosen(wanted: &str, element: &str) -> bool {
    let root = wanted.split('.').next().unwrap_or_default();
    root == element || CHOICES.contains(&root) && is_choice(root, element)
}

fn is_choice(choice: &str, element: &str) -> bool {
    let kind = element.strip_prefix(choice);
    kind.is_some_and(|kind| kind.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// The wanted parts of a resource, tagged as parts.
pub fn apply(resource: Vec<u8>, subset: &Subset) -> Vec<u8> {
    if *subset == Subset::Whole {
        return resource;
    }
    let members = members(&resource);
    let kind = members.iter().find(|member| member.name == b"resourceType");
    let kind = kind.and_then(|member| resource.get(member.value.clone()));
    let kind = String::from_utf8_lossy(kind.unwrap_or_default()).into_owned();
    let kind = kind.trim_matches('"');
    let mut part = Vec::with_capacity(resource.len());
    let mut tagged = false;
    for member in &members {
        let name = String::from_utf8_lossy(member.name);
        if !subset.keeps(kind, &name) {
            continue;
        }
        part.push(if part.is_empty() { b'{' } else { b',' });
        let value = resource.get(member.value.clone()).unwrap_or_default();
        part.extend_from_slice(b"\"");
        part.extend_from_slice(member.name);
        part.extend_from_slice(b"\":");
        match &*name {
            "meta" => {
                tagged = true;
                part.extend(tag(value));
            }
            _ => part.extend_from_slice(value),
        }
    }
    if part.is_empty() {
        return resource;
    }
    if !tagged {
        part.extend_from_slice(b",\"meta\":{\"tag\":[");
        part.extend_from_slice(SUBSETTED.as_bytes());
        part.extend_from_slice(b"]}");
    }
    part.push(b'}');
    part
}

/// `meta` with one tag more.
fn tag(meta: &[u8]) -> Vec<u8> {
    let members = members(meta);
    let tags = members.iter().find(|member| member.name == b"tag");
    // What stands before the bracket or brace that ends the list or the object.
    let at = match tags {
        Some(member) => member.value.end.saturating_sub(1),
        None => meta.len().saturating_sub(1),
    };
    let (before, after) = meta.split_at(at.min(meta.len()));
    let mut tagged = before.to_vec();
    match (tags, members.is_empty()) {
        (Some(_), _) => tagged.push(b','),
        (None, true) => tagged.extend_from_slice(b"\"tag\":["),
        (None, false) => tagged.extend_from_slice(b",\"tag\":["),
    }
    tagged.extend_from_slice(SUBSETTED.as_bytes());
    if tags.is_none() {
        tagged.push(b']');
    }
    tagged.extend_from_slice(after);
    tagged
}

/// A member of an object: its name, and where its value is.
struct Member<'a> {
    name: &'a [u8],
    value: Range<usize>,
}

/// The members of a JSON object as this server writes it, without anything between its signs. Only the ends of values
/// are looked for, so that numbers keep their digits and members their order.
fn members(object: &[u8]) -> Vec<Member<'_>> {
    let mut members = Vec::new();
    let (mut depth, mut inside, mut escaped) = (0_usize, false, false);
    let mut name = 0..0;
    let mut begin = 1;
    for (at, byte) in object.iter().enumerate() {
        match (inside, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => inside = !inside,
            (true, _) => {}
            (false, b'{' | b'[') => depth += 1,
            (false, b':') if depth == 1 && name.is_empty() => {
                // Without its quotation marks.
                name = begin + 1..at.saturating_sub(1);
                begin = at + 1;
            }
            (false, b',' | b'}' | b']') => {
                if depth == 1 && !name.is_empty() {
                    let found = object.get(std::mem::take(&mut name));
                    members.extend(found.map(|name| Member {
                        name,
                        value: begin..at,
                    }));
                    begin = at + 1;
                }
                if *byte != b',' {
                    depth = depth.saturating_sub(1);
                }
            }
            (false, _) => {}
        }
    }
    members
}

#[cfg(test)]
mod tests;
