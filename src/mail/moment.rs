//! A day and a time of day as a letter says them, by the practice's clock.

use time::PrimitiveDateTime;

use crate::domain::language::Language;
use crate::words;

/// `Tuesday, 1 December 2026, 09:15`, or `martes 1 de diciembre de 2026, 09:15`.
pub(super) fn said(at: PrimitiveDateTime, language: Language) -> String {
    let english = words::day(at.date());
    let day = match language {
        Language::English => english,
        // The catalogue's is that of a headline: within a sentence the day is small, and has no comma.
        Language::Spanish => {
            let day = words::said(language, &english).to_lowercase();
            day.replacen(", ", " ", 1)
        }
    };
    format!("{day}, {:02}:{:02}", at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_moment_is_said_in_both_languages() {
        let at = datetime!(2026-12-01 09:05);
        assert_eq!(
            said(at, Language::English),
            "Tuesday, 1 December 2026, 09:05"
        );
        assert_eq!(
            said(at, Language::Spanish),
            "martes 1 de diciembre de 2026, 09:05"
        );
    }
}
