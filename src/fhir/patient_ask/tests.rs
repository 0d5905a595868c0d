//! What is sent of a chart becomes parts of it, or is refused by name.

use super::*;
use crate::domain::ResourceType;
use crate::fhir::ask::Role;
use serde_json::json;

const BASE: &str = "http://x.org/fhir";

fn chart() -> Patient {
    let mut patient = blank(Uuid::from_u128(1));
    patient.person.pid = 1;
    patient.name = Name {
        prefix: "Ms.".to_owned(),
        given: vec!["Ana".to_owned()],
        family: "Kim".to_owned(),
        suffix: String::new(),
    };
    patient.preferred_name = "Annie".to_owned();
    patient.old_names = vec![(
        Name {
            given: vec!["Ana".to_owned()],
            family: "Ortiz".to_owned(),
            ..Name::default()
        },
        None,
    )];
    patient.telecom = vec![
        Telecom {
            system: Means::Phone,
            value: "555-1".to_owned(),
            used: "home",
        },
        Telecom {
            system: Means::Email,
            value: "ana@example.org".to_owned(),
            used: "",
        },
    ];
    patient.addresses = vec![Address {
        lines: vec!["1 Elm".to_owned()],
        city: "Troy".to_owned(),
        ..Address::default()
    }];
    patient
}

fn ask(
    before: Option<&Patient>,
    change: impl Fn(&mut Value),
    changed: &[&str],
) -> Result<ChartAsk, Refusal> {
    let base = Base::new(BASE);
    let shown = json_of(before.unwrap_or(&blank(Uuid::from_u128(1))), &base).expect("renders");
    let mut json = Value::Object(shown);
    json["resourceType"] = json!("Patient");
    change(&mut json);
    let bytes = serde_json::to_vec(&json).expect("JSON");
    let resource = fhir_decode::decode(&bytes).expect("FHIR");
    let record = before.map(|before| Record::Patient(Box::new(before.clone())));
    let sent = Sent {
        kind: ResourceType::Patient,
        id: Uuid::from_u128(1),
        role: Role::Staff,
        seen: None,
        before: record.as_ref(),
        resource,
        changed: changed.iter().map(|one| (*one).to_owned()).collect(),
    };
    match of(sent, &base)? {
        Ask::Chart(ask) => Ok(ask),
        other => panic!("{other:?}"),
    }
}

fn edit(change: impl Fn(&mut Value), changed: &[&str]) -> Result<Edit, Refusal> {
    match ask(Some(&chart()), change, changed)? {
        ChartAsk::Edit(edit) => Ok(*edit),
        other @ ChartAsk::Open { .. } => panic!("{other:?}"),
    }
}

fn place(refused: Result<Edit, Refusal>) -> String {
    match refused {
        Err(Refusal::Unprocessable { location, .. }) => location,
        other => panic!("{other:?}"),
    }
}

fn part(part: Part, text: &str) -> (Part, String) {
    (part, text.to_owned())
}

#[test]
fn only_what_differs_is_asked() {
    let moved = edit(
        |json| {
            json["address"][0]["line"] = json!(["2 Oak", "Apt 3"]);
            json["telecom"][0]["value"] = json!("555-9");
        },
        &["address", "telecom"],
    )
    .expect("an edit");
    assert_eq!(
        moved.parts,
        [
            part(Part::Street, "2 Oak\nApt 3"),
            part(Part::HomePhone, "555-9")
        ]
    );
    assert!(!moved.former_names && !moved.former_homes);
    assert_eq!(moved.before, chart());
}

#[test]
fn names_language_and_contact_are_understood() {
    let asked = edit(
        |json| {
            json["name"][0]["given"] = json!(["Ana", "María"]);
            json["name"][0]["family"] = json!("Núñez");
            json["communication"] = json!([{"language": {"coding":
                [{"system": "urn:ietf:bcp:47", "code": "es"}]}, "preferred": true}]);
            json["contact"] = json!([{"name": {"text": "Joe"}, "telecom":
                [{"system": "phone", "value": "555-7"}]}]);
        },
        &["name", "communication", "contact"],
    )
    .expect("an edit");
    let expected = [
        part(Part::Middle, "María"),
        part(Part::Family, "Núñez"),
        part(Part::Language, "es"),
        part(Part::ContactName, "Joe"),
        part(Part::ContactPhone, "555-7"),
    ];
    assert_eq!(asked.parts, expected);
}

#[test]
fn case_143_what_has_no_place_is_refused_by_name() {
    let third = edit(
        |json| json["name"][0]["given"] = json!(["A", "B", "C"]),
        &["name"],
    );
    assert!(place(third).starts_with("Patient.name[0]"));
    let nick = edit(|json| json["name"][1]["use"] = json!("nickname"), &["name"]);
    assert_eq!(place(nick), "Patient.name[1].use");
    let two = edit(
        |json| {
            let more = json!({"system": "phone", "use": "home", "value": "555-2"});
            json["telecom"].as_array_mut().expect("a list").push(more);
        },
        &["telecom"],
    );
    assert_eq!(place(two), "Patient.telecom[2]");
    let fax = edit(
        |json| json["telecom"][0]["system"] = json!("fax"),
        &["telecom"],
    );
    assert!(place(fax).starts_with("Patient.telecom[0]"));
    let work = edit(
        |json| json["address"][0]["use"] = json!("work"),
        &["address"],
    );
    assert_eq!(place(work), "Patient.address[0].use");
    let spoken = edit(
        |json| json["communication"] = json!([{"language": {"text": "Elvish"}}]),
        &["communication"],
    );
    assert_eq!(place(spoken), "Patient.communication[0].language.coding");
}

#[test]
fn earlier_names_and_the_email_are_left_to_the_rules() {
    let erased = edit(
        |json| {
            json["name"].as_array_mut().expect("a list").pop();
        },
        &["name"],
    )
    .expect("an edit");
    assert!(erased.former_names && erased.parts.is_empty());
    let mail = edit(
        |json| json["telecom"][1]["value"] = json!("b@example.org"),
        &["telecom"],
    );
    assert_eq!(
        mail.expect("an edit").parts,
        [part(Part::Email, "b@example.org")]
    );
}

#[test]
fn case_168_names_of_every_script_stay_as_they_are() {
    for name in [
        "\u{202e}abc",
        "Zo\u{200b}e",
        "😀",
        "e\u{301}",
        "é",
        "İstanbul",
        "محمد",
        "X",
    ] {
        let asked = edit(|json| json["name"][0]["family"] = json!(name), &["name"]);
        assert_eq!(asked.expect("an edit").parts, [part(Part::Family, name)]);
    }
    let control = edit(
        |json| json["address"][0]["line"] = json!(["a\nb"]),
        &["address"],
    );
    assert_eq!(place(control), "Patient.address[0].line[0]");
}

#[test]
fn a_new_chart_says_what_was_sent_and_nothing_more() {
    let asked = ask(
        None,
        |json| {
            json["name"] = json!([{"family": "Kim", "given": ["Ana"]}]);
            json["birthDate"] = json!("2000-02-29");
            json["gender"] = json!("female");
        },
        &["active", "name", "birthDate", "gender"],
    );
    let Ok(ChartAsk::Open { parts, .. }) = asked else {
        panic!("{asked:?}")
    };
    let expected = [
        part(Part::First, "Ana"),
        part(Part::Family, "Kim"),
        part(Part::BirthDate, "2000-02-29"),
        part(Part::Gender, "female"),
    ];
    assert_eq!(parts, expected);
    let year = ask(
        None,
        |json| json["birthDate"] = json!("2000"),
        &["birthDate"],
    );
    assert!(
        matches!(year, Err(Refusal::Unprocessable { location, .. }) if location == "Patient.birthDate")
    );
}
