//! A Questionnaire becomes a form, or is refused where it is none.

use super::*;
use crate::domain::ResourceType;
use crate::fhir::ask::Role;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

fn whole() -> Value {
    json!({
        "resourceType": "Questionnaire", "status": "active", "title": " Consent ", "subjectType": ["Patient"],
        "code": [{"system": DOCUMENT_CATEGORIES, "code": "Reviewed"}],
        "item": [
            {"linkId": "a", "type": "display", "text": "Please  read this."},
            {"linkId": "who", "type": "string", "text": "Your doctor:", "required": true},
            {"linkId": "why", "type": "text", "text": "Why"},
            {"linkId": "1.2", "type": "date", "text": "When"},
            {"linkId": "ok", "type": "boolean", "text": "I agree"},
            {"linkId": "side", "type": "choice", "text": "Side",
             "answerOption": [{"valueString": "Left"}, {"valueString": "Right"}]}
        ]
    })
}

fn asked(sheet: &Value) -> Result<KeepAsk, Refusal> {
    let bytes = serde_json::to_vec(sheet).expect("JSON");
    let resource = fhir_decode::decode(&bytes).unwrap_or_else(|why| panic!("{sheet}: {why:?}"));
    let sent = Sent {
        kind: ResourceType::Questionnaire,
        id: Uuid::from_u128(1),
        role: Role::Staff,
        seen: None,
        before: None,
        resource,
        changed: vec!["item".to_owned()],
    };
    match of(sent)? {
        Ask::Form(ask) => match *ask {
            FormAsk::Keep(ask) => Ok(*ask),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn f155_a_questionnaire_becomes_a_form_with_its_link_ids() {
    let ask = asked(&whole()).expect("a form");
    assert_eq!(
        (ask.title.as_str(), ask.category.as_str()),
        ("Consent", "Reviewed")
    );
    let first = ask.questions.parts.first();
    assert_eq!(first, Some(&Part::Words("Please read this.".to_owned())));
    let items: Vec<(&str, &str, &str)> = ask
        .questions
        .items()
        .map(|item| (item.id.as_str(), item.label.as_str(), item.name.as_str()))
        .collect();
    assert_eq!(
        items,
        [
            ("who", "Your doctor", "text_input1"),
            ("why", "Why", "text_area1"),
            ("1.2", "When", "text_input2"),
            ("ok", "I agree", "check1"),
            ("side", "Side", "group_radio1"),
        ]
    );
    let required: Vec<bool> = ask.questions.items().map(|item| item.required).collect();
    assert_eq!(required, [true, false, false, false, false]);
}

#[test]
fn f155_what_cannot_be_kept_is_refused_where_it_is() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 17] = [
        ("Questionnaire.status", |sheet| {
            sheet["status"] = json!("draft");
        }),
        ("Questionnaire.subjectType", |sheet| {
            sheet["subjectType"] = json!(["Practitioner"]);
        }),
        ("Questionnaire.code", |sheet| {
            sheet["code"][0]["system"] = json!("http://loinc.org");
        }),
        ("Questionnaire.item[2].linkId", |sheet| {
            sheet["item"][2]["linkId"] = json!("who");
        }),
        ("Questionnaire.item[1].linkId", |sheet| {
            sheet["item"][1]["linkId"] = json!("é");
        }),
        ("Questionnaire.item[3].type", |sheet| {
            sheet["item"][3]["type"] = json!("decimal");
        }),
        ("Questionnaire.item[0].type", |sheet| {
            sheet["item"][0]["type"] = json!("group");
        }),
        ("Questionnaire.item[1].item", |sheet| {
            sheet["item"][1]["item"] = json!([{"linkId": "x", "type": "string", "text": "X"}]);
        }),
        ("Questionnaire.item[1].repeats", |sheet| {
            sheet["item"][1]["repeats"] = json!(true);
        }),
        ("Questionnaire.item[1].maxLength", |sheet| {
            sheet["item"][1]["maxLength"] = json!(7);
        }),
        ("Questionnaire.item[1].prefix", |sheet| {
            sheet["item"][1]["prefix"] = json!("1.");
        }),
        ("Questionnaire.item[1].code", |sheet| {
            sheet["item"][1]["code"] = json!([{"system": "http://loinc.org", "code": "1-8"}]);
        }),
        ("Questionnaire.item[3].initial", |sheet| {
            sheet["item"][3]["initial"] = json!([{"valueDate": "2026-11-29"}]);
        }),
        ("Questionnaire.item[2].text", |sheet| {
            sheet["item"][2]["text"] = json!("two\nlines");
        }),
        ("Questionnaire.item[1].answerOption", |sheet| {
            sheet["item"][1]["answerOption"] = json!([{"valueString": "x"}]);
        }),
        ("Questionnaire.item[5].answerOption", |sheet| {
            sheet["item"][5]["answerOption"] = json!([{"valueString": "Left"}]);
        }),
        ("Questionnaire.item[5].answerOption", |sheet| {
            sheet["item"][5]["answerOption"] =
                json!([{"valueInteger": 1}, {"valueString": "Left"}]);
        }),
    ];
    for (place, change) in changes {
        let mut sheet = whole();
        change(&mut sheet);
        match asked(&sheet) {
            Err(Refusal::Invalid { location, .. }) => assert_eq!(location, place),
            other => panic!("{place}: {other:?}"),
        }
    }
}
