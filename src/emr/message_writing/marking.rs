//! Marks on the own copies of messages: read, put away, completed. Each side changes only its own (OpenEMR facts 2.8).

use sqlx::FromRow;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::mail;
use crate::emr::mail::chain;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::mail::threads;
use crate::emr::mail::threads::Whose;
use crate::emr::message_writing::copy;
use crate::emr::predicates::hex;
use crate::portal::message::Copied;
use crate::portal::message::Deed;
use crate::portal::message::Mark;
use crate::portal::message::MarkCase;
use crate::portal::message::Sort;
use crate::portal::message::SortCase;
use crate::portal::message::Thread;
use crate::portal::message::Writer;

/// The copy must be as the rules saw it. `activity` is 0 once it is completed.
const MARK: &str = "UPDATE onsite_mail SET message_status = ?, activity = ?, deleted = ?, ";
const AWAY: &str = "delete_date = ?";
const BACK: &str = "delete_date = NULL";
const KEPT: &str = "delete_date = delete_date";
const AS_SEEN: &str =
    " WHERE id = ? AND HEX(owner) = ? AND message_status = ? AND COALESCE(deleted, 0) = ?";

/// What OpenEMR calls a completed message.
const DONE: &str = "Done";

/// The copy of a member of staff of a message whose other copy this is: see the reading room for how they belong together.
/// Of equal messages it is the nearest one: a sender's copy is written before that of the recipient.
const OTHER: &str = "SELECT c.id AS row_id, c.owner, c.message_status, COALESCE(c.deleted, 0) AS deleted \
    FROM onsite_mail m JOIN onsite_mail c ON c.id BETWEEN m.id - 20 AND m.id + 20 \
    WHERE m.id = ? AND HEX(c.owner) = ? AND HEX(c.sender_id) = HEX(m.sender_id) \
    AND HEX(c.recipient_id) = HEX(m.recipient_id) AND HEX(c.owner) <> HEX(m.owner) \
    AND (c.reply_mail_chain = m.mail_chain OR c.mail_chain = m.reply_mail_chain) AND c.body = m.body \
    AND CASE WHEN HEX(c.owner) = HEX(c.sender_id) THEN m.id - c.id ELSE c.id - m.id END > 0 \
    ORDER BY CASE WHEN HEX(c.owner) = HEX(c.sender_id) THEN -c.id ELSE c.id END LIMIT 1";

/// Each of them touches only what is not so yet; what somebody wrote is read by them from the start.
const READ: &str = "UPDATE onsite_mail SET message_status = 'Read', activity = 1 \
    WHERE message_status = 'New' AND COALESCE(deleted, 0) <> 1 AND ";
const ARCHIVE: &str = "UPDATE onsite_mail SET message_status = CASE WHEN message_status = 'Done' THEN 'Done' ELSE 'Delete' END, \
    deleted = 1, delete_date = ? WHERE COALESCE(deleted, 0) <> 1 AND ";
const BRING_BACK: &str = "UPDATE onsite_mail SET message_status = CASE WHEN message_status = 'Delete' THEN 'Read' ELSE message_status END, \
    deleted = 0, delete_date = NULL WHERE deleted = 1 AND ";
const COMPLETE: &str = "UPDATE onsite_mail SET message_status = 'Done', activity = 0 WHERE message_status <> 'Done' AND ";
const RECEIVED: &str = " AND COALESCE(HEX(sender_id), '') NOT IN ";
/// What nobody has seen yet is neither read nor put away.
const SHOWN: &str = " AND id IN ";
const UP_TO: &str = " AND id <= ?";

#[derive(FromRow)]
struct Other {
    row_id: i64,
    owner: Option<String>,
    message_status: String,
    deleted: i64,
}

/// What the rules must know of marks on one message: about the patient's copy, or about the one of staff beside it.
pub(super) async fn of_one(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    mut mark: Mark,
) -> Answer<MarkCase> {
    let reach = reach.within(mark.person).ok_or(Refusal::NotFound)?;
    let mailbox = Mailbox::of(&emr.db, reach.person()?).await?;
    let mailbox = mailbox.ok_or(Refusal::NotFound)?;
    let copy = copy(emr, &mailbox, mark.message).await?;
    let copy = copy.ok_or(Refusal::NotFound)?;
    let row = match grant.user() {
        User::Patient(_) => Some(Copied {
            row: copy.row_id,
            owner: copy.owner.unwrap_or_default(),
            status: copy.message_status,
            archived: copy.deleted == 1,
        }),
        User::Staff(staff) => {
            let own = Mailbox::of_colleague(&emr.db, staff.id).await?;
            match own.and_then(|own| own.account) {
                Some(name) => {
                    let sql = Sql::new(OTHER).bind(copy.row_id).bind(hex(&name));
                    emr.db.one::<Other>(sql).await?.map(Other::copied)
                }
                None => None,
            }
        }
        User::System => {
            let why = "A service has no mailbox: messages are marked by patients and staff.";
            return Err(Refusal::Forbidden(why).into());
        }
    };
    if let (User::Staff(_), Some(row)) = (grant.user(), &row) {
        // What the patient noted is the patient's copy's: the one of staff stays where it lies.
        mark.archived = row.archived;
        mark.read = true;
    }
    let practice = emr.practice().await?;
    Ok(MarkCase {
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        row,
        mark,
        by: match grant.user() {
            User::Patient(_) => Writer::Patient,
            User::Staff(_) | User::System => Writer::Staff,
        },
    })
}

/// What the rules must know of a thread in the own mailbox.
pub(super) async fn of_thread(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    sort: Sort,
) -> Answer<SortCase> {
    let whose = match grant.user() {
        User::Patient(_) => Whose::Patient,
        User::Staff(staff) => Whose::Staff(staff.id),
        User::System => return Err(Refusal::NotFound.into()),
    };
    let mailbox = threads::mailbox(emr, reach, whose).await?;
    let mailbox = mailbox.ok_or(Refusal::NotFound)?;
    let rows = mail::rows_of(emr, &mailbox, &[sort.message]).await?;
    let row = rows.first().ok_or(Refusal::NotFound)?;
    let thread = chain::of_row(emr, (&mailbox, whose), *row).await?;
    let thread = thread.ok_or(Refusal::NotFound)?;
    let practice = emr.practice().await?;
    Ok(SortCase {
        sort,
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        thread,
    })
}

/// Sets marks on one copy.
pub(super) async fn set(emr: &Emr, tx: &mut Tx, (row, mark): (&Copied, &Mark)) -> Answer<()> {
    let completed = mark.completes || row.status.eq_ignore_ascii_case(DONE);
    let status = match (mark.archived, row.archived) {
        // What is completed stays so, in the archive too.
        _ if completed => DONE,
        (true, false) => "Delete",
        (false, true) => "Read",
        _ if mark.read && row.status.eq_ignore_ascii_case("New") => "Read",
        _ => row.status.as_str(),
    };
    let sql = Sql::new(MARK)
        .bind(status)
        .bind(i64::from(!completed))
        .bind(i64::from(mark.archived));
    let sql = match (mark.archived, row.archived) {
        (true, false) => sql.push(AWAY).bind(emr.zone.wall(emr.now())),
        (false, true) => sql.push(BACK),
        _ => sql.push(KEPT),
    };
    let sql = sql
        .push(AS_SEEN)
        .bind(row.row)
        .bind(hex(&row.owner))
        .bind(&row.status)
        .bind(i64::from(row.archived));
    match tx.run(sql).await? {
        0 => {
            let why = "The message was changed by somebody else at the same moment.";
            Err(Refusal::Conflict(why.to_owned()).into())
        }
        _ => Ok(()),
    }
}

/// Does something with the own copies of a thread. Whoever does so again changes nothing.
pub(super) async fn sort(emr: &Emr, tx: &mut Tx, (thread, sort): (&Thread, &Sort)) -> Answer<()> {
    let sql = match sort.deed {
        Deed::Read => Sql::new(READ),
        Deed::Archive => Sql::new(ARCHIVE).bind(emr.zone.wall(emr.now())),
        Deed::Back => Sql::new(BRING_BACK),
        Deed::Complete => Sql::new(COMPLETE),
    };
    let sql = chain::rows(sql, thread);
    let sql = match sort.deed {
        Deed::Read => sql
            .push(RECEIVED)
            .list(thread.owners.iter().map(|name| hex(name)))
            .push(SHOWN)
            .list(sort.shown.iter().copied()),
        Deed::Archive | Deed::Back | Deed::Complete => {
            let newest = sort.shown.iter().copied().max();
            sql.push(UP_TO).bind(newest.unwrap_or_default())
        }
    };
    tx.run(sql).await.map(|_| ())
}

impl Other {
    fn copied(self) -> Copied {
        Copied {
            row: self.row_id,
            owner: self.owner.unwrap_or_default(),
            status: self.message_status,
            archived: self.deleted == 1,
        }
    }
}
