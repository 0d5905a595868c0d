//! A patient for the tests of accounts.

use time::macros::date;
use uuid::Uuid;

use crate::domain::accounts::Remembered;
use crate::domain::accounts::Standing;
use crate::domain::language::Language;
use crate::domain::people::Person;

/// Somebody who is let in and has no credentials.
pub(super) fn standing() -> Standing {
    Standing {
        person: Person {
            pid: 7,
            uuid: Uuid::from_u128(7),
        },
        row: 9,
        first: "Ana".to_owned(),
        last: "Moreno".to_owned(),
        born: Some(date!(1990 - 05 - 17)),
        home_phone: "978-555-0100".to_owned(),
        zip: "01930".to_owned(),
        email: "ana@contact.example".to_owned(),
        trusted_email: "ana.moreno@mail.example".to_owned(),
        allow_email: true,
        allowed: true,
        apps_prevented: false,
        deceased: false,
        language: Language::English,
        provider: 0,
        credentials: None,
        remembered: Remembered::default(),
        sharing: 0,
    }
}
