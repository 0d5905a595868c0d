//! One patient's page at the desk: what its buttons do, what they tell, and what stays in the form.

use axum::http::StatusCode;
use time::Duration;

use super::mailbox::GOOD;
use super::mailbox::run;
use super::portal::desk;
use super::portal::status;
use super::portal::value;
use super::staff::at_the_desk;
use super::staff::change;
use super::staff::csrf;
use super::staff::log_in;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;

const SHEETS: &str = "SELECT CONCAT(SUM(CASE WHEN outcome = 'success' THEN 1 ELSE 0 END), ' of ', COUNT(*)) AS text \
                      FROM anteroom_audit WHERE action = 'portal.sheet'";

/// Presses a button of a patient's page.
pub(crate) async fn press(
    browser: &mut Browser<'_>,
    (page, id): (&Answer, &str),
    decision: &str,
    more: &[(&'static str, &str)],
) -> Answer {
    let mut fields = vec![("csrf", csrf(page)), ("decision", decision.to_owned())];
    fields.extend(more.iter().map(|(name, text)| (*name, (*text).to_owned())));
    browser
        .post(&format!("/staff/patients/{id}"), &fields)
        .await
}

/// A patient's page, opened by the front desk.
pub(crate) async fn opened<'c>(clinic: &'c Clinic, id: &str) -> (Browser<'c>, Answer) {
    let (mut browser, _) = at_the_desk(clinic, "nhaddad").await;
    let page = browser.get(&format!("/staff/patients/{id}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    (browser, page)
}

#[tokio::test]
async fn whoever_logs_in_for_a_patients_page_comes_back_to_it() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let away = browser.get(&format!("/staff/patients/{}", maria.id)).await;
    assert_eq!(away.status, StatusCode::SEE_OTHER);
    let form = browser.follow(away).await;
    let page = log_in(&clinic, &mut browser, (&form, "nhaddad")).await;
    assert!(page.text().contains("Delgado"), "{}", page.text());
    assert!(page.text().contains(&maria.id), "{}", page.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_91_the_sheet_says_nothing_about_a_password_of_the_patients_own() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let (mut browser, page) = opened(&clinic, &maria.id).await;
    for password in [maria.password.as_str(), "wrong"] {
        let fields = [("password", password)];
        let refused = press(&mut browser, (&page, &maria.id), "sheet", &fields).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    }
    assert_eq!(clinic.look(SHEETS).await, "0 of 2");
    // What staff made is printed as long as it is the one.
    let walter = clinic.patient("no credentials, e-mail");
    let who = (&page, walter.id.as_str());
    let fields = [("why", "no-email"), ("password", GOOD)];
    let made = press(&mut browser, who, "make", &fields).await;
    assert!(made.text().contains("Print the sheet"), "{}", made.text());
    let sheet = press(&mut browser, who, "sheet", &[("password", GOOD)]).await;
    assert_eq!(sheet.status, StatusCode::OK, "{}", sheet.text());
    assert_eq!(sheet.header("content-type"), "application/pdf");
    assert_eq!(clinic.look(SHEETS).await, "1 of 3");
    // And nobody tries as often as they like.
    for _ in 0..9 {
        let refused = press(&mut browser, who, "sheet", &[("password", "wrong")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
    }
    let wait = press(&mut browser, who, "sheet", &[("password", GOOD)]).await;
    assert_eq!(wait.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(clinic.look(SHEETS).await, "1 of 12");
    clinic.close().await;
}

#[tokio::test]
async fn f040_what_was_typed_is_there_again_after_a_refusal() {
    let clinic = Clinic::open().await;
    let walter = clinic.patient("no credentials, e-mail");
    let (mut browser, page) = opened(&clinic, &walter.id).await;
    let who = (&page, walter.id.as_str());
    let secret = "not to be seen again";
    let fields = [
        ("why", "patient-in-trouble"),
        ("username", "w"),
        ("password", secret),
    ];
    for (decision, status) in [
        ("make", StatusCode::UNPROCESSABLE_ENTITY),
        ("check", StatusCode::OK),
    ] {
        let again = press(&mut browser, who, decision, &fields).await;
        let html = again.text();
        assert_eq!(again.status, status, "{html}");
        assert!(html.contains("value=\"w\""), "{html}");
        assert!(html.contains("\"patient-in-trouble\" selected"), "{html}");
        assert!(!html.contains(secret), "{html}");
    }
    let unlocked = press(&mut browser, who, "lock", &[("reason", " ")]).await;
    assert!(unlocked.status.is_client_error(), "{}", unlocked.text());
    assert!(unlocked.text().contains("<details class=\"fold\" open>"));
    run(
        &clinic,
        "UPDATE patient_data SET deceased_date = '2020-01-01 00:00:00' WHERE COALESCE(allow_patient_portal, '') <> 'YES'",
    )
    .await;
    let off = clinic.patient("not authorised");
    let sure = [("attestation", "true")];
    let refused = press(&mut browser, (&page, &off.id), "enable", &sure).await;
    assert!(refused.status.is_client_error(), "{}", refused.text());
    assert!(
        refused.text().contains("value=\"true\" checked"),
        "{}",
        refused.text()
    );
    clinic.close().await;
}

#[tokio::test]
async fn f040_f096_an_active_patient_gets_a_reset_letter_whatever_a_first_login_would_take() {
    let clinic = Clinic::open().await;
    run(
        &clinic,
        "UPDATE patient_data SET phone_home = '' WHERE pid IN (1, 6)",
    )
    .await;
    let walter = clinic.patient("no credentials, e-mail");
    let (_, page) = opened(&clinic, &walter.id).await;
    assert!(page.text().contains("value=\"invite\" disabled"));
    let maria = clinic.patient("active");
    let (mut browser, page) = opened(&clinic, &maria.id).await;
    assert!(page.text().contains("value=\"invite\">"), "{}", page.text());
    let staff = desk(&clinic).await;
    let told = status(&clinic, &staff, &maria.id).await;
    assert_eq!(value(&told, "canInvite"), true);
    let done = press(&mut browser, (&page, &maria.id), "invite", &[]).await;
    assert!(
        done.header("location").ends_with("?done=invite"),
        "{}",
        done.text()
    );
    let letter = "SELECT CONCAT(letter, ' ', pid) AS text FROM anteroom_outbox";
    assert_eq!(clinic.look(letter).await, "reset 1");
    clinic.close().await;
}

#[tokio::test]
async fn f082_the_desk_asks_about_names_no_more_often_than_a_program() {
    let clinic = Clinic::open().await;
    let walter = clinic.patient("no credentials, e-mail");
    let (mut browser, page) = opened(&clinic, &walter.id).await;
    let who = (&page, walter.id.as_str());
    let name = [("username", "walter.k")];
    for _ in 0..60 {
        let told = press(&mut browser, who, "check", &name).await;
        assert_eq!(told.status, StatusCode::OK);
    }
    let wait = press(&mut browser, who, "check", &name).await;
    assert_eq!(wait.status, StatusCode::TOO_MANY_REQUESTS);
    clinic.wait(Duration::minutes(2));
    let told = press(&mut browser, who, "check", &name).await;
    assert!(told.text().contains("This username is free."));
    clinic.close().await;
}

#[tokio::test]
async fn f162_f163_the_portals_desk_finds_patients_without_the_right_to_their_charts() {
    let clinic = Clinic::open().await;
    change(
        &clinic,
        "DELETE FROM gacl_aco_map WHERE section_value = 'patients' AND value = 'demo'",
    )
    .await;
    let (mut browser, home) = at_the_desk(&clinic, "nhaddad").await;
    assert!(home.text().contains("/staff/patients"), "{}", home.text());
    let page = browser.get("/staff/patients").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let found = browser.submit(&page, &[("search", "delg")]).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text());
    assert!(found.text().contains(&clinic.patient("active").id));
    // Accounting, which may see charts, is no desk of the portal.
    let (mut clerk, _) = at_the_desk(&clinic, "jpark").await;
    let away = clerk.get("/staff/patients").await;
    assert_eq!(away.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}

#[tokio::test]
async fn f088_the_list_of_letters_keeps_its_filter() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let (mut browser, page) = opened(&clinic, &maria.id).await;
    press(&mut browser, (&page, &maria.id), "invite", &[]).await;
    let here = format!("/staff/mail?status=waiting&patient={}", maria.id);
    let list = browser.get(&here).await;
    let html = list.text();
    assert!(html.contains("name=\"status\" value=\"waiting\""), "{html}");
    let rest = html.split("name=\"letter\" value=\"").nth(1);
    let number = rest.and_then(|rest| rest.split('"').next());
    let fields = [
        ("csrf", csrf(&list)),
        ("letter", number.expect("a letter").to_owned()),
        ("status", "waiting".to_owned()),
        ("patient", maria.id.clone()),
        ("decision", "withdraw".to_owned()),
    ];
    let done = browser.post("/staff/mail", &fields).await;
    assert_eq!(
        done.header("location"),
        format!("{here}&done=withdraw"),
        "{}",
        done.text()
    );
    let list = browser.follow(done).await;
    assert!(list.text().contains("The letter was taken back."));
    // Several of one name: their names, and no word about letters.
    let several = browser.get("/staff/mail?patient=thornton").await.text();
    assert!(several.contains("Which patient?"), "{several}");
    assert!(!several.contains("No letter here"), "{several}");
    clinic.close().await;
}
