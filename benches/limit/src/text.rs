//! Dates, references and the data types both resources share, written without a detour.

use serde::Serialize;
use serde::Serializer;
use time::Date;
use time::PrimitiveDateTime;
use uuid::Uuid;

/// A wall time with the offset the invented practice has in winter.
pub(crate) struct Stamp(pub(crate) PrimitiveDateTime);

/// A calendar day.
pub(crate) struct Day(pub(crate) Date);

/// `Patient/<uuid>` and the like; the first part may be an absolute URL.
pub(crate) struct Link<'a>(pub(crate) &'a str, pub(crate) &'a str, pub(crate) Uuid);

/// A FHIR id.
pub(crate) struct Id(pub(crate) Uuid);

/// A number as 16 hexadecimal digits.
pub(crate) struct Hex(pub(crate) i64);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Meta {
    pub(crate) version_id: Hex,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_updated: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<[&'static str; 1]>,
}

#[derive(Serialize)]
pub(crate) struct Coding<'a> {
    pub(crate) system: &'static str,
    pub(crate) code: &'a str,
    pub(crate) display: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Concept<'a> {
    pub(crate) coding: [Coding<'a>; 1],
    pub(crate) text: &'a str,
}

impl<'a> Concept<'a> {
    pub(crate) fn of(system: &'static str, code: &'a str, display: &'a str) -> Self {
        let coding = Coding {
            system,
            code,
            display,
        };
        Self {
            coding: [coding],
            text: display,
        }
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = *b"0000-00-00T00:00:00-05:00";
        write_date(&mut text, self.0.date());
        for (place, number) in [
            (11, self.0.hour()),
            (14, self.0.minute()),
            (17, self.0.second()),
        ] {
            two(&mut text, place, number);
        }
        serializer.serialize_str(ascii(&text))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = *b"0000-00-00";
        write_date(&mut text, self.0);
        serializer.serialize_str(ascii(&text))
    }
}

impl Serialize for Link<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(self.0.len() + self.1.len() + 36);
        text.push_str(self.0);
        text.push_str(self.1);
        text.push_str(self.2.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        serializer.serialize_str(&text)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [b'0'; 16];
        for (digit, byte) in text
            .iter_mut()
            .zip(self.0.to_be_bytes().iter().flat_map(|b| [b >> 4, b & 15]))
        {
            *digit = b"0123456789abcdef"[usize::from(byte)];
        }
        serializer.serialize_str(ascii(&text))
    }
}

/// A column's uuid; the nil one where it has none.
pub(crate) fn uuid(bytes: Option<&[u8]>) -> Option<Uuid> {
    bytes.and_then(|bytes| Uuid::from_slice(bytes).ok())
}

/// A column's text, `None` where it is empty.
pub(crate) fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn write_date(text: &mut [u8], date: Date) {
    let (year, month, day) = date.to_calendar_date();
    let (century, rest) = (year / 100, year % 100);
    two(text, 0, u8::try_from(century).unwrap_or_default());
    two(text, 2, u8::try_from(rest).unwrap_or_default());
    two(text, 5, u8::from(month));
    two(text, 8, day);
}

fn two(text: &mut [u8], place: usize, number: u8) {
    text[place] = b'0' + number / 10;
    text[place + 1] = b'0' + number % 10;
}

fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}
