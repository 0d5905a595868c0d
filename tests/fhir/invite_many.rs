//! Invitations of many at once: a batch that is cut off anywhere, taken over, stopped (portal rules F092, F104, F162).

use std::sync::Arc;
use std::time::Duration as Pause;

use anteroom::auth::onboarding;
use anteroom::domain::accounts::Post;
use anteroom::http::App;
use anteroom::store::jobs;
use anteroom::store::jobs::Status;
use anteroom::worker;
use anteroom::worker::jobs::House;
use axum::http::StatusCode;
use serde_json::json;
use time::Duration;
use uuid::Uuid;

use super::invite::FHIR;
use super::invite::invite_many;
use super::invite::results;
use super::invite::staff;
use super::reach;
use super::write::send;
use crate::clinic::Clinic;

/// Patients of a batch.
const MANY: i64 = 500;

/// Their numbers begin here.
const FIRST: i64 = 900_000;

/// Five hundred patients who are let in and have no login.
async fn seed(clinic: &Clinic) {
    for from in (0..MANY).step_by(100) {
        let mut script = "INSERT INTO patient_data (id, pid, uuid, fname, lname, DOB, email, hipaa_allowemail, allow_patient_portal) VALUES ".to_owned();
        for number in from..from + 100 {
            let pid = FIRST + number;
            script.push_str(if number == from { "" } else { ", " });
            script.push_str(&format!(
                "({pid}, {pid}, X'{pid:032X}', 'Ana', 'Batchson', '1980-01-01', 'a{pid}@mail.example', 'YES', 'YES')"
            ));
        }
        clinic.app.emr.db.script(&script).await.expect("patients");
    }
}

/// A practice with those five hundred, and the token of staff who invite.
async fn crowded() -> (Clinic, String) {
    let clinic = Clinic::with(|config| config.accounts.requires.clear()).await;
    seed(&clinic).await;
    let token = staff(&clinic).await;
    (clinic, token)
}

/// A job for all of them, made as an app makes it; its id.
async fn started(clinic: &Clinic, token: &str) -> Uuid {
    let all = [("search", json!("family=Batchson"))];
    let headers = [("prefer", "respond-async"), ("idempotency-key", "batch")];
    let first = invite_many(clinic, token, &all, &headers).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text());
    let place = first.header("content-location").to_owned();
    let again = invite_many(clinic, token, &all, &headers).await;
    assert_eq!(again.header("content-location"), place);
    let id = place.rsplit('/').next().expect("an id");
    id.parse().expect("a uuid")
}

async fn nobody_got_two(clinic: &Clinic, token: &str, id: Uuid) {
    for count in [
        "SELECT CONCAT(COUNT(*), ' ', COUNT(DISTINCT pid)) AS text FROM anteroom_link WHERE pid >= 900000 AND purpose = 'invite'",
        "SELECT CONCAT(COUNT(*), ' ', COUNT(DISTINCT address)) AS text FROM anteroom_outbox WHERE pid >= 900000",
        "SELECT CONCAT(COUNT(*), ' ', COUNT(DISTINCT resource)) AS text FROM anteroom_audit WHERE action = 'portal.invite' AND outcome = 'success'",
        "SELECT CONCAT(COUNT(*), ' ', COUNT(DISTINCT pid)) AS text FROM anteroom_job_item WHERE outcome = 'invited'",
    ] {
        assert_eq!(clinic.look(count).await, "500 500", "{count}");
    }
    let done = clinic.get(&format!("/fhir/$portal-job/{id}"), token).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(results(&done).get("invited"), Some(&500));
}

/// How long a worker lives at most, at first.
const LIFE: Pause = Pause::from_millis(60);

/// Works on a job, and is cut off again and again somewhere in the middle, until there is nothing to do now. On a machine
/// too slow to do one line in a life, lives become longer until one is done.
async fn cut_off(app: Arc<App>, id: Uuid, seed: u64) {
    let mut state = seed;
    let mut life = LIFE;
    let mut left = usize::MAX;
    loop {
        let context = app.context("");
        let job = jobs::find(&app.emr.db, id)
            .await
            .expect("a look")
            .expect("a job");
        let all = (context.seconds(), MANY as u32);
        let lines = jobs::waiting(&app.emr.db, id, all).await.expect("a look");
        if job.status != Status::Waiting || lines.is_empty() {
            return;
        }
        life = if lines.len() < left { LIFE } else { life * 2 };
        left = lines.len();
        assert!(life < LIFE * 1000, "{left} lines, and none gets done");
        // The numbers of a plain generator: every run is cut at other places, and each run is the same.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = (state >> 33) as f64 / f64::from(1_u32 << 31);
        // What is dropped here is what a killed process leaves: a transaction that nobody commits.
        let work = onboarding::slice(&context, &job, Post::Ready);
        let _ = tokio::time::timeout(life.mul_f64(share), work).await;
    }
}

async fn exactly_once(clinic: Clinic) {
    seed(&clinic).await;
    let token = staff(&clinic).await;
    let id = started(&clinic, &token).await;
    let waiting = clinic.get(&format!("/fhir/$portal-job/{id}"), &token).await;
    assert_eq!(waiting.status, StatusCode::ACCEPTED);
    assert_eq!(waiting.header("x-progress"), "0 of 500 done");
    assert_eq!(waiting.header("retry-after"), "2");
    let workers = [
        tokio::spawn(cut_off(clinic.app.clone(), id, 7)),
        tokio::spawn(cut_off(clinic.app.clone(), id, 11)),
    ];
    for worker in workers {
        worker.await.expect("no panic");
    }
    // What was put off because the database was busy comes a little later.
    for _ in 0..10 {
        clinic.wait(Duration::minutes(2));
        while worker::jobs::look(clinic.app.as_ref(), "last")
            .await
            .expect("a look")
        {}
    }
    let token = staff(&clinic).await;
    nobody_got_two(&clinic, &token, id).await;
    clinic.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f092_a_batch_of_500_cut_off_anywhere_by_two_workers_invites_each_exactly_once() {
    exactly_once(Clinic::with(|config| config.accounts.requires.clear()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f092_the_same_on_mariadb() {
    let open = Clinic::on_mariadb_with("7.0.4", |config| config.accounts.requires.clear());
    if let Some(clinic) = open.await {
        exactly_once(clinic).await;
    }
}

#[tokio::test]
async fn f092_another_replica_takes_over_and_a_stopped_job_sends_nothing_more() {
    let (clinic, token) = crowded().await;
    let id = started(&clinic, &token).await;
    let look = |name: &'static str| worker::jobs::look(clinic.app.as_ref(), name);
    assert!(look("first").await.expect("a slice"));
    // The first one has it; when it is not heard of, somebody else goes on.
    assert!(!look("second").await.expect("a look"));
    clinic.wait(Duration::seconds(16));
    assert!(look("second").await.expect("a slice"));
    assert!(!look("first").await.expect("a look"));
    let token = staff(&clinic).await;
    let path = format!("/fhir/$portal-job/{id}");
    assert_eq!(
        clinic.get(&path, &token).await.header("x-progress"),
        "40 of 500 done"
    );
    let stopped = clinic.with_body("DELETE", (&path, &token), FHIR, "").await;
    assert_eq!(stopped.status, StatusCode::ACCEPTED, "{}", stopped.text());
    assert!(!look("second").await.expect("a look"));
    let told = clinic.get(&path, &token).await;
    let results = results(&told);
    assert_eq!(
        (results.get("invited"), results.get("stopped")),
        (Some(&40), Some(&460))
    );
    let letters = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox";
    assert_eq!(clinic.look(letters).await, "40");
    clinic.close().await;
}

#[tokio::test]
async fn f162_a_job_ends_with_the_rights_of_whoever_made_it() {
    let (clinic, token) = crowded().await;
    started(&clinic, &token).await;
    let look = |name: &'static str| worker::jobs::look(clinic.app.as_ref(), name);
    assert!(look("worker").await.expect("a slice"));
    clinic
        .app
        .emr
        .db
        .script("UPDATE users SET active = 0 WHERE username = 'nhaddad'")
        .await
        .expect("a change");
    assert!(!look("worker").await.expect("a look"));
    let letters = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox";
    assert_eq!(clinic.look(letters).await, "20");
    let status = "SELECT status AS text FROM anteroom_job";
    assert_eq!(clinic.look(status).await, "stopped");
    clinic.close().await;
}

#[tokio::test]
async fn f104_f105_letting_in_is_done_also_where_a_letter_went_a_short_while_ago() {
    let clinic = Clinic::with(|config| config.accounts.requires.clear()).await;
    let token = staff(&clinic).await;
    let walter = clinic.patient("no credentials, e-mail");
    let who = json!({"reference": format!("Patient/{}", walter.id)});
    let all = [
        ("patient", who),
        ("enable", json!(true)),
        ("attestation", json!(true)),
    ];
    let first = invite_many(&clinic, &token, &all, &[]).await;
    assert_eq!(results(&first).get("invited"), Some(&1), "{}", first.text());
    // Access is taken away elsewhere: the letter is remembered, its link ends at its next use.
    let off = "UPDATE patient_data SET allow_patient_portal = 'NO' WHERE pid = 6";
    clinic.app.emr.db.script(off).await.expect("a change");
    let again = invite_many(&clinic, &token, &all, &[]).await;
    assert_eq!(
        results(&again).get("skipped-recently"),
        Some(&1),
        "{}",
        again.text()
    );
    let access = "SELECT allow_patient_portal AS text FROM patient_data WHERE pid = 6";
    assert_eq!(clinic.look(access).await, "YES");
    // Taken away here, the link ends at once, and so another one goes.
    let path = format!("/fhir/Patient/{}/$portal-disable", walter.id);
    let off = clinic.with_body("POST", (&path, &token), FHIR, "").await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text());
    let third = invite_many(&clinic, &token, &all, &[]).await;
    assert_eq!(results(&third).get("invited"), Some(&1), "{}", third.text());
    clinic.close().await;
}

#[tokio::test]
async fn f161_a_job_is_told_and_stopped_for_whoever_may_see_and_change_patients() {
    let (clinic, token) = crowded().await;
    let id = started(&clinic, &token).await;
    let path = format!("/fhir/$portal-job/{id}");
    let narrow = reach::token(&clinic, Some("nhaddad"), None, "openid user/Slot.rs").await;
    assert_eq!(
        clinic.get(&path, &narrow).await.status,
        StatusCode::FORBIDDEN
    );
    let reads = reach::token(&clinic, Some("nhaddad"), None, "user/Patient.rs").await;
    assert_eq!(clinic.get(&path, &reads).await.status, StatusCode::ACCEPTED);
    let stop = clinic.with_body("DELETE", (&path, &reads), FHIR, "").await;
    assert_eq!(stop.status, StatusCode::FORBIDDEN, "{}", stop.text());
    let status = "SELECT status AS text FROM anteroom_job";
    assert_eq!(clinic.look(status).await, "waiting");
    clinic.close().await;
}

#[tokio::test]
async fn f092_a_job_that_only_waits_lets_another_one_go_first() {
    let (clinic, token) = crowded().await;
    started(&clinic, &token).await;
    // Every line of it broke a moment ago.
    let later = "UPDATE anteroom_job_item SET tries = 1, not_before = 99999999999";
    clinic.app.emr.db.script(later).await.expect("a change");
    // Of two of one second either may be the first.
    clinic.wait(Duration::seconds(1));
    let walter = clinic.patient("no credentials, e-mail");
    let who = json!({"reference": format!("Patient/{}", walter.id)});
    let all = [
        ("patient", who),
        ("enable", json!(true)),
        ("attestation", json!(true)),
    ];
    let second = invite_many(&clinic, &token, &all, &[("prefer", "respond-async")]).await;
    assert_eq!(second.status, StatusCode::ACCEPTED, "{}", second.text());
    let look = || worker::jobs::look(clinic.app.as_ref(), "worker");
    assert!(
        !look().await.expect("a look"),
        "nothing to do for the first"
    );
    assert!(look().await.expect("a look"), "the second gets its turn");
    let letters = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox";
    assert_eq!(clinic.look(letters).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn f091_a_request_that_comes_again_sends_no_second_letter_and_a_query_is_read() {
    let clinic = Clinic::with(|config| config.accounts.requires.clear()).await;
    let token = staff(&clinic).await;
    let walter = clinic.patient("no credentials, e-mail");
    let path = format!(
        "/fhir/Patient/{}/$portal-invite?enable=true&attestation=true",
        walter.id
    );
    let headers = [("content-type", FHIR), ("idempotency-key", "one")];
    for round in 0..2 {
        let sent = send(&clinic, ("POST", &path, &token), &headers, "").await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
        assert_eq!(
            sent.text().contains("repeated"),
            round == 1,
            "{}",
            sent.text()
        );
    }
    let letters = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox";
    assert_eq!(clinic.look(letters).await, "1");
    let odd = format!("/fhir/Patient/{}/$portal-invite?to=x@y.example", walter.id);
    let odd = clinic.with_body("POST", (&odd, &token), FHIR, "").await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST, "{}", odd.text());
    clinic.close().await;
}
