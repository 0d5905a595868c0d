//! What a stranger's walk through the people's pages found broken: dead ends, ways back, and pages that change hands.

use axum::http::StatusCode;

use crate::auth::staff::VIEWER;
use crate::auth::staff::asked;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::change;
use crate::auth::staff::csrf;
use crate::auth::staff::log_in;

use crate::clinic::Answer;
use crate::clinic::CALLBACK;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::clinic::browser::VERIFIER;
use crate::clinic::browser::authorization;
use crate::clinic::browser::parameter;

/// A patients' app without anything that lasts.
const PLAIN: &str = "openid launch/patient patient/*.rs";

/// Where the first form of a page goes.
fn action(page: &Answer) -> String {
    let html = page.text();
    let rest = html.split("action=\"").nth(1);
    let place = rest.and_then(|rest| rest.split('"').next());
    place
        .unwrap_or_else(|| panic!("no form: {html}"))
        .to_owned()
}

/// Presses a button of the first form of a page, whatever its status; where that leads.
async fn press(browser: &mut Browser<'_>, page: &Answer, decision: &str) -> Answer {
    let fields = [("csrf", csrf(page)), ("decision", decision.to_owned())];
    let answer = browser.post(&action(page), &fields).await;
    browser.follow(answer).await
}

fn link<'p>(html: &'p str, words: &str) -> &'p str {
    let before = html.split(&format!(">{words}</a>")).next();
    let place = before.and_then(|text| text.rsplit("href=\"").next());
    place
        .and_then(|text| text.split('"').next())
        .unwrap_or_else(|| panic!("no link {words}: {html}"))
}

async fn click(browser: &mut Browser<'_>, page: &Answer, words: &str) -> Answer {
    let html = page.text();
    let place = link(&html, words).replace("&#38;", "&");
    let answer = browser.get(&place).await;
    browser.follow(answer).await
}

async fn opened(browser: &mut Browser<'_>, path: &str) -> Answer {
    let answer = browser.get(path).await;
    browser.follow(answer).await
}

#[tokio::test]
async fn case_83_the_link_to_the_other_login_form_of_an_own_page_leads_somewhere() {
    let clinic = Clinic::open().await;
    let mut staff = clinic.browser();
    let form = opened(&mut staff, "/account").await;
    assert!(!form.text().contains("This app"), "no app asks here");
    let form = click(&mut staff, &form, "I work here").await;
    let account = log_in(&clinic, &mut staff, (&form, "dlee")).await;
    assert_eq!(account.status, StatusCode::OK, "{}", account.text());
    assert!(account.text().contains("Donna Lee"));

    let mut patient = clinic.browser();
    let form = opened(&mut patient, "/staff").await;
    let form = click(&mut patient, &form, "I am a patient").await;
    let account = patient.log_in(&form, clinic.patient("active")).await;
    assert_eq!(account.status, StatusCode::OK, "{}", account.text());
    assert!(account.text().contains("Your account"));
    let desk = opened(&mut patient, "/staff").await;
    assert!(
        desk.text().contains("OpenEMR username"),
        "no desk for a patient"
    );

    // A bookmark of either form.
    let mut other = clinic.browser();
    assert!(
        opened(&mut other, "/login")
            .await
            .text()
            .contains("Username")
    );
    let form = opened(&mut other, "/login/staff").await;
    assert!(form.text().contains("OpenEMR username"));
    clinic.close().await;
}

#[tokio::test]
async fn in_one_browser_staff_reach_their_own_apps_beside_a_patients() {
    let clinic = Clinic::open().await;
    let (mut browser, _) = at_the_desk(&clinic, "dlee").await;
    let consent = browser.start(&asked("openid user/Patient.rs", None)).await;
    browser.submit(&consent, &[("decision", "approve")]).await;
    // A patient comes to the same browser.
    let mut pairs = authorization(PLAIN);
    pairs.push(("prompt", "login".to_owned()));
    let form = browser.start(&pairs).await;
    let consent = browser.log_in(&form, clinic.patient("active")).await;
    assert!(consent.text().contains("your record"), "{}", consent.text());

    let account = opened(&mut browser, "/account").await;
    assert!(account.text().contains("Donna Lee"), "the way to the other");
    let mine = opened(&mut browser, "/account/apps?as=staff").await;
    assert!(
        mine.text().contains("Apps that Donna Lee allowed"),
        "{}",
        mine.text()
    );
    let html = mine.text();
    let place = html.split("action=\"/account/apps/").nth(1);
    let place = place
        .and_then(|rest| rest.split('"').next())
        .expect("an app");
    let fields = [("csrf", csrf(&mine)), ("decision", "end".to_owned())];
    let done = browser
        .post(&format!("/account/apps/{place}"), &fields)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let after = browser.follow(done).await;
    assert!(
        after.text().contains("No app is connected"),
        "{}",
        after.text()
    );
    clinic.close().await;
}

#[tokio::test]
async fn a_patient_goes_on_in_a_browser_where_staff_are_logged_in() {
    let clinic = Clinic::open().await;
    let (mut browser, _) = at_the_desk(&clinic, "dlee").await;
    let picker = browser.start(&authorization(PLAIN)).await;
    assert!(picker.text().contains("Choose a patient"));
    let form = press(&mut browser, &picker, "other").await;
    assert!(form.text().contains("name=\"password\""), "{}", form.text());
    let consent = browser.log_in(&form, clinic.patient("active")).await;
    assert!(
        consent.text().contains("to use your record?"),
        "{}",
        consent.text()
    );
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    assert!(done.header("location").starts_with(CALLBACK));
    let desk = browser.get("/staff").await;
    assert!(desk.text().contains("Donna Lee"), "staff stay logged in");
    clinic.close().await;
}

#[tokio::test]
async fn case_27_a_page_left_open_in_another_tab_answers_for_nobody_else() {
    let clinic = Clinic::open().await;
    let active: Vec<_> = clinic.patients("active").collect();
    let (mut browser, _) = at_the_desk(&clinic, "dlee").await;
    let picker = browser.start(&authorization(PLAIN)).await;
    let chosen = browser.submit(&picker, &[("patient", &active[0].id)]).await;
    let first = browser.follow(chosen).await;
    assert!(
        first.text().contains("Let Sandbox test app"),
        "{}",
        first.text()
    );
    // Emily and Emily may be two.
    assert!(first.text().contains(", born 19"), "{}", first.text());
    // Another patient is chosen in a second tab: the consent of the first tab is about the wrong one now.
    let picker = press(&mut browser, &first, "patients").await;
    assert!(
        picker.text().contains("Choose a patient"),
        "{}",
        picker.text()
    );
    let chosen = browser.submit(&picker, &[("patient", &active[1].id)]).await;
    let second = browser.follow(chosen).await;
    let stale = browser.submit(&first, &[("decision", "approve")]).await;
    assert_eq!(stale.status, StatusCode::BAD_REQUEST);
    assert_eq!(stale.header("location"), "");
    // And somebody else logs in.
    let form = press(&mut browser, &second, "other").await;
    let third = browser.log_in(&form, active[0]).await;
    let stale = browser.submit(&second, &[("decision", "approve")]).await;
    assert_eq!(stale.status, StatusCode::BAD_REQUEST);
    // The patient that staff had chosen is forgotten.
    let done = browser.submit(&third, &[("decision", "approve")]).await;
    let code = parameter(done.header("location"), "code").expect("a code");
    let tokens = browser.exchange(&code).await.json();
    assert_eq!(tokens["patient"], active[0].id.as_str());
    clinic.close().await;
}

#[tokio::test]
async fn case_32_what_staff_launched_is_let_go_to_nobody() {
    let clinic = Clinic::open().await;
    let (mut browser, desk) = at_the_desk(&clinic, "dlee").await;
    let fields = [
        ("csrf", csrf(&desk)),
        ("client_id", VIEWER.to_owned()),
        ("patient", clinic.patient("active").id.clone()),
        ("need_patient_banner", "false".to_owned()),
    ];
    let started = browser.post("/launch", &fields).await;
    let launch = parameter(started.header("location"), "launch").expect("a launch");
    let consent = browser
        .start(&asked("openid launch patient/*.rs", Some(&launch)))
        .await;
    assert!(
        !consent.text().contains("value=\"other\""),
        "no such button"
    );
    for decision in ["other", "patients"] {
        let refused = press(&mut browser, &consent, decision).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{decision}");
    }
    // It goes on as it was, and the desk's tick is in the answer.
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    let code = parameter(done.header("location"), "code").expect("a code");
    let answer = browser
        .token_request(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("client_id", VIEWER),
            ("code_verifier", VERIFIER),
        ])
        .await;
    assert_eq!(answer.json()["need_patient_banner"], false);
    clinic.close().await;
}

#[tokio::test]
async fn case_161_staff_who_may_not_choose_get_away_and_see_nobody() {
    let clinic = Clinic::open().await;
    let (mut browser, _) = at_the_desk(&clinic, "jpark").await;
    change(&clinic, "DELETE FROM gacl_aro_groups_map").await;
    let picker = browser.start(&authorization(PLAIN)).await;
    assert_eq!(picker.status, StatusCode::FORBIDDEN);
    assert!(
        picker.text().contains("Patients: Demographics"),
        "{}",
        picker.text()
    );
    assert!(!picker.text().contains("name=\"search\""));
    let fields = [("csrf", csrf(&picker)), ("search", "delgado".to_owned())];
    let searched = browser.post(&action(&picker), &fields).await;
    assert_eq!(searched.status, StatusCode::FORBIDDEN);
    assert!(!searched.text().contains("Delgado"));
    let fields = [("csrf", csrf(&picker)), ("decision", "deny".to_owned())];
    let back = browser.post(&action(&picker), &fields).await;
    let place = back.header("location");
    assert!(place.starts_with(CALLBACK), "{place}");
    assert_eq!(parameter(place, "error").as_deref(), Some("access_denied"));
    clinic.close().await;
}

#[tokio::test]
async fn who_must_change_may_go_back_to_the_login() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(PLAIN)).await;
    let page = browser.log_in(&form, clinic.patient("must change")).await;
    assert!(page.text().contains("new_password"), "{}", page.text());
    let form = press(&mut browser, &page, "other").await;
    let consent = browser.log_in(&form, clinic.patient("active")).await;
    assert!(
        consent.text().contains("to use your record?"),
        "{}",
        consent.text()
    );
    let stale = [
        ("csrf", csrf(&page)),
        ("username", "somebody".to_owned()),
        ("new_password", "Another-one-12345".to_owned()),
        ("new_password_again", "Another-one-12345".to_owned()),
    ];
    let refused = browser.post(&action(&page), &stale).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    clinic.close().await;
}

#[tokio::test]
async fn case_51_what_lasts_as_long_as_the_login_ends_when_staff_log_out_at_the_desk() {
    let clinic = Clinic::open().await;
    let (mut browser, desk) = at_the_desk(&clinic, "dlee").await;
    let scope = "openid fhirUser online_access user/Patient.rs";
    let consent = browser.start(&asked(scope, None)).await;
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    let code = parameter(done.header("location"), "code").expect("a code");
    let answer = browser
        .token_request(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("client_id", VIEWER),
            ("code_verifier", VERIFIER),
        ])
        .await
        .json();
    assert!(
        answer["scope"]
            .as_str()
            .expect("scope")
            .contains("online_access"),
        "{answer}"
    );
    let token = answer["access_token"].as_str().expect("a token");
    let path = format!("/fhir/Patient/{}", clinic.patient("active").id);
    assert_eq!(clinic.get(&path, token).await.status, StatusCode::OK);
    let out = browser
        .post("/staff/logout", &[("csrf", csrf(&desk))])
        .await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert_eq!(
        clinic.get(&path, token).await.status,
        StatusCode::UNAUTHORIZED
    );
    clinic.close().await;
}

#[tokio::test]
async fn opening_a_patient_at_the_desk_is_told_in_the_ledger() {
    let clinic = Clinic::open().await;
    let (mut browser, desk) = at_the_desk(&clinic, "dlee").await;
    let fields = [
        ("csrf", csrf(&desk)),
        ("client_id", VIEWER.to_owned()),
        ("patient", clinic.patient("active").id.clone()),
    ];
    let ready = browser.post("/staff/launch", &fields).await;
    assert!(
        ready.text().contains("need_patient_banner"),
        "{}",
        ready.text()
    );
    let told = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'patient.open' AND actor LIKE 'Practitioner/%' AND resource LIKE 'Patient/%'")
        .await;
    assert_eq!(told, "1");
    clinic.close().await;
}

#[tokio::test]
async fn an_app_is_switched_off_in_two_steps_for_it_cannot_be_undone() {
    let clinic = Clinic::open().await;
    let (mut browser, _) = at_the_desk(&clinic, "nhaddad").await;
    let html = browser.get("/staff/apps").await.text();
    let before = html.split("value=\"disable\"").next().expect("a button");
    let fold = before.rfind("<details").expect("a fold");
    assert!(before.rfind("</details>").is_none_or(|end| end < fold));
    assert!(before[fold..].contains("cannot be switched on again"));
    clinic.close().await;
}

#[tokio::test]
async fn the_start_page_and_the_help_page_lead_to_account_and_desk() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    for path in ["/", "/help"] {
        let html = browser.get(path).await.text();
        for place in ["href=\"/account\"", "href=\"/staff\""] {
            assert!(html.contains(place), "{path}: {place}");
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_32_a_colleague_who_did_not_start_the_app_is_told_so() {
    let clinic = Clinic::open().await;
    let (mut browser, desk) = at_the_desk(&clinic, "dlee").await;
    let fields = [
        ("csrf", csrf(&desk)),
        ("client_id", VIEWER.to_owned()),
        ("patient", clinic.patient("active").id.clone()),
    ];
    let started = browser.post("/launch", &fields).await;
    let launch = parameter(started.header("location"), "launch").expect("a launch");
    let mut other = clinic.browser();
    let form = other
        .start(&asked("openid launch patient/*.rs", Some(&launch)))
        .await;
    assert!(!form.text().contains("I am a patient"), "a way to nowhere");
    let refused = log_in(&clinic, &mut other, (&form, "nhaddad")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("A colleague started this app"));
    assert!(!refused.text().contains("Delgado"), "no context leaks");
    let desk = opened(&mut other, "/staff").await;
    assert!(desk.text().contains("OpenEMR username"), "nobody is in");
    clinic.close().await;
}
