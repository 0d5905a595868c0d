//! OpenEMR's directives, as its templates have them in braces: what is filled in from the chart, what asks something, and
//! what no page here has.

use crate::domain::forms::Kind;

/// What a template may be filled in with: a directive's name, and its text.
pub(super) type Known = Vec<(&'static str, String)>;

/// The directives that are filled in, and what stands for them where nobody is known yet.
pub(super) const FILLED: [(&str, &str); 32] = [
    ("PatientName", "[patient's name]"),
    ("PatientDOB", "[birth date]"),
    ("DOB", "[birth date]"),
    ("PatientSex", "[sex]"),
    ("PatientID", "[chart number]"),
    ("PatientPhone", "[phone]"),
    ("Address", "[street]"),
    ("City", "[city]"),
    ("State", "[state]"),
    ("Zip", "[postal code]"),
    ("DOS", "[today]"),
    ("CurrentDate", "[today]"),
    ("CurrentTime", "[time]"),
    ("Medications", "[medications]"),
    ("Allergies", "[allergies]"),
    ("ProblemList", "[problems]"),
    ("ReferringDOC", "[referring provider]"),
    ("DEM:fname", "[given name]"),
    ("DEM:mname", "[middle name]"),
    ("DEM:lname", "[family name]"),
    ("DEM:DOB", "[birth date]"),
    ("DEM:sex", "[sex]"),
    ("DEM:pubpid", "[chart number]"),
    ("DEM:street", "[street]"),
    ("DEM:city", "[city]"),
    ("DEM:state", "[state]"),
    ("DEM:postal_code", "[postal code]"),
    ("DEM:phone_home", "[phone at home]"),
    ("DEM:phone_biz", "[phone at work]"),
    ("DEM:phone_cell", "[mobile phone]"),
    ("DEM:phone_contact", "[phone of the contact]"),
    ("DEM:email", "[e-mail]"),
];

/// What OpenEMR writes before a value within a group: its own words, and for single fields those its layout begins with.
/// Names have none there.
const TITLES: [(&str, &str); 32] = [
    ("PatientName", "Name"),
    ("PatientDOB", "Birth Date"),
    ("DOB", "Birth Date"),
    ("PatientSex", "Sex"),
    ("PatientID", "Chart ID"),
    ("PatientPhone", "Phone"),
    ("Address", "Street"),
    ("City", "City"),
    ("State", "State"),
    ("Zip", "Postal Code"),
    ("DOS", "Service Date"),
    ("CurrentDate", "Date"),
    ("CurrentTime", "Time"),
    ("Medications", "Medications"),
    ("Allergies", "Allergies"),
    ("ProblemList", "Problem List"),
    ("ReferringDOC", "Referer"),
    ("DEM:fname", ""),
    ("DEM:mname", ""),
    ("DEM:lname", ""),
    ("DEM:DOB", "DOB"),
    ("DEM:sex", "Sex"),
    ("DEM:pubpid", "External ID"),
    ("DEM:street", "Address"),
    ("DEM:city", "City"),
    ("DEM:state", "State"),
    ("DEM:postal_code", "Postal Code"),
    ("DEM:phone_home", "Home Phone"),
    ("DEM:phone_biz", "Work Phone"),
    ("DEM:phone_cell", "Mobile Phone"),
    ("DEM:phone_contact", "Emergency Phone"),
    ("DEM:email", "Contact Email"),
];

/// The directives that name what is in OpenEMR's table of issues (`lists`), and their type there.
pub(super) const ISSUES: [(&str, &str); 3] = [
    ("Medications", "medication"),
    ("Allergies", "allergy"),
    ("ProblemList", "medical_problem"),
];

/// Directives that say how to read the others, or where a signature goes: this house has a place of its own for it. What
/// a visit is about is known of a visit alone, and a form is put before a patient outside of one.
const SILENT: [&str; 7] = [
    "ParseAsHTML",
    "ParseAsText",
    "SignaturesRequired",
    "PatientSignature",
    "ChiefComplaint",
    "GRP",
    "/GRP",
];

/// Directives that put another page, or a file, into the form.
const PAGES: [&str; 4] = [
    "EncounterForm",
    "Questionnaire",
    "QuestionnaireURLLoinc",
    "AcknowledgePdf",
];

/// What a directive means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// It asks something.
    Input(Kind),
    /// It stands for this.
    Text(String),
    /// Nothing is shown for it.
    Nothing,
    /// It puts in what no page here can show.
    Page,
    /// Nobody knows it here: a blank stands for it, which says what is to be there.
    Blank(String),
    /// It is no directive, but words in braces.
    Words,
}

/// What is meant by the words between two braces.
pub(super) fn means(word: &str, known: &Known) -> Means {
    let (name, argument) = word.split_once(':').unwrap_or((word, ""));
    let said = |name: &str| {
        let found = known.iter().find(|(directive, _)| *directive == name);
        found.map(|(_, text)| text)
    };
    if let Some(kind) = input(name, argument) {
        return Means::Input(kind);
    }
    if let Some(text) = said(word) {
        return Means::Text(text.clone());
    }
    if let (false, Some(text)) = (argument.is_empty(), said(name)) {
        return Means::Text(dated(text, argument));
    }
    let first = word.split([':', '|']).next().unwrap_or_default();
    if SILENT.contains(&name) {
        return Means::Nothing;
    }
    if PAGES.contains(&first) {
        return Means::Page;
    }
    let bare = first.trim_start_matches('/');
    // Their names are of letters and digits: words with blanks between them are for people.
    let is_one = bare.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && bare
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    match is_one {
        true => Means::Blank(blank(name, argument)),
        false => Means::Words,
    }
}

/// What OpenEMR writes before the value of a directive within a group; empty where nothing is known of it.
pub(super) fn title(word: &str) -> &'static str {
    let (name, _) = word.split_once(':').unwrap_or((word, ""));
    let of = |sought: &str| TITLES.iter().find(|(known, _)| *known == sought);
    of(word).or_else(|| of(name)).map_or("", |(_, title)| title)
}

/// The blank that stands for a directive: `{AdminSignature}` is `[admin signature]`.
pub(super) fn blank_of(word: &str) -> String {
    let (name, argument) = word.split_once(':').unwrap_or((word, ""));
    blank(name, argument)
}

/// A text with what stands for nobody in particular turned back into the directive it was written as.
pub(super) fn rewritten(text: &str) -> String {
    let mut text = text.to_owned();
    for (name, stands) in FILLED {
        if text.contains(stands) {
            text = text.replace(stands, &format!("{{{name}}}"));
        }
    }
    text
}

/// A day in the way a directive asks for; in the usual one where it asks for no other.
fn dated(text: &str, way: &str) -> String {
    let parts: Vec<&str> = text.split('-').collect();
    let way = way.to_ascii_uppercase();
    match parts.as_slice() {
        [year, month, day] if way.contains("MM/DD/YYYY") => format!("{month}/{day}/{year}"),
        [year, month, day] if way.contains("DD/MM/YYYY") => format!("{day}/{month}/{year}"),
        _ => text.to_owned(),
    }
}

/// `{AdminSignature}` is `[admin signature]`, `{HIS:tobacco_use}` is `[tobacco use]`.
fn blank(name: &str, argument: &str) -> String {
    let named = match argument.trim() {
        "" => name.trim_start_matches('/'),
        argument => argument,
    };
    let mut words = String::with_capacity(named.len() + 8);
    let mut before = ' ';
    for letter in named.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        match letter {
            '_' => words.push(' '),
            letter => words.extend(letter.to_lowercase()),
        }
        before = letter;
    }
    format!("[{}]", words.trim())
}

/// The input a directive stands for.
fn input(name: &str, argument: &str) -> Option<Kind> {
    let options = |text: &str| {
        let options: Vec<String> = text.split('_').map(|one| one.trim().to_owned()).collect();
        (options.len() > 1 && options.iter().all(|one| !one.is_empty()))
            .then_some(Kind::Choice(options))
    };
    match name {
        "TextInput" | "smTextInput" | "sizedTextInput" => Some(Kind::Line),
        "DatePicker" | "StandardDatePicker" => Some(Kind::Date),
        // A moment is written as OpenEMR's own picker writes it, and nobody checks it there either.
        "DateTimePicker" => Some(Kind::Line),
        "TextBox" => Some(Kind::Lines),
        "CheckMark" => Some(Kind::Check),
        "ynRadioGroup" => options("Yes_No"),
        "TrueFalseRadioGroup" => options("True_False"),
        "RadioGroup" | "RadioGroupInline" => options(argument),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f152_each_directive_of_openemr_means_something_and_none_is_shown_in_braces() {
        let known = vec![
            ("Medications", "Aspirin".to_owned()),
            ("DEM:email", "ana@example.org".to_owned()),
            ("CurrentDate", "2026-11-29".to_owned()),
        ];
        let text = |text: &str| Means::Text(text.to_owned());
        let blank = |text: &str| Means::Blank(text.to_owned());
        for (word, expected) in [
            ("TextBox:03x080", Means::Input(Kind::Lines)),
            ("Medications", text("Aspirin")),
            ("DEM:email", text("ana@example.org")),
            ("DEM:race", blank("[race]")),
            ("CurrentDate", text("2026-11-29")),
            ("CurrentDate:global", text("2026-11-29")),
            ("CurrentDate:MM/DD/YYYY", text("11/29/2026")),
            ("CurrentDate:dd/mm/yyyy", text("29/11/2026")),
            ("ChiefComplaint", Means::Nothing),
            ("AdminSignature", blank("[admin signature]")),
            ("HIS:tobacco_use", blank("[tobacco use]")),
            ("LBFvitals:bps", blank("[bps]")),
            ("EncounterForm:HIS", Means::Page),
            ("QuestionnaireURLLoinc|PHQ-9|https://x.org|1", Means::Page),
            ("AcknowledgePdf:7:Notice", Means::Page),
            (" not one ", Means::Words),
            ("circle one", Means::Words),
            ("é", Means::Words),
        ] {
            assert_eq!(means(word, &known), expected, "{word}");
        }
    }

    #[test]
    fn f152_each_value_has_its_title_in_a_group() {
        for (name, _) in FILLED {
            assert!(TITLES.iter().any(|(known, _)| *known == name), "{name}");
        }
        for (word, said) in [
            ("CurrentDate:global", "Date"),
            ("ProblemList", "Problem List"),
            ("DEM:email", "Contact Email"),
            ("DEM:race", ""),
        ] {
            assert_eq!(title(word), said);
        }
    }

    #[test]
    fn f155_what_stands_for_nobody_is_read_back_as_it_was_written() {
        for (read, written) in [
            (
                "Dear [patient's name], born [birth date]:",
                "Dear {PatientName}, born {PatientDOB}:",
            ),
            ("[medications] [x] {Zip}", "{Medications} [x] {Zip}"),
            ("Read this.", "Read this."),
        ] {
            assert_eq!(rewritten(read), written);
        }
    }
}
