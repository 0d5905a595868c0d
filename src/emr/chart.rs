//! Charts written: what staff change at once, and new charts. What a patient asks for goes to [`super::review`].

pub(super) mod raw;

use sqlx::FromRow;

use crate::config::Choice;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::db::sql::Value;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::people::Code;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::chart::raw::Raw;
use crate::emr::lists::Lists;
use crate::emr::people;
use crate::emr::people::tidy;
use crate::emr::review;
use crate::emr::uuids;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::chart::ChartAsk;
use crate::portal::chart::ChartCase;
use crate::portal::chart::ChartChange;
use crate::portal::chart::Edit;
use crate::portal::chart::Part;
use crate::portal::chart::Writer;
use crate::portal::chart::said;

const UPDATE: &str = "UPDATE patient_data SET `date` = ?";

/// Held by whoever opens a chart, always the same one: who waits for the last of them waits for one that is last no
/// more when the wait ends.
const FIRST: &str = "SELECT pid FROM patient_data ORDER BY pid LIMIT 1";

/// The number a new chart gets. Held, so that what is read is the last that was written.
const LAST: &str = "SELECT pid FROM patient_data ORDER BY pid DESC LIMIT 1";

const INSERT: &str = "INSERT INTO patient_data (pid, pubpid, uuid, regdate, `date`";

/// The name somebody had: OpenEMR's own page keeps it in the same way (facts 1.1).
const FORMER_NAME: &str = "INSERT INTO patient_history (uuid, `date`, pid, history_type_key, previous_name_prefix, \
    previous_name_first, previous_name_middle, previous_name_last, previous_name_suffix, previous_name_enddate, \
    created_by) VALUES (?, ?, ?, 'name_history', ?, ?, ?, ?, ?, ?, ?)";

#[derive(FromRow)]
struct Last {
    pid: i64,
}

/// Who writes under a grant.
pub(super) fn writer(grant: &Grant) -> Writer {
    match grant.user() {
        User::Patient(_) => Writer::Patient,
        User::Staff(staff) => Writer::Staff(staff.id, staff.uuid),
        User::System => Writer::Service,
    }
}

/// `users.id` of who writes; 0 where it is no member of staff.
pub(super) fn user(writer: &Writer) -> i64 {
    match writer {
        Writer::Staff(id, _) => *id,
        Writer::Patient | Writer::Service => 0,
    }
}

/// Gathers what the rules must know about a change to a chart.
///
/// # Errors
/// `Unprocessable` at an element whose value OpenEMR cannot hold; `Forbidden` where a reach of one patient would open
/// a chart.
pub(super) async fn case(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    (ask, choice): (ChartAsk, Choice),
) -> Answer<Case> {
    if matches!(ask, ChartAsk::Open { .. }) && reach.patient().is_some() {
        let why = "The token is for one patient: it opens no charts.";
        return Err(Refusal::Forbidden(why).into());
    }
    let practice = emr.practice().await?;
    let parts = match &ask {
        ChartAsk::Edit(edit) => &edit.parts,
        ChartAsk::Open { parts, .. } => parts,
    };
    let mut options = Vec::new();
    for (part, text) in parts {
        if matches!(part, Part::Language | Part::Marital) && !text.is_empty() {
            options.push((*part, option(&practice.lists, *part, text)?));
        }
    }
    for (part, text) in parts {
        written(emr, (*part, text), &options)?;
    }
    Ok(Case::Chart(ChartCase {
        writer: writer(grant),
        client_id: grant.client_id().to_owned(),
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        today: emr.zone.wall(emr.now()).date().to_string(),
        options,
        choice,
        ask,
    }))
}

/// How an option of a list is shown as a code.
type Coded = fn(&Lists, &str) -> Option<Code>;

/// What the practice's list calls a language or marital status.
pub(super) fn option(lists: &Lists, part: Part, code: &str) -> Result<String, Refusal> {
    let (list, of): (&str, Coded) = match part {
        Part::Language => ("language", people::language),
        _ => ("marital", people::marital),
    };
    let mut ids = lists.ids(list).into_iter();
    let same = |id: &&str| of(lists, id).is_some_and(|known| known.code == code);
    let found = ids.find(same).map(str::to_owned);
    found.ok_or_else(|| {
        let why = "the practice's list has no option with this code";
        Refusal::invalid(part.element(), why).understood()
    })
}

/// What is written into the columns of a part.
///
/// # Errors
/// `Unprocessable` at the element where the layout has no place for it, or not that much.
pub(super) fn written(
    emr: &Emr,
    (part, text): (Part, &str),
    options: &[(Part, String)],
) -> Result<Vec<(&'static str, String)>, Refusal> {
    let values: Vec<String> = match part {
        Part::Language | Part::Marital => {
            let found = options.iter().find(|(known, _)| *known == part);
            vec![found.map_or_else(String::new, |(_, id)| id.clone())]
        }
        Part::Gender => vec![match text {
            "female" => "Female".to_owned(),
            "male" => "Male".to_owned(),
            "other" => "Other".to_owned(),
            _ => "UNK".to_owned(),
        }],
        Part::Street => match emr.layout.has("patient_data", "street_line_2") {
            true => {
                let (first, second) = text.split_once('\n').unwrap_or((text, ""));
                vec![stored(first), stored(second)]
            }
            false => vec![stored(text)],
        },
        _ => vec![stored(text)],
    };
    let mut cells = Vec::with_capacity(2);
    for (name, value) in raw::columns(part).iter().zip(values) {
        if !emr.layout.has("patient_data", name) {
            if value.is_empty() {
                continue;
            }
            let why = "this version of OpenEMR has no place for it";
            return Err(Refusal::invalid(part.element(), why).understood());
        }
        raw::fits(name, &value, part.element())?;
        cells.push((*name, value));
    }
    Ok(cells)
}

/// Text as it must be stored so that it comes back as it is: HTML entities are decoded once on the way out, because
/// OpenEMR's own older pages wrote them.
pub(super) fn stored(text: &str) -> String {
    match tidy(Some(text.to_owned())) == text {
        true => text.to_owned(),
        false => text.replace('&', "&amp;"),
    }
}

/// Writes a change to a chart, a patient's wish for one, or a new chart.
///
/// # Errors
/// `Conflict` where the chart says something else by now than it did when the change was made.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, change: &ChartChange) -> Answer<Written> {
    match &change.ask {
        ChartAsk::Edit(edit) => {
            let held = raw::held(tx, emr, edit.before.person).await?;
            unchanged(emr, &held, edit)?;
            let mut cells = Vec::new();
            for (part, text) in &edit.parts {
                cells.extend(written(emr, (*part, text), &change.options)?);
            }
            if change.waits {
                return review::put(emr, tx, change, (edit.before.person, &held, &cells)).await;
            }
            let named = edit.parts.iter().any(|(part, _)| part.names());
            let old = (&held, named);
            write(emr, tx, (edit.before.person, &cells), old, &change.writer).await?;
            if change.writer == Writer::Patient {
                review::at_once(emr, tx, change, (edit.before.person, &held, &cells)).await?;
            }
            Ok(Written::Record(edit.before.person.uuid))
        }
        ChartAsk::Open { id, parts } => {
            let mut cells = Vec::new();
            for (part, text) in parts {
                cells.extend(written(emr, (*part, text), &change.options)?);
            }
            open(emr, tx, (*id, cells), &change.writer).await?;
            Ok(Written::Record(*id))
        }
    }
}

/// Every part that is to change must still be as it was shown.
fn unchanged(emr: &Emr, held: &Raw, edit: &Edit) -> Answer<()> {
    let practice = emr.known();
    let other = |(part, _): &&(Part, String)| {
        held.shown(&practice.lists, *part) != said(&edit.before, *part)
    };
    match edit.parts.iter().find(other) {
        Some((part, _)) => Err(changed(part.element())),
        None => Ok(()),
    }
}

/// Somebody else was first.
pub(super) fn changed(element: &str) -> Failure {
    let why = format!("{element} was changed by somebody else meanwhile: read the chart again.");
    Refusal::Conflict(why).into()
}

/// Writes columns of a chart that is held, and keeps the name it had where that changes.
pub(super) async fn write(
    emr: &Emr,
    tx: &mut Tx,
    (person, cells): (Person, &[(&'static str, String)]),
    (held, named): (&Raw, bool),
    writer: &Writer,
) -> Answer<()> {
    let now = emr.zone.wall(emr.now());
    let mut sql = Sql::new(UPDATE).bind(now);
    if emr.layout.has("patient_data", "last_updated") {
        sql = sql.push(", last_updated = ?").bind(now);
    }
    if emr.layout.has("patient_data", "updated_by") && user(writer) != 0 {
        sql = sql.push(", updated_by = ?").bind(user(writer));
    }
    for (name, value) in cells {
        if let Some(set) = raw::setter(name) {
            // No day is NULL; an empty text is no date.
            let value = match (*name, value.as_str()) {
                ("DOB", "") => Value::Null,
                (_, value) => value.into(),
            };
            sql = sql.push(", ").push(set).bind(value);
        }
    }
    let sql = sql
        .push(" WHERE pid = ? AND uuid = ?")
        .bind(person.pid)
        .bind(person.uuid);
    if tx.run(sql).await? != 1 {
        return Err(Refusal::NotFound.into());
    }
    if named && emr.layout.has("patient_history", "previous_name_enddate") {
        let id = uuids::fresh();
        let row = Sql::new(FORMER_NAME)
            .bind(id)
            .bind(now)
            .bind(person.pid)
            .bind(held.get("title"))
            .bind(held.get("fname"))
            .bind(held.get("mname"))
            .bind(held.get("lname"))
            .bind(held.get("suffix"))
            .bind(now.date())
            .bind(Some(user(writer)).filter(|user| *user != 0));
        tx.run(row).await?;
        uuids::register(tx, id, ("patient_history", "id"), 0).await?;
    }
    Ok(())
}

/// Waits for whoever else opens a chart: what is read from then on is what they wrote.
pub(super) async fn hold(tx: &mut Tx) -> Answer<()> {
    let lock = tx.lock_clause();
    let _first: Option<Last> = tx.one(Sql::new(FIRST).push(lock)).await?;
    Ok(())
}

/// Opens a chart with the next number, as OpenEMR does (facts 1.1); that number.
pub(super) async fn open(
    emr: &Emr,
    tx: &mut Tx,
    (id, cells): (uuid::Uuid, Vec<(&'static str, String)>),
    writer: &Writer,
) -> Answer<i64> {
    hold(tx).await?;
    let lock = tx.lock_clause();
    let last: Option<Last> = tx.one(Sql::new(LAST).push(lock)).await?;
    let pid = last.map_or(0, |last| last.pid) + 1;
    let now = emr.zone.wall(emr.now());
    let mut values: Vec<Value> = vec![
        pid.into(),
        pid.to_string().into(),
        id.into(),
        now.into(),
        now.into(),
    ];
    let mut sql = Sql::new(INSERT);
    if emr.layout.has("patient_data", "last_updated") {
        sql = sql.push(", last_updated");
        values.push(now.into());
    }
    if emr.layout.has("patient_data", "created_by") && user(writer) != 0 {
        sql = sql.push(", created_by");
        values.push(user(writer).into());
    }
    for (name, value) in cells {
        sql = sql.push(", `").push(name).push("`");
        values.push(value.into());
    }
    tx.run(sql.push(") VALUES ").list(values)).await?;
    uuids::register(tx, id, ("patient_data", "id"), 0).await?;
    Ok(pid)
}

#[cfg(test)]
mod tests;
