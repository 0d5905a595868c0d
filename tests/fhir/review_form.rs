//! F152, F157, F158: a signed form is decided at its Task: it is locked and becomes part of the chart, or the patient gets it
//! back with the reason, and what was drawn is what is locked.

use anteroom::db::sql::Sql;
use anteroom::domain::people::Person;
use anteroom::domain::refusal::Answer as Outcome;
use anteroom::domain::refusal::Failure;
use anteroom::domain::refusal::Refusal;
use anteroom::emr::forms::chart as charting;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use png::BitDepth;
use png::ColorType;
use png::Encoder;
use serde_json::Value;
use serde_json::json;

use super::review::decided;
use super::review_broken::tried;
use super::scan::files;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::csrf;
use crate::clinic::Clinic;
use crate::fhir::chart::both;
use crate::fhir::chart::manager;
use crate::fhir::chart::put;
use crate::fhir::chart::read;
use crate::fhir::reach;
use crate::fhir::write::FHIR;
use crate::forms::SIGNS;
use crate::forms::after;
use crate::forms::parameters;

const STATE: &str = "SELECT CONCAT_WS('|', denial_reason, patient_signed_status, accept_signed_status) AS text \
    FROM onsite_documents WHERE id = 1";

const QUEUE: &str = "SELECT CONCAT_WS('|', pending_action, action_taken, status) AS text FROM onsite_portal_activity \
    WHERE activity = 'document' ORDER BY id DESC";

/// The id of the demo's form, which is the first patient's.
async fn form(clinic: &Clinic, own: &str) -> String {
    let found = read(clinic, own, "/fhir/Task?code=review-form").await;
    let focus = found["entry"][0]["resource"]["focus"]["reference"].as_str();
    let focus = focus.unwrap_or_else(|| panic!("no form in {found}"));
    focus.trim_start_matches("DocumentReference/").to_owned()
}

/// The patient signs it; the path of the Task that then waits for staff.
async fn signed(clinic: &Clinic, own: &str, id: &str) -> String {
    let path = format!("/fhir/DocumentReference/{id}/$sign");
    let body = parameters("María Delgado").to_string();
    let done = clinic.with_body("POST", (&path, own), FHIR, body).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    waiting(clinic, id).await
}

/// The path of the Task of a form that waits for staff.
async fn waiting(clinic: &Clinic, id: &str) -> String {
    let staff = manager(clinic).await;
    let waits = "/fhir/Task?code=review-form&status=requested&_count=200";
    let found = read(clinic, &staff, waits).await;
    let focus = format!("DocumentReference/{id}");
    let entries = found["entry"].as_array().expect("entries").iter();
    let mut tasks = entries.map(|entry| &entry["resource"]);
    let task = tasks.find(|task| task["focus"]["reference"] == focus.as_str());
    let task = task.unwrap_or_else(|| panic!("nothing waits: {found}"));
    format!("/fhir/Task/{}", task["id"].as_str().unwrap_or_default())
}

/// The document of the chart that a form became.
async fn filed(clinic: &Clinic, own: &str) -> Option<Value> {
    let found = read(clinic, own, "/fhir/DocumentReference?_count=200").await;
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    let mut all = entries.into_iter().map(|entry| entry["resource"].clone());
    all.find(|one| one["relatesTo"][0]["code"] == "transforms")
}

fn refusal(why: &str) -> Value {
    json!({"status": "rejected", "statusReason": {"text": why}})
}

#[tokio::test]
async fn f157_f158_staff_lock_a_signed_form_at_its_task_and_it_is_filed_once() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let id = form(&clinic, &own).await;
        let at = signed(&clinic, &own, &id).await;
        assert!(filed(&clinic, &own).await.is_none());
        let mut mine = read(&clinic, &own, &at).await;
        mine["status"] = json!("cancelled");
        let stays = put(&clinic, &own, &mine).await;
        assert_eq!(stays.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(stays.text().contains("review.who"), "{}", stays.text());
        let staff = manager(&clinic).await;
        let done = decided(&clinic, &staff, &at, json!({"status": "completed"})).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(clinic.look(STATE).await, "Locked|1|1");
        assert_eq!(clinic.look(QUEUE).await, "completed|accept|closed");
        let who = "SELECT authorizing_signator AS text FROM onsite_documents WHERE id = 1";
        assert_eq!(clinic.look(who).await, "nhaddad");
        let told = read(&clinic, &own, &at).await;
        assert_eq!(told["status"], "completed", "{told}");
        let form = read(&clinic, &own, &format!("/fhir/DocumentReference/{id}")).await;
        assert_eq!(form["docStatus"], "final", "{form}");
        let paper = filed(&clinic, &own).await.expect("a document of the chart");
        let binary = format!("/fhir/Binary/{}", paper["id"].as_str().unwrap_or_default());
        let bytes = clinic.get(&binary, &own).await;
        assert!(bytes.bytes.starts_with(b"%PDF"), "{}", bytes.text());
        // The same once more changes nothing.
        let again = decided(&clinic, &staff, &at, json!({"status": "completed"})).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.text());
        let late = decided(&clinic, &staff, &at, refusal("No.")).await;
        assert!(late.status.is_client_error(), "{}", late.status);
        let documents =
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_form WHERE filed IS NOT NULL";
        assert_eq!(clinic.look(documents).await, "1");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f157_a_form_is_given_back_with_a_reason_and_signed_once_more() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let staff = manager(&clinic).await;
        let id = form(&clinic, &own).await;
        let at = signed(&clinic, &own, &id).await;
        let silent = decided(&clinic, &staff, &at, json!({"status": "rejected"})).await;
        assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
        let why = "Please name your allergies.";
        let done = decided(&clinic, &staff, &at, refusal(why)).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(clinic.look(STATE).await, "Editing|0|0");
        assert_eq!(clinic.look(QUEUE).await, "completed|reject|closed");
        let told = read(&clinic, &own, &at).await;
        assert_eq!(told["status"], "rejected", "{told}");
        assert_eq!(told["statusReason"]["text"], why);
        let valid =
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_signature WHERE voided IS NULL";
        assert_eq!(clinic.look(valid).await, "0");
        let second = signed(&clinic, &own, &id).await;
        assert_ne!(second, at, "it waits anew");
        assert_eq!(read(&clinic, &own, &at).await["status"], "rejected");
        let done = decided(&clinic, &staff, &second, json!({"status": "completed"})).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(clinic.look(STATE).await, "Locked|1|1");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f157_what_was_drawn_is_what_is_locked() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let id = form(&clinic, &own).await;
        signed(&clinic, &own, &id).await;
        let emr = &clinic.app.emr;
        let pid = "SELECT CAST(pid AS CHAR) AS text FROM onsite_documents WHERE id = 1";
        let person = Person {
            pid: clinic.look(pid).await.parse().expect("a number"),
            uuid: maria.id.parse().expect("an id"),
        };
        for meanwhile in [
            "UPDATE onsite_documents SET full_document = CONCAT(full_document, ' ') WHERE id = 1",
            "UPDATE anteroom_signature SET voided = 1 WHERE document = 1",
        ] {
            let drawn = charting::ready(emr, person, 1).await.expect("a drawing");
            emr.db.run(Sql::new(meanwhile)).await.expect("changes");
            let work = (emr, &drawn);
            let late: Outcome<()> = emr
                .db
                .transaction_about(&work, |(emr, drawn), tx| {
                    Box::pin(charting::lock(emr, tx, drawn, 1))
                })
                .await;
            assert!(
                matches!(late, Err(Failure::Refused(Refusal::Conflict(_)))),
                "{meanwhile}: {late:?}"
            );
            assert_eq!(clinic.look(STATE).await, "In Review|1|0");
        }
        clinic.close().await;
    }
}

#[tokio::test]
async fn f157_a_form_is_decided_as_it_was_looked_at() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let staff = manager(&clinic).await;
        let id = form(&clinic, &own).await;
        let at = signed(&clinic, &own, &id).await;
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let address = at.replace("/fhir/Task/", "/staff/reviews/");
        let page = desk.get(&address).await;
        let task = read(&clinic, &staff, &at).await;
        // OpenEMR saves another text, and leaves its queue as it is.
        let saved = Sql::new(
            "UPDATE onsite_documents SET full_document = CONCAT(full_document, ' ') WHERE id = 1",
        );
        clinic.app.emr.db.run(saved).await.expect("saves");
        for also in [json!({"status": "completed"}), refusal("No.")] {
            let mut late = task.clone();
            for (name, value) in also.as_object().expect("an object") {
                late[name] = value.clone();
            }
            let late = put(&clinic, &staff, &late).await;
            assert!(
                late.status.is_client_error(),
                "{} {}",
                late.status,
                late.text()
            );
            assert_eq!(clinic.look(STATE).await, "In Review|1|0");
        }
        let pairs = [
            ("csrf", csrf(&page)),
            ("seen", after(&page.text(), "name=\"seen\" value=\"")),
            ("decision", "accept".to_owned()),
        ];
        let late = desk.post(&address, &pairs).await;
        assert_eq!(late.status, StatusCode::SEE_OTHER, "{}", late.text());
        assert!(late.header("location").contains("too-late"));
        assert_eq!(clinic.look(STATE).await, "In Review|1|0");
        let done = decided(&clinic, &staff, &at, refusal("Once more.")).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(clinic.look(STATE).await, "Editing|0|0");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f153_f157_what_openemr_signed_is_told_as_such_and_what_nobody_signed_is_not_accepted() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let staff = manager(&clinic).await;
        let id = form(&clinic, &own).await;
        // As OpenEMR's own portal has a form that was handed in.
        let script = "UPDATE onsite_documents SET denial_reason = 'In Review' WHERE id = 1; \
            INSERT INTO onsite_portal_activity (date, patient_id, activity, require_audit, pending_action, action_taken, \
            status, narrative, table_action, table_args, action_user, checksum) SELECT '2026-11-28 10:00:00', pid, \
            'document', 1, 'review', '', 'waiting', 'Medical History', '', '1', 0, '0' FROM onsite_documents WHERE id = 1";
        clinic.app.emr.db.script(script).await.expect("it runs");
        let at = waiting(&clinic, &id).await;
        let page = at.replace("/fhir/Task/", "/staff/reviews/");
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let html = desk.get(&page).await.text();
        assert!(html.contains("Nobody signed this form"), "{html}");
        let late = decided(&clinic, &staff, &at, json!({"status": "completed"})).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
        assert!(late.text().contains("Nobody signed"), "{}", late.text());
        assert_eq!(clinic.look(STATE).await, "In Review|0|0");
        let signed = Sql::new(
            "UPDATE onsite_documents SET patient_signed_status = 1, patient_signed_time = '2026-11-28 10:00:00', \
             patient_signature = 'data:image/png;base64,AAAA' WHERE id = 1",
        );
        clinic.app.emr.db.run(signed).await.expect("signs");
        let html = desk.get(&page).await.text();
        assert!(
            html.contains("src=\"data:image/png;base64,AAAA\""),
            "{html}"
        );
        assert!(html.contains("own portal; not verified here"), "{html}");
        assert!(!html.contains("Nobody signed this form"), "{html}");
        let done = decided(&clinic, &staff, &at, json!({"status": "completed"})).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(clinic.look(STATE).await, "Locked|1|1");
        clinic.close().await;
    }
}

/// A PNG of scattered points, as a data URI.
fn scattered() -> String {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 200, 50);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a header");
    let point = |at: u32| {
        let mixed = (at ^ (at >> 7)).wrapping_mul(0x9E37_79B1);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85EB_CA6B);
        if mixed >> 31 == 0 { 0_u8 } else { 255 }
    };
    let points: Vec<u8> = (0..10_000).map(point).collect();
    writer.write_image_data(&points).expect("points");
    writer.finish().expect("an end");
    format!("data:image/png;base64,{}", STANDARD.encode(&bytes))
}

#[tokio::test]
async fn f157_the_picture_of_a_signature_openemr_took_is_drawn_in_the_pdf() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let path = format!("/fhir/Binary/{}", form(&clinic, &own).await);
        let sized = async |picture: String| {
            let signed = Sql::new(
                "UPDATE onsite_documents SET denial_reason = 'In Review', patient_signed_status = 1, \
                 patient_signed_time = '2026-11-28 10:00:00', patient_signature = ? WHERE id = 1",
            );
            let signed = clinic.app.emr.db.run(signed.bind(picture)).await;
            assert_eq!(signed.expect("signs"), 1);
            let pdf = clinic.get(&path, &own).await;
            assert!(pdf.bytes.starts_with(b"%PDF"), "{}", pdf.text());
            pdf.bytes.len()
        };
        let without = sized("data:image/png;base64,AAAA".to_owned()).await;
        let with = sized(scattered()).await;
        assert!(with > without + 4_000, "{with} {without}");
        clinic.close().await;
    }
}

/// What the tab of the page that is shown counts.
fn counted(html: &str) -> i64 {
    let tab = html.split("aria-current=\"page\">").nth(1);
    let count = tab.and_then(|tab| tab.split("<b>").nth(1)?.split("</b>").next());
    let count = count.and_then(|count| count.parse().ok());
    count.unwrap_or_else(|| panic!("no count in {html}"))
}

#[tokio::test]
async fn f157_a_form_that_openemr_opened_again_or_locked_does_not_wait_at_the_desk() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let staff = manager(&clinic).await;
        let id = form(&clinic, &own).await;
        let at = signed(&clinic, &own, &id).await;
        let address = at.replace("/fhir/Task/", "/staff/reviews/");
        let listed = format!("href=\"{address}?kind=form\"");
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let before = desk.get("/staff/reviews?kind=form").await.text();
        assert!(before.contains(&listed), "{before}");
        for (state, status) in [
            ("Editing", "in-progress"),
            ("Locked", "completed"),
            ("Pending", "in-progress"),
            ("in review", "in-progress"),
        ] {
            let sql = Sql::new("UPDATE onsite_documents SET denial_reason = ? WHERE id = 1");
            let set = clinic.app.emr.db.run(sql.bind(state)).await;
            assert_eq!(set.expect("changes"), 1);
            let list = desk.get("/staff/reviews?kind=form").await.text();
            assert!(!list.contains(&listed), "{state} {list}");
            assert_eq!(counted(&list), counted(&before) - 1, "{state}");
            let task = read(&clinic, &staff, &at).await;
            assert_eq!(task["status"], status, "{state} {task}");
            let html = desk.get(&address).await.text();
            assert!(!html.contains("value=\"accept\""), "{state} {html}");
            if status == "completed" {
                continue;
            }
            assert!(html.contains("This form does not wait for you"), "{html}");
            for also in [json!({"status": "completed"}), refusal("No.")] {
                let late = decided(&clinic, &staff, &at, also).await;
                assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY, "{state}");
                assert!(late.text().contains("review.elsewhere"), "{}", late.text());
            }
        }
        assert_eq!(clinic.look(QUEUE).await, "review||waiting");
        let again =
            Sql::new("UPDATE onsite_documents SET denial_reason = 'In Review' WHERE id = 1");
        clinic.app.emr.db.run(again).await.expect("changes");
        let list = desk.get("/staff/reviews?kind=form").await.text();
        assert!(list.contains(&listed), "{list}");
        let done = decided(&clinic, &staff, &at, json!({"status": "completed"})).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn f163_what_a_form_is_called_is_told_to_who_may_open_it() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let id = form(&clinic, &own).await;
        let at = signed(&clinic, &own, &id).await;
        let title = read(&clinic, &own, &at).await["description"].clone();
        let staff = manager(&clinic).await;
        assert_eq!(read(&clinic, &staff, &at).await["description"], title);
        // The front desk has the portal, and no documents.
        let front = reach::token(&clinic, Some("tbanks"), None, "user/*.cruds").await;
        assert_eq!(read(&clinic, &front, &at).await["description"], "A form.");
        let (mut desk, _) = at_the_desk(&clinic, "tbanks").await;
        let list = desk.get("/staff/reviews?kind=form").await.text();
        assert!(list.contains("A form."), "{list}");
        assert!(!list.contains(title.as_str().expect("a title")), "{list}");
        let closed = "UPDATE categories SET aco_spec = 'patients|nobody' WHERE name = 'Reviewed'; \
            DELETE FROM anteroom_form WHERE document = 1; \
            INSERT INTO anteroom_form (document, pid, template, category, put_by, reason, created) \
            SELECT 1, pid, '', (SELECT MIN(id) FROM categories WHERE name = 'Reviewed'), 0, '', 0 \
            FROM onsite_documents WHERE id = 1";
        clinic.app.emr.db.script(closed).await.expect("it runs");
        assert_eq!(read(&clinic, &staff, &at).await["description"], title);
        // To who may do everything no category is closed.
        let no_super = "DELETE FROM gacl_aco_map WHERE section_value = 'admin' AND value = 'super'";
        clinic.app.emr.db.script(no_super).await.expect("it runs");
        let staff = manager(&clinic).await;
        assert_eq!(read(&clinic, &staff, &at).await["description"], "A form.");
        assert_eq!(read(&clinic, &own, &at).await["description"], title);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f158_a_form_that_openemr_deleted_can_only_be_refused() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let staff = manager(&clinic).await;
        let id = form(&clinic, &own).await;
        let at = signed(&clinic, &own, &id).await;
        let gone = Sql::new("DELETE FROM onsite_documents WHERE id = 1");
        clinic.app.emr.db.run(gone).await.expect("deletes");
        let late = decided(&clinic, &staff, &at, json!({"status": "completed"})).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
        let done = decided(&clinic, &staff, &at, refusal("It was deleted.")).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(clinic.look(QUEUE).await, "completed|reject|closed");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f157_a_decision_about_a_form_happens_whole_or_not_at_all() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let id = form(&clinic, &own).await;
        let steps = [
            ("UPDATE", "onsite_documents"),
            ("UPDATE", "onsite_portal_activity"),
            ("INSERT", "anteroom_review"),
            ("INSERT", "anteroom_audit"),
        ];
        let at = signed(&clinic, &own, &id).await;
        tried(&clinic, (&at, refusal("Once more.")), &steps).await;
        let before = files(&clinic);
        let at = signed(&clinic, &own, &id).await;
        let steps = [
            ("UPDATE", "onsite_documents"),
            ("INSERT", "documents"),
            ("INSERT", "categories_to_documents"),
            ("UPDATE", "anteroom_share"),
            ("UPDATE", "onsite_portal_activity"),
            ("INSERT", "anteroom_review"),
            ("INSERT", "anteroom_audit"),
        ];
        tried(&clinic, (&at, json!({"status": "completed"})), &steps).await;
        assert_eq!(files(&clinic), before + 1, "one PDF, and none left behind");
        clinic.close().await;
    }
}
