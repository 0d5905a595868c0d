//! Whose mailbox it is, and threads.

use super::*;
use crate::domain::ResourceType;
use crate::domain::query::DateRange;
use crate::domain::query::Prefix;
use crate::domain::scope::Interaction;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::reach;
use time::macros::datetime;

/// Patient 7 is chart 12, Ana Diaz with the account `ana-login`; patient 8 has an account that differs in case only;
/// patient 9 is chart 2 and named so that `fname` + `id` is chart 12's too; patient 10 shares nothing.
const PEOPLE: &str = "INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES \
    (12, 7, X'00000000000000000000000000000007', 'Ana', 'Diaz'), \
    (13, 8, X'00000000000000000000000000000008', 'Bo', 'Lund'), \
    (14, 10, X'0000000000000000000000000000000A', 'Cy', 'Ek'); \
    INSERT INTO patient_access_onsite (pid, portal_username) VALUES (7, 'ana-login'), (8, 'ANA-LOGIN'); \
    INSERT INTO users (id, uuid, username, authorized, fname, lname) VALUES \
    (5, NULL, 'drlee', 1, 'Kim', 'Lee'), (6, NULL, 'Cy14', 0, 'Not', 'Patient');";

const MAIL: &str = "INSERT INTO onsite_mail (id, date, owner, title, body, sender_id, sender_name, recipient_id, \
    recipient_name, deleted, message_status, mail_chain) VALUES \
    (1, '2026-11-01 09:00:00', 'ana-login', 'Q', '<p>Hello &amp; bye</p>', 'ana-login', 'Ana Diaz', 'drlee', 'Kim Lee', 0, 'New', 1), \
    (2, '2026-11-01 09:00:00', 'drlee', 'Q', '<p>Hello &amp; bye</p>', 'ana-login', 'Ana Diaz', 'drlee', 'Kim Lee', 0, 'New', 2), \
    (3, '2026-11-02 09:00:00', 'Ana12', 'A', 'one<br>two', 'drlee', 'Lee, Kim', 'Ana12', 'Ana Diaz', 0, 'New', 1), \
    (4, '2026-11-03 09:00:00', 'AnaDiaz12', 'B', 'x', 'gone', 'Old Staff', 'AnaDiaz12', 'Ana Diaz', 1, 'Delete', 2), \
    (5, '2026-11-04 09:00:00', 'ANA-LOGIN', 'theirs', 'x', 'drlee', 'Kim Lee', 'ANA-LOGIN', 'Bo Lund', 0, 'New', 5), \
    (6, '2026-11-05 09:00:00', 'ana12', 'not theirs either', 'x', 'drlee', 'Kim Lee', 'ana12', '', 0, 'New', 6), \
    (7, '2026-11-06 09:00:00', 'Ana120', 'longer', 'x', 'drlee', 'Kim Lee', 'Ana120', '', 0, 'New', 7), \
    (8, '2026-11-07 09:00:00', 'Cy14', 'staff mail', 'x', 'drlee', 'Kim Lee', 'Cy14', '', 0, 'Read', 8);";

async fn messages(emr: &Emr, pid: i64, query: Query) -> (Vec<Communication>, Option<Cursor>) {
    let scope = "patient/Communication.rs";
    let reach = reach(pid, scope, ResourceType::Communication, Interaction::Search);
    let page = find(emr, &reach, &query).await.expect("it is answered");
    let messages = page.records.into_iter().map(|record| match record {
        Record::Communication(message) => *message,
        other => panic!("{other:?}"),
    });
    (messages.collect(), page.next)
}

async fn titles(emr: &Emr, pid: i64, query: Query) -> Vec<String> {
    let (messages, _) = messages(emr, pid, query).await;
    messages.into_iter().map(|message| message.title).collect()
}

fn all() -> Query {
    Query {
        count: 50,
        ..Query::default()
    }
}

fn with(filter: Filter) -> Query {
    Query {
        filters: vec![filter],
        ..all()
    }
}

#[tokio::test]
async fn a_mailbox_holds_the_copies_under_all_names_of_the_patient_and_no_others() {
    let fixture = Fixture::with(&format!("{PEOPLE} {MAIL}")).await;
    assert_eq!(titles(&fixture.emr, 7, all()).await, ["B", "A", "Q"]);
    assert_eq!(titles(&fixture.emr, 8, all()).await, ["theirs"]);
    assert_eq!(titles(&fixture.emr, 99, all()).await, Vec::<String>::new());
}

#[tokio::test]
async fn f145_what_a_message_is_about_is_told_by_its_sender_its_documents_or_its_title() {
    let about = "INSERT INTO anteroom_mail_topic (mail, topic) VALUES (3, 'registration'); \
        INSERT INTO anteroom_attachment (mail, document) VALUES (4, 77); \
        UPDATE onsite_mail SET title = 'Bill/Collect' WHERE id = 1;";
    let fixture = Fixture::with(&format!("{PEOPLE} {MAIL} {about}")).await;
    for (code, title) in [
        ("registration", "A"),
        ("document", "B"),
        ("payment", "Bill/Collect"),
    ] {
        let query = with(Filter::Token(Field::Category, vec![Token::of(code)]));
        let (found, _) = messages(&fixture.emr, 7, query).await;
        assert_eq!(found.len(), 1, "{code}");
        assert_eq!(
            (found[0].title.as_str(), found[0].topic),
            (title, Topic::of(code))
        );
        assert_eq!(
            found[0].attached,
            [],
            "a document that is not there is not told"
        );
    }
}

#[tokio::test]
async fn a_name_that_staff_go_by_is_no_mailbox_of_a_patient() {
    let fixture = Fixture::with(&format!("{PEOPLE} {MAIL}")).await;
    assert_eq!(titles(&fixture.emr, 10, all()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_name_two_charts_could_have_is_nobodys() {
    let rival = "INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES \
        (2, 9, X'00000000000000000000000000000009', 'Ana1', 'Ek');";
    let fixture = Fixture::with(&format!("{PEOPLE} {rival} {MAIL}")).await;
    assert_eq!(titles(&fixture.emr, 7, all()).await, ["B", "Q"]);
    assert_eq!(titles(&fixture.emr, 9, all()).await, Vec::<String>::new());
    let account =
        "INSERT INTO patient_access_onsite (pid, portal_username) VALUES (10, 'AnaDiaz12');";
    let fixture = Fixture::with(&format!("{PEOPLE} {account} {MAIL}")).await;
    assert_eq!(titles(&fixture.emr, 7, all()).await, ["A", "Q"]);
    assert_eq!(titles(&fixture.emr, 10, all()).await, ["B"]);
    let shared =
        "INSERT INTO patient_access_onsite (pid, portal_username) VALUES (10, 'ana-login');";
    let fixture = Fixture::with(&format!("{PEOPLE} {shared} {MAIL}")).await;
    assert_eq!(titles(&fixture.emr, 7, all()).await, ["B", "A"]);
    assert_eq!(titles(&fixture.emr, 10, all()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_row_becomes_a_message() {
    let fixture = Fixture::with(&format!("{PEOPLE} {MAIL}")).await;
    let (messages, _) = messages(&fixture.emr, 7, all()).await;
    let [archived, answer, question] = messages.as_slice() else {
        panic!("{messages:?}");
    };
    assert!(matches!(&question.sender, Party::Patient { name, .. } if name == "Ana Diaz"));
    assert!(matches!(&question.recipient, Party::Staff { name, .. } if name == "Kim Lee"));
    assert_eq!(question.body, "Hello & bye");
    assert_eq!(question.sent, Some(datetime!(2026-11-01 09:00 -5)));
    assert_eq!((question.read, question.thread), (true, None));
    assert!(matches!(&answer.recipient, Party::Patient { .. }));
    assert_eq!(answer.body, "one\ntwo");
    assert_eq!((answer.read, answer.archived), (false, false));
    assert_eq!(answer.thread, Some(question.uuid));
    assert_eq!(archived.sender, Party::Other("Old Staff".into()));
    assert_eq!((archived.read, archived.archived), (true, true));
    assert_eq!(archived.thread, None, "row 2 is in the mailbox of staff");
}

#[tokio::test]
async fn a_message_is_read_by_its_id_in_its_own_mailbox_only() {
    let fixture = Fixture::with(&format!("{PEOPLE} {MAIL}")).await;
    let one = async |pid, row| titles(&fixture.emr, pid, Query::one(id_of(row))).await;
    assert_eq!(one(7, 3).await, ["A"]);
    for row in [2, 5, 6, 7, 8, 99] {
        assert_eq!(one(7, row).await, Vec::<String>::new(), "{row}");
    }
    assert_eq!(one(8, 3).await, Vec::<String>::new());
}

#[tokio::test]
async fn pages_and_filters() {
    let fixture = Fixture::with(&format!("{PEOPLE} {MAIL}")).await;
    let first = Query {
        count: 2,
        ..Query::default()
    };
    let (page, next) = messages(&fixture.emr, 7, first).await;
    assert_eq!(page.len(), 2);
    let second = Query {
        count: 2,
        after: next,
        ..Query::default()
    };
    assert_eq!(titles(&fixture.emr, 7, second).await, ["Q"]);
    let token = |field, text: &str| with(Filter::Token(field, vec![Token::of(text)]));
    for (field, text, expected) in [
        (Field::Status, "completed", 3),
        (Field::Status, "entered-in-error", 0),
        (Field::Category, "message", 3),
        (
            Field::Category,
            "https://anteroom.dev/fhir/CodeSystem/communication-category|message",
            3,
        ),
        (Field::Category, "http://x|message", 0),
        (Field::Category, "payment", 0),
        (Field::Read, "false", 1),
        (Field::Read, "true", 2),
        (Field::Done, "true", 0),
        (Field::Done, "false", 3),
    ] {
        let found = titles(&fixture.emr, 7, token(field, text)).await;
        assert_eq!(found.len(), expected, "{text}");
    }
    let range = DateRange {
        prefix: Prefix::Ge,
        start: datetime!(2026-11-02 00:00 -5),
        end: datetime!(2026-11-03 00:00 -5),
    };
    let since = with(Filter::Date(Field::Date, vec![range]));
    assert_eq!(titles(&fixture.emr, 7, since).await, ["B", "A"]);
    let reach = reach(
        7,
        "patient/Communication.rs",
        ResourceType::Communication,
        Interaction::Search,
    );
    let odd = token(Field::Type, "x");
    assert!(find(&fixture.emr, &reach, &odd).await.is_err());
}

/// Whoever wrote to everybody still finds the first letter they ever got.
#[tokio::test]
async fn a_row_is_found_behind_any_number_of_others() {
    let many = "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 10200) \
        INSERT INTO onsite_mail (id, date, owner, title, body, sender_id, recipient_id, message_status, mail_chain) \
        SELECT i, '2026-11-10 09:00:00', 'drlee', 'Flu', 'x', 'drlee', 'Cy14', 'New', i FROM n;";
    let fixture = Fixture::with(&format!("{PEOPLE} {MAIL} {many}")).await;
    let emr = &fixture.emr;
    let own = Mailbox::of_colleague(&emr.db, 5).await.expect("asked");
    let own = own.expect("a mailbox");
    let ids = [id_of(2), id_of(10_200), id_of(5_000)];
    let found = rows_of(emr, &own, &ids).await.expect("found");
    assert_eq!(found, [10_200, 5_000, 2]);
    let strange = rows_of(emr, &own, &[id_of(3)]).await.expect("asked");
    assert_eq!(strange, Vec::<i64>::new(), "the patient's copy");
}
