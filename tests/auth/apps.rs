//! The apps a user allowed, on their own page: seen, narrowed and ended at once, and only by whoever allowed them; and
//! what the consent page says before.

use anteroom::crypto;
use anteroom::store::clients;
use anteroom::store::grants;
use axum::http::StatusCode;
use serde_json::Value;
use time::Duration;

use super::staff;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::Browser;
use crate::clinic::browser::authorization;

const NARROW: &str =
    "openid fhirUser launch/patient offline_access patient/Patient.read patient/Appointment.rs";

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().expect("a text").to_owned()
}

/// The id of the grant behind an access token.
async fn grant(clinic: &Clinic, access: &str) -> String {
    let now = clinic.app.emr.now().unix_timestamp();
    let hash = crypto::fingerprint(access);
    let found = grants::by_access_token(&clinic.app.emr.db, &hash, now).await;
    found.expect("a look").expect("a grant").id().to_owned()
}

/// The form token of a page.
fn csrf(page: &Answer) -> String {
    let html = page.text();
    let rest = html.split("name=\"csrf\" value=\"").nth(1).expect("a form");
    rest.split('"').next().expect("a token").to_owned()
}

async fn change(
    browser: &mut Browser<'_>,
    (grant, csrf): (&str, &str),
    fields: &[(&str, &str)],
) -> Answer {
    let mut pairs = vec![("csrf", csrf.to_owned())];
    pairs.extend(
        fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    browser
        .post(&format!("/account/apps/{grant}"), &pairs)
        .await
}

#[tokio::test]
async fn the_page_asks_for_a_login_and_comes_back() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let form = browser.get("/account/apps").await;
    assert_eq!(form.status, StatusCode::SEE_OTHER);
    let form = browser.follow(form).await;
    assert!(form.text().contains("name=\"password\""));
    let page = browser.log_in(&form, clinic.patient("active")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text().contains("No app is connected"),
        "{}",
        page.text()
    );
    assert!(page.text().contains(&clinic.patient("active").name));
    let home = browser.get("/account").await.text();
    assert!(home.contains("/account/apps") && home.contains("/account/logout"));
    clinic.close().await;
}

#[tokio::test]
async fn a_patient_sees_two_apps_narrows_one_and_ends_the_other() {
    two_apps(Clinic::open().await).await;
    if let Some(mariadb) = Clinic::on_mariadb("8.2").await {
        two_apps(mariadb).await;
    }
}

async fn two_apps(clinic: Clinic) {
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let first = browser.launch(maria, NARROW).await;
    clinic.wait(Duration::seconds(60));
    let second = clinic.browser().launch(maria, EVERYTHING).await;
    let (one, two) = (text(&first, "access_token"), text(&second, "access_token"));
    let (narrowed, ended) = (grant(&clinic, &one).await, grant(&clinic, &two).await);
    assert_eq!(
        clinic.get("/fhir/Appointment", &one).await.status,
        StatusCode::OK
    );
    // Reads are written behind.
    for _ in 0..100 {
        if clinic.app.reads.written() > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }

    let page = browser.get("/account/apps").await;
    let html = page.text();
    let (new, old) = (html.find(&ended), html.find(&narrowed));
    assert!(new.is_some() && new < old, "both, the newest first: {html}");
    assert!(html.contains("once in all"), "{html}");
    assert!(html.contains("Never yet"), "{html}");
    let csrf = csrf(&page);

    let fields = [
        ("decision", "narrow"),
        ("scope", "offline_access"),
        ("scope", "patient/Patient.read"),
        ("scope", "patient/*.cruds"),
    ];
    let done = change(&mut browser, (&narrowed, &csrf), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert!(
        browser
            .follow(done)
            .await
            .text()
            .contains("may do less from now on")
    );
    assert_eq!(
        clinic.get("/fhir/Patient", &one).await.status,
        StatusCode::UNAUTHORIZED,
        "the token of the wider grant ends at once"
    );
    let again = browser.refresh(&text(&first, "refresh_token")).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    let again = again.json();
    assert_eq!(
        again["scope"],
        "openid launch/patient offline_access patient/Patient.read"
    );
    let fresh = text(&again, "access_token");
    assert_eq!(
        clinic.get("/fhir/Patient", &fresh).await.status,
        StatusCode::OK
    );
    assert_eq!(
        clinic.get("/fhir/Appointment", &fresh).await.status,
        StatusCode::FORBIDDEN
    );

    let done = change(&mut browser, (&ended, &csrf), &[("decision", "end")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = browser.follow(done).await.text();
    assert!(
        page.contains("access has ended") && !page.contains(&ended),
        "{page}"
    );
    assert_eq!(
        clinic.get("/fhir/Patient", &two).await.status,
        StatusCode::UNAUTHORIZED
    );
    let refused = browser.refresh(&text(&second, "refresh_token")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.json()["error"], "invalid_grant");
    let lines = "SELECT GROUP_CONCAT(CONCAT(action, ' ', reason)) AS text FROM anteroom_audit WHERE reason = 'by-patient'";
    assert_eq!(
        clinic.look(lines).await,
        "grant.narrow by-patient,grant.revoke by-patient"
    );
    clinic.close().await;
}

#[tokio::test]
async fn nobody_touches_another_ones_grant() {
    foreign(Clinic::open().await).await;
    if let Some(mariadb) = Clinic::on_mariadb("8.2").await {
        foreign(mariadb).await;
    }
}

async fn foreign(clinic: Clinic) {
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let theirs = text(
        &clinic.browser().launch(sean, EVERYTHING).await,
        "access_token",
    );
    let id = grant(&clinic, &theirs).await;
    let mut browser = clinic.browser();
    browser.launch(maria, EVERYTHING).await;
    let page = browser.get("/account/apps").await;
    assert!(!page.text().contains(&id));
    let csrf = csrf(&page);
    for fields in [
        &[("decision", "end")][..],
        &[("decision", "narrow"), ("scope", "offline_access")],
    ] {
        let refused = change(&mut browser, (&id, &csrf), fields).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
    }
    for odd in ["none", "%C3%A9", "' OR 1=1"] {
        let path = odd.replace(' ', "%20");
        let refused = change(&mut browser, (&path, &csrf), &[("decision", "end")]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{odd}");
    }
    assert_eq!(
        clinic.get("/fhir/Patient", &theirs).await.status,
        StatusCode::OK
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_23_the_form_counts_only_from_its_own_browser_and_page() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let token = text(&browser.launch(maria, EVERYTHING).await, "access_token");
    let id = grant(&clinic, &token).await;
    let good = csrf(&browser.get("/account/apps").await);
    for bad in ["", "made-up"] {
        let refused = change(&mut browser, (&id, bad), &[("decision", "end")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{bad:?}");
    }
    let stranger = change(&mut clinic.browser(), (&id, &good), &[("decision", "end")]).await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN);
    let request = axum::http::Request::post(format!("/account/apps/{id}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://evil.example");
    let body = axum::body::Body::from(format!("csrf={good}&decision=end"));
    assert_eq!(
        browser.send(request, body).await.status,
        StatusCode::FORBIDDEN
    );
    let odd = change(&mut browser, (&id, &good), &[("decision", "burn")]).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    assert!(odd.text().contains("decision"));
    assert_eq!(
        clinic.get("/fhir/Patient", &token).await.status,
        StatusCode::OK
    );
    clinic.close().await;
}

#[tokio::test]
async fn an_app_without_a_way_back_leaves_the_page_when_its_token_ends() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let token = browser
        .launch(maria, "launch/patient patient/Patient.rs")
        .await;
    let id = grant(&clinic, &text(&token, "access_token")).await;
    assert!(browser.get("/account/apps").await.text().contains(&id));
    clinic.wait(Duration::seconds(601));
    assert!(!browser.get("/account/apps").await.text().contains(&id));
    clinic.close().await;
}

#[tokio::test]
async fn case_26_an_apps_name_is_text_however_it_is_spelled() {
    let clinic = Clinic::open().await;
    let evil = [
        "<img src=x onerror=alert(1)>\u{202e}gnp.exe".to_owned(),
        "A".repeat(120),
    ];
    for (number, name) in evil.iter().enumerate() {
        let known = clients::find(&clinic.app.emr.db, crate::clinic::APP).await;
        let mut client = known.expect("a look").expect("the app");
        client.client_id = format!("evil-{number}");
        client.name.clone_from(name);
        client.client_uri = Some("javascript:alert(1)".to_owned());
        clinic
            .app
            .emr
            .db
            .transaction(|tx| {
                let client = client.clone();
                Box::pin(async move { clients::add(tx, &client).await })
            })
            .await
            .expect("added");
        let mut pairs = authorization(NARROW);
        pairs.retain(|(known, _)| *known != "client_id");
        pairs.push(("client_id", client.client_id.clone()));
        let mut browser = clinic.browser();
        let form = browser.start(&pairs).await;
        let consent = browser.log_in(&form, clinic.patient("active")).await;
        for html in [form.text(), consent.text()] {
            assert!(!html.contains("<img src=x"), "{html}");
            assert!(!html.contains('\u{202e}'), "{html}");
            assert!(!html.contains(&"A".repeat(61)), "{html}");
            assert!(!html.contains("javascript:"), "{html}");
        }
        assert!(consent.text().contains("Not verified by the practice"));
        clinic.wait(Duration::seconds(60));
    }
    clinic.close().await;
}

#[tokio::test]
async fn the_consent_page_names_what_the_app_does_not_get() {
    let clinic = Clinic::open().await;
    let scope = format!("{NARROW} patient/Observation.rs system/*.rs");
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(&scope)).await;
    let html = browser.log_in(&form, clinic.patient("active")).await.text();
    for part in [
        "also asked for things that this practice does not offer",
        "<code>patient/Observation.rs</code>",
        "<code>system/*.rs</code>",
        "up to a year",
        "100 days",
        clinic.patient("active").name.as_str(),
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("value=\"system/*.rs\""));
    clinic.close().await;
}

#[tokio::test]
async fn a_refused_request_tells_the_developer_what_was_expected() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let mut pairs = authorization(EVERYTHING);
    pairs.retain(|(known, _)| *known != "redirect_uri");
    pairs.push(("redirect_uri", "https://evil.example/cb".to_owned()));
    let query = crate::clinic::browser::encoded(&pairs);
    let page = browser.get(&format!("/oauth2/authorize?{query}")).await;
    let html = page.text();
    assert!(
        html.contains("redirect_uri") && html.contains("letter by letter"),
        "{html}"
    );
    assert!(!html.contains("evil.example"), "nothing that was sent");
    assert!(html.contains(page.header("x-request-id")));
    clinic.close().await;
}

#[tokio::test]
async fn staff_are_asked_in_their_own_words_and_find_their_own_apps() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let scope = "openid fhirUser user/Appointment.rs";
    let form = browser.start(&staff::asked(scope, None)).await;
    let consent = staff::log_in(&clinic, &mut browser, (&form, "nhaddad")).await;
    let html = consent.text();
    for part in [
        "Every patient you may see",
        "of every patient you may see",
        "Nadia Haddad",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let page = browser.get("/account/apps").await;
    let html = page.text();
    assert!(html.contains("allowed to work in this practice"), "{html}");
    let action = html.split("action=\"/account/apps/").nth(1);
    let grant = action.and_then(|rest| rest.split('"').next());
    let grant = grant.expect("an app").to_owned();
    let csrf = csrf(&page);
    let done = change(&mut browser, (&grant, &csrf), &[("decision", "end")]).await;
    let page = browser.follow(done).await.text();
    assert!(page.contains("No app is connected"), "{page}");
    let told = "SELECT CONCAT(action, ' ', reason) AS text FROM anteroom_audit WHERE action = 'grant.revoke'";
    assert_eq!(clinic.look(told).await, "grant.revoke by-staff");
    clinic.close().await;
}
