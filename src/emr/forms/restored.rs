//! A form that was read as a Questionnaire and is sent back: what was filled in for nobody in particular becomes the
//! directive again, and a heading, which a Questionnaire has no word for, stays one.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::domain::forms::Item;
use crate::domain::forms::Part;
use crate::domain::forms::Questions;
use crate::emr::forms::directives;

/// What a part is known by: the `linkId` of a question, and its words.
type Mark = (Option<String>, String);

/// What was sent, with what of it is as it was read put back as it was written. The parts of the two that are known
/// stand in the same places. Of a new one nothing is known.
pub(super) fn restored(
    mut sent: Questions,
    (shown, written): (&Questions, &Questions),
) -> Questions {
    let mut places: HashMap<Mark, VecDeque<usize>> = HashMap::new();
    for (place, (shown, written)) in shown.parts.iter().zip(&written.parts).enumerate() {
        let (shown, written) = (mark(shown), mark(written));
        if shown != written {
            places.entry(written).or_default().push_back(place);
        }
        places.entry(shown).or_default().push_back(place);
    }
    // What is sent as it was written has all of it.
    let all: HashSet<Mark> = sent.parts.iter().map(mark).collect();
    let pairs = shown.parts.iter().zip(&written.parts);
    let silent: Vec<bool> = pairs
        .map(|(shown, written)| is_silent(shown) && !all.contains(&mark(written)))
        .collect();
    let is_silent = |place: usize| silent.get(place).copied().unwrap_or_default();
    let mut taken = vec![false; written.parts.len()];
    let mut back = Vec::with_capacity(written.parts.len());
    for part in sent.parts {
        // What comes twice is put back in the order it came in.
        let waiting = places.get_mut(&mark(&part));
        let place = waiting.and_then(|places| {
            let mut places = std::iter::from_fn(|| places.pop_front());
            places.find(|place| !taken[*place])
        });
        let Some(place) = place else {
            back.push(read_back(part));
            continue;
        };
        // What nobody is shown goes along with what it stands beside.
        let mut first = place;
        while first > 0 && is_silent(first - 1) && !taken[first - 1] {
            first -= 1;
        }
        let mut last = place;
        while is_silent(last + 1) && !taken[last + 1] {
            last += 1;
        }
        taken[first..=last].fill(true);
        back.extend_from_slice(&written.parts[first..place]);
        back.push(put_back(&part, &written.parts[place]));
        back.extend_from_slice(&written.parts[place + 1..=last]);
    }
    sent.parts = back;
    sent
}

/// A part as it was written. Of a question the words alone are put back: what else it says is told.
fn put_back(sent: &Part, written: &Part) -> Part {
    match (sent, written) {
        (Part::Item(sent), Part::Item(written)) => Part::Item(Item {
            label: written.label.clone(),
            ..sent.clone()
        }),
        _ => written.clone(),
    }
}

/// A part of which nothing is known.
fn read_back(sent: Part) -> Part {
    match sent {
        Part::Item(item) => Part::Item(Item {
            label: directives::rewritten(&item.label),
            ..item
        }),
        Part::Heading(text) => Part::Heading(directives::rewritten(&text)),
        Part::Words(text) => Part::Words(directives::rewritten(&text)),
    }
}

/// Whether nothing of a part is shown, as of a directive that says how others are read.
fn is_silent(part: &Part) -> bool {
    match part {
        Part::Heading(text) | Part::Words(text) => text.is_empty(),
        Part::Item(_) => false,
    }
}

/// Words count by what they say: blanks once, and a question is kept without the colon at its end.
fn mark(part: &Part) -> Mark {
    let (id, text) = match part {
        Part::Heading(text) | Part::Words(text) => (None, text),
        Part::Item(item) => (Some(item.id.clone()), &item.label),
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    (id, words.trim_end_matches(':').trim_end().to_owned())
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

    #[test]
    fn f155_of_a_new_one_brackets_become_directives() {
        let sent =
            outline::read("I, [patient's name], agree [x].\n- Call me at [phone]").expect("a form");
        let nothing = Questions::default();
        let back = restored(sent, (&nothing, &nothing));
        assert_eq!(
            outline::written(&back),
            "I, {PatientName}, agree [x].\n- Call me at {PatientPhone}"
        );
    }

    #[test]
    fn f155_a_long_form_of_equal_lines_is_put_back_in_order() {
        let lines = "{HIS:x}\n".repeat(300);
        let written = outline::read(&lines).expect("a form");
        let shown = parse::filled(written.clone(), &Vec::new());
        assert_eq!(shown.parts[299], Part::Words("[x]".to_owned()));
        let back = restored(shown.clone(), (&shown, &written));
        assert_eq!(back.parts, written.parts);
    }

    #[test]
    fn f155_what_nobody_is_shown_comes_back_too() {
        let lines = "{GRP}\n{Medications}\n{Allergies}\n{/GRP}\n{ChiefComplaint}\n- Why";
        let written = outline::read(lines).expect("a form");
        let known = vec![
            ("Medications", "[medications]".to_owned()),
            ("Allergies", "[allergies]".to_owned()),
        ];
        let shown = parse::filled(written.clone(), &known);
        let mut sent = shown.clone();
        sent.parts.retain(|part| !is_silent(part));
        assert_eq!(sent.parts.len(), 3);
        for sent in [sent, written.clone()] {
            let back = restored(sent, (&shown, &written));
            assert_eq!(outline::written(&back), lines);
        }
    }
}
