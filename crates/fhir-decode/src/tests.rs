//! The traps of fhir-sdk 0.16, each sprung once.

use super::*;

fn refused(body: &str) -> (String, String) {
    match decode(body.as_bytes()) {
        Ok(_) => ("accepted".to_owned(), String::new()),
        Err(problem) => (problem.path, problem.why),
    }
}

fn path(body: &str) -> String {
    refused(body).0
}

fn patient(rest: &str) -> String {
    format!(r#"{{"resourceType":"Patient",{rest}}}"#)
}

const WHOLE: &str = r##"{"resourceType":"Patient","id":"a-1.B","meta":{"versionId":"1","lastUpdated":"2026-01-02T03:04:05.123Z"},
 "contained":[{"resourceType":"Organization","id":"org","name":"X"}],
 "extension":[{"url":"http://example.org/x","valueCode":"a b"}],
 "name":[{"family":"Ö","given":["A","B"],"_given":[null,{"extension":[{"url":"http://example.org/y","valueBoolean":true}]}]}],
 "birthDate":"1987-02-20","_birthDate":{"extension":[{"url":"http://example.org/z","valueDateTime":"1987-02-20T10:00:00-05:00"}]},
 "deceasedBoolean":false,"managingOrganization":{"reference":"#org"},
 "generalPractitioner":[{"reference":"Practitioner/1/_history/2"}]}"##;

#[test]
fn a_right_body_is_read_whole() {
    let kept = decode(WHOLE.as_bytes()).and_then(|resource| {
        fhir_encode::encode(&resource).map_err(|_| Problem::new("", "cannot be written"))
    });
    let kept = kept.map(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    assert_eq!(kept, Ok(serde_json::from_str(WHOLE).ok()));
}

#[test]
fn unknown_elements_are_named() {
    assert_eq!(path(&patient(r#""colour":"red""#)), "Patient.colour");
    assert_eq!(
        path(&patient(
            r#""name":[{"family":"A"},{"familly":"B","given":["C"]}]"#
        )),
        "Patient.name[1].familly"
    );
}

#[test]
fn a_name_no_element_can_have_is_not_repeated() {
    for name in ["<b>", "a b", "", &"x".repeat(65)] {
        let body = patient(&format!(r#""name":[{{"{name}":1}}]"#));
        assert_eq!(path(&body), "Patient.name[0]", "{name}");
    }
    let twice = patient(r#""name":[{"<b>":1,"<b>":2}]"#);
    assert_eq!(path(&twice), "$this.name[0]");
}

#[test]
fn choices_of_a_wrong_type_are_named() {
    assert_eq!(
        path(&patient(r#""deceasedBoolean":"yes""#)),
        "Patient.deceasedBoolean"
    );
    assert_eq!(
        path(&patient(r#""deceasedDateTime":"2020-01-01T10:00:00""#)),
        "Patient.deceasedDateTime"
    );
    assert_eq!(
        path(&patient(
            r#""extension":[{"url":"http://x.org","valueFoo":1}]"#
        )),
        "Patient.extension[0].valueFoo"
    );
    assert_eq!(
        path(&patient(
            r#""extension":[{"url":"http://x.org","valueRatioRange":{"denominator":{"value":1}}}]"#
        )),
        "Patient.extension[0].valueRatioRange"
    );
}

#[test]
fn two_choices_are_one_too_many() {
    let found = path(&patient(
        r#""deceasedBoolean":true,"deceasedDateTime":"2020-01-01""#,
    ));
    assert!(found.starts_with("Patient.deceased"), "{found}");
}

#[test]
fn dates_must_be_in_the_calendar_and_times_on_the_clock() {
    for date in [
        "2026-02-30",
        "2026-02-29",
        "2026-04-31",
        "2026-13",
        "2026-00",
        "2026-01-00",
        "2100-02-29",
    ] {
        let body = patient(&format!(r#""birthDate":"{date}""#));
        let found = path(&body);
        assert!(found.starts_with("Patient.birthDate"), "{date}: {found}");
    }
    for moment in [
        "2026-01-02T24:00:00Z",
        "2026-01-02T10:60:00Z",
        "2026-02-30T10:00:00Z",
    ] {
        let body = patient(&format!(r#""meta":{{"lastUpdated":"{moment}"}}"#));
        let found = path(&body);
        assert!(
            found.starts_with("Patient.meta.lastUpdated"),
            "{moment}: {found}"
        );
    }
    for date in ["2024-02-29", "2000-02-29", "2026-12-31", "2026-02", "2026"] {
        assert!(
            decode(patient(&format!(r#""birthDate":"{date}""#)).as_bytes()).is_ok(),
            "{date}"
        );
    }
}

#[test]
fn dates_must_be_written_as_fhir_writes_them() {
    for date in [
        "24",
        "1987-2",
        "1987-02-30",
        "0000-00-00",
        "19870220",
        "1987-13",
        "next week",
        "1987-02-20T10:00Z",
    ] {
        let body = patient(&format!(r#""birthDate":"{date}""#));
        let found = path(&body);
        assert!(found.starts_with("Patient"), "{date}: {found}");
    }
    assert_eq!(path(&patient(r#""birthDate":"24""#)), "Patient.birthDate");
    assert_eq!(
        path(&patient(r#""birthDate":"1987-2""#)),
        "Patient.birthDate"
    );
}

#[test]
fn an_instant_may_be_spelled_differently() {
    let body = patient(r#""meta":{"lastUpdated":"2026-01-02T10:00:00.000+00:00"}"#);
    assert!(decode(body.as_bytes()).is_ok());
}

#[test]
fn nothing_is_empty() {
    for (rest, expected) in [
        (r#""name":[]"#, "Patient.name"),
        (r#""name":null"#, "Patient.name"),
        (r#""name":[null]"#, "Patient.name[0]"),
        (r#""name":[{}]"#, "Patient.name[0]"),
        (r#""name":[{"family":""}]"#, "Patient.name[0].family"),
        (r#""name":[{"given":[["A"]]}]"#, "Patient.name[0].given[0]"),
    ] {
        assert_eq!(path(&patient(rest)), expected);
    }
}

#[test]
fn ids_and_references_have_a_form() {
    let long = format!(r#""id":"{}""#, "a".repeat(65));
    for rest in [r#""id":"a/b c""#, r#""id":"ä""#, &long] {
        assert_eq!(path(&patient(rest)), "Patient.id");
    }
    for reference in [
        "garbage",
        "Nobody/1",
        "Organization/",
        "Organization/a b",
        "Organization/1/2",
        "../x",
        "#a b",
    ] {
        let body = patient(&format!(
            r#""managingOrganization":{{"reference":"{reference}"}}"#
        ));
        assert_eq!(
            path(&body),
            "Patient.managingOrganization.reference",
            "{reference}"
        );
    }
    for reference in [
        "Organization/1",
        "http://x.org/fhir/Organization/1",
        "urn:uuid:0c5e6ad6-7a2e-4b7e-9d0b-9a5bd5cf45a1",
    ] {
        let body = patient(&format!(
            r#""managingOrganization":{{"reference":"{reference}"}}"#
        ));
        assert_eq!(path(&body), "accepted", "{reference}");
    }
}

#[test]
fn codes_have_a_form_and_a_value_set() {
    let (found, why) = refused(&patient(r#""gender":"blue""#));
    assert_eq!(found, "Patient.gender");
    assert!(!why.contains("blue"));
    let body = patient(r#""maritalStatus":{"coding":[{"system":"http://x.org","code":" M"}]}"#);
    assert_eq!(path(&body), "Patient.maritalStatus.coding[0].code");
}

#[test]
fn the_type_is_checked_and_never_listed() {
    assert_eq!(refused("{}").1, "resourceType is missing");
    let (found, why) = refused(r#"{"resourceType":"Unheard"}"#);
    assert_eq!(found, "$this.resourceType");
    assert!(why.len() < 60 && !why.contains("Unheard"), "{why}");
    assert_eq!(path("[]"), "$this");
    let other = decode(br#"{"resourceType":"Basic","code":{"text":"x"}}"#);
    assert!(matches!(other, Ok(Resource::Basic(_))));
}

#[test]
fn required_elements_are_missed_by_name() {
    let body = r#"{"resourceType":"Appointment","status":"booked"}"#;
    assert_eq!(path(body), "Appointment.participant");
    let body = r#"{"resourceType":"Appointment","status":"booked","participant":[]}"#;
    assert_eq!(path(body), "Appointment.participant");
}

#[test]
fn numbers_keep_their_digits() {
    for number in ["1.00", "1e2", "0.12345678901234567890", "-0"] {
        let body = format!(
            r#"{{"resourceType":"Location","name":"a 1.00 \" 2","position":{{"longitude":1.5,"latitude":{number}}}}}"#
        );
        assert_eq!(path(&body), "$this.position.latitude", "{number}");
    }
    let body = r#"{"resourceType":"Location","position":{"longitude":1.5,"latitude":-7.25}}"#;
    assert_eq!(path(body), "accepted");
}

#[test]
fn a_decimal_may_be_a_whole_number_and_keeps_its_digits() {
    let place = |number: &str| {
        format!(
            r#"{{"resourceType":"Location","position":{{"longitude":1.5,"latitude":{number}}}}}"#
        )
    };
    for (number, value) in [
        ("10", 10.0),
        ("1.0", 1.0),
        ("0", 0.0),
        ("-7", -7.0),
        ("-120.0", -120.0),
        ("9007199254740992", 9_007_199_254_740_992.0),
    ] {
        let Ok(Resource::Location(location)) = decode(place(number).as_bytes()) else {
            panic!("{number}: {}", path(&place(number)));
        };
        let kept = location.position.as_ref().map(|at| at.latitude);
        assert_eq!(kept, Some(value), "{number}");
    }
    let one_more = place("9007199254740993");
    assert_eq!(path(&one_more), "Location.position.latitude");
    // An integer is no decimal.
    let body = r#"{"resourceType":"Appointment","status":"booked","minutesDuration":30.0,"participant":[{"status":"accepted"}]}"#;
    assert!(path(body).starts_with("Appointment"), "{}", path(body));
}

#[test]
fn a_wrong_json_type_is_refused_without_echo() {
    let (found, why) = refused(&patient(r#""active":"secret-word""#));
    assert_eq!(found, "Patient");
    assert!(
        why.contains("boolean") && !why.contains("secret-word"),
        "{why}"
    );
}

#[test]
fn keys_come_once() {
    assert_eq!(
        path(r#"{"resourceType":"Patient","active":true,"active":false}"#),
        "$this.active"
    );
    let body = patient(r#""name":[{"family":"A","family":"B"}]"#);
    assert_eq!(path(&body), "$this.name[0].family");
}

#[test]
fn depth_and_size_are_limited() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert!(refused(&deep).1.contains("32 levels"));
    let mut nested = r#"{"url":"http://x.org","valueBoolean":true}"#.to_owned();
    for _ in 0..20 {
        nested = format!(r#"{{"url":"http://x.org","extension":[{nested}]}}"#);
    }
    assert!(
        refused(&patient(&format!(r#""extension":[{nested}]"#)))
            .1
            .contains("32 levels")
    );
    let many = vec![r#"{"family":"A"}"#; 6000].join(",");
    assert!(
        refused(&patient(&format!(r#""name":[{many}]"#)))
            .1
            .contains("10,000")
    );
}

#[test]
fn contained_resources_are_flat() {
    let inner = r#"{"resourceType":"Organization","name":"A","contained":[{"resourceType":"Organization","name":"B"}]}"#;
    let body = patient(&format!(r#""contained":[{inner}]"#));
    assert_eq!(path(&body), "Patient.contained[0].contained");
}

#[test]
fn rubbish_is_refused_and_does_not_panic() {
    for body in [
        "",
        "{",
        "nul",
        "\u{feff}{}",
        r#"{"resourceType":"Patient"} x"#,
        "{\"resourceType\":\"Patient\",\"a\":\"\\ud800\"}",
    ] {
        assert_eq!(path(body), "$this", "{body}");
    }
    assert!(decode(b"\xff\xfe").is_err());
}
