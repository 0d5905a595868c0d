//! Filing a new document the way OpenEMR's own upload does (OpenEMR facts 4 and 2.9): the file first, then its rows, so
//! that there is never a row without a file.

use serde_json::json;
use sqlx::FromRow;

use crate::config::Choice;
use crate::crypto;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::Right;
use crate::domain::access::User;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::calendar::minutes;
use crate::emr::files;
use crate::emr::message_writing;
use crate::emr::message_writing::stored;
use crate::emr::names::named;
use crate::emr::persons;
use crate::emr::scanning;
use crate::emr::scanning::Found;
use crate::emr::sniff;
use crate::emr::spool;
use crate::emr::uuids;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::document;
use crate::portal::document::DocumentAsk;
use crate::portal::document::DocumentCase;
use crate::portal::document::DocumentChange;
use crate::portal::document::Filer;
use crate::portal::document::Paper;
use crate::portal::document::Source;
use crate::store::reviews;
use crate::store::reviews::Decision;
use crate::store::reviews::NewReview;
use crate::store::reviews::Which;
use crate::store::reviews::millis;
use crate::store::uploads;
use crate::store::uploads::NewUpload;
use crate::store::uploads::State;

/// All categories: there are tens of them. Version 6.1 keeps no codes.
const CATEGORIES: &str =
    "SELECT c.id AS row_id, c.name, p.name AS parent, p.parent AS above, c.aco_spec, ";
const CODES: &str = "c.codes AS codes";
const NO_CODES: &str = "NULL AS codes";
const NOT_ROOT: &str =
    " FROM categories c JOIN categories p ON p.id = c.parent ORDER BY c.lft, c.id";

/// The practice's list of media types, exact or `type/*` (OpenEMR facts 2.9).
const LISTED: &str =
    "SELECT option_id FROM list_options WHERE list_id = 'files_white_list' AND activity = 1";

/// The system of a category that is named by its row, as the desk's form does.
pub const BY_ROW: &str = "categories.id";

/// Where OpenEMR's portal puts an upload when nobody named a category it knows.
const FALLBACK: i64 = 3;

/// One number for many tables; the row stays locked until the transaction ends (OpenEMR facts 1.20). Imported data may
/// have documents above it.
const NEXT: &str = "UPDATE sequences SET id = id + 1";
const TAKEN: &str = "SELECT CAST(MAX(s.id) AS SIGNED) AS number, \
    (SELECT MAX(d.id) FROM documents d) AS highest FROM sequences s";
const AHEAD: &str = "UPDATE sequences SET id = ?";

/// `revision` has no default; `owner` is NULL for what came through the portal.
const INSERT: &str = "INSERT INTO documents (id, type, size, date, url, mimetype, owner, revision, foreign_id, \
    docdate, hash, list_id, name, drive_uuid, storagemethod, path_depth, imported, encounter_id, encrypted, deleted";
const WITH_UUID: &str = ", uuid";
const VALUES: &str =
    ") VALUES (?, 'file_url', ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0, 1, 0, 0, ?, 0";

const LINK: &str = "INSERT INTO categories_to_documents (category_id, document_id) VALUES (?, ?)";

/// The name of the file is registered too, as one of a drive and of no table.
const DRIVE: &str = "INSERT INTO uuid_registry \
    (uuid, table_name, table_id, table_vertical, couchdb, document_drive, mapped) VALUES (?, '', '', '', '', 1, 0)";

/// The note staff find in their inbox (OpenEMR facts 2.9).
const NOTE: &str = "INSERT INTO pnotes (date, body, pid, user, groupname, activity, authorized, title, \
    assigned_to, deleted, message_status) \
    VALUES (?, ?, ?, 'portal-user', 'Default', 1, 1, 'New Document', 'portal-user', 0, 'New')";

const FILED: &str = "SELECT id AS number FROM documents WHERE drive_uuid = ?";

#[derive(FromRow)]
struct Category {
    row_id: i64,
    name: Option<String>,
    parent: Option<String>,
    above: Option<i64>,
    aco_spec: Option<String>,
    codes: Option<String>,
}

#[derive(FromRow)]
struct Listed {
    option_id: String,
}

#[derive(FromRow)]
struct Taken {
    number: Option<i64>,
    highest: Option<i64>,
}

#[derive(FromRow)]
struct Number {
    number: i64,
}

/// What the rules must know.
///
/// # Errors
/// `Unprocessable` for a patient there is none of for this caller, `Forbidden` for a service, `Unavailable` where this
/// practice's documents cannot be written.
pub(super) async fn case(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    (ask, choice): (DocumentAsk, Choice),
) -> Answer<Case> {
    let DocumentAsk::File(paper) = ask;
    let place = "DocumentReference.subject";
    let person = message_writing::patient(emr, reach, (paper.patient, place)).await?;
    let by = match grant.user() {
        User::Patient(_) => Filer::Patient,
        User::Staff(staff) => Filer::Staff(staff.id),
        User::System => {
            let why = "A service is nobody's author: documents are filed by patients and staff.";
            return Err(Refusal::Forbidden(why).into());
        }
    };
    let practice = emr.practice().await?;
    let globals = &practice.globals;
    if emr.documents.is_none() {
        return Err(Refusal::Unavailable("This server knows no folder of documents.").into());
    }
    if globals.on("document_storage_method") {
        let why = "The practice keeps its documents in CouchDB, where nothing is written.";
        return Err(Refusal::Unavailable(why).into());
    }
    let (found, hash) = looked_at(emr, &paper.bytes).await?;
    let listed = match (found, globals.on("secure_upload")) {
        (Some(found), true) => listed(emr, found).await?,
        _ => true,
    };
    let category = category(emr, (by, reach.held()), paper.category.as_ref()).await?;
    if stored(&paper.name).chars().count() > 255 {
        let why =
            "this name is too long for its column, which has its signs written out".to_owned();
        let location = "DocumentReference.content[0].attachment.title".to_owned();
        return Err(Refusal::Unprocessable { location, why }.into());
    }
    let mut case = DocumentCase {
        person,
        by,
        client_id: grant.client_id().to_owned(),
        portal_on: globals.on("portal_onsite_two_enable"),
        uploads_on: globals.on("allow_portal_uploads"),
        choice,
        found,
        listed,
        virus: false,
        category,
        hash,
        drive: uuids::fresh(),
        encrypted: globals.on("drive_encryption"),
        paper,
    };
    // What is refused anyhow is nothing to look through.
    if document::holds(&case) {
        let found = scanning::looked_through(emr, &case.paper.bytes).await?;
        case.virus = found == Found::Virus;
    }
    Ok(Case::Document(case))
}

/// What the bytes are, and their hash, which a received file has already: work for another thread.
async fn looked_at(emr: &Emr, source: &Source) -> Answer<(Option<&'static str>, String)> {
    let bytes = spool::bytes(emr, source).await?;
    let known = match source {
        Source::Spooled(received) => Some(received.hash.clone()),
        Source::Inline(_) => None,
    };
    let work = move || {
        let hash = known.unwrap_or_else(|| crypto::sha3_512_hex(&bytes));
        (sniff::kind(&bytes), hash)
    };
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Fault::new("looking at an upload", error))?)
}

/// Whether the practice's list has a type. Where there is no list the house's own kinds are all there is.
async fn listed(emr: &Emr, found: &str) -> Answer<bool> {
    let rows: Vec<Listed> = emr.db.all(Sql::new(LISTED)).await?;
    let group = found.split('/').next().unwrap_or_default();
    Ok(rows.is_empty()
        || rows.iter().any(|row| {
            let one = row.option_id.trim();
            one.eq_ignore_ascii_case(found)
                || one
                    .strip_suffix("/*")
                    .is_some_and(|one| one.eq_ignore_ascii_case(group))
        }))
}

/// Where it goes. What patients send goes to the portal's own category and nowhere else.
pub(super) async fn category(
    emr: &Emr,
    (by, held): (Filer, Option<&[Right]>),
    asked: Option<&Token>,
) -> Answer<Option<i64>> {
    let coded = emr.layout.has("categories", "codes");
    let codes = if coded { CODES } else { NO_CODES };
    let sql = Sql::new(CATEGORIES).push(codes).push(NOT_ROOT);
    let all: Vec<Category> = emr.db.all(sql).await?;
    let named = |one: &&Category| one.name.as_deref() == Some("Patient");
    let found = match (by, asked) {
        (Filer::Patient, asked) => {
            let portal = |one: &&Category| one.parent.as_deref() == Some("Onsite Portal");
            let own = all.iter().filter(named).find(portal);
            let own = own.or_else(|| all.iter().find(named));
            let own = own.or_else(|| all.iter().find(|one| one.row_id == FALLBACK));
            own.filter(|own| asked.is_none_or(|asked| own.is(asked)))
        }
        (Filer::Staff(_), Some(asked)) => {
            let open = all.iter().filter(|one| one.open_to(held) && one.is(asked));
            // Of several that have one name the one of that path is meant.
            open.min_by_key(|one| one.path().as_deref() != Some(asked.code.as_str()))
        }
        (Filer::Staff(_), None) => None,
    };
    Ok(found.map(|one| one.row_id))
}

/// The category of a name, where staff of this reach may use it.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn category_named(emr: &Emr, reach: &Reach, name: &str) -> Answer<Option<i64>> {
    let asked = Token {
        system: Some(DOCUMENT_CATEGORIES.to_owned()),
        code: name.to_owned(),
    };
    category(emr, (Filer::Staff(0), reach.held()), Some(&asked)).await
}

/// The categories open to whoever holds these rights, `None` being all: names, and paths where several have one name.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn categories(emr: &Emr, held: Option<&[Right]>) -> Answer<Vec<String>> {
    let open = open(emr, held).await?;
    let several = |one: &Category| open.iter().filter(|other| other.name == one.name).count() > 1;
    let shown = open.iter().filter_map(|one| match several(one) {
        true => one.path(),
        false => one.name.clone(),
    });
    Ok(shown.collect())
}

/// The same with their rows for a form that offers them: several may have one name, so each is told with the one above it.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn choices(emr: &Emr, held: Option<&[Right]>) -> Answer<Vec<(i64, String)>> {
    let open = open(emr, held).await?.into_iter();
    Ok(open
        .filter_map(|one| Some((one.row_id, one.path()?)))
        .collect())
}

async fn open(emr: &Emr, held: Option<&[Right]>) -> Answer<Vec<Category>> {
    let sql = Sql::new(CATEGORIES).push(NO_CODES).push(NOT_ROOT);
    let all: Vec<Category> = emr.db.all(sql).await?;
    Ok(all.into_iter().filter(|one| one.open_to(held)).collect())
}

impl Category {
    /// Its name, after that of the one above it, unless that is the root of all.
    fn path(&self) -> Option<String> {
        let name = self.name.as_deref()?;
        let nested = self.above.is_some_and(|above| above != 0);
        Some(match self.parent.as_deref().filter(|_| nested) {
            Some(parent) => format!("{parent} / {name}"),
            None => name.to_owned(),
        })
    }

    /// Whether it has this name or path, blanks apart, this LOINC code, or this row.
    fn is(&self, asked: &Token) -> bool {
        if asked.system.as_deref() == Some(BY_ROW) {
            return asked.code == self.row_id.to_string();
        }
        let code_of = |text: &str| text.split_whitespace().collect::<Vec<&str>>().join(" ");
        match asked.system.as_deref() == Some(DOCUMENT_CATEGORIES) {
            true => {
                let mut known = [self.name.clone(), self.path()].into_iter().flatten();
                known.any(|one| code_of(&one) == code_of(&asked.code))
            }
            false => {
                let codes = self.codes.as_deref().unwrap_or_default();
                let loinc = |code: &str| code.trim().strip_prefix("LOINC:").map(str::to_owned);
                codes
                    .split(';')
                    .filter_map(loinc)
                    .any(|code| code.trim() == asked.code)
            }
        }
    }

    /// Whether staff who hold these rights may use it; `None` is all rights.
    fn open_to(&self, held: Option<&[Right]>) -> bool {
        let wanted = self.aco_spec.as_deref().unwrap_or_default();
        held.is_none_or(|held| {
            wanted.is_empty()
                || Right::ALL.iter().any(|(right, section, value)| {
                    held.contains(right) && wanted.split_once('|') == Some((*section, *value))
                })
        })
    }
}

/// Writes what a permit allows: the file, then the rows in the caller's transaction. Where that fails, [`undo`] takes the
/// file away again; where the transaction is tried again, the file is there already.
///
/// # Errors
/// A fault where the folder cannot be written.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, change: &DocumentChange) -> Answer<Written> {
    let DocumentChange::File(case) = change;
    let (Some(category), Some(found)) = (case.category, case.found) else {
        return Err(Refusal::NotFound.into());
    };
    let url = spool::file(emr, tx, case).await?;
    let now = emr.now();
    let wall = emr.zone.wall(now);
    let id = number(tx).await?;
    let size = i64::try_from(case.paper.bytes.size()).unwrap_or(i64::MAX);
    let name = file_name(case, found);
    let owner = match case.by {
        Filer::Patient => None,
        Filer::Staff(id) => Some(id),
    };
    let has_uuid = emr.layout.has("documents", "uuid");
    let (uuid, mark) = if has_uuid {
        (WITH_UUID, ", ?)")
    } else {
        ("", ")")
    };
    let sql = Sql::new(INSERT)
        .push(uuid)
        .push(VALUES)
        .push(mark)
        .bind(id)
        .bind(size)
        .bind(wall)
        .bind(url)
        .bind(found)
        .bind(owner)
        .bind(wall)
        .bind(case.person.pid)
        .bind(wall.date())
        .bind(&case.hash)
        .bind(&name)
        .bind(case.drive)
        .bind(i64::from(case.encrypted));
    let sql = if has_uuid {
        sql.bind(case.paper.id)
    } else {
        sql
    };
    tx.run(sql).await?;
    tx.run(Sql::new(DRIVE).bind(case.drive)).await?;
    if has_uuid {
        uuids::register(tx, case.paper.id, ("documents", "id"), 0).await?;
    }
    tx.run(Sql::new(LINK).bind(category).bind(id)).await?;
    let told = match has_uuid {
        true => case.paper.id,
        false => named("documents", id),
    };
    if case.by == Filer::Patient {
        let upload = NewUpload {
            document: id,
            id: told,
            person: case.person,
            state: match case.choice {
                Choice::Automatic => State::Accepted,
                Choice::Review | Choice::Forbidden => State::Waiting,
            },
            client_id: case.client_id.clone(),
            created: millis(now),
        };
        uploads::insert(tx, &upload).await?;
        let review = NewReview {
            id: uuids::fresh(),
            kind: Work::Document.code().0,
            person: case.person,
            resource: format!("DocumentReference/{told}"),
            asked: "{}".to_owned(),
            known: json!({ "category": category }).to_string(),
            client_id: case.client_id.clone(),
            created: millis(now),
            activity: None,
        };
        reviews::insert(tx, &review).await?;
        if case.choice == Choice::Automatic {
            let which = Which::One(review.id);
            reviews::decide(tx, which, &Decision::at_once(now)).await?;
        }
        let patient = persons::name_within(tx, case.person.pid).await?;
        let stamp = minutes(emr, now);
        let file = one_line(&case.paper, &name);
        let body = format!(
            "{stamp} (portal-user to portal-user) Portal patient {patient} sent a document, filed under Onsite Portal, Patient: {file}"
        );
        let note = Sql::new(NOTE).bind(wall).bind(body).bind(case.person.pid);
        tx.run(note).await?;
    }
    Ok(Written::Record(told))
}

/// Row and name of a document this transaction filed.
///
/// # Errors
/// A fault where it did not.
pub(super) async fn filed(tx: &mut Tx, case: &DocumentCase) -> Answer<(i64, String)> {
    let row: Option<Number> = tx.one(Sql::new(FILED).bind(case.drive)).await?;
    let row =
        row.ok_or_else(|| Fault::new("looking for a document just filed", "no row has it"))?;
    Ok((row.number, file_name(case, case.found.unwrap_or_default())))
}

/// The name as its column has it.
fn file_name(case: &DocumentCase, found: &str) -> String {
    match case.paper.name.as_str() {
        "" => format!("document.{}", sniff::ending(found)),
        name => stored(name),
    }
}

/// The name in a note, each line of which is an entry of its own: no name has line ends, and none must look like one.
fn one_line(paper: &Paper, name: &str) -> String {
    let name = if paper.name.is_empty() {
        name
    } else {
        &paper.name
    };
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ")
}

/// The next number, held until the transaction ends.
async fn number(tx: &mut Tx) -> Answer<i64> {
    tx.run(Sql::new(NEXT)).await?;
    let taken: Option<Taken> = tx.one(Sql::new(TAKEN)).await?;
    let (number, highest) = taken
        .and_then(|taken| Some((taken.number?, taken.highest.unwrap_or_default())))
        .ok_or_else(|| Fault::new("numbering a document", "the table sequences has no row"))?;
    if number > highest {
        return Ok(number);
    }
    tx.run(Sql::new(AHEAD).bind(highest + 1)).await?;
    Ok(highest + 1)
}

/// After a transaction that failed: takes the file away, unless a row names it all the same.
pub(super) async fn undo(emr: &Emr, case: &DocumentCase) {
    let row: Answer<Option<Number>> = emr.db.one(Sql::new(FILED).bind(case.drive)).await;
    // Where the database cannot say, a file nobody needs is the smaller harm.
    if row.is_ok_and(|row| row.is_none_or(|row| row.number == 0))
        && let Some(root) = &emr.documents
    {
        files::remove(root, case.person.pid, case.drive).await;
        spool::unmark(root, (case.person.pid, case.drive)).await;
    }
}

/// After a transaction that was committed: a row names the file now.
pub(super) async fn settled(emr: &Emr, case: &DocumentCase) {
    if let Some(root) = &emr.documents {
        spool::unmark(root, (case.person.pid, case.drive)).await;
    }
}

#[cfg(test)]
mod tests;
