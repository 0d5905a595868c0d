//! What the page of a request shows: the picture or the form it is about, to those who may open it, why something was not
//! done, and which request comes next (portal rules F148 to F150, F157, F164).

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::json;
use time::Duration;

use super::mailbox::run;
use super::reviews::FHIR;
use super::reviews::WRITES;
use super::reviews::after;
use super::reviews::press;
use super::staff::at_the_desk;
use super::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::fhir::chart::both;
use crate::forms::SIGNS;
use crate::forms::parameters;

/// A picture of one point.
const POINT: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const CLOSED: &str = "does not open this document";

/// A patient sends a picture; the place of its request at the desk.
async fn pictured(clinic: &Clinic, desk: &mut Browser<'_>) -> String {
    let maria = clinic.patient("active");
    let own = clinic.token(maria, WRITES).await;
    let paper = json!({"resourceType": "DocumentReference", "status": "current", "content": [{"attachment":
        {"contentType": "image/png", "data": POINT, "title": "card.png"}}]});
    let to = ("/fhir/DocumentReference", own.as_str());
    let made = clinic.with_body("POST", to, FHIR, paper.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    first(&desk.get("/staff/reviews?kind=document").await)
}

/// The first request of a list.
fn first(list: &Answer) -> String {
    let at = after(&list.text(), "class=\"button quiet small\" href=\"");
    at.split('?').next().unwrap_or_default().to_owned()
}

/// As a browser asks for a picture of a page.
async fn picture(browser: &mut Browser<'_>, (path, site): (&str, &str)) -> Answer {
    let asked = Request::get(path)
        .header("sec-fetch-site", site)
        .header("sec-fetch-mode", "no-cors")
        .header("sec-fetch-dest", "image");
    browser.send(asked, Body::empty()).await
}

#[tokio::test]
async fn f150_a_picture_is_shown_on_the_page_and_keeps_nobody_logged_in() {
    for clinic in both().await {
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let at = pictured(&clinic, &mut desk).await;
        let page = desk.get(&at).await.text();
        let content = format!("{at}/content");
        assert!(page.contains(&format!("src=\"{content}\"")), "{page}");
        let shown = picture(&mut desk, (&content, "same-origin")).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
        assert_eq!(shown.header("content-type"), "image/png");
        assert!(shown.bytes.starts_with(b"\x89PNG"));
        let foreign = picture(&mut desk, (&content, "cross-site")).await;
        assert_ne!(foreign.status, StatusCode::OK);
        let nobody = picture(&mut clinic.browser(), (&content, "same-origin")).await;
        assert_eq!(nobody.status, StatusCode::NOT_FOUND);
        // Who looked at whose document stands in the ledger, once it is written.
        let looked = "SELECT CAST(COUNT(DISTINCT action) AS CHAR) AS text FROM anteroom_audit \
            WHERE action IN ('Task.read', 'Binary.read') AND patient IS NOT NULL";
        for _ in 0..100 {
            if clinic.look(looked).await == "2" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(clinic.look(looked).await, "2");
        clinic.wait(Duration::minutes(10));
        let shown = picture(&mut desk, (&content, "same-origin")).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
        clinic.wait(Duration::minutes(6));
        let over = picture(&mut desk, (&content, "same-origin")).await;
        assert_eq!(over.status, StatusCode::NOT_FOUND, "16 minutes untouched");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f164_a_document_is_neither_shown_nor_decided_by_who_may_not_open_it() {
    for clinic in both().await {
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let at = pictured(&clinic, &mut desk).await;
        let (mut front, _) = at_the_desk(&clinic, "tbanks").await;
        let page = front.get(&at).await.text();
        assert!(page.contains(CLOSED), "{page}");
        assert!(!page.contains("name=\"decision\""), "{page}");
        assert!(!page.contains("/content"), "{page}");
        let away = front.get(&format!("{at}/content")).await;
        assert_eq!(away.status, StatusCode::FORBIDDEN);
        // With a page of somebody else's in hand nothing is decided either: it says more than theirs, which tells why.
        let page = desk.get(&at).await;
        let seen = after(&page.text(), "name=\"seen\" value=\"");
        let own = front.get("/staff/reviews").await;
        let profile = front.get(&first(&own)).await;
        let fields = [
            ("csrf", csrf(&profile)),
            ("seen", seen),
            ("decision", "accept".to_owned()),
        ];
        let refused = front.post(&at, &fields).await;
        assert_eq!(refused.status, StatusCode::SEE_OTHER);
        let back = front.get(refused.header("location")).await.text();
        assert!(back.contains(CLOSED), "{back}");
        assert!(!back.contains("name=\"decision\""), "{back}");
        let state = "SELECT state AS text FROM anteroom_upload ORDER BY document DESC";
        assert_eq!(clinic.look(state).await, "waiting");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f150_the_page_says_why_nothing_was_done_and_what_is_gone() {
    for clinic in both().await {
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let at = pictured(&clinic, &mut desk).await;
        let page = desk.get(&at).await;
        run(
            &clinic,
            "UPDATE categories_to_documents SET category_id = (SELECT MIN(id) FROM categories WHERE name = 'Lab Report') \
             WHERE document_id = (SELECT MAX(document) FROM anteroom_upload)",
        )
        .await;
        let reject = [("decision", "reject"), ("reason", "Not readable.")];
        let kept = press(&mut desk, &page, (&at, &reject)).await;
        assert_eq!(kept.status, StatusCode::CONFLICT, "{}", kept.text());
        let html = kept.text();
        assert!(html.contains("it stays as they filed it"), "{html}");
        assert!(html.contains("Not readable."), "what was typed is kept");
        run(
            &clinic,
            "UPDATE documents SET deleted = 1 WHERE id = (SELECT MAX(document) FROM anteroom_upload)",
        )
        .await;
        let page = desk.get(&at).await;
        let html = page.text();
        assert!(
            html.contains("in the patient&#39;s chart any more"),
            "{html}"
        );
        let done = press(&mut desk, &page, (&at, &reject)).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        clinic.close().await;
    }
}

/// The first patient signs the demo's form.
async fn sign(clinic: &Clinic) {
    let own = clinic.token(clinic.patient("active"), SIGNS).await;
    let task = clinic.get("/fhir/Task?code=review-form", &own).await.json();
    let focus = task["entry"][0]["resource"]["focus"]["reference"].as_str();
    let path = format!("/fhir/{}/$sign", focus.expect("a form"));
    let body = parameters("María Delgado").to_string();
    let done = clinic.with_body("POST", (&path, &own), FHIR, body).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
}

/// Forms that were deleted while their rows still wait.
const DELETED: &str = "INSERT INTO onsite_portal_activity (date, patient_id, activity, require_audit, pending_action, \
    action_taken, status, narrative, table_action, table_args, action_user, checksum) \
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) \
    SELECT '2020-01-01 10:00:00', (SELECT MIN(pid) FROM patient_data), 'document', 1, 'review', '', 'waiting', 'A form', '', \
    900000 + i, 0, '0' FROM n";

#[tokio::test]
async fn f160_the_next_request_is_looked_for_among_fifty_and_no_more() {
    for clinic in both().await {
        sign(&clinic).await;
        run(&clinic, DELETED).await;
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let mut places = Vec::new();
        for _ in 0..11 {
            let at = first(&desk.get("/staff/reviews?kind=form").await);
            let page = desk.get(&format!("{at}?kind=form")).await;
            let fields = [
                ("decision", "reject"),
                ("reason", "It was deleted."),
                ("kind", "form"),
            ];
            let done = press(&mut desk, &page, (&at, &fields)).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
            places.push(done.header("location").to_owned());
        }
        // The signed one is the fifty-first where ten are decided, and the fiftieth where eleven are.
        let list = "/staff/reviews?kind=form&done=reject";
        assert_eq!(places[9], list);
        assert!(places[10].starts_with("/staff/reviews/"), "{}", places[10]);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f157_a_signed_form_is_read_and_locked_on_the_page_and_the_next_one_opened() {
    for clinic in both().await {
        sign(&clinic).await;
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let at = first(&desk.get("/staff/reviews?kind=form").await);
        let page = desk.get(&format!("{at}?kind=form")).await;
        let html = page.text();
        for said in [
            "What the patient answered",
            "Illnesses and operations",
            "María Delgado",
        ] {
            assert!(html.contains(said), "{said}: {html}");
        }
        let pdf = desk.get(&format!("{at}/content")).await;
        assert!(pdf.bytes.starts_with(b"%PDF"), "{}", pdf.text());
        let silent = press(&mut desk, &page, (&at, &[("decision", "reject")])).await;
        assert!(silent.text().contains("Say why, for the patient to read."));
        let done = press(&mut desk, &page, (&at, &[("decision", "accept")])).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        // What still waits of other kinds comes next: a form does not hold it up.
        let place = done.header("location").to_owned();
        assert!(
            place.starts_with("/staff/reviews/") && !place.starts_with(&at),
            "{place}"
        );
        let state = "SELECT denial_reason AS text FROM onsite_documents WHERE id = 1";
        assert_eq!(clinic.look(state).await, "Locked");
        clinic.close().await;
    }
}
