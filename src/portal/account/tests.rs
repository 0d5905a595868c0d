//! Every rule about accounts, broken alone.

use super::*;
use crate::domain::accounts::Credentials;
use crate::domain::accounts::Remembered;
use crate::domain::accounts::State;
use crate::domain::language::Language;
use crate::domain::people::Person;
use uuid::Uuid;

/// A patient who has everything and is let in.
pub(crate) fn whole() -> AccountCase {
    AccountCase {
        standing: Standing {
            person: Person {
                pid: 1,
                uuid: Uuid::from_u128(1),
            },
            row: 1,
            first: "Ana".to_owned(),
            last: "Moreno".to_owned(),
            born: Some(time::macros::date!(1984 - 02 - 29)),
            home_phone: "978-555-0111".to_owned(),
            zip: "01930".to_owned(),
            email: "ana@mail.example".to_owned(),
            trusted_email: "ana@mail.example".to_owned(),
            allow_email: true,
            allowed: true,
            apps_prevented: false,
            deceased: false,
            language: Language::English,
            provider: 0,
            credentials: Some(Credentials {
                account_id: "Ana1".to_owned(),
                login_name: "ana".to_owned(),
                must_change: false,
                reset_pending: false,
            }),
            remembered: Remembered::default(),
            sharing: 0,
        },
        portal_on: true,
        post: Post::Ready,
        requires: Required::ALL.map(|(_, one)| one).to_vec(),
        factor: Factor::BirthDate,
        held: false,
        attested: true,
        deliver: Delivery::Email,
        by_hand: None,
    }
}

type Break = fn(&mut AccountCase);

const BREAKS: [(&str, Break); 15] = [
    ("portal-disabled", |case| case.portal_on = false),
    ("chart-status", |case| case.standing.deceased = true),
    ("access-disabled", |case| case.standing.allowed = false),
    ("access-locked", |case| {
        case.standing.remembered.locked = Some((1, "lost phone".to_owned()));
    }),
    ("attestation-missing", |case| case.attested = false),
    ("no-home-phone", |case| case.standing.home_phone.clear()),
    ("no-zip", |case| case.standing.zip = " ".to_owned()),
    ("no-email", |case| {
        case.standing.email.clear();
        case.requires.retain(|one| *one != Required::TrustedEmail);
        case.standing.trusted_email.clear();
    }),
    ("no-trusted-email", |case| {
        case.standing.trusted_email.clear();
    }),
    ("mail-not-configured", |case| case.post = Post::NoTransport),
    ("mail-not-configured", |case| case.post = Post::NoSender),
    ("email-not-allowed", |case| {
        case.standing.allow_email = false
    }),
    ("email-hold", |case| case.held = true),
    ("no-birth-date", |case| case.standing.born = None),
    ("no-credentials", |case| case.standing.credentials = None),
];

#[test]
fn f004_f005_f006_f007_f009_f012_f033_f034_f072_each_rule_can_be_broken_alone() {
    let tables = [ENABLE, CREDENTIAL, LETTER, RESET];
    for (id, broke) in BREAKS {
        let mut case = whole();
        broke(&mut case);
        let mut told = false;
        for table in tables {
            let broken = rules::broken(table, &case);
            let has = table.iter().any(|rule| rule.id == id);
            let ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
            match has {
                true => assert_eq!(ids, [id]),
                false => assert!(ids.is_empty(), "{id}: {ids:?}"),
            }
            told |= has;
        }
        assert!(told, "{id} is in no table");
    }
    for rule in tables.into_iter().flatten() {
        assert!(
            BREAKS.iter().any(|(id, _)| *id == rule.id),
            "{} has no test",
            rule.id
        );
    }
}

#[test]
fn f004_every_unmet_prerequisite_is_told_once() {
    let mut case = whole();
    case.standing.home_phone.clear();
    case.standing.email.clear();
    case.standing.trusted_email.clear();
    case.standing.allow_email = false;
    case.attested = false;
    let ids: Vec<&str> = unmet(&case).iter().map(|reason| reason.id).collect();
    assert_eq!(
        ids,
        [
            "no-home-phone",
            "no-email",
            "no-trusted-email",
            "email-not-allowed"
        ]
    );
    assert!(unmet(&whole()).is_empty());
}

#[test]
fn f093_f098_a_link_that_asks_for_the_birth_date_goes_only_where_the_chart_has_one() {
    let mut case = whole();
    case.standing.born = None;
    for (factor, expected) in [
        (Factor::BirthDate, &["no-birth-date"] as &[&str]),
        (Factor::Pin, &[]),
        (Factor::None, &[]),
    ] {
        case.factor = factor;
        let broken = rules::broken(LETTER, &case);
        let ids: Vec<&str> = broken.iter().map(|reason| reason.id).collect();
        assert_eq!(ids, expected, "{factor:?}");
    }
}

#[test]
fn f008_contact_and_trusted_address_may_be_the_same() {
    let case = whole();
    assert_eq!(case.standing.email, case.standing.trusted_email);
    assert!(rules::broken(CREDENTIAL, &case).is_empty());
}

#[test]
fn f080_f087_f174_without_mail_credentials_are_made_by_hand_for_a_reason() {
    let mut case = whole();
    case.standing.email.clear();
    case.standing.trusted_email.clear();
    case.post = Post::NoTransport;
    case.deliver = Delivery::InPerson;
    assert_eq!(rules::broken(CREDENTIAL, &case).len(), 2);
    case.by_hand = Some(ByHand::NoEmail);
    assert!(rules::broken(CREDENTIAL, &case).is_empty());
    case.deliver = Delivery::Email;
    assert_eq!(rules::broken(CREDENTIAL, &case).len(), 2);
}

#[test]
fn f002_f003_f030_each_state_has_its_facts() {
    let state = |change: Break| {
        let mut case = whole();
        change(&mut case);
        case.standing.state(case.portal_on)
    };
    assert_eq!(state(|_| {}), State::Active);
    assert_eq!(state(|case| case.portal_on = false), State::PortalOff);
    assert_eq!(state(|case| case.standing.allowed = false), State::Disabled);
    assert_eq!(
        state(|case| {
            case.standing.allowed = false;
            case.standing.credentials = None;
        }),
        State::NotAuthorised
    );
    assert_eq!(
        state(|case| case.standing.credentials = None),
        State::AuthorisedNoCredentials
    );
    assert_eq!(
        state(|case| {
            if let Some(held) = &mut case.standing.credentials {
                held.must_change = true;
            }
        }),
        State::CredentialsIssued
    );
    assert_eq!(
        state(|case| case.standing.remembered.registered = Some(1)),
        State::PendingVerification
    );
}
