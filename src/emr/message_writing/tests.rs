//! The rows of a message and of its answers, and marks.

mod equal;
mod names;

use super::*;
use crate::db::Db;
use crate::domain::ResourceType;
use crate::domain::access::LaunchContext;
use crate::domain::access::Right;
use crate::domain::access::Staff;
use crate::domain::access::User;
use crate::domain::query::Query;
use crate::domain::records::Communication;
use crate::domain::records::Record;
use crate::domain::refusal::Failure;
use crate::domain::scope::Interaction;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::granted;
use crate::emr::fixture::reach;
use crate::emr::mail::id_of;
use crate::emr::mail::opened;
use crate::emr::mail::threads;
use crate::emr::mail::threads::Folder;
use crate::emr::mail::threads::Whose;
use crate::emr::writing;
use crate::emr::writing::Rules;
use crate::portal;
use crate::portal::Ask;
use crate::portal::message::Body;
use crate::portal::message::Deed;
use crate::portal::message::Letter;
use crate::portal::message::Mark;
use crate::portal::message::Sort;

const PEOPLE: &str = "INSERT INTO patient_data (id, pid, uuid, fname, lname, allow_patient_portal) VALUES \
    (12, 7, X'00000000000000000000000000000007', 'Ana', 'Diaz', 'YES'), \
    (13, 8, X'00000000000000000000000000000008', 'Bo', 'Lund', 'NO'); \
    INSERT INTO patient_access_onsite (pid, portal_username) VALUES (7, 'Ana12'), (8, 'Bo13'); \
    INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('portal_onsite_two_enable', 0, '1'); \
    INSERT INTO users (id, uuid, username, authorized, active, portal_user, fname, lname) VALUES \
    (5, X'00000000000000000000000000000005', 'drlee', 1, 1, 1, 'Kim', 'Lee'), \
    (6, X'00000000000000000000000000000006', 'quiet', 1, 1, 0, 'No', 'Mail');";

#[derive(FromRow)]
struct Line {
    text: String,
}

const ROWS: &str = "SELECT CONCAT_WS('|', id, owner, user, sender_id, sender_name, recipient_id, recipient_name, \
    message_status, mail_chain, reply_mail_chain, deleted) AS text FROM onsite_mail ORDER BY id";

async fn rows(db: &Db) -> Vec<String> {
    let lines: Vec<Line> = db.all(Sql::new(ROWS)).await.expect("asked");
    lines.into_iter().map(|line| line.text).collect()
}

fn patient(pid: i64) -> (Grant, Reach) {
    let scope = "patient/Communication.crus";
    let person = Person {
        pid,
        uuid: Uuid::from_u128(u128::from(pid.unsigned_abs())),
    };
    let context = LaunchContext {
        patient: Some(person),
        encounter: None,
    };
    let reach = reach(pid, scope, ResourceType::Communication, Interaction::Create);
    (granted(User::Patient(person), context, scope), reach)
}

fn colleague(id: i64) -> (Grant, Reach) {
    let staff = Staff {
        id,
        uuid: Uuid::from_u128(u128::from(id.unsigned_abs())),
        rights: vec![Right::Notes],
    };
    let grant = granted(
        User::Staff(staff),
        LaunchContext::default(),
        "user/Communication.crus",
    );
    let reach = grant.reach(ResourceType::Communication, Interaction::Create);
    (grant, reach.expect("open"))
}

async fn done(emr: &Emr, who: &(Grant, Reach), ask: MessageAsk) -> Answer<Uuid> {
    let rules = Rules {
        cancel_notice: time::Duration::ZERO,
        auto_enable: false,
        forms: crate::portal::form::Policy::Review,
        reviews: crate::config::Reviews::default(),
    };
    let (grant, reach) = who;
    let case = writing::case(emr, grant, reach, (Ask::Message(ask), rules)).await?;
    let permit = portal::decide(case).permit()?;
    let about = (emr, permit);
    let written = emr
        .db
        .transaction_about(&about, |(emr, permit), tx| {
            Box::pin(writing::apply(emr, tx, permit))
        })
        .await?;
    match written {
        Written::Record(id) => Ok(id),
        Written::Review(id) => panic!("{id}"),
    }
}

fn letter(to: (u128, Option<u128>), answered: Option<Uuid>, body: &str) -> MessageAsk {
    MessageAsk::Send(Letter {
        patient: Uuid::from_u128(to.0),
        colleague: to.1.map(Uuid::from_u128),
        answered,
        title: "Swim & <b>".to_owned(),
        body: Body::Text(body.to_owned()),
        topic: None,
        enclosed: Vec::new(),
    })
}

async fn message(emr: &Emr, id: Uuid) -> Communication {
    let (_, reach) = patient(7);
    let page = mail::find(emr, &reach, &Query::one(id))
        .await
        .expect("found");
    match page.records.into_iter().next() {
        Some(Record::Communication(message)) => *message,
        other => panic!("{other:?}"),
    }
}

/// The rule that refuses.
fn rule(failure: Failure) -> String {
    match failure {
        Failure::Refused(Refusal::Rules(reasons)) => {
            let ids: Vec<&str> = reasons.iter().map(|reason| reason.id).collect();
            ids.join(" ")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_and_its_answers_are_chained_at_both_ends() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    let (ana, lee) = (patient(7), colleague(5));
    let first = done(emr, &ana, letter((7, Some(5)), None, "a  b\r\n\n<x>")).await;
    let first = first.expect("sent");
    assert_eq!(first, id_of(1), "the patient's copy");
    let answer = done(emr, &lee, letter((7, None), Some(first), "yes")).await;
    let answer = answer.expect("answered");
    assert_eq!(answer, id_of(4), "the patient's copy again");
    done(emr, &ana, letter((7, Some(5)), Some(answer), "thanks"))
        .await
        .expect("sent");
    assert_eq!(
        rows(&emr.db).await,
        [
            "1|Ana12|Ana12|Ana12|Ana Diaz|drlee|Kim Lee|New|1|1|0",
            "2|drlee|Ana12|Ana12|Ana Diaz|drlee|Kim Lee|New|2|1|0",
            "3|drlee|drlee|drlee|Kim Lee|Ana12|Ana Diaz|Reply|2|2|0",
            "4|Ana12|drlee|drlee|Kim Lee|Ana12|Ana Diaz|New|1|2|0",
            "5|Ana12|Ana12|Ana12|Ana Diaz|drlee|Kim Lee|Reply|1|1|0",
            "6|drlee|Ana12|Ana12|Ana Diaz|drlee|Kim Lee|New|2|1|0",
        ]
    );
    let message = message(emr, first).await;
    assert_eq!(
        (message.title.as_str(), message.body.as_str()),
        ("Swim & <b>", "a  b\r\n\n<x>")
    );
    assert_eq!(message.thread, None);
}

#[tokio::test]
async fn f141_only_staff_who_take_part_and_patients_whose_portal_is_on() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    for (who, ask, expected) in [
        (
            patient(7),
            letter((7, Some(6)), None, "x"),
            "recipient-not-portal-user",
        ),
        (
            patient(7),
            letter((7, Some(99)), None, "x"),
            "recipient-not-portal-user",
        ),
        (
            patient(8),
            letter((8, Some(5)), None, "x"),
            "message.patient-off",
        ),
        (
            colleague(6),
            letter((7, None), None, "x"),
            "recipient-not-portal-user",
        ),
        (
            colleague(5),
            letter((8, None), None, "x"),
            "message.patient-off",
        ),
    ] {
        let failure = done(emr, &who, ask).await.expect_err(expected);
        assert_eq!(rule(failure), expected);
    }
    assert_eq!(rows(&emr.db).await, Vec::<String>::new());
    let off = "UPDATE users SET portal_user = 0";
    emr.db.script(off).await.expect("nobody");
    let first = "INSERT INTO users (id, uuid, username, authorized, active, portal_user, fname, lname) VALUES \
        (1, X'00000000000000000000000000000001', 'admin', 1, 1, 0, 'Ad', 'Min')";
    emr.db.script(first).await.expect("inserted");
    done(emr, &patient(7), letter((7, Some(1)), None, "x"))
        .await
        .expect("the first user, where nobody takes part");
}

#[tokio::test]
async fn case_142_nobody_writes_for_another_or_answers_in_another_mailbox() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    emr.db
        .script("UPDATE patient_data SET allow_patient_portal = 'YES'")
        .await
        .expect("on");
    let theirs = done(emr, &patient(8), letter((8, Some(5)), None, "x"))
        .await
        .expect("sent");
    for (who, ask) in [
        (patient(7), letter((8, Some(5)), None, "x")),
        (patient(7), letter((7, Some(5)), Some(theirs), "x")),
        (patient(7), letter((7, Some(5)), Some(id_of(2)), "x")),
        (colleague(5), letter((99, None), None, "x")),
    ] {
        let failure = done(emr, &who, ask).await.expect_err("refused");
        assert!(
            matches!(failure, Failure::Refused(Refusal::Unprocessable { .. })),
            "{failure:?}"
        );
    }
    let failure = done(emr, &colleague(5), letter((7, Some(6)), None, "x")).await;
    assert!(matches!(
        failure,
        Err(Failure::Refused(Refusal::Forbidden(_)))
    ));
    assert_eq!(rows(&emr.db).await.len(), 2);
}

#[tokio::test]
async fn f146_each_side_completes_its_own_copies_and_both_are_told() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    let (ana, lee) = (patient(7), colleague(5));
    let unread = async || mail::unread(emr, &ana.1).await.expect("counted");
    let first = done(emr, &lee, letter((7, None), None, "x")).await;
    let first = first.expect("sent");
    let second = done(emr, &lee, letter((7, None), Some(first), "y")).await;
    let second = second.expect("sent");
    assert_eq!(unread().await, 2);
    let person = Person {
        pid: 7,
        uuid: Uuid::from_u128(7),
    };
    let complete = MessageAsk::Mark(Mark {
        message: second,
        person,
        read: false,
        archived: false,
        completes: true,
    });
    // Somebody else of the practice has no copy to complete.
    let other = done(emr, &colleague(6), complete.clone()).await;
    assert_eq!(rule(other.expect_err("not theirs")), "message.own-copy");
    done(emr, &lee, complete).await.expect("completed");
    let told = message(emr, second).await;
    assert!(told.handled && !told.done && !told.read);
    assert!(!message(emr, first).await.handled);
    assert_eq!(
        unread().await,
        2,
        "what staff completed is still to be read"
    );
    let sort = |deed| {
        let (message, shown) = (first, vec![2, 4]);
        MessageAsk::Sort(Sort {
            message,
            deed,
            shown,
        })
    };
    done(emr, &ana, sort(Deed::Complete)).await.expect("done");
    assert_eq!(unread().await, 0);
    assert!(message(emr, first).await.done && message(emr, second).await.done);
    done(emr, &ana, sort(Deed::Archive)).await.expect("done");
    let away = message(emr, first).await;
    assert!(away.done && away.archived);
    done(emr, &ana, sort(Deed::Back)).await.expect("done");
    let back = message(emr, first).await;
    assert!(back.done && !back.archived);
    let theirs = done(emr, &patient(8), sort(Deed::Archive)).await;
    assert!(matches!(theirs, Err(Failure::Refused(Refusal::NotFound))));
}

#[tokio::test]
async fn a_copy_is_marked_in_its_own_mailbox_only() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    let (ana, lee) = (patient(7), colleague(5));
    let id = done(emr, &lee, letter((7, None), None, "x"))
        .await
        .expect("sent");
    let mark = |read, archived| {
        MessageAsk::Mark(Mark {
            message: id,
            person: Person {
                pid: 7,
                uuid: Uuid::from_u128(7),
            },
            read,
            archived,
            completes: false,
        })
    };
    assert!(!message(emr, id).await.read);
    done(emr, &ana, mark(true, false)).await.expect("read");
    assert!(message(emr, id).await.read);
    done(emr, &ana, mark(true, true)).await.expect("put away");
    let away = message(emr, id).await;
    assert!(away.read && away.archived);
    done(emr, &ana, mark(true, false)).await.expect("back");
    assert!(!message(emr, id).await.archived);
    assert_eq!(
        rule(done(emr, &ana, mark(false, false)).await.expect_err("no")),
        "message.unread"
    );
    assert_eq!(
        rows(&emr.db).await[0].split('|').nth(7),
        Some("New"),
        "the sender's copy is the sender's"
    );
    let other = done(emr, &patient(8), mark(true, true)).await;
    assert!(matches!(other, Err(Failure::Refused(Refusal::NotFound))));
}

/// Two who write at the same moment get the same number from OpenEMR, and older rows have none: 0 or nothing. Row 14 is of a
/// thread whose number is another row's own, and has a day of zeros; of row 15 nobody knows who wrote it.
const RACED: &str = "INSERT INTO onsite_mail (id, date, owner, title, body, sender_id, sender_name, recipient_id, \
    recipient_name, deleted, message_status, mail_chain, reply_mail_chain) VALUES \
    (8, '2026-11-01 09:00:00', 'Bo13', 'bo', 'x', 'Bo13', 'Bo Lund', 'drlee', 'Kim Lee', 0, 'New', 8, 10), \
    (9, '2026-11-01 09:00:00', 'Ana12', 'ana', 'x', 'Ana12', 'Ana Diaz', 'drlee', 'Kim Lee', 0, 'New', 9, 10), \
    (10, '2026-11-01 09:00:00', 'drlee', 'ana', 'x', 'Ana12', 'Ana Diaz', 'drlee', 'Kim Lee', 0, 'New', 10, 9), \
    (11, '2026-11-01 09:00:00', 'drlee', 'bo', 'x', 'Bo13', 'Bo Lund', 'drlee', 'Kim Lee', 0, 'New', 10, 8), \
    (12, '2026-11-02 09:00:00', 'drlee', 'ana bare', 'x', 'Ana12', 'Ana Diaz', 'drlee', 'Kim Lee', 0, 'New', 0, 0), \
    (13, '2026-11-02 09:00:00', 'drlee', 'bo late', 'x', 'Bo13', 'Bo Lund', 'drlee', 'Kim Lee', 0, 'New', 12, 0), \
    (14, '0000-00-00 00:00:00', 'Ana12', 'one', 'x', 'drlee', 'Kim Lee', 'Ana12', 'Ana Diaz', 0, 'New', 15, 0), \
    (15, '2026-11-03 09:00:00', 'Ana12', 'two', 'x', NULL, NULL, 'Ana12', 'Ana Diaz', 0, 'New', 3, 0), \
    (16, '2026-11-04 09:00:00', 'drlee', 'ana', 'y', 'Ana12', 'Ana Diaz', 'drlee', 'Kim Lee', 0, 'New', 10, 9);";

#[tokio::test]
async fn f146_conversations_that_raced_for_a_number_do_not_mix() {
    let fixture = Fixture::with(&format!("{PEOPLE} {RACED}")).await;
    let emr = &fixture.emr;
    let (ana, lee) = (patient(7), colleague(5));
    let staff = Whose::Staff(5);
    let inbox = async |who: &(Grant, Reach), whose| {
        let found = threads::list(emr, &who.1, (whose, Folder::Inbox), None).await;
        let threads = found.expect("listed").threads.into_iter();
        let told = threads.map(|one| (one.title, one.with, one.total));
        told.collect::<Vec<(String, String, i64)>>()
    };
    let one = |title: &str, with: &str, total| (title.to_owned(), with.to_owned(), total);
    assert_eq!(
        inbox(&lee, staff).await,
        [
            one("ana", "Ana Diaz", 2),
            one("bo late", "Bo Lund", 1),
            one("ana bare", "Ana Diaz", 1),
            one("bo", "Bo Lund", 1),
        ]
    );
    let open = async |who: &(Grant, Reach), whose, row| {
        let opened = opened::open(emr, &who.1, (whose, id_of(row))).await;
        let opened = opened.expect("opened");
        let rows: Vec<i64> = opened.posts.iter().map(|post| post.row).collect();
        (rows, opened)
    };
    for (row, rows, pid, answered) in [
        (10, vec![10, 16], 7, Some(id_of(9))),
        (11, vec![11], 8, Some(id_of(8))),
        (12, vec![12], 7, None),
        (13, vec![13], 8, None),
    ] {
        let (found, opened) = open(&lee, staff, row).await;
        assert_eq!(found, rows);
        assert_eq!(opened.person.map(|person| person.pid), Some(pid), "{row}");
        assert_eq!(opened.answered, answered, "{row}");
    }
    let mine: Vec<String> = inbox(&ana, Whose::Patient)
        .await
        .into_iter()
        .map(|(title, ..)| title)
        .collect();
    assert_eq!(mine, ["two", "one"]);
    let (found, opened) = open(&ana, Whose::Patient, 14).await;
    assert_eq!((found, opened.posts[0].sent), (vec![14], None));
    let (found, opened) = open(&ana, Whose::Patient, 15).await;
    assert_eq!(found, [15]);
    assert!(!opened.posts[0].read && opened.to.is_none());
    // What is done with one is done with nothing of the others, nor with what came after it was shown.
    let sort = MessageAsk::Sort(Sort {
        message: id_of(10),
        deed: Deed::Archive,
        shown: vec![10],
    });
    done(emr, &lee, sort).await.expect("put away");
    let away: Vec<String> = rows(&emr.db)
        .await
        .into_iter()
        .filter(|row| row.ends_with("|1"))
        .map(|row| row.split('|').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(away, ["10"]);
}

/// What does not fit into a column is cut where it is a name or the title of what is answered, and refused where it would be
/// somebody else's mailbox.
#[tokio::test]
async fn f141_what_a_column_cannot_hold_is_cut_or_refused() {
    let long = "n".repeat(300);
    let odd = format!(
        "UPDATE patient_data SET lname = '{long}' WHERE pid = 7; \
         INSERT INTO users (id, uuid, username, authorized, active, portal_user, fname, lname) VALUES \
         (8, X'00000000000000000000000000000018', '{long}', 1, 1, 1, 'Too', 'Long'), \
         (9, X'00000000000000000000000000000019', 'Bo13', 1, 1, 1, 'Same', 'Name');"
    );
    let fixture = Fixture::with(&format!("{PEOPLE} {odd}")).await;
    let emr = &fixture.emr;
    let ana = patient(7);
    for (uuid, id) in [(0x18, 8), (0x19, 9)] {
        let to = done(emr, &ana, letter((7, Some(uuid)), None, "x")).await;
        assert_eq!(rule(to.expect_err("no")), "recipient-not-portal-user");
        let from = done(emr, &colleague(id), letter((7, None), None, "x")).await;
        assert_eq!(rule(from.expect_err("no")), "recipient-not-portal-user");
    }
    let first = done(emr, &ana, letter((7, Some(5)), None, "x")).await;
    let first = first.expect("sent");
    let signs = |answered| {
        MessageAsk::Send(Letter {
            patient: Uuid::from_u128(7),
            colleague: Some(Uuid::from_u128(5)),
            answered,
            title: "&lt;".repeat(60),
            body: Body::Text("y".to_owned()),
            topic: None,
            enclosed: Vec::new(),
        })
    };
    let no = done(emr, &ana, signs(None)).await.expect_err("too long");
    assert!(matches!(
        no,
        Failure::Refused(Refusal::Unprocessable { .. })
    ));
    done(emr, &ana, signs(Some(first))).await.expect("cut");
    let sizes = "SELECT CONCAT_WS('|', MAX(LENGTH(title)), MAX(LENGTH(sender_name))) AS text FROM onsite_mail";
    let lines: Vec<Line> = emr.db.all(Sql::new(sizes)).await.expect("asked");
    assert_eq!(lines[0].text, "255|255");
}
