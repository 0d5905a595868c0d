//! Each rule of the wizard is broken once, and nothing else with it.

use super::*;
use crate::portal::registration::draft::Identity;
use time::macros::date;

fn draft() -> Draft {
    Draft::of([
        ("language", "en"),
        ("first_name", "Ana"),
        ("last_name", "Kim"),
        ("birth_date", "1984-02-29"),
        ("email", "ana@mail.example"),
        ("sex", "female"),
        ("postal_code", "10001"),
        ("phone_home", "(555) 555-0100"),
        ("phone_cell", "555-555-0101"),
        ("contact_phone", "555-555-0102"),
        ("insurer_name", "Acme Health"),
        ("policy_number", "P-1"),
        ("relationship", "child"),
        ("subscriber_first", "Jo"),
        ("subscriber_last", "Kim"),
        ("provider", "p"),
    ])
}

fn case() -> RegistrationCase {
    RegistrationCase {
        portal_on: true,
        offered: true,
        post: Post::Ready,
        draft: draft(),
        today: date!(2026 - 11 - 28),
        requires: vec![Required::HomePhone, Required::Zip],
        providers: vec!["p".to_owned()],
        insurers: vec!["i".to_owned()],
        known: false,
    }
}

fn typing(name: &str, text: &str) -> RegistrationCase {
    let mut case = case();
    let pairs = case.draft.pairs();
    let mut pairs: Vec<(String, String)> = pairs
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    pairs.push((name.to_owned(), text.to_owned()));
    case.draft = Draft::of(
        pairs
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str())),
    );
    case
}

fn ids(case: &RegistrationCase) -> Vec<&'static str> {
    let steps = [Step::Person, Step::Profile, Step::Insurance, Step::Provider];
    let wrong = steps.into_iter().flat_map(|step| super::wrong(case, step));
    wrong.map(|reason| reason.id).collect()
}

#[test]
fn every_rule_of_the_form_can_be_broken_alone() {
    assert_eq!(ids(&case()), Vec::<&str>::new());
    let breaks = [
        ("register.language", "language", "de"),
        ("register.first-name", "first_name", " - "),
        ("register.last-name", "last_name", ""),
        ("register.birth-date", "birth_date", "2026-11-29"),
        ("register.email", "email", "ana@mail"),
        ("register.sex", "sex", "F"),
        ("register.zip", "postal_code", ""),
        ("register.home-phone", "phone_home", "call me"),
        ("register.mobile-phone", "phone_cell", "12"),
        ("register.contact-phone", "contact_phone", "12"),
        ("register.insurer", "insurer", "other"),
        ("register.policy-number", "policy_number", ""),
        ("register.relationship", "relationship", "boss"),
        ("register.subscriber", "subscriber_last", ""),
        ("register.provider", "provider", "q"),
    ];
    assert_eq!(breaks.len(), FORM.len(), "a rule has no test");
    for (id, name, text) in breaks {
        let mut case = typing(name, text);
        if id == "register.relationship" {
            // Whose the subscriber is cannot be told then; the name is there.
            case.draft = Draft::of(case.draft.pairs().collect::<Vec<_>>());
        }
        assert_eq!(ids(&case), [id], "{name} = {text}");
    }
}

#[test]
fn f048_f106_each_of_three_things_can_switch_it_off() {
    type Break = fn(&mut RegistrationCase);
    let breaks: [(&str, Break); 3] = [
        ("portal-disabled", |case| case.portal_on = false),
        ("register.off", |case| case.offered = false),
        ("mail-not-configured", |case| case.post = Post::NoSender),
    ];
    assert_eq!(breaks.len(), OFFER.len());
    for (id, broke) in breaks {
        let mut case = case();
        broke(&mut case);
        let broken = rules::broken(OFFER, &case);
        assert_eq!(broken.len(), 1);
        assert_eq!(broken[0].id, id);
    }
}

#[test]
fn g06_three_letters_the_last_name_and_the_birth_date_are_one_person() {
    let ana = Identity {
        first: "Ana María",
        last: "García-López",
        born: "1984-02-29",
    };
    let like = |first, last, born| ana.is_like(&Identity { first, last, born });
    assert!(like("ANASTASIA", "garcia lopez", "1984-02-29"));
    assert!(!like("An", "García-López", "1984-02-29"));
    assert!(!like("Ana", "García", "1984-02-29"));
    assert!(!like("Ana", "García-López", "1984-02-28"));
    assert!(!Identity { born: "", ..ana }.is_like(&Identity { born: "", ..ana }));
    let mut case = case();
    case.known = true;
    assert_eq!(rules::broken(OPEN, &case)[0].id, "register.known");
}

#[test]
fn case_112_a_field_there_is_not_is_dropped_and_a_step_changes_its_own_alone() {
    let typed = Draft::of([
        ("city", "Albany"),
        ("email", "eve@evil.example"),
        ("first_name", "Eve"),
        ("allow_patient_portal", "YES"),
        ("role", "staff"),
    ]);
    assert_eq!(typed.get("role"), "");
    assert_eq!(typed.pairs().count(), 3);
    let after = draft().with(Step::Profile, &typed);
    assert_eq!(after.get("city"), "Albany");
    assert_eq!(after.get("email"), "ana@mail.example");
    assert_eq!(after.get("first_name"), "Ana");
}

#[test]
fn case_173_what_is_typed_is_one_line_without_unseen_marks() {
    let typed = Draft::of([(
        "wish",
        " <b>Mon\u{202e}day</b>\r\n2026-01-01 10:00 (a to b)\u{0} ",
    )]);
    assert_eq!(typed.get("wish"), "<b>Monday</b> 2026-01-01 10:00 (a to b)");
}

#[test]
fn what_is_too_long_is_told_at_its_field() {
    let long = "x".repeat(64);
    let wrong = wrong(&typing("first_name", &long), Step::Person);
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].expression, "first_name");
    assert!(wrong[0].text.contains("63"));
}

#[test]
fn days_are_read_as_both_kinds_of_people_write_them() {
    assert_eq!(day("1984-02-29"), Some(date!(1984 - 02 - 29)));
    assert_eq!(day("02/29/1984"), Some(date!(1984 - 02 - 29)));
    for odd in [
        "1983-02-29",
        "84-02-29",
        "29.02.1984",
        "",
        "1984-02",
        "1984-2-29-1",
    ] {
        assert_eq!(day(odd), None, "{odd}");
    }
}

#[test]
fn addresses_that_a_mail_server_would_read_otherwise_are_none() {
    for good in [
        "ana@mail.example",
        "o'neil+tag@a-b.example",
        "a.b@correo.example",
    ] {
        assert!(is_address(good), "{good}");
    }
    for odd in [
        "ana",
        "ana@",
        "@mail.example",
        "ana@mail",
        "a b@mail.example",
        "ana@mail.example,eve@evil.example",
        "ana@mail.example\r\nBcc: eve@evil.example",
        "<ana@mail.example>",
        "ana@@mail.example",
        "josé@correo.example",
        "-x@mail.example",
        "ana@-mail.example",
        "ana@mail..example",
    ] {
        assert!(!is_address(odd), "{odd}");
    }
}

#[test]
fn the_wizard_stops_at_the_first_step_that_lacks_something() {
    assert_eq!(unfinished(&case()), None);
    assert_eq!(unfinished(&typing("sex", "")), Some(Step::Profile));
    assert_eq!(unfinished(&typing("provider", "")), Some(Step::Provider));
}
