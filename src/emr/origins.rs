//! Provenance: who is behind a record, as far as the record itself tells, or the wish of a patient that it came from: who
//! asked, through which app, and who agreed. It is made of them and stored nowhere.

use std::collections::HashMap;

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::ResourceType;
use crate::domain::forms::Signed;
use crate::domain::records::Party;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::trace::Provenance;
use crate::emr::Emr;
use crate::emr::names::named;
use crate::emr::staff;
use crate::emr::uuids;
use crate::store::reviews;
use crate::store::reviews::Review;
use crate::store::reviews::Wanted;

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

/// A change and the note of it are written in one transaction, each with its own look at the clock.
const APART: time::Duration = time::Duration::seconds(2);

const NAMES: &str = "SELECT uuid, fname, mname, lname FROM users WHERE uuid IN ";

const APPS: &str = "SELECT client_id, name FROM anteroom_client WHERE client_id IN ";

#[derive(FromRow)]
struct Colleague {
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
}

#[derive(FromRow)]
struct App {
    client_id: String,
    name: String,
}

/// Who was behind the last change of a record that a patient asked for.
struct Asked {
    at: OffsetDateTime,
    patient: Uuid,
    app: String,
    verifier: Option<(ResourceType, Uuid, String)>,
}

/// What is known about the origin of these records; nothing for one that does not say when it was recorded.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn of(emr: &Emr, records: &[Record]) -> Answer<Vec<Record>> {
    let practice = emr.known();
    let Some(organization) = practice.organization else {
        return Ok(Vec::new());
    };
    let mut asked = asked(emr, records).await?;
    let mut origin = |record: &Record| {
        let (kind, id) = (record.kind(), record.id());
        let uuid = id_of(kind, id)?;
        let recorded = record.last_updated()?;
        // What changed since was not asked for by the patient.
        let asked = asked.remove(&(kind, id));
        let asked = asked.filter(|asked| recorded <= asked.at + APART);
        let origin = Provenance {
            uuid,
            target: (kind, id),
            person: record.person(),
            recorded: asked.as_ref().map_or(recorded, |asked| asked.at),
            signature: signature(record),
            author: match &asked {
                Some(asked) => Some((ResourceType::Patient, asked.patient, String::new())),
                None => author(record),
            },
            app: asked
                .as_ref()
                .map_or_else(String::new, |asked| asked.app.clone()),
            verifier: asked.and_then(|asked| asked.verifier),
            organization: (organization, practice.name.clone()),
        };
        Some(Record::Provenance(Box::new(origin)))
    };
    Ok(records.iter().filter_map(&mut origin).collect())
}

/// The last wish of a patient for each record that was taken over.
async fn asked(emr: &Emr, records: &[Record]) -> Answer<HashMap<(ResourceType, Uuid), Asked>> {
    let wished = records.iter().filter(|record| {
        matches!(
            record.kind(),
            ResourceType::Patient | ResourceType::Coverage | ResourceType::DocumentReference
        )
    });
    let named: HashMap<String, (ResourceType, Uuid)> = wished
        .map(|record| {
            let (kind, id) = (record.kind(), record.id());
            (format!("{}/{id}", kind.name()), (kind, id))
        })
        .collect();
    let resources: Vec<String> = named.keys().cloned().collect();
    let found = reviews::find(&emr.db, Wanted::Taken(&resources)).await?;
    if found.is_empty() {
        return Ok(HashMap::new());
    }
    let deciders: Vec<Uuid> = found.iter().filter_map(Review::decided_by).collect();
    let rows: Vec<Colleague> = match deciders.is_empty() {
        true => Vec::new(),
        false => emr.db.all(Sql::new(NAMES).list(deciders)).await?,
    };
    let staff: HashMap<Uuid, String> = rows
        .into_iter()
        .filter_map(|row| {
            let id = uuids::known(row.uuid.as_deref())?;
            Some((id, staff::display(row.fname, row.mname, row.lname)))
        })
        .collect();
    let clients = found.iter().map(|one| one.client_id.clone());
    let apps: Vec<App> = emr.db.all(Sql::new(APPS).list(clients)).await?;
    let apps: HashMap<String, String> = apps
        .into_iter()
        .map(|app| (app.client_id, app.name))
        .collect();
    let mut asked = HashMap::new();
    for one in found {
        let at = one.decided.and_then(reviews::moment);
        if let (Some(target), Some(at)) = (named.get(&one.resource), at) {
            let later = asked.get(target).is_none_or(|known: &Asked| known.at <= at);
            let verifier = one.decided_by().map(|id| {
                let name = staff.get(&id).cloned().unwrap_or_default();
                (ResourceType::Practitioner, id, name)
            });
            if later {
                let wish = Asked {
                    at,
                    patient: one.person().uuid,
                    app: apps.get(&one.client_id).cloned().unwrap_or_default(),
                    verifier,
                };
                asked.insert(*target, wish);
            }
        }
    }
    Ok(asked)
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
