//! What patients sent to the chart (`anteroom_upload`), and what staff said of it: waiting until somebody looked, then
//! accepted or rejected, once. What was sent through OpenEMR's own portal is noted while it lies where that puts it, and waits
//! for nobody.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;

const INSERT: &str = "INSERT INTO ";

/// What was noted before stays as it is.
const NOTE: &str = "anteroom_upload (document, uuid, pid, patient, state, client_id, created) \
    VALUES (?, ?, ?, ?, ?, ?, ?)";

/// The state is compared again, so that of two who decide at once only one does.
const DECIDE: &str = "UPDATE anteroom_upload SET state = ?, reason = ?, decided = ?, decided_by = ? \
    WHERE document = ? AND state = 'waiting'";

const SELECT: &str = "SELECT document, uuid, pid, patient, state, reason, client_id, created, decided, decided_by \
    FROM anteroom_upload WHERE ";

/// 1 for a category `c` with its parent `q` where what patients send is put (OpenEMR facts 2.9): the portal's own, where there
/// is none any other of that name, and where there is none either the one of number 3.
pub const UNFILED: &str = "CASE WHEN c.name = 'Patient' AND q.name = 'Onsite Portal' THEN 1 \
    WHEN EXISTS (SELECT 1 FROM categories x JOIN categories y ON y.id = x.parent \
    WHERE x.name = 'Patient' AND y.name = 'Onsite Portal') THEN 0 \
    WHEN c.name = 'Patient' THEN 1 \
    WHEN EXISTS (SELECT 1 FROM categories x JOIN categories y ON y.id = x.parent WHERE x.name = 'Patient') THEN 0 \
    WHEN c.id = 3 THEN 1 ELSE 0 END";

/// The longest reason that is kept.
pub const LONGEST_REASON: usize = 1000;

/// How far staff are with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody has looked.
    Waiting,
    /// It belongs to the chart.
    Accepted,
    /// It does not, and is no document any more.
    Rejected,
}

impl State {
    /// Each with its word.
    const ALL: [(&'static str, Self); 3] = [
        ("waiting", Self::Waiting),
        ("accepted", Self::Accepted),
        ("rejected", Self::Rejected),
    ];

    /// As stored.
    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, one)| *one == self);
        known.map_or("", |(word, _)| word)
    }

    /// Of a word; what nobody knows waits.
    pub fn of(word: &str) -> Self {
        let known = Self::ALL.iter().find(|(known, _)| *known == word);
        known.map_or(Self::Waiting, |(_, one)| *one)
    }
}

/// A document that a patient sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    /// `documents.id`
    pub document: i64,
    /// FHIR id of the document.
    pub id: Uuid,
    /// Whose chart.
    pub person: Person,
    /// How far it is: it waits, unless the practice takes all there is.
    pub state: State,
    /// Through which app.
    pub client_id: String,
    /// When, in milliseconds since 1970.
    pub created: i64,
}

/// What a patient sent, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Upload {
    /// `documents.id`
    pub document: i64,
    uuid: Vec<u8>,
    /// Whose chart it was filed in: `patient_data.pid`.
    pub pid: i64,
    patient: Vec<u8>,
    state: String,
    /// Why it was rejected, for the patient; empty where nothing was said.
    pub reason: String,
    /// Through which app.
    pub client_id: String,
    /// When it was sent, in milliseconds since 1970.
    pub created: i64,
    /// When it was decided, likewise.
    pub decided: Option<i64>,
    decided_by: Option<Vec<u8>>,
}

impl Upload {
    /// FHIR id of the document.
    pub fn id(&self) -> Uuid {
        Uuid::from_slice(&self.uuid).unwrap_or_default()
    }

    /// Whose chart it was filed in.
    pub fn person(&self) -> Person {
        Person {
            pid: self.pid,
            uuid: Uuid::from_slice(&self.patient).unwrap_or_default(),
        }
    }

    /// How far it is.
    pub fn state(&self) -> State {
        State::of(&self.state)
    }

    /// Who decided, where it was a member of staff.
    pub fn decided_by(&self) -> Option<Uuid> {
        Uuid::from_slice(self.decided_by.as_deref()?).ok()
    }
}

/// How it was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Accepted or rejected.
    pub state: State,
    /// Why, for the patient; at most [`LONGEST_REASON`] characters, empty where nothing was said.
    pub reason: String,
    /// FHIR id of the member of staff.
    pub by: Option<Uuid>,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// Which are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Those of these numbers in `documents`.
    Documents(&'a [i64]),
    /// Those of these FHIR ids.
    Ids(&'a [Uuid]),
}

/// Writes down what a patient sent, in the transaction of its rows.
///
/// # Errors
/// As [`Tx::run`].
pub async fn insert(tx: &mut Tx, upload: &NewUpload) -> Answer<()> {
    let sql = Sql::new(INSERT).push(NOTE);
    tx.run(bound(sql, upload)).await.map(|_| ())
}

/// Notes what a patient sent by another way, unless it is noted already.
///
/// # Errors
/// As [`Tx::run`].
pub async fn note(tx: &mut Tx, upload: &NewUpload) -> Answer<()> {
    let sql = Sql::new(tx.insert_new()).push(NOTE);
    tx.run(bound(sql, upload)).await.map(|_| ())
}

fn bound(sql: Sql, upload: &NewUpload) -> Sql {
    sql.bind(upload.document)
        .bind(upload.id)
        .bind(upload.person.pid)
        .bind(upload.person.uuid)
        .bind(upload.state.word())
        .bind(&upload.client_id)
        .bind(upload.created)
}

/// Decides about what still waits; how many did. Of two who decide at once, one is told 0.
///
/// # Errors
/// As [`Tx::run`].
pub async fn decide(tx: &mut Tx, document: i64, decision: &Decision) -> Answer<u64> {
    let reason: String = decision.reason.chars().take(LONGEST_REASON).collect();
    let sql = Sql::new(DECIDE)
        .bind(decision.state.word())
        .bind(reason)
        .bind(decision.at)
        .bind(decision.by)
        .bind(document);
    tx.run(sql).await
}

/// Those that are wanted, the oldest first, at most 5,001.
///
/// # Errors
/// As [`Db::all`].
pub async fn of(db: &Db, wanted: Wanted<'_>) -> Answer<Vec<Upload>> {
    match wanted {
        Wanted::Documents([]) | Wanted::Ids([]) => Ok(Vec::new()),
        wanted => db.all(statement(wanted)).await,
    }
}

/// The same within a transaction, the rows held until it ends.
///
/// # Errors
/// As [`Tx::all`].
pub async fn held(tx: &mut Tx, wanted: Wanted<'_>) -> Answer<Vec<Upload>> {
    let lock = tx.lock_clause();
    tx.all(statement(wanted).push(lock)).await
}

fn statement(wanted: Wanted<'_>) -> Sql {
    let sql = Sql::new(SELECT);
    let sql = match wanted {
        Wanted::Documents(rows) => sql.push("document IN ").list(rows.iter().copied()),
        Wanted::Ids(ids) => sql.push("uuid IN ").list(ids.iter().copied()),
    };
    sql.push(" ORDER BY created, document").limit(5001)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(document: i64) -> NewUpload {
        NewUpload {
            document,
            id: Uuid::from_u128(u128::from(document.unsigned_abs())),
            person: Person {
                pid: 7,
                uuid: Uuid::from_u128(70),
            },
            state: State::Waiting,
            client_id: "app".to_owned(),
            created: document,
        }
    }

    fn decision(state: State) -> Decision {
        Decision {
            state,
            reason: "ä".repeat(LONGEST_REASON + 1),
            by: Some(Uuid::from_u128(9)),
            at: 99,
        }
    }

    #[tokio::test]
    async fn f150_an_upload_is_decided_once() {
        let name = format!("anteroom-uploads-{}.db", std::process::id());
        let file = std::env::temp_dir().join(name);
        let url = format!("sqlite://{}", file.display());
        let db = Db::open(&url, None).await.expect("opens");
        db.migrate().await.expect("migrates");
        let decided: (u64, u64) = db
            .transaction(|tx| {
                Box::pin(async move {
                    insert(tx, &upload(1)).await?;
                    insert(tx, &upload(2)).await?;
                    note(tx, &upload(2)).await?;
                    let first = decide(tx, 1, &decision(State::Rejected)).await?;
                    Ok((first, decide(tx, 1, &decision(State::Accepted)).await?))
                })
            })
            .await
            .expect("decides");
        assert_eq!(decided, (1, 0));
        let found = of(&db, Wanted::Documents(&[1])).await.expect("finds");
        assert_eq!(found[0].state(), State::Rejected);
        assert_eq!(found[0].decided_by(), Some(Uuid::from_u128(9)));
        assert_eq!(found[0].reason.chars().count(), LONGEST_REASON);
        assert_eq!(
            (found[0].person(), found[0].id()),
            (upload(1).person, upload(1).id)
        );
        let ids = [Uuid::from_u128(2)];
        let second = of(&db, Wanted::Ids(&ids)).await.expect("finds");
        assert_eq!(second.len(), 1);
        assert_eq!(second[0].state(), State::Waiting);
        db.close().await;
        let _ = std::fs::remove_file(file);
    }

    #[tokio::test]
    async fn f150_what_is_sent_lies_where_the_installation_has_room_for_it() {
        #[derive(FromRow)]
        struct Is {
            number: i64,
        }
        let name = format!("anteroom-unfiled-{}.db", std::process::id());
        let file = std::env::temp_dir().join(name);
        let url = format!("sqlite://{}", file.display());
        let db = Db::open(&url, None).await.expect("opens");
        db.migrate().await.expect("migrates");
        // The one of OpenEMR's portal; then any other of that name; then the one of number 3.
        for (changed, lies, elsewhere) in [
            ("SELECT 1", 28, 2),
            (
                "UPDATE categories SET name = 'Portal' WHERE name = 'Onsite Portal'",
                28,
                3,
            ),
            (
                "UPDATE categories SET name = 'Patients' WHERE name = 'Patient'",
                3,
                28,
            ),
        ] {
            db.script(changed).await.expect("changed");
            for (category, unfiled) in [(lies, 1), (elsewhere, 0)] {
                let sql = Sql::new("SELECT ")
                    .push(UNFILED)
                    .push(" AS number FROM categories c JOIN categories q ON q.id = c.parent WHERE c.id = ?")
                    .bind(i64::from(category));
                let found: Option<Is> = db.one(sql).await.expect("asked");
                assert_eq!(
                    found.expect("there").number,
                    unfiled,
                    "{changed}: {category}"
                );
            }
        }
        db.close().await;
        let _ = std::fs::remove_file(file);
    }
}
