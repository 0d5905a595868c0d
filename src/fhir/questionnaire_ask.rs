//! From a Questionnaire that was sent to a form this house keeps: what it could not ask as it is meant is refused by name.

use fhir_sdk::r4b::codes::PublicationStatus;
use fhir_sdk::r4b::codes::QuestionnaireItemType;
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

/// Groups within one another at most.
const DEEPEST: usize = 4;

/// Letters of a title at most.
const LONGEST_TITLE: usize = 200;

/// The Ask of a Questionnaire that was sent.
///
/// # Errors
/// `Invalid` at the element that cannot be taken.
pub(super) fn of(sent: Sent<'_>) -> Result<Ask, Refusal> {
    let Resource::Questionnaire(sheet) = &sent.resource else {
        return Err(Refusal::invalid("$this", "this is a Questionnaire"));
    };
    if sheet.status != PublicationStatus::Active {
        let why = "a form that is kept here is active at once";
        return Err(Refusal::invalid("Questionnaire.status", why));
    }
    let title = sheet.title.as_deref().unwrap_or_default().trim().to_owned();
    if title.is_empty() || title.chars().count() > LONGEST_TITLE || has_control(&title) {
        let why = "give a title of at most 200 letters";
        return Err(Refusal::invalid("Questionnaire.title", why));
    }
    let mut category = String::new();
    for code in sheet.code.iter().flatten() {
        let known = code.system.as_deref() == Some(DOCUMENT_CATEGORIES);
        match (known, category.is_empty()) {
            (true, true) => category = code.code.clone().unwrap_or_default(),
            _ => {
                let why = format!("give one category of the practice, of {DOCUMENT_CATEGORIES}");
                return Err(Refusal::invalid("Questionnaire.code", why));
            }
        }
    }
    let mut parts = Vec::new();
    gather(&sheet.item, &mut parts, ("Questionnaire.item", 0))?;
    if parts.is_empty() || parts.len() > MOST {
        let why = "a form has 1 to 300 items";
        return Err(Refusal::invalid("Questionnaire.item", why));
    }
    let mut questions = Questions {
        parts,
        unknown: Vec::new(),
    };
    let mut ids: Vec<&str> = questions.items().map(|item| item.id.as_str()).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair.first() == pair.get(1)) {
        let why = "each linkId comes once";
        return Err(Refusal::invalid("Questionnaire.item", why));
    }
    questions.named();
    Ok(Ask::Form(Box::new(FormAsk::Keep {
        id: sent.id,
        title,
        category,
        questions,
    })))
}

fn gather(
    items: &[Option<QuestionnaireItem>],
    parts: &mut Vec<Part>,
    (place, depth): (&str, usize),
) -> Result<(), Refusal> {
    for (index, item) in items.iter().enumerate() {
        let Some(item) = item else { continue };
        let place = format!("{place}[{index}]");
        let refused = |part: &str, why: &str| Refusal::invalid(format!("{place}{part}"), why);
        let text = item.text.as_deref().unwrap_or_default().trim().to_owned();
        if text.is_empty() || text.chars().count() > LONGEST || has_control(&text) {
            return Err(refused(".text", "an item has its words, in one line"));
        }
        if !item.enable_when.is_empty() {
            return Err(refused(".enableWhen", "every item is shown here"));
        }
        if item.repeats == Some(true) {
            return Err(refused(".repeats", "an item has one answer here"));
        }
        let kind = match &item.r#type {
            QuestionnaireItemType::Group if depth < DEEPEST => {
                parts.push(Part::Heading(text));
                gather(&item.item, parts, (&format!("{place}.item"), depth + 1))?;
                continue;
            }
            QuestionnaireItemType::Display => {
                parts.push(Part::Words(text));
                continue;
            }
            QuestionnaireItemType::String | QuestionnaireItemType::Url => Kind::Line,
            QuestionnaireItemType::Text => Kind::Lines,
            QuestionnaireItemType::Date => Kind::Date,
            QuestionnaireItemType::Boolean => Kind::Check,
            QuestionnaireItemType::Choice => {
                let options: Option<Vec<String>> =
                    item.answer_option.iter().flatten().map(option).collect();
                let options = options.filter(|options| options.len() > 1);
                let why = "give two or more answerOption, each a string or a coding with words";
                Kind::Choice(options.ok_or_else(|| refused(".answerOption", why))?)
            }
            _ => {
                let why = "this server asks for string, text, url, date, boolean and choice, in groups, with display";
                return Err(refused(".type", why));
            }
        };
        if !item.item.is_empty() {
            return Err(refused(".item", "only a group has items of its own here"));
        }
        parts.push(Part::Item(Item {
            id: item.link_id.clone(),
            name: String::new(),
            label: text,
            kind,
            required: item.required == Some(true),
        }));
    }
    Ok(())
}

fn option(option: &QuestionnaireItemAnswerOption) -> Option<String> {
    let text = match &option.value {
        QuestionnaireItemAnswerOptionValue::String(text) => text.clone(),
        QuestionnaireItemAnswerOptionValue::Coding(coding) => {
            coding.display.clone().or_else(|| coding.code.clone())?
        }
        _ => return None,
    };
    let text = text.trim().to_owned();
    (!text.is_empty() && text.chars().count() <= LONGEST && !has_control(&text)).then_some(text)
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}
