//! Charts of every kind, as Patient.

use time::macros::date;
use time::macros::datetime;

use super::*;
use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::people::Gender;
use crate::domain::query::DateRange;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Prefix;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::fixture;
use crate::emr::fixture::Fixture;

const LISTS: &str = include_str!("../../../migrations/openemr_lists.sql");

/// A full chart (7), an empty one (8), and a provider without uuid.
const CHARTS: &str = "
INSERT INTO users (id, username, authorized, active, fname, mname, lname) VALUES (5, 'dlee', 1, 0, 'Dana', 'Q', 'Lee');
INSERT INTO patient_data (id, pid, uuid, pubpid, title, fname, mname, lname, suffix, preferred_name, birth_fname,
    birth_lname, DOB, sex, race, ethnicity, language, status, street, street_line_2, city, state, postal_code, county,
    country_code, phone_home, phone_cell, email, email_direct, deceased_date, contact_relationship, phone_contact,
    providerID, last_updated, ss, tribal_affiliations)
  VALUES (70, 7, x'00000000000000000000000000000007', 'C-7', 'Ms.', ' Siobh&#039;an ', 'A', 'O&#039;Neil', 'III', 'Shiv',
    'Siobh''an', 'Ryan', '1970-02-03', 'Female', 'declne_to_specfy|abenaki|white', 'not_hisp_or_latin', 'catalan_valencian',
    'single', '1 Elm St', 'Apt 2', 'Troy', 'NY', '12180', 'Rensselaer', 'USA', '555-0101', '555-0103', 'a@example.org',
    'A@Example.org', '2026-07-01 10:00:00', 'Pat O''Neil', '555-0109', 5, '2026-01-15 09:00:00', '999-99-9999', '');
INSERT INTO patient_data (id, pid, uuid) VALUES (80, 8, x'00000000000000000000000000000008');
INSERT INTO patient_access_onsite (pid, portal_username) VALUES (7, 'Siobhan70');
INSERT INTO patient_history (pid, history_type_key, previous_name_first, previous_name_last, previous_name_enddate)
  VALUES (7, 'name_history', 'Zoë, S.', 'Müller', '2001-05-06'), (7, 'care_team_history', 'Not', 'Me', NULL),
    (8, 'care_team_history', 'Nor', 'Me', NULL);
INSERT INTO contact (id, foreign_table_name, foreign_id) VALUES (1, 'patient_data', 7), (2, 'insurance', 7);
INSERT INTO addresses (id, line1, city, state, zip) VALUES (1, '9 Oak Ave', 'Albany', 'NY', '12207'),
    (2, '1 Insurer Way', 'Hartford', 'CT', '06101');
INSERT INTO contact_address (contact_id, address_id, status, period_end) VALUES (1, 1, 'I', '2020-01-31 00:00:00'),
    (2, 2, 'A', NULL);
";

fn person(pid: i64) -> Person {
    Person {
        pid,
        uuid: Uuid::from_u128(u128::from(pid.unsigned_abs())),
    }
}

fn mine(pid: i64) -> Reach {
    fixture::reach(
        pid,
        "patient/*.rs",
        ResourceType::Patient,
        Interaction::Search,
    )
}

async fn practice() -> Fixture {
    Fixture::with(&[LISTS, CHARTS].concat()).await
}

fn all() -> Query {
    Query {
        count: 10,
        ..Query::default()
    }
}

async fn patient(practice: &Fixture, pid: i64) -> Patient {
    let reach = mine(pid);
    let page = find(&practice.emr, &reach, &all()).await.expect("a page");
    match page.records.into_iter().next() {
        Some(Record::Patient(patient)) => *patient,
        other => panic!("no patient but {other:?}"),
    }
}

fn codes_of(codes: &[Code]) -> Vec<(&str, &str)> {
    codes
        .iter()
        .map(|code| (code.code.as_str(), code.display.as_str()))
        .collect()
}

#[tokio::test]
async fn a_full_chart_is_shown_whole() {
    let practice = practice().await;
    let patient = patient(&practice, 7).await;
    assert_eq!(patient.person, person(7));
    assert_eq!(patient.name.given, ["Siobh'an", "A"]);
    assert_eq!(patient.name.family, "O'Neil");
    assert_eq!(
        (patient.name.prefix.as_str(), patient.name.suffix.as_str()),
        ("Ms.", "III")
    );
    assert_eq!(patient.preferred_name, "Shiv");
    let old: Vec<_> = patient
        .old_names
        .iter()
        .map(|(name, end)| (name.display(), *end))
        .collect();
    assert_eq!(
        old,
        [
            ("Siobh'an Ryan".to_owned(), None),
            ("Zoë, S. Müller".to_owned(), Some(date!(2001 - 05 - 06)))
        ]
    );
    assert_eq!(patient.birth_date, Some(date!(1970 - 02 - 03)));
    assert_eq!(
        (patient.gender, patient.birth_sex),
        (Gender::Female, Some("F"))
    );
    assert_eq!(
        codes_of(&patient.race),
        [
            ("2106-3", "White"),
            ("ASKU", "asked but unknown"),
            ("1006-6", "Abenaki")
        ]
    );
    assert_eq!(
        codes_of(&patient.ethnicity),
        [("2186-5", "Not Hispanic or Latino")]
    );
    assert_eq!(codes_of(patient.language.as_slice()), [("ca", "Catalan")]);
    assert_eq!(
        codes_of(patient.marital.as_slice()),
        [("S", "Never Married")]
    );
    let telecom: Vec<_> = patient
        .telecom
        .iter()
        .map(|t| (t.value.as_str(), t.used))
        .collect();
    assert_eq!(
        telecom,
        [
            ("555-0101", "home"),
            ("555-0103", "mobile"),
            ("a@example.org", "")
        ]
    );
    let addresses: Vec<_> = patient
        .addresses
        .iter()
        .map(|a| (a.lines.join("/"), a.city.as_str(), a.old))
        .collect();
    assert_eq!(
        addresses,
        [
            ("1 Elm St/Apt 2".to_owned(), "Troy", None),
            (
                "9 Oak Ave".to_owned(),
                "Albany",
                Some(Some(date!(2020 - 01 - 31)))
            )
        ]
    );
    assert_eq!(patient.account.as_deref(), Some("Siobhan70"));
    assert_eq!(
        patient.contact,
        Some(("Pat O'Neil".to_owned(), "555-0109".to_owned()))
    );
    assert_eq!(
        patient.provider.as_ref().map(|(_, name)| name.as_str()),
        Some("Dana Q Lee")
    );
    assert_eq!(patient.deceased, Some(datetime!(2026-07-01 10:00 -4)));
    assert_eq!(patient.last_updated, Some(datetime!(2026-01-15 09:00 -5)));
    assert!(
        !format!("{patient:?}").contains("999-99-9999"),
        "the SSN never leaves the table"
    );
}

#[tokio::test]
async fn an_empty_chart_is_shown_with_nothing_made_up() {
    let practice = practice().await;
    let patient = patient(&practice, 8).await;
    assert_eq!(patient.name, Name::default());
    assert_eq!((patient.birth_date, patient.birth_sex), (None, None));
    assert_eq!(patient.gender, Gender::Unknown);
    assert!(patient.addresses.is_empty() && patient.telecom.is_empty());
    assert!(patient.old_names.is_empty() && patient.race.is_empty());
    assert!(patient.contact.is_none() && patient.provider.is_none() && patient.account.is_none());
}

#[tokio::test]
async fn nobody_else_is_found_whatever_is_asked() {
    let practice = practice().await;
    let reach = mine(7);
    for query in [
        Query::one(person(8).uuid),
        Query {
            count: 0,
            ..Query::default()
        },
    ] {
        let page = find(&practice.emr, &reach, &query).await.expect("a page");
        assert!(page.records.is_empty());
    }
    let page = find(&practice.emr, &reach, &Query::one(person(7).uuid)).await;
    assert_eq!(page.expect("a page").records.len(), 1);
}

#[tokio::test]
async fn a_chart_with_another_uuid_than_the_grants_is_not_there() {
    let practice = practice().await;
    let moved = "UPDATE patient_data SET uuid = x'00000000000000000000000000000099' WHERE pid = 7";
    practice.emr.db.run(Sql::new(moved)).await.expect("moved");
    let reach = mine(7);
    let page = find(&practice.emr, &reach, &all()).await.expect("a page");
    assert!(page.records.is_empty());
}

#[tokio::test]
async fn a_provider_added_without_uuid_gets_one() {
    let practice = practice().await;
    let lost = "UPDATE users SET uuid = NULL WHERE id = 5";
    practice.emr.db.run(Sql::new(lost)).await.expect("lost");
    let first = patient(&practice, 7).await.provider;
    assert!(first.is_some());
    assert_eq!(first, patient(&practice, 7).await.provider);
}

#[tokio::test]
async fn a_filter_patients_do_not_have_is_refused() {
    let practice = practice().await;
    let at = datetime!(2026-01-01 00:00 UTC);
    let range = DateRange {
        prefix: Prefix::Ge,
        start: at,
        end: at,
    };
    let query = Query {
        filters: vec![Filter::Date(Field::Date, vec![range])],
        ..all()
    };
    let reach = mine(7);
    let answer = find(&practice.emr, &reach, &query).await;
    assert!(matches!(
        answer,
        Err(Failure::Refused(Refusal::Unsupported(_)))
    ));
}

#[test]
fn a_second_email_is_shown_only_if_it_is_another_one() {
    let of = |first: &str, second: &str| {
        let emails = [Some(first.to_owned()), Some(second.to_owned())];
        telecom([None, None, None], emails).len()
    };
    assert_eq!(of("a@b.c", "A@B.C"), 1);
    assert_eq!(of("a@b.c", "d@b.c"), 2);
    assert_eq!(of("", "d@b.c"), 1);
    assert_eq!(of("", ""), 0);
}
