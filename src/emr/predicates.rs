//! Search parameters as SQL: dates as comparisons of wall times, pages as a place in an order.

use time::Date;
use time::Duration;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::Time;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::db::sql::Value;
use crate::domain::access::Reach;
use crate::domain::access::Right;
use crate::domain::query::Cursor;
use crate::domain::query::DateRange;
use crate::domain::query::Filter;
use crate::domain::query::Prefix;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::emr::zone::Zone;

/// Adds `AND (... OR ...)`: the moment in `column` is in one of the ranges. `column` is a column or an expression that
/// is a wall time of the practice as `YYYY-MM-DD HH:MM:SS`; where it is NULL nothing matches. Prefixes as R4 search
/// 3.1.1.4.5 has them for a value that is a moment: `gt` is `sa` and `lt` is `eb`.
pub(super) fn dates(sql: Sql, column: &'static str, ranges: &[DateRange], zone: &Zone) -> Sql {
    let mut sql = sql.push(" AND (1 = 0");
    for range in ranges {
        let ends = (whole(zone, range.start), whole(zone, range.end));
        sql = compared(sql.push(" OR "), column, range.prefix, ends);
    }
    sql.push(")")
}

/// Adds `AND (... OR ...)`: the day in `column`, a DATE, is in one of the ranges. No day and the zero date match nothing.
pub(super) fn days(sql: Sql, column: &'static str, ranges: &[DateRange], zone: &Zone) -> Sql {
    let mut sql = sql
        .push(" AND ")
        .push(column)
        .push(" > '1000-01-01' AND (1 = 0");
    for range in ranges {
        let ends = (first_day(zone, range.start), first_day(zone, range.end));
        sql = compared(sql.push(" OR "), column, range.prefix, ends);
    }
    sql.push(")")
}

/// Adds how `column` stands to a range, its end excluded.
fn compared<V: Into<Value>>(
    sql: Sql,
    column: &'static str,
    prefix: Prefix,
    (start, end): (V, V),
) -> Sql {
    let sql = sql.push(column);
    match prefix {
        Prefix::Eq => {
            let begun = sql.push(" >= ? AND ").bind(start);
            begun.push(column).push(" < ?").bind(end)
        }
        Prefix::Ne => {
            let before = sql.push(" < ? OR ").bind(start);
            before.push(column).push(" >= ?").bind(end)
        }
        Prefix::Gt | Prefix::Sa => sql.push(" >= ?").bind(end),
        Prefix::Lt | Prefix::Eb => sql.push(" < ?").bind(start),
        Prefix::Ge => sql.push(" >= ?").bind(start),
        Prefix::Le => sql.push(" < ?").bind(end),
    }
}

/// Adds the days between which everything lies that one date parameter asks for: coarser than [`dates`], but about a
/// column that has an index.
pub(super) fn window(sql: Sql, column: &'static str, ranges: &[DateRange], zone: &Zone) -> Sql {
    let (first, last) = span(ranges, zone);
    let mut sql = sql;
    if let Some(first) = first {
        sql = sql.push(" AND ").push(column).push(" >= ?").bind(first);
    }
    if let Some(last) = last {
        sql = sql.push(" AND ").push(column).push(" <= ?").bind(last);
    }
    sql
}

/// First and last day of what one date parameter asks for; `None` where it is open on that side.
pub(super) fn span(ranges: &[DateRange], zone: &Zone) -> (Option<Date>, Option<Date>) {
    let day = |instant| zone.wall(instant).date();
    let first = |range: &DateRange| match range.prefix {
        Prefix::Eq | Prefix::Ge => Some(day(range.start)),
        Prefix::Gt | Prefix::Sa => Some(day(range.end)),
        Prefix::Ne | Prefix::Lt | Prefix::Le | Prefix::Eb => None,
    };
    let last = |range: &DateRange| match range.prefix {
        Prefix::Eq | Prefix::Le => Some(day(range.end)),
        Prefix::Lt | Prefix::Eb => Some(day(range.start)),
        Prefix::Ne | Prefix::Gt | Prefix::Ge | Prefix::Sa => None,
    };
    let firsts: Option<Vec<Date>> = ranges.iter().map(first).collect();
    let lasts: Option<Vec<Date>> = ranges.iter().map(last).collect();
    (
        firsts.and_then(|days| days.into_iter().min()),
        lasts.and_then(|days| days.into_iter().max()),
    )
}

/// Longer than any name; SQLite also bounds how long a pattern is.
const LONGEST_NAME: usize = 255;

/// Adds `AND (... OR ...)`: one of the columns begins with one of the texts, whatever their case and accents. Older OpenEMR stored names with HTML entities, so each text is looked for in that spelling too.
pub(super) fn begins((db, sql): (&Db, Sql), columns: &[&'static str], texts: &[String]) -> Sql {
    let mut sql = sql.push(" AND (1 = 0");
    // No name holds a NUL, and SQLite takes a pattern to end there.
    for text in texts.iter().filter(|text| !text.contains('\0')) {
        // Each text in brackets of its own: SQLite bounds how deep an expression is, and a chain is as deep as long.
        sql = sql.push(" OR (1 = 0");
        let encoded = text
            .replace('&', "&amp;")
            .replace('\'', "&#039;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let spellings = [
            Some(text),
            Some(&encoded).filter(|encoded| *encoded != text),
        ];
        for spelling in spellings.into_iter().flatten() {
            if spelling.chars().count() > LONGEST_NAME {
                continue;
            }
            let (comparison, pattern) = db.beginning(spelling);
            for column in columns {
                sql = sql
                    .push(" OR TRIM(")
                    .push(column)
                    .push(")")
                    .push(comparison)
                    .bind(&pattern);
            }
        }
        sql = sql.push(")");
    }
    sql.push(")")
}

/// Adds the rows behind a cursor in the order `key DESC, row DESC`.
pub(super) fn below(sql: Sql, key: &'static str, row: &'static str, after: Option<&Cursor>) -> Sql {
    let Some(after) = after else { return sql };
    sql.push(" AND (")
        .push(key)
        .push(" < ? OR (")
        .bind(&after.key)
        .push(key)
        .push(" = ? AND ")
        .bind(&after.key)
        .push(row)
        .push(" < ?))")
        .bind(after.row)
}

/// Adds what granular scopes leave of a type: `AND ((... AND ...) OR (...))`. `filtered` adds `AND ...` for one filter.
///
/// # Errors
/// As `filtered`.
pub(super) fn granted(
    sql: Sql,
    reach: &Reach,
    filtered: impl Fn(Sql, &Filter) -> Result<Sql, Refusal>,
) -> Result<Sql, Refusal> {
    let Some(lists) = reach.filters() else {
        return Ok(sql);
    };
    let mut sql = sql.push(" AND (1 = 0");
    for list in lists {
        sql = sql.push(" OR (1 = 1");
        for (field, token) in list {
            sql = filtered(sql, &Filter::Token(*field, vec![token.clone()]))?;
        }
        sql = sql.push(")");
    }
    Ok(sql.push(")"))
}

/// Adds `(...)`: the rights a row may ask for and still be shown, as OpenEMR writes them (`patients|docs`). A row that
/// asks for none is shown to everybody who sees the type.
pub(super) fn rights(sql: Sql, held: &[Right], more: &[&str]) -> Sql {
    let held = Right::ALL.iter().filter(|(right, ..)| held.contains(right));
    let specs = held.map(|(_, section, value)| format!("{section}|{value}"));
    let more = more.iter().map(|spec| (*spec).to_owned());
    sql.list(specs.chain(more).chain([String::new()]))
}

/// Whether a token asks for a code of a system: with that system, with none given, or for the whole system (`system|`).
pub(super) fn asks_for(token: &Token, system: &str, code: &str) -> bool {
    match token.system.as_deref() {
        None => token.code == code,
        Some(given) => given == system && (token.code == code || token.code.is_empty()),
    }
}

/// Text as both engines' `HEX` writes its bytes: for comparisons no collation may soften.
pub(super) fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}

/// The first day that begins at or after an instant.
fn first_day(zone: &Zone, instant: OffsetDateTime) -> Date {
    let wall = whole(zone, instant);
    match wall.time() == Time::MIDNIGHT {
        true => wall.date(),
        false => wall.date().next_day().unwrap_or(wall.date()),
    }
}

/// The first whole second at or after an instant, because OpenEMR's wall times have no fractions.
fn whole(zone: &Zone, instant: OffsetDateTime) -> PrimitiveDateTime {
    let next = match instant.nanosecond() {
        0 => instant,
        part => instant
            .checked_add(Duration::nanoseconds(1_000_000_000 - i64::from(part)))
            .unwrap_or(instant),
    };
    zone.wall(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::FromRow;
    use time::macros::datetime;

    #[derive(FromRow)]
    struct Found {
        id: i64,
    }

    /// Three moments: before, inside and after the day 2026-03-08 in New York, which has 23 hours.
    const ROWS: &str = "SELECT id FROM (SELECT 1 AS id, '2026-03-07 23:59:59' AS at \
        UNION ALL SELECT 2, '2026-03-08 00:00:00' UNION ALL SELECT 3, '2026-03-08 23:59:59' \
        UNION ALL SELECT 4, '2026-03-09 00:00:00' UNION ALL SELECT 5, NULL) rows WHERE 1 = 1";

    async fn found(prefix: Prefix, start: OffsetDateTime, end: OffsetDateTime) -> Vec<i64> {
        let db = Db::open("sqlite://:memory:", None).await.expect("opens");
        let zone = Zone::named("America/New_York").expect("bundled zone");
        let range = DateRange { prefix, start, end };
        let sql = dates(Sql::new(ROWS), "at", &[range], &zone).push(" ORDER BY id");
        let rows: Vec<Found> = db.all(sql).await.expect("runs");
        rows.into_iter().map(|row| row.id).collect()
    }

    #[tokio::test]
    async fn every_prefix_means_what_fhir_says() {
        let start = datetime!(2026-03-08 00:00 -5);
        let end = datetime!(2026-03-09 00:00 -4);
        for (prefix, expected) in [
            (Prefix::Eq, vec![2, 3]),
            (Prefix::Ne, vec![1, 4]),
            (Prefix::Gt, vec![4]),
            (Prefix::Sa, vec![4]),
            (Prefix::Lt, vec![1]),
            (Prefix::Eb, vec![1]),
            (Prefix::Ge, vec![2, 3, 4]),
            (Prefix::Le, vec![1, 2, 3]),
        ] {
            assert_eq!(found(prefix, start, end).await, expected, "{prefix:?}");
        }
    }

    #[tokio::test]
    async fn a_fraction_of_a_second_lies_behind_the_second() {
        let start = datetime!(2026-03-09 00:00:00.5 -4);
        let end = datetime!(2026-03-09 00:00:00.501 -4);
        assert_eq!(found(Prefix::Gt, start, end).await, Vec::<i64>::new());
        assert_eq!(found(Prefix::Eq, start, end).await, Vec::<i64>::new());
        assert_eq!(found(Prefix::Lt, start, end).await, [1, 2, 3, 4]);
    }

    #[test]
    fn a_token_without_a_system_asks_for_any() {
        let token = Token::of;
        assert!(asks_for(&token("a"), "s", "a"));
        assert!(asks_for(&token("s|a"), "s", "a"));
        assert!(asks_for(&token("s|"), "s", "a"));
        assert!(!asks_for(&token("t|"), "s", "a"));
        assert!(!asks_for(&token("|a"), "s", "a"));
        assert!(!asks_for(&token("t|a"), "s", "a"));
        assert!(!asks_for(&token("s|b"), "s", "a"));
    }
}
