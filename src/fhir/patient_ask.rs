//! From a Patient that was sent to what of the chart is to be other than before. What has no place in the chart is
//! refused by name.

use fhir_sdk::Date;
use fhir_sdk::r4b::codes::AdministrativeGender;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::Resource;
use serde_json::Map;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::people::Address;
use crate::domain::people::Code;
use crate::domain::people::Gender;
use crate::domain::people::Means;
use crate::domain::people::Name;
use crate::domain::people::Patient;
use crate::domain::people::Person;
use crate::domain::people::Telecom;
use crate::domain::records::Record;
use crate::domain::refusal::Refusal;
use crate::fhir::Base;
use crate::fhir::ask::Sent;
use crate::fhir::body;
use crate::fhir::bytes;
use crate::fhir::kept;
use crate::fhir::render;
use crate::portal::Ask;
use crate::portal::chart::ChartAsk;
use crate::portal::chart::Edit;
use crate::portal::chart::Part;
use crate::portal::chart::said;

const LANGUAGE: &str = "urn:ietf:bcp:47";
const MARITAL: &str = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";

/// The Ask of a chart that was sent.
///
/// # Errors
/// `Unprocessable` at the element that has no place in the chart.
pub(super) fn of(sent: Sent<'_>, base: &Base) -> Result<Ask, Refusal> {
    let Resource::Patient(typed) = &sent.resource else {
        let why = "this is the address of a Patient";
        return Err(Refusal::invalid("$this.resourceType", why));
    };
    let json = json(&sent.resource)?;
    let before = match sent.before {
        Some(Record::Patient(patient)) => Some(patient.as_ref()),
        Some(_) => return Err(Refusal::NotFound),
        None => None,
    };
    for element in &sent.changed {
        if let Some(value) = json.get(element) {
            kept::printable(&format!("Patient.{element}"), value)?;
        }
    }
    let empty = blank(sent.id);
    let known = before.unwrap_or(&empty);
    let mut wanted = known.clone();
    let mut edit = Edit {
        before: known.clone(),
        parts: Vec::new(),
        former_names: false,
        former_homes: false,
    };
    let shown = json_of(known, base)?;
    for element in &sent.changed {
        match element.as_str() {
            "name" => edit.former_names = names(&mut wanted, (&json, &shown))?,
            "telecom" => telecom(&mut wanted, &json),
            "address" => edit.former_homes = addresses(&mut wanted, (&json, &shown)),
            "maritalStatus" => wanted.marital = marital(json.get("maritalStatus"))?,
            "communication" => wanted.language = language(json.get("communication"))?,
            "contact" => wanted.contact = contact(json.get("contact")),
            "gender" => wanted.gender = gender(typed)?,
            "birthDate" => wanted.birth_date = birth_date(typed)?,
            // The rest is compared with what is always shown: a chart is active.
            _ => {}
        }
    }
    let result = json_of(&wanted, base)?;
    for element in &sent.changed {
        let former = match element.as_str() {
            "name" => edit.former_names,
            "address" => edit.former_homes,
            _ => false,
        };
        // The rules say why earlier ones are not changed.
        if !former {
            let place = format!("Patient.{element}");
            kept::whole(&place, json.get(element), result.get(element))?;
        }
    }
    for part in Part::ALL {
        let text = said(&wanted, part);
        if before.is_none_or(|before| said(before, part) != text) {
            edit.parts.push((part, text));
        }
    }
    Ok(Ask::Chart(match before {
        Some(_) => ChartAsk::Edit(Box::new(edit)),
        None => ChartAsk::Open {
            id: sent.id,
            parts: edit
                .parts
                .into_iter()
                .filter(|(part, text)| {
                    !text.is_empty() && (*part != Part::Gender || typed.gender.is_some())
                })
                .collect(),
        },
    }))
}

fn json(resource: &Resource) -> Result<Map<String, Value>, Refusal> {
    let unreadable = || Refusal::invalid("$this", "it cannot be written in FHIR").understood();
    let bytes = bytes(resource).map_err(|_| unreadable())?;
    body::object(&bytes).map_err(|_| unreadable())
}

fn json_of(patient: &Patient, base: &Base) -> Result<Map<String, Value>, Refusal> {
    let record = Record::Patient(Box::new(patient.clone()));
    let resource = render(&record, base);
    let unreadable = || Refusal::invalid("Patient", "it cannot be written in FHIR").understood();
    json(&resource.map_err(|_| unreadable())?)
}

/// A chart that says nothing yet.
fn blank(uuid: Uuid) -> Patient {
    Patient {
        person: Person { pid: 0, uuid },
        chart_number: String::new(),
        account: None,
        portal_status: None,
        name: Name::default(),
        preferred_name: String::new(),
        old_names: Vec::new(),
        birth_date: None,
        gender: Gender::Unknown,
        birth_sex: None,
        gender_identity: None,
        race: Vec::new(),
        ethnicity: Vec::new(),
        tribes: Vec::new(),
        marital: None,
        language: None,
        telecom: Vec::new(),
        addresses: Vec::new(),
        deceased: None,
        contact: None,
        provider: None,
        organization: None,
        last_updated: None,
    }
}

fn items<'v>(json: &'v Map<String, Value>, name: &str) -> &'v [Value] {
    json.get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let all = value[name].as_array().map_or(&[][..], Vec::as_slice);
    all.iter()
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

/// An entry that is past: marked old, or ended.
fn is_former(value: &Value) -> bool {
    value["use"] == "old" || value["period"]["end"].is_string()
}

/// Whether the past entries differ from those that are shown.
fn differs(element: &str, (json, shown): (&Map<String, Value>, &Map<String, Value>)) -> bool {
    let former = |of: &Map<String, Value>| {
        let all = items(of, element).iter().filter(|one| is_former(one));
        Value::Array(all.cloned().collect())
    };
    let (sent, known) = (former(json), former(shown));
    kept::whole(element, Some(&sent), Some(&known)).is_err()
}

/// The present name and what the patient likes to be called; whether earlier names would differ.
fn names(
    wanted: &mut Patient,
    (json, shown): (&Map<String, Value>, &Map<String, Value>),
) -> Result<bool, Refusal> {
    let mut official = Vec::new();
    let mut usual = Vec::new();
    for (index, name) in items(json, "name").iter().enumerate() {
        match name["use"].as_str() {
            _ if is_former(name) => {}
            None | Some("official") => official.push(name),
            Some("usual") => usual.push(name),
            Some(_) => {
                let place = format!("Patient.name[{index}].use");
                let why =
                    "the chart has one official name, one usual given name and earlier names (old)";
                return Err(Refusal::invalid(place, why).understood());
            }
        }
    }
    let first = |all: Vec<String>| all.into_iter().next().unwrap_or_default();
    wanted.name = official.first().map_or_else(Name::default, |name| Name {
        prefix: first(texts(name, "prefix")),
        given: texts(name, "given").into_iter().take(2).collect(),
        family: text(name, "family"),
        suffix: first(texts(name, "suffix")),
    });
    wanted.preferred_name = usual
        .first()
        .map_or_else(String::new, |name| first(texts(name, "given")));
    Ok(differs("name", (json, shown)))
}

/// One phone of each use and the e-mail; the second e-mail stays as it is.
fn telecom(wanted: &mut Patient, json: &Map<String, Value>) {
    let known = std::mem::take(&mut wanted.telecom);
    let of = |system: &str, used: &str| {
        let mut found = items(json, "telecom").iter().filter(|one| {
            one["system"] == system && one["use"].as_str().unwrap_or_default() == used
        });
        found.next().map(|one| text(one, "value"))
    };
    let phones = ["home", "work", "mobile"].into_iter().filter_map(|used| {
        of("phone", used).map(|value| Telecom {
            system: Means::Phone,
            value,
            used,
        })
    });
    wanted.telecom.extend(phones);
    if let Some(value) = of("email", "") {
        wanted.telecom.push(Telecom {
            system: Means::Email,
            value,
            used: "",
        });
    }
    let second = known
        .into_iter()
        .filter(|one| one.system == Means::Email)
        .nth(1);
    wanted.telecom.extend(second);
}

/// The present address; whether earlier or further ones would differ.
fn addresses(
    wanted: &mut Patient,
    (json, shown): (&Map<String, Value>, &Map<String, Value>),
) -> bool {
    let present = |of: &'_ Map<String, Value>| -> Vec<Value> {
        let all = items(of, "address").iter().filter(|one| !is_former(one));
        all.cloned().collect()
    };
    let (sent, known) = (present(json), present(shown));
    let further = |all: &[Value]| Value::Array(all.iter().skip(1).cloned().collect());
    let moved = kept::whole("address", Some(&further(&sent)), Some(&further(&known))).is_err();
    let home = sent.first().map(|one| Address {
        lines: texts(one, "line").into_iter().take(2).collect(),
        city: text(one, "city"),
        district: text(one, "district"),
        state: text(one, "state"),
        postal_code: text(one, "postalCode"),
        country: text(one, "country"),
        old: None,
    });
    let place = wanted.addresses.iter().position(|one| one.old.is_none());
    match (home, place) {
        (Some(home), Some(place)) => wanted.addresses[place] = home,
        (Some(home), None) => wanted.addresses.insert(0, home),
        (None, Some(place)) => {
            wanted.addresses.remove(place);
        }
        (None, None) => {}
    }
    moved || differs("address", (json, shown))
}

/// The one coding of a concept, of a system the practice's list has codes of.
fn coding(concept: &Value, place: &str, systems: &[&'static str]) -> Result<Code, Refusal> {
    let codings = concept["coding"].as_array().map_or(&[][..], Vec::as_slice);
    let known = codings
        .first()
        .filter(|_| codings.len() == 1)
        .and_then(|one| {
            let mut systems = systems.iter().copied();
            let system = systems.find(|system| one["system"] == *system)?;
            Some((system, one))
        });
    let Some((system, one)) = known else {
        let why = format!("it has one coding, of {}", systems.join(" or "));
        return Err(Refusal::invalid(format!("{place}.coding"), why).understood());
    };
    let words = one["display"].as_str().or(concept["text"].as_str());
    Ok(Code {
        system,
        code: text(one, "code"),
        display: words.unwrap_or_default().to_owned(),
    })
}

fn marital(concept: Option<&Value>) -> Result<Option<Code>, Refusal> {
    let systems = [
        MARITAL,
        "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
    ];
    concept
        .map(|concept| coding(concept, "Patient.maritalStatus", &systems))
        .transpose()
}

fn language(spoken: Option<&Value>) -> Result<Option<Code>, Refusal> {
    let first = spoken.and_then(Value::as_array).and_then(|all| all.first());
    let place = "Patient.communication[0].language";
    first
        .map(|one| coding(&one["language"], place, &[LANGUAGE]))
        .transpose()
}

fn contact(contacts: Option<&Value>) -> Option<(String, String)> {
    let one = contacts?.as_array()?.first()?;
    Some((
        text(&one["name"], "text"),
        text(&one["telecom"][0], "value"),
    ))
}

fn gender(typed: &resources::Patient) -> Result<Gender, Refusal> {
    match &typed.gender {
        Some(AdministrativeGender::Female) => Ok(Gender::Female),
        Some(AdministrativeGender::Male) => Ok(Gender::Male),
        Some(AdministrativeGender::Other) => Ok(Gender::Other),
        Some(AdministrativeGender::Unknown) => Ok(Gender::Unknown),
        _ => {
            let why = "one of female, male, other and unknown is needed";
            Err(Refusal::invalid("Patient.gender", why).understood())
        }
    }
}

fn birth_date(typed: &resources::Patient) -> Result<Option<time::Date>, Refusal> {
    match &typed.birth_date {
        None => Ok(None),
        Some(Date::Date(day)) => Ok(Some(*day)),
        Some(_) => {
            let why = "a whole date is needed, as YYYY-MM-DD";
            Err(Refusal::invalid("Patient.birthDate", why).understood())
        }
    }
}

#[cfg(test)]
mod tests;
