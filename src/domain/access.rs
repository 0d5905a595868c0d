//! Who asks, and what that opens: a Grant becomes a Reach, and nothing is read without a Reach.

pub mod taker;

use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::taker::Taker;
use crate::domain::people::Person;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Level;
use crate::domain::scope::ResourceScope;
use crate::domain::scope::Restriction;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;

/// Whose a session, a request or a grant is, as the tables hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A patient: `patient_data.pid`.
    Patient(i64),
    /// A member of staff: `users.id`.
    Staff(i64),
    /// No person: a backend service.
    System,
}

/// What OpenEMR's access control lets a member of staff do, as far as this house asks (OpenEMR facts 1.21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// `admin|super`: everything.
    Super,
    /// `admin|users`: the accounts of staff.
    Users,
    /// `patientportal|portal`: the portal's desk.
    Portal,
    /// `patients|demo`: charts.
    Demographics,
    /// `patients|appt`: the calendar.
    Appointments,
    /// `patients|docs`: documents.
    Documents,
    /// `patients|notes`: messages.
    Notes,
    /// `encounters|coding_a`, `encounters|notes_a`: visits of any provider.
    Encounters,
}

impl Right {
    /// Each right with phpGACL's section and value of it.
    pub const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::Super, "admin", "super"),
        (Self::Users, "admin", "users"),
        (Self::Portal, "patientportal", "portal"),
        (Self::Demographics, "patients", "demo"),
        (Self::Appointments, "patients", "appt"),
        (Self::Documents, "patients", "docs"),
        (Self::Notes, "patients", "notes"),
        (Self::Encounters, "encounters", "notes_a"),
    ];

    /// What staff need to see a type of resource; `None` where everybody who works there may.
    pub const fn needed(kind: ResourceType) -> Option<Self> {
        match kind {
            ResourceType::Patient
            | ResourceType::RelatedPerson
            | ResourceType::Coverage
            | ResourceType::Provenance
            | ResourceType::Group => Some(Self::Demographics),
            ResourceType::Appointment => Some(Self::Appointments),
            // The desk of the portal: what waits for review, the forms, and who looked at what.
            ResourceType::Task | ResourceType::Questionnaire | ResourceType::AuditEvent => {
                Some(Self::Portal)
            }
            ResourceType::DocumentReference | ResourceType::Binary => Some(Self::Documents),
            ResourceType::Communication => Some(Self::Notes),
            ResourceType::Encounter => Some(Self::Encounters),
            ResourceType::Schedule
            | ResourceType::Slot
            | ResourceType::Practitioner
            | ResourceType::PractitionerRole
            | ResourceType::Organization
            | ResourceType::Location
            | ResourceType::Endpoint
            | ResourceType::ValueSet
            | ResourceType::CodeSystem => None,
        }
    }
}

/// A member of staff with what OpenEMR lets them do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// `users.id`
    pub id: i64,
    /// `users.uuid`, the Practitioner's FHIR id.
    pub uuid: Uuid,
    /// What the access control gives.
    pub rights: Vec<Right>,
}

impl Staff {
    /// Whether they have a right, or all of them.
    pub fn has(&self, right: Right) -> bool {
        self.rights.contains(&right) || self.rights.contains(&Right::Super)
    }

    /// Whether they may see a type of resource at all.
    pub fn sees(&self, kind: ResourceType) -> bool {
        Right::needed(kind).is_none_or(|right| self.has(right))
    }
}

/// Who uses an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// A patient, who sees the own record.
    Patient(Person),
    /// A member of staff, who sees what the access control gives.
    Staff(Staff),
    /// Nobody: a backend service, which sees what the practice gave it.
    System,
}

impl User {
    /// The user as the ledger names it: `Patient/<uuid>`, `Practitioner/<uuid>`, `system`.
    pub fn reference(&self) -> String {
        match self {
            Self::Patient(person) => format!("Patient/{}", person.uuid),
            Self::Staff(staff) => format!("Practitioner/{}", staff.uuid),
            Self::System => "system".to_owned(),
        }
    }
}

/// What an app was launched with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchContext {
    /// The patient in context.
    pub patient: Option<Person>,
    /// FHIR id of the encounter in context.
    pub encounter: Option<Uuid>,
}

/// What a user allowed an app, looked up by the access token of the request.
/// Made by `store::grants` alone (`tests/tidy.rs` holds that).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    id: String,
    client_id: String,
    user: User,
    context: LaunchContext,
    scopes: Vec<Scope>,
}

impl Grant {
    /// The grant as stored: id, app, user, launch context, scopes.
    pub fn stored(
        (id, client_id): (String, String),
        user: User,
        context: LaunchContext,
        scopes: Vec<Scope>,
    ) -> Self {
        Self {
            id,
            client_id,
            user,
            context,
            scopes,
        }
    }

    /// Id of the grant, for the audit ledger and paging links.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The app.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Who uses the app.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The patient in context: a patient's own record, or the one staff chose.
    pub fn patient(&self) -> Option<Person> {
        self.context.patient
    }

    /// What the app was launched with.
    pub fn context(&self) -> &LaunchContext {
        &self.context
    }

    /// Everything granted.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Whether a word such as `openid` was granted.
    pub fn has(&self, word: &Word) -> bool {
        Scope::has(&self.scopes, word)
    }

    /// What this grant opens of one resource type for one interaction: the union of its scopes.
    ///
    /// # Errors
    /// `Forbidden` where no granted scope covers the type and interaction, or the access control keeps the type from
    /// this member of staff: decided before any look-up.
    pub fn reach(&self, kind: ResourceType, interaction: Interaction) -> Result<Reach, Refusal> {
        let openings: Vec<Opening> = self
            .scopes
            .iter()
            .filter_map(|scope| match &scope.word {
                Word::Resource(scope) => self.opening(scope, kind, interaction),
                _ => None,
            })
            .collect();
        if openings.is_empty() {
            return self.own_record(kind, interaction);
        }
        let openings = match kind {
            ResourceType::Binary if interaction == Interaction::Read => self.cut_bytes(openings),
            _ => openings,
        };
        let own = self.own(kind, interaction).map(|(_, uuid)| uuid);
        let reach = Reach {
            kind,
            interaction,
            patient: None,
            filters: None,
            only: None,
            own,
            held: self.held(),
            reader: self.reader(),
            taker: self.taker(),
            openings,
        };
        // Without a part that is everybody's, every opening is of the same one: the patient in context.
        let whole = reach.openings.iter().any(Opening::is_whole);
        let first = reach.openings.first().and_then(|opening| opening.patient);
        let cut = match (whole, first) {
            (false, Some(person)) => reach.within(person),
            _ => reach.across(),
        };
        cut.ok_or(Refusal::Forbidden("The token's scope does not cover this."))
    }

    fn opening(
        &self,
        scope: &ResourceScope,
        kind: ResourceType,
        interaction: Interaction,
    ) -> Option<Opening> {
        let covered = scope.resource.is_none_or(|resource| resource == kind)
            && scope.interactions.contains(&interaction);
        if !covered {
            return None;
        }
        let patient = match (scope.level, &self.user) {
            // A service looks after a copy of the record; what changes it is a person's decision.
            (Level::System, User::System)
                if matches!(interaction, Interaction::Read | Interaction::Search) =>
            {
                None
            }
            // A panel tells of other patients.
            (Level::Patient, _) | (_, User::Patient(_)) if kind == ResourceType::Group => {
                return None;
            }
            (Level::User, User::Patient(person)) => Some(*person),
            (Level::User, User::Staff(staff)) => {
                if !staff.sees(kind) {
                    return None;
                }
                None
            }
            (Level::Patient, User::Staff(staff)) if !staff.sees(kind) => return None,
            (Level::Patient, User::Patient(_) | User::Staff(_)) => Some(self.context.patient?),
            (Level::System, _) | (Level::User | Level::Patient, User::System) => return None,
        };
        Some(Opening {
            patient,
            filters: scope.filters.clone(),
        })
    }

    /// Bytes are seen through what is known of their document: where every scope for DocumentReference that the grant
    /// has is cut to a part of it, Binary is cut to the same part. A grant that has none has Binary as it says.
    fn cut_bytes(&self, bytes: Vec<Opening>) -> Vec<Opening> {
        let document = ResourceType::DocumentReference;
        let openings = |interaction| {
            self.scopes
                .iter()
                .filter_map(move |scope| match &scope.word {
                    Word::Resource(scope) => self.opening(scope, document, interaction),
                    _ => None,
                })
        };
        let documents: Vec<Opening> = openings(Interaction::Read)
            .chain(openings(Interaction::Search))
            .collect();
        if documents.is_empty() {
            return bytes;
        }
        let mut cut = Vec::new();
        for one in bytes {
            let about = documents.iter().filter(|document| {
                document.patient.is_none()
                    || one.patient.is_none()
                    || document.patient == one.patient
            });
            for document in about {
                let mut filters = one.filters.clone();
                filters.extend(document.filters.iter().cloned());
                let opening = Opening {
                    patient: one.patient.or(document.patient),
                    filters,
                };
                if !cut.contains(&opening) {
                    cut.push(opening);
                }
            }
        }
        cut
    }

    /// SMART 2.2, "Scopes for requesting identity data": fhirUser lets the app read that one resource.
    fn own(&self, kind: ResourceType, interaction: Interaction) -> Option<(Option<Person>, Uuid)> {
        let own = match (&self.user, kind) {
            (User::Patient(person), ResourceType::Patient) => Some((Some(*person), person.uuid)),
            (User::Staff(staff), ResourceType::Practitioner) => Some((None, staff.uuid)),
            _ => None,
        };
        own.filter(|_| interaction == Interaction::Read && self.has(&Word::FhirUser))
    }

    fn held(&self) -> Option<Vec<Right>> {
        match &self.user {
            User::Staff(staff) if !staff.has(Right::Super) => Some(staff.rights.clone()),
            _ => None,
        }
    }

    fn reader(&self) -> Reader {
        match self.user {
            User::Patient(_) => Reader::Patient,
            User::Staff(_) | User::System => Reader::Practice,
        }
    }

    fn own_record(&self, kind: ResourceType, interaction: Interaction) -> Result<Reach, Refusal> {
        let own = self.own(kind, interaction);
        let (patient, uuid) =
            own.ok_or(Refusal::Forbidden("The token's scope does not cover this."))?;
        Ok(Reach {
            kind,
            interaction,
            patient,
            filters: None,
            only: Some(uuid),
            own: Some(uuid),
            held: self.held(),
            reader: self.reader(),
            taker: self.taker(),
            openings: Vec::new(),
        })
    }
}

/// What one scope opens: one patient's records or everybody's, cut by its granular part.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Opening {
    patient: Option<Person>,
    filters: Vec<Restriction>,
}

impl Opening {
    fn is_whole(&self) -> bool {
        self.patient.is_none()
    }
}

/// For whom a record is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The patient it is about: what staff do not share is not there.
    Patient,
    /// The practice itself: its staff, and the services it runs.
    Practice,
}

/// One resource type, one interaction, and whose records: the first argument of every read and the first predicate of
/// every statement. Only [`Grant::reach`] makes one, and [`Reach::within`] a narrower one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    kind: ResourceType,
    interaction: Interaction,
    patient: Option<Person>,
    filters: Option<Vec<Vec<Restriction>>>,
    only: Option<Uuid>,
    own: Option<Uuid>,
    held: Option<Vec<Right>>,
    reader: Reader,
    taker: Taker,
    openings: Vec<Opening>,
}

impl Reach {
    /// The resource type it opens.
    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    /// The interaction it opens.
    pub fn interaction(&self) -> Interaction {
        self.interaction
    }

    /// The one patient whose compartment it is; `None` where it is the whole practice.
    pub fn patient(&self) -> Option<Person> {
        self.patient
    }

    /// The same, for what belongs to one patient and is never looked for across the practice.
    ///
    /// # Errors
    /// `Invalid` at `patient`: the caller may see several and has to say whose.
    pub fn person(&self) -> Result<Person, Refusal> {
        let why = "This token reaches more than one patient: say which, as patient=[id].";
        self.patient.ok_or_else(|| Refusal::invalid("patient", why))
    }

    /// Granular scopes: a record must fit all restrictions of one of these lists; `None` is all records.
    pub fn filters(&self) -> Option<&[Vec<Restriction>]> {
        self.filters.as_deref()
    }

    /// The only record it opens, where it is no more than the user's own.
    pub fn only(&self) -> Option<Uuid> {
        self.only
    }

    /// The record that `fhirUser` names, which is found even where the type does not list the likes of it.
    pub fn own(&self) -> Option<Uuid> {
        self.own
    }

    /// What of OpenEMR's access control the user has, where single records ask for more than their type does; `None`
    /// where that is everything.
    pub fn held(&self) -> Option<&[Right]> {
        self.held.as_deref()
    }

    /// For whom it is read, where the practice keeps things from patients.
    pub fn reader(&self) -> Reader {
        self.reader
    }

    /// The part of this reach that is one patient's compartment; `None` where it has none.
    #[must_use]
    pub fn within(&self, person: Person) -> Option<Self> {
        if self.patient.is_some() {
            return (self.patient == Some(person)).then(|| self.clone());
        }
        let mine = |opening: &&Opening| opening.patient.is_none_or(|one| one == person);
        self.narrowed(self.openings.iter().filter(mine), Some(person))
    }

    /// The part that is everybody's: where a search over the whole practice looks.
    fn across(&self) -> Option<Self> {
        self.narrowed(self.openings.iter().filter(|one| one.is_whole()), None)
    }

    fn narrowed<'o>(
        &self,
        openings: impl Iterator<Item = &'o Opening>,
        patient: Option<Person>,
    ) -> Option<Self> {
        let lists: Vec<Vec<Restriction>> =
            openings.map(|opening| opening.filters.clone()).collect();
        if lists.is_empty() {
            return None;
        }
        // One scope without a granular part opens the whole type; otherwise the parts add up.
        let all = lists.iter().any(Vec::is_empty);
        Some(Self {
            patient,
            filters: (!all).then_some(lists),
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests;
