//! Templates that change while others look at them: through FHIR, at the desk, and under answers.

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;
use time::Duration;

use super::SIGNS;
use super::after;
use super::everywhere;
use super::questionnaire::ALL_OF_STAFF;
use super::questionnaire::FHIR;
use super::questionnaire::asked;
use super::questionnaire::form;
use super::questionnaire::post;
use super::questionnaire::sheet;
use super::questionnaire::task;
use crate::attacks;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::fhir::chart;
use crate::fhir::reach;

const TEMPLATES: &str = "/staff/templates";

/// A form is made and put before a patient; its DocumentReference as the patient reads it.
async fn put_before(clinic: &Clinic, (id, staff): (&str, &str), patient: (&str, &str)) -> Value {
    let made = post(clinic, ("Task", staff), &task(id, patient.0)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    form(clinic, &made.json(), patient.1).await
}

/// The patient answers the form and names what was answered.
async fn sign(clinic: &Clinic, (form, token): (&Value, &str), named: &str) -> Answer {
    let answers = json!({"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": named, "item": [
        {"linkId": "where-to", "answer": [{"valueString": "Oslo"}]}]});
    let parameters = json!({"resourceType": "Parameters", "parameter": [
        {"name": "name", "valueString": "María Delgado"},
        {"name": "agreed", "valueBoolean": true},
        {"name": "answers", "resource": answers}]});
    let id = form["id"].as_str().expect("an id");
    let path = format!("DocumentReference/{id}/$sign");
    post(clinic, (&path, token), &parameters).await
}

#[tokio::test]
async fn f153_answers_to_what_was_changed_since_are_not_taken() {
    for clinic in everywhere().await {
        let mut active = clinic.patients("active");
        let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
        let staff = reach::token(&clinic, Some("nhaddad"), None, ALL_OF_STAFF).await;
        let mut asks = sheet();
        asks["item"][0]["text"] = json!("Please read this, {PatientName}, at {CurrentTime}.");
        let kept = post(&clinic, ("Questionnaire", &staff), &asks).await;
        assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text());
        let kept = kept.json();
        let id = kept["id"].as_str().expect("an id").to_owned();
        clinic.wait(Duration::seconds(2));
        let name = format!("Questionnaire/{id}");
        let hers = clinic.token(maria, SIGNS).await;
        let his = clinic.token(sean, SIGNS).await;
        let her_form = put_before(&clinic, (&id, &staff), (&maria.id, &hers)).await;
        let his_form = put_before(&clinic, (&id, &staff), (&sean.id, &his)).await;
        // Retired it asks what it asked, whatever the time is by now.
        clinic.wait(Duration::seconds(90));
        let mut retired = kept.clone();
        retired["status"] = json!("retired");
        let done = chart::put(&clinic, &staff, &retired).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let signed = sign(&clinic, (&his_form, &his), &name).await;
        assert_eq!(signed.status, StatusCode::OK, "{}", signed.text());
        // The same linkId, and another question.
        let mut other = done.json();
        other["item"][1]["text"] = json!("Where not to");
        let done = chart::put(&clinic, &staff, &other).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        for named in [
            name.as_str(),
            "Questionnaire/00000000-0000-4000-8000-00000000dead",
            "http://example.org/Questionnaire/travel",
        ] {
            let refused = sign(&clinic, (&her_form, &hers), named).await;
            assert_eq!(
                refused.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{named} {}",
                refused.text()
            );
            let issue = &refused.json()["issue"][0];
            assert_eq!(
                issue["expression"][0], "QuestionnaireResponse.questionnaire",
                "{issue}"
            );
            assert!(
                refused
                    .text()
                    .contains("contained in the DocumentReference")
            );
        }
        let state = "SELECT denial_reason AS text FROM onsite_documents d JOIN anteroom_form f \
            ON f.document = d.id ORDER BY d.id";
        assert_eq!(clinic.look(state).await, "New");
        let signed = sign(&clinic, (&her_form, &hers), "#questions").await;
        assert_eq!(signed.status, StatusCode::OK, "{}", signed.text());
        clinic.close().await;
    }
}

/// The fields of the desk's form.
fn typed(page: &Answer, (id, seen): (&str, &str), lines: &str) -> Vec<(&'static str, String)> {
    vec![
        ("csrf", csrf(page)),
        ("decision", "keep".to_owned()),
        ("id", id.to_owned()),
        ("seen", seen.to_owned()),
        ("title", "Consent to surgery".to_owned()),
        ("category", "Advance Directive".to_owned()),
        ("lines", lines.to_owned()),
    ]
}

/// The id of the desk's template of a title.
async fn of_title(staff: &mut Browser<'_>, title: &str) -> String {
    let list = staff.get(TEMPLATES).await.text();
    let row = list.split("<tr>").find(|row| row.contains(title));
    let row = row.unwrap_or_else(|| panic!("no {title} in {list}"));
    after(row, "href=\"/staff/templates/")
}

#[tokio::test]
async fn f155_staff_change_and_retire_a_questionnaire_through_fhir() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let page = desk.get(TEMPLATES).await;
        let lines = "# Consent\nI, {PatientName}, agree.\n- Your doctor *";
        let made = desk.post(TEMPLATES, &typed(&page, ("", ""), lines)).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
        let id = of_title(&mut desk, "Consent to surgery").await;
        let staff = reach::token(&clinic, Some("nhaddad"), None, ALL_OF_STAFF).await;
        let path = format!("/fhir/Questionnaire/{id}");
        let read = chart::read(&clinic, &staff, &path).await;
        assert_eq!(read["item"][1]["text"], "I, [patient's name], agree.");
        let mut retired = read.clone();
        retired["status"] = json!("retired");
        let body = retired.to_string();
        let blind = clinic.with_body("PUT", (&path, &staff), FHIR, body).await;
        assert_eq!(blind.status, StatusCode::PRECONDITION_REQUIRED);
        let done = chart::put(&clinic, &staff, &retired).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(done.json()["status"], "retired");
        let late = chart::put(&clinic, &staff, &retired).await;
        assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
        let found = "/fhir/Questionnaire?status=retired&title:exact=Consent%20to%20surgery";
        let found = clinic.get(found, &staff).await.json();
        assert_eq!(found["total"], 1, "{found}");
        let put = post(&clinic, ("Task", &staff), &task(&id, &maria.id)).await;
        assert!(put.text().contains("form.template"), "{}", put.text());
        // Headings and directives come back as they were written.
        let change = format!("{TEMPLATES}?change={id}");
        let html = desk.get(&change).await.text();
        assert!(
            html.contains("# Consent\nI, {PatientName}, agree.\n- Your doctor *"),
            "{html}"
        );
        let mut active = done.json();
        active["status"] = json!("active");
        active["item"][1]["text"] = json!("[patient's name] does not agree.");
        let done = chart::put(&clinic, &staff, &active).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(
            done.json()["item"][1]["text"],
            "[patient's name] does not agree."
        );
        let html = desk.get(&change).await.text();
        assert!(
            html.contains("# Consent\n{PatientName} does not agree.\n- Your doctor *"),
            "{html}"
        );
        let mut draft = done.json();
        draft["status"] = json!("draft");
        let refused = chart::put(&clinic, &staff, &draft).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            refused.json()["issue"][0]["expression"][0],
            "Questionnaire.status"
        );
        let everything = "launch/patient openid fhirUser patient/*.cruds user/*.cruds";
        let own = attacks::token(&clinic, maria, everything).await;
        let refused = chart::put(&clinic, &own, &active).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
        let lines = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit \
            WHERE outcome = 'success' AND action = 'Questionnaire.update'";
        assert_eq!(clinic.look(lines).await, "2");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f155_a_template_of_openemr_is_changed_there() {
    let clinic = Clinic::open().await;
    let staff = reach::token(&clinic, Some("nhaddad"), None, ALL_OF_STAFF).await;
    let found = "/fhir/Questionnaire?title:exact=Notice%20of%20Privacy%20Practices";
    let found = clinic.get(found, &staff).await.json();
    let mut theirs = found["entry"][0]["resource"].clone();
    theirs["title"] = json!("Notice");
    let refused = chart::put(&clinic, &staff, &theirs).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let issue = &refused.json()["issue"][0];
    assert_eq!(
        issue["details"]["coding"][0]["code"], "template.openemr",
        "{issue}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn f155_of_two_who_change_a_template_the_second_is_told_and_keeps_what_was_typed() {
    for clinic in everywhere().await {
        let (mut one, _) = at_the_desk(&clinic, "nhaddad").await;
        let page = one.get(TEMPLATES).await;
        let made = one
            .post(TEMPLATES, &typed(&page, ("", ""), "- Doctor"))
            .await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
        let id = of_title(&mut one, "Consent to surgery").await;
        let (mut other, _) = at_the_desk(&clinic, "nhaddad").await;
        let change = format!("{TEMPLATES}?change={id}");
        let first = one.get(&change).await;
        let second = other.get(&change).await;
        let mark = "name=\"seen\" value=\"";
        let seen = after(&first.text(), mark);
        let done = one
            .post(TEMPLATES, &typed(&first, (&id, &seen), "- Surgeon"))
            .await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let seen = after(&second.text(), mark);
        let told = other
            .post(TEMPLATES, &typed(&second, (&id, &seen), "- Physician"))
            .await;
        assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.text());
        let html = told.text();
        assert!(
            html.contains("Somebody else changed this form meanwhile"),
            "{html}"
        );
        assert!(
            html.contains("- Physician</textarea>") && html.contains("- Surgeon</textarea>"),
            "{html}"
        );
        // Without a version nothing is written either.
        let blind = other
            .post(TEMPLATES, &typed(&second, (&id, ""), "- Physician"))
            .await;
        assert_eq!(blind.status, StatusCode::CONFLICT, "{}", blind.text());
        let kept = "SELECT body AS text FROM anteroom_questionnaire";
        assert!(clinic.look(kept).await.contains("Surgeon"));
        // Who saves again knows what it takes away.
        let seen = after(&html, mark);
        let done = other
            .post(TEMPLATES, &typed(&told, (&id, &seen), "- Physician"))
            .await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        assert!(clinic.look(kept).await.contains("Physician"));
        clinic.close().await;
    }
}

#[tokio::test]
async fn f155_a_template_is_downloaded_and_pasted_as_a_questionnaire() {
    for clinic in everywhere().await {
        let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
        let page = desk.get(TEMPLATES).await;
        let paste = |(id, seen): (&str, &str), json: &str| {
            let mut fields = typed(&page, (id, seen), "- Typed, and not meant");
            fields[1] = ("decision", "read".to_owned());
            fields.push(("json", json.to_owned()));
            fields
        };
        for (wrong, told) in [
            ("{", "the body is not JSON"),
            (
                "{\"resourceType\":\"Patient\"}",
                "this is the address of Questionnaire",
            ),
        ] {
            let refused = desk.post(TEMPLATES, &paste(("", ""), wrong)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            let html = refused.text();
            assert!(html.contains(told), "{html}");
            assert!(html.contains("- Typed, and not meant</textarea>"), "{html}");
        }
        let mut wrong = sheet();
        wrong["item"][3]["type"] = json!("decimal");
        let refused = desk
            .post(TEMPLATES, &paste(("", ""), &wrong.to_string()))
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text().contains("Questionnaire.item[3].type: items"),
            "{}",
            refused.text()
        );
        let done = desk
            .post(TEMPLATES, &paste(("", ""), &sheet().to_string()))
            .await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let id = of_title(&mut desk, "Consent to travel").await;
        let shown = desk.get(&format!("{TEMPLATES}/{id}")).await.text();
        let address = format!("{TEMPLATES}/{id}.json");
        assert!(shown.contains(&format!("href=\"{address}\"")), "{shown}");
        let file = desk.get(&address).await;
        assert_eq!(file.status, StatusCode::OK, "{}", file.text());
        assert!(file.header("content-disposition").starts_with("attachment"));
        let mut file = file.json();
        assert_eq!(asked(&file), asked(&sheet()));
        assert_eq!(
            file["item"][0]["text"],
            "Please read <b>this</b>, {PatientName}."
        );
        // It comes back as another state of the same form, in the page's category where it names none.
        file["title"] = json!("Consent to sail");
        file.as_object_mut().expect("an object").remove("code");
        let change = desk.get(&format!("{TEMPLATES}?change={id}")).await.text();
        let seen = after(&change, "name=\"seen\" value=\"");
        let done = desk
            .post(TEMPLATES, &paste((&id, &seen), &file.to_string()))
            .await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        assert_eq!(of_title(&mut desk, "Consent to sail").await, id);
        let rows = "SELECT category AS text FROM anteroom_questionnaire";
        assert_eq!(clinic.look(rows).await, "Advance Directive");
        let rows = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_questionnaire";
        assert_eq!(clinic.look(rows).await, "1");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f155_f163_a_form_is_not_taken_out_of_a_category_that_is_closed() {
    for clinic in everywhere().await {
        let script = |sql: &'static str| {
            let db = &clinic.app.emr.db;
            async move { db.script(sql).await.expect("it runs") }
        };
        // To who may do everything no category is closed.
        script("DELETE FROM gacl_aco_map WHERE section_value = 'admin' AND value = 'super'").await;
        let staff = reach::token(&clinic, Some("nhaddad"), None, ALL_OF_STAFF).await;
        let mut asks = sheet();
        asks["item"][0]["text"] = json!("Please read this, [patient's name].");
        let made = post(&clinic, ("Questionnaire", &staff), &asks).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        // Of a new one words in brackets stand for what the chart says, too.
        let body = clinic
            .look("SELECT body AS text FROM anteroom_questionnaire")
            .await;
        assert!(body.contains("Please read this, {PatientName}."), "{body}");
        script(
            "UPDATE categories SET aco_spec = 'patients|nobody' WHERE name = 'Advance Directive'",
        )
        .await;
        let mut moved = made.json();
        let system = moved["code"][0]["system"].clone();
        moved["code"] = json!([{"system": system, "code": "Reviewed"}]);
        let refused = chart::put(&clinic, &staff, &moved).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let issue = &refused.json()["issue"][0];
        assert_eq!(
            issue["details"]["coding"][0]["code"], "template.held",
            "{issue}"
        );
        // Of a category that nobody has any more it is taken out.
        script("UPDATE categories SET name = 'Wills' WHERE name = 'Advance Directive'").await;
        let done = chart::put(&clinic, &staff, &moved).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        clinic.close().await;
    }
}
