//! The desk and its doors: who gets in, who may do what, and what a program may start with a token.

use anteroom::config::StaffIdp;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;

use super::staff::VIEWER;
use super::staff::asked;
use super::staff::at_the_desk;
use super::staff::change;
use super::staff::csrf;
use super::staff::log_in;
use super::staff::standalone;
use super::staff::token;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::authorization;

const PAGES: [&str; 4] = ["/staff", "/staff/launch", "/staff/apps", "/staff/mail"];

#[tokio::test]
async fn without_a_session_of_staff_every_page_leads_to_the_login() {
    let clinic = Clinic::open().await;
    for path in PAGES {
        let mut browser = clinic.browser();
        let first = browser.get(path).await;
        assert_eq!(first.status, StatusCode::SEE_OTHER, "{path}");
        assert!(first.header("location").starts_with("/login/staff?"));
        let form = browser.follow(first).await;
        let page = log_in(&clinic, &mut browser, (&form, "nhaddad")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text().contains("OpenEMR username"), "{path}");
    }
    for path in ["/staff/launch", "/staff/apps", "/staff/logout", "/launch"] {
        let mut stranger = clinic.browser();
        let posted = stranger
            .post(path, &[("client_id", VIEWER.to_owned())])
            .await;
        assert_eq!(posted.status, StatusCode::FORBIDDEN, "POST {path}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_83_a_patients_account_at_the_staff_entry_is_a_wrong_password() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut seen = Vec::new();
    for (name, password) in [
        (maria.username.as_str(), maria.password.as_str()),
        ("nhaddad", "wrong"),
        ("nobody", "wrong"),
    ] {
        let mut browser = clinic.browser();
        let first = browser.get("/staff").await;
        let form = browser.follow(first).await;
        let fields = [("username", name), ("password", password)];
        let answer = browser.submit(&form, &fields).await;
        assert_eq!(answer.status, StatusCode::OK);
        let html = answer.text();
        let alert = html.split("role=\"alert\"").nth(1);
        let alert = alert.and_then(|rest| rest.split("</div>").next());
        seen.push(alert.expect("an alert").to_owned());
        assert_eq!(answer.header("set-cookie"), "", "{name}");
    }
    assert!(seen.iter().all(|text| *text == seen[0]), "{seen:?}");
    // And a colleague's account is none of a patient's.
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let fields = [("username", "nhaddad"), ("password", "Front-Office-1")];
    let answer = browser.submit(&form, &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text().contains("role=\"alert\""));
    clinic.close().await;
}

#[tokio::test]
async fn f161_f162_f164_the_access_control_is_asked_at_every_request() {
    let clinic = Clinic::open().await;
    // Accounting may see charts and so start apps, but not decide about them.
    let (mut clerk, desk) = at_the_desk(&clinic, "jpark").await;
    assert!(!desk.text().contains("/staff/apps"));
    assert_eq!(clerk.get("/staff/launch").await.status, StatusCode::OK);
    assert_eq!(clerk.get("/staff/apps").await.status, StatusCode::FORBIDDEN);
    let decide = |desk: &Answer, what: &str| {
        [
            ("csrf", csrf(desk)),
            ("client_id", VIEWER.to_owned()),
            ("decision", what.to_owned()),
        ]
    };
    let posted = clerk.post("/staff/apps", &decide(&desk, "disable")).await;
    assert_eq!(posted.status, StatusCode::FORBIDDEN);
    let noted = clinic.look(
        "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'staff.desk' AND outcome = 'refused' \
         AND reason = 'needs patientportal|portal' AND actor LIKE 'Practitioner/%'",
    );
    assert_eq!(noted.await, "2");

    // The portal's administrator may; without the form's token nobody may.
    let (mut manager, desk) = at_the_desk(&clinic, "nhaddad").await;
    assert_eq!(manager.get("/staff/apps").await.status, StatusCode::OK);
    let mut without = decide(&desk, "disable");
    without[0].1.clear();
    let posted = manager.post("/staff/apps", &without).await;
    assert_eq!(posted.status, StatusCode::FORBIDDEN);
    let odd = manager.post("/staff/apps", &decide(&desk, "sell")).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);

    // Rights that are taken away are gone at the next request, and the desk says whom to ask.
    change(&clinic, "DELETE FROM gacl_aro_groups_map").await;
    let posted = manager.post("/staff/apps", &decide(&desk, "disable")).await;
    assert_eq!(posted.status, StatusCode::FORBIDDEN);
    for path in ["/staff/launch", "/staff/apps", "/staff/mail"] {
        assert_eq!(manager.get(path).await.status, StatusCode::FORBIDDEN);
    }
    let desk = manager.get("/staff").await;
    assert!(desk.text().contains("Ask somebody who administers OpenEMR"));
    let disabled =
        "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_client WHERE disabled IS NOT NULL";
    assert_eq!(clinic.look(disabled).await, "0");
    clinic.close().await;
}

#[tokio::test]
async fn waiting_apps_are_let_in_vouched_for_declined_and_switched_off() {
    let clinic = Clinic::open().await;
    change(
        &clinic,
        "UPDATE anteroom_client SET waits = 1, verified = 0 WHERE client_id IN \
         ('demo-clinician', 'demo-public', 'demo-confidential')",
    )
    .await;
    let (mut manager, desk) = at_the_desk(&clinic, "nhaddad").await;
    let apps = desk.text();
    let apps = apps.split("data-queue=\"apps\"").nth(1).expect("the apps");
    assert!(apps.contains("data-count>3<"), "{apps}");
    let page = manager.get("/staff/apps").await;
    assert!(page.text().contains("Sandbox chart viewer"));
    assert!(page.text().contains("user/*.rs"), "{}", page.text());
    for (app, what, sentence) in [
        (VIEWER, "vouch", "vouches for it"),
        ("demo-public", "approve", "let in"),
        ("demo-confidential", "decline", "declined"),
        (VIEWER, "disable", "switched off"),
        (VIEWER, "vouch", "Somebody else was faster"),
        ("nobody", "approve", "Somebody else was faster"),
    ] {
        let fields = [
            ("csrf", csrf(&page)),
            ("client_id", app.to_owned()),
            ("decision", what.to_owned()),
        ];
        let posted = manager.post("/staff/apps", &fields).await;
        assert_eq!(posted.status, StatusCode::SEE_OTHER, "{app} {what}");
        let done = manager.follow(posted).await;
        assert!(
            done.text().contains(sentence),
            "{app} {what}: {}",
            done.text()
        );
    }
    let state = |app: &str| match app {
        VIEWER => {
            "SELECT CONCAT(waits, verified, disabled IS NOT NULL) AS text FROM anteroom_client WHERE client_id = 'demo-clinician'"
        }
        "demo-public" => {
            "SELECT CONCAT(waits, verified, disabled IS NOT NULL) AS text FROM anteroom_client WHERE client_id = 'demo-public'"
        }
        _ => {
            "SELECT CONCAT(waits, disabled IS NOT NULL) AS text FROM anteroom_client WHERE client_id = 'demo-confidential'"
        }
    };
    assert_eq!(clinic.look(state(VIEWER)).await, "011");
    assert_eq!(clinic.look(state("demo-public")).await, "000");
    assert_eq!(clinic.look(state("demo-confidential")).await, "11");
    let by = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE client_id = 'demo-public' AND outcome = 'success' \
              AND actor LIKE 'Practitioner/%'";
    assert_eq!(clinic.look(by).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn f021_the_desk_is_left_and_a_patient_in_the_same_browser_stays() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let consent = browser.log_in(&form, clinic.patient("active")).await;
    assert!(consent.text().contains("value=\"approve\""));
    let first = browser.get("/staff").await;
    let form = browser.follow(first).await;
    let desk = log_in(&clinic, &mut browser, (&form, "tbanks")).await;
    assert!(desk.text().contains("Tobias Banks"), "{}", desk.text());
    let fields = [("csrf", csrf(&desk))];
    let left = browser.post("/staff/logout", &fields).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
    assert_eq!(left.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(browser.get("/staff").await.status, StatusCode::SEE_OTHER);
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    assert!(done.header("location").contains("code="), "{}", done.text());
    let noted = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'staff.logout' AND actor LIKE 'Practitioner/%'";
    assert_eq!(clinic.look(noted).await, "1");
    clinic.close().await;
}

async fn json(clinic: &Clinic, token: &str, body: String) -> Answer {
    let to = ("/launch", token);
    clinic.with_body("POST", to, "application/json", body).await
}

#[tokio::test]
async fn a_program_starts_an_app_with_a_token_of_staff_and_no_other() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let sean = clinic.patients("active").nth(1).expect("another");
    let body = |patient: &str| format!(r#"{{"client_id":"{VIEWER}","patient":"{patient}"}}"#);
    let staff = standalone(&clinic, ("dlee", "openid user/Patient.rs"), None).await;
    let made = json(&clinic, token(&staff), body(&maria.id)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let url = made.json()["launch_url"]
        .as_str()
        .expect("a URL")
        .to_owned();
    assert!(
        url.starts_with("http://127.0.0.1:8765/launch?iss="),
        "{url}"
    );
    assert!(url.contains("launch=lt_"), "{url}");

    for (wrong, names) in [
        (body("1"), "patient"),
        (body("").replace(VIEWER, "nobody"), "client_id"),
        ("{".to_owned(), "body"),
        (r#"{"client_id":1}"#.to_owned(), "body"),
        (
            body(&maria.id).replace('}', r#","encounter":"x"}"#),
            "encounter",
        ),
    ] {
        let refused = json(&clinic, token(&staff), wrong.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
        let said = refused.json();
        assert_eq!(said["error"], "invalid_request");
        let sentence = said["error_description"].as_str().expect("a sentence");
        assert!(sentence.starts_with(names), "{wrong}: {sentence}");
    }

    // A token for one patient starts nothing for another; one without charts starts nothing; a patient's neither.
    let scope = "openid launch/patient patient/Patient.rs";
    let one = standalone(&clinic, ("dlee", scope), Some(&maria.id)).await;
    let mine = json(&clinic, token(&one), body(&maria.id)).await;
    assert_eq!(mine.status, StatusCode::CREATED);
    let other = json(&clinic, token(&one), body(&sean.id)).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    let narrow = standalone(&clinic, ("dlee", "openid user/Appointment.rs"), None).await;
    let none = json(&clinic, token(&narrow), body(&maria.id)).await;
    assert_eq!(none.status, StatusCode::FORBIDDEN);
    let own = clinic.token(maria, EVERYTHING).await;
    let patient = json(&clinic, &own, body(&maria.id)).await;
    assert_eq!(patient.status, StatusCode::FORBIDDEN);
    let unknown = json(&clinic, "at_invented", body(&maria.id)).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    let form = clinic
        .with_body(
            "POST",
            ("/launch", token(&staff)),
            "application/x-www-form-urlencoded",
            format!(
                "client_id={VIEWER}&patient={}&need_patient_banner=false",
                maria.id
            ),
        )
        .await;
    assert_eq!(form.status, StatusCode::CREATED, "{}", form.text());
    let banner = "SELECT CAST(banner AS CHAR) AS text FROM anteroom_launch ORDER BY banner LIMIT 1";
    assert_eq!(clinic.look(banner).await, "0");
    change(
        &clinic,
        "UPDATE users SET active = 0 WHERE username = 'dlee'",
    )
    .await;
    let left = json(&clinic, token(&staff), body(&maria.id)).await;
    assert_eq!(left.status, StatusCode::UNAUTHORIZED);
    clinic.close().await;
}

#[tokio::test]
async fn with_an_identity_provider_the_form_takes_no_password() {
    let clinic = Clinic::with(|config| {
        config.staff_idp = Some(StaffIdp {
            issuer: "http://127.0.0.1:9/idp".to_owned(),
            client_id: "anteroom".to_owned(),
            client_secret: None,
            claim: "email".to_owned(),
            acr: None,
        });
    })
    .await;
    let mut browser = clinic.browser();
    let first = browser.get("/staff").await;
    let place = first.header("location").to_owned();
    let form = browser.follow(first).await;
    assert!(!form.text().contains("name=\"password\""));
    assert!(form.text().contains("href=\"/login/staff/start?request="));
    // Somebody who posts the form all the same: the token of another page of ours is this browser's too.
    let (_, request) = place.split_once("request=").expect("a request");
    let patients = browser.get(&format!("/login?request={request}")).await;
    let fields = [
        ("csrf", csrf(&patients)),
        ("username", "nhaddad".to_owned()),
        ("password", "Front-Office-1".to_owned()),
    ];
    let answer = browser.post(&place, &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text().contains("role=\"alert\""));
    assert_eq!(browser.get("/staff").await.status, StatusCode::SEE_OTHER);
    clinic.close().await;
}

#[tokio::test]
async fn whoever_may_not_see_charts_is_shown_no_list_of_patients() {
    let clinic = Clinic::open().await;
    change(
        &clinic,
        "DELETE FROM gacl_aco_map WHERE section_value = 'patients' AND value = 'demo'",
    )
    .await;
    let mut browser = clinic.browser();
    let scope = "openid launch/patient user/Appointment.rs patient/Appointment.rs";
    let form = browser.start(&asked(scope, None)).await;
    let page = log_in(&clinic, &mut browser, (&form, "dlee")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text());
    clinic.close().await;
    // With the right, what is searched for is in no address, and a made-up patient is refused.
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let form = browser.start(&asked(scope, None)).await;
    let page = log_in(&clinic, &mut browser, (&form, "dlee")).await;
    let found = browser.submit(&page, &[("search", "o'conn")]).await;
    assert_eq!(found.status, StatusCode::OK);
    assert!(found.text().contains("O&#39;Connor"), "{}", found.text());
    let nobody = browser.submit(&page, &[("search", "c")]).await;
    assert!(nobody.text().contains("Nobody was found"));
    let made_up = "00000000-0000-4000-8000-000000000000";
    let refused = browser.submit(&page, &[("patient", made_up)]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let request = Request::get("/login/choose-patient?request=x")
        .body(Body::empty())
        .expect("a request");
    let stranger = clinic.send(request).await;
    assert_eq!(stranger.status, StatusCode::BAD_REQUEST);
    clinic.close().await;
}
