//! Search parameters, understood and refused.

mod forms;

use super::*;
use crate::domain::query::Field;
use crate::domain::scope::Token;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-21 20:00 UTC);

const ME: &str = "00000000-0000-4000-8000-000000000007";
const OTHER: &str = "00000000-0000-4000-8000-000000000008";

fn search(
    kind: ResourceType,
    pairs: &[(&str, &str)],
    handling: Handling,
) -> Result<Search, Refusal> {
    let zone = Zone::named("America/New_York").expect("bundled zone");
    let context = SearchContext {
        patient: Some(Person {
            pid: 7,
            uuid: ME.parse().expect("uuid"),
        }),
        zone: &zone,
        now: NOW,
        fhir_base: "http://x.org/fhir",
    };
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let pairs: Vec<(String, String)> = pairs.iter().map(own).collect();
    parse(kind, &pairs, handling, &context)
}

fn visits(pairs: &[(&str, &str)]) -> Result<Search, Refusal> {
    search(ResourceType::Appointment, pairs, Handling::Lenient)
}

/// Where a search of visits is refused as invalid.
fn invalid(name: &str, value: &str) -> Option<String> {
    match visits(&[(name, value)]) {
        Err(Refusal::Invalid { location, .. }) => Some(location),
        _ => None,
    }
}

#[test]
fn the_patient_may_be_named_in_three_ways() {
    for value in [
        ME,
        &format!("Patient/{ME}"),
        &format!("http://x.org/fhir/Patient/{ME}"),
        &format!("{ME},Patient/{ME}"),
    ] {
        for name in ["patient", "actor", "patient:Patient"] {
            let found = visits(&[(name, value)]).map(|search| search.query.filters.len());
            assert_eq!(found, Ok(0), "{name}={value}");
        }
    }
}

#[test]
fn another_patient_is_forbidden_before_anything_is_looked_up() {
    let other = format!("Patient/{OTHER}");
    let both = format!("{ME},{OTHER}");
    let elsewhere = format!("http://y.org/fhir/Patient/{ME}");
    let upper = "00000000-0000-4000-8000-00000000000A";
    for value in [
        OTHER,
        &other,
        &both,
        &elsewhere,
        "Patient/",
        "Patient/invented",
        "1",
        upper,
        "Group/1",
        "*",
    ] {
        for (kind, name) in [
            (ResourceType::Appointment, "patient"),
            (ResourceType::Communication, "subject"),
            (ResourceType::DocumentReference, "patient"),
        ] {
            let found = search(kind, &[(name, value)], Handling::Lenient);
            assert!(
                matches!(found, Err(Refusal::Forbidden(_))),
                "{name}={value}"
            );
        }
    }
    assert!(matches!(
        visits(&[("actor", &other)]),
        Err(Refusal::Forbidden(_))
    ));
    for name in [
        "actor",
        "actor:Patient",
        "patient:Patient",
        "patient:not",
        "patient:exact",
    ] {
        for value in [
            other.as_str(),
            "http://y.org/fhir/Patient/1",
            "Patient/invented",
        ] {
            let found = visits(&[(name, value)]);
            assert!(
                matches!(found, Err(Refusal::Forbidden(_))),
                "{name}={value}"
            );
        }
    }
    let provider = format!("Practitioner/{OTHER}");
    let found = visits(&[("actor", &provider)]).expect("nobody's record");
    let target = Target {
        kind: Some(ResourceType::Practitioner),
        id: OTHER.parse().expect("uuid"),
    };
    assert_eq!(found.criteria[0].test, Test::Targets(vec![target]));
    let repeated = visits(&[("patient", ME), ("patient", OTHER)]);
    assert!(matches!(repeated, Err(Refusal::Forbidden(_))));
}

#[test]
fn commas_are_or_and_repetition_is_and() {
    let pairs = [
        ("date", "ge2026-01-01"),
        ("date", "lt2027"),
        ("status", "booked,pending"),
    ];
    let query = visits(&pairs).expect("understood").query;
    let shape: Vec<(Field, usize)> = query
        .filters
        .iter()
        .map(|filter| match filter {
            Filter::Date(field, ranges) => (*field, ranges.len()),
            Filter::Token(field, tokens) => (*field, tokens.len()),
            Filter::Text(field, texts) => (*field, texts.len()),
            Filter::Reference(field, targets) => (*field, targets.len()),
        })
        .collect();
    assert_eq!(
        shape,
        [(Field::Date, 1), (Field::Date, 1), (Field::Status, 2)]
    );
}

#[test]
fn tokens_have_systems_and_escapes() {
    let found = |value: &str| {
        let search = search(
            ResourceType::DocumentReference,
            &[("category", value)],
            Handling::Strict,
        );
        match search.expect("understood").query.filters.pop() {
            Some(Filter::Token(Field::Category, tokens)) => tokens,
            other => panic!("{other:?}"),
        }
    };
    let token = |system: Option<&str>, code: &str| Token {
        system: system.map(str::to_owned),
        code: code.to_owned(),
    };
    assert_eq!(found("a"), [token(None, "a")]);
    assert_eq!(found("|a"), [token(Some(""), "a")]);
    assert_eq!(found("http://x|"), [token(Some("http://x"), "")]);
    assert_eq!(
        found("http://x|a,b"),
        [token(Some("http://x"), "a"), token(None, "b")]
    );
    assert_eq!(found(r"Lab\, blood"), [token(None, "Lab, blood")]);
    assert_eq!(found(r"a\|b"), [token(None, "a|b")]);
    assert_eq!(
        found(r"http://x|a\|b\\"),
        [token(Some("http://x"), r"a|b\")]
    );
    assert_eq!(found(r"a\\,b"), [token(None, r"a\"), token(None, "b")]);
    assert_eq!(found(r"a\n"), [token(None, r"a\n")]);
}

#[test]
fn ids_are_uuids_or_match_nothing() {
    let ids =
        |pairs: &[(&str, &str)]| visits(pairs).map(|search| search.query.ids.map(|ids| ids.len()));
    let both = format!("{ME},{OTHER}");
    assert_eq!(ids(&[]), Ok(None));
    assert_eq!(ids(&[("_id", &both)]), Ok(Some(2)));
    assert_eq!(ids(&[("_id", "nonsense")]), Ok(Some(0)));
    assert_eq!(ids(&[("_id", &ME.replace('-', ""))]), Ok(Some(0)));
    assert_eq!(ids(&[("_id", &both), ("_id", OTHER)]), Ok(Some(1)));
    assert_eq!(ids(&[("_id", ME), ("_id", OTHER)]), Ok(Some(0)));
}

#[test]
fn counts_are_numbers_up_to_a_limit() {
    let count = |value: &str| visits(&[("_count", value)]).map(|search| search.query.count);
    assert_eq!(visits(&[]).map(|search| search.query.count), Ok(50));
    for (value, expected) in [
        ("1", 1),
        ("200", 200),
        ("201", 200),
        ("99999999999999", 200),
        ("0", 0),
    ] {
        assert_eq!(count(value), Ok(expected), "{value}");
    }
    for value in ["", "-1", "+1", "1.5", "ten", "１"] {
        assert_eq!(
            invalid("_count", value).as_deref(),
            Some("_count"),
            "{value}"
        );
    }
}

#[test]
fn wrong_values_name_their_parameter() {
    for (name, value) in [
        ("date", "2024-02-30"),
        ("date", "0000-00-00"),
        ("date", "292278994"),
        ("date", "2026-01-01,"),
        ("date", "apge2026"),
        ("_lastUpdated", "yesterday"),
        ("status", ""),
        ("patient", ""),
        ("_id", ""),
    ] {
        assert_eq!(
            invalid(name, value).as_deref(),
            Some(name),
            "{name}={value}"
        );
    }
}

#[test]
fn unknown_parameters_are_told_or_refused() {
    let pairs = [("colour", "red"), ("status", "booked"), ("<b>é", "x")];
    let lenient = visits(&pairs).expect("understood");
    assert_eq!(lenient.ignored, ["colour", "b"]);
    assert_eq!(lenient.pairs, [("status".to_owned(), "booked".to_owned())]);
    let strict = search(ResourceType::Appointment, &pairs, Handling::Strict);
    assert!(matches!(strict, Err(Refusal::Invalid { location, .. }) if location == "colour"));
    let known = [("_format", "json"), ("_pretty", "true"), ("_count", "5")];
    assert!(search(ResourceType::Patient, &known, Handling::Strict).is_ok());
}

#[test]
fn types_have_their_own_parameters() {
    for (kind, name, known) in [
        (ResourceType::Patient, "patient", false),
        (ResourceType::Practitioner, "_id", true),
        (ResourceType::Location, "patient", false),
        (ResourceType::Communication, "sent", true),
        (ResourceType::Communication, "date", false),
        (ResourceType::DocumentReference, "type", true),
        (ResourceType::Appointment, "colour", false),
    ] {
        let value = if matches!(name, "sent" | "date" | "_lastUpdated") {
            "2026"
        } else {
            ME
        };
        let found = search(kind, &[(name, value)], Handling::Strict);
        assert_eq!(found.is_ok(), known, "{} {name}", kind.name());
    }
    let binary = search(ResourceType::Binary, &[], Handling::Lenient);
    assert!(matches!(binary, Err(Refusal::Unsupported(_))));
}

#[test]
fn searches_have_limits() {
    assert!(matches!(
        visits(&[("status", "booked"); 51]),
        Err(Refusal::TooLarge(_))
    ));
    assert!(visits(&[("status", "booked"); 50]).is_ok());
    let many = vec!["booked"; 101].join(",");
    assert!(matches!(
        visits(&[("status", &many)]),
        Err(Refusal::TooLarge(_))
    ));
}

#[test]
fn people_are_searched_by_what_they_are_called_and_known_by() {
    let pairs = [
        ("name", " Del , mar"),
        (
            "identifier",
            "http://x.org/fhir/sid/chart-number|A-1,B\\|2,http://y.org|3",
        ),
        ("birthdate", "ge1970"),
        ("gender", "female"),
    ];
    let found = search(ResourceType::Patient, &pairs, Handling::Strict).expect("understood");
    let token = |system: Option<&str>, code: &str| Token {
        system: system.map(str::to_owned),
        code: code.to_owned(),
    };
    let [
        name,
        identifier,
        Filter::Date(Field::BirthDate, _),
        Filter::Token(Field::Gender, _),
    ] = found.query.filters.as_slice()
    else {
        panic!("{:?}", found.query.filters);
    };
    let names = vec!["Del".to_owned(), "mar".to_owned()];
    assert_eq!(*name, Filter::Text(Field::Name, names));
    let identifiers = vec![
        token(Some("chart-number"), "A-1"),
        token(None, "B|2"),
        token(Some("http://y.org"), "3"),
    ];
    assert_eq!(*identifier, Filter::Token(Field::Identifier, identifiers));
    for (name, value) in [
        ("identifier", "http://x|"),
        ("name:above", "elga"),
        ("name", ""),
    ] {
        let refused = search(ResourceType::Patient, &[(name, value)], Handling::Lenient);
        assert!(
            matches!(&refused, Err(Refusal::Invalid { location, .. }) if location == name),
            "{name}={value}: {refused:?}"
        );
    }
}

#[test]
fn who_reaches_several_patients_says_which_one() {
    let zone = Zone::named("America/New_York").expect("bundled zone");
    let context = SearchContext {
        patient: None,
        zone: &zone,
        now: NOW,
        fhir_base: "http://x.org/fhir",
    };
    let asked = |values: &[&str]| {
        let pair = |value: &&str| ("patient".to_owned(), (*value).to_owned());
        let pairs: Vec<(String, String)> = values.iter().map(pair).collect();
        let found = parse(
            ResourceType::Appointment,
            &pairs,
            Handling::Strict,
            &context,
        );
        found.map(|search| search.query.patient)
    };
    let other: Uuid = OTHER.parse().expect("uuid");
    let reference = format!("http://x.org/fhir/Patient/{OTHER}");
    for value in [OTHER, &reference, &format!("{OTHER},Patient/{OTHER}")] {
        assert_eq!(asked(&[value]), Ok(Some(other)), "{value}");
    }
    assert_eq!(asked(&[]), Ok(None));
    assert!(matches!(asked(&[OTHER, ME]), Err(Refusal::Unsupported(_))));
    for value in ["Patient/invented", "Group/1", "1"] {
        assert!(
            matches!(asked(&[value]), Err(Refusal::Invalid { location, .. }) if location == "patient"),
            "{value}"
        );
    }
}
