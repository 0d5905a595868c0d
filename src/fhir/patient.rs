//! Patient: the front page of the chart, as US Core 7.0.0 wants it.

mod parameters;

use fhir_sdk::Date;
use fhir_sdk::r4b::codes::AddressUse;
use fhir_sdk::r4b::codes::AdministrativeGender;
use fhir_sdk::r4b::codes::ContactPointSystem;
use fhir_sdk::r4b::codes::IdentifierUse;
use fhir_sdk::r4b::codes::NameUse;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::PatientCommunication;
use fhir_sdk::r4b::resources::PatientContact;
use fhir_sdk::r4b::resources::PatientDeceased;
use fhir_sdk::r4b::types::ContactPoint;
use fhir_sdk::r4b::types::Extension;
use fhir_sdk::r4b::types::ExtensionValue;
use fhir_sdk::r4b::types::HumanName;
use fhir_sdk::r4b::types::Identifier;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::people::CHART_NUMBER;
use crate::domain::people::Code;
use crate::domain::people::Gender;
use crate::domain::people::Name;
use crate::domain::people::PORTAL_ACCOUNT;
use crate::domain::people::Patient;
use crate::domain::scope::Interaction;
use crate::fhir::Base;
use crate::fhir::Served;
use crate::fhir::Writable;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Patient as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Patient,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"),
    prose: "Demographics from the chart. A token of one patient finds that patient and no other. What a patient changes \
        waits for staff (202 with a Task), the e-mail address apart, which is changed on the account page; what staff \
        change is written at once.",
    interactions: &[
        Interaction::Create,
        Interaction::Read,
        Interaction::Update,
        Interaction::Search,
    ],
    parameters: &parameters::PARAMETERS,
    order: "",
    create: Writable {
        patient: &[],
        staff: &[
            "active",
            "name",
            "telecom",
            "gender",
            "birthDate",
            "address",
            "maritalStatus",
            "contact",
            "communication",
        ],
    },
    update: Writable {
        patient: &[
            "name",
            "telecom",
            "address",
            "maritalStatus",
            "contact",
            "communication",
        ],
        staff: &[
            "name",
            "telecom",
            "gender",
            "birthDate",
            "address",
            "maritalStatus",
            "contact",
            "communication",
        ],
    },
    operations: &[
        (
            "everything",
            "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        ),
        (
            "portal-invite",
            "https://anteroom.dev/fhir/OperationDefinition/portal-invite",
        ),
        (
            "validate",
            "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        ),
        (
            "portal-status",
            "https://anteroom.dev/fhir/OperationDefinition/portal-status",
        ),
        (
            "portal-enable",
            "https://anteroom.dev/fhir/OperationDefinition/portal-enable",
        ),
        (
            "portal-disable",
            "https://anteroom.dev/fhir/OperationDefinition/portal-disable",
        ),
        (
            "portal-lock",
            "https://anteroom.dev/fhir/OperationDefinition/portal-lock",
        ),
        (
            "portal-unlock",
            "https://anteroom.dev/fhir/OperationDefinition/portal-unlock",
        ),
        (
            "portal-credential",
            "https://anteroom.dev/fhir/OperationDefinition/portal-credential",
        ),
        (
            "portal-reset",
            "https://anteroom.dev/fhir/OperationDefinition/portal-reset",
        ),
        (
            "portal-username-available",
            "https://anteroom.dev/fhir/OperationDefinition/portal-username-available",
        ),
    ],
};

const RACE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race";
const ETHNICITY: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity";
const TRIBE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-tribal-affiliation";
const BIRTH_SEX: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex";
const GENDER_IDENTITY: &str =
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-genderIdentity";
const SEX: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex";

/// The OMB categories of race and ethnicity, and the two ways of not telling; everything else is a detail.
const CATEGORIES: [&str; 9] = [
    "1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2135-2", "2186-5", "UNK", "ASKU",
];

pub(super) fn render(patient: &Patient, meta: Meta, base: &Base) -> Built<resources::Patient> {
    let mut resource = resources::Patient::builder()
        .id(patient.person.uuid.to_string())
        .meta(meta)
        // OpenEMR has no inactive charts.
        .active(true)
        .extension(extensions(patient)?)
        .identifier(wire::list(identifiers(patient, base)?))
        .name(wire::list(names(patient)?))
        .telecom(wire::telecoms(&patient.telecom)?)
        .gender(match patient.gender {
            Gender::Female => AdministrativeGender::Female,
            Gender::Male => AdministrativeGender::Male,
            Gender::Other => AdministrativeGender::Other,
            Gender::Unknown => AdministrativeGender::Unknown,
        })
        .build()?;
    resource.birth_date = patient.birth_date.map(Date::Date);
    resource.deceased = patient
        .deceased
        .map(|at| PatientDeceased::DateTime(wire::date_time(at)));
    for known in &patient.addresses {
        if let Some(address) = wire::address(known, AddressUse::Home)? {
            resource.address.push(Some(address));
        }
    }
    resource.marital_status = patient.marital.as_ref().map(wire::concept).transpose()?;
    if let Some(language) = &patient.language {
        let communication = PatientCommunication::builder()
            .language(wire::concept(language)?)
            .preferred(true)
            .build()?;
        resource.communication = wire::list([communication]);
    }
    if let Some((id, display)) = &patient.provider {
        let provider = wire::reference(ResourceType::Practitioner, *id, display)?;
        resource.general_practitioner = wire::list([provider]);
    }
    if let Some(id) = patient.organization {
        let organization = wire::reference(ResourceType::Organization, id, "")?;
        resource.managing_organization = Some(organization);
    }
    if let Some((name, phone)) = &patient.contact {
        resource.contact = wire::list(contact(name, phone)?);
    }
    Ok(resource)
}

fn extensions(patient: &Patient) -> Built<Vec<Extension>> {
    let mut extensions = Vec::with_capacity(4 + patient.tribes.len());
    for (url, codes) in [(RACE, &patient.race), (ETHNICITY, &patient.ethnicity)] {
        if !codes.is_empty() {
            extensions.push(background(url, codes)?);
        }
    }
    for tribe in &patient.tribes {
        let concept = ExtensionValue::CodeableConcept(wire::concept(tribe)?);
        let part = wire::extension("tribalAffiliation", concept)?;
        extensions.push(compound(TRIBE, vec![part])?);
    }
    if let Some(birth_sex) = patient.birth_sex {
        let code = ExtensionValue::Code(birth_sex.to_owned());
        extensions.push(wire::extension(BIRTH_SEX, code)?);
        // US Core 7.0.0 binds us-core-sex to SNOMED CT and the data absent reason `unknown`.
        let code = match birth_sex {
            "F" => "248152002",
            "M" => "248153007",
            _ => "unknown",
        };
        let code = ExtensionValue::Code(code.to_owned());
        extensions.push(wire::extension(SEX, code)?);
    }
    if let Some(identity) = &patient.gender_identity {
        let concept = ExtensionValue::CodeableConcept(wire::concept(identity)?);
        extensions.push(wire::extension(GENDER_IDENTITY, concept)?);
    }
    Ok(extensions)
}

/// Race or ethnicity: categories, details, and all of it in words. Of ethnicity there is one category at most; where a
/// chart holds more, the others are in the words.
fn background(url: &str, codes: &[Code]) -> Built<Extension> {
    let mut parts = Vec::with_capacity(codes.len() + 1);
    for code in codes {
        let part = match CATEGORIES.contains(&code.code.as_str()) {
            true if url == ETHNICITY && !parts.is_empty() => continue,
            true => "ombCategory",
            false => "detailed",
        };
        let coding = wire::coding(code.system, &code.code, &code.display)?;
        parts.push(wire::extension(part, ExtensionValue::Coding(coding))?);
    }
    let words: Vec<&str> = codes.iter().map(|code| code.display.as_str()).collect();
    let words = wire::clean(&words.join(", ")).unwrap_or_else(|| "unknown".to_owned());
    parts.push(wire::extension("text", ExtensionValue::String(words))?);
    compound(url, parts)
}

fn compound(url: &str, parts: Vec<Extension>) -> Built<Extension> {
    Extension::builder()
        .url(url.to_owned())
        .extension(parts)
        .build()
}

/// Chart number, portal account, or, where there is neither, the id: US Core wants at least one.
fn identifiers(patient: &Patient, base: &Base) -> Built<Vec<Identifier>> {
    let mut identifiers = Vec::with_capacity(2);
    if let Some(number) = wire::clean(&patient.chart_number) {
        let mut chart = wire::identifier(&base.system(CHART_NUMBER), &number)?;
        chart.r#use = Some(IdentifierUse::Usual);
        chart.r#type = Some(wire::concept(&Code {
            system: "http://terminology.hl7.org/CodeSystem/v2-0203",
            code: "MR".to_owned(),
            display: "Medical record number".to_owned(),
        })?);
        identifiers.push(chart);
    }
    if let Some(account) = patient.account.as_deref().and_then(wire::clean) {
        let mut portal = wire::identifier(&base.system(PORTAL_ACCOUNT), &account)?;
        portal.r#use = Some(IdentifierUse::Secondary);
        portal.r#type = Some(wire::words("Portal account id")?);
        identifiers.push(portal);
    }
    if identifiers.is_empty() {
        identifiers.push(wire::urn(patient.person.uuid)?);
    }
    Ok(identifiers)
}

fn names(patient: &Patient) -> Built<Vec<HumanName>> {
    let mut names = Vec::with_capacity(2 + patient.old_names.len());
    names.push(wire::human_name(&patient.name, NameUse::Official)?);
    if !patient.preferred_name.trim().is_empty() {
        let preferred = Name {
            given: vec![patient.preferred_name.clone()],
            ..Name::default()
        };
        names.push(wire::human_name(&preferred, NameUse::Usual)?);
    }
    for (name, ended) in &patient.old_names {
        let mut old = wire::human_name(name, NameUse::Old)?;
        old.period = wire::until(*ended)?;
        names.push(old);
    }
    Ok(names)
}

/// The emergency contact; nothing where neither name nor phone is left (pat-1).
fn contact(name: &str, phone: &str) -> Built<Option<PatientContact>> {
    let emergency = wire::concept(&Code {
        system: "http://terminology.hl7.org/CodeSystem/v2-0131",
        code: "C".to_owned(),
        display: "Emergency Contact".to_owned(),
    })?;
    let mut contact = PatientContact::builder()
        .relationship(wire::list([emergency]))
        .build()?;
    if let Some(name) = wire::clean(name) {
        contact.name = Some(HumanName::builder().text(name).build()?);
    }
    if let Some(phone) = wire::clean(phone) {
        let point = ContactPoint::builder()
            .system(ContactPointSystem::Phone)
            .value(phone)
            .build()?;
        contact.telecom = wire::list([point]);
    }
    let something = contact.name.is_some() || !contact.telecom.is_empty();
    Ok(something.then_some(contact))
}

#[cfg(test)]
mod tests;
