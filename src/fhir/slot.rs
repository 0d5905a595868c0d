//! Slot: free and taken time in a provider's calendar, computed from it.

use fhir_sdk::Instant;
use fhir_sdk::r4b::codes::SlotStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::query::Field;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::visits::Availability;
use crate::domain::visits::Slot;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::indexes;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Slot as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::Slot,
    profile: None,
    prose: "Time in the providers' calendars, still to come, computed from the practice's own events by OpenEMR's own \
        rules: 14 days unless start says others, 60 at most. With service-type a slot is as long as such a visit, \
        without it as a step of the calendar. Taken time is told without what takes it, so any token with a scope for \
        Slot reads all of it.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        Parameter {
            name: "schedule",
            meaning: Meaning::Reference(Field::Schedule, &[ResourceType::Schedule]),
            definition: "http://hl7.org/fhir/SearchParameter/Slot-schedule",
            values: |record| {
                of(record, |slot| {
                    Indexed::reference(ResourceType::Schedule, Some(slot.schedule.0))
                })
            },
        },
        Parameter {
            name: "start",
            meaning: Meaning::Date(Field::Date),
            definition: "http://hl7.org/fhir/SearchParameter/Slot-start",
            values: |record| of(record, |slot| Indexed::moment(Some(slot.start))),
        },
        Parameter {
            name: "status",
            meaning: Meaning::Token(Field::Status),
            definition: "http://hl7.org/fhir/SearchParameter/Slot-status",
            values: |record| {
                of(record, |slot| {
                    let codes = Availability::CODES.iter();
                    codes
                        .filter(|(_, state)| *state == slot.state)
                        .map(|(code, _)| Indexed::token("http://hl7.org/fhir/slotstatus", code))
                        .collect()
                })
            },
        },
        Parameter {
            name: "service-type",
            meaning: Meaning::Token(Field::Category),
            definition: "http://hl7.org/fhir/SearchParameter/Slot-service-type",
            values: |record| {
                of(record, |slot| {
                    slot.service.iter().map(indexes::code).collect()
                })
            },
        },
        Parameter {
            name: "appointment-type",
            meaning: Meaning::Token(Field::Category),
            definition: "http://hl7.org/fhir/SearchParameter/Slot-appointment-type",
            values: |record| {
                of(record, |slot| {
                    slot.service.iter().map(indexes::code).collect()
                })
            },
        },
        Parameter {
            name: "specialty",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/Slot-specialty",
            values: |record| of(record, |slot| indexes::words(&slot.specialty)),
        },
    ],
    order: "start",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

fn of(record: &Record, values: fn(&Slot) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Slot(slot) => values(slot),
        _ => Vec::new(),
    }
}

pub(super) fn render(slot: &Slot, meta: Meta) -> Built<resources::Slot> {
    let (id, display) = &slot.schedule;
    let mut resource = resources::Slot::builder()
        .id(slot.uuid.to_string())
        .meta(meta)
        .schedule(wire::reference(ResourceType::Schedule, *id, display)?)
        .status(match slot.state {
            Availability::Free => SlotStatus::Free,
            Availability::Busy => SlotStatus::BusyUnavailable,
        })
        .start(Instant(slot.start))
        .end(Instant(slot.end))
        .build()?;
    if let Some(service) = &slot.service {
        let concept = wire::concept(service)?;
        resource.service_type = wire::list([concept.clone()]);
        resource.appointment_type = Some(concept);
    }
    if !slot.specialty.is_empty() {
        resource.specialty = wire::list([wire::words(&slot.specialty)?]);
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
    use time::macros::datetime;
    use uuid::Uuid;

    fn slot(state: Availability) -> Record {
        Record::Slot(Box::new(Slot {
            uuid: Uuid::from_u128(1),
            schedule: (Uuid::from_u128(2), "Dana Lee".to_owned()),
            state,
            service: Some(Code {
                system: "http://x.org/c",
                code: "office_visit".to_owned(),
                display: "Office Visit".to_owned(),
            }),
            specialty: "Family medicine".to_owned(),
            start: datetime!(2026-11-24 09:00 -5),
            end: datetime!(2026-11-24 09:15 -5),
        }))
    }

    #[test]
    fn a_slot_tells_when_and_whose_and_no_more() {
        for (code, state) in Availability::CODES {
            let record = slot(state);
            let bytes = encode(&record, &Base::new("http://x.org/fhir")).expect("renders");
            assert_eq!(fhir_decode::decode(&bytes).err(), None);
            let found: Value = serde_json::from_slice(&bytes).expect("JSON");
            assert_eq!(found["status"], code);
            assert_eq!(found["start"], "2026-11-24T09:00:00-05:00");
            assert_eq!(
                found["appointmentType"]["coding"][0]["code"],
                "office_visit"
            );
            for parameter in SERVED.parameters {
                assert!(
                    !(parameter.values)(&record).is_empty(),
                    "{}",
                    parameter.name
                );
            }
        }
    }
}
