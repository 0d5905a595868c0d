//! The rows behind forms: OpenEMR's (`onsite_documents`), this house's beside it, and the signature that counts.

use std::collections::HashMap;

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::crypto;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::forms::Answers;
use crate::domain::forms::Elsewhere;
use crate::domain::forms::Form;
use crate::domain::forms::How;
use crate::domain::forms::Questions;
use crate::domain::forms::Signed;
use crate::domain::forms::State;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::forms::parse;
use crate::emr::forms::written;
use crate::emr::people::tidy;
use crate::emr::staff;
use crate::emr::tasks;
use crate::emr::uuids;
use crate::store::forms::TWICE;
use crate::store::reviews;

/// The state is in `denial_reason` (OpenEMR facts 1.14), compared by its letters as they are. A signature counts while the
/// form is signed: where OpenEMR opened it again there is none, and the next one makes the one before void. Version 6.1 has
/// no `template_data`: answers are in the document itself.
const FIND: &str = "SELECT CAST(d.id AS SIGNED) AS id, CAST(d.create_date AS CHAR) AS at, d.doc_type, \
    d.denial_reason, CAST(d.patient_signed_time AS CHAR) AS stamped, \
    CAST(d.patient_signed_status AS SIGNED) AS stamp, p.pid, p.uuid, p.fname, p.mname, p.lname, \
    f.reason, f.filed, f.put_by, f.created AS known, c.id AS category_id, c.name AS category, s.pid AS signed_pid, \
    s.name AS signed_name, s.how, s.hash, s.signed, s.witness";
/// What is as long as somebody made it is read of one form at a time.
const TEXTS: &str = ", d.patient_signature, d.full_document, s.picture";
const NO_TEXTS: &str = ", NULL AS patient_signature, NULL AS full_document, NULL AS picture";
const DATA: &str = ", d.template_data AS data";
const NO_DATA: &str = ", NULL AS data";
const FROM: &str = " FROM onsite_documents d JOIN patient_data p ON p.pid = d.pid \
    LEFT JOIN anteroom_form f ON f.document = d.id LEFT JOIN categories c ON c.id = f.category \
    LEFT JOIN anteroom_signature s ON s.document = d.id AND s.voided IS NULL \
    AND HEX(d.denial_reason) IN (HEX('In Review'), HEX('Locked')) \
    WHERE HEX(d.denial_reason) IN (HEX('New'), HEX('Open'), HEX('Editing'), HEX('In Review'), HEX('Locked'))";
/// A list is sorted by it, and a row that is left out afterwards would make its page look like the last.
const DATED: &str = " AND d.create_date IS NOT NULL";
const ONE: &str = " AND d.id = ? AND p.pid = ? AND p.uuid = ?";

/// The row as it stands, held until the transaction ends.
const HELD: &str = "SELECT denial_reason, CAST(patient_signed_time AS CHAR) AS stamped, patient_signature, full_document";
const HELD_DATA: &str = ", template_data AS data";
const OF_ROW: &str = " FROM onsite_documents WHERE id = ? AND pid = ?";

/// A row, as it is stored.
#[derive(FromRow)]
pub(super) struct Row {
    id: i64,
    pub(super) at: Option<String>,
    doc_type: Option<String>,
    denial_reason: Option<String>,
    stamped: Option<String>,
    stamp: Option<i64>,
    patient_signature: Option<String>,
    full_document: Option<Vec<u8>>,
    pid: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    reason: Option<String>,
    filed: Option<i64>,
    put_by: Option<i64>,
    known: Option<i64>,
    category_id: Option<i64>,
    category: Option<String>,
    signed_pid: Option<i64>,
    signed_name: Option<String>,
    how: Option<String>,
    picture: Option<String>,
    hash: Option<String>,
    signed: Option<i64>,
    witness: Option<Vec<u8>>,
    data: Option<String>,
}

/// A form, and the columns of its row that a signature is about.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) form: Form,
    /// `doc_type` as it is stored.
    pub(super) title: String,
    /// `template_data` as it is stored.
    pub(super) data: String,
    /// `full_document` as it is stored.
    pub(super) html: String,
}

/// The FHIR id of a row.
pub(in crate::emr) fn id(row: i64) -> Uuid {
    let parts = Parts {
        row: row.unsigned_abs(),
        at: 0,
        extra: 0,
    };
    composed::id(Kind::Form, parts)
}

/// The row of an id; `None` for one that is of no form.
pub(in crate::emr) fn row_of(id: Uuid) -> Option<i64> {
    let parts = composed::parts(Kind::Form, id)?;
    i64::try_from(parts.row).ok()
}

/// Whether the answers have a column of their own.
pub(super) fn has_data(emr: &Emr) -> bool {
    emr.layout.has("onsite_documents", "template_data")
}

/// The statement that finds one form of a chart, which must still be the one that is meant.
pub(super) fn statement(emr: &Emr, person: Person, row: i64) -> Sql {
    let data = if has_data(emr) { DATA } else { NO_DATA };
    Sql::new(FIND)
        .push(TEXTS)
        .push(data)
        .push(FROM)
        .push(ONE)
        .bind(row)
        .bind(person.pid)
        .bind(person.uuid)
}

/// The statement that lists forms without what they say, for conditions to be added.
pub(super) fn listing() -> Sql {
    let sql = Sql::new(FIND).push(NO_TEXTS).push(NO_DATA);
    sql.push(FROM).push(DATED)
}

/// Whether such a statement finds anything.
pub(super) async fn is_listed(emr: &Emr, sql: Sql) -> Answer<bool> {
    let rows: Vec<Row> = emr.db.all(sql).await?;
    Ok(!rows.is_empty())
}

/// One form of a chart.
pub(super) async fn one(emr: &Emr, person: Person, row: i64) -> Answer<Option<Held>> {
    let found: Option<Row> = emr.db.one(statement(emr, person, row)).await?;
    Ok(found.and_then(|row| row.held(emr)))
}

/// The rows of forms with all they say.
async fn texts(emr: &Emr, ids: &[i64]) -> Answer<Vec<Row>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let data = if has_data(emr) { DATA } else { NO_DATA };
    let sql = Sql::new(FIND).push(TEXTS).push(data).push(FROM);
    emr.db
        .all(sql.push(" AND d.id IN ").list(ids.iter().copied()))
        .await
}

/// Forms with all they say, by their rows.
async fn whole(emr: &Emr, ids: &[i64]) -> Answer<HashMap<i64, Form>> {
    let rows = texts(emr, ids).await?.into_iter();
    let held = rows.filter_map(|row| row.held(emr));
    Ok(held.map(|one| (one.form.row, one.form)).collect())
}

/// What these forms say and who signed them, each as one hash, by their rows.
pub(in crate::emr) async fn stands(emr: &Emr, ids: &[i64]) -> Answer<HashMap<i64, String>> {
    let rows = texts(emr, ids).await?;
    Ok(rows.iter().map(|row| (row.id, row.stand(emr))).collect())
}

/// What a form says and who signed it, as one hash.
pub(in crate::emr) fn stand(form: &Form) -> String {
    let signed = form.signed.as_ref();
    let hash = signed.map_or("", |signed| signed.hash.as_str());
    fingerprint(&[&form.seen, hash])
}

/// The forms a listing finds, each with when it was put there, and how many rows that were. They come without what they
/// say; those that can be filled in here with what they ask. What is signed was looked through.
pub(super) async fn listed(emr: &Emr, sql: Sql) -> Answer<(Vec<(String, Form)>, usize)> {
    let rows: Vec<Row> = emr.db.all(sql).await?;
    let number = rows.len();
    let looks = rows
        .iter()
        .filter(|row| row.signed.is_some() || row.is_open());
    let ids: Vec<i64> = looks.map(|row| row.id).collect();
    let mut whole = whole(emr, &ids).await?;
    let found = rows.into_iter().filter_map(|row| {
        let at = row.at.as_deref()?.get(..19)?.to_owned();
        let (id, listed) = (row.id, row.held(emr)?.form);
        // What has its number by now in another chart is another one.
        let same = whole.remove(&id).filter(|one| one.person == listed.person);
        let mut form = same.unwrap_or(listed);
        if !form.state.is_open() || !form.questions.is_whole() {
            form.questions = Questions::default();
        }
        form.answers = Answers::new();
        form.seen = String::new();
        Some((at, form))
    });
    Ok((found.collect(), number))
}

/// What of a row may not change between the look and the write: the answers, the form, when it was signed, and how.
fn seen((data, html): (&str, &str), (stamped, picture): (Option<&str>, Option<&str>)) -> String {
    let (stamped, picture) = (stamped.unwrap_or_default(), picture.unwrap_or_default());
    fingerprint(&[data, html, stamped, picture])
}

/// The state and what is [`seen`] of a form, which nobody else changes until the transaction ends.
pub(super) async fn hold(emr: &Emr, tx: &mut Tx, form: (Person, i64)) -> Answer<(State, String)> {
    #[derive(FromRow)]
    struct Row {
        denial_reason: Option<String>,
        stamped: Option<String>,
        patient_signature: Option<String>,
        full_document: Option<Vec<u8>>,
        data: Option<String>,
    }
    let (person, row) = form;
    let lock = tx.lock_clause();
    let sql = Sql::new(HELD)
        .push(if has_data(emr) { HELD_DATA } else { NO_DATA })
        .push(OF_ROW)
        .push(lock)
        .bind(row)
        .bind(person.pid);
    let found: Option<Row> = tx.one(sql).await?;
    let row = found.ok_or(Refusal::NotFound)?;
    let state = State::of(row.denial_reason.as_deref().unwrap_or_default());
    let html = String::from_utf8_lossy(row.full_document.as_deref().unwrap_or_default());
    let data = row.data.unwrap_or_default();
    let signed = (row.stamped.as_deref(), row.patient_signature.as_deref());
    let now = seen((&data, &html), signed);
    Ok((state.ok_or(Refusal::NotFound)?, now))
}

/// Whether what is known since then (milliseconds since 1970) is of another form than the one made here: OpenEMR may give
/// the number of a form that was deleted to the next one.
pub(super) fn is_anothers(made: Option<OffsetDateTime>, known: i64) -> bool {
    let known = reviews::moment(known);
    made.zip(known)
        .is_some_and(|(made, known)| made > known + TWICE)
}

/// What is signed, as one text without two readings, and its hash.
pub(super) fn fingerprint(parts: &[&str]) -> String {
    let all = serde_json::Value::from(parts.to_vec());
    crypto::sha3_512_hex(all.to_string().as_bytes())
}

impl Row {
    fn is_open(&self) -> bool {
        let state = State::of(self.denial_reason.as_deref().unwrap_or_default());
        state.is_some_and(State::is_open)
    }

    /// When it was made.
    fn made(&self, emr: &Emr) -> Option<OffsetDateTime> {
        let made = self.at.as_deref().and_then(tasks::written);
        made.and_then(|made| emr.zone.told(Some(made)))
    }

    /// What [`stand`] says of the form, for which nobody has to know what it asks.
    fn stand(&self, emr: &Emr) -> String {
        let html = String::from_utf8_lossy(self.full_document.as_deref().unwrap_or_default());
        let data = self.data.as_deref().unwrap_or_default();
        let title = self.doc_type.as_deref().unwrap_or_default();
        let stamp = (self.stamped.as_deref(), self.patient_signature.as_deref());
        let signed = self.signature(emr, (title, &html, data));
        let hash = signed.map_or_else(String::new, |signed| signed.hash);
        fingerprint(&[&seen((data, &html), stamp), &hash])
    }

    /// The form; `None` for a state this house does not know, or a chart without an id.
    pub(super) fn held(self, emr: &Emr) -> Option<Held> {
        let person = Person {
            pid: self.pid,
            uuid: uuids::known(self.uuid.as_deref())?,
        };
        let state = State::of(self.denial_reason.as_deref().unwrap_or_default())?;
        let html = String::from_utf8_lossy(self.full_document.as_deref().unwrap_or_default());
        let data = self.data.clone().unwrap_or_default();
        let (mut questions, mut answers) = parse::form(&html);
        written::saved(&mut questions, &mut answers, &data);
        let title = self.doc_type.clone().unwrap_or_default();
        let signed = self.signature(emr, (&title, &html, &data));
        let elsewhere = self.elsewhere(emr).filter(|_| signed.is_none());
        let stamp = (self.stamped.as_deref(), self.patient_signature.as_deref());
        let seen = seen((&data, &html), stamp);
        let created = self.made(emr);
        // What is known of another form says nothing of this one.
        let own = !self.known.is_some_and(|known| is_anothers(created, known));
        Some(Held {
            form: Form {
                uuid: id(self.id),
                row: self.id,
                person,
                patient_name: staff::display(self.fname, self.mname, self.lname),
                title: tidy(self.doc_type),
                category: self
                    .category_id
                    .filter(|_| own)
                    .map(|id| (id, self.category.unwrap_or_default())),
                state,
                questions,
                answers,
                reason: self.reason.filter(|_| own).unwrap_or_default(),
                signed,
                elsewhere,
                filed: self.filed.filter(|_| own),
                put_by: self.put_by.filter(|_| own).unwrap_or_default(),
                created,
                seen,
            },
            title,
            html: html.into_owned(),
            data,
        })
    }

    /// What OpenEMR's own portal took as a signature.
    fn elsewhere(&self, emr: &Emr) -> Option<Elsewhere> {
        let picture = self.patient_signature.as_deref().unwrap_or_default();
        let signed = self.stamp == Some(1) && picture.starts_with("data:image/");
        let at = self.stamped.as_deref().and_then(tasks::written);
        signed.then(|| Elsewhere {
            picture: picture.to_owned(),
            at: at.and_then(|at| emr.zone.told(Some(at))),
        })
    }

    fn signature(&self, emr: &Emr, (title, html, data): (&str, &str, &str)) -> Option<Signed> {
        let millis = self.signed?;
        let at = reviews::moment(millis)?;
        // Of one that got the number later nothing is signed.
        if is_anothers(self.made(emr), millis) {
            return None;
        }
        // Where charts were merged the form is in another one than it was signed in.
        let pid = self.signed_pid?.to_string();
        let name = self.signed_name.clone()?;
        let hash = self.hash.clone()?;
        let picture = self.picture.clone()?;
        let how = match self.how.as_deref() {
            Some("drawn") => How::Drawn,
            _ => How::Typed,
        };
        let whole = self.patient_signature.as_deref() == Some(picture.as_str())
            && fingerprint(&signed_parts(
                (&pid, &self.id.to_string()),
                (title, html, data),
                (&name, how.word(), &millis.to_string()),
            )) == hash;
        Some(Signed {
            name,
            how,
            picture,
            at: emr.zone.at(at),
            hash,
            whole,
            witness: uuids::known(self.witness.as_deref()),
        })
    }
}

/// What a signature is about, in its order: the chart, the form, its title, text and answers, the name, how and when.
pub(super) fn signed_parts<'a>(
    (pid, row): (&'a str, &'a str),
    (title, html, data): (&'a str, &'a str, &'a str),
    (name, how, millis): (&'a str, &'a str, &'a str),
) -> [&'a str; 9] {
    [
        "anteroom-signature-1",
        pid,
        row,
        title,
        html,
        data,
        name,
        how,
        millis,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn f152_what_is_known_of_a_form_is_not_known_of_the_next_one_of_its_number() {
        let known = reviews::millis(datetime!(2026-11-29 10:00 UTC));
        for (made, anothers) in [
            (Some(datetime!(2026-11-29 9:00 UTC)), false),
            (Some(datetime!(2026-11-29 10:00:01 UTC)), false),
            // In the night the clocks go back an hour comes twice.
            (Some(datetime!(2026-11-29 11:00 UTC)), false),
            (Some(datetime!(2026-11-29 12:30 +1)), true),
            (Some(datetime!(2026-11-30 10:00 UTC)), true),
            (None, false),
        ] {
            assert_eq!(is_anothers(made, known), anothers, "{made:?}");
        }
    }
}
