//! Who asks, and what that opens: a Grant becomes a Reach, and nothing is read without a Reach.

use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::domain::scope::Token;
use crate::domain::scope::Word;

/// What a user allowed an app, looked up by the access token of the request.
/// Made by `store::grants` alone (`tests/tidy.rs` holds that).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    id: String,
    client_id: String,
    patient: Person,
    scopes: Vec<Scope>,
}

impl Grant {
    /// The grant as stored: id, app, patient in context, scopes.
    pub fn stored(id: String, client_id: String, patient: Person, scopes: Vec<Scope>) -> Self {
        Self {
            id,
            client_id,
            patient,
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

    /// The patient in context.
    pub fn patient(&self) -> Person {
        self.patient
    }

    /// Everything granted.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Whether a word such as `openid` was granted.
    pub fn has(&self, word: &Word) -> bool {
        self.scopes.iter().any(|scope| scope.word == *word)
    }

    /// What this grant opens of one resource type for one interaction.
    ///
    /// # Errors
    /// `Forbidden` where no granted scope covers the type and interaction: decided before any look-up.
    pub fn reach(&self, kind: ResourceType, interaction: Interaction) -> Result<Reach, Refusal> {
        let open: Vec<&Option<Token>> = self
            .scopes
            .iter()
            .filter_map(|scope| match &scope.word {
                Word::Resource(scope)
                    if scope.level == Level::Patient
                        && scope.resource.is_none_or(|resource| resource == kind)
                        && scope.interactions.contains(&interaction) =>
                {
                    Some(&scope.category)
                }
                _ => None,
            })
            .collect();
        // SMART 2.2, "Scopes for requesting identity data": fhirUser lets the app read that one resource.
        let own_record = kind == ResourceType::Patient
            && interaction == Interaction::Read
            && self.has(&Word::FhirUser);
        if open.is_empty() && !own_record {
            return Err(Refusal::Forbidden("The token's scope does not cover this."));
        }
        // One scope without a category opens the whole type; otherwise the categories add up.
        let categories = open
            .iter()
            .map(|category| category.as_ref().cloned())
            .collect::<Option<Vec<Token>>>()
            .filter(|categories| !categories.is_empty());
        Ok(Reach {
            kind,
            interaction,
            patient: self.patient,
            categories,
        })
    }
}

/// One resource type, one interaction, one patient's compartment: the first argument of every read and the
/// first predicate of every statement. Only [`Grant::reach`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    kind: ResourceType,
    interaction: Interaction,
    patient: Person,
    categories: Option<Vec<Token>>,
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

    /// The patient whose compartment it is.
    pub fn patient(&self) -> Person {
        self.patient
    }

    /// Granular scopes: only these categories; `None` is all.
    pub fn categories(&self) -> Option<&[Token]> {
        self.categories.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn grant(scope: &str) -> Grant {
        let person = Person {
            pid: 7,
            uuid: Uuid::from_u128(7),
        };
        Grant::stored("g".into(), "c".into(), person, Scope::list(scope))
    }

    #[test]
    fn a_scope_opens_its_type_and_letters_only() {
        let grant = grant("patient/Patient.r patient/Appointment.rs");
        assert!(
            grant
                .reach(ResourceType::Patient, Interaction::Read)
                .is_ok()
        );
        assert!(
            grant
                .reach(ResourceType::Patient, Interaction::Search)
                .is_err()
        );
        assert!(
            grant
                .reach(ResourceType::Appointment, Interaction::Update)
                .is_err()
        );
        assert!(
            grant
                .reach(ResourceType::Communication, Interaction::Read)
                .is_err()
        );
    }

    #[test]
    fn user_and_system_scopes_open_nothing_for_a_patient() {
        let grant = grant("user/*.cruds system/*.cruds");
        assert!(
            grant
                .reach(ResourceType::Patient, Interaction::Read)
                .is_err()
        );
    }

    #[test]
    fn the_own_record_is_readable_with_fhir_user() {
        let grant = grant("openid fhirUser");
        assert!(
            grant
                .reach(ResourceType::Patient, Interaction::Read)
                .is_ok()
        );
        assert!(
            grant
                .reach(ResourceType::Patient, Interaction::Search)
                .is_err()
        );
    }

    #[test]
    fn categories_add_up_unless_one_scope_has_none() {
        let narrow = grant(
            "patient/DocumentReference.rs?category=a patient/DocumentReference.rs?category=b",
        );
        let reach = narrow.reach(ResourceType::DocumentReference, Interaction::Search);
        assert_eq!(
            reach.map(|reach| reach.categories().map(<[Token]>::len)),
            Ok(Some(2))
        );
        let wide = grant("patient/DocumentReference.rs?category=a patient/*.rs");
        let reach = wide.reach(ResourceType::DocumentReference, Interaction::Search);
        assert_eq!(reach.map(|reach| reach.categories().is_some()), Ok(false));
    }
}
