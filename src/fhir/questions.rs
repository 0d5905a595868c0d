//! What a form asks, as a Questionnaire: one of its own, and the one that is contained in the DocumentReference of an open
//! form. `$sign` takes answers by the `linkId`s of the latter.

use fhir_sdk::r4b::codes;
use fhir_sdk::r4b::codes::PublicationStatus;
use fhir_sdk::r4b::codes::QuestionnaireItemType;
use fhir_sdk::r4b::resources::Questionnaire;
use fhir_sdk::r4b::resources::QuestionnaireItem;
use fhir_sdk::r4b::resources::QuestionnaireItemAnswerOption;
use fhir_sdk::r4b::resources::QuestionnaireItemAnswerOptionValue;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::Reference;

use crate::domain::forms::Item;
use crate::domain::forms::Kind;
use crate::domain::forms::Part;
use crate::domain::forms::Questions;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Its id within the DocumentReference.
pub(super) const ID: &str = "questions";

/// The Questionnaire of an open form.
pub(super) fn contained(questions: &Questions, title: &str) -> Built<Resource> {
    sheet(questions, title, ID.to_owned()).map(Resource::from)
}

/// The Questionnaire of that id.
pub(super) fn sheet(questions: &Questions, title: &str, id: String) -> Built<Questionnaire> {
    let mut sheet = Questionnaire::builder()
        .id(id)
        .status(PublicationStatus::Active)
        .build()?;
    sheet.title = wire::clean(title);
    sheet.subject_type = wire::list([codes::ResourceType::Patient]);
    let mut words = 0;
    for part in &questions.parts {
        let item = match part {
            Part::Heading(text) | Part::Words(text) => {
                words += 1;
                said(text, link(questions, words))?
            }
            Part::Item(item) => asked(item)?,
        };
        sheet.item.push(Some(item));
    }
    Ok(sheet)
}

/// What refers to it.
pub(super) fn reference() -> Built<Reference> {
    Reference::builder().reference(format!("#{ID}")).build()
}

/// A `linkId` for words, which no question has.
fn link(questions: &Questions, number: usize) -> String {
    let mut link = format!("words-{number}");
    while questions.items().any(|item| item.id == link) {
        link.push('-');
    }
    link
}

fn said(text: &str, link: String) -> Built<QuestionnaireItem> {
    let mut item = QuestionnaireItem::builder()
        .link_id(link)
        .r#type(QuestionnaireItemType::Display)
        .build()?;
    item.text = wire::clean(text);
    Ok(item)
}

fn asked(item: &Item) -> Built<QuestionnaireItem> {
    let kind = match &item.kind {
        Kind::Line => QuestionnaireItemType::String,
        Kind::Lines => QuestionnaireItemType::Text,
        Kind::Date => QuestionnaireItemType::Date,
        Kind::Check => QuestionnaireItemType::Boolean,
        Kind::Choice(_) => QuestionnaireItemType::Choice,
    };
    let mut asked = QuestionnaireItem::builder()
        .link_id(item.id.clone())
        .r#type(kind)
        .build()?;
    asked.text = wire::clean(&item.label);
    asked.required = item.required.then_some(true);
    if let Kind::Choice(options) = &item.kind {
        for option in options {
            let value = QuestionnaireItemAnswerOptionValue::String(option.clone());
            let option = QuestionnaireItemAnswerOption::builder()
                .value(value)
                .build()?;
            asked.answer_option.push(Some(option));
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forms::outline;
    use serde_json::Value;
    use serde_json::json;

    #[test]
    fn f153_an_app_learns_what_a_form_asks() {
        let text = "# Before surgery\nPlease read this.\n- Doctor *\n-- Why\n-d Day\n-o Side | Left | Right\n[] I agree";
        let questions = outline::read(text).expect("a form");
        let sheet = contained(&questions, "Consent").expect("it is built");
        let bytes = fhir_encode::encode(&sheet).expect("it is written");
        let json: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(json["resourceType"], "Questionnaire");
        assert_eq!(
            (&json["id"], &json["status"]),
            (&json!("questions"), &json!("active"))
        );
        let items = json["item"].as_array().expect("items");
        let kinds: Vec<&str> = items
            .iter()
            .filter_map(|item| item["type"].as_str())
            .collect();
        assert_eq!(
            kinds,
            [
                "display", "display", "string", "text", "date", "choice", "boolean"
            ]
        );
        let mut links: Vec<&str> = items
            .iter()
            .filter_map(|item| item["linkId"].as_str())
            .collect();
        let known: Vec<&str> = questions.items().map(|item| item.id.as_str()).collect();
        assert!(known.iter().all(|id| links.contains(id)), "{links:?}");
        links.sort_unstable();
        links.dedup();
        assert_eq!(links.len(), items.len());
        assert_eq!(items[2]["required"], true);
        assert_eq!(
            items[5]["answerOption"],
            json!([{"valueString": "Left"}, {"valueString": "Right"}])
        );
    }

    #[test]
    fn words_take_no_link_of_a_question() {
        let mut questions = outline::read("Read this.\n- Doctor").expect("a form");
        for part in &mut questions.parts {
            if let Part::Item(item) = part {
                item.id = "words-1".to_owned();
            }
        }
        assert_eq!(link(&questions, 1), "words-1-");
    }
}
