//! Holding the ledger against its seals: every line and every seal, a thousand lines at a time.

use sqlx::FromRow;

use crate::crypto;
use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::store::seals::Block;
use crate::store::seals::DIGEST;
use crate::store::seals::Head;
use crate::store::seals::Row;
use crate::store::seals::chained;
use crate::store::seals::lines;
use crate::store::seals::signed;

/// After how many lines progress is told.
const STEP: i64 = 100_000;

/// How many faults are told one by one; the others are counted.
const TOLD: usize = 1000;

/// How many changed lines of one seal are tried in each other's place.
const MOVED: usize = 100;

const NEXT: &str = "SELECT id, first_line, last_line, line_count, digests, chain, signature, created \
    FROM anteroom_audit_seal WHERE id > ? ORDER BY id LIMIT 1";

const CHAINS: &str = "SELECT id, chain FROM anteroom_audit_seal WHERE id IN ";

#[derive(FromRow)]
struct SealRow {
    id: i64,
    first_line: i64,
    last_line: i64,
    line_count: i64,
    digests: Vec<u8>,
    chain: Vec<u8>,
    signature: Vec<u8>,
    created: i64,
}

#[derive(FromRow)]
struct ChainRow {
    id: i64,
    chain: Vec<u8>,
}

/// Something that is not as it was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A line is not as it was.
    Changed(i64),
    /// A line has the content that this other one had.
    Moved(i64, i64),
    /// A line is gone.
    Deleted(i64),
    /// A line came between others after they were sealed.
    Inserted(i64),
    /// A seal does not say what it said, or was not made here.
    Seal(i64),
    /// A seal does not follow the one before it.
    Unchained(i64),
    /// A seal is gone.
    SealGone(i64),
    /// A line tells of a seal that is not there, or is another one: the line and the seal.
    SealCut(i64, i64),
    /// The seal that was noted elsewhere is not there, or is another one.
    Head(i64),
}

impl Wrong {
    /// One word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed(_) => "changed",
            Self::Moved(..) => "reordered",
            Self::Deleted(_) => "deleted",
            Self::Inserted(_) => "inserted",
            Self::Seal(_) => "seal-changed",
            Self::Unchained(_) => "seal-unchained",
            Self::SealGone(_) => "seal-deleted",
            Self::SealCut(..) => "seal-cut",
            Self::Head(_) => "head-differs",
        }
    }

    /// The line it is about.
    pub fn line(self) -> Option<i64> {
        match self {
            Self::Changed(line)
            | Self::Moved(line, _)
            | Self::Deleted(line)
            | Self::Inserted(line)
            | Self::SealCut(line, _) => Some(line),
            Self::Seal(_) | Self::Unchained(_) | Self::SealGone(_) | Self::Head(_) => None,
        }
    }

    /// The seal it is about.
    pub fn seal(self) -> Option<i64> {
        match self {
            Self::Seal(seal)
            | Self::Unchained(seal)
            | Self::SealGone(seal)
            | Self::SealCut(_, seal)
            | Self::Head(seal) => Some(seal),
            Self::Changed(_) | Self::Moved(..) | Self::Deleted(_) | Self::Inserted(_) => None,
        }
    }

    /// For a person.
    pub fn sentence(self) -> String {
        match self {
            Self::Changed(line) => format!("line {line} was changed after it was sealed"),
            Self::Moved(line, other) => {
                format!("line {line} was reordered: it has the content of line {other}")
            }
            Self::Deleted(line) => format!("line {line} was deleted"),
            Self::Inserted(line) => {
                format!("line {line} was inserted after its neighbours were sealed")
            }
            Self::Seal(seal) => {
                format!("seal {seal} was changed, or was not made by this practice's Anteroom")
            }
            Self::Unchained(seal) => format!("seal {seal} does not follow the seal before it"),
            Self::SealGone(seal) => format!("seal {seal} was deleted"),
            Self::SealCut(line, seal) => format!(
                "seal {seal} was cut off or replaced: line {line} tells of one that is not there"
            ),
            Self::Head(seal) => {
                format!(
                    "seal {seal} is not the one that was noted: everything was sealed anew, or cut off"
                )
            }
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The last seal.
    pub head: Head,
    /// How many lines the seals cover.
    pub sealed: i64,
    /// How many lines wait to be sealed.
    pub waiting: i64,
    /// When the oldest of those was written, in milliseconds since 1970.
    pub oldest_waiting: Option<i64>,
    /// What is wrong, in the order of the ledger.
    pub wrong: Vec<Wrong>,
    /// How much more is wrong.
    pub more: u64,
}

/// A walk through the ledger.
struct Walk<'w> {
    db: &'w Db,
    tell: &'w (dyn Fn(i64) + Sync),
    seen: i64,
    report: Report,
}

/// Holds everything against the seals. `noted` is a seal's number and chain value that was kept elsewhere; `tell` is
/// called with the number of lines after each hundred thousand.
///
/// # Errors
/// As [`Db::all`].
pub async fn verify(
    db: &Db,
    key: &[u8],
    noted: Option<(i64, &str)>,
    tell: &(dyn Fn(i64) + Sync),
) -> Answer<Report> {
    let head = Head {
        number: 0,
        last_line: i64::MIN,
        chain: Vec::new(),
        created: 0,
    };
    let report = Report {
        head,
        sealed: 0,
        waiting: 0,
        oldest_waiting: None,
        wrong: Vec::new(),
        more: 0,
    };
    let mut walk = Walk {
        db,
        tell,
        seen: 0,
        report,
    };
    // What the next seal may follow: the chain value the last one has, and the one it should have.
    let mut before = vec![Vec::new()];
    loop {
        let next = Sql::new(NEXT).bind(walk.report.head.number);
        let row: Option<SealRow> = db.one(next).await?;
        let Some(row) = row else { break };
        before = walk.seal(row, key, &before).await?;
    }
    walk.rest().await?;
    if let Some((number, chain)) = noted {
        let rows = chains(db, vec![number]).await?;
        if !rows
            .iter()
            .any(|row| crypto::base64url(&row.chain) == chain)
        {
            walk.note(Wrong::Head(number));
        }
    }
    Ok(walk.report)
}

async fn chains(db: &Db, numbers: Vec<i64>) -> Answer<Vec<ChainRow>> {
    db.all(Sql::new(CHAINS).list(numbers)).await
}

impl Walk<'_> {
    fn note(&mut self, wrong: Wrong) {
        match self.report.wrong.len() < TOLD {
            true => self.report.wrong.push(wrong),
            false => self.report.more += 1,
        }
    }

    fn count(&mut self, lines: usize) {
        let before = self.seen / STEP;
        self.seen += i64::try_from(lines).unwrap_or_default();
        if self.seen / STEP > before {
            (self.tell)(self.seen / STEP * STEP);
        }
    }

    /// One seal with its lines; the chain values the next one may follow.
    async fn seal(&mut self, row: SealRow, key: &[u8], before: &[Vec<u8>]) -> Answer<Vec<Vec<u8>>> {
        let follows = row.id == self.report.head.number + 1;
        for gone in (self.report.head.number + 1..row.id).take(TOLD) {
            self.note(Wrong::SealGone(gone));
        }
        let block = Block {
            number: row.id,
            first: row.first_line,
            last: row.last_line,
            count: row.line_count,
            digests: row.digests,
            created: row.created,
        };
        let body = block.body();
        let should: Vec<Vec<u8>> = before
            .iter()
            .map(|value| chained(value, &body).to_vec())
            .collect();
        if !crypto::same(&signed(key, &body, &row.chain), &row.signature) {
            self.note(Wrong::Seal(row.id));
        } else if follows && !should.contains(&row.chain) {
            self.note(Wrong::Unchained(row.id));
        }
        // Where the seal before is gone, its lines are not held against this one.
        let after = match follows {
            true => self.report.head.last_line,
            false => block.first.saturating_sub(1),
        };
        self.block(&block, after).await?;
        self.report.sealed += block.count;
        self.report.head = Head {
            number: row.id,
            last_line: block.last,
            chain: row.chain.clone(),
            created: row.created,
        };
        let mut values = vec![row.chain];
        values.extend(should.into_iter().take(1));
        Ok(values)
    }

    /// The lines of a seal against those that are there now; both are in the order of their ids.
    async fn block(&mut self, block: &Block, after: i64) -> Answer<()> {
        let mut sealed = block.digests.chunks_exact(8 + DIGEST).map(part).peekable();
        let mut changed: Vec<(Row, [u8; DIGEST])> = Vec::new();
        let mut after = after;
        loop {
            let rows = lines(self.db, (after, block.last)).await?;
            let Some(last) = rows.last().map(|row| row.id) else {
                break;
            };
            after = last;
            self.count(rows.len());
            self.told_seals(&rows).await?;
            for row in rows {
                while let Some((gone, _)) = sealed.next_if(|(id, _)| *id < row.id) {
                    self.note(Wrong::Deleted(gone));
                }
                match sealed.next_if(|(id, _)| *id == row.id) {
                    None => self.note(Wrong::Inserted(row.id)),
                    Some((id, digest)) if row.digest(id) != digest => changed.push((row, digest)),
                    Some(_) => {}
                }
            }
        }
        for (gone, _) in sealed {
            self.note(Wrong::Deleted(gone));
        }
        for (row, _) in &changed {
            let was = changed
                .iter()
                .take(MOVED)
                .find(|(other, digest)| other.id != row.id && row.digest(other.id) == *digest);
            self.note(match was {
                Some((other, _)) => Wrong::Moved(row.id, other.id),
                None => Wrong::Changed(row.id),
            });
        }
        Ok(())
    }

    /// That the seals these lines tell of are there, and are those.
    async fn told_seals(&mut self, rows: &[Row]) -> Answer<()> {
        let told = || {
            rows.iter()
                .filter_map(|row| Some((row.id, row.tells_of()?)))
        };
        let numbers: Vec<i64> = told().map(|(_, (number, _))| number).collect();
        if numbers.is_empty() {
            return Ok(());
        }
        let there = chains(self.db, numbers).await?;
        for (line, (number, chain)) in told() {
            let seal = there.iter().find(|row| row.id == number);
            // One that is missing among others was told when its place was passed.
            let passed = number <= self.report.head.number;
            let fits = match seal {
                Some(seal) => crypto::base64url(&seal.chain) == chain,
                None => passed,
            };
            if !fits {
                self.note(Wrong::SealCut(line, number));
            }
        }
        Ok(())
    }

    /// The lines that wait.
    async fn rest(&mut self) -> Answer<()> {
        let mut after = self.report.head.last_line;
        loop {
            let rows = lines(self.db, (after, i64::MAX)).await?;
            let Some(last) = rows.last().map(|row| row.id) else {
                return Ok(());
            };
            after = last;
            self.count(rows.len());
            self.report.waiting += i64::try_from(rows.len()).unwrap_or_default();
            let oldest = rows.iter().map(|row| row.at).min();
            self.report.oldest_waiting = self.report.oldest_waiting.into_iter().chain(oldest).min();
            self.told_seals(&rows).await?;
        }
    }
}

/// Id and digest of a line, as a seal holds them.
fn part(bytes: &[u8]) -> (i64, [u8; DIGEST]) {
    let (mut id, mut digest) = ([0; 8], [0; DIGEST]);
    for (to, from) in id.iter_mut().chain(&mut digest).zip(bytes) {
        *to = *from;
    }
    (i64::from_be_bytes(id), digest)
}
