//! What OpenEMR made, and what was signed, stays: nothing of a form is lost, and nobody signs or files another state of it
//! than the one that was looked at.

use anteroom::domain::people::Person;
use anteroom::emr::forms::chart;
use anteroom::emr::persons;
use anteroom::worker::telling;
use anteroom::worker::telling::Of;
use axum::http::StatusCode;
use futures_util::future::join_all;

use super::SIGNS;
use super::after;
use super::answers;
use super::at_home;
use super::everywhere;
use super::of_title;
use super::parameters;
use super::put;
use super::seen;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::csrf;
use crate::clinic::Clinic;

const FHIR: &str = "application/fhir+json";

const STATE: &str = "SELECT denial_reason AS text FROM onsite_documents WHERE id = 1";

/// A form as OpenEMR's own portal has it.
const OPENEMRS: &str = "UPDATE onsite_documents SET denial_reason = 'Open', full_document = \
    '<table style=\"color: red\"><tr><td>Asthma</td><td><input class=\"templateInput\" name=\"text_input1\" type=\"text\" \
    data-textvalue=\"\" onblur=\"templateText(this);\"></td></tr></table><!-- a note --><p>I agree \
    <input type=\"checkbox\" name=\"check1\" data-value=\"\" onclick=\"templateCheckMark(this);\"></p>\
    <img data-type=\"admin-signature\" src=\"data:image/png;base64,AA==\">' WHERE id = 1";

const UNREADABLE: &str = "UPDATE onsite_documents SET full_document = \
    CONCAT('<p>Side <select name=\"a\"><option>Left</option></select></p>', full_document) WHERE id = 1";

async fn script(clinic: &Clinic, sql: &str) {
    clinic.app.emr.db.script(sql).await.expect("it runs");
}

async fn maria(clinic: &Clinic) -> Person {
    let id = clinic.patient("active").id.parse().expect("an id");
    let found = persons::by_uuid(&clinic.app.emr, id).await;
    found.expect("it reads").expect("a chart")
}

#[tokio::test]
async fn f153_what_openemr_wrote_stays_as_it_is() {
    for clinic in everywhere().await {
        script(&clinic, OPENEMRS).await;
        let maria = clinic.patient("active");
        let (mut home, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Medical History");
        let page = home.get(&path).await;
        let sign = [
            ("csrf", csrf(&page)),
            ("seen", seen(&page)),
            ("a0", "since \"2019\"".to_owned()),
            ("a1", "on".to_owned()),
            ("name", "María Delgado".to_owned()),
            ("agreed", "true".to_owned()),
            ("decision", "sign".to_owned()),
        ];
        let signed = home.post(&path, &sign).await;
        assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text());
        let row = clinic
            .look("SELECT CAST(full_document AS CHAR) AS text FROM onsite_documents WHERE id = 1")
            .await;
        for kept in [
            "<table style=\"color: red\"><tr><td>Asthma</td>",
            "<!-- a note -->",
            "onblur=\"templateText(this);\"",
            "onclick=\"templateCheckMark(this);\"",
            "data-value=\"Yes\"",
            "src=\"data:image/png;base64,AA==\"",
        ] {
            assert!(row.contains(kept), "{kept} in {row}");
        }
        let html = home.get(&path).await.text();
        assert!(html.contains("since &#34;2019&#34;"), "{html}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f153_a_form_that_can_not_be_shown_whole_is_only_read() {
    for clinic in everywhere().await {
        script(&clinic, UNREADABLE).await;
        let before =
            "SELECT CAST(full_document AS CHAR) AS text FROM onsite_documents WHERE id = 1";
        let held = clinic.look(before).await;
        let maria = clinic.patient("active");
        let (mut home, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Medical History");
        let page = home.get(&path).await;
        assert!(
            !page.text().contains("name=\"seen\"") && page.text().contains("can not be shown here"),
            "{}",
            page.text()
        );
        let own = clinic.token(maria, SIGNS).await;
        let id = path.rsplit('/').next().expect("an id");
        let sign = format!("/fhir/DocumentReference/{id}/$sign");
        let body = parameters("María Delgado").to_string();
        let refused = clinic.with_body("POST", (&sign, &own), FHIR, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains("form.whole"), "{}", refused.text());
        // Nor is it handed over on a tablet.
        let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
        let desk = format!("/staff/patients/{}/forms", maria.id);
        let page = staff.get(&desk).await;
        let pairs = [
            ("csrf", csrf(&page)),
            ("decision", "tablet".to_owned()),
            ("id", id.to_owned()),
        ];
        let refused = staff.post(&desk, &pairs).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(clinic.look(before).await, held);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f153_a_form_openemr_opened_again_is_signed_anew_and_once() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let (mut home, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Medical History");
        let page = home.get(&path).await;
        let signed = home.post(&path, &answers(&page)).await;
        assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text());
        script(
            &clinic,
            "UPDATE onsite_documents SET denial_reason = 'Editing' WHERE id = 1",
        )
        .await;
        // What was signed is not signed any more.
        let page = home.get(&path).await;
        assert!(page.text().contains("<form") && !page.text().contains("class=\"signature\""));
        let signed = home.post(&path, &answers(&page)).await;
        assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text());
        let kept = clinic
            .look(
                "SELECT CONCAT_WS('|', COUNT(*), COUNT(voided)) AS text \
                 FROM anteroom_signature WHERE document = 1",
            )
            .await;
        assert_eq!(kept, "2|1");
        let own = clinic.token(maria, SIGNS).await;
        let id = path.rsplit('/').next().expect("an id");
        let found = clinic
            .get("/fhir/DocumentReference?status=current&_count=200", &own)
            .await
            .json();
        let entries = found["entry"].as_array().expect("documents");
        let same = entries
            .iter()
            .filter(|entry| entry["resource"]["id"] == id)
            .count();
        assert_eq!(same, 1, "{found}");
        let list = home.get("/account/forms").await.text();
        assert_eq!(list.matches(&format!("/account/forms/{id}\"")).count(), 1);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f153_a_page_signs_what_it_shows_and_nothing_else() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let (mut home, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Medical History");
        let page = home.get(&path).await;
        script(
            &clinic,
            "UPDATE onsite_documents SET full_document = CONCAT(full_document, '<p>And I pay.</p>') WHERE id = 1",
        )
        .await;
        let late = home.post(&path, &answers(&page)).await;
        assert_eq!(late.header("location"), format!("{path}?done=changed"));
        assert_eq!(clinic.look(STATE).await, "New");
        let mut without = answers(&home.get(&path).await);
        without.retain(|(name, _)| *name != "seen");
        let none = home.post(&path, &without).await;
        assert_eq!(none.header("location"), format!("{path}?done=changed"));
        let page = home.get(&path).await;
        assert!(page.text().contains("And I pay."), "{}", page.text());
        let signed = home.post(&path, &answers(&page)).await;
        assert_eq!(signed.header("location"), "/account/forms?done=sign");
        // The sealed ledger has the hash of what was signed.
        let hash = clinic
            .look("SELECT hash AS text FROM anteroom_signature")
            .await;
        let line = "SELECT reason AS text FROM anteroom_audit WHERE action = 'DocumentReference.sign' AND outcome = 'success'";
        assert_eq!(clinic.look(line).await, format!("sha3-512 {hash}"));
        clinic.close().await;
    }
}

#[tokio::test]
async fn f158_staff_lock_what_was_drawn_and_nothing_else() {
    for clinic in everywhere().await {
        let patient = clinic.patient("active");
        let (mut home, list) = at_home(&clinic, patient).await;
        let path = of_title(&list.text(), "Medical History");
        let page = home.get(&path).await;
        home.post(&path, &answers(&page)).await;
        let emr = &clinic.app.emr;
        let maria = maria(&clinic).await;
        let filed =
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_form WHERE filed IS NOT NULL";
        for change in [
            "UPDATE onsite_documents SET full_document = CONCAT(full_document, ' ') WHERE id = 1",
            "UPDATE onsite_documents SET patient_signed_time = '2026-01-01 10:00:00' WHERE id = 1",
            "UPDATE onsite_documents SET denial_reason = 'Editing' WHERE id = 1",
        ] {
            let ready = chart::ready(emr, maria, 1).await.expect("it waits");
            script(&clinic, change).await;
            let work = (emr, &ready);
            let locked = emr
                .db
                .transaction_about(&work, |(emr, ready), tx| {
                    Box::pin(async move { chart::lock(emr, tx, ready, 1).await })
                })
                .await;
            assert!(locked.is_err(), "{change}");
            assert_eq!(clinic.look(filed).await, "0", "{change}");
        }
        clinic.close().await;
    }
}

#[tokio::test]
async fn f157_a_form_of_a_chart_that_was_merged_is_signed_as_it_was() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let (mut home, list) = at_home(&clinic, maria).await;
    let path = of_title(&list.text(), "Medical History");
    let page = home.get(&path).await;
    home.post(&path, &answers(&page)).await;
    let other = persons::by_uuid(&clinic.app.emr, sean.id.parse().expect("an id")).await;
    let pid = other.expect("it reads").expect("a chart").pid;
    script(
        &clinic,
        &format!("UPDATE onsite_documents SET pid = {pid} WHERE id = 1"),
    )
    .await;
    let own = clinic.token(sean, SIGNS).await;
    let id = path.rsplit('/').next().expect("an id");
    let form = clinic
        .get(&format!("/fhir/DocumentReference/{id}"), &own)
        .await
        .json();
    assert_eq!(form["docStatus"], "preliminary", "{form}");
    // A form that got the number later was never signed.
    script(
        &clinic,
        "UPDATE onsite_documents SET create_date = '2099-01-01 10:00:00' WHERE id = 1",
    )
    .await;
    let (mut other, _) = at_home(&clinic, sean).await;
    let html = other.get(&path).await.text();
    assert!(!html.contains("class=\"signature\""), "{html}");
    clinic.close().await;
}

#[tokio::test]
async fn f153_a_drawing_is_enough_and_stays_where_something_else_is_missing() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let (mut home, list) = at_home(&clinic, maria).await;
    let path = of_title(&list.text(), "Medical History");
    let page = home.get(&path).await;
    let drawing = "M10,20L11,21L12,22L13,23";
    let mut pairs = answers(&page);
    pairs.retain(|(name, _)| !["name", "a0"].contains(name));
    pairs.push(("drawing", drawing.to_owned()));
    let refused = home.post(&path, &pairs).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let html = refused.text();
    assert!(
        html.contains(&format!("name=\"drawing\" value=\"{drawing}\"")),
        "{html}"
    );
    assert!(
        html.contains("name=\"agreed\" value=\"true\" checked"),
        "{html}"
    );
    pairs.push(("a0", "None".to_owned()));
    let signed = home.post(&path, &pairs).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text());
    let kept = "SELECT CONCAT_WS('|', how, SUBSTR(name, 1, 5)) AS text FROM anteroom_signature";
    assert_eq!(clinic.look(kept).await, "drawn|María");
    clinic.close().await;
}

#[tokio::test]
async fn f156_a_tablet_is_over_once_the_form_is_signed_elsewhere() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
    let path = super::desk::handed(&clinic, &mut staff).await;
    let mut tablet = clinic.browser();
    let begin = tablet.get(&path).await;
    let pairs = [("csrf", csrf(&begin)), ("decision", "begin".to_owned())];
    tablet.post(&path, &pairs).await;
    let held = tablet.get("/sign").await;
    let (mut home, list) = at_home(&clinic, maria).await;
    let form = of_title(&list.text(), "Medical History");
    let page = home.get(&form).await;
    home.post(&form, &answers(&page)).await;
    let late = tablet.post("/sign", &answers(&held)).await;
    assert_eq!(late.status, StatusCode::BAD_REQUEST, "{}", late.text());
    let desk = format!("/staff/patients/{}/forms", maria.id);
    let desk = staff.get(&desk).await.text();
    assert!(
        desk.contains("Medical History – Ended without a signature</li>"),
        "{desk}"
    );
    // Even one that OpenEMR opens again afterwards is not for this device.
    script(
        &clinic,
        "UPDATE onsite_documents SET denial_reason = 'Editing' WHERE id = 1",
    )
    .await;
    assert_eq!(tablet.get("/sign").await.status, StatusCode::BAD_REQUEST);
    clinic.close().await;
}

#[tokio::test]
async fn f152_a_letter_says_that_a_form_waits_and_nothing_of_it() {
    for clinic in everywhere().await {
        if !clinic.app.emr.layout.has_table("document_templates") {
            clinic.close().await;
            continue;
        }
        let look = async || {
            telling::look(clinic.app.as_ref(), Of::Forms)
                .await
                .expect("a look")
        };
        assert_eq!(look().await, 0, "of what was there before nobody is told");
        let maria = clinic.patient("active");
        let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
        let title = "Notice of Privacy Practices";
        let done = put(&mut staff, maria, (title, "Advance Directive")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let (one, other) = tokio::join!(look(), look());
        assert_eq!(one + other, 1, "one letter, however many servers look");
        let told =
            "SELECT CONCAT_WS('|', letter, told) AS text FROM anteroom_outbox ORDER BY id DESC";
        assert_eq!(clinic.look(told).await, "form|{}");
        assert_eq!(look().await, 0);
        clinic.close().await;
    }
}

/// What is known of the form that has the next number: another's, given back, filed, signed, and not told of.
const ANOTHERS: &str = "INSERT INTO anteroom_form (document, pid, template, category, put_by, reason, filed, created) \
    SELECT MAX(id) + 1, 99, 'another', 0, 0, 'Of somebody else', 7, 1 FROM onsite_documents; \
    INSERT INTO anteroom_form_letter (document, pid, put) SELECT MAX(id) + 1, 99, 1 FROM onsite_documents; \
    INSERT INTO anteroom_signature (id, document, pid, patient, name, how, picture, hash, signed, client_id) \
    SELECT x'00000000000000000000000000000099', MAX(id) + 1, 99, x'00000000000000000000000000000098', 'Somebody', \
    'typed', '', 'ab', 1, '' FROM onsite_documents";

#[tokio::test]
async fn f152_a_form_that_gets_the_number_of_another_inherits_nothing_of_it() {
    for clinic in everywhere().await {
        if !clinic.app.emr.layout.has_table("document_templates") {
            clinic.close().await;
            continue;
        }
        script(&clinic, ANOTHERS).await;
        let maria = clinic.patient("active");
        let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
        let title = "Notice of Privacy Practices";
        let done = put(&mut staff, maria, (title, "Advance Directive")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let left = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_form WHERE template = 'another' OR pid = 99";
        assert_eq!(clinic.look(left).await, "0");
        let known = clinic
            .look(
                "SELECT CONCAT_WS('|', f.reason, CASE WHEN f.filed IS NULL THEN 'open' ELSE 'filed' END, \
                 CASE WHEN f.pid = d.pid AND l.pid = d.pid THEN 'own' ELSE 'another' END, \
                 (SELECT COUNT(*) FROM anteroom_signature s WHERE s.document = d.id AND s.voided IS NULL), \
                 (SELECT COUNT(*) FROM anteroom_signature s WHERE s.document = d.id)) AS text \
                 FROM onsite_documents d JOIN anteroom_form f ON f.document = d.id \
                 JOIN anteroom_form_letter l ON l.document = d.id ORDER BY d.id DESC",
            )
            .await;
        assert_eq!(known, "|open|own|0|1");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f152_of_two_who_put_a_form_at_once_one_does() {
    for clinic in everywhere().await {
        if !clinic.app.emr.layout.has_table("document_templates") {
            clinic.close().await;
            continue;
        }
        let maria = clinic.patient("active");
        let mut desks = Vec::new();
        for _ in 0..3 {
            desks.push(at_the_desk(&clinic, "nhaddad").await.0);
        }
        let title = "Notice of Privacy Practices";
        let asks = desks
            .iter_mut()
            .map(|staff| put(staff, maria, (title, "Advance Directive")));
        let done = join_all(asks).await;
        let well = done
            .iter()
            .filter(|answer| answer.status == StatusCode::SEE_OTHER);
        assert_eq!(well.count(), 1);
        let rows = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_documents WHERE doc_type = 'Notice of Privacy Practices'";
        assert_eq!(clinic.look(rows).await, "1");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f153_days_and_ticks_of_openemr_are_read() {
    let clinic = Clinic::open().await;
    script(
        &clinic,
        "UPDATE onsite_documents SET full_document = '<p>Since <input class=\"datepicker\" type=\"text\" name=\"day\"></p>\
         <p>Born <input type=\"date\" name=\"born\"></p><p><input type=\"checkbox\" name=\"check1\"> I smoke</p>', \
         template_data = '{\"day\":\"11/29/2026\",\"born\":\"03/04/1980\",\"check1\":\"Yes\"}' WHERE id = 1",
    )
    .await;
    let maria = clinic.patient("active");
    let (mut home, list) = at_home(&clinic, maria).await;
    let html = home
        .get(&of_title(&list.text(), "Medical History"))
        .await
        .text();
    assert_eq!(
        after(&html, "type=\"date\" value=\""),
        "2026-11-29",
        "{html}"
    );
    // Which day that is nobody can know: it stays as it was written.
    assert!(
        html.contains("type=\"text\" value=\"03/04/1980\""),
        "{html}"
    );
    assert!(html.contains("name=\"a2\" value=\"on\" checked"), "{html}");
    clinic.close().await;
}
