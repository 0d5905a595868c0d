//! Messages that are sent, and marks on the patient's copy: the rows OpenEMR's own portal would write (OpenEMR facts
//! 1.10 and 2.8).

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::calendar::spoken;
use crate::emr::mail;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::people::tidy;
use crate::emr::persons;
use crate::emr::predicates::hex;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::message::Copied;
use crate::portal::message::End;
use crate::portal::message::Letter;
use crate::portal::message::Mark;
use crate::portal::message::MarkCase;
use crate::portal::message::MessageAsk;
use crate::portal::message::MessageCase;
use crate::portal::message::MessageChange;
use crate::portal::message::SendCase;
use crate::portal::message::Writer;

/// Exactly `YES` is on (OpenEMR facts 1.1).
const ALLOWED: &str = "SELECT CASE WHEN HEX(p.allow_patient_portal) = '594553' THEN 1 ELSE 0 END AS number \
    FROM patient_data p WHERE p.pid = ? AND p.uuid = ?";

/// Who takes part in the portal; where nobody does, OpenEMR's own portal offers the first user (OpenEMR facts 2.8).
const COLLEAGUE: &str = "SELECT u.username, u.fname, u.lname FROM users u WHERE u.active = 1 AND u.username <> '' \
    AND (u.portal_user = 1 OR (u.id = 1 AND NOT EXISTS \
        (SELECT 1 FROM users x WHERE x.active = 1 AND x.portal_user = 1 AND x.username <> ''))) AND ";

const BY_UUID: &str = "u.uuid = ?";
const BY_ID: &str = "u.id = ?";

/// A row without a thread is one of its own.
const COPY: &str = "SELECT id AS row_id, owner, message_status, COALESCE(deleted, 0) AS deleted, \
    COALESCE(mail_chain, id) AS chain FROM onsite_mail WHERE id = ?";

const SEND: &str = "INSERT INTO onsite_mail (date, owner, user, groupname, activity, authorized, title, body, \
    recipient_id, recipient_name, sender_id, sender_name, assigned_to, deleted, message_status, mail_chain, \
    reply_mail_chain, is_msg_encrypted) VALUES (?, ?, ?, 'Default', 1, 1, ?, ?, ?, ?, ?, ?, '', 0, ?, ?, ?, 0)";

/// A thread has the number of its first row, which only the engine knows.
const FIRST: &str = "UPDATE onsite_mail SET mail_chain = ?, reply_mail_chain = ? WHERE id = ?";

/// The number a thread has at the other end: told by what that end sent, or by what it received. Names are compared by
/// their bytes, which the collation does not.
const TOLD: &str = "SELECT MIN(reply_mail_chain) AS number FROM onsite_mail \
    WHERE owner = ? AND HEX(owner) = ? AND mail_chain = ? AND HEX(sender_id) = ?";
const HELD: &str = "SELECT MIN(mail_chain) AS number FROM onsite_mail \
    WHERE owner = ? AND HEX(owner) = ? AND reply_mail_chain = ? AND HEX(sender_id) = ?";

/// The copy must be as the rules saw it. `activity` is 1 while there is something to do about it.
const MARK: &str = "UPDATE onsite_mail SET message_status = ?, activity = 1, deleted = ?, ";
const AWAY: &str = "delete_date = ?";
const BACK: &str = "delete_date = NULL";
const KEPT: &str = "delete_date = delete_date";
const AS_SEEN: &str =
    " WHERE id = ? AND HEX(owner) = ? AND message_status = ? AND COALESCE(deleted, 0) = ?";

/// Letters the column of the title holds.
const LONGEST: usize = 255;

#[derive(FromRow)]
struct Number {
    number: Option<i64>,
}

#[derive(FromRow)]
struct Colleague {
    username: Option<String>,
    fname: Option<String>,
    lname: Option<String>,
}

#[derive(FromRow)]
struct Copy {
    row_id: i64,
    owner: Option<String>,
    message_status: String,
    deleted: i64,
    chain: i64,
}

/// What the rules must know.
///
/// # Errors
/// `NotFound` for a copy that is not there for this caller; `Unprocessable` for a patient or a message that is not;
/// `Forbidden` for a service, and for staff who write as somebody else.
pub(super) async fn case(emr: &Emr, grant: &Grant, reach: &Reach, ask: MessageAsk) -> Answer<Case> {
    let case = match ask {
        MessageAsk::Send(letter) => MessageCase::Send(sending(emr, grant, reach, letter).await?),
        MessageAsk::Mark(mark) => MessageCase::Mark(marking(emr, reach, mark).await?),
    };
    Ok(Case::Message(case))
}

async fn sending(emr: &Emr, grant: &Grant, reach: &Reach, letter: Letter) -> Answer<SendCase> {
    let place = match grant.user() {
        User::Patient(_) => "Communication.subject",
        _ => "Communication.recipient",
    };
    let person = patient(emr, reach, (letter.patient, place)).await?;
    if stored(&letter.title).chars().count() > LONGEST {
        let why = "this title is too long for its column, which has its signs written out";
        return Err(Refusal::invalid("Communication.topic.text", why)
            .understood()
            .into());
    }
    let (by, sql) = match grant.user() {
        User::Patient(_) => {
            let colleague = letter.colleague.ok_or(Refusal::NotFound)?;
            (
                Writer::Patient,
                Sql::new(COLLEAGUE).push(BY_UUID).bind(colleague),
            )
        }
        User::Staff(staff) if letter.colleague.is_some_and(|named| named != staff.uuid) => {
            let why = "A message is written by the user of the token.";
            return Err(Refusal::Forbidden(why).into());
        }
        User::Staff(staff) => (
            Writer::Staff,
            Sql::new(COLLEAGUE).push(BY_ID).bind(staff.id),
        ),
        User::System => {
            let why = "A service is nobody a patient could answer: messages are written by patients and staff.";
            return Err(Refusal::Forbidden(why).into());
        }
    };
    let colleague: Option<Colleague> = emr.db.one(sql).await?;
    let mailbox = Mailbox::of(&emr.db, person).await?;
    let thread = match (letter.answered, &mailbox) {
        (None, _) => None,
        (Some(answered), Some(mailbox)) => {
            let copy = copy(emr, mailbox, answered).await?;
            let copy = copy.ok_or_else(|| Refusal::Unprocessable {
                location: "Communication.inResponseTo[0]".to_owned(),
                why: "there is no such message in this patient's mailbox".to_owned(),
            })?;
            Some(copy.chain)
        }
        // Without a mailbox the rules refuse it anyway.
        (Some(_), None) => None,
    };
    let allowed = Sql::new(ALLOWED).bind(person.pid).bind(person.uuid);
    let allowed: Option<Number> = emr.db.one(allowed).await?;
    let practice = emr.practice().await?;
    Ok(SendCase {
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        patient_on: allowed.is_some_and(|row| row.number == Some(1)),
        person,
        patient: mailbox.and_then(Mailbox::end),
        colleague: colleague.and_then(Colleague::end),
        by,
        thread,
        letter,
    })
}

/// The chart a body names, within the reach.
pub(super) async fn patient(
    emr: &Emr,
    reach: &Reach,
    (uuid, place): (Uuid, &str),
) -> Answer<Person> {
    let found = match reach.patient() {
        Some(person) => Some(person).filter(|person| person.uuid == uuid),
        None => persons::by_uuid(emr, uuid)
            .await?
            .filter(|person| reach.within(*person).is_some()),
    };
    let missing = || Refusal::Unprocessable {
        location: place.to_owned(),
        why: "there is no such patient for this token".to_owned(),
    };
    Ok(found.ok_or_else(missing)?)
}

async fn marking(emr: &Emr, reach: &Reach, mark: Mark) -> Answer<MarkCase> {
    let mailbox = Mailbox::of(&emr.db, reach.person()?).await?;
    let mailbox = mailbox.ok_or(Refusal::NotFound)?;
    let copy = copy(emr, &mailbox, mark.message).await?;
    let copy = copy.ok_or(Refusal::NotFound)?;
    let practice = emr.practice().await?;
    Ok(MarkCase {
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        row: Copied {
            row: copy.row_id,
            owner: copy.owner.unwrap_or_default(),
            status: copy.message_status,
            archived: copy.deleted == 1,
        },
        mark,
    })
}

/// The row of a mailbox that has this id.
async fn copy(emr: &Emr, mailbox: &Mailbox, id: Uuid) -> Answer<Option<Copy>> {
    let rows = mail::rows_of(emr, mailbox, &[id]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    emr.db.one(Sql::new(COPY).bind(*row)).await
}

/// Writes what a permit allows, in the caller's transaction.
///
/// # Errors
/// `Conflict` where the copy changed since the rules looked at it.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, change: &MessageChange) -> Answer<Written> {
    match change {
        MessageChange::Send { .. } => send(emr, tx, change).await,
        MessageChange::Mark { row, mark } => {
            set(emr, tx, (row, mark)).await?;
            Ok(Written::Record(mark.message))
        }
    }
}

async fn send(emr: &Emr, tx: &mut Tx, change: &MessageChange) -> Answer<Written> {
    let MessageChange::Send {
        by,
        patient,
        colleague,
        letter,
        thread,
    } = change
    else {
        return Err(Refusal::NotFound.into());
    };
    let others = match thread {
        Some(thread) => at_the_other_end(tx, (patient, colleague), *thread).await?,
        None => None,
    };
    let (sender, recipient, own, theirs) = match by {
        Writer::Patient => (patient, colleague, *thread, others),
        Writer::Staff => (colleague, patient, others, *thread),
    };
    let date = emr.zone.wall(emr.now());
    let title = match letter.title.as_str() {
        "" => "Unassigned".to_owned(),
        title => stored(title),
    };
    let body = mail::paragraphs(&letter.body);
    let row = |owner: &End, status: &'static str| {
        Sql::new(SEND)
            .bind(date)
            .bind(&owner.mailbox)
            .bind(&sender.mailbox)
            .bind(&title)
            .bind(&body)
            .bind(&recipient.mailbox)
            .bind(&recipient.name)
            .bind(&sender.mailbox)
            .bind(&sender.name)
            .bind(status)
    };
    let status = if thread.is_some() { "Reply" } else { "New" };
    let sent = tx.insert(row(sender, status).bind(own).bind(own)).await?;
    let own = match own {
        Some(own) => own,
        None => {
            tx.run(Sql::new(FIRST).bind(sent).bind(sent).bind(sent))
                .await?;
            sent
        }
    };
    let received = tx
        .insert(row(recipient, "New").bind(theirs).bind(own))
        .await?;
    if theirs.is_none() {
        let sql = Sql::new(FIRST).bind(received).bind(own).bind(received);
        tx.run(sql).await?;
    }
    Ok(Written::Record(mail::id_of(match by {
        Writer::Patient => sent,
        Writer::Staff => received,
    })))
}

/// The number the patient's thread has in the mailbox of this member of staff; `None` where they are new to it.
async fn at_the_other_end(
    tx: &mut Tx,
    (patient, colleague): (&End, &End),
    thread: i64,
) -> Answer<Option<i64>> {
    for (sql, owner, sender) in [(TOLD, patient, colleague), (HELD, colleague, patient)] {
        let sql = Sql::new(sql)
            .bind(&owner.mailbox)
            .bind(hex(&owner.mailbox))
            .bind(thread)
            .bind(hex(&sender.mailbox));
        let found: Option<Number> = tx.one(sql).await?;
        if let Some(number) = found.and_then(|row| row.number) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

async fn set(emr: &Emr, tx: &mut Tx, (row, mark): (&Copied, &Mark)) -> Answer<()> {
    let status = match (mark.archived, row.archived) {
        (true, false) => "Delete",
        (false, true) => "Read",
        _ if mark.read && row.status.eq_ignore_ascii_case("New") => "Read",
        _ => row.status.as_str(),
    };
    let sql = Sql::new(MARK).bind(status).bind(i64::from(mark.archived));
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

/// A line of text as its column has it, so that it is read as it was written: entities are decoded once on the way out,
/// because older OpenEMR stored names with them.
pub(super) fn stored(text: &str) -> String {
    match tidy(Some(text.to_owned())) == text {
        true => text.to_owned(),
        false => text.replace('&', "&amp;"),
    }
}

impl Mailbox {
    fn end(self) -> Option<End> {
        Some(End {
            mailbox: self.account?,
            name: self.patient_name,
        })
    }
}

impl Colleague {
    fn end(self) -> Option<End> {
        Some(End {
            mailbox: self.username?,
            name: spoken(self.fname, self.lname),
        })
    }
}

#[cfg(test)]
mod tests;
