//! What becomes of a visit, from the calendar to the mailbox: the letter, and the file for the patient's own calendar.

use anteroom::db::sql::Sql;
use anteroom::domain::language::Language;
use anteroom::store::outbox;
use anteroom::store::outbox::Letter;
use anteroom::store::outbox::NewLetter;
use anteroom::worker::telling;
use anteroom::worker::telling::Of;
use serde_json::json;

use super::Post;
use crate::clinic::engine;

/// A letter as the watch puts it.
async fn put(post: &Post, change: &str, language: Language) {
    let letter = NewLetter {
        letter: Letter::Visit,
        pid: Some(1),
        address: "ana@mail.example".to_owned(),
        language,
        // Half past two in the afternoon in New York, in the middle of winter.
        told: json!({"change": change, "start": 1_796_153_400, "end": 1_796_154_300,
            "uid": "0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a", "revision": 2}),
        link: None,
        created: post.now(),
    };
    let db = &post.clinic.app.emr.db;
    let done = db.transaction(|tx| {
        let letter = letter.clone();
        Box::pin(async move { outbox::put(tx, &letter).await })
    });
    done.await.expect("put");
}

#[tokio::test]
async fn f138_a_letter_carries_the_visit_for_the_patients_calendar() {
    for (change, method, stands) in [
        ("confirmed", "PUBLISH", "CONFIRMED"),
        ("offered", "PUBLISH", "TENTATIVE"),
        ("cancelled", "CANCEL", "CANCELLED"),
        ("declined", "CANCEL", "CANCELLED"),
    ] {
        let name = format!("visit-{change}");
        let Some(post) = Post::open(&name).await else {
            return;
        };
        put(&post, change, Language::English).await;
        assert_eq!(post.round().await.sent, 1);
        let taken = post.taken();
        let one = taken.first().expect("a letter");
        let headers = one.headers();
        assert!(headers["Content-Type"].starts_with("multipart/mixed;"));
        let kind = format!("Content-Type: text/calendar; charset=utf-8; method={method}");
        assert!(one.bytes.contains(&kind), "{}", one.bytes);
        assert!(
            one.bytes.contains("filename=\"visit.ics\""),
            "{}",
            one.bytes
        );
        for line in [
            "DTSTART:20261201T193000Z",
            "DTEND:20261201T194500Z",
            "UID:0b7f1d3e-5f0c-4c1e-9d0b-4f5e9d5e3f0a",
            "SEQUENCE:2",
            "ORGANIZER:mailto:portal@practice.example",
            &format!("STATUS:{stands}"),
            &format!("METHOD:{method}"),
        ] {
            assert!(one.bytes.contains(line), "{line} in {}", one.bytes);
        }
        let moment = "Tuesday, 1 December 2026, 14:30";
        let words = one.bytes.replace("=\r\n", "").replace("\r\n", " ");
        assert!(words.contains(moment), "{}", one.bytes);
        assert!(!one.bytes.contains("://"), "it leads nowhere");
        post.close().await;
    }
}

#[tokio::test]
async fn f138_what_staff_answer_in_openemr_arrives_in_the_mailbox_once() {
    let Some(post) = Post::open("visit-told").await else {
        return;
    };
    let db = &post.clinic.app.emr.db;
    let event = "SELECT CAST(pc_eid AS CHAR) AS text FROM openemr_postcalendar_events \
        WHERE pc_pid <> '' AND pc_apptstatus = '^' AND pc_recurrtype = 0 ORDER BY pc_eventDate DESC, pc_eid";
    let event = engine::look(db, event).await;
    // The patient may be written to, and the request was made here.
    for sql in [
        "UPDATE patient_data SET hipaa_allowemail = 'YES', allow_patient_portal = 'YES'",
        "INSERT INTO anteroom_visit (event, pid, mark, wall, seconds, uid, told, asked, created) \
            SELECT pc_eid, CAST(pc_pid AS SIGNED), '^', CONCAT(pc_eventDate, ' ', pc_startTime), pc_duration, 'u', 'waits', 1, 0 \
            FROM openemr_postcalendar_events WHERE pc_apptstatus = '^' AND pc_recurrtype = 0",
    ] {
        db.run(Sql::new(sql)).await.expect("it is set up");
    }
    let sql =
        Sql::new("UPDATE openemr_postcalendar_events SET pc_apptstatus = 'SMS' WHERE pc_eid = ?");
    db.run(sql.bind(event)).await.expect("staff confirm");
    let looks = (0..4).map(|_| telling::look(post.clinic.app.as_ref(), Of::Visits));
    let told = futures_util::future::join_all(looks).await;
    let told: usize = told.into_iter().map(|one| one.expect("a look")).sum();
    assert_eq!(told, 1, "of four who look one tells");
    assert_eq!(post.round().await.sent, 1);
    let taken = post.taken();
    let subject = taken.first().map(|one| one.headers()["Subject"].clone());
    assert!(subject.is_some_and(|subject| subject.starts_with("Your visit is confirmed")));
    post.close().await;
}
