//! Forms in the Documents Center (`onsite_documents`): as documents of the chart, to be filled in and signed, and locked when
//! they are done.

mod answered;
pub mod chart;
mod charted;
mod directives;
mod fill;
mod known;
mod offered;
mod parse;
mod picture;
mod pieces;
mod put;
mod restored;
mod rewritten;
mod rows;
mod taken;
pub mod templates;
mod written;

use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::forms::Form;
use crate::domain::forms::Questions;
use crate::domain::people::Code;
use crate::domain::query::Cursor;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Content;
use crate::domain::records::DocumentReference;
use crate::domain::records::OfForm;
use crate::domain::records::Record;
use crate::domain::records::Stage;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::documents;
use crate::emr::documents::Bytes;
use crate::emr::documents::Columns;
use crate::emr::documents::Opened;
use crate::emr::documents::Placed;
use crate::emr::forms::rows::Held;
use crate::emr::predicates;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::document::DocumentCase;
use crate::portal::form::FormAsk;
use crate::portal::form::FormChange;
use crate::portal::form::Policy;

pub use offered::is_of;

pub(super) use offered::find as questionnaires;
pub(super) use rows::id;
pub(super) use rows::row_of;
pub(super) use rows::stand;
pub(super) use rows::stands;

/// Forms stand behind this among the rows of documents, so that a cursor tells the two apart.
const SPAN: i64 = 1 << 44;

const KEY: &str = "d.create_date";

/// A form is current whatever becomes of it.
const COLUMNS: Columns = Columns {
    date: KEY,
    current: "",
    in_error: " AND 1 = 0",
};

const ORDER: &str = " ORDER BY d.create_date DESC, d.id DESC";

/// Forms that wait for the patient, and those that are signed.
const OPEN: &str = " AND HEX(d.denial_reason) IN (HEX('New'), HEX('Open'), HEX('Editing'))";
const SIGNED: &str = " AND HEX(d.denial_reason) IN (HEX('In Review'), HEX('Locked'))";

/// Forms that wait for one patient, at most; the newest count.
const MANY: u32 = 200;

/// Which document of the chart was a form.
const FILED: &str = "SELECT document, filed FROM anteroom_form WHERE filed IN ";

/// OpenEMR shows staff a document only where they have the right its category asks for; without one that of documents.
const OPEN_TO_STAFF: &str = " AND COALESCE(c.aco_spec, 'patients|docs') IN ";

#[derive(sqlx::FromRow)]
struct Filed {
    document: i64,
    filed: i64,
}

/// What a form that was made here is in OpenEMR's column: the form without answers.
pub fn blank(questions: &Questions) -> String {
    written::blank(questions)
}

/// Documents and forms together, the newest first: what a search of DocumentReference finds.
///
/// # Errors
/// As [`documents::found`].
pub(super) async fn with_documents(
    emr: &Emr,
    reach: &Reach,
    query: &Query,
) -> Answer<Page<Record>> {
    let only_forms = query
        .ids
        .as_ref()
        .is_some_and(|ids| !ids.is_empty() && ids.iter().all(|id| row_of(*id).is_some()));
    let (mut all, mut more) = match only_forms {
        true => (Vec::new(), false),
        false => documents::found(emr, reach, query).await?,
    };
    // A page of each, of which the newest are taken; what is left is found again behind the last.
    if query.count > 0 {
        let (forms, others) = find(emr, reach, query).await?;
        more |= others;
        let forms = forms.into_iter();
        all.extend(forms.map(|(key, row, record)| (key, SPAN + row, record)));
    }
    all.sort_by(|one, other| other.0.cmp(&one.0).then(other.1.cmp(&one.1)));
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let cut = all.len() > count;
    all.truncate(count);
    let next = all
        .last()
        .filter(|_| cut || more)
        .map(|(key, row, _)| Cursor {
            key: key.clone(),
            row: *row,
        });
    Ok(Page {
        records: all.into_iter().map(|(_, _, record)| record).collect(),
        next,
    })
}

/// The forms of a chart that are open to whoever has this reach.
fn within(emr: &Emr, reach: &Reach) -> Result<Sql, Refusal> {
    let person = reach.person()?;
    let mut sql = rows::listing()
        .push(" AND p.pid = ? AND p.uuid = ?")
        .bind(person.pid)
        .bind(person.uuid);
    if let Some(held) = reach.held() {
        sql = predicates::rights(sql.push(OPEN_TO_STAFF), held, &[]);
    }
    predicates::granted(sql, reach, |sql, filter| {
        documents::filtered(emr, sql, (filter, &COLUMNS))
    })
}

/// The statement for the forms a query finds; `None` where its ids are of no form.
fn sought(emr: &Emr, reach: &Reach, query: &Query) -> Result<Option<Sql>, Refusal> {
    let mut sql = within(emr, reach)?;
    if let Some(ids) = &query.ids {
        let rows: Vec<i64> = ids.iter().filter_map(|id| row_of(*id)).collect();
        if rows.is_empty() {
            return Ok(None);
        }
        sql = sql.push(" AND d.id IN ").list(rows);
    }
    for filter in &query.filters {
        sql = documents::filtered(emr, sql, (filter, &COLUMNS))?;
    }
    // Of one second forms come before documents.
    let after = query.after.as_ref().map(|after| Cursor {
        key: after.key.clone(),
        row: (after.row - SPAN).max(0),
    });
    let sql = predicates::below(sql, KEY, "d.id", after.as_ref());
    Ok(Some(sql.push(ORDER).limit(query.count.saturating_add(1))))
}

/// The forms a query finds, each with its place, and whether there are more.
async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<(Vec<Placed>, bool)> {
    let Some(sql) = sought(emr, reach, query)? else {
        return Ok((Vec::new(), false));
    };
    let (found, number) = rows::listed(emr, sql).await?;
    let more = number > usize::try_from(query.count).unwrap_or(usize::MAX);
    let found = found.into_iter().map(|(key, form)| {
        let number = form.row;
        (key, number, record(emr, form))
    });
    Ok((found.collect(), more))
}

/// A form as a document.
fn record(emr: &Emr, form: Form) -> Record {
    let standing = form.standing();
    let signed_at = form.signed.as_ref().map(|signed| signed.at);
    Record::DocumentReference(Box::new(DocumentReference {
        name: format!("{}.pdf", form.title),
        category: form.category.map(|(_, name)| name).unwrap_or_default(),
        loinc: None::<Code>,
        content_type: "application/pdf".to_owned(),
        size: None,
        date: form.created,
        author: None,
        custodian: emr.known().organization,
        about: None,
        from_patient: form.signed.is_some(),
        stage: Stage::Final,
        shared: true,
        last_updated: signed_at.or(form.created),
        uuid: form.uuid,
        person: form.person,
        patient_name: form.patient_name,
        form: Some(Box::new(OfForm {
            standing,
            state: form.state,
            signed: form.signed,
            questions: form.questions,
        })),
        transforms: None,
    }))
}

/// The forms that these documents of the chart were made of: number of the document, id of the form.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn originals(emr: &Emr, documents: &[i64]) -> Answer<Vec<(i64, Uuid)>> {
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let sql = Sql::new(FILED).list(documents.iter().copied());
    let rows: Vec<Filed> = emr.db.all(sql).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.filed, id(row.document)))
        .collect())
}

/// The chart a form is in.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn owners(emr: &Emr, ids: &[Uuid]) -> Answer<Vec<i64>> {
    #[derive(sqlx::FromRow)]
    struct Owner {
        pid: Option<i64>,
    }
    const OWNERS: &str =
        "SELECT DISTINCT CAST(pid AS SIGNED) AS pid FROM onsite_documents WHERE id IN ";
    let rows: Vec<i64> = ids.iter().filter_map(|id| row_of(*id)).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Owner> = emr.db.all(Sql::new(OWNERS).list(rows)).await?;
    Ok(rows.into_iter().filter_map(|row| row.pid).collect())
}

/// The forms that wait for a patient, the newest first, without what they ask.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn open_of(emr: &Emr, reach: &Reach) -> Answer<Vec<Form>> {
    let sql = within(emr, reach)?.push(OPEN).push(ORDER).limit(MANY);
    let (found, _) = rows::listed(emr, sql).await?;
    Ok(found.into_iter().map(|(_, form)| form).collect())
}

/// A page of the forms a patient has signed, from one on, the newest first, and the last of them where there are more.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn signed_of(
    emr: &Emr,
    reach: &Reach,
    (behind, count): (Option<Uuid>, u32),
) -> Answer<(Vec<Form>, Option<Uuid>)> {
    let mut sql = within(emr, reach)?.push(SIGNED);
    if let Some(row) = behind.and_then(row_of) {
        sql = sql.push(" AND d.id < ?").bind(row);
    }
    let sql = sql
        .push(" ORDER BY d.id DESC")
        .limit(count.saturating_add(1));
    let (found, number) = rows::listed(emr, sql).await?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut forms: Vec<Form> = found.into_iter().map(|(_, form)| form).collect();
    forms.truncate(count);
    let next = forms
        .last()
        .filter(|_| number > count)
        .map(|form| form.uuid);
    Ok((forms, next))
}

/// One form within a reach.
///
/// # Errors
/// `NotFound` where there is none for this caller.
pub async fn read(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<Form> {
    Ok(held(emr, reach, id).await?.form)
}

async fn held(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<Held> {
    let row = row_of(id).ok_or(Refusal::NotFound)?;
    let narrow = super::narrow::narrowed(emr, reach, &Query::one(id)).await?;
    let narrow = narrow.ok_or(Refusal::NotFound)?;
    let person = narrow.person()?;
    // Scopes that are cut to a category, and the rights of staff, are the search's to know.
    let sought = sought(emr, &narrow, &Query::one(id))?;
    if !rows::is_listed(emr, sought.ok_or(Refusal::NotFound)?).await? {
        return Err(Refusal::NotFound.into());
    }
    let found = rows::one(emr, person, row).await?;
    found.ok_or_else(|| Refusal::NotFound.into())
}

/// Whether a document that is to be changed is a form that is signed.
///
/// # Errors
/// As [`read`].
pub async fn is_locked(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<bool> {
    if row_of(id).is_none() {
        return Ok(false);
    }
    match read(emr, reach, id).await {
        Ok(form) => Ok(!form.state.is_open()),
        Err(Failure::Refused(_)) => Ok(false),
        Err(broken) => Err(broken),
    }
}

/// A form as a PDF, as it stands.
///
/// # Errors
/// `NotFound` as for [`read`].
pub(super) async fn open(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<Opened> {
    let form = read(emr, reach, id).await?;
    let bytes = chart::pdf(emr, &form).await?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let tag = crate::crypto::sha3_512_hex(&bytes);
    Ok(Opened {
        person: reach.person()?,
        tag: tag.chars().take(32).collect(),
        length,
        bytes: Bytes::Whole(bytes),
        about: Content {
            uuid: id,
            name: format!("{}.pdf", form.title),
            content_type: "application/pdf".to_owned(),
            bytes: Vec::new(),
            last_updated: form.signed.map(|signed| signed.at).or(form.created),
        },
    })
}

/// The same with the bytes in memory.
///
/// # Errors
/// As [`open`].
pub(super) async fn content(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<Content> {
    let opened = open(emr, reach, id).await?;
    let bytes = match opened.bytes {
        Bytes::Whole(bytes) => bytes,
        Bytes::File(..) => Vec::new(),
    };
    Ok(Content {
        bytes,
        ..opened.about
    })
}

/// What the rules must know.
///
/// # Errors
/// `NotFound` and `Unprocessable` for what is not there for this caller.
pub(super) async fn case(
    emr: &Emr,
    (grant, reach): (&Grant, &Reach),
    (ask, policy): (FormAsk, Policy),
) -> Answer<Case> {
    match ask {
        FormAsk::Put {
            patient,
            template,
            category,
        } => put::case(emr, (grant, reach), (patient, template, &category)).await,
        FormAsk::Keep(ask) => templates::case(emr, (grant, reach), *ask).await,
        FormAsk::Fill(ask) => fill::case(emr, (grant, reach), (ask, policy)).await,
    }
}

/// Writes what a permit allows.
///
/// # Errors
/// `Conflict` where the form was signed or changed at the same moment.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, change: &FormChange) -> Answer<Written> {
    match change {
        FormChange::Put(case) => put::apply(emr, tx, case).await,
        FormChange::Keep(case) => templates::apply(emr, tx, case).await,
        FormChange::Fill(case) => fill::apply(emr, tx, case).await,
    }
}

/// The document of a form that is filed as soon as it is signed.
pub(super) fn filed(change: &FormChange) -> Option<&DocumentCase> {
    match change {
        FormChange::Fill(case) => case.signing.as_ref()?.charted.as_deref(),
        FormChange::Put(_) | FormChange::Keep(_) => None,
    }
}

/// The FHIR id of the form in a row of the Documents Center.
pub fn id_of(row: i64) -> Uuid {
    id(row)
}

/// The row of the Documents Center behind the FHIR id of a form.
pub fn number_of(id: Uuid) -> Option<i64> {
    row_of(id)
}
