//! Which rows of a mailbox are one thread. OpenEMR numbers threads by the highest row there is, and two of its users who
//! write at the same moment get the same number: a number alone says too little in a mailbox that many write to.

use sqlx::FromRow;

use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::mail::owner;
use crate::emr::mail::threads::Whose;
use crate::emr::predicates::hex;
use crate::portal::message::Thread;

/// The thread of a row: the number OpenEMR gave it, and for a row it gave none (or 0) its own. A row whose own number is that
/// of another thread is not of that thread.
pub(in crate::emr) const CHAIN: &str = "COALESCE(NULLIF(mail_chain, 0), id)";

const OF_ROW: &str = "SELECT mail_chain, sender_id, recipient_id FROM onsite_mail WHERE id = ?";

const OWN: &str = "owner IN ";
/// The collation ignores case and trailing blanks; the bytes do not.
const EXACTLY: &str = " AND HEX(owner) IN ";
const AND: &str = " AND ";
const IS: &str = " = ?";
const AMONG: &str = " IN ";

/// The bytes of whoever is at the other end; older rows have no name at one of them.
const SENT: &str = "CASE WHEN HEX(sender_id) IN ";
const OTHER: &str = " THEN COALESCE(HEX(recipient_id), '') ELSE COALESCE(HEX(sender_id), '') END";

#[derive(FromRow)]
struct Row {
    mail_chain: Option<i64>,
    sender_id: Option<String>,
    recipient_id: Option<String>,
}

/// The thread that a row of a mailbox belongs to. In a mailbox of staff it is one with somebody; a patient's may go on with
/// another member of staff.
pub(in crate::emr) async fn of_row(
    emr: &Emr,
    (mailbox, whose): (&Mailbox, Whose),
    row: i64,
) -> Answer<Option<Thread>> {
    let found: Option<Row> = emr.db.one(Sql::new(OF_ROW).bind(row)).await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let other = match mailbox.has(found.sender_id.as_deref()) {
        true => found.recipient_id.unwrap_or_default(),
        false => found.sender_id.unwrap_or_default(),
    };
    Ok(Some(Thread {
        owners: mailbox.names().cloned().collect(),
        chain: found.mail_chain.filter(|chain| *chain != 0).unwrap_or(row),
        other: match whose {
            Whose::Patient => None,
            // OpenEMR writes to one patient under more than one name.
            Whose::Staff(_) => Some(owner::names_beside(emr, &other).await?),
        },
    }))
}

/// Adds that a row is one of a thread, after a `WHERE`.
pub(in crate::emr) fn rows(sql: Sql, thread: &Thread) -> Sql {
    let bytes = || thread.owners.iter().map(|name| hex(name));
    let sql = sql
        .push(OWN)
        .list(&thread.owners)
        .push(EXACTLY)
        .list(bytes())
        .push(AND)
        .push(CHAIN)
        .push(IS)
        .bind(thread.chain);
    match &thread.other {
        Some(other) => other_end(sql.push(AND), bytes())
            .push(AMONG)
            .list(other.iter().map(|name| hex(name))),
        None => sql,
    }
}

/// Adds the bytes of the name at the other end of a row from a mailbox of these names, given by their bytes.
pub(in crate::emr) fn other_end(sql: Sql, own: impl Iterator<Item = String>) -> Sql {
    sql.push(SENT).list(own).push(OTHER)
}
