//! Finding a patient in a small and in a large practice, and a visit that is that patient's.

use time::macros::date;

use super::*;
use crate::emr::fixture::Fixture;

const PEOPLE: &str = "\
    INSERT INTO patient_data (pid, uuid, fname, lname, DOB, sex) VALUES \
        (1, x'00000000000000000000000000000001', 'Maria', 'Delgado', '1984-02-29', 'Female'), \
        (2, x'00000000000000000000000000000002', 'Mario', 'de la Cruz', '1990-05-06', 'Male'), \
        (30, NULL, 'Linh', 'Marsh', '1984-02-29', ''), \
        (31, x'00000000000000000000000000000031', '100%', '_Odd!', '0000-00-00', ''); \
    INSERT INTO form_encounter (id, uuid, date, reason, pid, encounter) VALUES \
        (1, x'000000000000000000000000000000e1', '2026-01-05 09:00:00', 'Cough', 1, 101), \
        (2, x'000000000000000000000000000000e2', '2026-03-05 09:00:00', 'Check', 1, 102), \
        (3, x'000000000000000000000000000000e3', '2026-02-05 09:00:00', 'Knee', 2, 103);";

async fn pids(fixture: &Fixture, text: &str) -> Vec<i64> {
    let found = search(&fixture.emr, text).await.unwrap();
    found.iter().map(|found| found.person.pid).collect()
}

#[tokio::test]
async fn patients_are_found_by_name_birth_date_number_and_id() {
    let fixture = Fixture::with(PEOPLE).await;
    for (text, expected) in [
        ("delg", &[1][..]),
        ("MARIA delgado", &[1]),
        ("Delgado, Maria", &[1]),
        ("mar", &[2, 1, 30]),
        ("cruz", &[2]),
        ("1984-02-29", &[1, 30]),
        ("02/29/1984 linh", &[30]),
        ("2", &[2]),
        ("00000000-0000-0000-0000-000000000001", &[1]),
        ("2 delgado", &[]),
        ("m", &[]),
        ("", &[]),
        (" , ", &[]),
        ("zzz", &[]),
        ("arsh", &[]),
    ] {
        assert_eq!(pids(&fixture, text).await, expected, "{text}");
    }
    let found = search(&fixture.emr, "delgado").await.unwrap();
    assert_eq!(found[0].name, "Maria Delgado");
    assert_eq!(found[0].born, Some(date!(1984 - 02 - 29)));
    assert_eq!(found[0].sex, "Female");
}

#[tokio::test]
async fn marks_of_patterns_stand_for_themselves() {
    let fixture = Fixture::with(PEOPLE).await;
    for (text, expected) in [
        ("%%", &[][..]),
        ("__", &[]),
        ("_o", &[31]),
        ("100%", &[31]),
        ("10_", &[]),
        ("_Odd!", &[31]),
        ("'; DROP", &[]),
    ] {
        assert_eq!(pids(&fixture, text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_visit_belongs_to_its_patient() {
    let fixture = Fixture::with(PEOPLE).await;
    let person = |pid: i64| Person {
        pid,
        uuid: Uuid::from_u128(1),
    };
    let visits = visits(&fixture.emr, person(1)).await.unwrap();
    let reasons: Vec<&str> = visits.iter().map(|visit| visit.reason.as_str()).collect();
    assert_eq!(reasons, ["Check", "Cough"]);
    let mine = visit_of(&fixture.emr, person(1), Uuid::from_u128(0xe1)).await;
    assert_eq!(mine.unwrap().unwrap().reason, "Cough");
    let theirs = visit_of(&fixture.emr, person(1), Uuid::from_u128(0xe3)).await;
    assert_eq!(theirs.unwrap(), None);
}

#[tokio::test]
async fn a_hundred_thousand_charts_are_searched_in_a_moment() {
    let fixture = Fixture::with(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
         INSERT INTO patient_data (pid, uuid, fname, lname, DOB, sex) \
         SELECT i, CAST(printf('%016d', i) AS BLOB), 'First' || i, 'Last' || (i % 1000), '1950-01-01', 'Male' FROM n;",
    )
    .await;
    for (text, most) in [
        ("last7", SHOWN + 1),
        ("last999 first999", SHOWN + 1),
        ("first77777", 1),
        ("1950-01-01", SHOWN + 1),
        ("nobody", 0),
    ] {
        let found = search(&fixture.emr, text).await.unwrap();
        assert!(found.len() <= most, "{text}: {}", found.len());
    }
    assert_eq!(pids(&fixture, "77777").await, [77_777]);
}
