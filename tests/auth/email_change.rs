//! The address of an account changes (portal rule F038; `security.md` section 3, cases 103 and 111).

use anteroom::auth::email_change;
use anteroom::config::notify::Transport;
use anteroom::emr::standing;
use anteroom::http::oauth;
use axum::http::StatusCode;
use time::Duration;

use super::desk_patient::opened;
use super::desk_patient::press;
use super::mailbox::MARIA;
use super::mailbox::ask;
use super::mailbox::letter;
use super::mailbox::link;
use super::mailbox::over;
use super::mailbox::own_page;
use super::mailbox::reason;
use super::mailbox::run;
use super::mailbox::waiting;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;

const PATH: &str = "/account/email";
const NEW: &str = "maria@new.example";
const ON_FILE: &str = "SELECT email AS text FROM patient_data WHERE pid = 1";
const TO: &str =
    "SELECT CONCAT(letter, ' ', address) AS text FROM anteroom_outbox ORDER BY id DESC LIMIT 1";
const LAST: &str = "SELECT CONCAT(action, ' ', reason) AS text FROM anteroom_audit WHERE action LIKE 'email.%' ORDER BY id DESC LIMIT 1";
const HELD: &str = "SELECT CASE WHEN email_hold IS NULL THEN 'no' ELSE 'yes' END AS text FROM anteroom_account WHERE pid = 1";

/// What the loop behind the server does every ten seconds.
pub(crate) async fn watch(clinic: &Clinic) -> usize {
    let base = clinic.app.config.fhir_base();
    let context = oauth::context(&clinic.app, &base, "");
    email_change::watch(&context).await.expect("a look")
}

async fn story(clinic: Clinic) {
    let maria = clinic.patient("active");
    let login = (maria.username.as_str(), maria.password.as_str());
    assert_eq!(watch(&clinic).await, 0, "the first look notices nothing");
    let token = clinic.token(maria, EVERYTHING).await;
    let mut browser = clinic.browser();
    let page = own_page(&mut browser, login, PATH).await;
    assert!(page.text().contains(MARIA[0]));
    for (email, password, words) in [
        ("a@x.org, b@evil.org", login.1, "Give one e-mail address"),
        (MARIA[0], login.1, "has this address already"),
        (NEW, "wrong", "not the password you have now"),
    ] {
        let fields = [("email", email), ("current_password", password)];
        let again = browser.submit(&page, &fields).await;
        assert!(again.text().contains(words), "{words}: {}", again.text());
        assert_eq!(waiting(&clinic).await, 0);
    }
    let fields = [("email", NEW), ("current_password", login.1)];
    let asked = browser.submit(&page, &fields).await;
    assert_eq!(
        asked.header("location"),
        "/account/email?done=sent",
        "{}",
        asked.text()
    );
    assert_eq!(clinic.look(TO).await, format!("confirm-email {NEW}"));
    assert_eq!(
        clinic.look(ON_FILE).await,
        MARIA[0],
        "not before it is confirmed"
    );
    let (pending, _) = {
        let confirm = link(&clinic).await;
        let (reset, _) = letter(&clinic, MARIA).await;
        (reset, confirm)
    };
    // The reset ended the letter's link before it: ask once more.
    let again = browser.submit(&page, &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    let confirm = link(&clinic).await;
    let mut mailbox = clinic.browser();
    let question = mailbox.get(&confirm).await;
    assert!(question.text().contains(NEW), "{}", question.text());
    assert_eq!(
        clinic.look(ON_FILE).await,
        MARIA[0],
        "a GET changes nothing"
    );
    let done = mailbox.submit(&question, &[]).await;
    assert!(done.text().contains("is confirmed"), "{}", done.text());
    assert_eq!(clinic.look(ON_FILE).await, NEW);
    over(&mailbox.get(&confirm).await, "was used already");
    assert_eq!(clinic.look(TO).await, format!("email-changed {}", MARIA[0]));
    assert_eq!(clinic.look(LAST).await, "email.change ");
    assert_eq!(watch(&clinic).await, 0, "told once, not twice");
    over(&clinic.browser().get(&pending).await, "newer one");
    ask(&mut clinic.browser(), [NEW, MARIA[1], MARIA[2], MARIA[3]]).await;
    assert_eq!(reason(&clinic).await, "email-hold");
    let held = browser.get(PATH).await.text();
    assert!(held.contains("no reset links are sent until"), "{held}");

    let undo = {
        let id = clinic
            .look("SELECT HEX(link) AS text FROM anteroom_outbox WHERE letter = 'email-changed'")
            .await;
        assert!(!id.is_empty());
        link(&clinic).await
    };
    assert!(undo.starts_with("/account/email/undo/"), "{undo}");
    let question = mailbox.get(&undo).await;
    assert!(!question.text().contains('@'), "{}", question.text());
    let done = mailbox.submit(&question, &[]).await;
    assert!(done.text().contains("Your old e-mail address stays"));
    assert_eq!(clinic.look(ON_FILE).await, MARIA[0]);
    assert_eq!(clinic.look(HELD).await, "no");
    assert_eq!(clinic.look(LAST).await, "email.undo ");
    let away = browser.get(PATH).await;
    assert!(
        away.header("location").starts_with("/login"),
        "sessions end"
    );
    let read = format!("/fhir/Patient/{}", maria.id);
    assert_eq!(
        clinic.get(&read, &token).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(watch(&clinic).await, 0);
    clinic.wait(Duration::hours(2));
    letter(&clinic, MARIA).await;
    clinic.close().await;
}

#[tokio::test]
async fn f038_an_address_changes_with_password_confirmation_notice_hold_and_undo() {
    story(Clinic::open().await).await;
}

#[tokio::test]
async fn f038_an_address_changes_with_password_confirmation_notice_hold_and_undo_on_mariadb() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            story(clinic).await;
        }
    }
}

async fn changed_elsewhere(clinic: Clinic) {
    let maria = clinic.patient("active");
    let login = (maria.username.as_str(), maria.password.as_str());
    watch(&clinic).await;
    let mut browser = clinic.browser();
    own_page(&mut browser, login, PATH).await;
    let (pending, _) = letter(&clinic, MARIA).await;
    run(
        &clinic,
        "UPDATE patient_data SET email = 'maria@new.example' WHERE pid = 1",
    )
    .await;
    over(&clinic.browser().get(&pending).await, "changed since");
    // Whoever is quicker than the loop gets no link to the new address either.
    ask(&mut clinic.browser(), [NEW, MARIA[1], MARIA[2], MARIA[3]]).await;
    assert_eq!(reason(&clinic).await, "email-hold");
    assert_eq!(clinic.look(TO).await, format!("email-changed {}", MARIA[0]));
    assert_eq!(clinic.look(LAST).await, "email.change by-staff-or-openemr");
    assert_eq!(watch(&clinic).await, 0, "told once");
    let away = browser.get(PATH).await;
    assert!(
        away.header("location").starts_with("/login"),
        "log in again"
    );
    own_page(&mut browser, login, PATH).await;

    let standing = standing::by_pid(&clinic.app.emr, 1).await.expect("a look");
    let standing = standing.expect("María");
    let undo = link(&clinic).await;
    {
        let base = clinic.app.config.fhir_base();
        let context = oauth::context(&clinic.app, &base, "");
        let lifted = email_change::lift(&context, &standing, "Practitioner/x").await;
        lifted.expect("it is lifted");
    }
    assert_eq!(clinic.look(HELD).await, "no");
    over(&clinic.browser().get(&undo).await, "newer one");
    clinic.wait(Duration::hours(1));
    letter(&clinic, [NEW, MARIA[1], MARIA[2], MARIA[3]]).await;
    clinic.close().await;
}

#[tokio::test]
async fn case_111_a_change_in_openemr_is_noticed() {
    changed_elsewhere(Clinic::open().await).await;
}

#[tokio::test]
async fn case_111_a_change_in_openemr_is_noticed_on_mariadb() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            changed_elsewhere(clinic).await;
        }
    }
}

#[tokio::test]
async fn f038_where_no_letter_can_leave_no_address_changes_here() {
    let clinic = Clinic::with(|config| config.notify.transport = Transport::Off).await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let login = (maria.username.as_str(), maria.password.as_str());
    let page = own_page(&mut browser, login, PATH).await;
    assert!(page.text().contains("by phone") && !page.text().contains("<form"));
    clinic.close().await;
}

#[tokio::test]
async fn f038_while_a_change_can_be_taken_back_there_is_no_second_one() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let login = (maria.username.as_str(), maria.password.as_str());
    watch(&clinic).await;
    let mut browser = clinic.browser();
    let page = own_page(&mut browser, login, PATH).await;
    let fields = |email| [("email", email), ("current_password", login.1)];
    browser.submit(&page, &fields("thief@evil.example")).await;
    let mut mailbox = clinic.browser();
    let confirm = link(&clinic).await;
    let question = mailbox.get(&confirm).await;
    mailbox.submit(&question, &[]).await;
    let undo = link(&clinic).await;
    // A second change would send the way back to the thief's own mailbox, and take the owner's away.
    let letters = waiting(&clinic).await;
    let again = browser.submit(&page, &fields("other@evil.example")).await;
    let words = "changed a short while ago";
    assert!(again.text().contains(words), "{}", again.text());
    assert_eq!(waiting(&clinic).await, letters);
    let question = mailbox.get(&undo).await;
    let done = mailbox.submit(&question, &[]).await;
    assert!(done.text().contains("Your old e-mail address stays"));
    assert_eq!(clinic.look(ON_FILE).await, MARIA[0]);
    clinic.close().await;
}

#[tokio::test]
async fn f038_the_trusted_address_is_told_where_there_was_no_other() {
    let clinic = Clinic::open().await;
    run(
        &clinic,
        "UPDATE patient_data SET email = '', email_direct = 'maria@trusted.example' WHERE pid = 1",
    )
    .await;
    watch(&clinic).await;
    run(
        &clinic,
        "UPDATE patient_data SET email = 'new@evil.example' WHERE pid = 1",
    )
    .await;
    assert_eq!(watch(&clinic).await, 1);
    assert_eq!(clinic.look(TO).await, "email-changed maria@trusted.example");
    assert_eq!(clinic.look(HELD).await, "yes");
    clinic.close().await;
}

#[tokio::test]
async fn case_111_addresses_with_odd_blanks_hide_no_change_behind_them() {
    let clinic = Clinic::open().await;
    // Rust trims a carriage return, SQL does not: each look finds these rows, and more of them than a page has.
    for sql in [
        "INSERT INTO patient_data (id, pid, uuid, fname, lname, email) \
         WITH RECURSIVE n(x) AS (SELECT 100000 UNION ALL SELECT x + 1 FROM n WHERE x < 100249) \
         SELECT x, x, randomblob(16), 'Ana', 'Odd', 'ana' || x || '@mail.example' || char(13) FROM n",
        "INSERT INTO patient_access_onsite (pid, portal_username, portal_pwd, portal_pwd_status, portal_login_username) \
         SELECT pid, 'odd' || pid, '', 1, 'odd' || pid FROM patient_data WHERE pid >= 100000",
        "INSERT INTO patient_data (id, pid, uuid, fname, lname, email) \
         VALUES (200000, 200000, randomblob(16), 'Eve', 'Last', 'old@mail.example')",
        "INSERT INTO patient_access_onsite (pid, portal_username, portal_pwd, portal_pwd_status, portal_login_username) \
         VALUES (200000, 'evelast', '', 1, 'evelast')",
    ] {
        run(&clinic, sql).await;
    }
    assert_eq!(watch(&clinic).await, 0);
    run(
        &clinic,
        "UPDATE patient_data SET email = 'new@mail.example' WHERE pid = 200000",
    )
    .await;
    assert_eq!(watch(&clinic).await, 1);
    assert_eq!(clinic.look(TO).await, "email-changed old@mail.example");
    clinic.close().await;
}

#[tokio::test]
async fn f038_staff_who_made_sure_of_a_new_address_let_letters_go_there_again() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    watch(&clinic).await;
    let (_, page) = opened(&clinic, &maria.id).await;
    assert!(!page.text().contains("Reset links held until"));
    run(
        &clinic,
        "UPDATE patient_data SET email = 'maria@new.example' WHERE pid = 1",
    )
    .await;
    assert_eq!(watch(&clinic).await, 1);
    let (mut browser, page) = opened(&clinic, &maria.id).await;
    let html = page.text();
    assert!(html.contains("Reset links held until"), "{html}");
    assert!(html.contains("value=\"lift\""), "{html}");
    let done = press(&mut browser, (&page, &maria.id), "lift", &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert_eq!(clinic.look(HELD).await, "no");
    assert_eq!(clinic.look(LAST).await, "email.lift ");
    let page = browser.follow(done).await.text();
    assert!(page.contains("go to the new address again"), "{page}");
    assert!(!page.contains("value=\"lift\""), "{page}");
    clinic.close().await;
}
