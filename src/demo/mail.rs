//! Letters as `onsite_mail` keeps them: two rows each, one in the mailbox of either end, chained to their threads
//! (facts 1.10 and 2.8).

use std::collections::HashMap;

use time::Duration;
use time::PrimitiveDateTime;

use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::letters::Fate;
use crate::demo::letters::LETTERS;
use crate::demo::letters::Letter;
use crate::demo::letters::Side;
use crate::demo::people::PEOPLE;
use crate::demo::staff::STAFF;

/// One end of a letter: the mailbox key and the name shown.
#[derive(Clone)]
struct End {
    key: String,
    name: String,
}

/// A thread so far: the chain numbers of the patient's and of the practice's copies.
#[derive(Clone, Copy)]
struct Chains {
    patient: i64,
    practice: i64,
}

/// One copy of a letter.
struct Copy<'a> {
    id: i64,
    owner: &'a End,
    chain: i64,
    sender_chain: i64,
    status: &'static str,
    fate: Option<Fate>,
}

/// All letters.
pub(super) fn write(book: &mut Book<'_>) {
    let mut threads: HashMap<u8, Chains> = HashMap::new();
    for (place, letter) in (0_i64..).zip(&LETTERS) {
        let ids = (2 * place + 1, 2 * place + 2);
        let known = threads.get(&letter.thread).copied();
        let written_by_patient = letter.from == Side::Patient;
        let chains = known.unwrap_or(match written_by_patient {
            true => Chains {
                patient: ids.0,
                practice: ids.1,
            },
            false => Chains {
                patient: ids.1,
                practice: ids.0,
            },
        });
        threads.insert(letter.thread, chains);
        let (own, others) = match written_by_patient {
            true => (chains.patient, chains.practice),
            false => (chains.practice, chains.patient),
        };
        let (sender, recipient) = ends(letter);
        let sent = Copy {
            id: ids.0,
            owner: &sender,
            chain: own,
            sender_chain: own,
            status: if known.is_some() { "Reply" } else { "New" },
            fate: None,
        };
        let received = Copy {
            id: ids.1,
            owner: &recipient,
            chain: others,
            sender_chain: own,
            status: status(letter.fate),
            fate: Some(letter.fate),
        };
        for copy in [sent, received] {
            let row = row(book, letter, (&sender, &recipient), &copy);
            book.add(row);
        }
    }
}

/// Sender and recipient.
fn ends(letter: &Letter) -> (End, End) {
    let person = PEOPLE.iter().find(|person| person.pid == letter.pid);
    let colleague = STAFF.iter().find(|staff| staff.id == letter.colleague);
    let patient = End {
        key: person.map_or(String::new(), |person| match letter.from {
            Side::OldDashboard => format!("{}{}", person.name[1], person.row()),
            _ => person.mailbox().to_owned(),
        }),
        name: person.map_or(String::new(), |person| person.display()),
    };
    let staff = End {
        key: colleague.map_or(String::new(), |staff| staff.username.to_owned()),
        name: colleague.map_or(String::new(), |staff| staff.display()),
    };
    match letter.from {
        Side::Patient => (patient, staff),
        Side::Practice | Side::OldDashboard => (staff, patient),
    }
}

fn status(fate: Fate) -> &'static str {
    match fate {
        Fate::Unread => "New",
        Fate::Read => "Read",
        Fate::Archived => "Delete",
        Fate::Forwarded => "Sent",
        Fate::Done => "Done",
    }
}

fn row(book: &Book<'_>, letter: &Letter, ends: (&End, &End), copy: &Copy<'_>) -> Row {
    let (sender, recipient) = ends;
    let (days, time) = letter.sent;
    let date = book.at(-days, time);
    let archived = copy.fate == Some(Fate::Archived);
    let deleted: Option<PrimitiveDateTime> = archived.then(|| date + Duration::days(2));
    Row::of("onsite_mail")
        .numbers([
            ("id", copy.id),
            ("activity", i64::from(copy.fate != Some(Fate::Done))),
            ("authorized", 1),
            ("deleted", i64::from(archived)),
            ("mail_chain", copy.chain),
            ("reply_mail_chain", copy.sender_chain),
            ("is_msg_encrypted", 0),
        ])
        .texts([
            ("owner", &copy.owner.key),
            ("user", &sender.key),
            ("groupname", "Default"),
            ("title", letter.title),
            ("body", letter.body),
            ("sender_id", &sender.key),
            ("sender_name", &sender.name),
            ("recipient_id", &recipient.key),
            ("recipient_name", &recipient.name),
            ("assigned_to", ""),
            ("message_status", copy.status),
        ])
        .set("date", date)
        .set("delete_date", deleted)
}
