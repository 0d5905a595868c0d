//! Questionnaire: a form the practice can put before its patients, with what it asks.

use fhir_sdk::r4b::codes::PublicationStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::forms::Template;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::records::Record;
use crate::domain::refusal::Fault;
use crate::domain::scope::Interaction;
use crate::fhir;
use crate::fhir::Base;
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

/// What staff write of one.
const BY_STAFF: Writable = Writable {
    patient: &[],
    staff: &["status", "title", "subjectType", "code", "item"],
};

/// Questionnaire as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Questionnaire,
    profile: None,
    prose: "Forms of the practice: OpenEMR's templates, and those made here. Staff see all of them, a patient those that \
        were put before them. Staff put one before a patient with a new Task whose focus it is. What the patient answers is \
        the Questionnaire that is contained in the DocumentReference of the form: $sign takes answers by its linkIds, and \
        refuses a QuestionnaireResponse.questionnaire that names one here which was changed since and asks something else. \
        code is the category of the chart it is filed under. A new one is active, with items that are \
        string, text, date, boolean, choice (answerOption.valueString) or display, none within another; the linkId of a \
        display is the server's. Staff change and retire those that were made here with If-Match, by the same rules; words \
        in brackets, such as [birth date], stand for what the chart says, and a display that comes back as it was read \
        stays the heading it was. OpenEMR's templates are changed there.",
    interactions: &[
        Interaction::Create,
        Interaction::Read,
        Interaction::Update,
        Interaction::Search,
    ],
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
    create: BY_STAFF,
    update: BY_STAFF,
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
    let mut sheet = bare(template, template.uuid.to_string())?;
    sheet.meta = Some(meta);
    sheet.status = status(template);
    sheet.date = template.changed.map(wire::date_time);
    Ok(sheet)
}

/// What a template says, as one that is offered.
fn bare(template: &Template, id: String) -> Built<resources::Questionnaire> {
    let mut sheet = questions::sheet(&template.questions, &template.title, id)?;
    if let Some(category) = wire::clean(&template.category) {
        let code = wire::coding(DOCUMENT_CATEGORIES, &code_of(&category), &category)?;
        sheet.code = wire::list([code]);
    }
    Ok(sheet)
}

/// What is named as that which was answered (`QuestionnaireResponse.questionnaire`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The one that is contained in the DocumentReference of the form.
    Contained,
    /// One of this server.
    Here(Uuid),
    /// Another one.
    Elsewhere,
}

/// What a canonical names.
pub fn named(canonical: &str, base: &Base) -> Named {
    if canonical.strip_prefix('#') == Some(questions::ID) {
        return Named::Contained;
    }
    let (address, _version) = canonical.split_once('|').unwrap_or((canonical, ""));
    let ours = address.strip_prefix(base.url());
    let relative = ours.map_or(address, |rest| rest.trim_start_matches('/'));
    let id = relative.strip_prefix("Questionnaire/");
    match id.and_then(|id| Uuid::try_parse(id).ok()) {
        Some(id) => Named::Here(id),
        None => Named::Elsewhere,
    }
}

/// A template as a file, with nothing in it that is this server's alone: it can be sent to another, or pasted here.
///
/// # Errors
/// As [`fhir::encode`].
pub fn file(template: &Template) -> Result<Vec<u8>, Fault> {
    let built = bare(template, String::new()).map(|mut sheet| {
        sheet.id = None;
        resources::Resource::from(sheet)
    });
    let sheet = built.map_err(|error| Fault::new("rendering a template", error.to_string()))?;
    fhir::bytes(&sheet)
}

/// A Questionnaire as text with this category of the chart, where it names none itself. What is no Questionnaire stays as
/// it is.
pub fn with_category(text: &str, category: &str) -> String {
    let category = category.trim();
    let sheet: Option<Value> = serde_json::from_str(text).ok();
    let bare = sheet.is_some_and(|sheet| {
        sheet["resourceType"] == "Questionnaire" && sheet.get("code").is_none()
    });
    match text.split_once('{') {
        Some((before, rest)) if bare && !category.is_empty() => {
            let code = json!([{"system": DOCUMENT_CATEGORIES, "code": code_of(category)}]);
            format!("{before}{{\"code\":{code},{rest}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f155_a_questionnaire_without_a_category_gets_the_one_of_the_page() {
        let text = " {\"resourceType\": \"Questionnaire\", \"item\": [{\"code\": []}]}";
        let with: Value =
            serde_json::from_str(&with_category(text, "Advance  \"Directive\"")).expect("JSON");
        assert_eq!(with["code"][0]["code"], "Advance \"Directive\"");
        assert_eq!(with["code"][0]["system"], DOCUMENT_CATEGORIES);
        assert_eq!(with["item"][0]["code"], json!([]));
        assert_eq!(with_category(text, " "), text);
        for other in [
            "{\"resourceType\": \"Questionnaire\", \"code\": []}",
            "{\"resourceType\": \"Patient\"}",
            "[{}]",
            "{",
            "",
        ] {
            assert_eq!(with_category(other, "Reviewed"), other);
        }
    }

    #[test]
    fn f153_what_was_answered_is_named_as_contained_or_by_its_address() {
        let base = Base::new("http://x.org/fhir");
        let id = Uuid::from_u128(7);
        for (canonical, expected) in [
            ("#questions".to_owned(), Named::Contained),
            (format!("Questionnaire/{id}"), Named::Here(id)),
            (
                format!("http://x.org/fhir/Questionnaire/{id}|1"),
                Named::Here(id),
            ),
            (
                format!("http://y.org/fhir/Questionnaire/{id}"),
                Named::Elsewhere,
            ),
            ("#other".to_owned(), Named::Elsewhere),
            ("Questionnaire/7".to_owned(), Named::Elsewhere),
            (String::new(), Named::Elsewhere),
        ] {
            assert_eq!(named(&canonical, &base), expected, "{canonical}");
        }
    }
}
