//! The desk as the hub of staff work (F160), a patient's apps at it, and the patient's own home.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use time::Duration;

use super::documents;
use super::mailbox::own_page;
use super::staff::VIEWER;
use super::staff::at_the_desk;
use super::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::Browser;
use crate::forms::put;

const EVENTS: &str = "/staff/events";

/// Somebody asks for a visit in OpenEMR's own portal.
const ASKED: &str = "INSERT INTO openemr_postcalendar_events (pc_catid, pc_aid, pc_pid, pc_title, pc_time, pc_hometext, \
    pc_topic, pc_informant, pc_eventDate, pc_endDate, pc_duration, pc_recurrtype, pc_recurrspec, pc_recurrfreq, pc_startTime, \
    pc_endTime, pc_alldayevent, pc_eventstatus, pc_apptstatus, pc_sharing, pc_facility, pc_billing_location, pc_multiple) \
    SELECT pc_catid, pc_aid, pc_pid, pc_title, pc_time, 'asked once more', pc_topic, pc_informant, pc_eventDate, pc_endDate, \
    pc_duration, 0, pc_recurrspec, 0, pc_startTime, pc_endTime, 0, 1, '^', 1, pc_facility, 0, 0 \
    FROM openemr_postcalendar_events WHERE pc_apptstatus = '^' ORDER BY pc_eid DESC LIMIT 1";

/// The counts of the page: each queue's name and number.
fn shown(html: &str) -> Vec<(String, i64)> {
    let lines = html.split("data-queue=\"").skip(1);
    let line = |rest: &str| {
        let key = rest.split('"').next()?.to_owned();
        let count = rest.split("data-count>").nth(1)?.split('<').next()?;
        Some((key, count.parse().ok()?))
    };
    lines.filter_map(line).collect()
}

/// What the events say first. The server is told to stop, so that they end there.
async fn told(clinic: &Clinic, browser: &mut Browser<'_>) -> Vec<(String, i64)> {
    clinic.app.stopping.send_replace(true);
    let answer = browser.get(EVENTS).await;
    clinic.app.stopping.send_replace(false);
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = answer.text();
    assert!(text.starts_with("event: counts\n"), "{text}");
    let data = text.split("data: ").nth(1).expect("data");
    let json: Value = serde_json::from_str(data.trim()).expect("JSON");
    let counts = json.as_object().expect("an object").iter();
    counts
        .map(|(key, count)| (key.clone(), count.as_i64().expect("a number")))
        .collect()
}

fn sorted(mut counts: Vec<(String, i64)>) -> Vec<(String, i64)> {
    counts.sort();
    counts
}

#[tokio::test]
async fn f160_the_desk_counts_what_waits_and_the_events_say_the_same() {
    counts(Clinic::open().await).await;
    if let Some(mariadb) = Clinic::on_mariadb("8.2").await {
        counts(mariadb).await;
    }
}

async fn counts(clinic: Clinic) {
    let (mut haddad, desk) = at_the_desk(&clinic, "nhaddad").await;
    let before = shown(&desk.text());
    assert!(before.len() >= 5, "{}", desk.text());
    assert_eq!(
        sorted(told(&clinic, &mut haddad).await),
        sorted(before.clone())
    );
    super::staff::change(&clinic, ASKED).await;
    let page = haddad.get("/staff").await.text();
    let visits = |counts: &[(String, i64)]| {
        let found = counts.iter().find(|(key, _)| key == "visits");
        found.expect("visits").1
    };
    assert_eq!(visits(&shown(&page)), visits(&before) + 1);
    assert_eq!(
        visits(&told(&clinic, &mut haddad).await),
        visits(&before) + 1
    );
    clinic.close().await;
}

#[tokio::test]
async fn f161_a_queue_is_counted_for_those_who_may_finish_it() {
    let clinic = Clinic::open().await;
    let (mut lee, desk) = at_the_desk(&clinic, "dlee").await;
    let seen = shown(&desk.text());
    let told = told(&clinic, &mut lee).await;
    assert_eq!(sorted(told), sorted(seen.clone()));
    assert!(
        !seen.iter().any(|(key, _)| key == "registrations"),
        "{seen:?}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_117_a_desk_that_only_stands_open_keeps_nobody_logged_in() {
    let clinic = Clinic::open().await;
    let (mut haddad, _) = at_the_desk(&clinic, "nhaddad").await;
    clinic.wait(Duration::minutes(10));
    let page = haddad.get("/staff?by=itself").await;
    assert_eq!(page.status, StatusCode::OK);
    told(&clinic, &mut haddad).await;
    clinic.wait(Duration::minutes(6));
    let over = haddad.get(EVENTS).await;
    assert_eq!(
        over.status,
        StatusCode::NO_CONTENT,
        "16 minutes without a touch"
    );
    for path in ["/staff?by=itself", "/staff"] {
        let away = haddad.get(path).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER);
        assert!(away.header("location").starts_with("/login/staff?"));
    }
    // A page of ours that asks by itself is one of ours; another site's is not.
    let (mut tbanks, _) = at_the_desk(&clinic, "tbanks").await;
    clinic.app.stopping.send_replace(true);
    for (site, status) in [
        ("same-origin", StatusCode::OK),
        ("cross-site", StatusCode::NO_CONTENT),
    ] {
        let asked = Request::get(EVENTS)
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", "cors");
        let answer = tbanks.send(asked, Body::empty()).await;
        assert_eq!(answer.status, status, "{site}");
    }
    clinic.app.stopping.send_replace(false);
    // A patient is nobody here.
    let mut patient = clinic.browser();
    let maria = clinic.patient("active");
    own_page(&mut patient, (&maria.username, &maria.password), "/account").await;
    assert_eq!(patient.get(EVENTS).await.status, StatusCode::NO_CONTENT);
    clinic.close().await;
}

async fn end(browser: &mut Browser<'_>, page: &Answer, (path, grant): (&str, &str)) -> Answer {
    let fields = [
        ("csrf", csrf(page)),
        ("grant", grant.to_owned()),
        ("decision", "end".to_owned()),
    ];
    browser.post(path, &fields).await
}

#[tokio::test]
async fn f160_staff_see_a_patients_apps_and_end_one() {
    let clinic = Clinic::open().await;
    let bob = clinic.patient("active");
    let alice = clinic.patients("active").nth(1).expect("another");
    let token = clinic.token(bob, EVERYTHING).await;
    let (mut haddad, _) = at_the_desk(&clinic, "nhaddad").await;
    let path = format!("/staff/patients/{}/apps", bob.id);
    let page = haddad.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let html = page.text();
    let grant = html.split("name=\"grant\" value=\"").nth(1);
    let grant = grant
        .and_then(|rest| rest.split('"').next())
        .expect("an app");
    // Of another patient there is no such app.
    let other = format!("/staff/patients/{}/apps", alice.id);
    let none = end(&mut haddad, &page, (&other, grant)).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert_eq!(
        clinic.get("/fhir/Patient", &token).await.status,
        StatusCode::OK
    );
    let done = end(&mut haddad, &page, (&path, grant)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let after = haddad.follow(done).await.text();
    assert!(
        after.contains("The app's access has ended.")
            || after.contains("The app&#39;s access has ended."),
        "{after}"
    );
    assert!(after.contains("No app is connected"), "{after}");
    let dead = clinic.get("/fhir/Patient", &token).await;
    assert_eq!(dead.status, StatusCode::UNAUTHORIZED);
    let line = "SELECT CONCAT_WS('|', action, outcome, reason, actor) AS text FROM anteroom_audit \
        WHERE action = 'grant.revoke' AND patient IS NOT NULL ORDER BY id DESC";
    let line = clinic.look(line).await;
    assert!(
        line.starts_with("grant.revoke|success|by-staff|Practitioner/"),
        "{line}"
    );
    // Who may not work at the portal's desk sees none of it (F164).
    let (mut lee, desk) = at_the_desk(&clinic, "dlee").await;
    assert_eq!(lee.get(&path).await.status, StatusCode::FORBIDDEN);
    let refused = end(&mut lee, &desk, (&path, grant)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}

#[tokio::test]
async fn f150_f153_a_patients_home_counts_forms_to_sign_and_shows_the_newest_documents() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let login = (maria.username.as_str(), maria.password.as_str());
    let page = own_page(&mut browser, login, "/account").await;
    let before: usize = to_sign(&page.text());
    let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
    let title = "Notice of Privacy Practices";
    let done = put(&mut staff, maria, (title, "Advance Directive")).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let home = browser.get("/account").await.text();
    assert_eq!(to_sign(&home), before + 1, "{home}");
    let form = browser.get("/account/documents").await;
    let parts = [
        documents::part("csrf", &csrf(&form)),
        documents::file("newest.pdf", documents::PDF),
    ];
    let done = documents::sent(&mut browser, "/account/documents", &parts).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let home = browser.get("/account").await.text();
    let card = home.split("id=\"documents\"").nth(1);
    let card = card.and_then(|rest| rest.split("</section>").next());
    let card = card.unwrap_or_else(|| panic!("no documents: {home}"));
    assert!(card.contains(">newest.pdf</a>"), "{card}");
    assert!(card.contains("Nobody has looked yet"), "{card}");
    clinic.close().await;
}

/// How many forms a patient's home says are to be signed.
fn to_sign(home: &str) -> usize {
    let card = home.split("id=\"forms\"").nth(1);
    let card = card.and_then(|rest| rest.split("</section>").next());
    let card = card.unwrap_or_else(|| panic!("no forms: {home}"));
    if card.contains("No form waits for you.") {
        return 0;
    }
    let said = card.split("<span class=\"pill warn\">").nth(1);
    let number = said.and_then(|said| said.split(' ').next());
    let number = number.and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("no number: {card}"))
}

#[tokio::test]
async fn a_patients_home_shows_the_next_visits_and_who_else_looked() {
    let clinic = Clinic::open().await;
    let bob = clinic.patient("active");
    let mut browser = clinic.browser();
    let login = (bob.username.as_str(), bob.password.as_str());
    let home = own_page(&mut browser, login, "/account").await.text();
    assert!(home.contains("href=\"/account/visits/"), "{home}");
    assert!(
        home.contains("Nobody else has looked at your record here yet."),
        "{home}"
    );
    let (mut lee, desk) = at_the_desk(&clinic, "dlee").await;
    let fields = [
        ("csrf", csrf(&desk)),
        ("client_id", VIEWER.to_owned()),
        ("patient", bob.id.clone()),
    ];
    let opened = lee.post("/staff/launch", &fields).await;
    assert_eq!(opened.status, StatusCode::OK, "{}", opened.text());
    let home = browser.get("/account").await.text();
    assert!(home.contains("Donna Lee"), "{home}");
    assert!(!home.contains("<b>You</b>"), "{home}");
    clinic.close().await;
}
