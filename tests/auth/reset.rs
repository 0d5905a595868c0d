//! A lost password (portal rules F043, F045, F058 to F066, G03, G10; `security.md` 86 and 99).

use super::mailbox::Details;
use super::mailbox::GOOD;
use super::mailbox::MARIA;
use super::mailbox::ask;
use super::mailbox::letter;
use super::mailbox::logs_in;
use super::mailbox::over;
use super::mailbox::pin;
use super::mailbox::reason;
use super::mailbox::redeem;
use super::mailbox::run;
use super::mailbox::waiting;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::authorization;
use crate::clinic::browser::encoded;
use crate::clinic::engine::LAYOUTS;
use anteroom::config::accounts::Switch;
use anteroom::config::notify::Transport;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use std::time::Duration as Time;
use std::time::Instant;
use time::Duration;

const NAME: (&str, &str) = ("username", "maria.delgado");

/// From the lost password to the new one: the old one works until then, and everything made under it ends.
async fn story(clinic: Clinic) {
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let read = format!("/fhir/Patient/{}", maria.id);
    let (path, pin) = letter(&clinic, MARIA).await;
    assert!(path.starts_with("/reset/al_"), "{path}");
    let told = clinic
        .look("SELECT CONCAT(letter, ' ', address, ' ', language, ' ', told) AS text FROM anteroom_outbox")
        .await;
    assert!(
        told.starts_with("reset maria.delgado@example.com es"),
        "{told}"
    );
    assert!(
        !told.contains(&pin) && !told.contains("maria.delgado\""),
        "neither PIN nor username travel (F057, F060): {told}"
    );
    assert!(logs_in(&clinic, &maria.username, &maria.password).await);
    let wrong = redeem(&mut clinic.browser(), &path, &[NAME, ("pin", "AAAAAA")]).await;
    assert!(wrong.text().contains("That does not match"));
    assert_eq!(reason(&clinic).await, "wrong-pin");
    let mut browser = clinic.browser();
    let done = redeem(&mut browser, &path, &[NAME, ("pin", &pin)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert_eq!(done.header("location"), "/reset?done=reset");
    let said = browser.get("/reset?done=reset").await.text();
    assert!(said.contains("Your new password is set"), "{said}");
    assert!(!logs_in(&clinic, &maria.username, &maria.password).await);
    assert!(logs_in(&clinic, &maria.username, GOOD).await);
    clinic.wait(Duration::seconds(1));
    assert_eq!(
        clinic.get(&read, &token).await.status,
        StatusCode::UNAUTHORIZED
    );
    let row = clinic
        .look("SELECT CONCAT(portal_username, ' ', portal_pwd_status, ' ', SUBSTR(portal_pwd, 1, 7)) AS text FROM patient_access_onsite WHERE pid = 1")
        .await;
    assert_eq!(
        row, "MaríaDelgado1 1 $2y$12$",
        "the account id stays (F067)"
    );
    over(&clinic.browser().get(&path).await, "was used already");
    clinic.close().await;
}

#[tokio::test]
async fn f045_f057_f058_f060_g10_a_patient_resets_a_lost_password() {
    story(Clinic::open().await).await;
}

#[tokio::test]
async fn f045_f057_f058_f060_g10_a_patient_resets_a_lost_password_on_mariadb() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            story(clinic).await;
        }
    }
}

/// The answer page without its PIN and the id of the request.
fn bare(answer: &Answer) -> String {
    answer.text().replace(&pin(answer), "PIN")
}

#[tokio::test]
async fn case_86_g03_the_answer_is_the_same_whoever_asks_and_a_letter_goes_to_one_alone() {
    let clinic = Clinic::open().await;
    run(
        &clinic,
        "INSERT INTO anteroom_account (pid, locked, locked_reason) VALUES (3, 1, 'asked for')",
    )
    .await;
    let table: [(Details, i64, &str); 9] = [
        (MARIA, 1, "reset"),
        (
            ["nobody@example.com", "1984-02-29", "Delgado", "01930"],
            0,
            "no-match",
        ),
        ([MARIA[0], "1984-02-28", MARIA[2], MARIA[3]], 0, "no-match"),
        ([MARIA[0], MARIA[1], "Delgada", MARIA[3]], 0, "no-match"),
        ([MARIA[0], MARIA[1], MARIA[2], "01931"], 0, "no-match"),
        (
            [
                "deshawn.carter@example.com",
                "1979-06-21",
                "Carter",
                "01930",
            ],
            0,
            "access-disabled",
        ),
        (
            ["linh.nguyen@example.com", "1991-08-17", "Nguyen", "01930"],
            0,
            "access-locked",
        ),
        (
            [
                "h.whitfield@example.com",
                "1931-05-27",
                "Whitfield",
                "01930",
            ],
            0,
            "chart-status",
        ),
        (["' OR 1=1 --", "1984-02-29", "%", "00000"], 0, "no-match"),
    ];
    let mut pages = Vec::new();
    for (details, letters, why) in table {
        let before = waiting(&clinic).await;
        let began = Instant::now();
        let answer = ask(&mut clinic.browser(), details).await;
        assert!(began.elapsed() >= Time::from_millis(500), "{details:?}");
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(waiting(&clinic).await - before, letters, "{details:?}");
        assert_eq!(reason(&clinic).await, why, "{details:?}");
        pages.push(bare(&answer));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    clinic.close().await;
}

#[tokio::test]
async fn f043_f048_where_it_is_not_offered_the_pages_say_whom_to_call() {
    let off = Clinic::with(|config| config.accounts.self_reset = Switch::Off).await;
    let no_mail = Clinic::with(|config| config.notify.transport = Transport::Off).await;
    let openemr = Clinic::with(|config| config.accounts.self_reset = Switch::OpenEmr).await;
    run(
        &openemr,
        "UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_two_pass_reset'",
    )
    .await;
    let portal = Clinic::open().await;
    run(
        &portal,
        "UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_onsite_two_enable'",
    )
    .await;
    for clinic in [off, no_mail, openemr, portal] {
        let mut browser = clinic.browser();
        let page = browser.get("/reset").await.text();
        assert!(page.contains("by phone") && page.contains("(555) 555-0100"));
        assert!(!page.contains("<form"), "{page}");
        let csrf = anteroom::auth::csrf::token("visitor-visitor-visitor-visitor");
        let fields = [
            ("csrf", csrf.as_str()),
            ("email", MARIA[0]),
            ("birth_date", MARIA[1]),
            ("family_name", MARIA[2]),
            ("zip", MARIA[3]),
        ];
        let request = Request::post("/reset")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", "anteroom_visitor=visitor-visitor-visitor-visitor")
            .body(Body::from(encoded(&fields)))
            .expect("a request");
        let answer = clinic.send(request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(waiting(&clinic).await, 0);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f066_the_login_page_leads_there_after_a_failure_or_always() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    assert!(!form.text().contains("href=\"/reset\""));
    let fields = [("username", "nobody"), ("password", "wrong")];
    let failed = browser.submit(&form, &fields).await;
    assert!(failed.text().contains("href=\"/reset\""));
    clinic.close().await;
    let clinic = Clinic::with(|config| config.accounts.reset_always = true).await;
    let form = clinic.browser().start(&authorization(EVERYTHING)).await;
    assert!(form.text().contains("href=\"/reset\""));
    clinic.close().await;
    let clinic = Clinic::with(|config| {
        config.accounts.reset_always = true;
        config.accounts.self_reset = Switch::Off;
    })
    .await;
    let form = clinic.browser().start(&authorization(EVERYTHING)).await;
    assert!(!form.text().contains("href=\"/reset\""));
    clinic.close().await;
}

#[tokio::test]
async fn f061_f065_the_username_is_typed_again_and_another_may_be_chosen() {
    let clinic = Clinic::open().await;
    let (path, pin) = letter(&clinic, MARIA).await;
    let mut browser = clinic.browser();
    let right = ("pin", pin.as_str());
    let wrong = redeem(&mut browser, &path, &[("username", "sean.oconnor"), right]).await;
    assert!(wrong.text().contains("That does not match"));
    assert_eq!(reason(&clinic).await, "wrong-username", "case 99");
    let guesses = "SELECT CAST(wrong AS CHAR) AS text FROM anteroom_link";
    assert_eq!(clinic.look(guesses).await, "1");
    let taken = [NAME, right, ("new_username", "SEAN.OCONNOR")];
    let page = redeem(&mut browser, &path, &taken).await;
    assert!(page.text().contains("Somebody else has this username"));
    assert_eq!(
        clinic.look(guesses).await,
        "1",
        "a right guess costs nothing"
    );
    let weak = [
        NAME,
        right,
        ("new_password", "short"),
        ("new_password_again", "short"),
    ];
    let form = browser.get(&path).await;
    let page = browser.submit(&form, &weak).await;
    assert!(page.text().contains("Use at least 12 characters."));
    let renamed = [
        ("username", " Maria.Delgado"),
        right,
        ("new_username", "majo.d"),
    ];
    let done = redeem(&mut browser, &path, &renamed).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert!(logs_in(&clinic, "majo.d", GOOD).await);
    let name = "SELECT portal_username AS text FROM patient_access_onsite WHERE pid = 1";
    assert_eq!(clinic.look(name).await, "MaríaDelgado1", "F067");
    clinic.close().await;
}

#[tokio::test]
async fn f062_case_99_a_link_dies_of_time_and_of_every_change_of_the_account() {
    let clinic = Clinic::open().await;
    let (path, pin) = letter(&clinic, MARIA).await;
    clinic.wait(Duration::minutes(61));
    let page = clinic.browser().get(&path).await;
    over(&page, "too old");
    assert!(page.text().contains("Send a new letter"));
    for (change, back) in [
        (
            "UPDATE patient_access_onsite SET portal_pwd = 'other' WHERE pid = 1",
            "UPDATE patient_access_onsite SET portal_pwd = '$2y$10$4xlMj1F1L3vhQ7OwAt4CXeDGB4g4vvUJhGTD89AbTtXAy.1TFNjXy' WHERE pid = 1",
        ),
        (
            "UPDATE patient_data SET email = 'other@example.com' WHERE pid = 1",
            "UPDATE patient_data SET email = 'maria.delgado@example.com' WHERE pid = 1",
        ),
        (
            "UPDATE patient_data SET allow_patient_portal = 'NO' WHERE pid = 1",
            "UPDATE patient_data SET allow_patient_portal = 'YES' WHERE pid = 1",
        ),
    ] {
        clinic.wait(Duration::minutes(61));
        let (path, _) = letter(&clinic, MARIA).await;
        assert_eq!(clinic.browser().get(&path).await.status, StatusCode::OK);
        run(&clinic, change).await;
        over(&clinic.browser().get(&path).await, "changed since");
        run(&clinic, back).await;
    }
    // Another purpose's page does not take it either.
    let other = path.replace("/reset/", "/activate/");
    over(&clinic.browser().get(&other).await, "no link of ours");
    assert!(!pin.is_empty());
    clinic.close().await;
}
