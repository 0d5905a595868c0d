//! Coverage: a patient's insurance, as US Core 7.0.0 wants it. What a patient sends waits for staff.

use std::num::NonZeroU32;

use fhir_sdk::Date;
use fhir_sdk::DateTime;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::CoverageClass;
use fhir_sdk::r4b::types::Identifier;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Period;
use fhir_sdk::r4b::types::Reference;
use time::Duration;
use time::OffsetDateTime;

use crate::domain::ResourceType;
use crate::domain::coverage::Coverage;
use crate::domain::coverage::Policy;
use crate::domain::coverage::Relationship;
use crate::domain::people::Code;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::fhir::Served;
use crate::fhir::Writable;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::parameter::UPDATED;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Everything an insurance says that OpenEMR has a column for.
const SAID: &[&str] = &[
    "identifier",
    "status",
    "subscriber",
    "subscriberId",
    "beneficiary",
    "relationship",
    "period",
    "payor",
    "class",
    "order",
];

/// The same without whose it is, which never changes.
const CHANGEABLE: &[&str] = &[
    "identifier",
    "subscriber",
    "subscriberId",
    "relationship",
    "period",
    "payor",
    "class",
    "order",
];

/// Coverage as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Coverage,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-coverage"),
    prose: "The patient's insurances: primary, secondary and tertiary by order. The payor is an Organization of this \
        server. What a patient sends waits for staff (202 with a Task); what staff send is written at once.",
    interactions: &[
        Interaction::Create,
        Interaction::Read,
        Interaction::Update,
        Interaction::Search,
    ],
    parameters: &[
        ID,
        UPDATED,
        parameter::patient("http://hl7.org/fhir/us/core/SearchParameter/us-core-coverage-patient"),
        Parameter {
            name: "beneficiary",
            ..parameter::patient("http://hl7.org/fhir/SearchParameter/Coverage-beneficiary")
        },
        Parameter {
            name: "status",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Coverage-status",
            values: |record| {
                insurance(record, |one| {
                    vec![Indexed::token("http://hl7.org/fhir/fm-status", status(one))]
                })
            },
        },
        Parameter {
            name: "identifier",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Coverage-identifier",
            values: |record| insurance(record, |one| number(&one.policy)),
        },
        Parameter {
            name: "subscriber-id",
            meaning: Meaning::Tokens,
            definition: "https://anteroom.dev/fhir/SearchParameter/coverage-subscriber-id",
            values: |record| insurance(record, |one| number(&one.policy)),
        },
        Parameter {
            name: "payor",
            meaning: Meaning::References(&[ResourceType::Organization]),
            definition: "http://hl7.org/fhir/SearchParameter/Coverage-payor",
            values: |record| {
                insurance(record, |one| {
                    Indexed::reference(ResourceType::Organization, one.policy.payor.0)
                })
            },
        },
        Parameter {
            name: "type",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Coverage-type",
            values: |record| {
                insurance(record, |one| {
                    let code = one.typology.map(|code| code.to_string());
                    code.map(|code| Indexed::token(SOPT, &code))
                        .into_iter()
                        .collect()
                })
            },
        },
        Parameter {
            name: "class-type",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Coverage-class-type",
            values: |record| {
                insurance(record, |one| {
                    let classes = classes(&one.policy).into_iter();
                    classes
                        .map(|(code, display, ..)| {
                            Indexed::Token(CLASS.to_owned(), code.to_owned(), display.to_owned())
                        })
                        .collect()
                })
            },
        },
        Parameter {
            name: "class-value",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/SearchParameter/Coverage-class-value",
            values: |record| {
                insurance(record, |one| {
                    let classes = classes(&one.policy).into_iter();
                    classes
                        .flat_map(|(_, _, value)| Indexed::text(value))
                        .collect()
                })
            },
        },
        Parameter {
            name: "period",
            meaning: Meaning::Dates,
            definition: "https://anteroom.dev/fhir/SearchParameter/coverage-period",
            values: |record| insurance(record, |one| vec![span(&one.policy)]),
        },
    ],
    order: "",
    create: Writable {
        patient: SAID,
        staff: SAID,
    },
    update: Writable {
        patient: CHANGEABLE,
        staff: CHANGEABLE,
    },
    operations: &[(
        "validate",
        "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    )],
};

/// HL7's system of group and plan.
pub(super) const CLASS: &str = "http://terminology.hl7.org/CodeSystem/coverage-class";

/// HL7's system of how a patient is related to the subscriber.
pub(super) const RELATIONSHIP: &str =
    "http://terminology.hl7.org/CodeSystem/subscriber-relationship";

/// The Source of Payment Typology.
const SOPT: &str = "https://nahdo.org/sopt";

fn insurance(record: &Record, of: impl Fn(&Coverage) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Coverage(one) => of(one),
        _ => Vec::new(),
    }
}

fn number(policy: &Policy) -> Vec<Indexed> {
    let number = policy.number.trim();
    let known = !number.is_empty();
    known
        .then(|| Indexed::token("", number))
        .into_iter()
        .collect()
}

/// In force, or to come.
fn status(one: &Coverage) -> &'static str {
    match one.active {
        true => "active",
        false => "cancelled",
    }
}

/// Days have no zone: as everywhere where a date is compared with a moment, it is the day in UTC.
fn span(policy: &Policy) -> Indexed {
    let start = policy.start.map(|day| day.midnight().assume_utc());
    let end = policy.end.map(|day| day.midnight().assume_utc());
    let after = |end: OffsetDateTime| end.checked_add(Duration::DAY).unwrap_or(end);
    Indexed::Date(start, end.map(after))
}

/// Group and plan, those there are: code, words, value.
fn classes(policy: &Policy) -> Vec<(&'static str, &'static str, &str)> {
    let known = [
        ("group", "Group", policy.group.as_str()),
        ("plan", "Plan", policy.plan.as_str()),
    ];
    let said = known
        .into_iter()
        .filter(|(.., value)| !value.trim().is_empty());
    said.collect()
}

pub(super) fn render(one: &Coverage, meta: Meta) -> Built<resources::Coverage> {
    let policy = &one.policy;
    let patient = wire::reference(ResourceType::Patient, one.person.uuid, &one.patient_name)?;
    let mut resource = resources::Coverage::builder()
        .id(one.uuid.to_string())
        .meta(meta)
        .status(status(one).to_owned())
        .beneficiary(patient.clone())
        .payor(wire::list([payor(policy)?]))
        .build()?;
    resource.order = NonZeroU32::new(policy.rank as u32);
    resource.subscriber_id = wire::clean(&policy.number);
    match wire::clean(&policy.number) {
        Some(number) => resource.identifier = wire::list([member(&number)?]),
        // us-core-15 wants one of the two.
        None => resource.subscriber_id_ext = Some(wire::unknown_field()?),
    }
    resource.relationship = Some(wire::concept(&Code {
        system: RELATIONSHIP,
        code: policy.relationship.code().to_owned(),
        display: policy.relationship.display().to_owned(),
    })?);
    resource.subscriber = match policy.relationship {
        Relationship::Own => Some(patient),
        _ => named(&policy.subscriber)?,
    };
    if policy.start.is_some() || policy.end.is_some() {
        let mut period = Period::builder().build()?;
        period.start = policy.start.map(|day| DateTime::Date(Date::Date(day)));
        period.end = policy.end.map(|day| DateTime::Date(Date::Date(day)));
        resource.period = Some(period);
    }
    for (code, display, value) in classes(policy) {
        let Some(value) = wire::clean(value) else {
            continue;
        };
        let class = CoverageClass::builder()
            .r#type(wire::concept(&Code {
                system: CLASS,
                code: code.to_owned(),
                display: display.to_owned(),
            })?)
            .value(value.clone())
            // OpenEMR has one column for each: the plan's name is its value too, and so is the group's number its name.
            .name(value)
            .build()?;
        resource.class.push(Some(class));
    }
    if let Some(code) = one.typology {
        resource.r#type = Some(wire::concept(&Code {
            system: SOPT,
            code: code.to_string(),
            display: String::new(),
        })?);
    }
    Ok(resource)
}

/// The policy number once more, as the identifier apps look for.
fn member(number: &str) -> Built<Identifier> {
    let mut identifier = Identifier::builder().value(number.to_owned()).build()?;
    identifier.r#type = Some(wire::concept(&Code {
        system: "http://terminology.hl7.org/CodeSystem/v2-0203",
        code: "MB".to_owned(),
        display: "Member Number".to_owned(),
    })?);
    Ok(identifier)
}

/// The insurer; one that is not known any more has words only.
fn payor(policy: &Policy) -> Built<Reference> {
    let (id, name) = &policy.payor;
    match id {
        Some(id) => wire::reference(ResourceType::Organization, *id, name),
        None => {
            let name = wire::clean(name).unwrap_or_else(|| "unknown".to_owned());
            Reference::builder().display(name).build()
        }
    }
}

/// Somebody who is known by name alone.
fn named([first, last]: &[String; 2]) -> Built<Option<Reference>> {
    let name = wire::clean(&format!("{first} {last}"));
    name.map(|name| Reference::builder().display(name).build())
        .transpose()
}

#[cfg(test)]
mod tests;
