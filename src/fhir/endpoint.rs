//! Endpoint: where this server is.

use fhir_sdk::r4b::codes::EndpointStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::staffing::Endpoint;
use crate::fhir::Base;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

const CONNECTION: &str = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type";

/// Endpoint as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Endpoint,
    profile: None,
    prose: "The one endpoint: this FHIR base.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        Parameter {
            name: "connection-type",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Endpoint-connection-type",
            values: |_| vec![Indexed::token(CONNECTION, "hl7-fhir-rest")],
        },
        Parameter {
            name: "organization",
            meaning: Meaning::References(&[ResourceType::Organization]),
            definition: "http://hl7.org/fhir/SearchParameter/Endpoint-organization",
            values: |record| match record {
                Record::Endpoint(endpoint) => {
                    Indexed::reference(ResourceType::Organization, endpoint.organization)
                }
                _ => Vec::new(),
            },
        },
        Parameter {
            name: "status",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Endpoint-status",
            values: |_| {
                vec![Indexed::token(
                    "http://hl7.org/fhir/endpoint-status",
                    "active",
                )]
            },
        },
    ],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

pub(super) fn render(endpoint: &Endpoint, meta: Meta, base: &Base) -> Built<resources::Endpoint> {
    let kind = wire::coding(CONNECTION, "hl7-fhir-rest", "HL7 FHIR")?;
    let payload = wire::concept(&Code {
        system: "http://terminology.hl7.org/CodeSystem/endpoint-payload-type",
        code: "any".to_owned(),
        display: "Any".to_owned(),
    })?;
    let mut resource = resources::Endpoint::builder()
        .id(endpoint.uuid.to_string())
        .meta(meta)
        .status(EndpointStatus::Active)
        .connection_type(kind)
        .payload_type(wire::list([payload]))
        .payload_mime_type(wire::list(["application/fhir+json".to_owned()]))
        .address(base.url().to_owned())
        .build()?;
    resource.name = wire::clean(&endpoint.name);
    if let Some(id) = endpoint.organization {
        let organization = wire::reference(ResourceType::Organization, id, &endpoint.name)?;
        resource.managing_organization = Some(organization);
    }
    Ok(resource)
}
