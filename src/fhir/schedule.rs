//! Schedule: a provider's calendar, into which patients can be booked.

use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Period;

use crate::domain::ResourceType;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::visits::Schedule;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::indexes;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Schedule as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Schedule,
    profile: None,
    prose: "The calendars of the providers patients can be booked with, one each. A comment says where the practice has \
        not set one up; then there are no Slots in it. Nothing in it tells of a patient, so any token with a scope for \
        Schedule reads all of them.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        parameter::UPDATED,
        Parameter {
            name: "active",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Schedule-active",
            values: |record| of(record, |_| vec![indexes::boolean(true)]),
        },
        Parameter {
            name: "actor",
            meaning: Meaning::References(&[ResourceType::Practitioner, ResourceType::Location]),
            definition: "http://hl7.org/fhir/SearchParameter/Schedule-actor",
            values: |record| {
                of(record, |calendar| {
                    let place = calendar.location.as_ref().map(|(id, _)| *id);
                    let mut actors = Indexed::reference(
                        ResourceType::Practitioner,
                        Some(calendar.practitioner.0),
                    );
                    actors.extend(Indexed::reference(ResourceType::Location, place));
                    actors
                })
            },
        },
        Parameter {
            name: "date",
            meaning: Meaning::Dates,
            definition: "http://hl7.org/fhir/SearchParameter/Schedule-date",
            values: |record| {
                of(record, |calendar| {
                    let (from, until) = calendar.horizon;
                    vec![Indexed::Date(Some(from), Some(until))]
                })
            },
        },
        Parameter {
            name: "identifier",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Schedule-identifier",
            values: |record| of(record, |calendar| vec![indexes::urn(calendar.uuid)]),
        },
        Parameter {
            name: "service-type",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Schedule-service-type",
            values: |record| {
                of(record, |calendar| {
                    let services = calendar.services.iter();
                    services.map(indexes::code).collect()
                })
            },
        },
        Parameter {
            name: "specialty",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Schedule-specialty",
            values: |record| of(record, |calendar| indexes::words(&calendar.specialty)),
        },
    ],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

/// Why there is no time in a calendar; the code is that of the rule a request would break.
const NOT_CONFIGURED: &str =
    "schedule-not-configured: the practice has not said when this provider is in the office.";

fn of(record: &Record, values: fn(&Schedule) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Schedule(calendar) => values(calendar),
        _ => Vec::new(),
    }
}

pub(super) fn render(calendar: &Schedule, meta: Meta) -> Built<resources::Schedule> {
    let (id, display) = &calendar.practitioner;
    let mut actors = vec![wire::reference(ResourceType::Practitioner, *id, display)?];
    if let Some((id, display)) = &calendar.location {
        actors.push(wire::reference(ResourceType::Location, *id, display)?);
    }
    let (from, until) = calendar.horizon;
    let services: Vec<_> = calendar
        .services
        .iter()
        .map(wire::concept)
        .collect::<Built<_>>()?;
    let mut resource = resources::Schedule::builder()
        .id(calendar.uuid.to_string())
        .meta(meta)
        .identifier(wire::list([wire::urn(calendar.uuid)?]))
        .active(true)
        .service_type(wire::list(services))
        .actor(wire::list(actors))
        .planning_horizon(
            Period::builder()
                .start(wire::date_time(from))
                .end(wire::date_time(until))
                .build()?,
        )
        .build()?;
    if !calendar.specialty.is_empty() {
        resource.specialty = wire::list([wire::words(&calendar.specialty)?]);
    }
    if !calendar.configured {
        resource.comment = Some(NOT_CONFIGURED.to_owned());
    }
    Ok(resource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Code;
    use crate::fhir::Base;
    use crate::fhir::encode;
    use serde_json::Value;
    use serde_json::json;
    use time::macros::datetime;
    use uuid::Uuid;

    #[test]
    fn a_calendar_nobody_set_up_says_so() {
        let calendar = Schedule {
            uuid: Uuid::from_u128(1),
            practitioner: (Uuid::from_u128(2), "Dana Lee".to_owned()),
            location: Some((Uuid::from_u128(3), "Main".to_owned())),
            specialty: "Family medicine".to_owned(),
            services: vec![Code {
                system: "http://x.org/c",
                code: "office_visit".to_owned(),
                display: "Office Visit".to_owned(),
            }],
            horizon: (
                datetime!(2026-11-21 00:00 -5),
                datetime!(2027-11-21 00:00 -5),
            ),
            configured: false,
            last_updated: None,
        };
        let record = Record::Schedule(Box::new(calendar));
        let bytes = encode(&record, &Base::new("http://x.org/fhir")).expect("renders");
        assert_eq!(fhir_decode::decode(&bytes).err(), None);
        let found: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(found["comment"], NOT_CONFIGURED);
        assert_eq!(found["active"], true);
        assert_eq!(found["specialty"], json!([{"text": "Family medicine"}]));
        assert_eq!(
            found["planningHorizon"]["start"],
            "2026-11-21T00:00:00-05:00"
        );
        assert_eq!(found["actor"].as_array().map(Vec::len), Some(2));
        assert_eq!(found["serviceType"][0]["coding"][0]["code"], "office_visit");
        for parameter in SERVED
            .parameters
            .iter()
            .filter(|one| one.name != "_lastUpdated")
        {
            assert!(
                !(parameter.values)(&record).is_empty(),
                "{}",
                parameter.name
            );
        }
    }
}
