//! Answers as OpenEMR's own portal saved them, read as this house keeps them.

use time::Date;
use time::Month;

use crate::db::sql::date_text;
use crate::domain::forms::Kind;
use crate::domain::forms::TICKED;

/// What a box holds that is not ticked.
const NOT_TICKED: [&str; 5] = ["", "no", "off", "false", "0"];

/// An answer, and how it can be given: a day that could be none, or two, stays as it was typed.
pub(super) fn read(kind: Kind, text: &str) -> (Kind, String) {
    match kind {
        Kind::Check => {
            let text = text.trim().to_ascii_lowercase();
            match NOT_TICKED.contains(&text.as_str()) {
                true => (kind, String::new()),
                false => (kind, TICKED.to_owned()),
            }
        }
        Kind::Date if !text.trim().is_empty() => match day(text.trim()) {
            Some(day) => (kind, date_text(day)),
            None => (Kind::Line, text.to_owned()),
        },
        _ => (kind, text.to_owned()),
    }
}

/// A day as OpenEMR writes it: 2026-11-29, 11/29/2026 or 29/11/2026.
fn day(text: &str) -> Option<Date> {
    if let Some((year, rest)) = text.split_once('-') {
        let (month, day) = rest.split_once('-')?;
        return of(year, month, day);
    }
    let (first, rest) = text.split_once('/')?;
    let (second, year) = rest.split_once('/')?;
    match (of(year, first, second), of(year, second, first)) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other),
    }
}

fn of(year: &str, month: &str, day: &str) -> Option<Date> {
    let digits = |text: &str| text.bytes().all(|sign| sign.is_ascii_digit());
    if year.len() != 4 || ![year, month, day].into_iter().all(digits) {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f153_days_are_read_where_they_can_be_only_one() {
        for (text, read) in [
            ("2026-11-29", Some("2026-11-29")),
            ("11/29/2026", Some("2026-11-29")),
            ("29/11/2026", Some("2026-11-29")),
            ("7/7/2026", Some("2026-07-07")),
            ("03/04/2026", None),
            ("soon", None),
            ("31/31/2026", None),
            ("11/29/26", None),
            ("2026-02-30", None),
        ] {
            let (kind, answer) = super::read(Kind::Date, text);
            match read {
                Some(day) => assert_eq!((kind, answer.as_str()), (Kind::Date, day)),
                None => assert_eq!((kind, answer.as_str()), (Kind::Line, text)),
            }
        }
        assert_eq!(super::read(Kind::Date, ""), (Kind::Date, String::new()));
    }

    #[test]
    fn f153_a_box_is_ticked_by_whatever_says_so() {
        for (text, ticked) in [
            ("on", true),
            ("Yes", true),
            ("1", true),
            ("No", false),
            ("", false),
        ] {
            assert_eq!(super::read(Kind::Check, text).1 == TICKED, ticked, "{text}");
        }
    }
}
