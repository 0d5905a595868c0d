//! AuditEvent: a line of the ledger, for the patient who asks who looked and for the desk of the portal.

use fhir_sdk::Instant;
use fhir_sdk::r4b::codes::AuditEventAction;
use fhir_sdk::r4b::codes::AuditEventOutcome;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::AuditEventAgent;
use fhir_sdk::r4b::resources::AuditEventEntity;
use fhir_sdk::r4b::resources::AuditEventSource;
use fhir_sdk::r4b::types::Coding;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Reference;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::query::Field;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::trace::Actor;
use crate::domain::trace::AuditEvent;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

const EVENTS: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const RESTFUL: &str = "http://hl7.org/fhir/restful-interaction";
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";

/// AuditEvent as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::AuditEvent,
    profile: None,
    prose: "Who looked at or changed what, through which app, and how it ended: for a patient the lines about the own record, \
        for the desk of the portal all of them.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        Parameter {
            name: "patient",
            meaning: Meaning::Patient,
            definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-patient",
            values: |record| {
                of(record, |line| {
                    Indexed::reference(ResourceType::Patient, line.patient)
                })
            },
        },
        Parameter {
            name: "date",
            meaning: Meaning::Date(Field::Date),
            definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-date",
            values: |record| of(record, |line| Indexed::moment(Some(line.recorded))),
        },
        Parameter {
            name: "action",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-action",
            values: |record| {
                of(record, |line| {
                    vec![Indexed::token(
                        "http://hl7.org/fhir/audit-event-action",
                        kind(line).action,
                    )]
                })
            },
        },
        Parameter {
            name: "outcome",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-outcome",
            values: |record| {
                of(record, |line| {
                    vec![Indexed::token(
                        "http://hl7.org/fhir/audit-event-outcome",
                        outcome(line),
                    )]
                })
            },
        },
        Parameter {
            name: "subtype",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-subtype",
            values: |record| {
                of(record, |line| {
                    vec![Indexed::token(RESTFUL, kind(line).subtype)]
                })
            },
        },
        Parameter {
            name: "agent",
            meaning: Meaning::References(&[ResourceType::Patient, ResourceType::Practitioner]),
            definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-agent",
            values: |record| {
                of(record, |line| match &line.actor {
                    Actor::Person(kind, id) => vec![Indexed::Reference(*kind, *id)],
                    Actor::System | Actor::Unknown(_) => Vec::new(),
                })
            },
        },
        Parameter {
            name: "entity",
            meaning: Meaning::References(&ResourceType::ALL),
            definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-entity",
            values: |record| {
                of(record, |line| {
                    let patient = line.patient.map(|id| (ResourceType::Patient, id));
                    let told = named(&line.resource).into_iter();
                    told.chain(patient)
                        .map(|(kind, id)| Indexed::Reference(kind, id))
                        .collect()
                })
            },
        },
    ],
    order: "-date",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

fn of(record: &Record, values: fn(&AuditEvent) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::AuditEvent(line) => values(line),
        _ => Vec::new(),
    }
}

/// What sort of event an action is.
struct Kind {
    /// Code and display of the type.
    event: (&'static str, &'static str, &'static str),
    /// FHIR's name of the interaction; empty where it was none.
    subtype: &'static str,
    /// One of C, R, U, D, E.
    action: &'static str,
}

/// The last word of an action, and what it is.
const INTERACTIONS: [(&str, &str, &str); 14] = [
    ("sign", "update", "U"),
    ("fill", "update", "U"),
    ("read", "read", "R"),
    ("vread", "vread", "R"),
    ("history", "history-instance", "R"),
    ("search", "search-type", "E"),
    ("create", "create", "C"),
    ("update", "update", "U"),
    ("patch", "patch", "U"),
    ("cancel", "update", "U"),
    ("accept", "update", "U"),
    ("share", "update", "U"),
    ("unshare", "update", "U"),
    ("delete", "delete", "D"),
];

const REST: (&str, &str, &str) = (EVENTS, "rest", "RESTful Operation");
const AUTHENTICATION: (&str, &str, &str) = (DICOM, "110114", "User Authentication");

/// Actions of resources are `Type.interaction`; the others are about accounts, apps and grants.
fn kind(line: &AuditEvent) -> Kind {
    let word = line.action.rsplit('.').next().unwrap_or_default();
    let of_resource = line
        .action
        .split('.')
        .next()
        .and_then(ResourceType::of)
        .is_some();
    let known = INTERACTIONS.iter().find(|(known, ..)| *known == word);
    match (of_resource, known) {
        (true, Some((_, subtype, action))) => Kind {
            event: REST,
            subtype,
            action,
        },
        (true, None) => Kind {
            event: REST,
            subtype: "operation",
            action: "E",
        },
        (false, _) => Kind {
            event: AUTHENTICATION,
            subtype: "",
            action: "E",
        },
    }
}

/// DICOM's codes of how it ended.
fn outcome(line: &AuditEvent) -> &'static str {
    match line.outcome.as_str() {
        "success" => "0",
        "refused" => "4",
        _ => "8",
    }
}

/// `Type/id`, where the line names one.
fn named(resource: &str) -> Option<(ResourceType, Uuid)> {
    let (kind, id) = resource.split_once('/')?;
    Some((ResourceType::of(kind)?, id.parse().ok()?))
}

pub(super) fn render(line: &AuditEvent, meta: Meta) -> Built<resources::AuditEvent> {
    let kind = kind(line);
    let (system, code, display) = kind.event;
    let mut resource = resources::AuditEvent::builder()
        .id(line.uuid.to_string())
        .meta(meta)
        .r#type(wire::coding(system, code, display)?)
        .action(match kind.action {
            "C" => AuditEventAction::C,
            "R" => AuditEventAction::R,
            "U" => AuditEventAction::U,
            "D" => AuditEventAction::D,
            _ => AuditEventAction::E,
        })
        .recorded(Instant(line.recorded))
        .outcome(match outcome(line) {
            "0" => AuditEventOutcome::N0,
            "4" => AuditEventOutcome::N4,
            _ => AuditEventOutcome::N8,
        })
        .agent(wire::list(agents(line)?))
        .source(AuditEventSource::builder().observer(server()?).build()?)
        .build()?;
    resource.subtype = wire::list([match kind.subtype {
        "" => coding(&line.action)?,
        subtype => wire::coding(RESTFUL, subtype, "")?,
    }]);
    resource.outcome_desc = wire::clean(&line.reason);
    resource.entity = wire::list(entities(line)?);
    Ok(resource)
}

/// An action that is no interaction of FHIR, in our own words.
fn coding(action: &str) -> Built<Coding> {
    wire::coding(
        "https://anteroom.dev/fhir/CodeSystem/ledger-action",
        action,
        "",
    )
}

/// The person, where there is one, and the app.
fn agents(line: &AuditEvent) -> Built<Vec<AuditEventAgent>> {
    let person = match &line.actor {
        Actor::Person(kind, id) => wire::reference(*kind, *id, "")?,
        Actor::System => server()?,
        Actor::Unknown(_) => described("Somebody unknown")?,
    };
    let by_app = !line.client.0.is_empty();
    let mut agents = vec![
        AuditEventAgent::builder()
            .requestor(!by_app || line.actor != Actor::System)
            .who(person)
            .build()?,
    ];
    if by_app {
        let (id, name) = &line.client;
        let name = if name.is_empty() { id } else { name };
        let mut app = AuditEventAgent::builder()
            .r#type(wire::concept(&Code {
                system: DICOM,
                code: "110153".to_owned(),
                display: "Source Role ID".to_owned(),
            })?)
            .requestor(line.actor == Actor::System)
            .who(described(name)?)
            .build()?;
        app.name = wire::clean(name);
        app.alt_id = wire::clean(id);
        agents.push(app);
    }
    Ok(agents)
}

/// What was looked at, and whose record it was.
fn entities(line: &AuditEvent) -> Built<Vec<AuditEventEntity>> {
    let mut entities = Vec::new();
    if let Some((kind, id)) = named(&line.resource) {
        let what = wire::reference(kind, id, "")?;
        entities.push(AuditEventEntity::builder().what(what).build()?);
    } else if let Some(words) = wire::clean(&line.resource) {
        let mut searched = AuditEventEntity::builder().build()?;
        searched.name = Some(words);
        entities.push(searched);
    }
    let told = named(&line.resource).map(|(_, id)| id);
    if let Some(patient) = line.patient.filter(|patient| told != Some(*patient)) {
        let what = wire::reference(ResourceType::Patient, patient, "")?;
        let role = "http://terminology.hl7.org/CodeSystem/object-role";
        let patient = AuditEventEntity::builder()
            .what(what)
            .role(wire::coding(role, "1", "Patient")?)
            .build()?;
        entities.push(patient);
    }
    if let Some(id) = wire::clean(&line.request_id) {
        let mut request = AuditEventEntity::builder().build()?;
        request.name = Some(format!("request {id}"));
        entities.push(request);
    }
    Ok(entities)
}

fn server() -> Built<Reference> {
    described("Anteroom")
}

fn described(words: &str) -> Built<Reference> {
    Reference::builder().display(words.to_owned()).build()
}
