//! A scope in its reader's words: which part of a record, whose, and what an app may do with it.

use super::plain::plain;

/// Scopes shown under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeGroup {
    /// The heading.
    pub title: &'static str,
    /// The scopes, those of one kind of record beside each other.
    pub scopes: Vec<ScopeChoice>,
}

/// One checkbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeChoice {
    /// The scope's own text, the checkbox's value.
    pub scope: String,
    /// A few words: what it opens.
    pub title: String,
    /// One sentence: what that means.
    pub meaning: String,
    /// True where the app cannot work without it; shown ticked and fixed.
    pub required: bool,
}

/// Who reads the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A patient, whose own record it is.
    Patient,
    /// A member of staff.
    Staff,
}

/// Sorts the asked scopes into the groups of the page, in plain words; empty groups are left out. `required` names
/// those the reader cannot take out.
pub fn groups(reader: Reader, asked: &[&str], required: &[&str]) -> Vec<ScopeGroup> {
    let mut said: Vec<(&str, Words)> = asked
        .iter()
        .map(|scope| (*scope, describe(reader, scope)))
        .collect();
    said.sort_by_key(|(_, words)| words.place);
    let titles = [(READ, own(reader, "Read your record", "Read records"))];
    let others = [CHANGE, SIGN_IN, STAY, OTHER].map(|title| (title, title));
    titles
        .into_iter()
        .chain(others)
        .map(|(group, title)| ScopeGroup {
            title,
            scopes: said
                .iter()
                .filter(|(_, words)| words.group == group)
                .map(|(scope, words)| ScopeChoice {
                    scope: (*scope).to_owned(),
                    title: words.title.clone(),
                    meaning: words.meaning.clone(),
                    required: required.contains(scope),
                })
                .collect(),
        })
        .filter(|group| !group.scopes.is_empty())
        .collect()
}

const READ: &str = "Read";
const CHANGE: &str = "Make changes";
const STAY: &str = "Stay connected";
const SIGN_IN: &str = "Know who you are";
const OTHER: &str = "Other rights";

/// How much of a code or a technical name is shown.
const LONGEST: usize = 80;

struct Words {
    group: &'static str,
    title: String,
    meaning: String,
    place: usize,
}

/// Scope text, group, title, meaning to a patient, meaning to staff: the scopes that name no resource.
const FIXED: &[(&str, &str, &str, &str, &str)] = &[
    (
        "openid",
        SIGN_IN,
        "Your login",
        "The app learns that it is you, under an identifier, not your password.",
        "The app learns that it is you, under an identifier, not your password.",
    ),
    (
        "fhirUser",
        SIGN_IN,
        "Who you are here",
        "The app learns which patient record belongs to you.",
        "The app learns which clinician's record belongs to you.",
    ),
    (
        "profile",
        SIGN_IN,
        "Who you are here",
        "The app learns which patient record belongs to you.",
        "The app learns which clinician's record belongs to you.",
    ),
    (
        "launch/patient",
        SIGN_IN,
        "Which record",
        "The app opens your record and nobody else's.",
        "The app learns which patient it was opened for.",
    ),
    (
        "launch",
        SIGN_IN,
        "Where you started",
        "The app learns from where you opened it.",
        "The app learns from where you opened it: the patient, and the visit if there was one.",
    ),
    (
        "offline_access",
        STAY,
        "Stay connected when you are away",
        "The app may come back later, for up to a year, without asking you to log in. It ends by itself after 100 days without use. Without this, you log in again each time.",
        "The app may come back later, for up to a year, without asking you to log in. It ends by itself after 100 days without use. Without this, you log in again each time.",
    ),
    (
        "online_access",
        STAY,
        "Stay connected while you are logged in",
        "The app keeps working while you are logged in here, and stops when you log out or your login ends.",
        "The app keeps working while you are logged in here, and stops when you log out or your login ends.",
    ),
];

/// A kind of record: how a patient and how staff read its name and what it holds.
struct Kind {
    name: &'static str,
    own: (&'static str, &'static str),
    staff: (&'static str, &'static str),
    /// Whether each record is about one patient.
    personal: bool,
}

const fn kind(
    name: &'static str,
    own: (&'static str, &'static str),
    staff: (&'static str, &'static str),
    personal: bool,
) -> Kind {
    Kind {
        name,
        own,
        staff,
        personal,
    }
}

const RESOURCES: &[Kind] = &[
    kind(
        "Patient",
        (
            "Your details",
            "your name, birth date, address, phone and email",
        ),
        (
            "Patient details",
            "the name, birth date, address, phone and email",
        ),
        true,
    ),
    kind(
        "Appointment",
        (
            "Your appointments",
            "your appointments: the time, place and status",
        ),
        ("Appointments", "the appointments: time, place and status"),
        true,
    ),
    kind(
        "Encounter",
        (
            "Your visits",
            "your past visits: the day, the reason and whom you saw",
        ),
        ("Visits", "the past visits: day, reason and clinician"),
        true,
    ),
    kind(
        "Communication",
        ("Your messages", "the messages between you and the practice"),
        ("Messages", "the messages with the practice"),
        true,
    ),
    kind(
        "DocumentReference",
        (
            "Your documents: the list",
            "the names, dates and kinds of your documents",
        ),
        (
            "Documents: the list",
            "the names, dates and kinds of the documents",
        ),
        true,
    ),
    kind(
        "Binary",
        ("Your documents: the files", "the content of your documents"),
        ("Documents: the files", "the content of the documents"),
        true,
    ),
    kind(
        "Practitioner",
        ("Your clinicians", "the names of the people who treat you"),
        ("Clinicians", "the names of the people who work here"),
        false,
    ),
    kind(
        "Organization",
        (
            "The practice",
            "the name and contact details of the practice",
        ),
        (
            "The practice",
            "the name and contact details of the practice",
        ),
        false,
    ),
    kind(
        "Location",
        ("Places", "the addresses where you are seen"),
        ("Places", "the addresses of the practice"),
        false,
    ),
    kind(
        "*",
        (
            "Everything in your record",
            "all parts of your record that the practice shares",
        ),
        ("Everything", "all parts of the record that are shared"),
        true,
    ),
];

/// Parameter of a granular scope, and how it reads before the code.
const FILTERS: &[(&str, &str)] = &[
    ("category", "of the category"),
    ("type", "of the type"),
    ("status", "with the status"),
];

/// Systems whose codes are known by a name.
const SYSTEMS: &[(&str, &str)] = &[
    ("http://loinc.org", "LOINC"),
    ("http://snomed.info/sct", "SNOMED CT"),
    (
        "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
        "US Core",
    ),
];

fn own<T>(reader: Reader, patient: T, staff: T) -> T {
    match reader {
        Reader::Patient => patient,
        Reader::Staff => staff,
    }
}

fn describe(reader: Reader, scope: &str) -> Words {
    if let Some(place) = FIXED.iter().position(|row| row.0 == scope)
        && let Some((_, group, title, to_patient, to_staff)) = FIXED.get(place)
    {
        return Words {
            group,
            title: (*title).to_owned(),
            meaning: own(reader, *to_patient, *to_staff).to_owned(),
            place,
        };
    }
    // SMART 2.2, 3.0.2.3: a query part narrows the scope to some records of the type.
    let (path, filter) = match scope.split_once('?') {
        Some((path, filter)) => (path, Some(filter)),
        None => (scope, None),
    };
    let Some((level @ ("patient" | "user"), rest)) = path.split_once('/') else {
        return technical(scope);
    };
    let Some((name, letters)) = rest.split_once('.') else {
        return technical(scope);
    };
    let place = RESOURCES.iter().position(|known| known.name == name);
    let known = place.and_then(|place| RESOURCES.get(place));
    let (title, mut holds) = match known {
        Some(known) => {
            let (title, holds) = own(reader, known.own, known.staff);
            (title.to_owned(), holds.to_owned())
        }
        None => {
            let name = plain(name, LONGEST);
            (
                format!("Records named {name}"),
                format!("the parts of the record named {name}"),
            )
        }
    };
    if reader == Reader::Staff && known.is_none_or(|known| known.personal) {
        holds.push_str(match level {
            "user" => " of every patient you may see",
            _ => " of this patient",
        });
    }
    let only = filter.map(only).unwrap_or_default();
    let place = place.unwrap_or(RESOURCES.len());
    let verbs = change_verbs(name, letters);
    if verbs.is_empty() {
        Words {
            group: READ,
            title,
            meaning: format!("The app may read {holds}.{only}"),
            place,
        }
    } else {
        let reads = if reads(letters) { "read and " } else { "" };
        Words {
            group: CHANGE,
            title,
            meaning: format!("The app may {reads}{verbs} {holds}.{only}{}", limit(name)),
            place,
        }
    }
}

/// A word nobody has put into plain ones, as it is.
fn technical(scope: &str) -> Words {
    Words {
        group: OTHER,
        title: plain(scope, LONGEST),
        meaning:
            "The app asks for this by its technical name. Ask the practice if you are not sure."
                .to_owned(),
        place: usize::MAX,
    }
}

/// The sentence of a granular scope: `category=http://loinc.org|11488-4&status=current`.
fn only(filter: &str) -> String {
    let parts: Vec<String> = filter
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = FILTERS.iter().find(|(known, _)| *known == name);
            let before = match known {
                Some((_, words)) => (*words).to_owned(),
                None => format!("where {} is", plain(name, LONGEST)),
            };
            format!("{before} {}", code(value))
        })
        .collect();
    format!(" Only those {}.", parts.join(" and "))
}

/// A token value, its code as words where it is made of words.
fn code(value: &str) -> String {
    let (system, code) = match value.rsplit_once('|') {
        Some((system, code)) => (system, code),
        None => ("", value),
    };
    let words = code.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    let shown = match words {
        true => code.replace('-', " "),
        false => code.to_owned(),
    };
    let shown = plain(&shown, LONGEST);
    let from = match SYSTEMS.iter().find(|(known, _)| *known == system) {
        Some((_, name)) => format!(" ({name})"),
        None if system.is_empty() => String::new(),
        None => format!(" ({})", plain(system, LONGEST)),
    };
    format!("“{shown}”{from}")
}

fn reads(letters: &str) -> bool {
    matches!(letters, "read" | "*") || letters.contains(['r', 's']) && letters != "write"
}

/// What a scope's letters let an app do beside reading; v1 words and v2 letters.
fn change_verbs(kind: &str, letters: &str) -> String {
    let letters = match letters {
        "read" => "rs",
        "write" => "cud",
        "*" => "cruds",
        other => other,
    };
    let update = if kind == "Appointment" {
        "cancel"
    } else {
        "change"
    };
    let verbs: Vec<&str> = [('c', "add to"), ('u', update), ('d', "delete")]
        .into_iter()
        .filter(|(letter, _)| letters.contains(*letter))
        .map(|(_, verb)| verb)
        .collect();
    verbs.join(", ")
}

/// The sentence that says where a change ends.
fn limit(kind: &str) -> &'static str {
    match kind {
        "Appointment" => " The practice's own rules still apply.",
        _ => " The practice may check a change first.",
    }
}

#[cfg(test)]
mod tests;
