//! Questionnaire: a form the practice puts before its patients, with what it asks.

use fhir_sdk::r4b::codes::PublicationStatus;
use fhir_sdk::r4b::codes::QuestionnaireItemType;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::QuestionnaireItem;
use fhir_sdk::r4b::resources::QuestionnaireItemAnswerOption;
use fhir_sdk::r4b::resources::QuestionnaireItemAnswerOptionValue;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::forms::Item;
use crate::domain::forms::Kind;
use crate::domain::forms::Part;
use crate::domain::forms::Template;
use crate::domain::people::Code;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::Writable;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Questionnaire as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Questionnaire,
    profile: None,
    prose: "Forms of the practice: OpenEMR's templates and those made here. Staff put one before a patient with a Task whose \
        focus it is. code is the category of the chart it is filed under.",
    interactions: &[Interaction::Read, Interaction::Search, Interaction::Create],
    parameters: &[
        ID,
        Parameter {
            name: "title",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/SearchParameter/Questionnaire-title",
            values: |record| of(record, |one| Indexed::text(&one.title)),
        },
        Parameter {
            name: "status",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Questionnaire-status",
            values: |record| {
                of(record, |one| {
                    let status = if one.active { "active" } else { "retired" };
                    vec![Indexed::token("http://hl7.org/fhir/publication-status", status)]
                })
            },
        },
    ],
    order: "",
    create: Writable {
        patient: &[],
        staff: &["status", "title", "code", "item"],
    },
    update: READ_ONLY,
    operations: &[(
        "validate",
        "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    )],
};

fn of(record: &Record, values: fn(&Template) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Questionnaire(template) => values(template),
        _ => Vec::new(),
    }
}

pub(super) fn render(template: &Template, meta: Meta) -> Built<resources::Questionnaire> {
    let mut resource = resources::Questionnaire::builder()
        .id(template.uuid.to_string())
        .meta(meta)
        .status(match template.active {
            true => PublicationStatus::Active,
            false => PublicationStatus::Retired,
        })
        .build()?;
    resource.title = wire::clean(&template.title);
    resource.date = template.changed.map(wire::date_time);
    if let Some(category) = wire::clean(&template.category) {
        let concept = wire::concept(&Code {
            system: DOCUMENT_CATEGORIES,
            code: category.clone(),
            display: category,
        })?;
        resource.code = concept.coding.clone();
    }
    for (place, part) in template.questions.parts.iter().enumerate() {
        let item = match part {
            Part::Heading(text) | Part::Words(text) => {
                let mut item = QuestionnaireItem::builder()
                    .link_id(format!("w{}", place + 1))
                    .r#type(QuestionnaireItemType::Display)
                    .build()?;
                item.text = wire::clean(text);
                item
            }
            Part::Item(item) => asked(item)?,
        };
        resource.item.push(Some(item));
    }
    Ok(resource)
}

fn asked(item: &Item) -> Built<QuestionnaireItem> {
    let kind = match &item.kind {
        Kind::Line => QuestionnaireItemType::String,
        Kind::Lines => QuestionnaireItemType::Text,
        Kind::Date => QuestionnaireItemType::Date,
        Kind::Check => QuestionnaireItemType::Boolean,
        Kind::Choice(_) => QuestionnaireItemType::Choice,
    };
    let mut asked = QuestionnaireItem::builder()
        .link_id(item.id.clone())
        .r#type(kind)
        .build()?;
    asked.text = wire::clean(&item.label);
    asked.required = item.required.then_some(true);
    if let Kind::Choice(options) = &item.kind {
        for option in options {
            let option = QuestionnaireItemAnswerOption::builder()
                .value(QuestionnaireItemAnswerOptionValue::String(option.clone()))
                .build()?;
            asked.answer_option.push(Some(option));
        }
    }
    Ok(asked)
}
