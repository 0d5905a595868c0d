//! Questionnaire: a form the practice can put before its patients, with what it asks.

use fhir_sdk::r4b::codes::PublicationStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::forms::Template;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::Writable;
use crate::fhir::document_reference::code_of;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::parameter::UPDATED;
use crate::fhir::questions;
use crate::fhir::wire;
use crate::fhir::wire::Built;

const STATUSES: &str = "http://hl7.org/fhir/publication-status";

/// Questionnaire as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Questionnaire,
    profile: None,
    prose: "Forms of the practice: OpenEMR's templates, and those made here. Staff see all of them, a patient those that \
        were put before them. Staff put one before a patient with a new Task whose focus it is; $sign takes answers by its \
        linkIds. code is the category of the chart it is filed under. A new one is active, with items that are \
        string, text, date, boolean, choice (answerOption.valueString) or display, none within another; the linkId of a \
        display is the server's.",
    interactions: &[Interaction::Create, Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        UPDATED,
        Parameter {
            name: "title",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/SearchParameter/Questionnaire-title",
            values: |record| of(record, |template| Indexed::text(&template.title)),
        },
        Parameter {
            name: "status",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Questionnaire-status",
            values: |record| {
                of(record, |template| {
                    vec![Indexed::token(STATUSES, status(template).as_ref())]
                })
            },
        },
    ],
    order: "",
    create: Writable {
        patient: &[],
        staff: &["status", "title", "subjectType", "code", "item"],
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

const fn status(template: &Template) -> PublicationStatus {
    match template.active {
        true => PublicationStatus::Active,
        false => PublicationStatus::Retired,
    }
}

pub(super) fn render(template: &Template, meta: Meta) -> Built<resources::Questionnaire> {
    let id = template.uuid.to_string();
    let mut sheet = questions::sheet(&template.questions, &template.title, id)?;
    sheet.meta = Some(meta);
    sheet.status = status(template);
    sheet.date = template.changed.map(wire::date_time);
    if let Some(category) = wire::clean(&template.category) {
        let code = wire::coding(DOCUMENT_CATEGORIES, &code_of(&category), &category)?;
        sheet.code = wire::list([code]);
    }
    Ok(sheet)
}
