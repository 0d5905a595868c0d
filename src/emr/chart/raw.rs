//! The writable columns of a chart as they stand in `patient_data`, and what they mean.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::layout::Layout;
use crate::emr::lists::Lists;
use crate::emr::people;
use crate::emr::people::lines;
use crate::emr::people::tidy;
use crate::emr::people::unhex;
use crate::emr::wall;
use crate::portal::chart;
use crate::portal::chart::Part;

/// A column: name, how it is read, how it is set, letters at most.
struct Column {
    name: &'static str,
    read: &'static str,
    set: &'static str,
    most: usize,
}

macro_rules! column {
    ($name:literal, $most:literal) => {
        Column {
            name: $name,
            read: concat!("HEX(COALESCE(CAST(p.", $name, " AS CHAR), ''))"),
            set: concat!("`", $name, "` = ?"),
            most: $most,
        }
    };
}

/// What OpenEMR's portal page holds and this house knows the meaning of (OpenEMR facts 2.10). TINYTEXT holds 255 bytes,
/// which are as few as 63 letters.
const COLUMNS: [Column; 25] = [
    column!("title", 255),
    column!("fname", 255),
    column!("mname", 255),
    column!("lname", 255),
    column!("suffix", 63),
    column!("preferred_name", 63),
    column!("DOB", 10),
    column!("sex", 255),
    column!("race", 255),
    column!("ethnicity", 255),
    column!("language", 255),
    column!("status", 255),
    column!("street", 255),
    column!("street_line_2", 63),
    column!("city", 255),
    column!("county", 40),
    column!("state", 255),
    column!("postal_code", 255),
    column!("country_code", 255),
    column!("phone_home", 255),
    column!("phone_biz", 255),
    column!("phone_cell", 255),
    column!("email", 255),
    column!("contact_relationship", 255),
    column!("phone_contact", 255),
];

/// Columns that are shown as they stand, with the element they belong to: a patient of OpenEMR's own portal may ask to
/// have them changed.
pub(in crate::emr) const PLAIN: [(&str, &str); 2] = [
    ("race", "Patient.extension('us-core-race')"),
    ("ethnicity", "Patient.extension('us-core-ethnicity')"),
];

/// The values come as one text, each in hexadecimal, because the columns differ with the layout.
const BEGIN: &str = "SELECT p.pid, CONCAT_WS(',', '', ";
const OF_MANY: &str = ") AS packed FROM patient_data p WHERE p.pid IN ";
const OF_ONE: &str = ") AS packed FROM patient_data p WHERE p.pid = ? AND p.uuid = ?";

#[derive(FromRow)]
struct Row {
    pid: i64,
    packed: String,
}

/// A chart's writable columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::emr) struct Raw {
    /// Whose.
    pub(in crate::emr) pid: i64,
    /// Name of the column and what it holds; NULL is empty.
    pub(in crate::emr) values: Vec<(&'static str, String)>,
}

/// The columns of these charts.
///
/// # Errors
/// As [`Db::all`].
pub(in crate::emr) async fn of_many(db: &Db, layout: &Layout, pids: &[i64]) -> Answer<Vec<Raw>> {
    if pids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = begun(layout).push(OF_MANY).list(pids.iter().copied());
    let rows: Vec<Row> = db.all(sql).await?;
    Ok(rows.into_iter().map(|row| row.raw(layout)).collect())
}

/// The columns of one chart, which nobody else changes before the transaction ends.
///
/// # Errors
/// `NotFound` where the chart is gone; otherwise as [`Tx::one`].
pub(in crate::emr) async fn held(tx: &mut Tx, emr: &Emr, person: Person) -> Answer<Raw> {
    let lock = tx.lock_clause();
    let sql = begun(&emr.layout)
        .push(OF_ONE)
        .bind(person.pid)
        .bind(person.uuid)
        .push(lock);
    let row: Option<Row> = tx.one(sql).await?;
    row.map(|row| row.raw(&emr.layout))
        .ok_or_else(|| Refusal::NotFound.into())
}

fn begun(layout: &Layout) -> Sql {
    let reads = present(layout).map(|column| column.read);
    let mut sql = Sql::new(BEGIN);
    for (place, read) in reads.enumerate() {
        sql = sql.push(if place == 0 { "" } else { ", " }).push(read);
    }
    sql
}

fn present(layout: &Layout) -> impl Iterator<Item = &'static Column> {
    COLUMNS
        .iter()
        .filter(|column| layout.has("patient_data", column.name))
}

/// How a column is set, by its name.
pub(super) fn setter(name: &str) -> Option<&'static str> {
    let found = COLUMNS.iter().find(|column| column.name == name);
    found.map(|column| column.set)
}

/// Refuses what a column would cut.
///
/// # Errors
/// `Unprocessable` at the element, with how many letters it may have.
pub(in crate::emr) fn fits(name: &str, text: &str, element: &str) -> Result<(), Refusal> {
    let most = COLUMNS
        .iter()
        .find(|column| column.name == name)
        .map_or(0, |column| column.most);
    match text.chars().count() > most {
        true => {
            let why = format!("OpenEMR holds at most {most} letters here");
            Err(Refusal::invalid(element, why).understood())
        }
        false => Ok(()),
    }
}

/// The columns of a part.
pub(in crate::emr) const fn columns(part: Part) -> &'static [&'static str] {
    match part {
        Part::Prefix => &["title"],
        Part::First => &["fname"],
        Part::Middle => &["mname"],
        Part::Family => &["lname"],
        Part::Suffix => &["suffix"],
        Part::Preferred => &["preferred_name"],
        Part::BirthDate => &["DOB"],
        Part::Gender => &["sex"],
        Part::Street => &["street", "street_line_2"],
        Part::City => &["city"],
        Part::County => &["county"],
        Part::State => &["state"],
        Part::PostalCode => &["postal_code"],
        Part::Country => &["country_code"],
        Part::HomePhone => &["phone_home"],
        Part::WorkPhone => &["phone_biz"],
        Part::MobilePhone => &["phone_cell"],
        Part::Email => &["email"],
        Part::Language => &["language"],
        Part::Marital => &["status"],
        Part::ContactName => &["contact_relationship"],
        Part::ContactPhone => &["phone_contact"],
    }
}

impl Row {
    fn raw(self, layout: &Layout) -> Raw {
        // The first piece is empty: a list of one empty value would be no text at all.
        let mut pieces = self.packed.split(',').skip(1);
        let value = |column: &Column| {
            let piece = pieces.next().unwrap_or_default();
            (column.name, unhex(piece).unwrap_or_default())
        };
        Raw {
            pid: self.pid,
            values: present(layout).map(value).collect(),
        }
    }
}

impl Raw {
    /// What a column holds; empty where the layout has none of the name.
    pub(in crate::emr) fn get(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The same chart with another value in a column it has.
    pub(in crate::emr) fn put(&mut self, name: &str, value: &str) {
        let found = self.values.iter_mut().find(|(known, _)| *known == name);
        if let Some((_, held)) = found {
            value.clone_into(held);
        }
    }

    /// What a part says, in the words of [`chart::said`].
    pub(in crate::emr) fn shown(&self, lists: &Lists, part: Part) -> String {
        let text = |name: &str| tidy(Some(self.get(name).to_owned()));
        match part {
            Part::Street => {
                let held = |name: &str| Some(self.get(name).to_owned());
                lines([held("street"), held("street_line_2")]).join("\n")
            }
            Part::Gender => chart::gender(people::gender(&text("sex"))).to_owned(),
            Part::BirthDate => {
                wall::day(self.get("DOB")).map_or_else(String::new, |day| day.to_string())
            }
            Part::Language => people::language(lists, &text("language"))
                .map_or_else(String::new, |code| code.code),
            Part::Marital => {
                people::marital(lists, &text("status")).map_or_else(String::new, |code| code.code)
            }
            part => columns(part)
                .first()
                .map_or_else(String::new, |name| text(name)),
        }
    }
}
