//! A mailbox under more than one name: OpenEMR 7.0.2 and 7.0.3 write to first name and number, whatever the account is called.

use super::*;

/// Two threads of an account of the newer dialog: one that staff began, and one of the patient's own.
const FILED: &str = "UPDATE patient_access_onsite SET portal_username = 'AnaDiaz12' WHERE pid = 7; \
    INSERT INTO onsite_mail (id, date, owner, title, body, sender_id, sender_name, recipient_id, recipient_name, deleted, \
    message_status, mail_chain, reply_mail_chain) VALUES \
    (50, '2026-11-01 09:00:00', 'drlee', 'Swim', 'x', 'drlee', 'Kim Lee', 'Ana12', 'Ana Diaz', 0, 'New', 50, 50), \
    (51, '2026-11-01 09:00:00', 'Ana12', 'Swim', 'x', 'drlee', 'Kim Lee', 'Ana12', 'Ana Diaz', 0, 'New', 51, 50), \
    (60, '2026-11-02 09:00:00', 'Ana12', 'Run', 'x', 'Ana12', 'Ana Diaz', 'drlee', 'Kim Lee', 0, 'New', 60, 61), \
    (61, '2026-11-02 09:00:00', 'drlee', 'Run', 'x', 'Ana12', 'Ana Diaz', 'drlee', 'Kim Lee', 0, 'New', 61, 60);";

#[tokio::test]
async fn f139_answers_stay_in_the_thread_of_what_was_filed_under_another_name() {
    let fixture = Fixture::with(&format!("{PEOPLE} {FILED}")).await;
    let emr = &fixture.emr;
    let (ana, lee) = (patient(7), colleague(5));
    let first = done(emr, &ana, letter((7, Some(5)), Some(id_of(51)), "may I")).await;
    let first = first.expect("answered");
    done(emr, &lee, letter((7, None), Some(first), "yes"))
        .await
        .expect("answered back");
    done(emr, &ana, letter((7, Some(5)), Some(id_of(60)), "more"))
        .await
        .expect("gone on");
    assert_eq!(
        rows(&emr.db).await[4..],
        [
            "62|AnaDiaz12|AnaDiaz12|AnaDiaz12|Ana Diaz|drlee|Kim Lee|Reply|51|51|0",
            "63|drlee|AnaDiaz12|AnaDiaz12|Ana Diaz|drlee|Kim Lee|New|50|51|0",
            "64|drlee|drlee|drlee|Kim Lee|AnaDiaz12|Ana Diaz|Reply|50|50|0",
            "65|AnaDiaz12|drlee|drlee|Kim Lee|AnaDiaz12|Ana Diaz|New|51|50|0",
            "66|AnaDiaz12|AnaDiaz12|AnaDiaz12|Ana Diaz|drlee|Kim Lee|Reply|60|60|0",
            "67|drlee|AnaDiaz12|AnaDiaz12|Ana Diaz|drlee|Kim Lee|New|61|60|0",
        ]
    );
    // At the desk that is one conversation each, whichever name a copy has.
    let staff = Whose::Staff(5);
    for (folder, expected) in [
        (Folder::Inbox, vec![(67, 2), (63, 1)]),
        (Folder::Sent, vec![(64, 2)]),
    ] {
        let found = threads::list(emr, &lee.1, (staff, folder), None).await;
        let found = found.expect("listed").threads.into_iter();
        let found: Vec<(Uuid, i64)> = found.map(|one| (one.id, one.total)).collect();
        let expected: Vec<(Uuid, i64)> = expected
            .into_iter()
            .map(|(row, total)| (id_of(row), total))
            .collect();
        assert_eq!(found, expected, "{folder:?}");
    }
    for (whose, who, row, expected) in [
        (staff, &lee, 50, vec![50, 63, 64]),
        (staff, &lee, 64, vec![50, 63, 64]),
        (staff, &lee, 61, vec![61, 67]),
        (Whose::Patient, &ana, 51, vec![51, 62, 65]),
    ] {
        let opened = opened::open(emr, &who.1, (whose, id_of(row))).await;
        let opened = opened.expect("opened");
        let rows: Vec<i64> = opened.posts.iter().map(|post| post.row).collect();
        assert_eq!(rows, expected, "{row}");
    }
}
