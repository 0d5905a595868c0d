//! Letters that say that there is news, where rows are broken: nobody else goes without one (portal rules F139 and F148).

use anteroom::worker::telling;
use anteroom::worker::telling::Of;
use axum::http::StatusCode;

use super::mailbox::run;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;

/// A message of OpenEMR's into the first patient's mailbox, of a day that is in no calendar, and one as it should be.
const ODD_DAY: &str = "INSERT INTO onsite_mail (date, owner, user, groupname, activity, authorized, title, body, \
    recipient_id, recipient_name, sender_id, sender_name, assigned_to, deleted, message_status, mail_chain, \
    reply_mail_chain, is_msg_encrypted) SELECT '2026-11-00 10:00:00', a.portal_username, 'dlee', 'Default', 1, 1, \
    'Odd day', '<p>x</p>', a.portal_username, 'Maria', 'dlee', 'Donna Lee', '', 0, 'New', 0, 0, 0 \
    FROM patient_access_onsite a WHERE a.pid = (SELECT MIN(p.pid) FROM patient_data p WHERE p.allow_patient_portal = 'YES')";

const WHOLE: &str = "INSERT INTO onsite_mail (date, owner, user, groupname, activity, authorized, title, body, \
    recipient_id, recipient_name, sender_id, sender_name, assigned_to, deleted, message_status, mail_chain, \
    reply_mail_chain, is_msg_encrypted) SELECT '2020-01-01 10:00:00', a.portal_username, 'dlee', 'Default', 1, 1, \
    'Whole', '<p>x</p>', a.portal_username, 'Maria', 'dlee', 'Donna Lee', '', 0, 'New', 0, 0, 0 \
    FROM patient_access_onsite a WHERE a.pid = (SELECT MIN(p.pid) FROM patient_data p WHERE p.allow_patient_portal = 'YES')";

/// Whether everything was looked through.
const THROUGH: &str = "SELECT CASE WHEN mail = (SELECT MAX(id) FROM onsite_mail) THEN 'yes' ELSE 'no' END AS text FROM anteroom_mail_place";

/// How many letters go out by one look.
async fn look(clinic: &Clinic, of: Of) -> usize {
    telling::look(clinic.app.as_ref(), of)
        .await
        .expect("a look")
}

async fn script(clinic: &Clinic, text: &str) {
    let db = &clinic.app.emr.db;
    db.script(text).await.expect("a script that runs");
}

async fn an_odd_day(clinic: Clinic) {
    assert_eq!(look(&clinic, Of::Messages).await, 0);
    run(&clinic, ODD_DAY).await;
    run(&clinic, WHOLE).await;
    assert_eq!(look(&clinic, Of::Messages).await, 1);
    assert_eq!(clinic.look(THROUGH).await, "yes");
    // Its patient reads it like any other.
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let answer = clinic.get("/fhir/Communication?_count=100", &token).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let page = answer.json();
    let entries = page["entry"].as_array().expect("messages");
    let titled = |title: &str| {
        let found = entries
            .iter()
            .find(|entry| entry["resource"]["topic"]["text"] == title);
        found.unwrap_or_else(|| panic!("{title}: {page}"))["resource"].clone()
    };
    assert!(titled("Odd day")["sent"].is_null());
    assert!(titled("Whole")["sent"].is_string());
    clinic.close().await;
}

#[tokio::test]
async fn f139_a_message_of_no_day_is_told_and_read_like_any_other() {
    an_odd_day(Clinic::open().await).await;
}

#[tokio::test]
async fn f139_a_message_of_no_day_is_told_and_read_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            an_odd_day(clinic).await;
        }
    }
}

/// As many charts whose names are no text as are told in one go, and one behind them.
#[tokio::test]
async fn f139_any_number_of_broken_charts_keeps_nobody_behind_them_from_being_told() {
    let clinic = Clinic::open().await;
    assert_eq!(look(&clinic, Of::Messages).await, 0);
    script(
        &clinic,
        "WITH RECURSIVE n (i) AS (SELECT 2000 UNION ALL SELECT i + 1 FROM n WHERE i < 2120) \
         INSERT INTO patient_data (id, pid, uuid, fname, lname) SELECT i, i, randomblob(16), CAST(X'FF' AS TEXT), 'x' FROM n; \
         WITH RECURSIVE n (i) AS (SELECT 2000 UNION ALL SELECT i + 1 FROM n WHERE i < 2120) \
         INSERT INTO anteroom_mail_notice (pid, mail, owed, told) SELECT i, 1, 1, 0 FROM n; \
         INSERT INTO anteroom_mail_notice (pid, mail, owed, told) VALUES (3000, 1, 1, 0);",
    )
    .await;
    look(&clinic, Of::Messages).await;
    let owed = "SELECT CONCAT_WS('|', SUM(CASE WHEN pid < 3000 THEN owed ELSE 0 END), \
        SUM(CASE WHEN pid = 3000 THEN owed ELSE 0 END)) AS text FROM anteroom_mail_notice";
    assert_eq!(clinic.look(owed).await, "121|0");
    clinic.close().await;
}

/// As many decisions that cannot be noted as are told in one go, and one behind them.
#[tokio::test]
async fn f148_any_number_of_decisions_that_break_keeps_no_other_from_being_told() {
    let clinic = Clinic::open().await;
    look(&clinic, Of::Reviews).await;
    script(
        &clinic,
        "CREATE TRIGGER stopped BEFORE UPDATE ON anteroom_review WHEN NEW.pid BETWEEN 2000 AND 2999 \
         BEGIN SELECT RAISE(ABORT, 'stopped'); END; \
         WITH RECURSIVE n (i) AS (SELECT 2000 UNION ALL SELECT i + 1 FROM n WHERE i < 2220) \
         INSERT INTO anteroom_review (id, kind, pid, patient, resource, asked, known, status, reason, client_id, created) \
         SELECT randomblob(16), 'review-coverage', i, randomblob(16), 'Coverage/1', '{}', '{}', 'completed', '', '', 1 FROM n; \
         INSERT INTO anteroom_review (id, kind, pid, patient, resource, asked, known, status, reason, client_id, created) \
         VALUES (randomblob(16), 'review-coverage', 3000, randomblob(16), 'Coverage/1', '{}', '{}', 'completed', '', '', 1);",
    )
    .await;
    look(&clinic, Of::Reviews).await;
    let untold = "SELECT CONCAT_WS('|', SUM(CASE WHEN pid < 3000 THEN 1 ELSE 0 END), \
        SUM(CASE WHEN pid = 3000 THEN 1 ELSE 0 END)) AS text FROM anteroom_review WHERE told IS NULL AND pid >= 2000";
    assert_eq!(clinic.look(untold).await, "221|0");
    clinic.close().await;
}
