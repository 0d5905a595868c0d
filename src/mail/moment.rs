//! A day and a time of day as a letter says them, by the practice's clock.

use time::PrimitiveDateTime;

use crate::domain::language::Language;

const DAYS: [[&str; 7]; 2] = [
    [
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ],
    [
        "domingo",
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
    ],
];

const MONTHS: [[&str; 12]; 2] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
];

/// `Tuesday, 1 December 2026, 09:15`, or `martes 1 de diciembre de 2026, 09:15`.
pub(super) fn said(at: PrimitiveDateTime, language: Language) -> String {
    let row = match language {
        Language::English => 0,
        Language::Spanish => 1,
    };
    let day = DAYS[row][usize::from(at.weekday().number_days_from_sunday())];
    let month = MONTHS[row][usize::from(u8::from(at.month())) - 1];
    let (number, year) = (at.day(), at.year());
    let clock = format!("{:02}:{:02}", at.hour(), at.minute());
    match language {
        Language::English => format!("{day}, {number} {month} {year}, {clock}"),
        Language::Spanish => format!("{day} {number} de {month} de {year}, {clock}"),
    }
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
