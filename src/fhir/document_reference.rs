//! DocumentReference: what is known about a document in the chart; its bytes are the Binary of the same id.

use fhir_sdk::Instant;
use fhir_sdk::r4b::codes::CompositionStatus;
use fhir_sdk::r4b::codes::DocumentReferenceStatus;
use fhir_sdk::r4b::codes::DocumentRelationshipType;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::DocumentReferenceContent;
use fhir_sdk::r4b::resources::DocumentReferenceContext;
use fhir_sdk::r4b::resources::DocumentReferenceRelatesTo;
use fhir_sdk::r4b::types::Attachment;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Period;

use crate::domain::ResourceType;
use crate::domain::forms::Standing;
use crate::domain::people::Code;
use crate::domain::query::Field;
use crate::domain::records::About;
use crate::domain::records::CLINICAL_NOTE;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::records::DocumentReference;
use crate::domain::records::Record;
use crate::domain::records::Stage;
use crate::domain::records::UNKNOWN_KIND;
use crate::domain::scope::Interaction;
use crate::fhir::Base;
use crate::fhir::Served;
use crate::fhir::Writable;
use crate::fhir::indexes;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::LAST_UPDATED;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::questions;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// DocumentReference as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::DocumentReference,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference"),
    prose: "The patient's documents in the chart. content.attachment.url is a Binary here and needs the same token. A new \
        one brings its bytes as content.attachment.data; larger files are sent to Binary, which files them by itself. What \
        patients send is filed under Patient and is preliminary until staff looked at it: then it is final, or \
        entered-in-error, with the reason as its description and without content. Staff name one of the practice's \
        categories. A document labelled NOPAT is not shown to its patient: staff set and remove that securityLabel. A form in the \
        Documents Center is a document too: preliminary until it is signed ($sign) and locked, and amended where somebody \
        changed it afterwards. What it asks is a contained Questionnaire as long as it can be signed.",
    interactions: &[
        Interaction::Read,
        Interaction::Search,
        Interaction::Create,
        Interaction::Update,
    ],
    parameters: PARAMETERS,
    order: "-date",
    create: Writable {
        patient: NEW,
        staff: NEW,
    },
    update: Writable {
        patient: &[],
        staff: &["securityLabel"],
    },
    operations: &[
        (
            "docref",
            "http://hl7.org/fhir/us/core/OperationDefinition/docref",
        ),
        (
            "sign",
            "https://anteroom.dev/fhir/OperationDefinition/document-sign",
        ),
        (
            "validate",
            "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        ),
    ],
};

/// What a new document may have.
const NEW: &[&str] = &["status", "type", "category", "subject", "author", "content"];

const PARAMETERS: &[Parameter] = &[
    ID,
    LAST_UPDATED,
    parameter::patient(
        "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-patient",
    ),
    Parameter {
        name: "subject",
        meaning: Meaning::Patient,
        definition: "http://hl7.org/fhir/SearchParameter/DocumentReference-subject",
        values: |record| {
            of(record, |document| {
                Indexed::reference(ResourceType::Patient, Some(document.person.uuid))
            })
        },
    },
    Parameter {
        name: "date",
        meaning: Meaning::Date(Field::Date),
        definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-date",
        values: |record| of(record, |document| Indexed::moment(document.date)),
    },
    Parameter {
        name: "status",
        meaning: Meaning::Token(Field::Status),
        definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-status",
        values: |record| {
            of(record, |document| {
                vec![Indexed::token(
                    STATUS,
                    match document.stage {
                        Stage::Refused(_) => "entered-in-error",
                        Stage::Final | Stage::Waiting => "current",
                    },
                )]
            })
        },
    },
    Parameter {
        name: "category",
        meaning: Meaning::Token(Field::Category),
        definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-category",
        values: |record| of(record, in_category),
    },
    Parameter {
        name: "type",
        meaning: Meaning::Token(Field::Type),
        definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-type",
        values: |record| of(record, of_type),
    },
    Parameter {
        name: "period",
        meaning: Meaning::Dates,
        definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-documentreference-period",
        values: |record| {
            of(record, |document| match document.about {
                Some(About { start, end, .. }) if start.is_some() || end.is_some() => {
                    vec![Indexed::Date(start, end)]
                }
                _ => Vec::new(),
            })
        },
    },
    Parameter {
        name: "encounter",
        meaning: Meaning::References(&[ResourceType::Encounter]),
        definition: "http://hl7.org/fhir/SearchParameter/clinical-encounter",
        values: |record| {
            of(record, |document| {
                let visit = document.about.map(|about| about.encounter);
                Indexed::reference(ResourceType::Encounter, visit)
            })
        },
    },
    Parameter {
        name: "author",
        meaning: Meaning::References(&[ResourceType::Practitioner, ResourceType::Patient]),
        definition: "http://hl7.org/fhir/SearchParameter/DocumentReference-author",
        values: |record| {
            of(record, |document| {
                let author = document.author.as_ref().map(|(id, _)| *id);
                let patient = document.from_patient.then_some(document.person.uuid);
                let mut authors = Indexed::reference(ResourceType::Practitioner, author);
                authors.extend(Indexed::reference(ResourceType::Patient, patient));
                authors
            })
        },
    },
    Parameter {
        name: "custodian",
        meaning: Meaning::References(&[ResourceType::Organization]),
        definition: "http://hl7.org/fhir/SearchParameter/DocumentReference-custodian",
        values: |record| {
            of(record, |document| {
                Indexed::reference(ResourceType::Organization, document.custodian)
            })
        },
    },
    Parameter {
        name: "contenttype",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/DocumentReference-contenttype",
        values: |record| {
            of(record, |document| {
                vec![Indexed::token(MEDIA_TYPES, &document.content_type)]
            })
        },
    },
    Parameter {
        name: "format",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/DocumentReference-format",
        values: |_| vec![Indexed::token(FORMAT.0, FORMAT.1)],
    },
    Parameter {
        name: "identifier",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/clinical-identifier",
        values: |record| vec![indexes::urn(record.id())],
    },
];

const STATUS: &str = "http://hl7.org/fhir/document-reference-status";

/// The system of media types, which a `code` has without saying it.
const MEDIA_TYPES: &str = "urn:ietf:bcp:13";

/// The format of every document: what its media type says.
pub(super) const FORMAT: (&str, &str) = (
    "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "urn:ihe:iti:xds:2017:mimeTypeSufficient",
);

/// What a document has under a parameter.
fn of(record: &Record, values: fn(&DocumentReference) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::DocumentReference(document) => values(document),
        _ => Vec::new(),
    }
}

fn in_category(document: &DocumentReference) -> Vec<Indexed> {
    let (system, code) = CLINICAL_NOTE;
    let mut all = vec![Indexed::Token(
        system.to_owned(),
        code.to_owned(),
        CLINICAL_NOTE_WORDS.to_owned(),
    )];
    all.extend(
        wire::clean(&document.category)
            .map(|name| Indexed::Token(DOCUMENT_CATEGORIES.to_owned(), code_of(&name), name)),
    );
    all
}

fn of_type(document: &DocumentReference) -> Vec<Indexed> {
    let (system, code) = match &document.loinc {
        Some(loinc) => (loinc.system, loinc.code.as_str()),
        None => UNKNOWN_KIND,
    };
    vec![Indexed::Token(
        system.to_owned(),
        code.to_owned(),
        document.category.clone(),
    )]
}

/// A category's name as a code, which has no two blanks in a row.
pub(super) fn code_of(name: &str) -> String {
    name.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// HL7's own label of what is not for the patient.
pub const NOT_FOR_PATIENT: (&str, &str) =
    ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "NOPAT");

const NOT_FOR_PATIENT_WORDS: &str =
    "no disclosure to patient, family or caregivers without attending provider's authorization";

const CLINICAL_NOTE_WORDS: &str = "Clinical Note";

pub(super) fn render(
    document: &DocumentReference,
    meta: Meta,
    base: &Base,
) -> Built<resources::DocumentReference> {
    let mut clinical_note = CodeableConcept::builder().build()?;
    let (system, code) = CLINICAL_NOTE;
    clinical_note.coding = wire::list([wire::coding(system, code, CLINICAL_NOTE_WORDS)?]);
    let mut categories = vec![clinical_note];
    if let Some(name) = wire::clean(&document.category) {
        categories.push(wire::concept(&Code {
            system: DOCUMENT_CATEGORIES,
            code: code_of(&name),
            display: name,
        })?);
    }
    let patient = ResourceType::Patient;
    let subject = wire::reference(patient, document.person.uuid, &document.patient_name)?;
    let content = DocumentReferenceContent::builder()
        .attachment(attachment(document, base)?)
        .format(wire::coding(FORMAT.0, FORMAT.1, "mimeType Sufficient")?)
        .build()?;
    let mut resource = resources::DocumentReference::builder()
        .id(document.uuid.to_string())
        .meta(meta)
        .identifier(wire::list([wire::urn(document.uuid)?]))
        .status(match document.stage {
            Stage::Refused(_) => DocumentReferenceStatus::EnteredInError,
            Stage::Final | Stage::Waiting => DocumentReferenceStatus::Current,
        })
        .doc_status(doc_status(document))
        .r#type(kind(document)?)
        .category(wire::list(categories))
        .subject(subject)
        .content(wire::list([content]))
        .build()?;
    if let Stage::Refused(reason) = &document.stage {
        resource.description = wire::clean(reason);
    }
    if !document.shared {
        let mut label = CodeableConcept::builder().build()?;
        label.coding = wire::list([wire::coding(
            NOT_FOR_PATIENT.0,
            NOT_FOR_PATIENT.1,
            NOT_FOR_PATIENT_WORDS,
        )?]);
        resource.security_label = wire::list([label]);
    }
    resource.date = document.date.map(Instant);
    let author = match &document.author {
        Some((id, display)) => Some((ResourceType::Practitioner, *id, display)),
        None => {
            document
                .from_patient
                .then_some((patient, document.person.uuid, &document.patient_name))
        }
    };
    if let Some((kind, id, display)) = author {
        resource.author = wire::list([wire::reference(kind, id, display)?]);
    }
    if let Some(id) = document.custodian {
        let custodian = wire::reference(ResourceType::Organization, id, "")?;
        resource.custodian = Some(custodian);
    }
    resource.context = document.about.map(context).transpose()?;
    if let Some(form) = &document.form
        && !form.questions.parts.is_empty()
    {
        let title = document.name.trim_end_matches(".pdf");
        resource.contained = vec![questions::contained(&form.questions, title)?];
        let mut asks = DocumentReferenceContext::builder().build()?;
        asks.related = wire::list([questions::reference()?]);
        resource.context = Some(asks);
    }
    if let Some(form) = document.transforms {
        let target = wire::reference(ResourceType::DocumentReference, form, "")?;
        let relation = DocumentReferenceRelatesTo::builder()
            .code(DocumentRelationshipType::Transforms)
            .target(target)
            .build()?;
        resource.relates_to = wire::list([relation]);
    }
    Ok(resource)
}

/// What patients send waits for staff; a form is done when it is locked, and told where somebody changed it since.
fn doc_status(document: &DocumentReference) -> CompositionStatus {
    match (&document.form, &document.stage) {
        (Some(form), _) => match form.standing {
            Standing::Preliminary => CompositionStatus::Preliminary,
            Standing::Final => CompositionStatus::Final,
            Standing::Amended => CompositionStatus::Amended,
        },
        (None, Stage::Waiting) => CompositionStatus::Preliminary,
        (None, Stage::Refused(_)) => CompositionStatus::EnteredInError,
        (None, Stage::Final) => CompositionStatus::Final,
    }
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
    let mut attachment = match document.stage {
        Stage::Refused(_) => {
            let mut attachment = Attachment::builder().build()?;
            attachment.url_ext = Some(wire::masked_field()?);
            attachment
        }
        Stage::Final | Stage::Waiting => Attachment::builder()
            .url(base.of(ResourceType::Binary, document.uuid))
            .build()?,
    };
    attachment.content_type = wire::clean(&document.content_type);
    attachment.title = wire::clean(&document.name);
    attachment.size = document.size.and_then(|size| u32::try_from(size).ok());
    attachment.creation = document.date.map(wire::date_time);
    Ok(attachment)
}

#[cfg(test)]
mod tests;
