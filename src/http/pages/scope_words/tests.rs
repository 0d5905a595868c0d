//! Scopes of every level, version and shape, as they are read.

use super::*;

fn check(reader: Reader, scope: &str, group: &str, meaning: &str) {
    let words = describe(reader, scope);
    assert_eq!(
        (words.group, words.meaning.as_str()),
        (group, meaning),
        "{scope}"
    );
}

#[test]
fn a_scope_reads_as_a_sentence_to_a_patient() {
    let check = |scope, group, meaning| check(Reader::Patient, scope, group, meaning);
    for read in [
        "patient/Binary.r",
        "patient/Binary.read",
        "user/Binary.rs",
        "user/Binary.s",
    ] {
        check(
            read,
            READ,
            "The app may read the content of your documents.",
        );
    }
    check(
        "patient/Appointment.rus",
        CHANGE,
        "The app may read and cancel your appointments: the time, place and status. The practice's own rules still apply.",
    );
    check(
        "patient/Communication.c",
        CHANGE,
        "The app may add to the messages between you and the practice. The practice may check a change first.",
    );
    check(
        "patient/Patient.write",
        CHANGE,
        "The app may add to, change, delete your name, birth date, address, phone and email. The practice may check a change first.",
    );
    check(
        "patient/*.*",
        CHANGE,
        "The app may read and add to, change, delete all parts of your record that the practice shares. The practice may check a change first.",
    );
    check(
        "patient/Goal.rs",
        READ,
        "The app may read the parts of the record named Goal.",
    );
}

#[test]
fn staff_read_whose_records_a_scope_opens() {
    let check = |scope, group, meaning| check(Reader::Staff, scope, group, meaning);
    check(
        "patient/Appointment.rs",
        READ,
        "The app may read the appointments: time, place and status of this patient.",
    );
    check(
        "user/Communication.read",
        READ,
        "The app may read the messages with the practice of every patient you may see.",
    );
    check(
        "user/Practitioner.rs",
        READ,
        "The app may read the names of the people who work here.",
    );
}

#[test]
fn a_granular_scope_says_what_it_is_narrowed_to() {
    let check = |scope, meaning| check(Reader::Patient, scope, READ, meaning);
    check(
        "patient/DocumentReference.rs?category=clinical-note",
        "The app may read the names, dates and kinds of your documents. Only those of the category “clinical note”.",
    );
    check(
        "patient/DocumentReference.rs?type=http://loinc.org|11488-4&status=current",
        "The app may read the names, dates and kinds of your documents. Only those of the type “11488-4” (LOINC) and with the status “current”.",
    );
    check(
        "patient/Appointment.rs?other=urn:x|y",
        "The app may read your appointments: the time, place and status. Only those where other is “y” (urn:x).",
    );
}

#[test]
fn case_26_codes_of_an_app_are_shown_without_tricks() {
    let long = format!("patient/Appointment.rs?status=\u{202e}{}", "x".repeat(4096));
    let words = describe(Reader::Patient, &long);
    assert!(!words.meaning.contains('\u{202e}'));
    assert!(words.meaning.chars().count() < 250, "{}", words.meaning);
}

#[test]
fn staying_connected_says_how_long() {
    let offline = describe(Reader::Patient, "offline_access");
    assert_eq!(offline.group, STAY);
    for word in ["up to a year", "100 days"] {
        assert!(offline.meaning.contains(word), "{word}");
    }
    let online = describe(Reader::Patient, "online_access");
    assert_eq!(online.group, STAY);
    assert!(online.meaning.contains("while you are logged in"));
}

#[test]
fn groups_keep_every_scope_once_and_kinds_together() {
    let asked = [
        "offline_access",
        "patient/Communication.rs",
        "openid",
        "patient/Appointment.r",
        "patient/Patient.rs",
        "user/Appointment.s",
        "patient/*.cruds",
        "system/Patient.rs",
    ];
    let groups = groups(Reader::Patient, &asked, &["openid"]);
    let mut shown: Vec<&str> = groups
        .iter()
        .flat_map(|group| group.scopes.iter().map(|choice| choice.scope.as_str()))
        .collect();
    shown.sort_unstable();
    let mut expected = asked.to_vec();
    expected.sort_unstable();
    assert_eq!(shown, expected);
    let read: Vec<&str> = groups[0].scopes.iter().map(|c| c.scope.as_str()).collect();
    let kinds = [
        "patient/Patient.rs",
        "patient/Appointment.r",
        "user/Appointment.s",
        "patient/Communication.rs",
    ];
    assert_eq!(
        (groups[0].title, read.as_slice()),
        ("Read your record", &kinds[..])
    );
    let fixed: Vec<&str> = groups
        .iter()
        .flat_map(|group| &group.scopes)
        .filter(|choice| choice.required)
        .map(|choice| choice.scope.as_str())
        .collect();
    assert_eq!(fixed, ["openid"]);
}
