//! OpenEMR's list options as the codes FHIR and US Core ask for (OpenEMR facts 1.1 and 1.8).

use crate::domain::people::Code;
use crate::domain::people::Gender;
use crate::emr::lists::ListOption;
use crate::emr::lists::Lists;

/// CDC Race and Ethnicity, which the OMB categories are part of.
const RACE: &str = "urn:oid:2.16.840.1.113883.6.238";
const NULL_FLAVOR: &str = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
const SNOMED: &str = "http://snomed.info/sct";
const MARITAL: &str = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";
const TRIBES: &str = "http://terminology.hl7.org/CodeSystem/v3-TribalEntityUS";
const LANGUAGE: &str = "urn:ietf:bcp:47";

/// The OMB categories with the words the code system has for them, whatever a practice calls them.
const OMB: [(&str, &str); 7] = [
    ("1002-5", "American Indian or Alaska Native"),
    ("2028-9", "Asian"),
    ("2054-5", "Black or African American"),
    ("2076-8", "Native Hawaiian or Other Pacific Islander"),
    ("2106-3", "White"),
    ("2135-2", "Hispanic or Latino"),
    ("2186-5", "Not Hispanic or Latino"),
];

/// The value set of gender identity, with the words of the code systems: digits are SNOMED CT's, letters HL7's.
const IDENTITIES: [(&str, &str); 8] = [
    ("446151000124109", "Identifies as male gender"),
    ("446141000124107", "Identifies as female gender"),
    ("407377005", "Female-to-male transsexual"),
    ("407376001", "Male-to-female transsexual"),
    ("446131000124102", "Identifies as non-conforming gender"),
    ("OTH", "other"),
    ("ASKU", "asked but unknown"),
    ("UNK", "unknown"),
];

/// HL7's words for the letters in `list_options.notes` of the list `marital`.
const MARITAL_WORDS: [(&str, &str); 11] = [
    ("A", "Annulled"),
    ("C", "Common Law"),
    ("D", "Divorced"),
    ("I", "Interlocutory"),
    ("L", "Legally Separated"),
    ("M", "Married"),
    ("P", "Polygamous"),
    ("S", "Never Married"),
    ("T", "Domestic partner"),
    ("U", "unmarried"),
    ("W", "Widowed"),
];

/// What `patient_data.sex` holds, in small letters: options of the list `sex`, and what older charts have.
pub(super) const GENDERS: [(&str, Gender); 10] = [
    ("female", Gender::Female),
    ("f", Gender::Female),
    ("male", Gender::Male),
    ("m", Gender::Male),
    ("other", Gender::Other),
    ("o", Gender::Other),
    ("oth", Gender::Other),
    ("un", Gender::Other),
    ("nonbinary", Gender::Other),
    ("non-binary", Gender::Other),
];

/// Administrative gender from `patient_data.sex`.
pub(crate) fn gender(sex: &str) -> Gender {
    GENDERS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(sex))
        .map_or(Gender::Unknown, |(_, gender)| *gender)
}

/// Birth sex from the same column; none where nothing is recorded.
pub(super) fn birth_sex(sex: &str) -> Option<&'static str> {
    match gender(sex) {
        Gender::Female => Some("F"),
        Gender::Male => Some("M"),
        _ if sex.is_empty() => None,
        _ => Some("UNK"),
    }
}

/// Gender identity: an option id, behind which a bar and a comment may stand (layout type 46 of OpenEMR).
pub(super) fn gender_identity(lists: &Lists, written: &str) -> Option<Code> {
    let id = split(written).next()?;
    let known = |code: &str| IDENTITIES.iter().any(|(known, _)| *known == code);
    let mut code = coded(SNOMED, lists.option("gender_identity", id), known)?;
    if code.code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        code.system = NULL_FLAVOR;
    }
    rename(&mut code, &IDENTITIES);
    Some(code)
}

/// Race or ethnicity (`list` is the list's name): ids joined with `|`, OMB categories first.
pub(super) fn race(lists: &Lists, list: &str, ids: &str) -> Vec<Code> {
    let mut codes: Vec<Code> = split(ids)
        .filter_map(|id| {
            let option = lists.option(list, id);
            coded(RACE, option, is_cdc)
                .map(official)
                .or_else(|| absent(id, option))
        })
        .collect();
    codes.sort_by_key(|code| !OMB.iter().any(|(omb, _)| *omb == code.code));
    codes
}

/// Tribal affiliations: ids joined with `|`.
pub(super) fn tribes(lists: &Lists, ids: &str) -> Vec<Code> {
    let digits = |code: &str| code.bytes().all(|byte| byte.is_ascii_digit());
    split(ids)
        .filter_map(|id| coded(TRIBES, lists.option("tribal_affiliations", id), digits))
        .collect()
}

/// Preferred language. A language not told is no language: FHIR has none to show then.
pub(crate) fn language(lists: &Lists, id: &str) -> Option<Code> {
    let tag = |code: &str| {
        let mut parts = code.split('-');
        let primary = parts.next().unwrap_or_default();
        matches!(primary.len(), 2 | 3)
            && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let mut code = coded(LANGUAGE, lists.option("language", id), tag)?;
    // Titles list every name of a language (`Catalan; Valencian`); the first is the registered one.
    if let Some(end) = code.display.find(';') {
        code.display.truncate(end);
    }
    Some(code)
}

/// Marital status.
pub(crate) fn marital(lists: &Lists, id: &str) -> Option<Code> {
    if id.is_empty() {
        return None;
    }
    let option = lists.option("marital", id);
    let known = |code: &str| MARITAL_WORDS.iter().any(|(letter, _)| *letter == code);
    let Some(mut code) = coded(MARITAL, option, known) else {
        return absent(id, option);
    };
    rename(&mut code, &MARITAL_WORDS);
    Some(code)
}

fn split(ids: &str) -> impl Iterator<Item = &str> {
    ids.split('|').map(str::trim).filter(|id| !id.is_empty())
}

/// The option's own code, which lists of people's attributes keep in `notes`; else the one in `codes`. A practice
/// may write anything there, so only what looks like a code of the system is taken for one.
fn coded(
    system: &'static str,
    option: Option<&ListOption>,
    looks_right: impl Fn(&str) -> bool,
) -> Option<Code> {
    let option = option?;
    let notes = option.notes.as_deref().unwrap_or_default().trim();
    let codes = option.codes.as_deref().unwrap_or_default().trim();
    let codes = codes.rsplit(':').next().unwrap_or_default();
    let code = [notes, codes]
        .into_iter()
        .find(|code| !code.is_empty() && looks_right(code))?;
    Some(Code {
        system,
        code: code.to_owned(),
        display: option
            .title
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    })
}

/// Why there is no code, where the option says so.
fn absent(id: &str, option: Option<&ListOption>) -> Option<Code> {
    let title = option.and_then(|option| option.title.as_deref());
    let starts = |text: &str, word: &str| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let says = |word: &str| starts(id, word) || title.is_some_and(|title| starts(title, word));
    // OpenEMR spells the option id `declne_to_specfy`.
    let (code, display) = if says("declne") || says("declin") || says("refused") {
        ("ASKU", "asked but unknown")
    } else if says("unk") {
        ("UNK", "unknown")
    } else {
        return None;
    };
    Some(Code {
        system: NULL_FLAVOR,
        code: code.to_owned(),
        display: display.to_owned(),
    })
}

fn is_cdc(code: &str) -> bool {
    matches!(code.as_bytes(), [a, b, c, d, b'-', e] if [a, b, c, d, e].iter().all(|byte| byte.is_ascii_digit()))
}

fn official(mut code: Code) -> Code {
    rename(&mut code, &OMB);
    code
}

fn rename(code: &mut Code, words: &[(&str, &str)]) {
    if let Some((_, display)) = words.iter().find(|(known, _)| *known == code.code) {
        code.display.clear();
        code.display.push_str(display);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sex_is_read_from_options_and_from_what_older_charts_hold() {
        assert_eq!(gender("Female"), Gender::Female);
        assert_eq!(gender("m"), Gender::Male);
        assert_eq!(gender("UNK"), Gender::Unknown);
        assert_eq!(gender("Other"), Gender::Other);
        assert_eq!(birth_sex("Male"), Some("M"));
        assert_eq!(birth_sex("Unknown"), Some("UNK"));
        assert_eq!(birth_sex(""), None);
    }

    #[test]
    fn a_reason_for_no_code_is_told_and_free_text_is_not_taken_for_a_code() {
        let code = |id: &str| absent(id, None).map(|code| code.code);
        assert_eq!(code("declne_to_specfy").as_deref(), Some("ASKU"));
        assert_eq!(code("Unknown").as_deref(), Some("UNK"));
        assert_eq!(code("martian"), None);
        assert!(is_cdc("2106-3"));
        assert!(!is_cdc("see chart"));
        assert!(!is_cdc("21063"));
    }
}
