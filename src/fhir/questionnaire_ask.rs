//! From a Questionnaire that was sent to a form this house keeps: what it could not keep as it is meant is refused by name.

use std::collections::BTreeSet;

use fhir_sdk::r4b::codes;
use fhir_sdk::r4b::codes::PublicationStatus;
use fhir_sdk::r4b::codes::QuestionnaireItemType;
use fhir_sdk::r4b::resources::Questionnaire;
use fhir_sdk::r4b::resources::QuestionnaireItem;
use fhir_sdk::r4b::resources::QuestionnaireItemAnswerOption;
use fhir_sdk::r4b::resources::QuestionnaireItemAnswerOptionValue;
use fhir_sdk::r4b::resources::Resource;

use crate::domain::forms::Item;
use crate::domain::forms::Kind;
use crate::domain::forms::LONGEST;
use crate::domain::forms::MOST;
use crate::domain::forms::Part;
use crate::domain::forms::Questions;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::refusal::Refusal;
use crate::fhir::ask::Sent;
use crate::portal::Ask;
use crate::portal::form::FormAsk;
use crate::portal::form::keep::KeepAsk;
use crate::portal::form::keep::Told;

/// Letters of a linkId at most.
const LONGEST_LINK: usize = 100;

/// The Ask of a Questionnaire that was sent.
///
/// # Errors
/// `Invalid` at the element that cannot be kept.
pub(super) fn of(sent: Sent<'_>) -> Result<Ask, Refusal> {
    let Resource::Questionnaire(sheet) = &sent.resource else {
        let why = "this is the address of a Questionnaire";
        return Err(Refusal::invalid("$this.resourceType", why));
    };
    let offered = match (&sheet.status, sent.before) {
        (PublicationStatus::Active, _) => true,
        (PublicationStatus::Retired, Some(_)) => false,
        (_, before) => {
            let why = match before {
                None => "a form that is kept here can be put before patients at once: it is active",
                Some(_) => "a form that is kept here is active, or retired",
            };
            return Err(Refusal::invalid("Questionnaire.status", why));
        }
    };
    let mut subjects = sheet.subject_type.iter().flatten();
    if subjects.any(|kind| *kind != codes::ResourceType::Patient) {
        let why = "a form is put before a Patient";
        return Err(Refusal::invalid("Questionnaire.subjectType", why));
    }
    Ok(Ask::Form(Box::new(FormAsk::Keep(Box::new(KeepAsk {
        id: sent.id,
        title: sheet.title.as_deref().unwrap_or_default().trim().to_owned(),
        category: category(sheet)?,
        questions: questions(&sheet.item)?,
        offered: Some(offered),
        seen: sent.seen,
        told: Told::Questionnaire,
    })))))
}

/// The name of the category of the chart.
fn category(sheet: &Questionnaire) -> Result<String, Refusal> {
    let codes: Vec<_> = sheet.code.iter().flatten().collect();
    match codes.as_slice() {
        [one] if one.system.as_deref() == Some(DOCUMENT_CATEGORIES) => {
            Ok(one.code.clone().unwrap_or_default())
        }
        _ => {
            let why = format!("give one category of the chart, as a code of {DOCUMENT_CATEGORIES}");
            Err(Refusal::invalid("Questionnaire.code", why))
        }
    }
}

fn questions(items: &[Option<QuestionnaireItem>]) -> Result<Questions, Refusal> {
    // The rules have their own word for too many; more than that is not looked at.
    let mut parts = Vec::new();
    let mut links = BTreeSet::new();
    for (index, item) in items.iter().flatten().enumerate().take(MOST + 1) {
        let place = format!("Questionnaire.item[{index}]");
        if !links.insert(item.link_id.as_str()) {
            let why = "each item has a linkId of its own";
            return Err(Refusal::invalid(format!("{place}.linkId"), why));
        }
        parts.push(part(item, &place)?);
    }
    let mut questions = Questions {
        parts,
        ..Questions::default()
    };
    questions.named();
    Ok(questions)
}

fn part(item: &QuestionnaireItem, place: &str) -> Result<Part, Refusal> {
    let refused = |part: &str, why: &str| Err(Refusal::invalid(format!("{place}.{part}"), why));
    let link = item.link_id.as_str();
    if link.is_empty() || link.len() > LONGEST_LINK || !link.bytes().all(|it| it.is_ascii_graphic())
    {
        return refused(
            "linkId",
            "a linkId has 1 to 100 letters, digits and signs of ASCII",
        );
    }
    let unkept = [
        ("definition", item.definition.is_some()),
        ("code", !item.code.is_empty()),
        ("prefix", item.prefix.is_some()),
        ("enableWhen", !item.enable_when.is_empty()),
        ("enableBehavior", item.enable_behavior.is_some()),
        ("repeats", item.repeats == Some(true)),
        ("readOnly", item.read_only == Some(true)),
        ("maxLength", item.max_length.is_some()),
        ("answerValueSet", item.answer_value_set.is_some()),
        ("initial", !item.initial.is_empty()),
        ("item", !item.item.is_empty()),
    ];
    if let Some((name, _)) = unkept.iter().find(|(_, there)| *there) {
        let why =
            "forms here have one answer to each item, and none within another: this cannot be kept";
        return refused(name, why);
    }
    let text = item.text.as_deref().unwrap_or_default();
    let Some(text) = line(text) else {
        return refused(
            "text",
            "an item has words, at most 4000 letters on one line",
        );
    };
    let choice = item.r#type == QuestionnaireItemType::Choice;
    if !choice && !item.answer_option.is_empty() {
        return refused("answerOption", "only a choice has these");
    }
    let kind = match &item.r#type {
        QuestionnaireItemType::Display if item.required == Some(true) => {
            return refused("required", "words are not answered");
        }
        QuestionnaireItemType::Display => return Ok(Part::Words(text)),
        QuestionnaireItemType::String => Kind::Line,
        QuestionnaireItemType::Text => Kind::Lines,
        QuestionnaireItemType::Date => Kind::Date,
        QuestionnaireItemType::Boolean => Kind::Check,
        QuestionnaireItemType::Choice => {
            let options = item.answer_option.iter().flatten().map(option);
            let options: Option<Vec<String>> = options.collect();
            let several = |options: &Vec<String>| {
                let different: BTreeSet<&String> = options.iter().collect();
                options.len() > 1 && different.len() == options.len()
            };
            let Some(options) = options.filter(several) else {
                let why = "a choice has two or more, each another valueString of one line";
                return refused("answerOption", why);
            };
            Kind::Choice(options)
        }
        _ => {
            let why = "items here are string, text, date, boolean, choice and display";
            return refused("type", why);
        }
    };
    // As the form reads: its label ends without a colon.
    let label = text.trim_end_matches(':').trim_end();
    if label.is_empty() {
        return refused("text", "a question has words");
    }
    Ok(Part::Item(Item {
        id: link.to_owned(),
        name: String::new(),
        label: label.to_owned(),
        kind,
        required: item.required == Some(true),
    }))
}

fn option(option: &QuestionnaireItemAnswerOption) -> Option<String> {
    match &option.value {
        QuestionnaireItemAnswerOptionValue::String(text) if option.initial_selected.is_none() => {
            line(text)
        }
        _ => None,
    }
}

/// Words on one line, with blanks once, as a form has them; `None` where there are none, or they can not be kept.
fn line(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let kept = !line.is_empty() && line.chars().count() <= LONGEST;
    (kept && !text.trim().chars().any(char::is_control)).then_some(line)
}

#[cfg(test)]
mod tests;
