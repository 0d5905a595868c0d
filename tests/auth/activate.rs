//! A first login by a link (portal rules F046, F089, F090, F093, F098; `security.md`, case 114).

use axum::http::StatusCode;
use time::Duration;

use super::mailbox::GOOD;
use super::mailbox::WALTER;
use super::mailbox::invited;
use super::mailbox::letter;
use super::mailbox::logs_in;
use super::mailbox::over;
use super::mailbox::reason;
use super::mailbox::redeem;
use super::mailbox::run;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;

const NAME: (&str, &str) = ("username", "walter.k");
const BORN: (&str, &str) = ("birth_date", WALTER[1]);

/// A patient with a chart opens an account from the login page.
async fn claimed(clinic: Clinic) {
    let (path, pin) = letter(&clinic, WALTER).await;
    assert!(path.starts_with("/activate/al_"), "{path}");
    let invited = "SELECT CASE WHEN invited > 0 THEN 'yes' ELSE 'no' END AS text FROM anteroom_account WHERE pid = 6";
    assert_eq!(clinic.look(invited).await, "yes");
    let mut browser = clinic.browser();
    let page = browser.get(&path).await.text();
    assert!(
        page.contains("Choose your login") && !page.contains("Walter"),
        "{page}"
    );
    let taken = [("username", "Maria.Delgado"), ("pin", pin.as_str())];
    let again = redeem(&mut browser, &path, &taken).await;
    assert!(again.text().contains("Somebody else has this username"));
    let done = redeem(&mut browser, &path, &[NAME, ("pin", &pin)]).await;
    assert_eq!(
        done.header("location"),
        "/reset?done=activate",
        "{}",
        done.text()
    );
    assert!(logs_in(&clinic, NAME.1, GOOD).await);
    let row = clinic
        .look("SELECT CONCAT(portal_username, ' ', portal_login_username, ' ', portal_pwd_status) AS text FROM patient_access_onsite WHERE pid = 6")
        .await;
    assert!(
        row.starts_with("Walter") && row.ends_with("8 walter.k 1"),
        "{row}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn f032_f089_f090_f098_a_patient_with_a_chart_opens_an_account() {
    claimed(Clinic::open().await).await;
}

#[tokio::test]
async fn f089_f090_f098_a_patient_with_a_chart_opens_an_account_on_mariadb() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            claimed(clinic).await;
        }
    }
}

#[tokio::test]
async fn f093_what_is_asked_beside_a_link_is_what_the_practice_set() {
    for (factor, right, wrong) in [
        ("birth-date", BORN, ("birth_date", "1950-01-01")),
        ("pin", ("pin", "ABC234"), ("pin", "ABC235")),
    ] {
        let clinic = Clinic::open().await;
        let path = invited(&clinic, 6, factor).await;
        let page = redeem(&mut clinic.browser(), &path, &[NAME, wrong]).await;
        let html = page.text();
        assert!(html.contains("That does not match"), "{factor}");
        // A birth date stays in the form, a PIN does not.
        let stays = html.contains(&format!("value=\"{}\"", wrong.1));
        assert_eq!(stays, factor == "birth-date", "{html}");
        let done = redeem(&mut clinic.browser(), &path, &[NAME, right]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        clinic.close().await;
    }
    let clinic = Clinic::open().await;
    let path = invited(&clinic, 6, "none").await;
    let form = clinic.browser().get(&path).await.text();
    assert!(!form.contains("name=\"pin\"") && !form.contains("name=\"birth_date\""));
    let done = redeem(&mut clinic.browser(), &path, &[NAME]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    clinic.close().await;
}

#[tokio::test]
async fn f098_who_has_a_login_chooses_a_new_password_alone() {
    let clinic = Clinic::open().await;
    let path = invited(&clinic, 1, "birth-date").await;
    let form = clinic.browser().get(&path).await.text();
    assert!(!form.contains("name=\"username\""), "{form}");
    let fields = [("birth_date", "1984-02-29"), ("username", "evil")];
    let done = redeem(&mut clinic.browser(), &path, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert!(logs_in(&clinic, "maria.delgado", GOOD).await);
    clinic.close().await;
}

#[tokio::test]
async fn f065_a_login_that_was_never_used_may_be_renamed_by_its_link() {
    let clinic = Clinic::open().await;
    let path = invited(&clinic, 5, "none").await;
    let done = redeem(&mut clinic.browser(), &path, &[("username", "amara")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert!(
        logs_in(&clinic, "amara", GOOD).await,
        "no forced change is left"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_114_an_invitation_is_for_once_and_for_what_was_true_when_it_was_sent() {
    let clinic = Clinic::open().await;
    let gone = async |path: &str, words: &str| over(&clinic.browser().get(path).await, words);
    let first = invited(&clinic, 6, "birth-date").await;
    let second = invited(&clinic, 6, "birth-date").await;
    gone(&first, "newer one").await;
    for (change, back) in [
        (
            "UPDATE patient_data SET allow_patient_portal = 'NO' WHERE pid = 6",
            "UPDATE patient_data SET allow_patient_portal = 'YES' WHERE pid = 6",
        ),
        (
            "UPDATE patient_data SET email = 'other@example.com' WHERE pid = 6",
            "UPDATE patient_data SET email = 'walter.kowalski@example.com' WHERE pid = 6",
        ),
        (
            "UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_onsite_two_enable'",
            "UPDATE globals SET gl_value = '1' WHERE gl_name = 'portal_onsite_two_enable'",
        ),
    ] {
        run(&clinic, change).await;
        gone(&second, "changed since").await;
        run(&clinic, back).await;
    }
    for _ in 0..5 {
        let wrong = [NAME, ("birth_date", "1950-01-01")];
        redeem(&mut clinic.browser(), &second, &wrong).await;
        assert_eq!(reason(&clinic).await, "wrong-birth-date");
    }
    gone(&second, "too many wrong tries").await;
    let third = invited(&clinic, 6, "birth-date").await;
    let done = redeem(&mut clinic.browser(), &third, &[NAME, BORN]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    gone(&third, "was used already").await;
    let late = invited(&clinic, 7, "none").await;
    clinic.wait(Duration::hours(73));
    gone(&late, "too old").await;
    clinic.close().await;
}
