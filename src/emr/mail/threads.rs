//! The threads of a mailbox, as its owner's own pages list them: a patient's, or one of staff. Every message is two rows,
//! and here only those of one mailbox are looked at.

use std::collections::BTreeSet;

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::mail::EXACTLY;
use crate::emr::mail::chain::CHAIN;
use crate::emr::mail::chain::other_end;
use crate::emr::mail::id_of;
use crate::emr::mail::is_unread;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::mail::moment;
use crate::emr::mail::owner;
use crate::emr::mail::unread_in;
use crate::emr::people::tidy;
use crate::emr::people::unhex;
use crate::emr::predicates::hex;

/// Threads on a page.
pub const PAGE: usize = 20;

/// The bodies are long and not needed to put threads in order; a row without a thread is one of its own.
const GROUPED: &str = "SELECT g.newest, g.total, g.unread, g.done FROM (SELECT MAX(m.id) AS newest, COUNT(*) AS total, CAST(SUM(";
const GROUPED_TOO: &str = ") AS SIGNED) AS unread, CAST(MIN(CASE WHEN m.message_status = 'Done' THEN 1 ELSE 0 END) AS SIGNED) AS done \
    FROM onsite_mail m WHERE m.owner IN ";
const BY_THREAD: &str = " GROUP BY ";
/// Where OpenEMR's numbers raced, two patients have the same one in a mailbox of staff: there a thread is one with somebody.
const AND_OTHER: &str = ", ";
const GROUPS: &str = ") g WHERE 1 = 1";
/// OpenEMR writes to one patient under more than one name: those of one mailbox count as one.
const CASE: &str = "CASE ";
const IS_ONE: &str = " WHEN ? THEN ?";
const OR_ELSE: &str = " ELSE ";
const END: &str = " END";

/// The names at the other end that share a number, in a mailbox of staff.
const SHARING: &str = "SELECT g.names FROM (SELECT GROUP_CONCAT(DISTINCT ";
const SHARING_TOO: &str = ") AS names FROM onsite_mail m WHERE m.owner IN ";
const SHARED: &str = ") g WHERE g.names LIKE '%,%'";
const BELOW: &str = " AND (CASE WHEN g.unread > 0 THEN 1 ELSE 0 END < ? \
    OR (CASE WHEN g.unread > 0 THEN 1 ELSE 0 END = ? AND g.newest < ?))";
/// What is unread comes first.
const ORDER: &str = " ORDER BY CASE WHEN g.unread > 0 THEN 1 ELSE 0 END DESC, g.newest DESC";

const KEPT: &str = " AND COALESCE(m.deleted, 0) <> 1 AND COALESCE(HEX(m.sender_id), '') ";
const AWAY: &str = " AND m.deleted = 1";

const HEADS: &str = concat!(
    "SELECT m.id AS row_id, m.title, ",
    told_date!(),
    ", m.sender_id, m.sender_name, m.recipient_name, \
    CASE WHEN EXISTS (SELECT 1 FROM anteroom_attachment x WHERE x.mail = m.id) THEN 1 ELSE 0 END AS carries \
    FROM onsite_mail m WHERE m.id IN "
);

/// Whose mailbox is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The one of the patient the reach is for.
    Patient,
    /// The one of a member of staff: `users.id`.
    Staff(i64),
}

/// A part of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// What was received.
    Inbox,
    /// What was sent.
    Sent,
    /// What was put away.
    Archive,
}

impl Folder {
    /// Each with its word in addresses.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Inbox, "inbox"),
        (Self::Sent, "sent"),
        (Self::Archive, "archive"),
    ];

    /// The folder of a word; what is none is the inbox.
    pub fn of(word: &str) -> Self {
        let known = Self::ALL.iter().find(|(_, known)| *known == word);
        known.map_or(Self::Inbox, |(folder, _)| *folder)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(folder, _)| *folder == self);
        known.map_or("", |(_, word)| word)
    }
}

/// A thread in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// FHIR id of the newest copy.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// Whoever is at the other end of it.
    pub with: String,
    /// When it was sent.
    pub sent: Option<OffsetDateTime>,
    /// How many messages it has in this folder.
    pub total: i64,
    /// How many of them are unread.
    pub unread: i64,
    /// Whether all of them are completed.
    pub done: bool,
    /// Whether the newest carries a document.
    pub carries: bool,
}

/// A page of threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The unread ones first, then the newest.
    pub threads: Vec<Thread>,
    /// Where the next page begins.
    pub next: Option<Place>,
}

/// Where a page of threads begins: behind this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1 where it has something unread.
    pub fresh: i64,
    /// The row of its newest copy.
    pub row: i64,
}

#[derive(FromRow)]
struct Group {
    newest: i64,
    total: i64,
    unread: i64,
    done: i64,
}

#[derive(FromRow)]
struct Sharing {
    names: Option<String>,
}

#[derive(FromRow)]
struct Head {
    row_id: i64,
    title: Option<String>,
    date: Option<String>,
    sender_id: Option<String>,
    sender_name: Option<String>,
    recipient_name: Option<String>,
    carries: i64,
}

/// A page of the threads in a part of a mailbox.
///
/// # Errors
/// `NotFound` for a mailbox that is not the caller's; as [`crate::db::Db::all`].
pub async fn list(
    emr: &Emr,
    reach: &Reach,
    (whose, folder): (Whose, Folder),
    after: Option<Place>,
) -> Answer<Listing> {
    let Some(mailbox) = mailbox(emr, reach, whose).await? else {
        return Ok(Listing::default());
    };
    let same = match whose {
        Whose::Patient => Vec::new(),
        Whose::Staff(_) => same(emr, &mailbox, folder).await?,
    };
    let sql = statement(&mailbox, (whose, folder), (&same, after));
    let mut groups: Vec<Group> = emr.db.all(sql).await?;
    let more = groups.len() > PAGE;
    groups.truncate(PAGE);
    let next = groups.last().filter(|_| more).map(|group| Place {
        fresh: i64::from(group.unread > 0),
        row: group.newest,
    });
    let newest = groups.iter().map(|group| group.newest);
    let heads: Vec<Head> = emr.db.all(Sql::new(HEADS).list(newest)).await?;
    let threads = groups.iter().filter_map(|group| {
        let head = heads.iter().find(|head| head.row_id == group.newest)?;
        Some(Thread {
            id: id_of(head.row_id),
            title: tidy(head.title.clone()),
            with: head.other(emr, &mailbox),
            sent: emr.zone.told(moment(head.date.as_deref())),
            total: group.total,
            unread: group.unread,
            done: group.done == 1,
            carries: head.carries == 1,
        })
    });
    Ok(Listing {
        threads: threads.collect(),
        next,
    })
}

/// How many messages somebody has not read.
///
/// # Errors
/// As [`list`].
pub async fn unread(emr: &Emr, reach: &Reach, whose: Whose) -> Answer<i64> {
    match mailbox(emr, reach, whose).await? {
        Some(mailbox) => unread_in(emr, &mailbox).await,
        None => Ok(0),
    }
}

/// The mailbox; `None` where there is none that is nobody else's.
pub(in crate::emr) async fn mailbox(
    emr: &Emr,
    reach: &Reach,
    whose: Whose,
) -> Answer<Option<Mailbox>> {
    match whose {
        Whose::Patient => Mailbox::of(&emr.db, reach.person()?).await,
        // Into one record a reach is somebody's at that record, and not at their own desk.
        Whose::Staff(_) if reach.patient().is_some() => Err(Refusal::NotFound.into()),
        Whose::Staff(id) => Mailbox::of_colleague(&emr.db, id).await,
    }
}

/// The names in a folder that are of one mailbox with another in the same thread, each with the first one of that mailbox; by
/// their bytes.
async fn same(emr: &Emr, mailbox: &Mailbox, folder: Folder) -> Answer<Vec<(String, String)>> {
    let sql = other_end(Sql::new(SHARING), mailbox.hex()).push(SHARING_TOO);
    let sql = inside(sql, (mailbox, folder)).push(BY_THREAD).push(CHAIN);
    let found: Vec<Sharing> = emr.db.all(sql.push(SHARED)).await?;
    let names: BTreeSet<&str> = found
        .iter()
        .filter_map(|row| row.names.as_deref())
        .flat_map(|names| names.split(','))
        .collect();
    let mut same = Vec::new();
    for bytes in names {
        let Some(name) = unhex(bytes) else { continue };
        let first = owner::names_beside(emr, &name).await?.into_iter().next();
        if let Some(first) = first.filter(|first| *first != name) {
            same.push((bytes.to_owned(), hex(&first)));
        }
    }
    Ok(same)
}

/// Adds that a row is in a folder of this mailbox, after `m.owner IN`.
fn inside(sql: Sql, (mailbox, folder): (&Mailbox, Folder)) -> Sql {
    let sql = sql.list(mailbox.names()).push(EXACTLY).list(mailbox.hex());
    match folder {
        Folder::Inbox => sql.push(KEPT).push("NOT IN ").list(mailbox.hex()),
        Folder::Sent => sql.push(KEPT).push("IN ").list(mailbox.hex()),
        Folder::Archive => sql.push(AWAY),
    }
}

/// Adds the other end of a row, each mailbox under one name.
fn one_end(sql: Sql, (mailbox, same): (&Mailbox, &[(String, String)])) -> Sql {
    if same.is_empty() {
        return other_end(sql, mailbox.hex());
    }
    let sql = other_end(sql.push(CASE), mailbox.hex());
    let sql = same.iter().fold(sql, |sql, (name, first)| {
        sql.push(IS_ONE).bind(name).bind(first)
    });
    other_end(sql.push(OR_ELSE), mailbox.hex()).push(END)
}

fn statement(
    mailbox: &Mailbox,
    (whose, folder): (Whose, Folder),
    (same, after): (&[(String, String)], Option<Place>),
) -> Sql {
    let sql = is_unread(Sql::new(GROUPED), mailbox).push(GROUPED_TOO);
    let sql = inside(sql, (mailbox, folder)).push(BY_THREAD).push(CHAIN);
    let sql = match whose {
        Whose::Patient => sql,
        Whose::Staff(_) => one_end(sql.push(AND_OTHER), (mailbox, same)),
    };
    let sql = sql.push(GROUPS);
    let sql = match after {
        Some(place) => sql
            .push(BELOW)
            .bind(place.fresh)
            .bind(place.fresh)
            .bind(place.row),
        None => sql,
    };
    let most = u32::try_from(PAGE).unwrap_or(u32::MAX);
    sql.push(ORDER).limit(most.saturating_add(1))
}

/// A name to show. A login name is none: whoever has no other is somebody of the practice.
pub(super) fn called(emr: &Emr, name: &Option<String>) -> String {
    match tidy(name.clone()) {
        name if name.is_empty() => emr.known().name.clone(),
        name => name,
    }
}

impl Head {
    fn other(&self, emr: &Emr, mailbox: &Mailbox) -> String {
        let name = match mailbox.has(self.sender_id.as_deref()) {
            true => &self.recipient_name,
            false => &self.sender_name,
        };
        called(emr, name)
    }
}
