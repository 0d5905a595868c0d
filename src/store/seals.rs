//! The seals of the ledger (`anteroom_audit_seal`). A chain inside each transaction would make every write wait for every
//! other, so the lines are sealed behind it: blocks of at most a thousand, in the order of their ids, each block tied to
//! the one before and signed with a key of its own purpose.
//!
//! What it shows: any change of a line or of a seal by whoever does not hold that key, such as OpenEMR's own account, a
//! hole in OpenEMR, or a backup put back in part. What it does not show by itself: somebody who may read `anteroom_key`
//! can seal anew, and whoever cuts off the last seals together with the lines that tell of them leaves no trace in the
//! database. Against both, every seal's number and chain value also go to the log, and `anteroom audit verify --head`
//! compares one that was kept elsewhere.

pub mod verify;

use sqlx::FromRow;
use time::OffsetDateTime;

use crate::crypto;
use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

/// The most lines of a seal.
const BLOCK: u32 = 1000;

/// How much of a line's SHA-256 a seal keeps.
const DIGEST: usize = 16;

/// A line that tells of a seal: written with it, so that a seal that is cut off is missed.
const ACTION: &str = "audit.seal";

/// Lines in the order of their ids, which on a cluster have gaps.
const LINES: &str = "SELECT id, at, action, outcome, reason, actor, client_id, grant_id, resource, request_id, patient \
    FROM anteroom_audit WHERE id > ? AND id <= ? ORDER BY id";

const HEAD: &str =
    "SELECT id, last_line, chain, created FROM anteroom_audit_seal ORDER BY id DESC LIMIT 1";

/// The number of the seal is its key, so of two replicas that seal at once only one does.
const ADD: &str = "anteroom_audit_seal (id, first_line, last_line, line_count, digests, chain, signature, created) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const NEWEST: &str = "SELECT MAX(id) AS number FROM anteroom_audit";

/// The first line after a seal that is too young to be sealed.
const YOUNG: &str = "SELECT MIN(id) AS number FROM anteroom_audit WHERE id > ? AND at > ?";

#[derive(FromRow)]
struct Number {
    number: Option<i64>,
}

/// A line as it stands in the table, every column of it.
#[derive(FromRow)]
struct Row {
    id: i64,
    at: i64,
    action: String,
    outcome: String,
    reason: String,
    actor: String,
    client_id: String,
    grant_id: String,
    resource: String,
    request_id: String,
    patient: Option<Vec<u8>>,
}

#[derive(FromRow)]
struct HeadRow {
    id: i64,
    last_line: i64,
    chain: Vec<u8>,
    created: i64,
}

/// The last seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0 before the first.
    pub number: i64,
    /// The last line it covers.
    pub last_line: i64,
    /// The value that stands for everything up to it.
    pub chain: Vec<u8>,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
}

impl Head {
    /// Number and chain value as they are noted elsewhere: `12:Zm9v...`.
    pub fn text(&self) -> String {
        format!("{}:{}", self.number, crypto::base64url(&self.chain))
    }
}

/// What a call sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// How many lines.
    pub lines: u64,
    /// In how many seals.
    pub seals: u64,
}

/// What a seal is made of.
struct Block {
    number: i64,
    first: i64,
    last: i64,
    count: i64,
    digests: Vec<u8>,
    created: i64,
}

impl Row {
    /// The digest this line has, or would have under another id. Every text goes in with its length, so that nothing
    /// moves from one column to the next unseen; both engines give the same bytes.
    fn digest(&self, id: i64) -> [u8; DIGEST] {
        let mut form = Vec::with_capacity(256);
        form.extend(id.to_be_bytes());
        form.extend(self.at.to_be_bytes());
        let texts = [
            &self.action,
            &self.outcome,
            &self.reason,
            &self.actor,
            &self.client_id,
            &self.grant_id,
            &self.resource,
            &self.request_id,
        ];
        for text in texts {
            form.extend(length(text.len()));
            form.extend(text.as_bytes());
        }
        match &self.patient {
            None => form.push(0),
            Some(id) => {
                form.push(1);
                form.extend(length(id.len()));
                form.extend(id);
            }
        }
        let mut digest = [0; DIGEST];
        let whole = crypto::sha256(&form);
        digest.copy_from_slice(&whole[..DIGEST]);
        digest
    }

    /// The number and chain value of the seal this line tells of.
    fn tells_of(&self) -> Option<(i64, &str)> {
        if self.action != ACTION {
            return None;
        }
        let (number, chain) = self.reason.split_once(' ')?;
        Some((number.parse().ok()?, chain))
    }
}

impl Block {
    fn of(number: i64, rows: &[Row], created: i64) -> Option<Self> {
        let mut digests = Vec::with_capacity(rows.len() * (8 + DIGEST));
        for row in rows {
            digests.extend(row.id.to_be_bytes());
            digests.extend(row.digest(row.id));
        }
        Some(Self {
            number,
            first: rows.first()?.id,
            last: rows.last()?.id,
            count: i64::try_from(rows.len()).ok()?,
            digests,
            created,
        })
    }

    /// SHA-256 of everything the seal says itself.
    fn body(&self) -> [u8; 32] {
        let mut form = Vec::with_capacity(self.digests.len() + 40);
        for number in [self.number, self.first, self.last, self.count, self.created] {
            form.extend(number.to_be_bytes());
        }
        form.extend(&self.digests);
        crypto::sha256(&form)
    }
}

fn length(bytes: usize) -> [u8; 8] {
    u64::try_from(bytes).unwrap_or(u64::MAX).to_be_bytes()
}

fn chained(before: &[u8], body: &[u8; 32]) -> [u8; 32] {
    crypto::sha256(&[before, body].concat())
}

fn signed(key: &[u8], body: &[u8; 32], chain: &[u8]) -> Vec<u8> {
    crypto::hmac_sha256(key, &[body, chain].concat())
}

/// The last seal there is.
///
/// # Errors
/// As [`Db::all`].
pub async fn head(db: &Db) -> Answer<Head> {
    let row: Option<HeadRow> = db.one(Sql::new(HEAD)).await?;
    Ok(match row {
        None => Head {
            number: 0,
            last_line: i64::MIN,
            chain: Vec::new(),
            created: 0,
        },
        Some(row) => Head {
            number: row.id,
            last_line: row.last_line,
            chain: row.chain,
            created: row.created,
        },
    })
}

/// The id of the newest line there is. Whatever has a smaller one and is not there yet belongs to a transaction that runs
/// now: once none of those can be left, every line up to this one may be sealed.
///
/// # Errors
/// As [`Db::all`].
pub async fn newest(db: &Db) -> Answer<i64> {
    let row: Option<Number> = db.one(Sql::new(NEWEST)).await?;
    Ok(row.and_then(|row| row.number).unwrap_or_default())
}

/// The last line before the first that is younger than `millis`: what may be sealed by somebody who has not watched.
///
/// # Errors
/// As [`Db::all`].
pub async fn settled(db: &Db, millis: i64) -> Answer<i64> {
    let head = head(db).await?;
    // Looked at first: a line that comes between the two looks is not to be sealed before an older one that is under way.
    let newest = newest(db).await?;
    let young = Sql::new(YOUNG).bind(head.last_line).bind(millis);
    let row: Option<Number> = db.one(young).await?;
    match row.and_then(|row| row.number) {
        Some(id) => Ok(newest.min(id - 1)),
        None => Ok(newest),
    }
}

/// Seals the lines up to an id that are not sealed yet. Several may call it at once: no line is sealed twice.
///
/// # Errors
/// As [`Db::run`]; what was sealed before stays sealed.
pub async fn seal(db: &Db, key: &[u8], (up_to, now): (i64, OffsetDateTime)) -> Answer<Sealed> {
    let mut sealed = Sealed::default();
    loop {
        let head = head(db).await?;
        let rows = lines(db, (head.last_line, up_to)).await?;
        // A line that tells of a seal is no reason for another one; a whole block of them is.
        let few = rows.len() < usize::try_from(BLOCK).unwrap_or_default();
        if few && rows.iter().all(|row| row.tells_of().is_some()) {
            return Ok(sealed);
        }
        let created = millis(now);
        let Some(block) = Block::of(head.number + 1, &rows, created) else {
            return Ok(sealed);
        };
        if add(db, key, (&block, &head), now).await? {
            sealed.seals += 1;
            sealed.lines += u64::try_from(rows.len()).unwrap_or_default();
        }
    }
}

async fn lines(db: &Db, (after, up_to): (i64, i64)) -> Answer<Vec<Row>> {
    let sql = Sql::new(LINES).bind(after).bind(up_to).limit(BLOCK);
    db.all(sql).await
}

/// Writes a seal with the line that tells of it; false where somebody else was faster.
async fn add(
    db: &Db,
    key: &[u8],
    (block, head): (&Block, &Head),
    now: OffsetDateTime,
) -> Answer<bool> {
    let body = block.body();
    let chain = chained(&head.chain, &body);
    let signature = signed(key, &body, &chain);
    let mut entry = Entry::new(ACTION, Outcome::Success, now);
    "system".clone_into(&mut entry.actor);
    entry.reason = format!("{} {}", block.number, crypto::base64url(&chain));
    db.transaction(|tx| {
        let sql = Sql::new(tx.insert_new())
            .push(ADD)
            .bind(block.number)
            .bind(block.first)
            .bind(block.last)
            .bind(block.count)
            .bind(block.digests.clone())
            .bind(chain.to_vec())
            .bind(signature.clone())
            .bind(block.created);
        let entry = entry.clone();
        Box::pin(async move {
            let added = tx.run(sql).await? > 0;
            if added {
                ledger::record(tx, &entry).await?;
            }
            Ok(added)
        })
    })
    .await
}

fn millis(now: OffsetDateTime) -> i64 {
    i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}
