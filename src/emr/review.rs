//! Changes to a chart that wait for staff, where OpenEMR's own portal puts them: one waiting row of
//! `onsite_portal_activity` a patient, all fields of the page as PHP serialises them (OpenEMR facts 2.10).

use std::collections::HashMap;

use sqlx::FromRow;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::tasks::Asked;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::chart;
use crate::emr::chart::raw;
use crate::emr::chart::raw::PLAIN;
use crate::emr::chart::raw::Raw;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::lists::Lists;
use crate::emr::php;
use crate::emr::uuids;
use crate::emr::wall;
use crate::emr::writing::Written;
use crate::portal::chart::ChartChange;
use crate::portal::chart::Part;
use crate::portal::chart::Writer;
use crate::portal::work::WorkAsk;
use crate::store::reviews;
use crate::store::reviews::Decision;
use crate::store::reviews::NewReview;
use crate::store::reviews::Review;
use crate::store::reviews::Wanted;
use crate::store::reviews::Which;

/// The one waiting row of a patient. The chart is held, so that nobody of this house adds another meanwhile. OpenEMR gives
/// the number of a deleted chart to the next one: what somebody else asked for is left alone.
const WAITING: &str = "SELECT a.id, a.table_args FROM onsite_portal_activity a WHERE a.patient_id = ? \
    AND a.activity = 'profile' AND a.require_audit = 1 AND a.status = 'waiting' AND a.pending_action = 'review' \
    AND NOT EXISTS (SELECT 1 FROM anteroom_review o WHERE o.activity = a.id AND o.patient <> ?) \
    ORDER BY a.id DESC LIMIT 1";

const BY_ROW: &str = "SELECT id, table_args FROM onsite_portal_activity WHERE id = ?";

const INSERT: &str = "INSERT INTO onsite_portal_activity (date, patient_id, activity, require_audit, pending_action, \
    action_taken, status, narrative, table_action, table_args, action_user, action_taken_time, checksum) \
    VALUES (?, ?, 'profile', 1, 'review', '', 'waiting', 'Patient request changes to demographics.', '', ?, 0, ?, '0')";

/// The status is compared again: what staff decide at the same moment stays decided.
const MERGE: &str = "UPDATE onsite_portal_activity SET date = ?, table_args = ? \
    WHERE id = ? AND status = 'waiting' AND pending_action = 'review'";

/// The key of the patient's words in the serialised array.
const NOTE: &str = "note";

#[derive(FromRow)]
struct Row {
    id: i64,
    table_args: Option<String>,
}

/// What a serialised array and the reviews behind it ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// What is to change.
    pub(super) pieces: Vec<Piece>,
    /// Fields that this house does not write.
    pub(super) foreign: Vec<String>,
}

/// One thing that is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// For people to read.
    pub(super) asked: Asked,
    /// The columns that are to hold something else.
    cells: Vec<(&'static str, String)>,
    /// Whether the present name changes.
    names: bool,
}

impl Wish {
    /// What is to change, for people to read.
    pub(super) fn asked(self) -> Vec<Asked> {
        self.pieces.into_iter().map(|piece| piece.asked).collect()
    }
}

/// The id of the Task that a row of the queue is.
pub(super) fn task_id(row: i64) -> uuid::Uuid {
    let parts = Parts {
        row: row.unsigned_abs(),
        at: 0,
        extra: 0,
    };
    composed::id(Kind::Activity, parts)
}

/// Puts a patient's wish into the queue: into the row that waits, or into a new one.
///
/// # Errors
/// `Conflict` where what waits cannot be read, or was decided at the same moment.
pub(super) async fn put(
    emr: &Emr,
    tx: &mut Tx,
    change: &ChartChange,
    (person, held, cells): (Person, &Raw, &[(&'static str, String)]),
) -> Answer<Written> {
    let lock = tx.lock_clause();
    let waiting: Option<Row> = tx.one(waiting(person).push(lock)).await?;
    let now = emr.zone.wall(emr.now());
    let mut fields = match waiting.as_ref().and_then(|row| row.table_args.as_deref()) {
        Some(text) => entries(text).ok_or_else(unreadable)?,
        None => fresh(held),
    };
    for (name, value) in cells {
        set(&mut fields, name, value);
    }
    let text = serialised(&fields);
    let row = match &waiting {
        Some(row) => {
            let sql = Sql::new(MERGE).bind(now).bind(text).bind(row.id);
            if tx.run(sql).await? != 1 {
                let why =
                    "The practice has just decided an earlier change: please send this one again.";
                return Err(Refusal::Conflict(why.to_owned()).into());
            }
            row.id
        }
        None => {
            let sql = Sql::new(INSERT)
                .bind(now)
                .bind(person.pid)
                .bind(text)
                .bind(now);
            tx.insert(sql).await?
        }
    };
    let wish = (person, held, cells);
    reviews::insert(tx, &new(emr, change, wish, Some(row))?).await?;
    Ok(Written::Review(task_id(row)))
}

fn waiting(person: Person) -> Sql {
    Sql::new(WAITING).bind(person.pid).bind(person.uuid)
}

/// Keeps what a patient changed where nobody has to agree: who asked, through which app, and for what. What waits of
/// earlier is told too, because all fields of the page stand in it and would be put back.
///
/// # Errors
/// As [`Tx::run`].
pub(super) async fn at_once(
    emr: &Emr,
    tx: &mut Tx,
    change: &ChartChange,
    wish: (Person, &Raw, &[(&'static str, String)]),
) -> Answer<()> {
    let (person, _, cells) = wish;
    let lock = tx.lock_clause();
    let waiting: Option<Row> = tx.one(waiting(person).push(lock)).await?;
    let fields = waiting
        .as_ref()
        .and_then(|row| entries(row.table_args.as_deref()?));
    if let (Some(row), Some(mut fields)) = (&waiting, fields) {
        for (name, value) in cells {
            set(&mut fields, name, value);
        }
        let now = emr.zone.wall(emr.now());
        let sql = Sql::new(MERGE)
            .bind(now)
            .bind(serialised(&fields))
            .bind(row.id);
        tx.run(sql).await?;
        for waiting in reviews::held(tx, Wanted::Activities(&[row.id])).await? {
            reviews::know(tx, waiting.id(), &known_too(&waiting, cells)?).await?;
        }
    }
    let review = new(emr, change, wish, None)?;
    reviews::insert(tx, &review).await?;
    reviews::decide(tx, Which::One(review.id), &Decision::at_once(emr.now()))
        .await
        .map(|_| ())
}

/// What is known of a wish that waits, with what was taken over beside it: that was not asked for by the one who waits.
fn known_too(review: &Review, cells: &[(&'static str, String)]) -> Result<String, Fault> {
    let mut known: HashMap<String, String> =
        serde_json::from_str(&review.known).unwrap_or_default();
    if known.is_empty() {
        return Ok(review.known.clone());
    }
    for (name, value) in cells {
        known.insert((*name).to_owned(), value.clone());
    }
    json(
        known
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    )
}

/// What this house keeps of a wish.
fn new(
    emr: &Emr,
    change: &ChartChange,
    (person, held, cells): (Person, &Raw, &[(&'static str, String)]),
    activity: Option<i64>,
) -> Result<NewReview, Fault> {
    let known = held.values.iter();
    Ok(NewReview {
        id: uuids::fresh(),
        kind: Work::Profile.code().0,
        person,
        resource: format!("Patient/{}", person.uuid),
        asked: json(cells.iter().map(|(name, value)| (*name, value.as_str())))?,
        known: json(known.map(|(name, value)| (*name, value.as_str())))?,
        client_id: change.client_id.clone(),
        created: reviews::millis(emr.now()),
        activity,
    })
}

fn serialised(fields: &[(String, String)]) -> String {
    let pairs: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    php::array(&pairs)
}

fn unreadable() -> Refusal {
    let why =
        "An earlier change waits that cannot be added to. Please call the practice to decide it.";
    Refusal::Conflict(why.to_owned())
}

/// The fields of the page as they stand, and no words yet.
fn fresh(held: &Raw) -> Vec<(String, String)> {
    let known = held.values.iter();
    let fields = known.map(|(name, value)| ((*name).to_owned(), value.clone()));
    fields.chain([(NOTE.to_owned(), String::new())]).collect()
}

fn entries(text: &str) -> Option<Vec<(String, String)>> {
    let read = php::read(text)?.into_iter();
    let fields = read.map(|(name, value)| (name, value.text().unwrap_or_default()));
    Some(fields.collect())
}

fn set(fields: &mut Vec<(String, String)>, name: &str, value: &str) {
    match fields.iter_mut().find(|(known, _)| known == name) {
        Some((_, held)) => value.clone_into(held),
        None => fields.push((name.to_owned(), value.to_owned())),
    }
}

fn json<'a>(cells: impl Iterator<Item = (&'a str, &'a str)>) -> Result<String, Fault> {
    let map: HashMap<&str, &str> = cells.collect();
    serde_json::to_string(&map).map_err(|error| Fault::new("writing a review", error))
}

/// The patient's words in a row of the queue.
pub(super) fn note(args: &str) -> String {
    let fields = entries(args).unwrap_or_default().into_iter();
    let mut words = fields.filter(|(name, _)| name == NOTE);
    words.next().map_or_else(String::new, |(_, words)| words)
}

/// What a review keeps of fields; `None` where it keeps none.
fn fields_of(text: &str) -> Option<HashMap<String, String>> {
    serde_json::from_str(text).ok()
}

/// What was known before it was asked for. A later request that asks for what was known at first, because staff changed it
/// meanwhile, is one too: of that it is what was known then.
fn known_before(reviews: &[Review]) -> Option<HashMap<String, String>> {
    let mut reviews = reviews.iter();
    let mut known = fields_of(&reviews.next()?.known)?;
    for later in reviews {
        let then = fields_of(&later.known).unwrap_or_default();
        for (name, value) in fields_of(&later.asked).unwrap_or_default() {
            if let Some(was) = then.get(&name)
                && known.get(&name) == Some(&value)
            {
                known.insert(name, was.clone());
            }
        }
    }
    Some(known)
}

/// What a row of the queue asks to have changed of a chart as it stands. Reviews of this house tell what was known when
/// the first of them was made: what is still the same was not asked for.
pub(super) fn wish(lists: &Lists, present: &Raw, args: &str, reviews: &[Review]) -> Wish {
    let fields = entries(args).unwrap_or_default();
    let known = known_before(reviews);
    let asked_for = |name: &str, value: &str| {
        known
            .as_ref()
            .is_none_or(|known| known.get(name).map(String::as_str) != Some(value))
    };
    let mut after = present.clone();
    let mut foreign = Vec::new();
    for (name, value) in &fields {
        if !asked_for(name, value) {
            continue;
        }
        let ours = present.values.iter().any(|(known, _)| known == name);
        match ours {
            true => after.put(name, value),
            // The second address is a copy of the first on OpenEMR's page, and is shown only where it differs.
            false if name == NOTE || name == "email_direct" || value.trim().is_empty() => {}
            false => foreign.push(name.clone()),
        }
    }
    let mut wish = Wish {
        foreign,
        ..Wish::default()
    };
    for part in Part::ALL {
        let (before, then) = (present.shown(lists, part), after.shown(lists, part));
        if before == then {
            continue;
        }
        let columns = raw::columns(part);
        let held = after
            .values
            .iter()
            .filter(|(name, _)| columns.contains(name));
        wish.pieces.push(Piece {
            cells: held.cloned().collect(),
            names: part.names(),
            asked: Asked {
                element: part.element().to_owned(),
                before,
                after: then,
            },
        });
    }
    for (name, element) in PLAIN {
        let (before, then) = (present.get(name), after.get(name));
        if before != then {
            wish.pieces.push(Piece {
                cells: vec![(name, then.to_owned())],
                names: false,
                asked: Asked {
                    element: element.to_owned(),
                    before: before.to_owned(),
                    after: then.to_owned(),
                },
            });
        }
    }
    wish
}

/// What was asked for by a row that is decided: the last value of each part, beside what was known when it was asked.
/// Nothing where OpenEMR's own portal made the row, because it does not say what the patient changed.
pub(super) fn told(lists: &Lists, present: &Raw, args: &str, reviews: &[Review]) -> Vec<Asked> {
    let Some(known) = known_before(reviews) else {
        return Vec::new();
    };
    let mut before = present.clone();
    for (name, value) in &known {
        before.put(name, value);
    }
    wish(lists, &before, args, reviews).asked()
}

/// What requests of this house, decided elsewhere, came to: each part that was asked for, and whether the chart still says
/// what was known before.
pub(super) fn became(lists: &Lists, present: &Raw, reviews: &[Review]) -> Vec<(String, bool)> {
    let Some(known) = known_before(reviews) else {
        return Vec::new();
    };
    let mut before = present.clone();
    for (name, value) in &known {
        before.put(name, value);
    }
    let mut after = before.clone();
    for (name, value) in reviews
        .iter()
        .filter_map(|one| fields_of(&one.asked))
        .flatten()
    {
        after.put(&name, &value);
    }
    let shown = Part::ALL.into_iter().map(|part| {
        let of = |raw: &Raw| raw.shown(lists, part);
        (part.element(), of(&before), of(&after), of(present))
    });
    let changed = shown.filter(|(_, before, after, _)| before != after);
    changed
        .map(|(element, before, _, now)| (element.to_owned(), before == now))
        .collect()
}

/// A chart and what a row of the queue asks to have changed of it, both held until the transaction ends.
pub(super) struct Seen {
    held: Raw,
    wish: Wish,
}

/// What a row of the queue asks for, if it is what whoever decides saw.
///
/// # Errors
/// `Conflict` where it is something else by now.
pub(super) async fn seen(emr: &Emr, tx: &mut Tx, (ask, row): (&WorkAsk, i64)) -> Answer<Seen> {
    let task = &ask.task;
    let held = raw::held(tx, emr, task.person).await?;
    let lock = tx.lock_clause();
    let found: Option<Row> = tx.one(Sql::new(BY_ROW).bind(row).push(lock)).await?;
    let args = found.and_then(|row| row.table_args).unwrap_or_default();
    let reviews = reviews::held(tx, Wanted::Activities(&[row])).await?;
    let wish = wish(&emr.known().lists, &held, &args, &reviews);
    let same = |(piece, asked): (&Piece, &Asked)| piece.asked == *asked;
    let moved = reviews.iter().any(|one| one.person() != task.person)
        || wish.pieces.len() != task.asked.len()
        || !wish.pieces.iter().zip(&task.asked).all(same)
        || note(&args) != task.note;
    match moved {
        true => {
            let why = "The request, or the chart, was changed meanwhile: read the Task again.";
            Err(Refusal::Conflict(why.to_owned()).into())
        }
        false => Ok(Seen { held, wish }),
    }
}

impl Seen {
    /// What is asked for and what is known, as a review keeps it.
    ///
    /// # Errors
    /// A fault where it cannot be written as JSON.
    pub(super) fn kept(&self) -> Result<(String, String), Fault> {
        let cells = self.wish.pieces.iter().flat_map(|piece| &piece.cells);
        let known = self.held.values.iter();
        Ok((
            json(cells.map(|(name, value)| (*name, value.as_str())))?,
            json(known.map(|(name, value)| (*name, value.as_str())))?,
        ))
    }
}

/// Takes over what a row of the queue asks for but what was refused of it.
///
/// # Errors
/// `Conflict` where it cannot be written here.
pub(super) async fn accept(
    emr: &Emr,
    tx: &mut Tx,
    (ask, seen): (&WorkAsk, &Seen),
    writer: &Writer,
) -> Answer<()> {
    let Seen { held, wish } = seen;
    if !wish.foreign.is_empty() {
        let why = "The request was changed meanwhile: read the Task again.";
        return Err(Refusal::Conflict(why.to_owned()).into());
    }
    let refused = |piece: &Piece| {
        let mut parts = ask.refused.iter();
        parts.any(|(element, _)| *element == piece.asked.element)
    };
    let taken = wish.pieces.iter().filter(|piece| !refused(piece));
    let named = taken.clone().any(|piece| piece.names);
    let cells: Vec<(&'static str, String)> = taken.flat_map(|piece| piece.cells.clone()).collect();
    let day = cells.iter().find(|(name, _)| *name == "DOB");
    if day.is_some_and(|(_, day)| wall::day(day).is_none()) {
        let why = "The birth date that is asked for is none: refuse the request.";
        return Err(Refusal::Conflict(why.to_owned()).into());
    }
    for (name, value) in &cells {
        raw_fits(name, value)?;
    }
    if cells.is_empty() {
        return Ok(());
    }
    let cells = (ask.task.person, cells.as_slice());
    chart::write(emr, tx, cells, (held, named), writer).await
}

fn raw_fits(name: &str, value: &str) -> Answer<()> {
    raw::fits(name, value, "Task.input").map_err(Into::into)
}

#[cfg(test)]
mod tests;
