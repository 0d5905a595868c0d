//! A Coverage keeps the profile whatever the row lacks.

use super::*;
use crate::domain::coverage::Rank;
use crate::domain::people::Person;
use time::macros::date;
use uuid::Uuid;

fn coverage() -> Coverage {
    Coverage {
        uuid: Uuid::from_u128(1),
        person: Person {
            pid: 1,
            uuid: Uuid::from_u128(2),
        },
        patient_name: "Ana Kim".to_owned(),
        policy: Policy {
            rank: Rank::Secondary,
            payor: (Some(Uuid::from_u128(3)), "Harbor Health".to_owned()),
            plan: "Silver".to_owned(),
            group: "G-1".to_owned(),
            number: "X1".to_owned(),
            relationship: Relationship::Own,
            subscriber: Default::default(),
            start: Some(date!(2026 - 01 - 01)),
            end: None,
        },
        active: true,
        typology: Some(5),
        last_updated: None,
    }
}

fn rendered(one: &Coverage) -> resources::Coverage {
    let meta = Meta::builder().build().expect("meta");
    render(one, meta).expect("renders")
}

#[test]
fn everything_that_is_known_is_said() {
    let resource = rendered(&coverage());
    assert_eq!(resource.status, "active");
    assert_eq!(resource.order.map(NonZeroU32::get), Some(2));
    assert_eq!(resource.subscriber_id.as_deref(), Some("X1"));
    let payor = resource.payor[0].as_ref().expect("a payor");
    assert_eq!(
        payor.reference.as_deref(),
        Some("Organization/00000000-0000-0000-0000-000000000003")
    );
    let values: Vec<&str> = resource
        .class
        .iter()
        .flatten()
        .map(|one| one.value.as_str())
        .collect();
    assert_eq!(values, ["G-1", "Silver"]);
    let subscriber = resource.subscriber.as_ref().expect("the patient");
    assert_eq!(subscriber.reference, resource.beneficiary.reference);
}

#[test]
fn without_a_number_us_core_15_still_holds() {
    let mut one = coverage();
    one.policy.number = " ".to_owned();
    one.policy.payor = (None, String::new());
    one.policy.relationship = Relationship::Child;
    one.policy.subscriber = ["Joe".to_owned(), "Kim".to_owned()];
    let resource = rendered(&one);
    assert!(resource.subscriber_id.is_none() && resource.subscriber_id_ext.is_some());
    assert!(resource.identifier.is_empty());
    let display = resource
        .subscriber
        .as_ref()
        .and_then(|one| one.display.as_deref());
    assert_eq!(display, Some("Joe Kim"));
    let payor = resource.payor[0]
        .as_ref()
        .and_then(|one| one.display.as_deref());
    assert_eq!(payor, Some("unknown"));
}
