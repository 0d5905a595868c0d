//! Documents in a patient's chart: what is known about them, and their bytes.

mod bytes;
pub(super) mod carried;
mod typed;

use sqlx::FromRow;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::config::papers::Shared;
use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::access::Reader;
use crate::domain::access::Right;
use crate::domain::people::Person;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Query;
use crate::domain::records::About;
use crate::domain::records::CLINICAL_NOTE;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::records::DocumentReference;
use crate::domain::records::Record;
use crate::domain::records::Stage;
use crate::domain::records::UNKNOWN_KIND;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::emr::Emr;
use crate::emr::calendar::spoken;
use crate::emr::documents::typed::loinc;
use crate::emr::documents::typed::media_type;
use crate::emr::encounters;
use crate::emr::files;
use crate::emr::forms;
use crate::emr::names::named;
use crate::emr::people::tidy;
use crate::emr::predicates;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::store::uploads::State;
use crate::store::uploads::UNFILED;

/// `documents.revision` is a TIMESTAMP in the session's zone, so nothing is taken from it. `owner` is a user or 0 or
/// NULL (uploads in the portal, which lie in its category Patient until staff file them). An upload counts for the
/// chart it was sent to, and for the one that was merged into. A row without a date sorts last.
const FIND: &str = "SELECT d.id AS row_id, d.name, d.url, d.mimetype, d.size, d.date, \
    CAST(COALESCE(d.date, '1000-01-01 00:00:00') AS CHAR) AS sort_key, \
    d.storagemethod, d.path_depth, d.encrypted, d.hash, \
    p.fname AS patient_fname, p.lname AS patient_lname, c.name AS category, \
    CASE WHEN w.document IS NOT NULL OR (c.name = 'Patient' AND q.name = 'Onsite Portal' AND COALESCE(d.owner, 0) = 0) \
        THEN 1 ELSE 0 END AS from_patient, ";
const STAFF_SAY: &str = " AS unfiled, \
    w.state AS upload_state, w.reason AS upload_reason, d.deleted AS deleted, \
    u.id AS author_id, u.uuid AS author_uuid, u.fname AS author_fname, u.lname AS author_lname, ";

/// What staff said about a document counts, whatever the setting: one they took back stays hidden in a chart it was moved to
/// as well, and one they shared is shared with the patient of its chart alone. A chart that is no more was merged into the
/// one that has its documents now. A form the patient signed is the patient's, whatever category it is filed under (F159).
const SHARED_ALL: &str = "CASE WHEN s.shared = 0 THEN 0 ELSE 1 END";
const SHARED_CHOSEN: &str = "CASE WHEN s.shared = 0 THEN 0 \
    WHEN s.shared = 1 AND (s.pid = d.foreign_id OR NOT EXISTS (SELECT 1 FROM patient_data o WHERE o.pid = s.pid)) THEN 1 \
    WHEN w.document IS NOT NULL THEN 1 \
    WHEN EXISTS (SELECT 1 FROM anteroom_form f WHERE f.filed = d.id AND f.pid = d.foreign_id) THEN 1 \
    WHEN c.name = 'Patient' AND q.name = 'Onsite Portal' AND COALESCE(d.owner, 0) = 0 THEN 1 \
    WHEN c.name = 'Reviewed' AND q.name = 'Onsite Portal' THEN 1 ELSE 0 END";

/// The visit a document is about. An account that may not see the visits, or a layout without ids or ends of them, has
/// that much less to tell.
const VISIT: &str = ", e.id AS visit_id, e.uuid AS visit_uuid, e.date AS visit_start";
const NO_VISIT: &str =
    ", NULL AS visit_id, NULL AS visit_uuid, NULL AS visit_start, NULL AS visit_end";
const VISIT_END: &str = ", e.date_end AS visit_end";
const NO_VISIT_END: &str = ", NULL AS visit_end";

/// OpenEMR 6.1 keeps no codes with its categories and gives documents no uuid: there the FHIR id is name-based.
const CODES: &str = "c.codes AS codes";
const NO_CODES: &str = "NULL AS codes";
const UUID: &str = ", d.uuid AS uuid";
const NO_UUID: &str = ", NULL AS uuid";
const IDS: &str =
    "SELECT id AS row_id FROM documents WHERE foreign_id = ? ORDER BY id DESC LIMIT 50000";

/// A document is normally in one category; where it is in several, the first counts.
/// A zero date in `date_expires` means never, as NULL does. The chart must still be the one of the grant, and an author
/// nobody can look up as a Practitioner is not referred to.
const FROM: &str = " FROM patient_data p JOIN documents d ON d.foreign_id = p.pid \
    LEFT JOIN categories c ON c.id = \
    (SELECT MIN(l.category_id) FROM categories_to_documents l WHERE l.document_id = d.id) \
    LEFT JOIN categories q ON q.id = c.parent \
    LEFT JOIN anteroom_upload w ON w.document = d.id \
    AND (w.pid = d.foreign_id OR NOT EXISTS (SELECT 1 FROM patient_data o WHERE o.pid = w.pid)) \
    LEFT JOIN anteroom_share s ON s.document = d.id \
    LEFT JOIN users u ON u.id = d.owner AND u.username <> '' AND (u.authorized = 1 OR u.portal_user = 1)";

/// `encounter_id` is `form_encounter.encounter`, a number that is unique by habit only and means nothing in another
/// chart. Of a sensitive visit nothing is told here either (see `encounters`).
const OF_VISIT: &str = " LEFT JOIN form_encounter e ON e.id = (SELECT MIN(x.id) FROM form_encounter x \
        WHERE x.pid = d.foreign_id AND x.encounter = d.encounter_id AND d.encounter_id > 0) \
    AND COALESCE(e.sensitivity, '') IN ('', 'normal')";

const WHERE: &str = " WHERE p.pid = ? AND p.uuid = ? AND d.deleted = 0 \
    AND (d.date_expires IS NULL OR d.date_expires < '1000-01-01 00:00:00' OR d.date_expires > ?)";

/// What staff refused is deleted, and the patient who sent it is still told so.
const OR_REFUSED: &str = " WHERE p.pid = ? AND p.uuid = ? AND (d.deleted = 0 OR w.state = 'rejected') \
    AND (d.date_expires IS NULL OR d.date_expires < '1000-01-01 00:00:00' OR d.date_expires > ?)";

/// OpenEMR shows staff a document only where they have the right its category asks for.
const OPEN_TO_STAFF: &str = " AND COALESCE(c.aco_spec, '') IN ";

const KEY: &str = "COALESCE(d.date, '1000-01-01 00:00:00')";

const ORDER: &str = " ORDER BY COALESCE(d.date, '1000-01-01 00:00:00') DESC, d.id DESC";

/// `codes` holds `LOINC:34133-9`, several joined with `;`. Compared by their bytes, for the same reason as names.
const HAS_LOINC: &str = " OR INSTR(HEX(CONCAT(';', REPLACE(c.codes, ' ', ''), ';')), ?) > 0";

/// What is shown as a type nobody knows: `;LOINC:` is nowhere.
const HAS_NO_LOINC: &str =
    " OR INSTR(HEX(CONCAT(';', REPLACE(COALESCE(c.codes, ''), ' ', ''))), '3B4C4F494E433A') = 0";

const VISITS: &str = "form_encounter";

const LOINC: &str = "http://loinc.org";
const STATUS: &str = "http://hl7.org/fhir/document-reference-status";

pub use bytes::Bytes;
pub use bytes::Opened;
pub(super) use bytes::content;
pub(super) use bytes::open;

#[derive(FromRow)]
struct Id {
    row_id: i64,
}

#[derive(FromRow)]
struct Row {
    row_id: i64,
    uuid: Option<Vec<u8>>,
    name: Option<String>,
    url: Option<String>,
    mimetype: Option<String>,
    size: Option<i64>,
    date: Option<PrimitiveDateTime>,
    sort_key: String,
    storagemethod: i64,
    path_depth: Option<i64>,
    encrypted: i64,
    hash: Option<String>,
    patient_fname: Option<String>,
    patient_lname: Option<String>,
    category: Option<String>,
    from_patient: i64,
    unfiled: i64,
    upload_state: Option<String>,
    upload_reason: Option<String>,
    deleted: i64,
    shared: i64,
    author_id: Option<i64>,
    author_uuid: Option<Vec<u8>>,
    author_fname: Option<String>,
    author_lname: Option<String>,
    codes: Option<String>,
    visit_id: Option<i64>,
    visit_uuid: Option<Vec<u8>>,
    visit_start: Option<PrimitiveDateTime>,
    visit_end: Option<PrimitiveDateTime>,
}

/// A document, and its place in the order: the wall time it was filed, its number.
pub(super) type Placed = (String, i64, Record);

/// The documents in the chart that are neither deleted nor expired, the newest first, and whether there are more.
pub(super) async fn found(emr: &Emr, reach: &Reach, query: &Query) -> Answer<(Vec<Placed>, bool)> {
    let sql = statement(emr, reach, query).await?;
    if query.count == 0 {
        return Ok((Vec::new(), false));
    }
    let mut rows = rows(emr, sql).await?;
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let more = rows.len() > count;
    rows.truncate(count);
    let numbers: Vec<i64> = rows.iter().map(|row| row.row_id).collect();
    let originals = forms::originals(emr, &numbers).await?;
    let custodian = emr.known().organization;
    let person = reach.person()?;
    let placed = rows.into_iter().filter_map(|row| {
        let (key, number) = (row.sort_key.clone(), row.row_id);
        let mut document = row.document(emr, person, custodian)?;
        let original = originals.iter().find(|(filed, _)| *filed == number);
        document.transforms = original.map(|(_, form)| *form);
        Some((key, number, Record::DocumentReference(Box::new(document))))
    });
    Ok((placed.collect(), more))
}

/// The rows of a statement; where one lacks a uuid, all are given theirs and it is asked again.
async fn rows(emr: &Emr, sql: Sql) -> Answer<Vec<Row>> {
    let rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    let bare = has_uuid(emr)
        && rows
            .iter()
            .any(|row| uuids::known(row.uuid.as_deref()).is_none());
    let bare_author = rows
        .iter()
        .any(|row| row.author_id.is_some() && uuids::known(row.author_uuid.as_deref()).is_none());
    let bare_visit = rows
        .iter()
        .any(|row| row.visit_id.is_some() && uuids::known(row.visit_uuid.as_deref()).is_none());
    if bare {
        uuids::fill(emr, Table::Documents).await?;
    }
    if bare_author {
        uuids::fill(emr, Table::Users).await?;
    }
    if bare_visit {
        uuids::fill(emr, Table::Encounters).await?;
    }
    match bare || bare_author || bare_visit {
        true => emr.db.all(sql).await,
        false => Ok(rows),
    }
}

/// What the chart has for whoever has this reach: neither deleted nor expired, and open to their rights.
fn chart(emr: &Emr, reach: &Reach) -> Result<Sql, Refusal> {
    let coded = emr.layout.has("categories", "codes");
    let person = reach.person()?;
    let mut sql = Sql::new(FIND)
        .push(UNFILED)
        .push(STAFF_SAY)
        .push(if coded { CODES } else { NO_CODES })
        .push(if has_uuid(emr) { UUID } else { NO_UUID })
        .push(", ")
        .push(shared(emr))
        .push(" AS shared");
    sql = match (has_visits(emr, reach), emr.layout.has(VISITS, "date_end")) {
        (true, true) => encounters::open(
            sql.push(VISIT).push(VISIT_END).push(FROM).push(OF_VISIT),
            reach,
        ),
        (true, false) => encounters::open(
            sql.push(VISIT).push(NO_VISIT_END).push(FROM).push(OF_VISIT),
            reach,
        ),
        (false, _) => sql.push(NO_VISIT).push(FROM),
    };
    let own = reach.reader() == Reader::Patient;
    sql = sql
        .push(if own { OR_REFUSED } else { WHERE })
        .bind(person.pid)
        .bind(person.uuid)
        .bind(emr.zone.wall(emr.now()));
    if own {
        sql = sql.push(" AND ").push(shared(emr)).push(" = 1");
    }
    if let Some(held) = reach.held() {
        sql = predicates::rights(sql.push(OPEN_TO_STAFF), held, &[]);
    }
    Ok(sql)
}

async fn statement(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Sql> {
    let mut sql = chart(emr, reach)?;
    let filtered = |sql, filter: &Filter| filtered(emr, sql, (filter, &COLUMNS));
    sql = predicates::granted(sql, reach, filtered)?;
    if let Some(ids) = &query.ids {
        sql = match has_uuid(emr) {
            true => sql.push(" AND d.uuid IN ").list(ids.iter().copied()),
            false => sql
                .push(" AND d.id IN ")
                .list(rows_of(emr, reach, ids).await?),
        };
    }
    for filter in &query.filters {
        sql = filtered(sql, filter)?;
    }
    let sql = predicates::below(sql, KEY, "d.id", query.after.as_ref());
    Ok(sql.push(ORDER).limit(query.count.saturating_add(1)))
}

/// What a search asks of the rows behind documents: forms of the Documents Center are documents too, in another table.
pub(super) struct Columns {
    /// When it was filed.
    pub(super) date: &'static str,
    /// That it counts.
    pub(super) current: &'static str,
    /// That it does not.
    pub(super) in_error: &'static str,
}

const COLUMNS: Columns = Columns {
    date: "d.date",
    current: " AND d.deleted = 0",
    in_error: " AND d.deleted <> 0",
};

/// A condition of a search, for documents and for forms, whose date is in another column.
pub(super) fn filtered(
    emr: &Emr,
    sql: Sql,
    (filter, columns): (&Filter, &Columns),
) -> Result<Sql, Refusal> {
    let coded = emr.layout.has("categories", "codes");
    Ok(match filter {
        Filter::Date(Field::Date | Field::LastUpdated, ranges) => {
            predicates::dates(sql, columns.date, ranges, &emr.zone)
        }
        Filter::Token(Field::Category, tokens) => in_category(sql, tokens),
        Filter::Token(Field::Type, tokens) => of_type(sql, tokens, coded),
        Filter::Token(Field::Status, tokens) => {
            let asked = |code| move |token| predicates::asks_for(token, STATUS, code);
            let current = tokens.iter().any(asked("current"));
            match (current, tokens.iter().any(asked("entered-in-error"))) {
                (true, true) => sql,
                (true, false) => sql.push(columns.current),
                (false, true) => sql.push(columns.in_error),
                (false, false) => sql.push(" AND 1 = 0"),
            }
        }
        _ => {
            let why = "DocumentReference has no such search parameter.";
            return Err(Refusal::Unsupported(why.to_owned()));
        }
    })
}

/// Whether the patient may see a document: the one place that says so.
fn shared(emr: &Emr) -> &'static str {
    match emr.papers.shared {
        Shared::All => SHARED_ALL,
        Shared::Chosen => SHARED_CHOSEN,
    }
}

/// The number of a document in its table.
///
/// # Errors
/// `NotFound` where there is none within this reach.
pub(super) async fn row_of(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<i64> {
    let sql = statement(emr, reach, &Query::one(id)).await?;
    let row = rows(emr, sql).await?.into_iter().next();
    Ok(row.ok_or(Refusal::NotFound)?.row_id)
}

/// Whether a document that is deleted was one the patient could see.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn was_shown(emr: &Emr, row: i64) -> Answer<bool> {
    let sql = Sql::new("SELECT ")
        .push(shared(emr))
        .push(" AS row_id")
        .push(FROM)
        .push(" WHERE d.id = ?");
    let shown: Option<Id> = emr.db.one(sql.bind(row)).await?;
    Ok(shown.is_some_and(|shown| shown.row_id == 1))
}

fn has_uuid(emr: &Emr) -> bool {
    emr.layout.has("documents", "uuid")
}

/// Whether the visits are there to be told of, and the user may see any.
fn has_visits(emr: &Emr, reach: &Reach) -> bool {
    emr.layout.has("documents", "encounter_id")
        && emr.layout.has(VISITS, "uuid")
        && reach
            .held()
            .is_none_or(|held| held.contains(&Right::Encounters))
}

/// The rows of the chart that have one of these name-based ids.
async fn rows_of(emr: &Emr, reach: &Reach, ids: &[Uuid]) -> Answer<Vec<i64>> {
    let sql = Sql::new(IDS).bind(reach.person()?.pid);
    let rows: Vec<Id> = emr.db.all(sql).await?;
    let rows = rows.into_iter().map(|row| row.row_id);
    let asked = |row: &i64| ids.contains(&named("documents", *row));
    Ok(rows.filter(asked).collect())
}

/// Every document is a clinical note, and in a category of the practice. Names are compared by their bytes: a scope may
/// be cut to one, and a collation would open its likes too.
fn in_category(sql: Sql, tokens: &[Token]) -> Sql {
    let (system, code) = CLINICAL_NOTE;
    if tokens
        .iter()
        .any(|token| predicates::asks_for(token, system, code))
    {
        return sql;
    }
    if tokens
        .iter()
        .any(|token| predicates::asks_for(token, DOCUMENT_CATEGORIES, ""))
    {
        return sql.push(" AND c.name <> ''");
    }
    let names = tokens
        .iter()
        .filter(|token| predicates::asks_for(token, DOCUMENT_CATEGORIES, &token.code))
        .map(|token| predicates::hex(&token.code));
    sql.push(" AND HEX(c.name) IN ").list(names)
}

/// The type is the LOINC code of the category, or the category's name; without a code it is also shown as unknown.
fn of_type(sql: Sql, tokens: &[Token], coded: bool) -> Sql {
    let mut sql = sql.push(" AND (1 = 0");
    for token in tokens {
        if predicates::asks_for(token, DOCUMENT_CATEGORIES, &token.code) {
            sql = sql
                .push(" OR HEX(c.name) = ?")
                .bind(predicates::hex(&token.code));
        }
        if coded && predicates::asks_for(token, LOINC, &token.code) {
            let code = predicates::hex(&format!(";LOINC:{};", token.code));
            sql = sql.push(HAS_LOINC).bind(code);
        }
        if predicates::asks_for(token, UNKNOWN_KIND.0, UNKNOWN_KIND.1) {
            sql = sql.push(if coded { HAS_NO_LOINC } else { " OR 1 = 1" });
        }
    }
    sql.push(")")
}

impl Row {
    /// `None` for a row that has no uuid even after filling, which another writer may cause.
    fn document(
        self,
        emr: &Emr,
        person: Person,
        custodian: Option<Uuid>,
    ) -> Option<DocumentReference> {
        let date = emr.zone.told(self.date);
        let name = self.name();
        let about = self.about(emr);
        let stage = self.stage();
        let author = uuids::known(self.author_uuid.as_deref())
            .map(|uuid| (uuid, spoken(self.author_fname, self.author_lname)));
        Some(DocumentReference {
            uuid: match has_uuid(emr) {
                true => uuids::known(self.uuid.as_deref())?,
                false => named("documents", self.row_id),
            },
            person,
            patient_name: spoken(self.patient_fname, self.patient_lname),
            name,
            loinc: loinc(self.codes.as_deref(), self.category.as_deref()),
            category: self.category.unwrap_or_default(),
            content_type: media_type(self.mimetype.as_deref()),
            size: self.size,
            date,
            author,
            custodian,
            about,
            from_patient: self.from_patient == 1,
            stage,
            shared: self.shared == 1,
            form: None,
            transforms: None,
            last_updated: date,
        })
    }

    /// The visit, told with the times the Encounter has.
    fn about(&self, emr: &Emr) -> Option<About> {
        let start = emr.zone.told(self.visit_start);
        let end = emr.zone.told(self.visit_end);
        Some(About {
            encounter: uuids::known(self.visit_uuid.as_deref())?,
            start,
            end: end.filter(|end| start.is_none_or(|start| *end >= start)),
        })
    }

    /// Staff who file in OpenEMR what waits have looked at it.
    fn stage(&self) -> Stage {
        let state = self.upload_state.as_deref().map(State::of);
        match (state, self.deleted) {
            (_, deleted) if deleted != 0 => {
                Stage::Refused(self.upload_reason.clone().unwrap_or_default())
            }
            (Some(State::Waiting), _) if self.unfiled == 1 => Stage::Waiting,
            _ => Stage::Final,
        }
    }

    /// The name, or for old rows the file name.
    fn name(&self) -> String {
        match tidy(self.name.clone()) {
            name if !name.is_empty() => name,
            _ => files::file_name(self.url.as_deref().unwrap_or_default()).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
