//! A form is put before a patient: a row in the Documents Center, and what OpenEMR has no column for beside it.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::forms::Source;
use crate::domain::forms::State;
use crate::domain::people::Person;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::emr::Emr;
use crate::emr::filing;
use crate::emr::forms::blank;
use crate::emr::forms::rows;
use crate::emr::forms::templates;
use crate::emr::message_writing;
use crate::emr::persons;
use crate::emr::tasks;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::document::Filer;
use crate::portal::form::FormCase;
use crate::portal::form::PutCase;
use crate::store::form_letters;
use crate::store::form_letters::Owed;
use crate::store::forms;
use crate::store::forms::NewForm;
use crate::store::tablets;

/// Seven columns have no default (OpenEMR facts 1.14); the times are NULL until something happens. `file_path` is the number of
/// the template in OpenEMR, by which its own lists find the form again.
const INSERT: &str = "INSERT INTO onsite_documents (pid, facility, provider, encounter, create_date, doc_type, \
    patient_signed_status, patient_signed_time, authorize_signed_time, accept_signed_status, authorizing_signator, \
    review_date, denial_reason, authorized_signature, patient_signature, full_document, file_name, file_path";
const WITH_DATA: &str = ", template_data";
const VALUES: &str =
    ") VALUES (?, 0, 0, 0, ?, ?, 0, NULL, NULL, 0, '', NULL, ?, NULL, NULL, ?, ?, ?";

/// The same form, still open.
const WAITS: &str = "SELECT COUNT(*) AS number FROM onsite_documents d JOIN anteroom_form f ON f.document = d.id \
    WHERE f.pid = ? AND f.template = ? AND HEX(d.denial_reason) IN (HEX('New'), HEX('Open'), HEX('Editing'))";

/// Where a form goes that no category was chosen for: OpenEMR's own for what staff looked through.
const REVIEWED: &str = "Reviewed";

/// Letters of a title at most, as the column has it.
const LONGEST: usize = 255;

#[derive(FromRow)]
struct Number {
    number: i64,
}

/// What the rules must know.
///
/// # Errors
/// `Unprocessable` for a patient there is none of for this caller.
pub(in crate::emr) async fn case(
    emr: &Emr,
    (grant, reach): (&Grant, &Reach),
    (patient, template, category): (Uuid, Uuid, &str),
) -> Answer<Case> {
    let person = message_writing::patient(emr, reach, (patient, "Task.for")).await?;
    let by = match grant.user() {
        User::Staff(staff) => Some(staff.id),
        User::Patient(_) | User::System => None,
    };
    let found = templates::of_patient(emr, template, person).await?;
    let asked = match (category.trim(), &found) {
        ("", Some(found)) if !found.category.trim().is_empty() => found.category.trim(),
        ("", _) => REVIEWED,
        (named, _) => named,
    };
    let token = |name: &str| Token {
        system: Some(DOCUMENT_CATEGORIES.to_owned()),
        code: name.to_owned(),
    };
    let filer = Filer::Staff(by.unwrap_or_default());
    let of = |name: &str| {
        let token = token(name);
        async move { filing::category(emr, (filer, reach.held()), Some(&token)).await }
    };
    let mut place = of(asked).await?;
    // A template's own category may be a word of OpenEMR's portal, and none of the chart's. One that is there and kept from
    // whoever puts the form is not another.
    if place.is_none() && category.trim().is_empty() {
        let anybodys = filing::category(emr, (filer, None), Some(&token(asked))).await?;
        if anybodys.is_none() {
            place = of(REVIEWED).await?;
        }
    }
    let waits: Option<Number> = emr.db.one(waits(person, template)).await?;
    let html = found
        .as_ref()
        .map_or_else(String::new, |found| blank(&found.questions));
    Ok(Case::Form(Box::new(FormCase::Put(Box::new(PutCase {
        person,
        by,
        template: found,
        html,
        category: place,
        waits: waits.is_some_and(|row| row.number > 0),
    })))))
}

fn waits(person: Person, template: Uuid) -> Sql {
    Sql::new(WAITS).bind(person.pid).bind(template.to_string())
}

/// Writes what a permit allows.
///
/// # Errors
/// `Conflict` where the same form was put there at the same moment; otherwise as [`Tx::insert`].
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, case: &PutCase) -> Answer<Written> {
    let (Some(template), Some(category)) = (&case.template, case.category) else {
        return Err(Refusal::NotFound.into());
    };
    // Of two who put a form before a patient at once one waits for the other.
    if !persons::hold(tx, case.person).await? {
        return Err(Refusal::NotFound.into());
    }
    let again = waits(case.person, template.uuid).push(tx.lock_clause());
    let again: Option<Number> = tx.one(again).await?;
    if again.is_some_and(|row| row.number > 0) {
        let why = "The same form was put before the patient at the same moment.";
        return Err(Refusal::Conflict(why.to_owned()).into());
    }
    let title: String = template.title.chars().take(LONGEST).collect();
    let row = match template.source {
        Source::OpenEmr(row) => row.to_string(),
        Source::House => String::new(),
    };
    let data = rows::has_data(emr);
    let now = emr.now();
    let sql = Sql::new(INSERT)
        .push(if data { WITH_DATA } else { "" })
        .push(VALUES)
        .push(if data { ", '')" } else { ")" })
        .bind(case.person.pid)
        .bind(emr.zone.wall(now))
        .bind(&title)
        .bind(State::New.word())
        .bind(case.html.clone().into_bytes())
        .bind(&title)
        .bind(row);
    let document = tx.insert(sql).await?;
    let form = NewForm {
        document,
        pid: case.person.pid,
        template: template.uuid.to_string(),
        category,
        put_by: case.by.unwrap_or_default(),
        at: now,
    };
    if forms::begin(tx, &form).await? {
        tablets::end_all(tx, document, now.unix_timestamp()).await?;
    }
    let pid = case.person.pid;
    form_letters::owe(tx, Owed { document, pid }, now.unix_timestamp()).await?;
    Ok(Written::Record(tasks::form_id(document)))
}
