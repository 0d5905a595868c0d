//! Who takes something of which there is little, so that nobody takes all of it.

use crate::domain::access::Grant;
use crate::domain::access::Holder;
use crate::domain::access::Reach;
use crate::domain::access::User;

/// For whom it is counted: for who takes it, and not for whose record it is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Taker {
    /// A patient or a member of staff, through whatever apps.
    Person(Holder),
    /// A service that is no person, by its client id.
    Service(String),
}

impl Grant {
    /// Who takes what this grant opens.
    pub(super) fn taker(&self) -> Taker {
        match &self.user {
            User::Patient(person) => Taker::Person(Holder::Patient(person.pid)),
            User::Staff(staff) => Taker::Person(Holder::Staff(staff.id)),
            User::System => Taker::Service(self.client_id.clone()),
        }
    }
}

impl Reach {
    /// Who takes what it opens.
    pub fn taker(&self) -> &Taker {
        &self.taker
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ResourceType;
    use crate::domain::access::LaunchContext;
    use crate::domain::access::Right;
    use crate::domain::access::Staff;
    use crate::domain::people::Person;
    use crate::domain::scope::Interaction;
    use crate::domain::scope::Scope;
    use uuid::Uuid;

    const ANA: Person = Person {
        pid: 7,
        uuid: Uuid::from_u128(7),
    };

    fn taker(client: &str, user: User) -> Taker {
        let scope = match user {
            User::System => "system/Binary.r",
            User::Patient(_) | User::Staff(_) => "patient/Binary.r",
        };
        let context = LaunchContext {
            patient: Some(ANA),
            encounter: None,
        };
        let names = ("grant".to_owned(), client.to_owned());
        let grant = Grant::stored(names, user, context, Scope::list(scope));
        let reach = grant.reach(ResourceType::Binary, Interaction::Read);
        reach.expect("it is opened").taker().clone()
    }

    #[test]
    fn f150_who_takes_is_the_person_whatever_the_app_and_the_service_where_there_is_none() {
        let staff = |id| {
            User::Staff(Staff {
                id,
                uuid: Uuid::from_u128(4),
                rights: vec![Right::Documents],
            })
        };
        let ana = Taker::Person(Holder::Patient(7));
        assert_eq!(taker("one", User::Patient(ANA)), ana);
        assert_eq!(taker("two", User::Patient(ANA)), ana);
        // Of the same chart.
        let fourth = Taker::Person(Holder::Staff(4));
        assert_eq!(taker("one", staff(4)), fourth);
        assert_ne!(taker("one", staff(7)), fourth);
        let service = |client: &str| Taker::Service(client.to_owned());
        assert_eq!(taker("one", User::System), service("one"));
        assert_eq!(taker("two", User::System), service("two"));
    }
}
