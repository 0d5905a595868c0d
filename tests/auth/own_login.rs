//! A patient changes the own login (portal rules F041, F042, F044 to F047, F067; `security.md` 106 and 107).

use anteroom::crypto;
use anteroom::demo::manifest::PatientLogin;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use time::Duration;

use super::mailbox::GOOD;
use super::mailbox::MARIA;
use super::mailbox::WALTER;
use super::mailbox::letter;
use super::mailbox::logs_in;
use super::mailbox::own_page;
use super::mailbox::redeem;
use super::mailbox::run;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::authorization;

const PATH: &str = "/account/login";

async fn changed(clinic: Clinic) {
    let maria = clinic.patient("active");
    let login = (maria.username.as_str(), maria.password.as_str());
    let token = clinic.token(maria, EVERYTHING).await;
    let mut other = clinic.browser();
    own_page(&mut other, login, PATH).await;
    let mut browser = clinic.browser();
    let page = own_page(&mut browser, login, PATH).await;
    assert!(page.text().contains("apps have to be connected again"));
    let new = [("new_password", GOOD), ("new_password_again", GOOD)];
    let with = |current: &'static str, username: &'static str| {
        let mut fields = vec![("current_password", current), ("username", username)];
        fields.extend(new);
        fields
    };
    for (fields, words) in [
        (with("", "maria.delgado"), "Type the password you have now"),
        (with("wrong", "maria.delgado"), "not the password you have"),
        (with("Seaglass-1984", "SEAN.OCONNOR"), "Somebody else has"),
    ] {
        let again = browser.submit(&page, &fields).await;
        assert!(again.text().contains(words), "{words}: {}", again.text());
    }
    let done = browser.submit(&page, &with("Seaglass-1984", "majo")).await;
    assert_eq!(
        done.header("location"),
        "/account/login?done=1",
        "{}",
        done.text()
    );
    let here = browser.follow(done).await.text();
    assert!(here.contains("Your login was changed") && here.contains("value=\"majo\""));
    let away = other.get(PATH).await;
    assert!(
        away.header("location").starts_with("/login"),
        "other sessions end"
    );
    clinic.wait(Duration::seconds(1));
    let read = format!("/fhir/Patient/{}", maria.id);
    assert_eq!(
        clinic.get(&read, &token).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert!(logs_in(&clinic, "majo", GOOD).await);
    assert!(!logs_in(&clinic, "maria.delgado", "Seaglass-1984").await);
    let name = "SELECT portal_username AS text FROM patient_access_onsite WHERE pid = 1";
    assert_eq!(clinic.look(name).await, "MaríaDelgado1", "F067");
    let lines = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'credentials.change' AND outcome = 'success'";
    assert_eq!(clinic.look(lines).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn f041_f042_case_106_username_and_password_change_with_the_password_typed_again() {
    changed(Clinic::open().await).await;
}

#[tokio::test]
async fn f041_f042_case_106_username_and_password_change_on_mariadb() {
    if let Some(clinic) = Clinic::on_mariadb("7.0.4").await {
        changed(clinic).await;
    }
}

#[tokio::test]
async fn f041_the_username_alone_changes_and_keeps_the_password() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let login = (maria.username.as_str(), maria.password.as_str());
    let page = own_page(&mut browser, login, PATH).await;
    let fields = [("current_password", login.1), ("username", "majo")];
    let done = browser.submit(&page, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert!(logs_in(&clinic, "majo", login.1).await);
    clinic.close().await;
}

#[tokio::test]
async fn case_106_nothing_changes_without_the_forms_token_or_through_get() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let login = (maria.username.as_str(), maria.password.as_str());
    own_page(&mut browser, login, PATH).await;
    let query = format!(
        "{PATH}?current_password={}&username=evil&new_password=three+plain+words&new_password_again=three+plain+words",
        login.1
    );
    assert_eq!(browser.get(&query).await.status, StatusCode::OK);
    let fields = [
        ("csrf", "made-up".to_owned()),
        ("current_password", login.1.to_owned()),
        ("username", "evil".to_owned()),
    ];
    let forged = browser.post(PATH, &fields).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let foreign = Request::post(PATH)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://evil.example");
    let foreign = browser.send(foreign, Body::from("username=evil")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert!(logs_in(&clinic, login.0, login.1).await);
    clinic.close().await;
}

#[tokio::test]
async fn case_107_the_practices_minimum_holds_on_every_form() {
    let clinic = Clinic::with(|config| config.accounts.password_minimum = 16).await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let login = (maria.username.as_str(), maria.password.as_str());
    let page = own_page(&mut browser, login, PATH).await;
    assert!(page.text().contains("At least 16 characters."));
    let long = format!("{} and more", "x y z ".repeat(12));
    for (password, words) in [
        ("fifteen charact", "Use at least 16 characters."),
        ("maria.delgado and more", "Do not use your username"),
        ("aaaaaaaaaaaaaaaaaaaa", "more than a few different"),
        (long.as_str(), "at most 72 bytes"),
    ] {
        let fields = [
            ("current_password", login.1),
            ("username", login.0),
            ("new_password", password),
            ("new_password_again", password),
        ];
        let again = browser.submit(&page, &fields).await;
        assert!(again.text().contains(words), "{words}: {}", again.text());
    }
    let (path, pin) = letter(&clinic, MARIA).await;
    let short = [
        ("username", login.0),
        ("pin", pin.as_str()),
        ("new_password", "fifteen charact"),
    ];
    let form = browser.get(&path).await;
    let again = browser.submit(&form, &short).await;
    assert!(again.text().contains("Use at least 16 characters."));
    clinic.close().await;
}

/// Whether a login leads to the form for new credentials before anything else.
async fn is_forced(clinic: &Clinic, username: &str, password: &str) -> bool {
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let fields = [("username", username), ("password", password)];
    let answer = browser.submit(&form, &fields).await;
    let place = answer.header("location").to_owned();
    assert!(place.starts_with('/'), "{}", answer.text());
    place.starts_with("/login/new-credentials")
}

#[tokio::test]
async fn f044_a_login_that_staff_made_is_changed_at_first_use() {
    let clinic = Clinic::open().await;
    let amara = clinic.patient("must change");
    assert!(is_forced(&clinic, &amara.username, &amara.password).await);
    clinic.close().await;
}

#[tokio::test]
async fn f045_a_patient_made_reset_is_the_change_itself() {
    let clinic = Clinic::open().await;
    let (path, pin) = letter(&clinic, MARIA).await;
    let fields = [("username", "maria.delgado"), ("pin", pin.as_str())];
    redeem(&mut clinic.browser(), &path, &fields).await;
    assert!(!is_forced(&clinic, "maria.delgado", GOOD).await);
    clinic.close().await;
}

#[tokio::test]
async fn f046_a_first_login_is_chosen_by_its_link() {
    let clinic = Clinic::open().await;
    let (path, pin) = letter(&clinic, WALTER).await;
    let fields = [("username", "walter.k"), ("pin", pin.as_str())];
    redeem(&mut clinic.browser(), &path, &fields).await;
    assert!(!is_forced(&clinic, "walter.k", GOOD).await);
    clinic.close().await;
}

#[tokio::test]
async fn f047_a_reset_by_staff_forces_a_change() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    assert!(!is_forced(&clinic, &maria.username, &maria.password).await);
    run(
        &clinic,
        "UPDATE patient_access_onsite SET portal_pwd_status = 0 WHERE pid = 1",
    )
    .await;
    assert!(is_forced(&clinic, &maria.username, &maria.password).await);
    clinic.close().await;
}

/// The subject of the id token that came with tokens.
fn subject(tokens: &Value) -> String {
    let token = tokens["id_token"].as_str().expect("an id token");
    let payload = token.split('.').nth(1).expect("a payload");
    let payload = crypto::from_base64url(payload).expect("base64url");
    let payload: Value = serde_json::from_slice(&payload).expect("JSON");
    payload["sub"].as_str().expect("a subject").to_owned()
}

#[tokio::test]
async fn f015_f067_one_account_is_one_subject_for_every_app_and_stays_it_under_another_name() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let before = clinic.browser().launch(maria, EVERYTHING).await;
    let mut browser = clinic.browser();
    let login = (maria.username.as_str(), maria.password.as_str());
    let page = own_page(&mut browser, login, PATH).await;
    let fields = [("current_password", login.1), ("username", "majo")];
    let done = browser.submit(&page, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let renamed = PatientLogin {
        username: "majo".to_owned(),
        ..maria.clone()
    };
    let after = clinic.browser().launch(&renamed, EVERYTHING).await;
    assert_eq!(subject(&before), subject(&after));
    assert_eq!(before["patient"], after["patient"]);
    assert_ne!(subject(&after), "majo", "a name is no subject");
    clinic.close().await;
}

#[tokio::test]
async fn f039_f070_the_login_page_tells_what_has_changed_and_leads_to_help() {
    let news = "From 1 December you choose a new password <at> your login.";
    let clinic = Clinic::with(|config| config.accounts.banner = news.to_owned()).await;
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let html = form.text();
    assert!(html.contains("From 1 December you choose a new password &#60;at&#62;"));
    assert!(html.contains("href=\"/help#login\""), "{html}");
    let help = browser.get("/help").await;
    assert_eq!(help.status, StatusCode::OK);
    for words in ["I cannot log in", "My first login", "href=\"/reset\""] {
        assert!(help.text().contains(words), "{words}");
    }
    clinic.close().await;
}
