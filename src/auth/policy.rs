//! What a new login name and a new password must be (`spec/security.md` section 0, with OpenEMR's 72 bytes).
//! Every broken rule is told, each in its own sentence.

use crate::auth::password::LONGEST;

/// Lengths of a login name, in characters.
const NAME: std::ops::RangeInclusive<usize> = 3..=80;

/// Passwords and the stems of passwords that everybody tries first. Compared without case, and without the digits
/// and marks people add at the end, so that `Password2026!` is here too.
const COMMON: [&str; 48] = [
    "password",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "passwordpassword",
    "qwerty",
    "qwertyuiop",
    "qwertzuiop",
    "qwerty123456",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "q1w2e3r4t5y6",
    "letmein",
    "letmeinplease",
    "welcome",
    "welcomehome",
    "iloveyou",
    "iloveyousomuch",
    "football",
    "baseball",
    "basketball",
    "superman",
    "batman",
    "princess",
    "sunshine",
    "dragon",
    "monkey",
    "master",
    "michael",
    "jennifer",
    "charlie",
    "trustno",
    "changeme",
    "changemenow",
    "administrator",
    "administrator1",
    "admin",
    "secret",
    "topsecret",
    "abcdefghijkl",
    "abcdefghijklmnop",
    "openemr",
    "patientportal",
    "correcthorsebatterystaple",
    "mypassword",
];

/// What the form shows beside the fields; `shortest` is the practice's setting `password_minimum`.
pub fn rules(shortest: usize) -> Vec<String> {
    vec![
        format!("At least {shortest} characters. Three or four plain words are fine."),
        "Not your username, not the practice's name, and not a password that many people use."
            .to_owned(),
        "At most 72 bytes; an accented letter counts as two.".to_owned(),
    ]
}

/// The rules a password breaks, as sentences; empty where it is good. `shortest` is the practice's setting
/// `password_minimum`.
pub fn password(
    password: &str,
    (login_name, practice): (&str, &str),
    shortest: usize,
) -> Vec<String> {
    let too_short = format!("Use at least {shortest} characters.");
    let checks = [
        (password.chars().count() < shortest, too_short.as_str()),
        (
            password.len() > LONGEST,
            "Use at most 72 bytes; an accented letter counts as two.",
        ),
        (
            password.contains('\0'),
            "Leave out the character with code zero.",
        ),
        (
            repeats(password),
            "Use more than a few different characters, and no simple run of them.",
        ),
        (
            COMMON.contains(&stem(password).as_str()),
            "Many people use this password. Choose another one.",
        ),
        (
            holds(password, login_name),
            "Do not use your username in the password.",
        ),
        (
            holds(password, practice),
            "Do not use the practice's name in the password.",
        ),
    ];
    let broken = checks.into_iter().filter(|(broken, _)| *broken);
    broken.map(|(_, sentence)| sentence.to_owned()).collect()
}

/// The rules a login name breaks, as sentences; empty where it is good.
pub fn login_name(name: &str) -> Vec<&'static str> {
    let checks = [
        (
            !NAME.contains(&name.chars().count()),
            "Use 3 to 80 characters.",
        ),
        (
            name.trim() != name,
            "Leave out blanks at the beginning and the end.",
        ),
        (
            name.chars().any(char::is_control),
            "Use letters, digits and marks only.",
        ),
    ];
    let broken = checks.into_iter().filter(|(broken, _)| *broken);
    broken.map(|(_, sentence)| sentence).collect()
}

/// Fewer than five different characters, or each one the neighbour of the one before (`abcdefghijkl`, `123456789012`).
fn repeats(password: &str) -> bool {
    let chars: Vec<char> = password.to_lowercase().chars().collect();
    let mut different = chars.clone();
    different.sort_unstable();
    different.dedup();
    let run = chars.windows(2).all(|pair| {
        matches!(pair, [left, right] if u32::from(*left).abs_diff(u32::from(*right)) <= 1 || (*left, *right) == ('9', '0'))
    });
    different.len() < 5 || run
}

/// Lower case, without blanks and the digits and marks at the end.
fn stem(password: &str) -> String {
    let lower: String = password
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let short = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    short.to_owned()
}

/// Whether a name of at least four letters is part of the password, without case and blanks.
fn holds(password: &str, name: &str) -> bool {
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    let name = plain(name);
    name.chars().count() >= 4 && plain(password).contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_107_each_bad_password_breaks_its_own_rule() {
        let table = [
            ("elevenchars", "at least 12"),
            ("aaaaaaaaaaaaaaa", "different"),
            ("123456789012", "different"),
            ("abcdefghijklm", "different"),
            ("Password2026!", "Many people"),
            ("patient portal 1", "Many people"),
            ("x-ana.moreno-x", "username"),
            ("we love Elm Street Clinic", "practice"),
        ];
        for (text, word) in table {
            let broken = password(text, ("ana.moreno", "Elm Street Clinic"), 12);
            assert_eq!(broken.len(), 1, "{text}: {broken:?}");
            assert!(
                broken.iter().all(|sentence| sentence.contains(word)),
                "{text}: {broken:?}"
            );
        }
        let long = "é".repeat(20) + "abcdefghijklmnopqrstuvwxyz0123456789";
        assert_eq!(password(&long, ("a", "b"), 12).len(), 1);
    }

    #[test]
    fn a_good_password_breaks_none() {
        for text in [
            "three plain words",
            " leading blank stays",
            "Zürich-Käse-Mond",
        ] {
            assert!(password(text, ("ana.moreno", "Elm Street Clinic"), 12).is_empty());
        }
    }

    #[test]
    fn login_names_are_of_sensible_length_and_shape() {
        assert!(login_name("ana.moreno@mail.example").is_empty());
        for bad in ["ab", " ana", "ana ", "a\tb c", &"x".repeat(81)] {
            assert_eq!(login_name(bad).len(), 1, "{bad:?}");
        }
    }
}
