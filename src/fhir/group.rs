//! Group: a panel of patients, for services that export one.

use fhir_sdk::r4b::codes::GroupType;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::GroupMember;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::query::Field;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::staffing::Group;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::indexes;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

const TYPES: &str = "http://hl7.org/fhir/group-type";

/// Group as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Group,
    profile: None,
    prose: "Panels of patients: everybody with the portal, and those of each provider. For staff and services; a panel of \
        over 500 tells its size and lists nobody.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        Parameter {
            name: "member",
            meaning: Meaning::Reference(Field::Member, &[ResourceType::Patient]),
            definition: "http://hl7.org/fhir/SearchParameter/Group-member",
            values: |record| {
                of(record, |panel| {
                    let members = panel.members.iter();
                    members
                        .map(|id| Indexed::Reference(ResourceType::Patient, *id))
                        .collect()
                })
            },
        },
        Parameter {
            name: "managing-entity",
            meaning: Meaning::References(&[ResourceType::Organization, ResourceType::Practitioner]),
            definition: "http://hl7.org/fhir/SearchParameter/Group-managing-entity",
            values: |record| of(record, manager),
        },
        Parameter {
            name: "type",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Group-type",
            values: |_| vec![Indexed::token(TYPES, "person")],
        },
        Parameter {
            name: "actual",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Group-actual",
            values: |_| vec![indexes::boolean(true)],
        },
    ],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

fn of(record: &Record, values: fn(&Group) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Group(panel) => values(panel),
        _ => Vec::new(),
    }
}

/// The provider, or the practice where the panel is nobody's in particular.
fn manager(panel: &Group) -> Vec<Indexed> {
    match panel.provider {
        Some(id) => Indexed::reference(ResourceType::Practitioner, Some(id)),
        None => Indexed::reference(ResourceType::Organization, panel.organization),
    }
}

pub(super) fn render(panel: &Group, meta: Meta) -> Built<resources::Group> {
    let mut resource = resources::Group::builder()
        .id(panel.uuid.to_string())
        .meta(meta)
        .active(true)
        .r#type(GroupType::Person)
        .actual(true)
        .quantity(panel.quantity)
        .build()?;
    resource.name = wire::clean(&panel.name);
    let manager = match (panel.provider, panel.organization) {
        (Some(id), _) => Some((ResourceType::Practitioner, id)),
        (None, Some(id)) => Some((ResourceType::Organization, id)),
        (None, None) => None,
    };
    if let Some((kind, id)) = manager {
        resource.managing_entity = Some(wire::reference(kind, id, "")?);
    }
    for id in &panel.members {
        let member = GroupMember::builder()
            .entity(wire::reference(ResourceType::Patient, *id, "")?)
            .build()?;
        resource.member.push(Some(member));
    }
    Ok(resource)
}
