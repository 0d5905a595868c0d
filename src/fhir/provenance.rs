//! Provenance: who is behind a record, as US Core 7.0.0 wants it.

use fhir_sdk::Base64Binary;
use fhir_sdk::Instant;
use fhir_sdk::r4b::codes::ProvenanceEntityRole;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::ProvenanceAgent;
use fhir_sdk::r4b::resources::ProvenanceEntity;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Reference;
use fhir_sdk::r4b::types::Signature;
use time::UtcOffset;

use crate::crypto;
use crate::domain::ResourceType;
use crate::domain::forms::Signed;
use crate::domain::people::Code;
use crate::domain::query::Field;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::trace::Provenance;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// The types a Provenance can be about.
const TARGETS: &[ResourceType] = &[
    ResourceType::Patient,
    ResourceType::Appointment,
    ResourceType::Communication,
    ResourceType::DocumentReference,
    ResourceType::Encounter,
    ResourceType::RelatedPerson,
    ResourceType::Coverage,
];

/// System of the hashes of what was signed: SHA3-512, as NIST names it.
const HASHES: &str = "urn:oid:2.16.840.1.101.3.4.2.10";

/// Provenance as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Provenance,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance"),
    prose: "Who is behind a record: the author where the chart names one, and the practice. It is seen by whoever sees the \
        record it is about; search by target or patient, or take it along with _revinclude=Provenance:target.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        parameter::patient("http://hl7.org/fhir/SearchParameter/Provenance-patient"),
        Parameter {
            name: "target",
            meaning: Meaning::Reference(Field::Target, TARGETS),
            definition: "http://hl7.org/fhir/SearchParameter/Provenance-target",
            values: target,
        },
        Parameter {
            name: "recorded",
            meaning: Meaning::Dates,
            definition: "http://hl7.org/fhir/SearchParameter/Provenance-recorded",
            values: |record| Indexed::moment(record.last_updated()),
        },
        Parameter {
            name: "agent",
            meaning: Meaning::References(&[
                ResourceType::Practitioner,
                ResourceType::Organization,
                ResourceType::Patient,
            ]),
            definition: "http://hl7.org/fhir/SearchParameter/Provenance-agent",
            values: agent,
        },
    ],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

fn target(record: &Record) -> Vec<Indexed> {
    match record {
        Record::Provenance(origin) => vec![Indexed::Reference(origin.target.0, origin.target.1)],
        _ => Vec::new(),
    }
}

fn agent(record: &Record) -> Vec<Indexed> {
    match record {
        Record::Provenance(origin) => {
            let author = origin.author.iter().chain(&origin.verifier);
            let mut agents: Vec<Indexed> = author
                .map(|(kind, id, _)| Indexed::Reference(*kind, *id))
                .collect();
            agents.push(Indexed::Reference(
                ResourceType::Organization,
                origin.organization.0,
            ));
            agents
        }
        _ => Vec::new(),
    }
}

pub(super) fn render(origin: &Provenance, meta: Meta) -> Built<resources::Provenance> {
    let (kind, id) = origin.target;
    let (organization, name) = &origin.organization;
    let practice = || wire::reference(ResourceType::Organization, *organization, name);
    let author = match &origin.author {
        Some((kind, id, display)) => {
            let mut author = ProvenanceAgent::builder()
                .r#type(role("author", "Author")?)
                .who(wire::reference(*kind, *id, display)?)
                .build()?;
            // provenance-1: a person of the practice acts on its behalf.
            if *kind == ResourceType::Practitioner {
                author.on_behalf_of = Some(practice()?);
            }
            author
        }
        None => ProvenanceAgent::builder()
            .r#type(role("author", "Author")?)
            .who(practice()?)
            .build()?,
    };
    let transmitter = ProvenanceAgent::builder()
        .r#type(wire::concept(&Code {
            system: "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type",
            code: "transmitter".to_owned(),
            display: "Transmitter".to_owned(),
        })?)
        .who(practice()?)
        .build()?;
    let mut agents = vec![author];
    if let Some(app) = wire::clean(&origin.app) {
        // An app has no record here: it is known by its name.
        let agent = ProvenanceAgent::builder()
            .r#type(role("assembler", "Assembler")?)
            .who(Reference::builder().display(app).build()?);
        agents.push(agent.build()?);
    }
    if let Some((kind, id, display)) = &origin.verifier {
        let agent = ProvenanceAgent::builder()
            .r#type(role("verifier", "Verifier")?)
            .who(wire::reference(*kind, *id, display)?)
            .on_behalf_of(practice()?);
        agents.push(agent.build()?);
    }
    agents.push(transmitter);
    let mut resource = resources::Provenance::builder()
        .id(origin.uuid.to_string())
        .meta(meta)
        .target(wire::list([wire::reference(kind, id, "")?]))
        .recorded(Instant(origin.recorded.to_offset(UtcOffset::UTC)))
        .agent(wire::list(agents))
        .build()?;
    if let (Some(signed), Some((kind, id, name))) = (&origin.signature, &origin.author) {
        let who = wire::reference(*kind, *id, name)?;
        resource.signature = wire::list([signature(signed, who)?]);
        resource.entity = wire::list([fingerprint(signed)?]);
    }
    Ok(resource)
}

/// The signature: the picture of it, which is an SVG of strokes or of the name that was typed. That the form still is what was
/// signed is told by its docStatus.
fn signature(signed: &Signed, who: Reference) -> Built<Signature> {
    let picture = signed.picture.split_once("base64,").map(|(_, data)| data);
    let bytes = picture.and_then(crypto::from_base64).unwrap_or_default();
    let purpose = wire::coding(
        "urn:iso-astm:E1762-95:2013",
        "1.2.840.10065.1.12.1.1",
        "Author's Signature",
    )?;
    Signature::builder()
        .r#type(wire::list([purpose]))
        .when(Instant(signed.at.to_offset(UtcOffset::UTC)))
        .who(who)
        .sig_format("image/svg+xml".to_owned())
        .data(Base64Binary(bytes))
        .build()
}

/// What was signed, by the hash of it.
fn fingerprint(signed: &Signed) -> Built<ProvenanceEntity> {
    let mut what = Reference::builder().build()?;
    what.identifier = Some(wire::identifier(HASHES, &signed.hash)?);
    what.display = wire::clean(&signed.name);
    ProvenanceEntity::builder()
        .role(ProvenanceEntityRole::Source)
        .what(what)
        .build()
}

fn role(code: &str, display: &str) -> Built<CodeableConcept> {
    wire::concept(&Code {
        system: "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
        code: code.to_owned(),
        display: display.to_owned(),
    })
}
