//! The outbox as the loop behind the server sees it: which letters are due, taking one in hand, and how it ended. A letter
//! in hand is a lease: a worker that dies lets it go by doing nothing.

use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::language::Language;
use crate::domain::refusal::Answer;
use crate::store::links::GUESSES;
use crate::store::links::Purpose;
use crate::store::outbox::Letter;

/// A letter in hand whose lease is over is due again. Looking locks nothing.
const DUE: &str = "SELECT id FROM anteroom_outbox WHERE status IN ('waiting', 'sending') AND not_before <= ? \
    AND (claimed_until IS NULL OR claimed_until < ?) ORDER BY not_before, id LIMIT 100";

/// One of all workers gets it; a try is counted before it is made, so that a letter that kills its worker ends too.
const CLAIM: &str = "UPDATE anteroom_outbox SET status = 'sending', claimed_by = ?, claimed_until = ?, tries = tries + 1 \
    WHERE id = ? AND status IN ('waiting', 'sending') AND not_before <= ? \
    AND (claimed_until IS NULL OR claimed_until < ?)";

const CLAIMED: &str = "SELECT o.message_id, o.letter, o.pid, o.address, o.language, o.told, o.tries, o.created, \
    o.link, l.purpose, l.factor, l.wrong, l.created AS made, l.expires, l.used, l.ended \
    FROM anteroom_outbox o LEFT JOIN anteroom_link l ON l.id = o.link WHERE o.id = ? AND o.claimed_by = ?";

/// What the mail server took is sent, whoever has the letter in hand by now.
const SENT: &str = "UPDATE anteroom_outbox SET status = 'sent', answer = ?, finished = ?, claimed_by = NULL, \
    claimed_until = NULL WHERE id = ? AND status = 'sending'";

const LATER: &str = "UPDATE anteroom_outbox SET status = 'waiting', answer = ?, not_before = ?, claimed_by = NULL, \
    claimed_until = NULL WHERE id = ? AND status = 'sending' AND claimed_by = ?";

/// Nobody opened: the try is not counted.
const UNTRIED: &str = "UPDATE anteroom_outbox SET status = 'waiting', answer = ?, not_before = ?, tries = tries - 1, \
    claimed_by = NULL, claimed_until = NULL WHERE id = ? AND status = 'sending' AND claimed_by = ?";

const OVER: &str = "UPDATE anteroom_outbox SET status = ?, answer = ?, finished = ?, claimed_by = NULL, \
    claimed_until = NULL WHERE id = ? AND status = 'sending' AND claimed_by = ?";

/// A letter in hand.
#[derive(Clone, Debug, PartialEq)]
pub struct InHand {
    /// Its number.
    pub id: i64,
    /// The left half of its Message-ID: the same on every try.
    pub message_id: String,
    /// Which; `None` for one of a newer version.
    pub letter: Option<Letter>,
    /// Whose account it is about.
    pub pid: Option<i64>,
    /// Where it goes.
    pub address: String,
    /// In which language.
    pub language: Language,
    /// What its template is told.
    pub told: Value,
    /// Which try this is, from 1.
    pub tries: i64,
    /// When it was written, in seconds since 1970.
    pub created: i64,
    /// The link it carries.
    pub link: Carries,
}

/// The link of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carries {
    /// It carries none.
    Nothing,
    /// One that works.
    Link {
        /// Its id.
        id: Uuid,
        /// What it is for.
        purpose: Purpose,
        /// What is asked beside it.
        factor: String,
        /// How many hours it works.
        hours: i64,
    },
    /// One that has ended: the letter would only annoy.
    Ended,
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The mail server took it.
    Sent,
    /// It is to be tried again at a time.
    Later(i64),
    /// Nobody was there to try it with; somebody may be at a time.
    Untried(i64),
    /// It was given up.
    Dead,
    /// It is of no use any more.
    Withdrawn,
}

#[derive(FromRow)]
struct Id {
    id: i64,
}

#[derive(FromRow)]
struct Row {
    message_id: String,
    letter: String,
    pid: Option<i64>,
    address: String,
    language: String,
    told: String,
    tries: i64,
    created: i64,
    link: Option<Vec<u8>>,
    purpose: Option<String>,
    factor: Option<String>,
    wrong: Option<i64>,
    made: Option<i64>,
    expires: Option<i64>,
    used: Option<i64>,
    ended: Option<i64>,
}

/// The numbers of letters that are due, at most a hundred, those that wait longest first.
///
/// # Errors
/// As [`Db::all`].
pub async fn due(db: &Db, now: i64) -> Answer<Vec<i64>> {
    let rows: Vec<Id> = db.all(Sql::new(DUE).bind(now).bind(now)).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Takes a letter in hand until a time; `None` where another worker was faster.
///
/// # Errors
/// As [`Db::run`].
pub async fn claim(
    db: &Db,
    id: i64,
    worker: &str,
    (now, until): (i64, i64),
) -> Answer<Option<InHand>> {
    let sql = Sql::new(CLAIM)
        .bind(worker)
        .bind(until)
        .bind(id)
        .bind(now)
        .bind(now);
    // Read within the transaction: on a cluster another node may not have it yet.
    let row: Option<Row> = db
        .transaction(|tx| {
            let sql = sql.clone();
            let claimed = Sql::new(CLAIMED).bind(id).bind(worker);
            Box::pin(async move {
                if tx.run(sql).await? == 0 {
                    return Ok(None);
                }
                tx.one(claimed).await
            })
        })
        .await?;
    Ok(row.map(|row| in_hand(id, row, now)))
}

/// Writes down how a try ended; false where the letter is in other hands by now.
///
/// # Errors
/// As [`Tx::run`].
pub async fn finish(
    tx: &mut Tx,
    (id, worker): (i64, &str),
    (end, answer): (&End, &str),
    now: i64,
) -> Answer<bool> {
    let sql = match end {
        End::Sent => Sql::new(SENT).bind(answer).bind(now).bind(id),
        End::Later(at) => Sql::new(LATER).bind(answer).bind(*at).bind(id).bind(worker),
        End::Untried(at) => {
            let sql = Sql::new(UNTRIED).bind(answer).bind(*at);
            sql.bind(id).bind(worker)
        }
        End::Dead | End::Withdrawn => {
            let word = match end {
                End::Dead => "dead",
                _ => "withdrawn",
            };
            let sql = Sql::new(OVER).bind(word).bind(answer).bind(now);
            sql.bind(id).bind(worker)
        }
    };
    Ok(tx.run(sql).await? > 0)
}

fn in_hand(id: i64, row: Row, now: i64) -> InHand {
    let link = link(&row, now);
    InHand {
        id,
        message_id: row.message_id,
        letter: Letter::of(&row.letter),
        pid: row.pid,
        address: row.address,
        language: Language::of(&row.language).unwrap_or_default(),
        told: serde_json::from_str(&row.told).unwrap_or_default(),
        tries: row.tries,
        created: row.created,
        link,
    }
}

/// A link that is gone from its table has ended long ago.
fn link(row: &Row, now: i64) -> Carries {
    let Some(id) = &row.link else {
        return Carries::Nothing;
    };
    let purpose = row.purpose.as_deref();
    let known = Purpose::ALL.iter().find(|(word, _)| purpose == Some(*word));
    let works = row.used.is_none()
        && row.ended.is_none()
        && row.wrong.is_some_and(|wrong| wrong < GUESSES)
        && row.expires.is_some_and(|expires| expires > now);
    match (Uuid::from_slice(id), known, works) {
        (Ok(id), Some((_, purpose)), true) => Carries::Link {
            id,
            purpose: *purpose,
            factor: row.factor.clone().unwrap_or_default(),
            hours: (row.expires.unwrap_or_default() - row.made.unwrap_or_default()) / 3600,
        },
        _ => Carries::Ended,
    }
}
