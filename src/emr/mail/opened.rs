//! One thread of a mailbox, message by message, and whom an answer goes to.

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::people::Person;
use crate::domain::records::Attached;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::html;
use crate::emr::mail::EXACTLY;
use crate::emr::mail::attached;
use crate::emr::mail::attached::Carried;
use crate::emr::mail::chain;
use crate::emr::mail::chain::CHAIN;
use crate::emr::mail::colleagues;
use crate::emr::mail::id_of;
use crate::emr::mail::letter;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::mail::moment;
use crate::emr::mail::owner;
use crate::emr::mail::rows_of;
use crate::emr::mail::threads::Whose;
use crate::emr::mail::threads::called;
use crate::emr::mail::threads::mailbox;
use crate::emr::people::tidy;
use crate::emr::persons;
use crate::emr::predicates::hex;

/// Messages of a thread that are shown: the newest.
const MOST: u32 = 200;

const ROWS: &str = concat!(
    "SELECT m.id AS row_id, m.title, m.body, ",
    told_date!(),
    ", m.sender_id, m.sender_name, m.recipient_id, \
    m.recipient_name, m.message_status, m.deleted, m.reply_mail_chain FROM onsite_mail m WHERE "
);
const NEWEST_FIRST: &str = " ORDER BY m.id DESC";

/// The newest copy of the thread in the patient's own mailbox, between the same two: an answer is one to that.
const THEIRS: &str = "SELECT MAX(m.id) AS number FROM onsite_mail m WHERE m.owner IN ";
const WITH_ME: &str = " AND (HEX(m.sender_id) = ? OR HEX(m.recipient_id) = ?) AND (";
const OF_THEIRS: &str = " IN ";
const OR_MINE: &str = " OR (m.reply_mail_chain = ? AND HEX(m.sender_id) = ?))";

/// A thread, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Title of its newest message.
    pub title: String,
    /// Whoever is at the other end.
    pub with: String,
    /// The patient it is with, where it is opened at a desk.
    pub person: Option<Person>,
    /// FHIR id of whom an answer goes to: the member of staff, or the patient.
    pub to: Option<Uuid>,
    /// FHIR id of the patient's copy that is answered.
    pub answered: Option<Uuid>,
    /// Its messages, the oldest first.
    pub posts: Vec<Post>,
    /// Whether there are older ones that are not shown.
    pub more: bool,
}

/// One message of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// `onsite_mail.id` of this copy.
    pub row: i64,
    /// Its FHIR id.
    pub id: Uuid,
    /// Who wrote it.
    pub from: String,
    /// Whether that is whose mailbox it is.
    pub mine: bool,
    /// When.
    pub sent: Option<OffsetDateTime>,
    /// Its text.
    pub body: String,
    /// The same as HTML that is safe to show.
    pub html: String,
    /// Whether it was read.
    pub read: bool,
    /// Whether it is completed.
    pub done: bool,
    /// Whether it was put away.
    pub archived: bool,
    /// The documents it carries and its reader may see.
    pub attached: Vec<Attached>,
}

#[derive(FromRow)]
struct Row {
    row_id: i64,
    title: Option<String>,
    body: Option<String>,
    date: Option<String>,
    sender_id: Option<String>,
    sender_name: Option<String>,
    recipient_id: Option<String>,
    recipient_name: Option<String>,
    message_status: String,
    deleted: Option<i64>,
    reply_mail_chain: Option<i64>,
}

#[derive(FromRow)]
struct Number {
    number: Option<i64>,
}

/// The thread that a copy belongs to.
///
/// # Errors
/// `NotFound` where the mailbox has no such copy; as [`crate::db::Db::all`].
pub async fn open(emr: &Emr, reach: &Reach, (whose, id): (Whose, Uuid)) -> Answer<Opened> {
    let mailbox = mailbox(emr, reach, whose).await?;
    let mailbox = mailbox.ok_or(Refusal::NotFound)?;
    let row = rows_of(emr, &mailbox, &[id]).await?.into_iter().next();
    let row = row.ok_or(Refusal::NotFound)?;
    let thread = chain::of_row(emr, (&mailbox, whose), row).await?;
    let thread = thread.ok_or(Refusal::NotFound)?;
    let sql = chain::rows(Sql::new(ROWS), &thread).push(NEWEST_FIRST);
    let mut rows: Vec<Row> = emr.db.all(sql.limit(MOST + 1)).await?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let more = rows.len() > most;
    rows.truncate(most);
    let newest = rows.first().ok_or(Refusal::NotFound)?;
    let (other, with) = newest.other(emr, &mailbox);
    let (person, to, answered) = match whose {
        Whose::Patient => {
            let to = colleagues::by_mailbox(emr, &other).await?;
            (None, to, Some(id_of(newest.row_id)))
        }
        Whose::Staff(_) => {
            let person = match owner::holder(emr, &other).await? {
                Some(pid) => persons::by_pid(emr, pid).await?,
                None => None,
            };
            let answered = match person {
                Some(person) => answered(emr, person, (&mailbox, thread.chain, &rows)).await?,
                None => None,
            };
            (person, person.map(|person| person.uuid), answered)
        }
    };
    let inside = match person {
        Some(person) => reach.within(person),
        None => Some(reach.clone()).filter(|reach| reach.patient().is_some()),
    };
    let carried = match inside {
        Some(reach) => attached::of(emr, &reach, rows.iter().map(|row| row.row_id)).await?,
        None => Carried::default(),
    };
    Ok(Opened {
        title: tidy(newest.title.clone()),
        with,
        person,
        to,
        answered,
        more,
        posts: rows
            .iter()
            .rev()
            .map(|row| row.post(emr, &mailbox, &carried))
            .collect(),
    })
}

/// The patient's copy that an answer of staff is one to; `None` where the patient has none of this thread.
async fn answered(
    emr: &Emr,
    person: Person,
    (own, chain, rows): (&Mailbox, i64, &[Row]),
) -> Answer<Option<Uuid>> {
    let Some(theirs) = Mailbox::of(&emr.db, person).await? else {
        return Ok(None);
    };
    let received = rows
        .iter()
        .filter(|row| !own.has(row.sender_id.as_deref()))
        .filter_map(|row| row.reply_mail_chain)
        .filter(|chain| *chain != 0);
    let me = own.account.as_deref().map(hex).unwrap_or_default();
    let sql = Sql::new(THEIRS)
        .list(theirs.names())
        .push(EXACTLY)
        .list(theirs.hex())
        .push(WITH_ME)
        .bind(me.clone())
        .bind(me.clone())
        .push(CHAIN)
        .push(OF_THEIRS)
        .list(received)
        .push(OR_MINE)
        .bind(chain)
        .bind(me);
    let row: Option<Number> = emr.db.one(sql).await?;
    Ok(row.and_then(|row| row.number).map(id_of))
}

impl Row {
    /// The other end: the name of its mailbox, and the name to show.
    fn other(&self, emr: &Emr, mailbox: &Mailbox) -> (String, String) {
        let (id, name) = match mailbox.has(self.sender_id.as_deref()) {
            true => (&self.recipient_id, &self.recipient_name),
            false => (&self.sender_id, &self.sender_name),
        };
        (id.clone().unwrap_or_default(), called(emr, name))
    }

    fn post(&self, emr: &Emr, mailbox: &Mailbox, carried: &Carried) -> Post {
        let mine = mailbox.has(self.sender_id.as_deref());
        let body = carried.body(self.row_id, self.body.as_deref().unwrap_or_default());
        Post {
            row: self.row_id,
            id: id_of(self.row_id),
            from: called(emr, &self.sender_name),
            mine,
            sent: emr.zone.told(moment(self.date.as_deref())),
            body: letter::text(body),
            html: html::sanitised(body),
            read: mine || !self.message_status.eq_ignore_ascii_case("New"),
            done: self.message_status.eq_ignore_ascii_case("Done"),
            archived: self.deleted == Some(1),
            attached: carried.of(self.row_id),
        }
    }
}
