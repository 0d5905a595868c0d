//! A message of staff to many patients, as the desk begins it and the worker sends it (portal rule F139).

use anteroom::store::jobs;
use anteroom::worker::telling;
use anteroom::worker::telling::Of;
use axum::http::StatusCode;
use time::Duration;

use super::mailbox::run;
use super::messages::DESK;
use super::messages::sent;
use super::staff::at_the_desk;
use super::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::clinic::engine::LAYOUTS;

/// What is said to everybody.
const TO_ALL: [(&str, &str); 4] = [
    ("decision", "send"),
    ("whom", "all"),
    ("title", "Flu shots"),
    ("body", "They are here."),
];

/// How many copies there are in how many mailboxes.
const COPIES: &str = "SELECT CONCAT_WS('|', COUNT(*), COUNT(DISTINCT owner)) AS text FROM onsite_mail WHERE title = 'Flu shots'";
const LINES: &str = "SELECT CONCAT_WS('|', COUNT(*), COALESCE(SUM(CASE WHEN outcome <> '' THEN 1 ELSE 0 END), 0), \
    COALESCE(SUM(CASE WHEN outcome = 'sent' THEN 1 ELSE 0 END), 0)) AS text FROM anteroom_job_item";

/// Lines of the job, how many are done, and how many have a message; and that each of those is one at either end.
async fn lines(clinic: &Clinic) -> [i64; 3] {
    let text = clinic.look(LINES).await;
    let numbers: Vec<i64> = text
        .split('|')
        .map(|number| number.parse().expect("a number"))
        .collect();
    let [all, done, sent] = numbers[..] else {
        panic!("{text}");
    };
    assert_eq!(
        clinic.look(COPIES).await,
        format!("{}|{}", sent * 2, sent + 1),
        "nobody has it twice"
    );
    [all, done, sent]
}

/// Does what waits now.
async fn work(clinic: &Clinic, worker: &str) {
    let house = clinic.app.as_ref();
    while anteroom::worker::jobs::look(house, worker)
        .await
        .expect("works")
    {}
}

/// Changes more than one thing behind our back.
async fn script(clinic: &Clinic, text: &str) {
    let db = &clinic.app.emr.db;
    db.script(text).await.expect("a script that runs");
}

/// Begins one to everybody; the page of its job.
async fn begun(desk: &mut Browser<'_>) -> (Answer, String) {
    let path = format!("{DESK}/many");
    let form = desk.get(&path).await;
    let mut fields = TO_ALL;
    fields[0].1 = "preview";
    let shown = sent(desk, (&form, &path), &fields).await;
    let begun = sent(desk, (&shown, &path), &TO_ALL).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text());
    let job = begun.header("location").to_owned();
    (form, job)
}

async fn the_many(clinic: Clinic) {
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    let path = format!("{DESK}/many");
    let form = desk.get(&path).await;
    let fields = |decision| {
        [
            ("decision", decision),
            ("whom", "all"),
            ("title", "Flu shots"),
            ("body", "They are here."),
        ]
    };
    let no = [("decision", "preview"), ("whom", "day"), ("body", "x")];
    let no = sent(&mut desk, (&form, &path), &no).await;
    assert!(no.text().contains("Choose a day first."), "{}", no.text());
    let counted = sent(&mut desk, (&form, &path), &fields("preview")).await;
    let html = counted.text();
    assert!(html.contains("get this message"), "{html}");
    let count = clinic.look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM patient_data p JOIN patient_access_onsite a ON a.pid = p.pid WHERE p.allow_patient_portal = 'YES' AND a.portal_username <> '' AND p.deceased_date IS NULL").await;
    assert!(
        html.contains(&format!("{count} patients get")),
        "{count} {html}"
    );
    let begun = sent(&mut desk, (&counted, &path), &fields("send")).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text());
    let job = begun.header("location").to_owned();
    let again = sent(&mut desk, (&counted, &path), &fields("send")).await;
    assert_eq!(again.header("location"), job, "two clicks are one job");
    work(&clinic, "worker").await;
    let rows = clinic.look("SELECT CONCAT_WS('|', COUNT(*), SUM(CASE WHEN owner = 'dlee' THEN 1 ELSE 0 END), COUNT(DISTINCT owner)) AS text FROM onsite_mail WHERE title = 'Flu shots'").await;
    let lines = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_job_item WHERE outcome = 'sent'")
        .await;
    let each: i64 = lines.parse().expect("a number");
    assert!(each > 0);
    assert_eq!(rows, format!("{}|{each}|{}", each * 2, each + 1));
    let page = desk.get(&job).await;
    let html = page.text();
    assert!(
        html.contains("Message to many") && html.contains(">Sent<"),
        "{html}"
    );
    // Whoever opens it again sends nothing twice.
    let fields = [("csrf", csrf(&form)), ("do", "again".to_owned())];
    let again = desk.post(&job, &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    work(&clinic, "worker").await;
    let after = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail WHERE title = 'Flu shots'")
        .await;
    assert_eq!(after, (each * 2).to_string());
    clinic.close().await;
}

#[tokio::test]
async fn f139_a_message_to_many_is_sent_once_to_each() {
    the_many(Clinic::open().await).await;
}

#[tokio::test]
async fn f139_a_message_to_many_is_sent_once_to_each_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_many(clinic).await;
        }
    }
}

/// The server dies in the middle of a message to many: what was sent is sent, and the next server sends the rest.
async fn cut_off(clinic: Clinic) {
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    let (_, job) = begun(&mut desk).await;
    // Half of the lines are put off, so that the first server does the others; then it is at work on the rest and dies.
    run(
        &clinic,
        "UPDATE anteroom_job_item SET not_before = 2000000000 WHERE number > 2",
    )
    .await;
    work(&clinic, "first").await;
    let [all, done, sent] = lines(&clinic).await;
    assert!(all > 2 && done == 2 && sent > 0, "{all} {done} {sent}");
    script(
        &clinic,
        "UPDATE anteroom_job_item SET not_before = 0; \
         UPDATE anteroom_job SET status = 'waiting', finished = NULL, lease_by = NULL, lease_until = NULL",
    )
    .await;
    let now = clinic.app.emr.now().unix_timestamp();
    let held = jobs::lease(&clinic.app.emr.db, "first", (now, now + 15)).await;
    assert!(held.expect("asked").is_some());
    work(&clinic, "second").await;
    assert_eq!(
        lines(&clinic).await,
        [all, 2, sent],
        "it is the first one's"
    );
    clinic.wait(Duration::seconds(16));
    work(&clinic, "second").await;
    let [_, done, more] = lines(&clinic).await;
    assert_eq!(done, all, "nobody goes without");
    assert!(more > sent);
    let page = desk.get(&job).await.text();
    assert!(page.contains("Message to many"), "{page}");
    clinic.close().await;
}

#[tokio::test]
async fn f139_a_message_to_many_goes_on_after_a_server_died() {
    cut_off(Clinic::open().await).await;
}

#[tokio::test]
async fn f139_a_message_to_many_goes_on_after_a_server_died_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            cut_off(clinic).await;
        }
    }
}

#[tokio::test]
async fn f139_a_message_to_many_is_looked_after_by_whoever_sends_it_alone() {
    let clinic = Clinic::open().await;
    run(
        &clinic,
        "UPDATE users SET portal_user = 1 WHERE username = 'tbanks'",
    )
    .await;
    let (mut lee, _) = at_the_desk(&clinic, "dlee").await;
    let (_, job) = begun(&mut lee).await;
    let (mut banks, desk) = at_the_desk(&clinic, "tbanks").await;
    let seen = banks.get(&job).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN, "{}", seen.text());
    assert!(!seen.text().contains("They are here."));
    for deed in ["stop", "again"] {
        let fields = [("csrf", csrf(&desk)), ("do", deed.to_owned())];
        let no = banks.post(&job, &fields).await;
        assert_eq!(no.status, StatusCode::FORBIDDEN, "{deed}");
    }
    let list = banks.get("/staff/onboarding").await.text();
    assert!(!list.contains(&job), "{list}");
    work(&clinic, "worker").await;
    let senders = clinic
        .look("SELECT CONCAT_WS('|', COUNT(DISTINCT sender_id), MIN(sender_id)) AS text FROM onsite_mail WHERE title = 'Flu shots'")
        .await;
    assert_eq!(senders, "1|dlee");
    // What it said is forgotten a while after; then it cannot be sent again.
    run(
        &clinic,
        "UPDATE anteroom_circular SET title = '', body = ''",
    )
    .await;
    let desk = lee.get("/staff").await;
    let fields = [("csrf", csrf(&desk)), ("do", "again".to_owned())];
    let no = lee.post(&job, &fields).await;
    assert_eq!(no.status, StatusCode::CONFLICT, "{}", no.text());
    clinic.close().await;
}

#[tokio::test]
async fn f139_whom_a_message_to_many_means_is_said_and_never_guessed() {
    let clinic = Clinic::open().await;
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    let path = format!("{DESK}/many");
    let form = desk.get(&path).await;
    for whom in [None, Some("everyone"), Some("")] {
        let mut fields = vec![("decision", "send"), ("title", "x"), ("body", "y")];
        fields.extend(whom.map(|whom| ("whom", whom)));
        let no = sent(&mut desk, (&form, &path), &fields).await;
        assert_eq!(no.status, StatusCode::BAD_REQUEST, "{whom:?} {}", no.text());
        let text = no.text();
        assert!(text.contains("Choose whom the message goes to."), "{text}");
    }
    // The same form that means somebody else is another one.
    let one = |decision, number: &'static str| {
        [
            ("decision", decision),
            ("whom", "numbers"),
            ("numbers", number),
            ("title", "x"),
            ("body", "y"),
        ]
    };
    let unseen = sent(&mut desk, (&form, &path), &one("send", "1")).await;
    assert_eq!(unseen.status, StatusCode::OK, "first it is shown");
    let first = sent(&mut desk, (&unseen, &path), &one("send", "1")).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.text());
    let shown = sent(&mut desk, (&form, &path), &one("preview", "2")).await;
    let other = sent(&mut desk, (&shown, &path), &one("send", "2")).await;
    assert_eq!(other.status, StatusCode::SEE_OTHER, "{}", other.text());
    assert_ne!(first.header("location"), other.header("location"));
    // Who has died gets none.
    run(
        &clinic,
        "UPDATE patient_data SET deceased_date = '2026-01-01 00:00:00' WHERE pid = 1",
    )
    .await;
    let dead = sent(&mut desk, (&form, &path), &one("send", "1 ")).await;
    assert_eq!(dead.status, StatusCode::BAD_REQUEST, "{}", dead.text());
    clinic.close().await;
}

/// What is typed is taken at its word, and whom it means is shown and goes with it.
async fn the_numbers(clinic: Clinic) {
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    let path = format!("{DESK}/many");
    let form = desk.get(&path).await;
    let typed = |decision, numbers| {
        [
            ("decision", decision),
            ("whom", "numbers"),
            ("numbers", numbers),
            ("title", "Flu shots"),
            ("body", "They are here."),
        ]
    };
    for (numbers, named) in [
        ("HS-10401", "HS-10401"),
        ("12.5", "12.5"),
        ("+1 555 0100", "+1"),
        ("2026-11-29", "2026-11-29"),
        ("1, 007", "007"),
        ("1\n99999999, 88888888", "99999999, 88888888"),
        ("99999999999999999999", "99999999999999999999"),
    ] {
        let no = sent(&mut desk, (&form, &path), &typed("preview", numbers)).await;
        assert_eq!(no.status, StatusCode::BAD_REQUEST, "{numbers}");
        let why = format!("No patient has such a number: {named}<");
        assert!(no.text().contains(&why), "{numbers} {}", no.text());
    }
    // The number that a chart shows is not its own one.
    run(
        &clinic,
        "UPDATE patient_data SET pubpid = '2' WHERE pid = 1",
    )
    .await;
    let no = sent(&mut desk, (&form, &path), &typed("preview", "1 2")).await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST, "{}", no.text());
    assert!(no.text().contains("not safe to use: 2<"), "{}", no.text());
    run(
        &clinic,
        "UPDATE patient_data SET pubpid = '1' WHERE pid = 1",
    )
    .await;
    let shown = sent(&mut desk, (&form, &path), &typed("preview", "1;2\n1")).await;
    let html = shown.text();
    assert!(html.contains("2 patients get this message."), "{html}");
    assert!(html.contains("Delgado (1)"), "{html}");
    // Between the look and the click somebody is gone: nothing is sent before that was seen.
    let gone = "UPDATE patient_data SET allow_patient_portal = 'NO' WHERE pid = 2";
    run(&clinic, gone).await;
    let changed = sent(&mut desk, (&shown, &path), &typed("send", "1;2\n1")).await;
    assert_eq!(changed.status, StatusCode::CONFLICT, "{}", changed.text());
    let html = changed.text();
    assert!(html.contains("has changed meanwhile"), "{html}");
    assert!(html.contains("One patient gets this message."), "{html}");
    assert!(html.contains("left out: 2<"), "{html}");
    let jobs = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_job";
    assert_eq!(clinic.look(jobs).await, "0");
    let begun = sent(&mut desk, (&changed, &path), &typed("send", "1;2\n1")).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text());
    work(&clinic, "worker").await;
    assert_eq!(clinic.look(COPIES).await, "2|2");
    clinic.close().await;
}

#[tokio::test]
async fn f139_what_is_typed_is_taken_at_its_word_and_shown_before_it_goes() {
    the_numbers(Clinic::open().await).await;
}

#[tokio::test]
async fn f139_what_is_typed_is_taken_at_its_word_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_numbers(clinic).await;
        }
    }
}

/// A patient whose letter cannot be written keeps nobody else from being told, and is told later.
#[tokio::test]
async fn f139_one_letter_that_breaks_stops_no_other() {
    let clinic = Clinic::open().await;
    let look = async || {
        telling::look(clinic.app.as_ref(), Of::Messages)
            .await
            .expect("a look")
    };
    assert_eq!(look().await, 0);
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    begun(&mut desk).await;
    work(&clinic, "worker").await;
    script(
        &clinic,
        "CREATE TRIGGER stopped BEFORE INSERT ON anteroom_outbox WHEN NEW.pid = 1 BEGIN SELECT RAISE(ABORT, 'stopped'); END",
    )
    .await;
    look().await;
    let owed = "SELECT CONCAT_WS('|', SUM(CASE WHEN pid = 1 THEN owed ELSE 0 END), \
        SUM(CASE WHEN pid <> 1 THEN owed ELSE 0 END), COUNT(*) > 2) AS text FROM anteroom_mail_notice";
    assert_eq!(clinic.look(owed).await, "1|0|1");
    script(&clinic, "DROP TRIGGER stopped").await;
    assert_eq!(look().await, 1);
    assert_eq!(clinic.look(owed).await, "0|0|1");
    clinic.close().await;
}
