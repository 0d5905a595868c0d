//! A signed form becomes part of the chart: a PDF in its category, and OpenEMR's row locked; or staff give it back, and its
//! signature is void. Both close the row that waits in OpenEMR's queue, in the caller's transaction.

use std::sync::Arc;

use sqlx::FromRow;
use uuid::Uuid;

use crate::config::Choice;
use crate::crypto;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::db::sql::datetime_text;
use crate::domain::forms::Form;
use crate::domain::forms::How;
use crate::domain::forms::Kind;
use crate::domain::forms::Part;
use crate::domain::forms::State;
use crate::domain::forms::TICKED;
use crate::domain::language::Language;
use crate::domain::people::Person;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::emr::Emr;
use crate::emr::filing;
use crate::emr::forms::picture;
use crate::emr::forms::rewritten;
use crate::emr::forms::rows;
use crate::emr::forms::written;
use crate::emr::uuids;
use crate::portal::document::DocumentCase;
use crate::portal::document::DocumentChange;
use crate::portal::document::Filer;
use crate::portal::document::Paper as File;
use crate::portal::document::Source;
use crate::portal::work::Charting;
use crate::sheet;
use crate::sheet::Paper;
use crate::sheet::form::Elsewhere;
use crate::sheet::form::Line;
use crate::sheet::form::Shown;
use crate::sheet::form::Signed;
use crate::store::forms;
use crate::store::forms::NewForm;
use crate::store::reviews::millis;
use crate::store::shares;
use crate::store::shares::Share;

/// Of two who decide at once one finds it decided. `authorizing_signator` is the user name of who did.
const LOCK: &str = "UPDATE onsite_documents SET denial_reason = 'Locked', accept_signed_status = 1, \
    authorize_signed_time = ?, authorizing_signator = ?, review_date = ? \
    WHERE id = ? AND pid = ? AND HEX(denial_reason) = HEX('In Review')";

/// The patient writes on; what was signed is not signed any more.
const GIVE_BACK: &str = "UPDATE onsite_documents SET denial_reason = 'Editing', patient_signed_status = 0, \
    patient_signature = NULL, patient_signed_time = NULL, review_date = ?, full_document = ?";
const WITH_DATA: &str = ", template_data = ?";
const WHERE: &str = " WHERE id = ? AND pid = ? AND HEX(denial_reason) = HEX('In Review')";

/// As OpenEMR's dashboard closes it.
const CLOSE: &str = "UPDATE onsite_portal_activity SET pending_action = 'completed', action_taken = ?, \
    status = 'closed', action_user = ?, action_taken_time = ? \
    WHERE patient_id = ? AND activity = 'document' AND table_args = ? AND status IN ('waiting', 'editing', 'new')";

const SIGNATURES: &str =
    "SELECT id FROM anteroom_signature WHERE document = ? AND voided IS NULL ORDER BY id";

const USERNAME: &str = "SELECT username FROM users WHERE id = ?";

const NUMBER: &str = "SELECT CAST(id AS SIGNED) AS number FROM documents WHERE drive_uuid = ?";

#[derive(FromRow)]
struct Signature {
    id: Vec<u8>,
}

#[derive(FromRow)]
struct User {
    username: Option<String>,
}

#[derive(FromRow)]
struct Number {
    number: i64,
}

/// What stands at the end of a form of which not all is there.
const NOT_ALL: &str = "Parts of this form can not be shown here.";

/// Gathers what locking a form needs, before the transaction: the form as it stands, drawn as a PDF.
///
/// # Errors
/// `NotFound` where there is no such form in this chart; `Conflict` where it does not wait for staff, nobody signed it, or
/// not all of it can be shown; `Unavailable` where no documents can be written here.
pub async fn ready(emr: &Emr, person: Person, row: i64) -> Answer<Charting> {
    // Read before the form, so that a signature which is given meanwhile is another one.
    let given: Vec<Signature> = emr.db.all(Sql::new(SIGNATURES).bind(row)).await?;
    let held = rows::one(emr, person, row).await?;
    let form = held.ok_or(Refusal::NotFound)?.form;
    if form.state != State::InReview {
        return Err(decided());
    }
    if !form.questions.is_whole() {
        return Err(not_whole());
    }
    if form.signed.is_none() && form.elsewhere.is_none() {
        return Err(unsigned());
    }
    let document = document(emr, &form).await?;
    Ok(Charting {
        form,
        document,
        signatures: ids(&given),
    })
}

/// Locks a form and files its PDF, in the caller's transaction; `by` is `users.id` of who decided.
///
/// # Errors
/// `Conflict` where it was decided, or signed anew, at the same moment: what was drawn is what is filed.
pub async fn lock(emr: &Emr, tx: &mut Tx, charting: &Charting, by: i64) -> Answer<()> {
    let form = &charting.form;
    waits(emr, tx, (form.person, form.row), &form.seen).await?;
    let given: Vec<Signature> = tx.all(Sql::new(SIGNATURES).bind(form.row)).await?;
    if ids(&given) != charting.signatures {
        return Err(decided());
    }
    let mut document = charting.document.clone();
    document.by = Filer::Staff(by);
    locked(emr, tx, (form, &document), by).await
}

/// Holds a form, which must wait for staff as it did when it was looked at: what was drawn is what is filed.
async fn waits(emr: &Emr, tx: &mut Tx, form: (Person, i64), seen: &str) -> Answer<()> {
    let (state, now) = rows::hold(emr, tx, form).await?;
    match state == State::InReview && now == seen {
        true => Ok(()),
        false => Err(decided()),
    }
}

fn ids(rows: &[Signature]) -> Vec<Uuid> {
    let ids = rows.iter().map(|row| Uuid::from_slice(&row.id));
    ids.map(Result::unwrap_or_default).collect()
}

/// The same for a form that is locked as soon as it is signed.
pub(super) async fn locked(
    emr: &Emr,
    tx: &mut Tx,
    (form, document): (&Form, &DocumentCase),
    by: i64,
) -> Answer<()> {
    let wall = emr.zone.wall(emr.now());
    let user: Option<User> = tx.one(Sql::new(USERNAME).bind(by)).await?;
    let name = user.and_then(|user| user.username).unwrap_or_default();
    let name: String = name.chars().take(50).collect();
    let sql = Sql::new(LOCK)
        .bind(wall)
        .bind(name)
        .bind(wall)
        .bind(form.row)
        .bind(form.person.pid);
    if tx.run(sql).await? != 1 {
        return Err(decided());
    }
    let drive = document.drive;
    filing::apply(emr, tx, &DocumentChange::File(Box::new(document.clone()))).await?;
    let number: Option<Number> = tx.one(Sql::new(NUMBER).bind(drive)).await?;
    let number = number.ok_or_else(|| Fault::new("filing a form", "its document has no row"))?;
    known(emr, tx, form).await?;
    forms::filed(tx, form.row, number.number).await?;
    // What the patient signed is the patient's, whatever else staff share (F159).
    let share = Share {
        document: number.number,
        pid: form.person.pid,
        shared: true,
        by: None,
        at: millis(emr.now()),
    };
    shares::set(tx, share).await?;
    close(emr, tx, form, ("accept", by)).await
}

/// Gives a form back to the patient, who reads why; `by` is `users.id` of who decided, and `stand` what they looked at.
///
/// # Errors
/// `NotFound` where there is no such form in this chart; `Conflict` where it was decided already, or is not what was
/// looked at.
pub async fn deny(
    emr: &Emr,
    tx: &mut Tx,
    (person, row): (Person, i64),
    (reason, by): (&str, i64),
    stand: &str,
) -> Answer<()> {
    let found: Option<rows::Row> = tx.one(rows::statement(emr, person, row)).await?;
    let held = found
        .and_then(|row| row.held(emr))
        .ok_or(Refusal::NotFound)?;
    let form = held.form;
    if rows::stand(&form) != stand {
        return Err(changed());
    }
    waits(emr, tx, (person, row), &form.seen).await?;
    let filled = (&form.questions, &form.answers);
    // What no page here shows is not touched either.
    let (html, data) = match form.questions.is_whole() {
        true => (
            rewritten::html(&held.html, filled, Some("")),
            written::data(&held.data, filled, Some("")),
        ),
        false => (held.html, held.data),
    };
    let sql = Sql::new(GIVE_BACK)
        .bind(emr.zone.wall(emr.now()))
        .bind(html.into_bytes());
    let sql = match rows::has_data(emr) {
        true => sql.push(WITH_DATA).bind(data),
        false => sql,
    };
    let sql = sql.push(WHERE).bind(row).bind(person.pid);
    if tx.run(sql).await? != 1 {
        return Err(decided());
    }
    known(emr, tx, &form).await?;
    forms::given_back(tx, row, (reason, emr.now())).await?;
    close(emr, tx, &form, ("reject", by)).await
}

/// Of a form OpenEMR's portal made nothing is known here yet, or what was known of another one of its number.
async fn known(emr: &Emr, tx: &mut Tx, form: &Form) -> Answer<()> {
    let new = NewForm {
        document: form.row,
        pid: form.person.pid,
        template: String::new(),
        category: 0,
        put_by: 0,
        at: emr.now(),
    };
    forms::found(tx, &new, form.created).await
}

async fn close(emr: &Emr, tx: &mut Tx, form: &Form, (taken, by): (&str, i64)) -> Answer<()> {
    let sql = Sql::new(CLOSE)
        .bind(taken)
        .bind(by)
        .bind(emr.zone.wall(emr.now()))
        .bind(form.person.pid)
        .bind(form.row.to_string());
    tx.run(sql).await.map(|_| ())
}

/// That a form says something else than whoever decides looked at.
pub(in crate::emr) fn changed() -> Failure {
    let why = "The form was changed meanwhile: read the Task again.";
    Refusal::Conflict(why.to_owned()).into()
}

/// What is told to staff of a form that nobody signed.
pub const UNSIGNED: &str =
    "Nobody signed this form: give it back to the patient, or decide about it in OpenEMR.";

fn unsigned() -> Failure {
    Refusal::Conflict(UNSIGNED.to_owned()).into()
}

fn not_whole() -> Failure {
    let why = "This form has parts that can not be shown here: decide about it in OpenEMR.";
    Refusal::Conflict(why.to_owned()).into()
}

fn decided() -> Failure {
    let why = "Somebody else decided this at the same moment.";
    Refusal::Conflict(why.to_owned()).into()
}

/// The PDF of a form as a document to be filed. Without a category it goes to OpenEMR's own for what was looked through.
pub(super) async fn document(emr: &Emr, form: &Form) -> Answer<DocumentCase> {
    let practice = emr.practice().await?;
    let globals = &practice.globals;
    if emr.documents.is_none() || globals.on("document_storage_method") {
        return Err(Refusal::Unavailable("This server can not write documents.").into());
    }
    let category = match &form.category {
        Some((id, _)) => Some(*id),
        None => {
            let reviewed = Token {
                system: Some(DOCUMENT_CATEGORIES.to_owned()),
                code: "Reviewed".to_owned(),
            };
            let by = Filer::Staff(form.put_by);
            filing::category(emr, (by, None), Some(&reviewed)).await?
        }
    };
    if category.is_none() {
        return Err(Refusal::Unavailable("The chart has no category for forms.").into());
    }
    let bytes: Arc<[u8]> = Arc::from(pdf(emr, form).await?);
    let hash = crypto::sha3_512_hex(&bytes);
    Ok(DocumentCase {
        paper: File {
            id: uuids::fresh(),
            patient: form.person.uuid,
            name: file_name(&form.title),
            declared: "application/pdf".to_owned(),
            category: None,
            bytes: Source::Inline(bytes),
        },
        person: form.person,
        // Whoever locks it files it; where that is nobody, it is the practice's.
        by: Filer::Staff(0),
        client_id: String::new(),
        portal_on: true,
        uploads_on: true,
        choice: Choice::Automatic,
        found: Some("application/pdf"),
        listed: true,
        virus: false,
        category,
        hash,
        drive: uuids::fresh(),
        encrypted: globals.on("drive_encryption"),
    })
}

/// A title as the name of a file: no path, no odd signs, no more letters than a column takes with its signs written out.
fn file_name(title: &str) -> String {
    let letter = |letter: char| match letter {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '&' | '\'' => '-',
        other if other.is_control() => ' ',
        other => other,
    };
    let name: String = title.chars().map(letter).take(120).collect();
    match name.trim() {
        "" => "form.pdf".to_owned(),
        name => format!("{name}.pdf"),
    }
}

/// A form as a PDF: questions, answers, the signature, when it was given, and the hash of what was signed.
pub(super) async fn pdf(emr: &Emr, form: &Form) -> Answer<Vec<u8>> {
    let practice = emr.practice().await?;
    let mut lines: Vec<Line> = form
        .questions
        .parts
        .iter()
        .map(|part| line(form, part))
        .collect();
    if !form.questions.is_whole() {
        lines.push(Line::Words(NOT_ALL.to_owned()));
    }
    let mut shown = Shown {
        practice: practice.name.clone(),
        patient: form.patient_name.clone(),
        title: form.title.clone(),
        lines,
        signed: form.signed.as_ref().map(|signed| Signed {
            name: signed.name.clone(),
            strokes: match signed.how {
                How::Typed => Vec::new(),
                How::Drawn => picture::strokes(&signed.picture),
            },
            at: datetime_text(emr.zone.wall(signed.at)),
            zone: emr.zone.name().to_owned(),
            witnessed: signed.witness.is_some(),
            hash: signed.hash.clone(),
            since: form.since_signed(),
        }),
        elsewhere: form.elsewhere.as_ref().map(|signed| Elsewhere {
            at: signed
                .at
                .map_or_else(String::new, |at| datetime_text(emr.zone.wall(at))),
            zone: emr.zone.name().to_owned(),
            hash: crypto::sha3_512_hex(signed.picture.as_bytes()),
            drawing: None,
        }),
        language: Language::English,
        paper: Paper::of_zone(emr.zone.name()),
    };
    let picture = form.elsewhere.as_ref().map(|one| one.picture.clone());
    let work = move || {
        if let Some(elsewhere) = &mut shown.elsewhere {
            elsewhere.drawing = picture.as_deref().and_then(picture::ink);
        }
        sheet::form::pdf(&shown)
    };
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Fault::new("drawing a form", error))??)
}

fn line(form: &Form, part: &Part) -> Line {
    match part {
        Part::Heading(text) => Line::Heading(text.clone()),
        Part::Words(text) => Line::Words(text.clone()),
        Part::Item(item) => {
            let answer = form.answers.get(&item.id).cloned().unwrap_or_default();
            match item.kind {
                Kind::Check => Line::Box(item.label.clone(), answer == TICKED),
                _ => Line::Answer(item.label.clone(), answer),
            }
        }
    }
}
