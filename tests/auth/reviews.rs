//! Requests of patients on pages: decided at the desk, whole or in part, by whoever has the portal's desk and by nobody else;
//! read and taken back at home (portal rules F148, F149, F160 to F164).

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::mailbox::own_page;
use super::mailbox::run;
use super::staff::at_the_desk;
use super::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::Browser;
use crate::fhir::chart::both;
use crate::fhir::chart::put;
use crate::fhir::chart::read;

/// What a patient's app that sends documents asks for.
pub(super) const WRITES: &str = "openid fhirUser launch/patient patient/*.crus";

pub(super) const FHIR: &str = "application/fhir+json";

const CITY: &str =
    "SELECT city AS text FROM patient_data WHERE postal_code = '79907' OR city = 'Ysleta'";

/// The second patient asks for another city and postal code; the id of the Task.
async fn wish(clinic: &Clinic) -> String {
    let sean = clinic.patients("active").nth(1).expect("a second patient");
    let own = clinic.token(sean, EVERYTHING).await;
    let path = format!("/fhir/Patient/{}", sean.id);
    let mut chart = read(clinic, &own, &path).await;
    let all = chart["address"].as_array().expect("addresses");
    let home = all
        .iter()
        .position(|one| one["use"] == "home")
        .expect("a home");
    chart["address"][home]["city"] = json!("Ysleta");
    chart["address"][home]["postalCode"] = json!("79907");
    let waits = put(clinic, &own, &chart).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
    let id = waits
        .header("location")
        .split("/Task/")
        .nth(1)
        .expect("a Task");
    id.split('/').next().unwrap_or_default().to_owned()
}

/// The value of the first attribute behind a mark in a page.
pub(super) fn after(html: &str, mark: &str) -> String {
    let value = html
        .split(mark)
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    value
        .unwrap_or_else(|| panic!("no {mark} in {html}"))
        .to_owned()
}

/// Presses a button of a request's page.
pub(super) async fn press(
    browser: &mut Browser<'_>,
    page: &Answer,
    (path, fields): (&str, &[(&str, &str)]),
) -> Answer {
    let mut pairs: Vec<(&str, String)> = vec![
        ("csrf", csrf(page)),
        ("seen", after(&page.text(), "name=\"seen\" value=\"")),
    ];
    pairs.extend(
        fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    browser.post(path, &pairs).await
}

#[tokio::test]
async fn f148_f149_a_profile_is_decided_field_by_field_and_the_patient_reads_why() {
    for clinic in both().await {
        let id = wish(&clinic).await;
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let list = desk.get("/staff/reviews?kind=profile").await;
        assert_eq!(list.status, StatusCode::OK);
        let at = format!("/staff/reviews/{id}");
        assert!(
            list.text().contains(&format!("{at}?kind=profile")),
            "{}",
            list.text()
        );
        let page = desk.get(&format!("{at}?kind=profile")).await;
        let html = page.text();
        assert!(html.contains("Ysleta") && html.contains("79907"), "{html}");
        assert_eq!(html.matches("name=\"part\"").count(), 2, "{html}");
        assert_eq!(html.matches("checked").count(), 2, "{html}");

        let part = ("part", "Patient.address.postalCode");
        let accept = ("decision", "accept");
        let silent = press(&mut desk, &page, (&at, &[part, accept])).await;
        assert_eq!(silent.status, StatusCode::BAD_REQUEST, "{}", silent.text());
        assert!(silent.text().contains("Say why, for the patient to read."));
        let none = press(&mut desk, &page, (&at, &[accept, ("reason", "No")])).await;
        assert!(none.text().contains("refuse all of it"), "{}", none.text());
        let reason = ("reason", "Please bring a bill.");
        let done = press(&mut desk, &page, (&at, &[part, accept, reason])).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let next = desk.follow(done).await;
        assert!(
            next.text().contains("why the rest was not"),
            "{}",
            next.text()
        );
        let city = clinic.look(CITY).await;
        assert_ne!(city, "Ysleta", "the city stays");

        let late = press(&mut desk, &page, (&at, &[part, accept, reason])).await;
        let told = desk.follow(late).await;
        assert!(
            told.text().contains("Somebody was faster"),
            "{}",
            told.text()
        );
        assert!(told.text().contains("Please bring a bill."));

        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let mut home = clinic.browser();
        let login = (sean.username.as_str(), sean.password.as_str());
        let own = own_page(&mut home, login, "/account/requests").await.text();
        assert!(own.contains("Taken over in part"), "{own}");
        assert!(own.contains("Please bring a bill."), "{own}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_a_patient_takes_back_what_waits_and_nothing_else() {
    for clinic in both().await {
        let id = wish(&clinic).await;
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let mut home = clinic.browser();
        let login = (sean.username.as_str(), sean.password.as_str());
        let page = own_page(&mut home, login, "/account/requests").await;
        assert!(
            page.text().contains("Waits for the practice"),
            "{}",
            page.text()
        );
        let at = format!("/account/requests/{id}");
        let back = ("decision", "withdraw");
        let done = press(&mut home, &page, (&at, &[back])).await;
        let told = home.follow(done).await;
        assert!(
            told.text().contains("You took the request back."),
            "{}",
            told.text()
        );
        let again = press(&mut home, &page, (&at, &[back])).await;
        let told = home.follow(again).await;
        assert!(told.text().contains("nothing was done"), "{}", told.text());
        // Another patient's browser finds nothing there.
        let maria = clinic.patient("active");
        let mut other = clinic.browser();
        let login = (maria.username.as_str(), maria.password.as_str());
        let own = own_page(&mut other, login, "/account/requests").await;
        let away = press(&mut other, &own, (&at, &[back])).await;
        assert_eq!(away.status, StatusCode::NOT_FOUND, "{}", away.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_a_page_older_than_the_patients_newer_wish_decides_nothing() {
    for clinic in both().await {
        let id = wish(&clinic).await;
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let at = format!("/staff/reviews/{id}");
        let page = desk.get(&at).await;
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", sean.id);
        let mut chart = read(&clinic, &own, &path).await;
        let all = chart["address"].as_array().expect("addresses");
        let home = all
            .iter()
            .position(|one| one["use"] == "home")
            .expect("a home");
        chart["address"][home]["city"] = json!("Newer");
        let waits = put(&clinic, &own, &chart).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
        let parts = [
            ("part", "Patient.address.city"),
            ("part", "Patient.address.postalCode"),
            ("decision", "accept"),
        ];
        let late = press(&mut desk, &page, (&at, &parts)).await;
        let now = desk.follow(late).await;
        assert!(now.text().contains("Somebody was faster"), "{}", now.text());
        assert!(now.text().contains("Newer"), "{}", now.text());
        let done = press(&mut desk, &now, (&at, &parts)).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let city = "SELECT city AS text FROM patient_data WHERE postal_code = '79907'";
        assert_eq!(clinic.look(city).await, "Newer");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f150_a_document_is_looked_at_filed_and_the_next_one_opened() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, WRITES).await;
        let paper = |name: &str| {
            json!({"resourceType": "DocumentReference", "status": "current", "content": [{"attachment":
                {"contentType": "text/plain", "data": STANDARD.encode(name), "title": name}}]})
        };
        for name in ["first <b>one<i>.txt", "second.txt"] {
            let to = ("/fhir/DocumentReference", own.as_str());
            let made = clinic
                .with_body("POST", to, FHIR, paper(name).to_string())
                .await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        }
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let list = desk.get("/staff/reviews?kind=document").await.text();
        assert!(!list.contains("<b>one<i>"), "{list}");
        let at = after(&list, "class=\"button quiet small\" href=\"");
        let at = at.split('?').next().unwrap_or_default().to_owned();
        let page = desk.get(&format!("{at}?kind=document")).await;
        assert!(page.text().contains("Lab Report"), "{}", page.text());
        let bytes = desk.get(&format!("{at}/content")).await;
        assert_eq!(bytes.bytes, b"first <b>one<i>.txt");
        assert!(bytes.header("content-security-policy").contains("sandbox"));
        assert!(
            bytes
                .header("content-disposition")
                .starts_with("attachment")
        );
        let fields = [
            ("kind", "document"),
            ("category", "Lab Report"),
            ("decision", "accept"),
        ];
        let done = press(&mut desk, &page, (&at, &fields)).await;
        let next = desk.follow(done).await;
        assert!(next.text().contains("second.txt"), "{}", next.text());
        let at = after(&next.text(), "<form method=\"post\" action=\"");
        let fields = [
            ("kind", "document"),
            ("reason", "Not readable."),
            ("decision", "reject"),
        ];
        let done = press(&mut desk, &next, (&at, &fields)).await;
        let end = desk.follow(done).await;
        assert!(end.text().contains("Nothing waits here."), "{}", end.text());
        let rows = "SELECT GROUP_CONCAT(state) AS text FROM anteroom_upload";
        assert_eq!(clinic.look(rows).await, "accepted,rejected");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f160_the_desk_counts_what_it_lists() {
    for clinic in both().await {
        wish(&clinic).await;
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        for kind in ["", "profile", "coverage", "document", "form"] {
            let html = desk
                .get(&format!("/staff/reviews?kind={kind}"))
                .await
                .text();
            let listed = html.matches("<tr><th scope=\"row\">").count();
            let tab = html.split("aria-current=\"page\">").nth(1);
            let tab = tab.and_then(|tab| tab.split("<b>").nth(1)?.split("</b>").next());
            assert_eq!(tab, Some(listed.to_string().as_str()), "{kind} {html}");
            assert!(
                !matches!(kind, "" | "profile") || listed > 0,
                "{kind} {html}"
            );
        }
        clinic.close().await;
    }
}

/// Forms that were deleted while their rows still wait: more than the desk reads of the queue at a time.
const DELETED: &str = "INSERT INTO onsite_portal_activity (date, patient_id, activity, require_audit, pending_action, \
    action_taken, status, narrative, table_action, table_args, action_user, checksum) \
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) \
    SELECT '2020-01-01 10:00:00', (SELECT MIN(pid) FROM patient_data), 'document', 1, 'review', '', 'waiting', 'Thrown away', '', \
    900000 + 100 * a.i + b.i, 0, '0' FROM n a CROSS JOIN n b";

#[tokio::test]
async fn f160_a_kind_is_listed_behind_a_thousand_rows_of_another() {
    for clinic in both().await {
        let id = wish(&clinic).await;
        run(&clinic, DELETED).await;
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let html = desk.get("/staff/reviews?kind=profile").await.text();
        let listed = format!("href=\"/staff/reviews/{id}?kind=profile\"");
        assert!(html.contains(&listed), "{html}");
        assert!(!html.contains("Thrown away"), "{html}");
        let html = desk.get("/staff/reviews?kind=form").await.text();
        assert!(
            html.contains("Thrown away") && !html.contains(&id),
            "{html}"
        );
        clinic.close().await;
    }
}

#[tokio::test]
async fn f161_to_f164_whoever_lacks_the_right_is_refused_at_each_step_and_it_is_told() {
    for clinic in both().await {
        let id = wish(&clinic).await;
        let (mut clinician, desk) = at_the_desk(&clinic, "dlee").await;
        let at = format!("/staff/reviews/{id}");
        for path in ["/staff/reviews", &at, &format!("{at}/content")] {
            let away = clinician.get(path).await;
            assert_eq!(away.status, StatusCode::FORBIDDEN, "{path}");
        }
        let fields = [
            ("csrf", csrf(&desk)),
            ("seen", "0".to_owned()),
            ("decision", "reject".to_owned()),
            ("reason", "No".to_owned()),
        ];
        let away = clinician.post(&at, &fields).await;
        assert_eq!(away.status, StatusCode::FORBIDDEN);
        let refused = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE outcome = 'refused' \
            AND actor LIKE 'Practitioner/%'";
        let count: i64 = clinic.look(refused).await.parse().expect("a number");
        assert!(count >= 4, "{count}");
        // The right is asked for at each step: taken away in OpenEMR, it is gone for whoever is at the desk already.
        let (mut manager, _) = at_the_desk(&clinic, "nhaddad").await;
        assert_eq!(manager.get(&at).await.status, StatusCode::OK);
        run(
            &clinic,
            "DELETE FROM gacl_aco_map WHERE section_value IN ('patientportal', 'admin')",
        )
        .await;
        assert_eq!(manager.get(&at).await.status, StatusCode::FORBIDDEN);
        clinic.close().await;
    }
}
