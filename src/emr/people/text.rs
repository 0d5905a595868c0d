//! OpenEMR's text as people meant it: blanks around it dropped, HTML entities decoded once, packed rows unpacked.

use time::Date;

use crate::domain::people::Address;
use crate::domain::people::Name;
use crate::emr::wall::day;

/// Between the fields of one packed row: the unit separator, which no form field can hold.
const UNIT: char = '\u{1f}';

/// What OpenEMR's own escaping makes of the five characters HTML reserves.
const ENTITIES: [(&str, char); 7] = [
    ("&amp;", '&'),
    ("&lt;", '<'),
    ("&gt;", '>'),
    ("&quot;", '"'),
    ("&#039;", '\''),
    ("&#39;", '\''),
    ("&apos;", '\''),
];

/// A text column for people: no blanks around it, entities decoded once, NULL as empty. The string is kept as it
/// is where nothing has to change, which is nearly always.
pub(crate) fn tidy(value: Option<String>) -> String {
    let value = value.unwrap_or_default();
    if value.contains('&') {
        return decode(value.trim());
    }
    match value.trim() {
        trimmed if trimmed.len() == value.len() => value,
        trimmed => trimmed.to_owned(),
    }
}

/// Street lines: staff write several into one column, or use the second one.
pub(crate) fn lines(columns: [Option<String>; 2]) -> Vec<String> {
    let mut lines = Vec::new();
    for column in columns {
        let column = tidy(column);
        if column.contains('\n') {
            let parts = column.lines().map(str::trim);
            lines.extend(parts.filter(|part| !part.is_empty()).map(str::to_owned));
        } else if !column.is_empty() {
            lines.push(column);
        }
    }
    lines
}

/// Previous names, packed as prefix, first, middle, last, suffix, last day.
pub(super) fn names(packed: &str) -> Vec<(Name, Option<Date>)> {
    let names = rows::<6>(packed).map(|[prefix, first, middle, last, suffix, end]| {
        let name = Name {
            prefix,
            given: given(first, middle),
            family: last,
            suffix,
        };
        (name, day(&end))
    });
    names
        .filter(|(name, _)| !name.given.is_empty() || !name.family.is_empty())
        .collect()
}

/// Further addresses, packed as two lines, city, state, ZIP, its four more digits, country, district, use, status,
/// last day. Inactive ones, those marked old and those ended before `today` are old.
pub(super) fn addresses(packed: &str, today: Date) -> Vec<Address> {
    let addresses = rows::<11>(packed).map(
        |[
            line,
            second,
            city,
            state,
            zip,
            four,
            country,
            district,
            used,
            status,
            end,
        ]| {
            let end = day(&end);
            let old = status != "A"
                || used.eq_ignore_ascii_case("old")
                || end.is_some_and(|end| end < today);
            let postal_code = match four.is_empty() || zip.is_empty() {
                true => zip,
                false => format!("{zip}-{four}"),
            };
            Address {
                lines: lines([Some(line), Some(second)]),
                city,
                district,
                state,
                postal_code,
                country,
                old: old.then_some(end),
            }
        },
    );
    addresses
        .filter(|address| !address.lines.is_empty() || !address.city.is_empty())
        .collect()
}

/// First and middle name, those there are.
pub(crate) fn given(first: String, middle: String) -> Vec<String> {
    match (first.is_empty(), middle.is_empty()) {
        (true, true) => Vec::new(),
        (true, false) => vec![middle],
        (false, true) => vec![first],
        (false, false) => vec![first, middle],
    }
}

/// Rows packed by `GROUP_CONCAT(HEX(CONCAT_WS(unit, ...)))`. A row with another number of fields is left out.
fn rows<const N: usize>(packed: &str) -> impl Iterator<Item = [String; N]> {
    let rows = packed.split(',');
    rows.filter(|row| !row.is_empty()).filter_map(|row| {
        let text = unhex(row)?;
        let fields: Vec<String> = text
            .split(UNIT)
            .map(|field| tidy(Some(field.to_owned())))
            .collect();
        fields.try_into().ok()
    })
}

/// Text from its bytes in hexadecimal; `None` for what is none.
pub(crate) fn unhex(text: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    });
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        let entity = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
        let (length, character) = entity.map_or((1, '&'), |(entity, c)| (entity.len(), *c));
        decoded.push(character);
        rest = &rest[length..];
    }
    decoded.push_str(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn pack(rows: &[&[&str]]) -> String {
        let rows = rows.iter().map(|fields| {
            let text = fields.join("\u{1f}");
            let digits: Vec<String> = text.bytes().map(|byte| format!("{byte:02X}")).collect();
            digits.concat()
        });
        rows.collect::<Vec<_>>().join(",")
    }

    #[test]
    fn text_loses_its_blanks_and_one_layer_of_entities() {
        let of = |text: &str| tidy(Some(text.to_owned()));
        assert_eq!(of("  O&#039;Neil &amp; Søn "), "O'Neil & Søn");
        assert_eq!(of("&amp;lt;b&amp;gt;"), "&lt;b&gt;");
        assert_eq!(of("A & B &unknown;"), "A & B &unknown;");
        assert_eq!(of("plain"), "plain");
        assert_eq!(tidy(None), "");
    }

    #[test]
    fn names_survive_commas_and_letters_beyond_ascii() {
        let packed = pack(&[
            &["Ms.", "Zoë, the", "", "Müller", "", "2019-06-30"],
            &["", "", "", "", "", "2018-01-01"],
            &["", "Anna", "B", "Kim", "Jr.", "0000-00-00"],
        ]);
        let names = names(&packed);
        assert_eq!(names.len(), 2);
        assert_eq!(names[0].0.given, ["Zoë, the"]);
        assert_eq!(names[0].0.family, "Müller");
        assert_eq!(names[0].1, Some(date!(2019 - 06 - 30)));
        assert_eq!(names[1].0.given, ["Anna", "B"]);
        assert_eq!(names[1].1, None);
    }

    #[test]
    fn an_address_is_old_when_inactive_marked_or_ended() {
        let of = |used: &str, status: &str, end: &str| {
            let row = [
                "1 Elm",
                "Apt 2",
                "Troy",
                "NY",
                "12180",
                "0001",
                "USA",
                "Rensselaer",
                used,
                status,
                end,
            ];
            addresses(&pack(&[&row]), date!(2026 - 01 - 01)).remove(0)
        };
        let present = of("home", "A", "2026-01-01 00:00:00");
        assert_eq!(present.old, None);
        assert_eq!(present.lines, ["1 Elm", "Apt 2"]);
        assert_eq!(present.postal_code, "12180-0001");
        assert_eq!(of("home", "I", "").old, Some(None));
        assert_eq!(of("old", "A", "").old, Some(None));
        let ended = of("home", "A", "2025-12-31 00:00:00");
        assert_eq!(ended.old, Some(Some(date!(2025 - 12 - 31))));
    }

    #[test]
    fn street_lines_are_split_where_staff_broke_them() {
        let street = Some("1 Elm St\r\n Floor 3".to_owned());
        assert_eq!(lines([street, None]), ["1 Elm St", "Floor 3"]);
        assert!(lines([Some(" ".to_owned()), None]).is_empty());
    }

    #[test]
    fn what_was_not_packed_here_is_left_out() {
        assert!(names("4,zz,41").is_empty());
        assert!(names("").is_empty());
    }
}
