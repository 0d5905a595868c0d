//! Which documents staff showed to their patient, or took back (`anteroom_share`). A document without a row is as the practice's
//! setting says; who reads the rows is `emr/documents`.

use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// A chart may have become another since, by staff who moved the document.
const CHANGE: &str =
    "UPDATE anteroom_share SET pid = ?, shared = ?, changed = ?, changed_by = ? WHERE document = ?";

const ADD: &str =
    "anteroom_share (pid, shared, changed, changed_by, document) VALUES (?, ?, ?, ?, ?)";

/// What staff say about a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// `documents.id`
    pub document: i64,
    /// Whose chart it is in: `patient_data.pid`.
    pub pid: i64,
    /// Whether that patient sees it.
    pub shared: bool,
    /// FHIR id of the member of staff.
    pub by: Option<Uuid>,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// Writes it down; the last one who says so counts.
///
/// # Errors
/// As [`Tx::run`].
pub async fn set(tx: &mut Tx, share: Share) -> Answer<()> {
    let add = Sql::new(tx.insert_new()).push(ADD);
    // A row that was there keeps its values, and the change then writes over them.
    tx.run(bound(add, share)).await?;
    tx.run(bound(Sql::new(CHANGE), share)).await.map(|_| ())
}

fn bound(sql: Sql, share: Share) -> Sql {
    sql.bind(share.pid)
        .bind(i64::from(share.shared))
        .bind(share.at)
        .bind(share.by)
        .bind(share.document)
}
