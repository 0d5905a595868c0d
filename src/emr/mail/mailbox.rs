//! Which mailbox names belong to one patient and to nobody else. OpenEMR addresses a patient by the account's
//! `portal_username`, and up to 7.0.2 by `fname` + `patient_data.id` (OpenEMR facts 2.8).

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::emr::calendar::spoken;
use crate::emr::predicates;

/// Empty first names occur in imported charts. The chart must still be the one of the grant: merging removes it and
/// another may get its number.
const PATIENT: &str = "SELECT p.id, p.fname, p.lname, a.portal_username FROM patient_data p \
    LEFT JOIN patient_access_onsite a ON a.pid = p.pid WHERE p.pid = ? AND p.uuid = ?";

/// Who else goes by one of the names: other patients' accounts and staff (`derived` 0), and other charts whose own
/// first name and number make the same name, such as `Ana1` + `2` and `Ana` + `12` (`derived` 1).
/// In hexadecimal, because names of tables with different collations cannot be put together (OpenEMR facts 6.4).
const ACCOUNTS: &str = "SELECT HEX(portal_username) AS name, 0 AS derived FROM patient_access_onsite \
    WHERE pid <> ? AND portal_username IN ";
const STAFF: &str =
    " UNION ALL SELECT HEX(username) AS name, 0 AS derived FROM users WHERE username IN ";
const SHORT: &str = " UNION ALL SELECT HEX(CONCAT(fname, id)) AS name, 1 AS derived FROM patient_data \
    WHERE pid <> ? AND id IN ";
const LONG: &str = " UNION ALL SELECT HEX(CONCAT(fname, lname, id)) AS name, 1 AS derived FROM patient_data \
    WHERE pid <> ? AND id IN ";

/// Staff go by their login name, unless a patient's account has the same.
const COLLEAGUE: &str = "SELECT u.username, u.fname, u.lname FROM users u WHERE u.id = ? AND u.username <> '' \
    AND NOT EXISTS (SELECT 1 FROM patient_access_onsite a WHERE HEX(a.portal_username) = HEX(u.username))";

/// The names under which somebody's copies of messages are filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::emr) struct Mailbox {
    names: Vec<String>,
    /// The account's own name, under which OpenEMR's portal looks; `None` where there is none or it is shared.
    pub(in crate::emr) account: Option<String>,
    /// Whose it is, for display.
    pub(in crate::emr) display: String,
}

#[derive(FromRow)]
struct Colleague {
    username: String,
    fname: Option<String>,
    lname: Option<String>,
}

#[derive(FromRow)]
struct Patient {
    id: i64,
    fname: Option<String>,
    lname: Option<String>,
    portal_username: Option<String>,
}

#[derive(FromRow)]
struct Rival {
    name: Option<String>,
    derived: i64,
}

impl Mailbox {
    /// The mailbox of a patient; `None` where no name is this patient's alone. Two patients who share a name see
    /// nothing under it rather than each other's mail.
    pub(in crate::emr) async fn of(db: &Db, person: Person) -> Answer<Option<Self>> {
        let pid = person.pid;
        let sql = Sql::new(PATIENT).bind(pid).bind(person.uuid);
        let Some(patient) = db.one::<Patient>(sql).await? else {
            return Ok(None);
        };
        let account = patient
            .portal_username
            .clone()
            .filter(|name| !name.is_empty());
        let derived = patient.derived();
        let asked: Vec<&String> = account.iter().chain(&derived).collect();
        if asked.is_empty() {
            return Ok(None);
        }
        let numbers = numbers_behind(&derived, patient.id);
        let sql = Sql::new(ACCOUNTS)
            .bind(pid)
            .list(asked.iter().copied())
            .push(STAFF)
            .list(asked.iter().copied())
            .push(SHORT)
            .bind(pid)
            .list(numbers.iter().copied())
            .push(LONG)
            .bind(pid)
            .list(numbers);
        let rivals: Vec<Rival> = db.all(sql).await?;
        // The database compares without case; here a name is its bytes.
        let free = |name: &String, is_derived: bool| {
            rivals
                .iter()
                .filter(|rival| is_derived || rival.derived == 0)
                .all(|rival| rival.name.as_deref() != Some(predicates::hex(name).as_str()))
        };
        let account = account.filter(|name| free(name, false));
        let mut names: Vec<String> = account.iter().cloned().collect();
        for name in derived {
            if free(&name, true) && !names.contains(&name) {
                names.push(name);
            }
        }
        let display = patient.name();
        Ok((!names.is_empty()).then_some(Self {
            names,
            account,
            display,
        }))
    }

    /// The mailbox of a member of staff (`users.id`); `None` where a patient goes by the same name.
    pub(in crate::emr) async fn of_colleague(db: &Db, id: i64) -> Answer<Option<Self>> {
        let found: Option<Colleague> = db.one(Sql::new(COLLEAGUE).bind(id)).await?;
        Ok(found.map(|found| Self {
            names: vec![found.username.clone()],
            account: Some(found.username),
            display: spoken(found.fname, found.lname),
        }))
    }

    /// The names, for the index.
    pub(in crate::emr) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }

    /// The names' bytes as both engines' `HEX` writes them, for the exact comparison.
    pub(in crate::emr) fn hex(&self) -> impl Iterator<Item = String> {
        self.names.iter().map(|name| predicates::hex(name))
    }

    /// Whether an owner, sender or recipient is this mailbox.
    pub(in crate::emr) fn has(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.names.iter().any(|own| own == name))
    }
}

impl Patient {
    /// The names OpenEMR makes of a chart's name and number.
    fn derived(&self) -> Vec<String> {
        let (given, family) = (
            self.fname.as_deref().unwrap_or_default(),
            self.lname.as_deref().unwrap_or_default(),
        );
        match given.is_empty() {
            true => Vec::new(),
            false => vec![
                format!("{given}{}", self.id),
                format!("{given}{family}{}", self.id),
            ],
        }
    }

    fn name(&self) -> String {
        spoken(self.fname.clone(), self.lname.clone())
    }
}

/// The numbers of other charts that could end in the same name: every ending of its digits but the own number.
pub(super) fn numbers_behind(names: &[String], own: i64) -> Vec<i64> {
    let mut numbers: Vec<i64> = Vec::new();
    for name in names {
        let letters = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let digits = &name[letters.len()..];
        let endings = (0..digits.len()).filter_map(|from| digits[from..].parse::<i64>().ok());
        numbers.extend(endings.filter(|number| *number != own));
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_of_the_digits_may_be_another_chart() {
        assert_eq!(numbers_behind(&["Ana1".into()], 1), Vec::<i64>::new());
        assert_eq!(numbers_behind(&["Ana12".into()], 12), [2]);
        assert_eq!(numbers_behind(&["Ana12".into()], 2), [12]);
        assert_eq!(numbers_behind(&["Ana".into()], 2), Vec::<i64>::new());
    }
}
