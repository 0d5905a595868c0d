//! A statement: text made of constants only, and the values bound to its question marks.

use std::borrow::Cow;

use sqlx::Arguments;
use sqlx::mysql::MySqlArguments;
use sqlx::sqlite::SqliteArguments;
use time::Date;
use time::PrimitiveDateTime;
use time::Time;
use uuid::Uuid;

/// A value for a question mark. Dates and times travel as the text both engines compare them by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `NULL`
    Null,
    /// Any integer.
    Int(i64),
    /// Text, dates and times.
    Text(String),
    /// Bytes; a uuid is its sixteen.
    Bytes(Vec<u8>),
}

/// A statement under construction. Only `&'static str` becomes text, so nothing a caller sent can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql {
    pub(super) text: Cow<'static, str>,
    pub(super) values: Vec<Value>,
}

impl Sql {
    /// A whole statement, or its beginning.
    pub fn new(text: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            values: Vec::new(),
        }
    }

    /// Binds the next question mark.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds more text.
    #[must_use]
    pub fn push(mut self, text: &'static str) -> Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Adds `(?, ?, ...)` with one mark for each value. An empty list is `(NULL)`, which nothing is in.
    #[must_use]
    pub fn list<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let before = self.values.len();
        self.values.extend(values.into_iter().map(Into::into));
        let marks = match self.values.len() - before {
            0 => "NULL".to_owned(),
            count => vec!["?"; count].join(", "),
        };
        let text = self.text.to_mut();
        text.push('(');
        text.push_str(&marks);
        text.push(')');
        self
    }

    /// Adds ` LIMIT n` in digits: SQLite prepares a statement anew each time a bound limit is given to it.
    #[must_use]
    pub fn limit(mut self, rows: u32) -> Self {
        let text = self.text.to_mut();
        text.push_str(" LIMIT ");
        text.push_str(&rows.to_string());
        self
    }

    /// The text as it will be sent.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Bytes(value.as_bytes().to_vec())
    }
}

impl From<Date> for Value {
    fn from(value: Date) -> Self {
        Self::Text(date_text(value))
    }
}

impl From<PrimitiveDateTime> for Value {
    fn from(value: PrimitiveDateTime) -> Self {
        Self::Text(datetime_text(value))
    }
}

impl From<Time> for Value {
    fn from(value: Time) -> Self {
        Self::Text(time_text(value))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// `2026-11-21`
pub fn date_text(date: Date) -> String {
    let (year, month, day) = date.to_calendar_date();
    format!("{year:04}-{:02}-{day:02}", u8::from(month))
}

/// `14:05:00`
pub fn time_text(time: Time) -> String {
    let (hour, minute, second) = time.as_hms();
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// `2026-11-21 14:05:00`, which sorts as text the way it does as a time.
pub fn datetime_text(at: PrimitiveDateTime) -> String {
    format!("{} {}", date_text(at.date()), time_text(at.time()))
}

/// The values as SQLite's driver takes them.
pub(super) fn sqlite(values: Vec<Value>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// The values as MySQL's driver takes them.
pub(super) fn mysql(values: Vec<Value>) -> Result<MySqlArguments, sqlx::Error> {
    let mut arguments = MySqlArguments::default();
    for value in values {
        match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_mark_for_each_value_and_an_empty_one_matches_nothing() {
        let sql = Sql::new("SELECT 1 WHERE a IN ").list([1_i64, 2]);
        assert_eq!(sql.text(), "SELECT 1 WHERE a IN (?, ?)");
        assert_eq!(sql.values, [Value::Int(1), Value::Int(2)]);
        let none = Sql::new("SELECT 1 WHERE a IN ").list(Vec::<i64>::new());
        assert_eq!(none.text(), "SELECT 1 WHERE a IN (NULL)");
    }

    #[test]
    fn dates_are_written_so_that_text_order_is_time_order() {
        let at = time::macros::datetime!(2026-03-08 01:02:03.5);
        assert_eq!(datetime_text(at), "2026-03-08 01:02:03");
    }
}
