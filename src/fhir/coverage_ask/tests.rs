//! What is sent of an insurance becomes a policy, or is refused by name.

use super::*;
use serde_json::json;
use time::macros::date;

const OWN: u128 = 2;

fn ask(change: impl Fn(&mut Value)) -> Result<InsuranceAsk, Refusal> {
    let person = Person {
        pid: 1,
        uuid: Uuid::from_u128(OWN),
    };
    let patient = format!("Patient/{}", person.uuid);
    let mut json = json!({
        "resourceType": "Coverage",
        "status": "active",
        "beneficiary": {"reference": patient, "display": "Ana"},
        "relationship": {"coding": [{"system": RELATIONSHIP, "code": "self"}]},
        "subscriberId": "X1",
        "period": {"start": "2026-01-01"},
        "payor": [{"reference": format!("Organization/{}", Uuid::from_u128(3))}],
        "class": [{"type": {"coding": [{"system": CLASS, "code": "group"}]}, "value": "G1"}],
        "order": 1
    });
    change(&mut json);
    let bytes = serde_json::to_vec(&json).expect("JSON");
    let names = json.as_object().expect("an object").keys();
    let sent = Sent {
        kind: ResourceType::Coverage,
        id: Uuid::from_u128(9),
        role: Role::Patient(person),
        seen: None,
        before: None,
        resource: fhir_decode::decode(&bytes).expect("FHIR"),
        changed: names
            .filter(|name| *name != "resourceType")
            .cloned()
            .collect(),
    };
    match of(sent, &Base::new("http://x.org/fhir"))? {
        Ask::Insurance(ask) => Ok(*ask),
        other => panic!("{other:?}"),
    }
}

fn place(refused: Result<InsuranceAsk, Refusal>) -> String {
    match refused {
        Err(Refusal::Unprocessable { location, .. } | Refusal::Invalid { location, .. }) => {
            location
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_openemr_has_a_column_for_is_taken() {
    let asked = ask(|_| {}).expect("an ask");
    assert_eq!(asked.patient, Uuid::from_u128(OWN));
    assert_eq!(asked.policy.rank, Rank::Primary);
    assert_eq!(asked.policy.payor.0, Some(Uuid::from_u128(3)));
    assert_eq!(
        (asked.policy.number.as_str(), asked.policy.group.as_str()),
        ("X1", "G1")
    );
    assert_eq!(asked.policy.start, Some(date!(2026 - 01 - 01)));
    let child = ask(|json| {
        json["relationship"]["coding"][0]["code"] = json!("child");
        json["subscriber"] = json!({"display": "Joe van Kim"});
        json["payor"] = json!([{"display": "Harbor"}]);
    })
    .expect("an ask");
    assert_eq!(child.policy.subscriber, ["Joe van", "Kim"]);
    assert_eq!(child.policy.payor, (None, "Harbor".to_owned()));
}

#[test]
fn case_142_an_insurance_of_somebody_else_is_refused() {
    let other = format!("Patient/{}", Uuid::from_u128(7));
    let theirs = ask(|json| json["beneficiary"] = json!({"reference": other}));
    assert!(matches!(theirs, Err(Refusal::Forbidden(_))));
    let logical = ask(|json| json["beneficiary"] = json!({"identifier": {"value": "1"}}));
    assert_eq!(place(logical), "Coverage.beneficiary.identifier");
    let subscriber = ask(|json| json["subscriber"] = json!({"reference": other}));
    assert_eq!(place(subscriber), "Coverage.subscriber");
}

#[test]
fn what_has_no_column_is_refused_by_name() {
    let dental = json!({"type": {"coding": [{"system": CLASS, "code": "rxbin"}]}, "value": "1"});
    let class = ask(|json| json["class"] = json!([dental]));
    assert!(place(class).starts_with("Coverage.class"));
    assert_eq!(
        place(ask(|json| json["order"] = json!(4))),
        "Coverage.order"
    );
    assert_eq!(
        place(ask(|json| json["status"] = json!("draft"))),
        "Coverage.status"
    );
    let month = ask(|json| json["period"]["start"] = json!("2026-01"));
    assert_eq!(place(month), "Coverage.period.start");
    let relationship = ask(|json| json["relationship"] = json!({"text": "mine"}));
    assert_eq!(place(relationship), "Coverage.relationship");
}
