//! DocumentReference: what is known about a document in the chart; its bytes are the Binary of the same id.

use fhir_sdk::Instant;
use fhir_sdk::r4b::codes::DocumentReferenceStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::DocumentReferenceContent;
use fhir_sdk::r4b::resources::DocumentReferenceContext;
use fhir_sdk::r4b::types::Attachment;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Period;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::query::Field;
use crate::domain::records::About;
use crate::domain::records::CLINICAL_NOTE;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::records::DocumentReference;
use crate::domain::records::UNKNOWN_KIND;
use crate::domain::scope::Interaction;
use crate::fhir::Base;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::LAST_UPDATED;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// DocumentReference as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::DocumentReference,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference"),
    prose: "The patient's documents in the chart. content.attachment.url is a Binary here and needs the same token.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        LAST_UPDATED,
        parameter::patient(
            "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-patient",
        ),
        Parameter {
            name: "subject",
            meaning: Meaning::Patient,
            definition: "http://hl7.org/fhir/SearchParameter/DocumentReference-subject",
            values: |_| Vec::new(),
        },
        Parameter {
            name: "date",
            meaning: Meaning::Date(Field::Date),
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-date",
            values: |_| Vec::new(),
        },
        Parameter {
            name: "status",
            meaning: Meaning::Token(Field::Status),
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-status",
            values: |_| Vec::new(),
        },
        Parameter {
            name: "category",
            meaning: Meaning::Token(Field::Category),
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-category",
            values: |_| Vec::new(),
        },
        Parameter {
            name: "type",
            meaning: Meaning::Token(Field::Type),
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-type",
            values: |_| Vec::new(),
        },
    ],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

const FORMAT: &str = "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode";

pub(super) fn render(
    document: &DocumentReference,
    meta: Meta,
    base: &Base,
) -> Built<resources::DocumentReference> {
    let mut clinical_note = CodeableConcept::builder().build()?;
    let (system, code) = CLINICAL_NOTE;
    clinical_note.coding = wire::list([wire::coding(system, code, "Clinical Note")?]);
    let mut categories = vec![clinical_note];
    if let Some(name) = wire::clean(&document.category) {
        categories.push(wire::concept(&Code {
            system: DOCUMENT_CATEGORIES,
            code: name.split_whitespace().collect::<Vec<&str>>().join(" "),
            display: name,
        })?);
    }
    let patient = ResourceType::Patient;
    let patient = wire::reference(patient, document.person.uuid, &document.patient_name)?;
    let content = DocumentReferenceContent::builder()
        .attachment(attachment(document, base)?)
        .format(wire::coding(
            FORMAT,
            "urn:ihe:iti:xds:2017:mimeTypeSufficient",
            "mimeType Sufficient",
        )?)
        .build()?;
    let mut resource = resources::DocumentReference::builder()
        .id(document.uuid.to_string())
        .meta(meta)
        .identifier(wire::list([wire::urn(document.uuid)?]))
        .status(DocumentReferenceStatus::Current)
        .r#type(kind(document)?)
        .category(wire::list(categories))
        .subject(patient)
        .content(wire::list([content]))
        .build()?;
    resource.date = document.date.map(Instant);
    if let Some((id, display)) = &document.author {
        let author = wire::reference(ResourceType::Practitioner, *id, display)?;
        resource.author = wire::list([author]);
    }
    if let Some(id) = document.custodian {
        let custodian = wire::reference(ResourceType::Organization, id, "")?;
        resource.custodian = Some(custodian);
    }
    resource.context = document.about.map(context).transpose()?;
    Ok(resource)
}

/// The LOINC code the practice gave the category. Without one the type is not known: US Core's value set has a code
/// for that too, and the category's name says what there is to say.
fn kind(document: &DocumentReference) -> Built<CodeableConcept> {
    let mut concept = wire::words(&document.category)?;
    let coding = match &document.loinc {
        Some(loinc) => wire::coding(loinc.system, &loinc.code, &loinc.display)?,
        None => wire::coding(UNKNOWN_KIND.0, UNKNOWN_KIND.1, "unknown")?,
    };
    concept.coding = wire::list([coding]);
    Ok(concept)
}

/// The visit the document is about. The Encounter itself needs a scope of its own.
fn context(about: About) -> Built<DocumentReferenceContext> {
    let visit = wire::reference(ResourceType::Encounter, about.encounter, "")?;
    let mut context = DocumentReferenceContext::builder()
        .encounter(wire::list([visit]))
        .build()?;
    if about.start.is_some() || about.end.is_some() {
        let mut period = Period::builder().build()?;
        period.start = about.start.map(wire::date_time);
        period.end = about.end.map(wire::date_time);
        context.period = Some(period);
    }
    Ok(context)
}

fn attachment(document: &DocumentReference, base: &Base) -> Built<Attachment> {
    let mut attachment = Attachment::builder()
        .url(base.of(ResourceType::Binary, document.uuid))
        .build()?;
    attachment.content_type = wire::clean(&document.content_type);
    attachment.title = wire::clean(&document.name);
    attachment.size = document.size.and_then(|size| u32::try_from(size).ok());
    attachment.creation = document.date.map(wire::date_time);
    Ok(attachment)
}

#[cfg(test)]
mod tests;
