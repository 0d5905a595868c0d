//! The delivery log at the desk, and the sandbox's folder of letters (F088).

use std::fs;

use anteroom::config::notify::Transport;
use anteroom::mail::Office;
use anteroom::mail::carrier::Patience;
use axum::http::StatusCode;
use tokio::sync::watch;

use super::put;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::csrf;
use crate::clinic::Clinic;

async fn round(clinic: &Clinic) -> usize {
    let office = Office {
        emr: &clinic.app.emr,
        config: &clinic.app.config,
        keys: &clinic.app.keys,
        patience: Patience::default(),
    };
    let (_stop, stopped) = watch::channel(false);
    let round = anteroom::worker::outbox::round(&office, "one", &stopped).await;
    round.expect("a round").sent
}

async fn script(clinic: &Clinic, text: &str) {
    let done = clinic.app.emr.db.script(text).await;
    done.expect("a script that runs");
}

#[tokio::test]
async fn the_sandbox_puts_letters_into_its_folder() {
    let clinic = Clinic::open().await;
    let folder = clinic.folder().join("mail");
    assert_eq!(
        clinic.app.config.notify.transport,
        Transport::Files(folder.clone())
    );
    let (_, token) = put(&clinic, "maria@mail.example").await;
    assert_eq!(round(&clinic).await, 1);
    let files: Vec<_> = fs::read_dir(&folder).expect("a folder").flatten().collect();
    assert_eq!(files.len(), 1);
    let text = fs::read_to_string(files[0].path()).expect("a letter");
    assert!(text.contains(&format!("http://127.0.0.1:8080/reset/{token}")));
    assert!(text.contains("To: maria@mail.example\r\n"));
    clinic.close().await;
}

#[tokio::test]
async fn f088_staff_see_each_letter_with_its_state_and_never_the_address_or_the_link() {
    let clinic = Clinic::open().await;
    let (mut manager, desk) = at_the_desk(&clinic, "nhaddad").await;
    assert!(desk.text().contains("/staff/mail"), "{}", desk.text());
    let empty = manager.get("/staff/mail").await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(empty.text().contains("No letter here"));

    let (_, token) = put(&clinic, "maria.secret@mail.example").await;
    let (dead, _) = put(&clinic, "other@mail.example").await;
    script(
        &clinic,
        "UPDATE anteroom_outbox SET status = 'dead', tries = 1, answer = '550 5.1.1 User <unknown>' WHERE id = 2",
    )
    .await;
    assert_eq!(dead, 2);
    let page = manager.get("/staff/mail").await;
    let html = page.text();
    assert!(html.contains("m•••@mail.example"), "{html}");
    assert!(!html.contains("maria.secret") && !html.contains(&token));
    assert!(html.contains("Password reset") && html.contains("Waits"));
    assert!(html.contains("User &#60;unknown&#62;"), "{html}");
    let desk = manager.get("/staff").await;
    assert!(desk.text().contains("could not be delivered"));

    // Filters: by state, by patient, and a patient who has none.
    let only = manager.get("/staff/mail?status=dead").await.text();
    assert!(only.contains("o•••@mail.example") && !only.contains("m•••@mail.example"));
    let patient = clinic.look("SELECT LOWER(HEX(uuid)) AS text FROM patient_data WHERE pid = 1");
    let patient = patient.await;
    let theirs = manager.get(&format!("/staff/mail?patient={patient}")).await;
    assert!(theirs.text().contains("m•••@mail.example"));
    let other = clinic.look("SELECT LOWER(HEX(uuid)) AS text FROM patient_data WHERE pid = 2");
    let other = other.await;
    let none = manager.get(&format!("/staff/mail?patient={other}")).await;
    assert!(none.text().contains("No letter here"));
    let spanish = manager.get("/staff/mail?lang=es").await.text();
    assert!(
        spanish.contains("Restablecimiento de contraseña"),
        "{spanish}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn f088_a_dead_letter_is_sent_again_once_and_a_waiting_one_taken_back() {
    let clinic = Clinic::open().await;
    let (mut manager, _) = at_the_desk(&clinic, "nhaddad").await;
    put(&clinic, "a@mail.example").await;
    put(&clinic, "b@mail.example").await;
    script(
        &clinic,
        "UPDATE anteroom_outbox SET status = 'dead' WHERE id = 1",
    )
    .await;
    let page = manager.get("/staff/mail").await;
    let decide = |letter: &str, what: &str| {
        [
            ("csrf", csrf(&page)),
            ("letter", letter.to_owned()),
            ("decision", what.to_owned()),
        ]
    };
    for (letter, what, done) in [
        ("1", "withdraw", "not-withdraw"),
        ("2", "again", "not-again"),
        ("1", "again", "again"),
        ("1", "again", "not-again"),
        ("2", "withdraw", "withdraw"),
        ("2", "withdraw", "not-withdraw"),
        ("99", "again", "not-again"),
        ("x", "withdraw", "not-withdraw"),
    ] {
        let answer = manager.post("/staff/mail", &decide(letter, what)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{letter} {what}");
        let place = format!("/staff/mail?done={done}");
        assert_eq!(answer.header("location"), place, "{letter} {what}");
    }
    let odd = manager.post("/staff/mail", &decide("1", "burn")).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    let states = clinic.look(
        "SELECT GROUP_CONCAT(CONCAT(id, ' ', status)) AS text FROM (SELECT id, status FROM anteroom_outbox ORDER BY id) AS t",
    );
    assert_eq!(states.await, "1 again,2 withdrawn,3 waiting");
    let noted = clinic.look(
        "SELECT CONCAT(COUNT(*), ' ', MIN(action), ' ', MAX(action)) AS text FROM anteroom_audit \
         WHERE action LIKE 'letter.%' AND actor LIKE 'Practitioner/%' AND patient IS NOT NULL AND reason = 'reset'",
    );
    assert_eq!(noted.await, "2 letter.again letter.withdraw");
    assert_eq!(round(&clinic).await, 1);

    // A letter whose link has ended cannot be sent again.
    put(&clinic, "c@mail.example").await;
    script(
        &clinic,
        "UPDATE anteroom_outbox SET status = 'dead' WHERE id = 4; UPDATE anteroom_link SET ended = 1",
    )
    .await;
    let answer = manager.post("/staff/mail", &decide("4", "again")).await;
    assert_eq!(answer.header("location"), "/staff/mail?done=not-again");
    clinic.close().await;
}
