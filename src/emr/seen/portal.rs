//! What patients send through OpenEMR's own portal: nothing in its rows says so once staff filed it elsewhere, so it is noted
//! while it lies where that portal puts it.

use sqlx::FromRow;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::names::named;
use crate::emr::uuids;
use crate::store::reviews::millis;
use crate::store::uploads;
use crate::store::uploads::NewUpload;
use crate::store::uploads::State;

/// `owner` is 0 or NULL, as nobody of the practice put it there. What this house filed has its row already.
const LIES: &str = "SELECT CAST(d.id AS SIGNED) AS row_id, CAST(p.pid AS SIGNED) AS pid, p.uuid AS patient, d.date, ";
const UUID: &str = "d.uuid AS uuid";
const NO_UUID: &str = "NULL AS uuid";
const FROM: &str = " FROM categories q JOIN categories c ON c.parent = q.id \
    JOIN categories_to_documents l ON l.category_id = c.id \
    JOIN documents d ON d.id = l.document_id JOIN patient_data p ON p.pid = d.foreign_id \
    WHERE q.name = 'Onsite Portal' AND c.name = 'Patient' AND COALESCE(d.owner, 0) = 0 AND d.deleted = 0 \
    AND p.uuid IS NOT NULL AND l.category_id = \
    (SELECT MIN(x.category_id) FROM categories_to_documents x WHERE x.document_id = d.id) \
    AND NOT EXISTS (SELECT 1 FROM anteroom_upload w WHERE w.document = d.id)";
const HAS_UUID: &str = " AND d.uuid IS NOT NULL";
const ORDER: &str = " ORDER BY d.id LIMIT 1000";

#[derive(FromRow)]
struct Row {
    row_id: i64,
    pid: i64,
    patient: Option<Vec<u8>>,
    date: Option<PrimitiveDateTime>,
    uuid: Option<Vec<u8>>,
}

/// Notes what lies there and is not noted yet: it waits for nobody, and stays what the patient sent.
///
/// # Errors
/// As [`crate::db::Db::transaction_about`].
pub(super) async fn note(emr: &Emr) -> Answer<()> {
    let has_uuid = emr.layout.has("documents", "uuid");
    let sql = match has_uuid {
        true => Sql::new(LIES).push(UUID).push(FROM).push(HAS_UUID),
        false => Sql::new(LIES).push(NO_UUID).push(FROM),
    };
    let rows: Vec<Row> = emr.db.all(sql.push(ORDER)).await?;
    let uploads: Vec<NewUpload> = rows
        .into_iter()
        .filter_map(|row| {
            let id: Uuid = match has_uuid {
                true => uuids::known(row.uuid.as_deref())?,
                false => named("documents", row.row_id),
            };
            Some(NewUpload {
                document: row.row_id,
                id,
                person: Person {
                    pid: row.pid,
                    uuid: uuids::known(row.patient.as_deref())?,
                },
                state: State::Accepted,
                client_id: String::new(),
                created: millis(emr.zone.told(row.date).unwrap_or_else(|| emr.now())),
            })
        })
        .collect();
    if uploads.is_empty() {
        return Ok(());
    }
    emr.db
        .transaction_about(uploads.as_slice(), |uploads, tx| {
            Box::pin(async move {
                for upload in uploads {
                    uploads::note(tx, upload).await?;
                }
                Ok(())
            })
        })
        .await
}
