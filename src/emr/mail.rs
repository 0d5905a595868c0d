//! A patient's secure mail (`onsite_mail`): the copies that lie in the patient's own mailbox. The table knows neither
//! uuid nor pid; a mailbox is a name, and this house makes sure that the name is this patient's alone.

/// The date of a row `m` as text, for [`moment`]: one that is in no calendar must not keep the others from being read.
macro_rules! told_date {
    () => {
        "CAST(m.date AS CHAR) AS date"
    };
}

pub mod arrivals;
pub(super) mod attached;
pub(super) mod chain;
pub mod colleagues;
mod letter;
pub(super) mod mailbox;
pub mod opened;
pub(super) mod owner;
pub mod threads;

use sqlx::FromRow;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::people::Person;
use crate::domain::query::Cursor;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Communication;
use crate::domain::records::MESSAGE;
use crate::domain::records::Party;
use crate::domain::records::Record;
use crate::domain::records::Topic;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::emr::Emr;
use crate::emr::html;
use crate::emr::mail::attached::Carried;
use crate::emr::names::named;
use crate::emr::people::tidy;
use crate::emr::predicates;
use crate::emr::uuids;
use crate::emr::uuids::Table;

pub(super) use letter::written;
use mailbox::Mailbox;

/// Both copies of a message are rows; only the patient's has the patient as owner. Sender and recipient are user names
/// of staff or the name of a mailbox; a message of the thread may have lain in the mailbox under another name. Names of
/// two tables are compared by their bytes: their collations may differ, which the server refuses (OpenEMR facts 6.4).
/// Staff nobody can look up as a Practitioner have a name and no uuid. A date of zeros, which old rows have, is none.
const FIND: &str = concat!(
    "SELECT m.id AS row_id, ",
    told_date!(),
    ", \
    m.owner, m.title, m.body, m.deleted, m.message_status, \
    CAST(COALESCE(m.date, '1000-01-01 00:00:00') AS CHAR) AS sort_key, \
    m.sender_id, m.sender_name, CASE WHEN s.authorized = 1 OR s.portal_user = 1 THEN s.id END AS sender_row, CASE WHEN s.authorized = 1 OR s.portal_user = 1 THEN s.uuid END AS sender_uuid, \
    s.fname AS sender_fname, s.lname AS sender_lname, \
    m.recipient_id, m.recipient_name, CASE WHEN r.authorized = 1 OR r.portal_user = 1 THEN r.id END AS recipient_row, CASE WHEN r.authorized = 1 OR r.portal_user = 1 THEN r.uuid END AS recipient_uuid, \
    r.fname AS recipient_fname, r.lname AS recipient_lname, \
    t.id AS thread_row, t.owner AS thread_owner, "
);
const FROM: &str = " FROM onsite_mail m \
    LEFT JOIN anteroom_mail_topic k ON k.mail = m.id \
    LEFT JOIN users s ON s.id = (SELECT MIN(x.id) FROM users x WHERE HEX(x.username) = HEX(m.sender_id) AND x.username <> '') \
    LEFT JOIN users r ON r.id = (SELECT MIN(x.id) FROM users x WHERE HEX(x.username) = HEX(m.recipient_id) AND x.username <> '') \
    LEFT JOIN onsite_mail t ON t.id = m.mail_chain AND t.id <> m.id \
    WHERE m.owner IN ";

/// What a message is about: as its sender said, a document where it carries one, or what OpenEMR's own titles tell.
const TOPIC: &str = "CASE WHEN k.topic IS NOT NULL THEN k.topic \
    WHEN EXISTS (SELECT 1 FROM anteroom_attachment x WHERE x.mail = m.id) THEN 'document' \
    WHEN LOWER(TRIM(m.title)) IN ('new patient', 'failed registration', 'registration') THEN 'registration' \
    WHEN LOWER(TRIM(m.title)) IN ('test scheduling', 'appointment', 'appointment request') THEN 'appointment' \
    WHEN LOWER(TRIM(m.title)) IN ('new document', 'document') THEN 'document' \
    WHEN LOWER(TRIM(m.title)) IN ('bill/collect', 'bill pay', 'payment') THEN 'payment' ELSE '' END";

/// Whether the copy at the other end is completed. Nothing names it: both copies are written in one go, so they stand close
/// to each other, between the same two, of threads that know each other, the sender's before the recipient's. Of equal
/// messages the nearest one is it; SQLite sorts by nothing of the outer row.
const HANDLED: &str = "CASE WHEN 1 = (SELECT CASE WHEN c.message_status = 'Done' THEN 1 ELSE 0 END FROM onsite_mail c WHERE c.id BETWEEN m.id - 20 AND m.id + 20 \
    AND HEX(c.owner) <> HEX(m.owner) AND HEX(c.sender_id) = HEX(m.sender_id) \
    AND HEX(c.recipient_id) = HEX(m.recipient_id) AND HEX(c.owner) IN (HEX(m.sender_id), HEX(m.recipient_id)) \
    AND (c.reply_mail_chain = m.mail_chain OR c.mail_chain = m.reply_mail_chain) AND c.body = m.body \
    AND CASE WHEN HEX(c.owner) = HEX(c.sender_id) THEN m.id - c.id ELSE c.id - m.id END > 0 \
    ORDER BY CASE WHEN HEX(c.owner) = HEX(c.sender_id) THEN -c.id ELSE c.id END LIMIT 1) THEN 1 ELSE 0 END";

/// The own copy counts as unread while it is new, has not been put away, and somebody else wrote it.
const UNREAD: &str = "CASE WHEN m.message_status = 'New' AND COALESCE(m.deleted, 0) <> 1 AND COALESCE(HEX(m.sender_id), '') NOT IN ";
const COUNT: &str = "SELECT COUNT(*) AS row_id FROM onsite_mail m WHERE m.owner IN ";

/// The collation ignores case and trailing blanks; the bytes do not.
const EXACTLY: &str = " AND HEX(m.owner) IN ";

const IDS: &str = "SELECT m.id AS row_id FROM onsite_mail m WHERE m.owner IN ";
const IDS_BELOW: &str = " AND m.id < ? ORDER BY m.id DESC LIMIT 5000";

const KEY: &str = "COALESCE(m.date, '1000-01-01 00:00:00')";

const ORDER: &str = " ORDER BY COALESCE(m.date, '1000-01-01 00:00:00') DESC, m.id DESC";

/// As both engines write a date, before parts of seconds.
const WALL: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");

const STATUS: &str = "http://hl7.org/fhir/event-status";
const BOOLEAN: &str = "http://hl7.org/fhir/special-values";

#[derive(FromRow)]
struct Id {
    row_id: i64,
}

#[derive(FromRow)]
struct Row {
    row_id: i64,
    date: Option<String>,
    owner: Option<String>,
    title: Option<String>,
    body: Option<String>,
    deleted: Option<i64>,
    message_status: String,
    sort_key: String,
    sender_id: Option<String>,
    sender_name: Option<String>,
    sender_row: Option<i64>,
    sender_uuid: Option<Vec<u8>>,
    sender_fname: Option<String>,
    sender_lname: Option<String>,
    recipient_id: Option<String>,
    recipient_name: Option<String>,
    recipient_row: Option<i64>,
    recipient_uuid: Option<Vec<u8>>,
    recipient_fname: Option<String>,
    recipient_lname: Option<String>,
    thread_row: Option<i64>,
    thread_owner: Option<String>,
    topic: String,
    handled: i64,
}

/// One end of a message as a row has it.
struct End<'r> {
    key: &'r Option<String>,
    name: &'r Option<String>,
    uuid: Option<Uuid>,
    staff: [&'r Option<String>; 2],
}

/// The messages in the patient's mailbox, received and sent, the newest first.
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let nothing = || Page {
        records: Vec::new(),
        next: None,
    };
    supported(query)?;
    if query.count == 0 {
        return Ok(nothing());
    }
    let person = reach.person()?;
    let Some(mailbox) = Mailbox::of(&emr.db, person).await? else {
        return Ok(nothing());
    };
    let only = match &query.ids {
        Some(ids) => Some(rows_of(emr, &mailbox, ids).await?),
        None => None,
    };
    let sql = statement(emr, reach, query, &mailbox, only)?;
    let mut rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    if rows.iter().any(Row::has_bare_staff) {
        uuids::fill(emr, Table::Users).await?;
        rows = emr.db.all(sql).await?;
    }
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let more = rows.len() > count;
    rows.truncate(count);
    let next = rows.last().filter(|_| more).map(|row| Cursor {
        key: row.sort_key.clone(),
        row: row.row_id,
    });
    let carried = attached::of(emr, reach, rows.iter().map(|row| row.row_id)).await?;
    let whose = (person, &mailbox);
    let records = rows
        .into_iter()
        .filter(|row| mailbox.has(row.owner.as_deref()))
        .map(|row| Record::Communication(Box::new(row.message(emr, whose, &carried))));
    Ok(Page {
        records: records.collect(),
        next,
    })
}

/// How many messages a patient has not read: received, new, and not put away.
///
/// # Errors
/// `Invalid` where the reach is not one patient's; as [`crate::db::Db::one`].
pub async fn unread(emr: &Emr, reach: &Reach) -> Answer<i64> {
    match Mailbox::of(&emr.db, reach.person()?).await? {
        Some(mailbox) => unread_in(emr, &mailbox).await,
        None => Ok(0),
    }
}

/// The same of a mailbox.
pub(super) async fn unread_in(emr: &Emr, mailbox: &Mailbox) -> Answer<i64> {
    let sql = Sql::new(COUNT)
        .list(mailbox.names())
        .push(EXACTLY)
        .list(mailbox.hex())
        .push(" AND 1 = ");
    let count: Option<Id> = emr.db.one(is_unread(sql, mailbox)).await?;
    Ok(count.map_or(0, |count| count.row_id))
}

/// Adds 1 for a row that is unread in this mailbox, and 0 for others.
pub(super) fn is_unread(sql: Sql, mailbox: &Mailbox) -> Sql {
    sql.push(UNREAD)
        .list(mailbox.hex())
        .push(" THEN 1 ELSE 0 END")
}

/// The wall time of a row's date; of one with zeros in it, which old rows have, and of one of no calendar there is none.
pub(super) fn moment(date: Option<&str>) -> Option<PrimitiveDateTime> {
    PrimitiveDateTime::parse(date?.get(..19)?, WALL).ok()
}

/// The FHIR id of a row of `onsite_mail`.
pub fn id_of(row: i64) -> Uuid {
    named("onsite_mail", row)
}

/// The rows of a mailbox that have one of these ids. An id cannot be turned back, so the mailbox's own are computed, the newest
/// first, until all are found: a member of staff who wrote to everybody has more of them than one statement should bring.
pub(super) async fn rows_of(emr: &Emr, mailbox: &Mailbox, ids: &[Uuid]) -> Answer<Vec<i64>> {
    let mut found = Vec::new();
    let mut below = i64::MAX;
    while found.len() < ids.len() {
        let sql = Sql::new(IDS)
            .list(mailbox.names())
            .push(EXACTLY)
            .list(mailbox.hex())
            .push(IDS_BELOW)
            .bind(below);
        let rows: Vec<Id> = emr.db.all(sql).await?;
        let Some(last) = rows.last() else { break };
        below = last.row_id;
        let rows = rows.into_iter().map(|row| row.row_id);
        found.extend(rows.filter(|row| ids.contains(&id_of(*row))));
    }
    Ok(found)
}

fn statement(
    emr: &Emr,
    reach: &Reach,
    query: &Query,
    mailbox: &Mailbox,
    only: Option<Vec<i64>>,
) -> Answer<Sql> {
    let mut sql = Sql::new(FIND)
        .push(TOPIC)
        .push(" AS topic, ")
        .push(HANDLED)
        .push(" AS handled")
        .push(FROM)
        .list(mailbox.names())
        .push(EXACTLY)
        .list(mailbox.hex());
    let filtered = |sql: Sql, filter: &Filter| filtered((emr, mailbox), sql, filter);
    sql = predicates::granted(sql, reach, |sql, filter| Ok(filtered(sql, filter)))?;
    if let Some(rows) = only {
        sql = sql.push(" AND m.id IN ").list(rows);
    }
    for filter in &query.filters {
        sql = filtered(sql, filter);
    }
    let sql = predicates::below(sql, KEY, "m.id", query.after.as_ref());
    Ok(sql.push(ORDER).limit(query.count.saturating_add(1)))
}

fn filtered((emr, mailbox): (&Emr, &Mailbox), sql: Sql, filter: &Filter) -> Sql {
    match filter {
        Filter::Date(_, ranges) => predicates::dates(sql, "m.date", ranges, &emr.zone),
        Filter::Token(Field::Category, tokens) => about(sql, tokens),
        Filter::Token(Field::Read, tokens) => {
            let unread = is_unread(sql.push(" AND CASE WHEN "), mailbox);
            told(unread.push(" = 1 THEN 'false' ELSE 'true' END"), tokens)
        }
        Filter::Token(Field::Done, tokens) => {
            let done = sql.push(" AND CASE WHEN m.message_status = 'Done' OR ");
            let done = done.push(HANDLED);
            told(done.push(" = 1 THEN 'true' ELSE 'false' END"), tokens)
        }
        Filter::Token(_, tokens) => all_or_none(sql, tokens, (STATUS, "completed")),
        // Refused by `supported` before.
        Filter::Text(..) | Filter::Reference(..) => sql.push(" AND 1 = 0"),
    }
}

/// # Errors
/// `Unsupported` where a filter is about something a message does not have.
fn supported(query: &Query) -> Answer<()> {
    let known = |filter: &Filter| {
        matches!(
            filter,
            Filter::Date(Field::Date | Field::LastUpdated, _)
                | Filter::Token(
                    Field::Category | Field::Status | Field::Read | Field::Done,
                    _
                )
        )
    };
    match query.filters.iter().all(known) {
        true => Ok(()),
        false => {
            let why = "Communication has no such search parameter.";
            Err(Refusal::Unsupported(why.to_owned()).into())
        }
    }
}

/// Every message has the one category, and some another by what they are about.
fn about(sql: Sql, tokens: &[Token]) -> Sql {
    let asks = |code: &str| {
        tokens
            .iter()
            .any(|token| predicates::asks_for(token, MESSAGE.0, code))
    };
    match asks(MESSAGE.1) {
        true => sql,
        false => {
            let topics = Topic::ALL.iter().filter(|(_, code, _)| asks(code));
            sql.push(" AND ")
                .push(TOPIC)
                .push(" IN ")
                .list(topics.map(|(_, code, _)| *code))
        }
    }
}

/// Adds that the word before is one of those asked for: `true` or `false`, of any system or of the one FHIR has for them.
fn told(sql: Sql, tokens: &[Token]) -> Sql {
    let words = ["true", "false"].into_iter();
    let asked = words.filter(|word| {
        tokens
            .iter()
            .any(|token| predicates::asks_for(token, BOOLEAN, word))
    });
    sql.push(" IN ").list(asked)
}

/// Every message has this one code: a token search finds all of them or none.
fn all_or_none(sql: Sql, tokens: &[Token], code: (&str, &str)) -> Sql {
    let (system, code) = code;
    match tokens
        .iter()
        .any(|token| predicates::asks_for(token, system, code))
    {
        true => sql,
        false => sql.push(" AND 1 = 0"),
    }
}

impl Row {
    fn has_bare_staff(&self) -> bool {
        let bare = |row: Option<i64>, uuid: &Option<Vec<u8>>| {
            row.is_some() && uuids::known(uuid.as_deref()).is_none()
        };
        bare(self.sender_row, &self.sender_uuid) || bare(self.recipient_row, &self.recipient_uuid)
    }

    fn message(
        self,
        emr: &Emr,
        (person, mailbox): (Person, &Mailbox),
        carried: &Carried,
    ) -> Communication {
        let party = |end: &End<'_>| end.party(emr, person, mailbox);
        let sender = party(&End {
            key: &self.sender_id,
            name: &self.sender_name,
            uuid: uuids::known(self.sender_uuid.as_deref()),
            staff: [&self.sender_fname, &self.sender_lname],
        });
        let recipient = party(&End {
            key: &self.recipient_id,
            name: &self.recipient_name,
            uuid: uuids::known(self.recipient_uuid.as_deref()),
            staff: [&self.recipient_fname, &self.recipient_lname],
        });
        let own = matches!(sender, Party::Patient { .. });
        let body = carried.body(self.row_id, self.body.as_deref().unwrap_or_default());
        Communication {
            uuid: id_of(self.row_id),
            person,
            sender,
            recipient,
            title: tidy(self.title),
            body: letter::text(body),
            html: html::sanitised(body),
            topic: Topic::of(&self.topic),
            attached: carried.of(self.row_id),
            sent: emr.zone.told(moment(self.date.as_deref())),
            read: own || !self.message_status.eq_ignore_ascii_case("New"),
            archived: self.deleted == Some(1),
            done: self.message_status.eq_ignore_ascii_case("Done"),
            handled: self.handled == 1,
            thread: self
                .thread_row
                .filter(|_| mailbox.has(self.thread_owner.as_deref()))
                .map(id_of),
        }
    }
}

impl End<'_> {
    fn party(&self, emr: &Emr, person: Person, mailbox: &Mailbox) -> Party {
        if mailbox.has(self.key.as_deref()) {
            return Party::Patient {
                person,
                name: mailbox.display.clone(),
            };
        }
        let written = self.name.as_deref().unwrap_or_default().trim();
        let words = self
            .staff
            .map(|word| word.as_deref().unwrap_or_default().trim());
        let name = match words.join(" ").trim() {
            "" => written.to_owned(),
            name => name.to_owned(),
        };
        match (self.uuid, name.is_empty()) {
            (Some(uuid), _) => Party::Staff { uuid, name },
            (None, false) => Party::Other(name),
            // A login name is no name to show; whoever it was works there.
            (None, true) => Party::Other(emr.known().name.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
