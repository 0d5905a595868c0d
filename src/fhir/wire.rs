//! Data types of FHIR from the domain's words. Empty texts become absent elements, never empty ones.

use fhir_sdk::BuilderError;
use fhir_sdk::Date;
use fhir_sdk::DateTime;
use fhir_sdk::Instant;
use fhir_sdk::r4b::codes::AddressUse;
use fhir_sdk::r4b::codes::ContactPointSystem;
use fhir_sdk::r4b::codes::ContactPointUse;
use fhir_sdk::r4b::codes::NameUse;
use fhir_sdk::r4b::types::Address;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::Coding;
use fhir_sdk::r4b::types::ContactPoint;
use fhir_sdk::r4b::types::Extension;
use fhir_sdk::r4b::types::ExtensionValue;
use fhir_sdk::r4b::types::FieldExtension;
use fhir_sdk::r4b::types::HumanName;
use fhir_sdk::r4b::types::Identifier;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Period;
use fhir_sdk::r4b::types::Reference;
use time::OffsetDateTime;
use time::UtcOffset;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::people;
use crate::domain::people::Code;
use crate::domain::people::Means;
use crate::domain::people::Name;
use crate::domain::people::Telecom;
use crate::domain::records::Record;
use crate::fhir::served;
use crate::fhir::version_id;

/// What a builder answers: an error means that this program forgot a required element.
pub(super) type Built<T> = Result<T, BuilderError>;

/// The system of national provider identifiers.
pub(super) const NPI: &str = "http://hl7.org/fhir/sid/us-npi";

/// Extension for a mandatory element whose value nobody knows.
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// The code system of why there is none.
pub(super) const REASON: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

/// Text without blanks around it and without control characters, which FHIR forbids; `None` where nothing is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let forbidden = |letter: char| letter < ' ' && !matches!(letter, '\n' | '\r' | '\t');
    match trimmed.contains(forbidden) {
        false if trimmed.is_empty() => None,
        false => Some(trimmed.to_owned()),
        true => clean(&trimmed.replace(forbidden, "")),
    }
}

/// A list as fhir-sdk wants it: its `None` is JSON's null, which is never written here.
pub(super) fn list<T>(items: impl IntoIterator<Item = T>) -> Vec<Option<T>> {
    items.into_iter().map(Some).collect()
}

/// Version, time of the last change in UTC, and profile of a record.
pub(super) fn meta(record: &Record) -> Built<Meta> {
    let mut meta = Meta::builder().version_id(version_id(record)).build()?;
    meta.last_updated = record
        .last_updated()
        .map(|at| Instant(at.to_offset(UtcOffset::UTC)));
    let profile = served(record.kind()).and_then(|served| served.profile);
    meta.profile = list(profile.map(str::to_owned));
    Ok(meta)
}

/// A moment.
pub(super) fn date_time(at: OffsetDateTime) -> DateTime {
    DateTime::DateTime(Instant(at))
}

/// A relative reference; the display where there is one.
pub(super) fn reference(kind: ResourceType, id: Uuid, display: &str) -> Built<Reference> {
    let mut reference = Reference::builder()
        .reference(format!("{}/{id}", kind.name()))
        .build()?;
    reference.display = clean(display);
    Ok(reference)
}

/// A coding; the display where there is one.
pub(super) fn coding(system: &str, code: &str, display: &str) -> Built<Coding> {
    let mut coding = Coding::builder().system(system.to_owned()).build()?;
    coding.code = clean(code);
    coding.display = clean(display);
    Ok(coding)
}

/// A concept of one coding, with its display as text.
pub(super) fn concept(code: &Code) -> Built<CodeableConcept> {
    let mut concept = words(&code.display)?;
    if !code.code.trim().is_empty() {
        concept.coding = list([coding(code.system, &code.code, &code.display)?]);
    }
    Ok(concept)
}

/// A concept that has words only.
pub(super) fn words(text: &str) -> Built<CodeableConcept> {
    let mut concept = CodeableConcept::builder().build()?;
    concept.text = clean(text);
    Ok(concept)
}

/// A simple extension.
pub(super) fn extension(url: &str, value: ExtensionValue) -> Built<Extension> {
    Extension::builder()
        .url(url.to_owned())
        .value(value)
        .build()
}

/// The code that stands where a mandatory one is not known.
pub(super) fn unknown_code() -> Built<CodeableConcept> {
    let mut concept = CodeableConcept::builder().build()?;
    concept.coding = list([coding(REASON, "unknown", "Unknown")?]);
    Ok(concept)
}

/// The extension that stands where a mandatory value is not known.
pub(super) fn unknown() -> Built<Extension> {
    extension(ABSENT, ExtensionValue::Code("unknown".to_owned()))
}

/// The same beside a primitive element.
pub(super) fn unknown_field() -> Built<FieldExtension> {
    FieldExtension::builder()
        .extension(vec![unknown()?])
        .build()
}

/// What stands beside a primitive element that is there and is not told.
pub(super) fn masked_field() -> Built<FieldExtension> {
    FieldExtension::builder()
        .extension(vec![extension(
            ABSENT,
            ExtensionValue::Code("masked".to_owned()),
        )?])
        .build()
}

/// An identifier of one system.
pub(super) fn identifier(system: &str, value: &str) -> Built<Identifier> {
    let mut identifier = Identifier::builder().system(system.to_owned()).build()?;
    identifier.value = clean(value);
    Ok(identifier)
}

/// The identifier everything with an id can have: its id as URN.
pub(super) fn urn(id: Uuid) -> Built<Identifier> {
    identifier("urn:ietf:rfc:3986", &id.urn().to_string())
}

/// The NPI where it is one: US Core (us-core-16, us-core-17) wants ten digits whose last is right, and what staff
/// typed into the field is not always that.
pub(super) fn npi(number: &str) -> Built<Option<Identifier>> {
    let number = number.trim();
    match is_npi(number) {
        true => identifier(NPI, number).map(Some),
        false => Ok(None),
    }
}

/// Ten digits with the check digit of ISO/IEC 7812 over the prefix 80840, whose own sum is 24.
pub(super) fn is_npi(number: &str) -> bool {
    let digits: Vec<u32> = number
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .collect();
    let weighed = |(index, digit): (usize, &u32)| match index % 2 {
        0 if *digit > 4 => digit * 2 - 9,
        0 => digit * 2,
        _ => *digit,
    };
    let sum: u32 = digits.iter().enumerate().map(weighed).sum();
    number.len() == 10 && digits.len() == 10 && (sum + 24).is_multiple_of(10)
}

/// A name as FHIR splits it; with neither family nor given name it says that they are unknown (us-core-6).
pub(super) fn human_name(name: &Name, used: NameUse) -> Built<HumanName> {
    let mut human = HumanName::builder().r#use(used).build()?;
    human.family = clean(&name.family);
    human.given = list(name.given.iter().filter_map(|given| clean(given)));
    human.prefix = list(clean(&name.prefix));
    human.suffix = list(clean(&name.suffix));
    if human.family.is_none() && human.given.is_empty() {
        human.extension = vec![unknown()?];
    }
    Ok(human)
}

/// A period that has ended; nothing where nobody knows when.
pub(super) fn until(day: Option<time::Date>) -> Built<Option<Period>> {
    day.map(|day| {
        Period::builder()
            .end(DateTime::Date(Date::Date(day)))
            .build()
    })
    .transpose()
}

/// Ways of reaching somebody, without the empty ones.
pub(super) fn telecoms(known: &[Telecom]) -> Built<Vec<Option<ContactPoint>>> {
    let mut points = Vec::with_capacity(known.len());
    for telecom in known {
        let Some(value) = clean(&telecom.value) else {
            continue;
        };
        let system = match telecom.system {
            Means::Phone => ContactPointSystem::Phone,
            Means::Fax => ContactPointSystem::Fax,
            Means::Email => ContactPointSystem::Email,
            Means::Url => ContactPointSystem::Url,
        };
        let mut point = ContactPoint::builder()
            .system(system)
            .value(value)
            .build()?;
        point.r#use = match telecom.used {
            "home" => Some(ContactPointUse::Home),
            "work" => Some(ContactPointUse::Work),
            "mobile" => Some(ContactPointUse::Mobile),
            _ => None,
        };
        points.push(Some(point));
    }
    Ok(points)
}

/// An address, or nothing where every part is empty. `used` is its use while it is not an old one.
pub(super) fn address(known: &people::Address, used: AddressUse) -> Built<Option<Address>> {
    let mut address = Address::builder().build()?;
    address.line = list(known.lines.iter().filter_map(|line| clean(line)));
    address.city = clean(&known.city);
    address.district = clean(&known.district);
    address.state = clean(&known.state);
    address.postal_code = clean(&known.postal_code);
    address.country = clean(&known.country);
    let parts = [
        &address.city,
        &address.district,
        &address.state,
        &address.postal_code,
        &address.country,
    ];
    if address.line.is_empty() && parts.iter().all(|part| part.is_none()) {
        return Ok(None);
    }
    address.r#use = Some(match known.old {
        Some(_) => AddressUse::Old,
        None => used,
    });
    address.period = until(known.old.flatten())?;
    Ok(Some(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cleaned() {
        assert_eq!(clean("  a b\n"), Some("a b".to_owned()));
        assert_eq!(clean(" \t "), None);
        assert_eq!(clean("a\u{0}\u{b}b\nc"), Some("ab\nc".to_owned()));
        assert_eq!(clean(" \u{1} "), None);
    }

    #[test]
    fn only_real_npis_are_npis() {
        for (number, right) in [
            ("1234567893", true),
            ("1245319599", true),
            ("1234567890", false),
            ("123456789", false),
            ("12345678930", false),
            ("12345a7893", false),
            ("", false),
        ] {
            assert_eq!(is_npi(number), right, "{number}");
        }
    }
}
