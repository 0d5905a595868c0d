//! Staff and their apps: launched from the desk, or standalone with a patient of their choice; ended when OpenEMR says so.

use axum::http::StatusCode;
use serde_json::Value;
use time::Duration;

use crate::clinic::Answer;
use crate::clinic::CALLBACK;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::clinic::browser::VERIFIER;
use crate::clinic::browser::authorization;
use crate::clinic::browser::parameter;

/// The sandbox's app for clinicians.
pub(super) const VIEWER: &str = "demo-clinician";

/// What it asks for when it is launched.
const LAUNCHED: &str = "openid fhirUser launch patient/*.rs";

/// An authorization request of that app.
pub(super) fn asked(scope: &str, launch: Option<&str>) -> Vec<(&'static str, String)> {
    let mut pairs = authorization(scope);
    pairs.retain(|(name, _)| *name != "client_id");
    pairs.push(("client_id", VIEWER.to_owned()));
    pairs.extend(launch.map(|token| ("launch", token.to_owned())));
    pairs
}

/// The form token of a page.
pub(crate) fn csrf(page: &Answer) -> String {
    let html = page.text();
    let rest = html.split("name=\"csrf\" value=\"").nth(1);
    let token = rest.and_then(|rest| rest.split('"').next());
    token
        .unwrap_or_else(|| panic!("no form: {html}"))
        .to_owned()
}

/// Logs a colleague of the sandbox in on the form; where that leads.
pub(super) async fn log_in(
    clinic: &Clinic,
    browser: &mut Browser<'_>,
    (form, name): (&Answer, &str),
) -> Answer {
    let staff = clinic.people.staff.iter();
    let person = staff.clone().find(|one| one.username == name);
    let person = person.unwrap_or_else(|| panic!("no colleague {name}"));
    let fields = [
        ("username", person.username.as_str()),
        ("password", person.password.as_str()),
    ];
    let answer = browser.submit(form, &fields).await;
    browser.follow(answer).await
}

/// A browser in which a colleague stands before the desk.
pub(crate) async fn at_the_desk<'c>(clinic: &'c Clinic, name: &str) -> (Browser<'c>, Answer) {
    let mut browser = clinic.browser();
    let first = browser.get("/staff").await;
    let form = browser.follow(first).await;
    assert!(form.text().contains("OpenEMR username"), "{}", form.text());
    let desk = log_in(clinic, &mut browser, (&form, name)).await;
    assert!(desk.text().contains("Staff desk"), "{}", desk.text());
    (browser, desk)
}

/// Starts the app from the desk; the launch token it is given.
async fn started(
    browser: &mut Browser<'_>,
    desk: &Answer,
    (patient, encounter): (&str, &str),
) -> String {
    let fields = [
        ("csrf", csrf(desk)),
        ("client_id", VIEWER.to_owned()),
        ("patient", patient.to_owned()),
        ("encounter", encounter.to_owned()),
    ];
    let done = browser.post("/launch", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let place = done.header("location");
    assert!(
        place.starts_with("http://127.0.0.1:8765/launch?iss="),
        "{place}"
    );
    assert_eq!(
        parameter(place, "iss").as_deref(),
        Some("http://127.0.0.1:8080/fhir")
    );
    parameter(place, "launch").expect("a launch")
}

async fn exchanged(browser: &Browser<'_>, done: &Answer) -> Value {
    let code = parameter(done.header("location"), "code");
    let code = code.unwrap_or_else(|| panic!("{} {}", done.status, done.text()));
    let answer = browser
        .token_request(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("client_id", VIEWER),
            ("code_verifier", VERIFIER),
        ])
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// Logs in, chooses a patient where the app asks, allows everything; the app's tokens.
pub(super) async fn standalone(
    clinic: &Clinic,
    (name, scope): (&str, &str),
    patient: Option<&str>,
) -> Value {
    let mut browser = clinic.browser();
    let form = browser.start(&asked(scope, None)).await;
    let mut page = match form.text().contains("OpenEMR username") {
        true => log_in(clinic, &mut browser, (&form, name)).await,
        false => {
            // Without user/ scopes the patients' form comes first; it leads to the other.
            let html = form.text();
            let link = html.split("<a href=\"/login/staff?").nth(1);
            let query = link
                .and_then(|rest| rest.split('"').next())
                .expect("a link");
            let query = query.replace("&#38;", "&");
            let form = browser.get(&format!("/login/staff?{query}")).await;
            log_in(clinic, &mut browser, (&form, name)).await
        }
    };
    if let Some(patient) = patient {
        assert!(page.text().contains("Choose a patient"), "{}", page.text());
        let chosen = browser.submit(&page, &[("patient", patient)]).await;
        page = browser.follow(chosen).await;
    }
    let done = browser.submit(&page, &[("decision", "approve")]).await;
    exchanged(&browser, &done).await
}

pub(super) fn token(answer: &Value) -> &str {
    answer["access_token"].as_str().expect("an access token")
}

/// The whole way from the desk to a read, and its end.
async fn from_the_desk_to_a_read(clinic: &Clinic) {
    let maria = clinic.patient("active");
    let (mut browser, desk) = at_the_desk(clinic, "dlee").await;
    assert!(desk.text().contains("Donna Lee"));
    let page = browser.get("/staff/launch").await;
    let search = [
        ("csrf", csrf(&page)),
        ("client_id", VIEWER.to_owned()),
        ("search", "delg".to_owned()),
    ];
    let found = browser.post("/staff/launch", &search).await;
    let button = format!("name=\"patient\" value=\"{}\"", maria.id);
    assert!(found.text().contains(&button), "{}", found.text());
    let chosen = [
        ("csrf", csrf(&found)),
        ("client_id", VIEWER.to_owned()),
        ("patient", maria.id.clone()),
    ];
    let ready = browser.post("/staff/launch", &chosen).await;
    let html = ready.text();
    assert!(html.contains("Start Sandbox chart viewer"), "{html}");
    let policy = ready.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:8765"),
        "{policy}"
    );
    let visit = html.split("name=\"encounter\" value=\"").nth(2);
    let visit = visit.and_then(|rest| rest.split('"').next());
    let visit = visit.expect("a visit of this patient");
    let launch = started(&mut browser, &ready, (&maria.id, visit)).await;

    let consent = browser.start(&asked(LAUNCHED, Some(&launch))).await;
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    let answer = exchanged(&browser, &done).await;
    assert_eq!(answer["patient"], maria.id.as_str());
    assert_eq!(answer["encounter"], visit);
    assert_eq!(answer["need_patient_banner"], true);
    let mine = clinic
        .get(&format!("/fhir/Patient/{}", maria.id), token(&answer))
        .await;
    assert_eq!(mine.status, StatusCode::OK, "{}", mine.text());
    let sean = clinic.patients("active").nth(1).expect("another");
    let other = clinic
        .get(&format!("/fhir/Patient/{}", sean.id), token(&answer))
        .await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    let lee = clinic
        .people
        .staff
        .iter()
        .find(|one| one.username == "dlee");
    let own = format!("/fhir/Practitioner/{}", lee.expect("a clinician").id);
    let own = clinic.get(&own, token(&answer)).await;
    assert_eq!(own.status, StatusCode::OK, "fhirUser opens one's own");

    change(
        clinic,
        "UPDATE users SET active = 0 WHERE username = 'dlee'",
    )
    .await;
    let after = clinic.get("/fhir/Patient", token(&answer)).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
    let desk = browser.get("/staff").await;
    assert_eq!(desk.status, StatusCode::SEE_OTHER, "the session ended too");
}

/// Changes something as OpenEMR does, and lets the half second pass in which a look-up is believed.
pub(super) async fn change(clinic: &Clinic, script: &str) {
    let db = clinic.app.emr.db.clone();
    db.script(script).await.expect("changed");
    clinic.wait(Duration::seconds(1));
}

#[tokio::test]
async fn an_app_is_launched_from_the_desk_and_ends_with_the_account() {
    let clinic = Clinic::open().await;
    from_the_desk_to_a_read(&clinic).await;
    clinic.close().await;
}

#[tokio::test]
async fn an_app_is_launched_from_the_desk_on_mariadb_too() {
    for layout in ["6.1", "7.0.4", "8.2"] {
        let Some(clinic) = Clinic::on_mariadb(layout).await else {
            return;
        };
        from_the_desk_to_a_read(&clinic).await;
        clinic.close().await;
    }
}

#[tokio::test]
async fn staff_choose_the_patient_of_a_standalone_app() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let scope = "openid launch/patient patient/Patient.rs patient/Appointment.rs";
    let answer = standalone(&clinic, ("dlee", scope), Some(&maria.id)).await;
    assert_eq!(answer["patient"], maria.id.as_str());
    let read = format!("/fhir/Patient/{}", maria.id);
    let read = clinic.get(&read, token(&answer)).await;
    assert_eq!(read.status, StatusCode::OK);
    let found = clinic.get("/fhir/Appointment", token(&answer)).await;
    assert_eq!(found.status, StatusCode::OK);
    let chosen = clinic.look(
        "SELECT CONCAT(actor, ' ', resource) AS text FROM anteroom_audit WHERE action = 'patient.choose'",
    );
    let chosen = chosen.await;
    assert!(chosen.starts_with("Practitioner/"), "{chosen}");
    assert!(
        chosen.ends_with(&format!("Patient/{}", maria.id)),
        "{chosen}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn user_scopes_open_what_the_access_control_gives_at_every_request() {
    let clinic = Clinic::open().await;
    let scope = "openid user/Patient.rs user/DocumentReference.rs";
    let answer = standalone(&clinic, ("dlee", scope), None).await;
    let patients = clinic.get("/fhir/Patient", token(&answer)).await;
    assert_eq!(patients.status, StatusCode::OK, "{}", patients.text());
    assert!(patients.json()["entry"].as_array().expect("all").len() > 1);
    // The access control takes charts away from physicians: nothing else about the token changes.
    change(
        &clinic,
        "DELETE FROM gacl_aco_map WHERE section_value = 'patients' AND value = 'demo'",
    )
    .await;
    let patients = clinic.get("/fhir/Patient", token(&answer)).await;
    assert_eq!(patients.status, StatusCode::FORBIDDEN);
    // A rule that denies takes away what groups give.
    change(
        &clinic,
        "INSERT INTO gacl_acl (id, section_value, allow, enabled, updated_date) VALUES (900, 'user', 0, 1, 1); \
         INSERT INTO gacl_aco_map (acl_id, section_value, value) VALUES (900, 'patients', 'docs'); \
         INSERT INTO gacl_aro_map (acl_id, section_value, value) VALUES (900, 'users', 'dlee');",
    )
    .await;
    let maria = clinic.patient("active");
    let papers = format!("/fhir/DocumentReference?patient={}", maria.id);
    let papers = clinic.get(&papers, token(&answer)).await;
    assert_eq!(papers.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}

#[tokio::test]
async fn a_new_password_ends_tokens_and_session() {
    let clinic = Clinic::open().await;
    let (mut browser, _) = at_the_desk(&clinic, "dlee").await;
    let answer = standalone(&clinic, ("dlee", "openid user/Patient.rs"), None).await;
    let before = clinic.get("/fhir/Patient", token(&answer)).await;
    assert_eq!(before.status, StatusCode::OK);
    change(
        &clinic,
        "UPDATE users_secure SET password = '$2y$10$K6Zy71KSFtMzdI5qk6sigeGtcR/baQgmL.frf.1OdPY9CKX04HXqC' \
         WHERE username = 'dlee'",
    )
    .await;
    let after = clinic.get("/fhir/Patient", token(&answer)).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/staff").await.status, StatusCode::SEE_OTHER);
    clinic.close().await;
}

#[tokio::test]
async fn case_32_a_launch_is_for_its_app_its_colleague_one_use_and_five_minutes() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let (mut browser, desk) = at_the_desk(&clinic, "dlee").await;
    let error = async |browser: &mut Browser<'_>, pairs: &[(&'static str, String)]| {
        let answer = browser.start(pairs).await;
        parameter(answer.header("location"), "error")
    };
    // Another app brings it. (The public app may not ask for launch, so it is given the scope first.)
    change(
        &clinic,
        "UPDATE anteroom_client SET scope = CONCAT(scope, ' launch') WHERE client_id = 'demo-public'",
    )
    .await;
    let launch = started(&mut browser, &desk, (&maria.id, "")).await;
    let mut foreign = authorization(LAUNCHED);
    foreign.push(("launch", launch.clone()));
    let wrong = error(&mut browser, &foreign).await;
    assert_eq!(wrong.as_deref(), Some("invalid_request"), "another app");
    // Its own app, twice.
    let own = asked(LAUNCHED, Some(&launch));
    assert_eq!(browser.start(&own).await.status, StatusCode::OK);
    let wrong = error(&mut browser, &own).await;
    assert_eq!(wrong.as_deref(), Some("invalid_request"), "a second use");
    // Too late.
    let late = started(&mut browser, &desk, (&maria.id, "")).await;
    clinic.wait(Duration::seconds(301));
    let wrong = error(&mut browser, &asked(LAUNCHED, Some(&late))).await;
    assert_eq!(
        wrong.as_deref(),
        Some("invalid_request"),
        "after five minutes"
    );
    // A colleague's launch in somebody else's browser: whoever logs in there is not the one it is for.
    let fresh = started(&mut browser, &desk, (&maria.id, "")).await;
    let mut other = clinic.browser();
    let form = other.start(&asked(LAUNCHED, Some(&fresh))).await;
    let page = log_in(&clinic, &mut other, (&form, "tbanks")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.text());
    // Another patient's visit.
    let visit = clinic
        .look("SELECT LOWER(HEX(uuid)) AS text FROM form_encounter WHERE pid <> 1 ORDER BY id LIMIT 1")
        .await;
    let fields = [
        ("csrf", csrf(&desk)),
        ("client_id", VIEWER.to_owned()),
        ("patient", maria.id.clone()),
        ("encounter", visit),
    ];
    let refused = browser.post("/launch", &fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains("encounter"), "{}", refused.text());
    clinic.close().await;
}
