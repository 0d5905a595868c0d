//! A form that was read as a Questionnaire and is sent back: what was filled in for nobody in particular becomes the
//! directive again, and a heading, which a Questionnaire has no word for, stays one.

use crate::domain::forms::Part;
use crate::domain::forms::Questions;
use crate::emr::forms::directives;

/// What was sent, with what of it is as it was read put back as it was written. The parts of the two that are known
/// stand in the same places.
pub(super) fn restored(
    mut sent: Questions,
    (shown, written): (&Questions, &Questions),
) -> Questions {
    let mut places: Vec<Option<(&Part, &Part)>> =
        shown.parts.iter().zip(&written.parts).map(Some).collect();
    for part in &mut sent.parts {
        // What comes twice is put back in the order it came in.
        let place = places
            .iter_mut()
            .find(|place| place.is_some_and(|(shown, written)| is_of(part, (shown, written))));
        let known = place.and_then(Option::take);
        match (part, known) {
            (Part::Item(item), Some((_, Part::Item(known)))) => {
                item.label.clone_from(&known.label);
            }
            (Part::Item(item), _) => item.label = directives::rewritten(&item.label),
            (words, Some((_, known))) => *words = known.clone(),
            (Part::Heading(text) | Part::Words(text), None) => {
                *text = directives::rewritten(text);
            }
        }
    }
    sent
}

/// Whether a part that was sent is one that was read, with its words as they were.
fn is_of(sent: &Part, (shown, written): (&Part, &Part)) -> bool {
    match (sent, shown, written) {
        (Part::Item(sent), Part::Item(shown), Part::Item(written)) => {
            let label = &sent.label;
            sent.id == shown.id && (same(label, &shown.label) || same(label, &written.label))
        }
        (
            Part::Heading(sent) | Part::Words(sent),
            Part::Heading(shown) | Part::Words(shown),
            Part::Heading(written) | Part::Words(written),
        ) => same(sent, shown) || same(sent, written),
        _ => false,
    }
}

/// Whether two texts have the same words; a question is kept without the colon at its end.
fn same(one: &str, other: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let text = text.trim_end().trim_end_matches(':');
        text.split_whitespace().map(str::to_owned).collect()
    };
    words(one) == words(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forms::outline;
    use crate::emr::forms::parse;

    #[test]
    fn f155_headings_and_directives_come_back_as_they_were_written() {
        let lines = "# Consent\nI, {PatientName}, agree.\n- Call me at {PatientPhone} *\n- Why";
        let written = outline::read(lines).expect("a form");
        let known = vec![
            ("PatientName", "[patient's name]".to_owned()),
            ("PatientPhone", "[phone]".to_owned()),
        ];
        let shown = parse::filled(written.clone(), &known);
        // As a Questionnaire tells it: a heading is words.
        let mut sent = shown.clone();
        sent.parts[0] = Part::Words("Consent".to_owned());
        let back = restored(sent.clone(), (&shown, &written));
        assert_eq!(outline::written(&back), lines);
        // What is changed keeps its directives; what is left out stays out.
        sent.parts[1] = Part::Words("I, [patient's name], do not agree.".to_owned());
        sent.parts.pop();
        let back = restored(sent, (&shown, &written));
        assert_eq!(
            outline::written(&back),
            "# Consent\nI, {PatientName}, do not agree.\n- Call me at {PatientPhone} *"
        );
    }
}
