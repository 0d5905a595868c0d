//! Provenance: who is behind a record, as far as the record itself tells. It is made of the record and stored nowhere.

use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::forms::Signed;
use crate::domain::records::Party;
use crate::domain::records::Record;
use crate::domain::trace::Provenance;
use crate::emr::Emr;
use crate::emr::names::named;

/// The types whose records tell where they come from.
pub const KINDS: [ResourceType; 7] = [
    ResourceType::Patient,
    ResourceType::Appointment,
    ResourceType::Communication,
    ResourceType::DocumentReference,
    ResourceType::Encounter,
    ResourceType::RelatedPerson,
    ResourceType::Coverage,
];

/// What is known about the origin of these records; nothing for one that does not say when it was recorded.
pub fn of(emr: &Emr, records: &[Record]) -> Vec<Record> {
    let practice = emr.known();
    let Some(organization) = practice.organization else {
        return Vec::new();
    };
    let origin = |record: &Record| {
        let (kind, id) = (record.kind(), record.id());
        let uuid = id_of(kind, id)?;
        let origin = Provenance {
            uuid,
            target: (kind, id),
            person: record.person(),
            recorded: record.last_updated()?,
            signature: signature(record),
            author: author(record),
            organization: (organization, practice.name.clone()),
        };
        Some(Record::Provenance(Box::new(origin)))
    };
    records.iter().filter_map(origin).collect()
}

/// The id of the Provenance of a record; `None` for a type that has none.
pub fn id_of(kind: ResourceType, target: Uuid) -> Option<Uuid> {
    let mask = mask(kind)?;
    Some(Uuid::from_u128(target.as_u128() ^ mask))
}

/// What a Provenance of this id would be about, were it of a record of this type.
pub fn target_of(kind: ResourceType, id: Uuid) -> Option<Uuid> {
    // The same step once more undoes it.
    id_of(kind, id)
}

fn mask(kind: ResourceType) -> Option<u128> {
    let place = KINDS.iter().position(|known| *known == kind)?;
    Some(named("Provenance", i64::try_from(place).ok()?).as_u128())
}

/// The signature of a form.
fn signature(record: &Record) -> Option<Signed> {
    match record {
        Record::DocumentReference(document) => document.form.as_ref()?.signed.clone(),
        _ => None,
    }
}

/// The person who wrote it, where the record names one.
fn author(record: &Record) -> Option<(ResourceType, Uuid, String)> {
    let staff = |one: &Option<(Uuid, String)>| {
        let (id, name) = one.clone()?;
        Some((ResourceType::Practitioner, id, name))
    };
    match record {
        Record::DocumentReference(document) if document.form.is_some() => {
            let form = document.form.as_ref()?;
            let patient = (document.person.uuid, document.patient_name.clone());
            let (id, name) = form.signed.as_ref().map(|_| patient)?;
            Some((ResourceType::Patient, id, name))
        }
        Record::DocumentReference(document) => staff(&document.author),
        Record::Encounter(visit) => staff(&visit.provider),
        Record::Communication(message) => match &message.sender {
            Party::Patient { person, name } => {
                Some((ResourceType::Patient, person.uuid, name.clone()))
            }
            Party::Staff { uuid, name } => Some((ResourceType::Practitioner, *uuid, name.clone())),
            Party::Other(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_target_and_to_one_type_only() {
        let target = Uuid::from_u128(0x1234);
        for kind in KINDS {
            let id = id_of(kind, target).expect("a type with origins");
            assert_ne!(id, target);
            for other in KINDS {
                let back = target_of(other, id);
                assert_eq!(back == Some(target), other == kind, "{kind:?} {other:?}");
            }
        }
        assert_eq!(id_of(ResourceType::Slot, target), None);
    }
}
