//! Conditions and orders over records that were read.

use super::*;
use crate::fhir::appointment;
use time::macros::datetime;

fn range(prefix: Prefix) -> DateRange {
    DateRange {
        prefix,
        start: datetime!(2026-03-08 00:00 UTC),
        end: datetime!(2026-03-09 00:00 UTC),
    }
}

#[test]
fn every_prefix_means_what_fhir_says_of_moments_and_periods() {
    let at = |at: OffsetDateTime| (Some(at), Some(at));
    let before = at(datetime!(2026-03-07 23:59 UTC));
    let inside = at(datetime!(2026-03-08 00:00 UTC));
    let after = at(datetime!(2026-03-09 00:00 UTC));
    let across = (
        Some(datetime!(2026-03-07 00:00 UTC)),
        Some(datetime!(2026-03-10 00:00 UTC)),
    );
    let open = (Some(datetime!(2026-03-08 12:00 UTC)), None);
    let never = (None, None);
    for (prefix, expected) in [
        (Prefix::Eq, [false, true, false, false, false, false]),
        (Prefix::Ne, [true, false, true, true, true, true]),
        (Prefix::Gt, [false, false, true, true, true, true]),
        (Prefix::Lt, [true, false, false, true, false, true]),
        (Prefix::Ge, [false, true, true, true, true, true]),
        (Prefix::Le, [true, true, false, true, false, true]),
        (Prefix::Sa, [false, false, true, false, false, false]),
        (Prefix::Eb, [true, false, false, false, false, false]),
    ] {
        let found =
            [before, inside, after, across, open, never].map(|when| lies(&range(prefix), when));
        assert_eq!(found, expected, "{prefix:?}");
    }
}

#[test]
fn case_159_text_is_compared_without_case_and_accents_and_has_no_wildcards() {
    let text = |value: &str| Indexed::Text(value.to_owned());
    let asked = |values: &[&str]| {
        values
            .iter()
            .map(|one| (*one).to_owned())
            .collect::<Vec<_>>()
    };
    let begins = |value: &str, wanted: &str| Test::Begins(asked(&[wanted])).takes(&text(value));
    assert!(begins("Núñez", "nunE"));
    assert!(begins("Nunez", "ÑÚ"));
    assert!(begins("O\u{301}  Brien", "o\u{301} b"));
    assert!(begins("İstanbul", "i"));
    assert!(!begins("Delgado", "elg"));
    assert!(!begins("Delgado", "%"));
    assert!(!begins("Delgado", "_______"));
    let contains = |value: &str, wanted: &str| Test::Contains(asked(&[wanted])).takes(&text(value));
    assert!(contains("Delgado", "LGA"));
    assert!(!contains("Delgado", "%"));
    assert!(contains("100%", "%"));
    let exact = |value: &str, wanted: &str| Test::Exact(asked(&[wanted])).takes(&text(value));
    assert!(exact("Delgado", "Delgado"));
    assert!(!exact("Delgado", "delgado"));
    assert!(!exact("Delgado", "Delgad"));
}

#[test]
fn tokens_are_compared_with_and_without_system() {
    let token = |system: &str, code: &str| {
        Indexed::Token(system.to_owned(), code.to_owned(), "Lab Report".to_owned())
    };
    let asked = |text: &str| Test::Tokens(vec![Token::of(text)]);
    let value = token("s", "c");
    for (text, expected) in [
        ("c", true),
        ("s|c", true),
        ("s|", true),
        ("|c", false),
        ("t|c", false),
        ("t|", false),
        ("C", false),
        ("s|d", false),
    ] {
        assert_eq!(asked(text).takes(&value), expected, "{text}");
    }
    assert!(asked("|c").takes(&token("", "c")));
    let words = |text: &str| Test::Words(vec![text.to_owned()]).takes(&value);
    assert!(words("lab") && words("REP") && !words("port") && !words("c"));
}

#[test]
fn references_are_compared_by_id_and_where_it_was_said_by_type() {
    let id = Uuid::from_u128(7);
    let value = Indexed::Reference(ResourceType::Practitioner, id);
    let to = |kind, id| Test::Targets(vec![Target { kind, id }]).takes(&value);
    assert!(to(None, id));
    assert!(to(Some(ResourceType::Practitioner), id));
    assert!(!to(Some(ResourceType::Patient), id));
    assert!(!to(None, Uuid::from_u128(8)));
    assert!(!Test::Targets(Vec::new()).takes(&value));
}

const STATUS: Parameter = Parameter {
    name: "status",
    meaning: Meaning::Tokens,
    definition: "",
    values: |record| match record {
        Record::Appointment(visit) => vec![Indexed::token("", visit.status.code())],
        _ => Vec::new(),
    },
};
static BY_STATUS: Parameter = STATUS;
static NOTHING: Parameter = Parameter {
    values: |_| Vec::new(),
    ..STATUS
};

fn visit(id: u128, status: crate::domain::visits::Status) -> Record {
    let mut visit = appointment::tests::visit();
    visit.uuid = Uuid::from_u128(id);
    visit.status = status;
    Record::Appointment(Box::new(visit))
}

#[test]
fn missing_present_and_not_look_at_all_values() {
    use crate::domain::visits::Status;
    let booked = visit(1, Status::Booked);
    let fits =
        |parameter: &'static Parameter, test: Test| fits(&booked, &[Criterion { parameter, test }]);
    let token = |code: &str| vec![Token::of(code)];
    assert!(fits(&BY_STATUS, Test::Present) && !fits(&BY_STATUS, Test::Missing));
    assert!(!fits(&NOTHING, Test::Present) && fits(&NOTHING, Test::Missing));
    assert!(fits(&BY_STATUS, Test::NoToken(token("pending"))));
    assert!(!fits(&BY_STATUS, Test::NoToken(token("booked"))));
    // What has no code has none of these codes (R4 search, :not).
    assert!(fits(&NOTHING, Test::NoToken(token("booked"))));
    assert!(!fits(&NOTHING, Test::Tokens(token("booked"))));
}

#[test]
fn an_order_is_total_and_a_place_in_it_survives_the_link() {
    use crate::domain::visits::Status;
    let order = |direction| {
        [Sorting {
            parameter: &BY_STATUS,
            direction,
        }]
    };
    let records = [
        visit(3, Status::Pending),
        visit(2, Status::Booked),
        visit(1, Status::Pending),
    ];
    for (direction, expected) in [(Direction::Up, [2, 1, 3]), (Direction::Down, [1, 3, 2])] {
        let order = order(direction);
        let mut sorted = records.to_vec();
        sorted.sort_by(|one, other| {
            Place::of(one, &order).compare(&Place::of(other, &order), &order)
        });
        let ids: Vec<u128> = sorted.iter().map(|one| one.id().as_u128()).collect();
        assert_eq!(ids, expected, "{direction:?}");
        for record in &records {
            let place = Place::of(record, &order);
            assert_eq!(Place::read(&place.cursor(), 1), Some(place));
        }
    }
    let up = order(Direction::Up);
    let [some, none] = [
        Place::of(&records[0], &up),
        Place {
            keys: vec![None],
            id: Uuid::nil(),
        },
    ];
    assert!(
        some.compare(&none, &up).is_lt() && none.compare(&some, &order(Direction::Down)).is_gt()
    );
    assert_eq!(Place::read(&some.cursor(), 2), None);
    for key in [
        "",
        "[]",
        "{}",
        "[1,\"x\"]",
        "[\"a\",\"no uuid\"]",
        "2026-01-01",
    ] {
        let cursor = Cursor {
            key: key.to_owned(),
            row: 0,
        };
        assert_eq!(Place::read(&cursor, 1), None, "{key}");
    }
}

#[test]
fn dates_sort_as_they_follow_each_other() {
    let at = |at| key(Indexed::Date(Some(at), None));
    let mut keys = [
        at(datetime!(2026-01-01 00:00 UTC)),
        at(datetime!(1900-01-01 00:00 UTC)),
        at(datetime!(0001-01-03 00:00 UTC)),
        at(datetime!(9999-12-29 00:00 UTC)),
    ];
    keys.sort();
    assert_eq!(keys[0], at(datetime!(0001-01-03 00:00 UTC)));
    assert_eq!(keys[3], at(datetime!(9999-12-29 00:00 UTC)));
    assert!(keys.iter().all(|key| key.len() == 22));
    assert!(key(Indexed::Text("x".repeat(5_000))).len() <= KEY_LETTERS);
}
