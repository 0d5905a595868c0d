//! The rows behind forms: OpenEMR's (`onsite_documents`), this house's beside it, and the signature that counts.

use sqlx::FromRow;
use uuid::Uuid;

use crate::crypto;
use crate::db::sql::Sql;
use crate::domain::forms::Answers;
use crate::domain::forms::Form;
use crate::domain::forms::How;
use crate::domain::forms::Questions;
use crate::domain::forms::Signed;
use crate::domain::forms::State;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
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
use crate::store::reviews;

/// The state is in `denial_reason` (OpenEMR facts 1.14). The signature is the one that is not void: a form is signed only
/// while it is open, and is open again only when its signature was made void. Version 6.1 has no `template_data`: answers are in
/// the document itself.
pub(super) const FIND: &str = "SELECT CAST(d.id AS SIGNED) AS id, CAST(d.create_date AS CHAR) AS at, d.doc_type, \
    d.denial_reason, d.patient_signature, d.full_document, p.pid, p.uuid, p.fname, p.mname, p.lname, \
    f.reason, f.filed, f.put_by, c.id AS category_id, c.name AS category, \
    s.name AS signed_name, s.how, s.picture, s.hash, s.signed, s.witness";
pub(super) const DATA: &str = ", d.template_data AS data";
pub(super) const NO_DATA: &str = ", NULL AS data";
pub(super) const FROM: &str = " FROM onsite_documents d JOIN patient_data p ON p.pid = d.pid \
    LEFT JOIN anteroom_form f ON f.document = d.id LEFT JOIN categories c ON c.id = f.category \
    LEFT JOIN anteroom_signature s ON s.document = d.id AND s.voided IS NULL \
    WHERE d.denial_reason IN ('New', 'Open', 'Editing', 'In Review', 'Locked')";

/// A row, as it is stored.
#[derive(FromRow)]
pub(super) struct Row {
    id: i64,
    pub(super) at: Option<String>,
    doc_type: Option<String>,
    denial_reason: Option<String>,
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
    category_id: Option<i64>,
    category: Option<String>,
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

/// The statement that finds forms, for conditions to be added.
pub(super) fn statement(emr: &Emr) -> Sql {
    let data = if has_data(emr) { DATA } else { NO_DATA };
    Sql::new(FIND).push(data).push(FROM)
}

/// One form of a chart, which must still be the one that is meant.
pub(super) async fn one(emr: &Emr, person: Person, row: i64) -> Answer<Option<Held>> {
    let sql = statement(emr)
        .push(" AND d.id = ? AND p.pid = ? AND p.uuid = ?")
        .bind(row)
        .bind(person.pid)
        .bind(person.uuid);
    let found: Option<Row> = emr.db.one(sql).await?;
    Ok(found.and_then(|row| row.held(emr)))
}

/// What is signed, as one text without two readings, and its hash.
pub(super) fn fingerprint(parts: &[&str]) -> String {
    let all = serde_json::Value::from(parts.to_vec());
    crypto::sha3_512_hex(all.to_string().as_bytes())
}

impl Row {
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
        if questions.items().any(|item| item.name.is_empty()) {
            questions.named();
        }
        written::saved(&questions, &mut answers, &data);
        keep_known(&mut answers, &questions);
        let title = self.doc_type.clone().unwrap_or_default();
        let signed = self.signature(emr, (&title, &html, &data));
        Some(Held {
            form: Form {
                uuid: id(self.id),
                row: self.id,
                person,
                patient_name: staff::display(self.fname, self.mname, self.lname),
                title: tidy(self.doc_type),
                category: self
                    .category_id
                    .map(|id| (id, self.category.unwrap_or_default())),
                state,
                questions,
                answers,
                reason: self.reason.unwrap_or_default(),
                signed,
                filed: self.filed,
                put_by: self.put_by.unwrap_or_default(),
                created: self
                    .at
                    .as_deref()
                    .and_then(tasks::written)
                    .and_then(|at| emr.zone.told(Some(at))),
            },
            title,
            html: html.into_owned(),
            data,
        })
    }

    fn signature(&self, emr: &Emr, (title, html, data): (&str, &str, &str)) -> Option<Signed> {
        let millis = self.signed?;
        let name = self.signed_name.clone()?;
        let hash = self.hash.clone()?;
        let picture = self.picture.clone()?;
        let how = match self.how.as_deref() {
            Some("drawn") => How::Drawn,
            _ => How::Typed,
        };
        let whole = self.patient_signature.as_deref() == Some(picture.as_str())
            && fingerprint(&signed_parts(
                (&self.pid.to_string(), &self.id.to_string()),
                (title, html, data),
                (&name, how.word(), &millis.to_string()),
            )) == hash;
        Some(Signed {
            name,
            how,
            picture,
            at: emr.zone.at(reviews::moment(millis)?),
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

/// Answers to what is not asked are none.
fn keep_known(answers: &mut Answers, questions: &Questions) {
    answers.retain(|id, _| questions.items().any(|item| item.id == *id));
}
