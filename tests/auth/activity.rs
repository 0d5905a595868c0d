//! Who looked at my record, and who may ask that of whom: the patient's page, the desk's, and the rights behind the desk.

use std::time::Duration as Pause;

use anteroom::domain::ResourceType;
use anteroom::domain::access::Right;
use anteroom::store::ledger;
use anteroom::store::ledger::Entry;
use anteroom::store::ledger::Outcome;
use anteroom::store::rights;
use anteroom::store::seals;
use anteroom::store::seals::verify;
use axum::http::StatusCode;
use futures_util::future::join_all;
use uuid::Uuid;

use super::staff::VIEWER;
use super::staff::at_the_desk;
use super::staff::change;
use super::staff::csrf;
use super::staff::log_in;
use super::staff::standalone;
use super::staff::token;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::Browser;
use crate::fhir::reach;

/// Every route there is, as it is written down.
const ROUTES: &str = include_str!("../../src/http/mod.rs");

const OWN: &str = "/account/activity";

/// Waits until a count, which the ledger of reads writes a moment later, is reached.
async fn reached(clinic: &Clinic, sql: &'static str, least: u32) {
    for _ in 0..500 {
        let count = clinic.look(sql).await.parse::<u32>().expect("a count");
        if count >= least {
            return;
        }
        tokio::time::sleep(Pause::from_millis(20)).await;
    }
    panic!("{sql} stays below {least}");
}

/// A patient before the own list.
async fn at_the_list<'c>(
    clinic: &'c Clinic,
    patient: &anteroom::demo::manifest::PatientLogin,
) -> (Browser<'c>, String) {
    let mut browser = clinic.browser();
    let first = browser.get(OWN).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    let form = browser.follow(first).await;
    let page = browser.log_in(&form, patient).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let html = page.text();
    assert!(html.contains("Who looked at your record"), "{html}");
    (browser, html)
}

async fn a_look_is_told(clinic: &Clinic) {
    let bob = clinic.patient("active");
    let alice = clinic.patients("active").nth(1).expect("another");
    // Somebody tries Bob's password in vain.
    let mut stranger = clinic.browser();
    let first = stranger.get(OWN).await;
    let form = stranger.follow(first).await;
    let fields = [("username", bob.username.as_str()), ("password", "wrong")];
    let refused = stranger.submit(&form, &fields).await;
    assert!(refused.text().contains("role=\"alert\""));
    // Dr. Lee opens Bob's chart.
    let (mut lee, desk) = at_the_desk(clinic, "dlee").await;
    let fields = [
        ("csrf", csrf(&desk)),
        ("client_id", VIEWER.to_owned()),
        ("patient", bob.id.clone()),
    ];
    let opened = lee.post("/staff/launch", &fields).await;
    assert_eq!(opened.status, StatusCode::OK, "{}", opened.text());

    let (mut browser, html) = at_the_list(clinic, bob).await;
    for part in [
        "Donna Lee",
        "Family Medicine",
        "Opened the chart",
        "Tried to log in",
        ">You<",
        "Refused",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("wrong-password"), "{html}");
    let spanish = browser.get("/account/activity?lang=es").await.text();
    assert!(spanish.contains("Abrió el expediente"), "{spanish}");
    let only = browser.get("/account/activity?kind=login&lang=en").await;
    let only = only.text();
    assert!(only.contains("Logged in") && !only.contains("Opened the chart"));
    let none = browser.get("/account/activity?until=2020-01-01").await;
    assert!(none.text().contains("Nothing was found."));
    for path in [OWN, "/account/activity.csv"] {
        let odd = browser.get(&format!("{path}?from=soon")).await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(odd.text().contains("Write a day as 2026-11-21."), "{path}");
    }
    let file = browser.get("/account/activity.csv?kind=looked").await;
    assert_eq!(
        file.header("content-type"),
        "text/csv; charset=utf-8; header=present"
    );
    assert_eq!(file.header("cache-control"), "no-store");
    let text = file.text();
    assert!(text.starts_with("\u{feff}When,Who,"), "{text}");
    assert!(text.contains("Donna Lee,Family Medicine"), "{text}");
    assert!(!text.contains("Logged in"), "{text}");

    // Alice's list has nothing of it.
    let (_, html) = at_the_list(clinic, alice).await;
    assert!(html.contains("Logged in") && !html.contains("Donna Lee"));
    assert!(!html.contains("Opened the chart"));
}

#[tokio::test]
async fn who_looked_at_my_record_is_told_to_me_and_nobody_else() {
    let clinic = Clinic::open().await;
    a_look_is_told(&clinic).await;
    clinic.close().await;
    for layout in ["6.1", "8.2"] {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            a_look_is_told(&clinic).await;
            clinic.close().await;
        }
    }
}

#[tokio::test]
async fn a_long_list_is_paged_without_a_line_twice_or_missing() {
    let clinic = Clinic::open().await;
    let bob = clinic.patient("active");
    let id: Uuid = bob.id.parse().expect("an id");
    let entries: Vec<Entry> = (0..130)
        .map(|number| {
            let mut entry = Entry::new("Appointment.read", Outcome::Success, clinic.app.emr.now());
            entry.actor = "system".to_owned();
            entry.patient = Some(id);
            entry.request_id = format!("number-{number}");
            entry
        })
        .collect();
    let db = &clinic.app.emr.db;
    ledger::record_all(db, &entries).await.expect("written");
    let (mut browser, mut html) = at_the_list(&clinic, bob).await;
    let mut rows = 0;
    for page in 0..4 {
        rows += html.matches("Looked at: appointments").count();
        let older = html.split("href=\"/account/activity?").skip(1);
        let older = older.filter_map(|rest| rest.split('"').next());
        let older = older.map(|query| query.replace("&#38;", "&"));
        let older = older.into_iter().find(|query| query.contains("before="));
        let Some(query) = older else {
            assert!(page > 1, "{html}");
            break;
        };
        html = browser.get(&format!("{OWN}?{query}")).await.text();
    }
    assert_eq!(rows, 130);
    // The desk's, by period, in the order of time.
    let (mut manager, _) = at_the_desk(&clinic, "nhaddad").await;
    let file = manager
        .get("/staff/audit.csv?action=Appointment.read")
        .await;
    assert_eq!(file.text().lines().count(), 131);
    let odd = manager.get("/staff/audit.csv?until=soon").await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(odd.text().contains("Write a day as 2026-11-21."));
    clinic.close().await;
}

#[tokio::test]
async fn the_desk_filters_the_ledger_and_looking_at_it_is_in_it() {
    let clinic = Clinic::open().await;
    let bob = clinic.patient("active");
    clinic.token(bob, EVERYTHING).await;
    // A colleague's app that has Bob's chart open asks for somebody else's.
    let access = reach::token(&clinic, Some("dlee"), Some(&bob.id), "launch patient/*.rs").await;
    let other = clinic.patients("active").nth(1).expect("another");
    let path = format!("/fhir/Patient/{}", other.id);
    let hidden = clinic.get(&path, &access).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    let tried = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'Patient.read' AND outcome = 'refused'";
    reached(&clinic, tried, 1).await;
    let (mut manager, desk) = at_the_desk(&clinic, "nhaddad").await;
    assert!(desk.text().contains("/staff/audit"));
    let family = bob.name.split_whitespace().last().expect("a name");
    let page = manager
        .get(&format!("/staff/audit?patient={}", bob.id))
        .await;
    let html = page.text();
    for part in ["Patient.read", "http 404", "token.issue", family] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let page = manager.get("/staff/audit?person=nhaddad&kind=login").await;
    let html = page.text();
    assert!(html.contains("Nadia Haddad") && !html.contains("token.issue"));
    let nobody = manager.get("/staff/audit?person=nobody").await.text();
    assert!(nobody.contains("OpenEMR has no user of that name."));
    let noted = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'audit.search' AND actor LIKE 'Practitioner/%'";
    reached(&clinic, noted, 3).await;
    clinic.close().await;
}

/// The staff routes with the methods each has, taken from where they are written down.
fn staff_routes() -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for route in ROUTES.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap_or_default();
        if !path.starts_with("/staff") {
            continue;
        }
        let handlers = route.split_once(',').map_or("", |(_, rest)| rest);
        let id = "00000000-0000-4000-8000-000000000000";
        let filled: Vec<String> = path
            .split('/')
            .map(|part| match part.starts_with('{') {
                true => id.to_owned(),
                false => part.to_owned(),
            })
            .collect();
        for method in ["get", "post"] {
            if handlers.contains(&format!("{method}(")) {
                found.push((method, filled.join("/")));
            }
        }
    }
    found
}

#[tokio::test]
async fn f164_every_route_of_staff_is_closed_to_staff_without_the_right_and_says_so_in_the_ledger()
{
    let clinic = Clinic::open().await;
    let (mut nobody, desk) = at_the_desk(&clinic, "jpark").await;
    change(&clinic, "DELETE FROM gacl_aro_groups_map").await;
    let routes = staff_routes();
    assert!(routes.len() >= 8, "{routes:?}");
    let refused = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE outcome = 'refused' \
                   AND action = 'staff.desk' AND reason LIKE 'needs %' AND actor LIKE 'Practitioner/%'";
    let mut expected = 0;
    for (method, path) in routes {
        // The desk itself opens for everybody who works here, with nothing on it, and so nothing is told of it as it
        // changes; and everybody may leave it.
        if ["/staff", "/staff/events", "/staff/logout"].contains(&path.as_str()) {
            continue;
        }
        let answer = match method {
            "get" => nobody.get(&path).await,
            _ => nobody.post(&path, &[("csrf", csrf(&desk))]).await,
        };
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
        expected += 1;
        assert_eq!(clinic.look(refused).await, expected.to_string(), "{path}");
    }
    let desk = nobody.get("/staff").await.text();
    assert!(!desk.contains("/staff/audit") && !desk.contains("/staff/apps"));
    clinic.close().await;
}

#[tokio::test]
async fn f161_f164_a_right_taken_away_closes_the_same_session_and_token_at_the_next_request() {
    let clinic = Clinic::open().await;
    let (mut manager, _) = at_the_desk(&clinic, "tbanks").await;
    let answer = standalone(&clinic, ("tbanks", "openid user/*.rs"), None).await;
    for path in ["/staff/audit", "/staff/audit.csv", "/staff/apps"] {
        assert_eq!(manager.get(path).await.status, StatusCode::OK, "{path}");
    }
    let events = clinic
        .get("/fhir/AuditEvent?_count=1", token(&answer))
        .await;
    assert_eq!(events.status, StatusCode::OK, "{}", events.text());
    let portal =
        "DELETE FROM gacl_aco_map WHERE section_value = 'patientportal' AND value = 'portal'";
    change(&clinic, portal).await;
    for path in ["/staff/audit", "/staff/audit.csv", "/staff/apps"] {
        assert_eq!(
            manager.get(path).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    let events = clinic
        .get("/fhir/AuditEvent?_count=1", token(&answer))
        .await;
    assert_eq!(events.status, StatusCode::FORBIDDEN, "{}", events.text());
    // What other rights open stays open, until they are gone as well.
    let charts = clinic.get("/fhir/Patient?_count=1", token(&answer)).await;
    assert_eq!(charts.status, StatusCode::OK);
    change(
        &clinic,
        "DELETE FROM gacl_aro_groups_map; DELETE FROM gacl_aro_map",
    )
    .await;
    let mut closed = 0;
    for kind in ResourceType::ALL {
        if Right::needed(kind).is_none() || kind == ResourceType::Binary {
            continue;
        }
        let path = format!("/fhir/{}?_count=1", kind.name());
        let answer = clinic.get(&path, token(&answer)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        closed += 1;
    }
    let noted = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE outcome = 'refused' \
                 AND action LIKE '%.search' AND reason = 'http 403' AND actor LIKE 'Practitioner/%'";
    reached(&clinic, noted, closed + 1).await;
    clinic.close().await;
}

async fn by_default(clinic: &Clinic) {
    let db = &clinic.app.emr.db;
    for (name, expected) in [
        ("nhaddad", true),
        ("dlee", false),
        ("amensah", false),
        // A rule for this one user, beside the groups.
        ("tbanks", true),
        ("jpark", false),
    ] {
        let rights = rights::of(db, name).await.expect("rights");
        assert_eq!(rights.contains(&Right::Portal), expected, "{name}");
    }
    // Another group is given it, as OpenEMR's ACL page does.
    change(
        clinic,
        "INSERT INTO gacl_acl (id, section_value, allow, enabled, updated_date) VALUES (901, 'system', 1, 1, 1); \
         INSERT INTO gacl_aco_map (acl_id, section_value, value) VALUES (901, 'patientportal', 'portal'); \
         INSERT INTO gacl_aro_groups_map (acl_id, group_id) SELECT 901, id FROM gacl_aro_groups WHERE value = 'back';",
    )
    .await;
    let (mut front, desk) = at_the_desk(clinic, "jpark").await;
    assert!(desk.text().contains("/staff/audit"));
    let page = front.get("/staff/audit").await;
    assert_eq!(page.status, StatusCode::OK);
    let rights = rights::of(db, "dlee").await.expect("rights");
    assert!(!rights.contains(&Right::Portal));
}

#[tokio::test]
async fn f162_f163_administrators_have_the_portals_right_and_a_group_that_is_given_it() {
    let clinic = Clinic::open().await;
    by_default(&clinic).await;
    clinic.close().await;
    if let Some(clinic) = Clinic::on_mariadb("7.0.4").await {
        by_default(&clinic).await;
        clinic.close().await;
    }
}

#[tokio::test]
async fn f021_a_patient_and_a_colleague_in_one_browser_each_see_their_own() {
    let clinic = Clinic::open().await;
    let bob = clinic.patient("active");
    let (mut browser, _) = at_the_list(&clinic, bob).await;
    // The patient's session opens nothing of the desk.
    let first = browser.get("/staff/audit").await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    let form = browser.follow(first).await;
    let page = log_in(&clinic, &mut browser, (&form, "nhaddad")).await;
    assert!(page.text().contains("Who did what"), "{}", page.text());
    let own = browser.get(OWN).await;
    assert_eq!(own.status, StatusCode::OK);
    assert!(own.text().contains(">You<"), "{}", own.text());
    let desk = browser.get("/staff").await;
    let fields = [("csrf", csrf(&desk))];
    let left = browser.post("/staff/logout", &fields).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
    assert_eq!(
        browser.get("/staff/audit").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(browser.get(OWN).await.status, StatusCode::OK);
    clinic.close().await;
}

#[tokio::test]
async fn f024_only_staff_open_the_portal_to_a_patient_and_closing_it_ends_token_and_session() {
    let clinic = Clinic::open().await;
    let shut = clinic.patient("not authorised");
    let mut browser = clinic.browser();
    let first = browser.get(OWN).await;
    let form = browser.follow(first).await;
    let refused = browser.log_in(&form, shut).await;
    assert!(
        refused.text().contains("role=\"alert\""),
        "{}",
        refused.text()
    );
    // A patient's token cannot switch anything: not the own portal, not another's.
    let bob = clinic.patient("active");
    let access = clinic.token(bob, EVERYTHING).await;
    let (mut own, _) = at_the_list(&clinic, bob).await;
    for id in [&bob.id, &shut.id] {
        let path = format!("/fhir/Patient/{id}/$portal-enable");
        let body = r#"{"resourceType":"Parameters"}"#;
        let to = (path.as_str(), access.as_str());
        let answer = clinic
            .with_body("POST", to, "application/fhir+json", body)
            .await;
        assert!(
            [403, 404].contains(&answer.status.as_u16()),
            "{} {}",
            answer.status,
            answer.text()
        );
    }
    change(
        &clinic,
        "UPDATE patient_data SET allow_patient_portal = 'NO'",
    )
    .await;
    let read = clinic
        .get(&format!("/fhir/Patient/{}", bob.id), &access)
        .await;
    assert_eq!(read.status, StatusCode::UNAUTHORIZED);
    assert_eq!(own.get(OWN).await.status, StatusCode::SEE_OTHER);
    clinic.close().await;
}

async fn sealed_under_load(clinic: &Clinic) {
    let (db, key) = (&clinic.app.emr.db, &clinic.app.keys.seal);
    let bob = clinic.patient("active");
    let access = clinic.token(bob, EVERYTHING).await;
    let settled = seals::newest(db).await.expect("the newest");
    let now = clinic.app.emr.now();
    let path = format!("/fhir/Patient/{}", bob.id);
    let reads = join_all((0..100).map(|_| clinic.get(&path, &access)));
    let writes = join_all((0..40).map(|_| async {
        let entry = Entry::new("login", Outcome::Refused, now);
        ledger::record_all(db, &[entry]).await.expect("written");
    }));
    // While all of that is written, what had settled before is sealed and verified.
    let sealing = async {
        let sealed = seals::seal(db, key, (settled, now)).await.expect("sealed");
        assert!(sealed.lines > 0);
        let report = verify::verify(db, key, None, &|_| {}).await;
        assert_eq!(report.expect("verified").wrong, []);
    };
    let (answers, _, ()) = tokio::join!(reads, writes, sealing);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    let all =
        "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'Patient.read'";
    reached(clinic, all, 100).await;
    let newest = seals::newest(db).await.expect("the newest");
    seals::seal(db, key, (newest, now)).await.expect("sealed");
    let report = verify::verify(db, key, None, &|_| {})
        .await
        .expect("verified");
    assert_eq!(report.wrong, []);
    // One line for each read, none missing, none twice (I6).
    assert_eq!(clinic.look(all).await, "100");
}

#[tokio::test]
async fn i6_a_ledger_that_is_written_while_it_is_sealed_holds_and_has_a_line_for_each_read() {
    let clinic = Clinic::open().await;
    sealed_under_load(&clinic).await;
    clinic.close().await;
    if let Some(clinic) = Clinic::on_mariadb("7.0.4").await {
        sealed_under_load(&clinic).await;
        clinic.close().await;
    }
}
