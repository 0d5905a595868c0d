//! The few places where the two engines have different words for the same thing.

use crate::db::Db;
use crate::db::Tx;

/// Letters and what they are written with. MariaDB's collations take each row for one letter; SQLite has no such
/// collation for patterns, but classes of letters.
const ACCENTED: [(char, &str); 26] = [
    ('a', "AàáâãäåāăąÀÁÂÃÄÅĀĂĄ"),
    ('b', "B"),
    ('c', "CçćĉċčÇĆĈĊČ"),
    ('d', "DďĎ"),
    ('e', "EèéêëēĕėęěÈÉÊËĒĔĖĘĚ"),
    ('f', "F"),
    ('g', "GĝğġģĜĞĠĢ"),
    ('h', "HĥĤ"),
    ('i', "IìíîïĩīĭįÌÍÎÏĨĪĬĮİ"),
    ('j', "JĵĴ"),
    ('k', "KķĶ"),
    ('l', "LĺļľĹĻĽ"),
    ('m', "M"),
    ('n', "NñńņňÑŃŅŇ"),
    ('o', "OòóôõöōŏőÒÓÔÕÖŌŎŐ"),
    ('p', "P"),
    ('q', "Q"),
    ('r', "RŕŗřŔŖŘ"),
    ('s', "SśŝşšșŚŜŞŠȘ"),
    ('t', "TţťțŢŤȚ"),
    ('u', "UùúûüũūŭůűųÙÚÛÜŨŪŬŮŰŲ"),
    ('v', "V"),
    ('w', "WŵŴ"),
    ('x', "X"),
    ('y', "YýÿŷÝŸŶ"),
    ('z', "ZźżžŹŻŽ"),
];

impl Db {
    /// The query that lists a database's columns as `(table_name, column_name, is_nullable)`, for the version probe
    /// and the doctor. `is_nullable` is `YES` or `NO`.
    pub fn columns_query(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => {
                "SELECT m.name AS table_name, c.name AS column_name, \
                 CASE WHEN c.\"notnull\" = 0 THEN 'YES' ELSE 'NO' END AS is_nullable \
                 FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
            }
            Self::MySql(_) => {
                "SELECT CAST(table_name AS CHAR) AS table_name, CAST(column_name AS CHAR) AS column_name, \
                 CAST(is_nullable AS CHAR) AS is_nullable \
                 FROM information_schema.columns WHERE table_schema = DATABASE()"
            }
        }
    }

    /// The query that lists tables that are not on a transactional engine, as `(table_name, engine)`.
    pub fn engines_query(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SELECT '' AS table_name, '' AS engine WHERE 1 = 0",
            Self::MySql(_) => {
                "SELECT CAST(table_name AS CHAR) AS table_name, CAST(engine AS CHAR) AS engine \
                 FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'"
            }
        }
    }

    /// The comparison of a text before it that begins with `text`, whatever case and accents (R4 search, string), and
    /// the pattern for its question mark.
    pub fn beginning(&self, text: &str) -> (&'static str, String) {
        match self {
            Self::Sqlite { .. } => (" GLOB ?", text.chars().map(class).collect::<String>() + "*"),
            Self::MySql(_) => {
                let literally = text
                    .replace('!', "!!")
                    .replace('%', "!%")
                    .replace('_', "!_");
                (" LIKE ? ESCAPE '!'", literally + "%")
            }
        }
    }

    /// The query for the database's own clock, as `seconds` since 1970.
    pub fn clock_query(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SELECT CAST(strftime('%s', 'now') AS SIGNED) AS seconds",
            Self::MySql(_) => "SELECT UNIX_TIMESTAMP() AS seconds",
        }
    }
}

impl Tx {
    /// What a `SELECT` ends with when the row must not change before this transaction ends.
    /// SQLite has one writer, who already holds the lock.
    pub fn lock_clause(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::MySql(_) => " FOR UPDATE",
        }
    }

    /// How an `INSERT` begins that does nothing where the key is already there.
    pub fn insert_new(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "INSERT OR IGNORE INTO ",
            Self::MySql(_) => "INSERT IGNORE INTO ",
        }
    }
}

/// A letter as SQLite's `GLOB` finds it in any of its forms; brackets also keep what a pattern would read more into.
fn class(letter: char) -> String {
    let row = |(plain, others): &&(char, &str)| *plain == letter || others.contains(letter);
    match ACCENTED.iter().find(row) {
        Some((plain, others)) => format!("[{plain}{others}]"),
        None if matches!(letter, '*' | '?' | '[') => format!("[{letter}]"),
        None => {
            let (lower, upper) = (letter.to_lowercase(), letter.to_uppercase());
            match letter.is_alphabetic() && lower.len() == 1 && upper.len() == 1 {
                true => format!("[{lower}{upper}]"),
                false => letter.to_string(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::sql::Sql;
    use sqlx::FromRow;

    #[derive(FromRow)]
    struct Found {
        found: i64,
    }

    async fn begins(whole: &str, text: &str) -> bool {
        let db = Db::open("sqlite://:memory:", None).await.expect("opens");
        let (comparison, pattern) = db.beginning(text);
        let sql = Sql::new("SELECT CASE WHEN ?").bind(whole).push(comparison);
        let sql = sql.bind(pattern).push(" THEN 1 ELSE 0 END AS found");
        let rows: Vec<Found> = db.all(sql).await.expect("runs");
        rows.iter().all(|row| row.found == 1)
    }

    #[tokio::test]
    async fn sqlite_takes_letters_of_any_case_and_accent_for_the_same() {
        for (whole, text) in [
            ("María José", "maria"),
            ("Maria", "MARÍ"),
            ("Núñez", "nunE"),
            ("O'Brien", "o'b"),
            ("Ωmega", "ωM"),
            ("50% [*?]", "50% [*?]"),
        ] {
            assert!(begins(whole, text).await, "{whole} {text}");
        }
        for (whole, text) in [
            ("Maria", "aria"),
            ("Maria", "M*a"),
            ("Maria", "M?ria"),
            ("Maria", "[M]"),
            ("Maria", "%"),
            ("Maria", "_____"),
            ("Maria", "Mb"),
        ] {
            assert!(!begins(whole, text).await, "{whole} {text}");
        }
    }
}
