//! Forms through FHIR alone: found, made and put before a patient by an app of staff, signed by one of the patient's.

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::SIGNS;
use super::everywhere;
use crate::attacks;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::fhir::reach;

pub(super) const FHIR: &str = "application/fhir+json";

pub(super) const ALL_OF_STAFF: &str = "user/*.cruds";

const CATEGORIES: &str = "https://anteroom.dev/fhir/CodeSystem/document-category";

const TASK_CODES: &str = "https://anteroom.dev/fhir/CodeSystem/task-code";

/// A form with an item of each kind.
pub(super) fn sheet() -> Value {
    json!({
        "resourceType": "Questionnaire", "status": "active", "title": "Consent to travel", "subjectType": ["Patient"],
        "code": [{"system": CATEGORIES, "code": "Advance Directive"}],
        "item": [
            {"linkId": "intro", "type": "display", "text": "Please read <b>this</b>, {PatientName}."},
            {"linkId": "where-to", "type": "string", "text": "Where to \"exactly\"", "required": true},
            {"linkId": "why", "type": "text", "text": "Why"},
            {"linkId": "1.2", "type": "date", "text": "From"},
            {"linkId": "/ok", "type": "boolean", "text": "I am well"},
            {"linkId": "by", "type": "choice", "text": "By",
             "answerOption": [{"valueString": "Train"}, {"valueString": "Ship & <car>"}]}
        ]
    })
}

/// A Task that puts a form before a patient.
pub(super) fn task(questionnaire: &str, patient: &str) -> Value {
    json!({
        "resourceType": "Task", "status": "requested", "intent": "order",
        "code": {"coding": [{"system": TASK_CODES, "code": "review-form"}]},
        "focus": {"reference": format!("Questionnaire/{questionnaire}")},
        "for": {"reference": format!("Patient/{patient}")}
    })
}

pub(super) async fn post(clinic: &Clinic, (kind, token): (&str, &str), body: &Value) -> Answer {
    let path = format!("/fhir/{kind}");
    let body = body.to_string();
    clinic.with_body("POST", (&path, token), FHIR, body).await
}

/// What is asked: linkId, type, and the options.
pub(super) fn asked(sheet: &Value) -> Vec<(String, String, Value)> {
    let items = sheet["item"]
        .as_array()
        .unwrap_or_else(|| panic!("{sheet}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    items
        .iter()
        .filter(|item| item["type"] != "display")
        .map(|item| {
            let kind = text(&item["type"]);
            (text(&item["linkId"]), kind, item["answerOption"].clone())
        })
        .collect()
}

/// The form a Task is about, as this token reads it.
pub(super) async fn form(clinic: &Clinic, task: &Value, token: &str) -> Value {
    let focus = task["focus"]["reference"].as_str().expect("a focus");
    assert!(focus.starts_with("DocumentReference/"), "{task}");
    let read = clinic.get(&format!("/fhir/{focus}"), token).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text());
    read.json()
}

#[tokio::test]
async fn f152_f155_staff_find_a_template_and_its_link_ids_are_those_of_the_form() {
    for clinic in everywhere().await {
        if !clinic.app.emr.layout.has_table("document_templates") {
            clinic.close().await;
            continue;
        }
        let maria = clinic.patient("active");
        let staff = reach::token(&clinic, Some("nhaddad"), None, ALL_OF_STAFF).await;
        let path =
            "/fhir/Questionnaire?status=active&title:exact=Notice%20of%20Privacy%20Practices";
        let found = clinic.get(path, &staff).await.json();
        assert_eq!(found["total"], 1, "{found}");
        let listed = &found["entry"][0]["resource"];
        let id = listed["id"].as_str().expect("an id");
        let read = clinic
            .get(&format!("/fhir/Questionnaire/{id}"), &staff)
            .await;
        assert_eq!(read.status, StatusCode::OK, "{}", read.text());
        assert_eq!(read.json(), *listed);
        assert!(!read.text().contains("{PatientName}"), "{}", read.text());
        assert_eq!(listed["code"][0]["code"], "Advance Directive");
        let none = clinic
            .get("/fhir/Questionnaire?status=retired", &staff)
            .await
            .json();
        assert_eq!(none["total"], 0, "{none}");
        // Somebody of whom nothing is known but the name is asked by the same ids.
        clinic
            .app
            .emr
            .db
            .script("UPDATE patient_data SET phone_home = '', phone_cell = '' WHERE pid = 1")
            .await
            .expect("no phone");
        let made = post(&clinic, ("Task", &staff), &task(id, &maria.id)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let own = clinic.token(maria, SIGNS).await;
        let form = form(&clinic, &made.json(), &own).await;
        let asks = asked(&form["contained"][0]);
        assert_eq!(asks.len(), 4, "{form}");
        assert_eq!(asks, asked(listed));
        clinic.close().await;
    }
}

#[tokio::test]
async fn f152_f155_a_form_is_made_put_and_signed_through_fhir_alone() {
    for clinic in everywhere().await {
        let mut active = clinic.patients("active");
        let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
        let staff = reach::token(&clinic, Some("nhaddad"), None, ALL_OF_STAFF).await;
        let kept = post(&clinic, ("Questionnaire", &staff), &sheet()).await;
        assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text());
        let kept = kept.json();
        let id = kept["id"].as_str().expect("an id");
        assert_eq!(
            (&kept["title"], &kept["status"]),
            (&json!("Consent to travel"), &json!("active"))
        );
        assert_eq!(asked(&kept), asked(&sheet()));
        assert_eq!(kept["item"][1]["required"], true);
        assert_eq!(kept["item"][1]["text"], "Where to \"exactly\"");
        let read = format!("/fhir/Questionnaire/{id}");
        assert_eq!(clinic.get(&read, &staff).await.json(), kept);
        // Nobody has it yet: no patient sees it.
        let own = clinic.token(maria, SIGNS).await;
        let early = clinic.get(&read, &own).await;
        assert_eq!(early.status, StatusCode::NOT_FOUND, "{}", early.text());
        let mut wish = task(id, &maria.id);
        wish["input"] = json!([{"type": {"text": "category"}, "valueString": "Reviewed"}]);
        let made = post(&clinic, ("Task", &staff), &wish).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let made = made.json();
        assert_eq!(made["status"], "requested", "{made}");
        assert_eq!(
            made["for"]["reference"],
            json!(format!("Patient/{}", maria.id))
        );
        let again = post(&clinic, ("Task", &staff), &task(id, &maria.id)).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        let issue = &again.json()["issue"][0];
        assert_eq!(issue["details"]["coding"][0]["code"], "form.waits");
        assert_eq!(issue["expression"][0], "Task.focus");
        // The patient sees the form and what it is made of; nobody else does.
        let waits = clinic
            .get("/fhir/Task?code=review-form&status=requested", &own)
            .await
            .json();
        let waits = waits["entry"].as_array().expect("Tasks");
        let mine = waits
            .iter()
            .find(|one| one["resource"]["id"] == made["id"])
            .unwrap_or_else(|| panic!("{waits:?}"));
        let form = form(&clinic, &mine["resource"], &own).await;
        assert_eq!(asked(&form["contained"][0]), asked(&sheet()));
        assert!(form["category"].to_string().contains("Reviewed"), "{form}");
        assert_eq!(clinic.get(&read, &own).await.json(), kept);
        let theirs = clinic.token(sean, SIGNS).await;
        let hidden = clinic.get(&read, &theirs).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{}", hidden.text());
        let listed = clinic.get("/fhir/Questionnaire", &theirs).await.json();
        assert_eq!(listed["total"], 0, "{listed}");
        let answers = json!({"resourceType": "QuestionnaireResponse", "status": "completed", "item": [
            {"linkId": "where-to", "answer": [{"valueString": "Oslo"}]},
            {"linkId": "1.2", "answer": [{"valueDate": "2026-12-01"}]},
            {"linkId": "/ok", "answer": [{"valueBoolean": true}]},
            {"linkId": "by", "answer": [{"valueString": "Ship & <car>"}]}]});
        let parameters = json!({"resourceType": "Parameters", "parameter": [
            {"name": "name", "valueString": "María Delgado"},
            {"name": "agreed", "valueBoolean": true},
            {"name": "answers", "resource": answers}]});
        let sign = format!("DocumentReference/{}/$sign", form["id"].as_str().unwrap());
        let signed = post(&clinic, (&sign, &own), &parameters).await;
        assert_eq!(signed.status, StatusCode::OK, "{}", signed.text());
        let task = format!("/fhir/Task/{}", made["id"].as_str().unwrap());
        let done = clinic.get(&task, &own).await.json();
        assert_eq!(done["status"], "completed", "{done}");
        let lines = clinic
            .look(
                "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE outcome = 'success' \
                 AND action IN ('Questionnaire.create', 'Task.create', 'DocumentReference.sign')",
            )
            .await;
        assert_eq!(lines, "3");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f152_f163_a_form_of_a_category_that_is_closed_is_not_filed_under_another() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        // To who may do everything no category is closed.
        let no_super = "DELETE FROM gacl_aco_map WHERE section_value = 'admin' AND value = 'super'";
        clinic.app.emr.db.script(no_super).await.expect("it runs");
        let staff = reach::token(&clinic, Some("nhaddad"), None, ALL_OF_STAFF).await;
        let made = post(&clinic, ("Questionnaire", &staff), &sheet()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let made = made.json()["id"].as_str().expect("an id").to_owned();
        let body = task(&made, &maria.id);
        let script = |sql: &'static str| {
            let db = &clinic.app.emr.db;
            async move { db.script(sql).await.expect("it runs") }
        };
        let forms = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_documents";
        let before = clinic.look(forms).await;
        script(
            "UPDATE categories SET aco_spec = 'patients|nobody' WHERE name = 'Advance Directive'",
        )
        .await;
        let refused = post(&clinic, ("Task", &staff), &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text().contains("form.category"),
            "{}",
            refused.text()
        );
        assert_eq!(clinic.look(forms).await, before);
        // Of a name that no category has any more it goes to OpenEMR's own for what was looked through.
        script("UPDATE categories SET name = 'Wills' WHERE name = 'Advance Directive'").await;
        let put = post(&clinic, ("Task", &staff), &body).await;
        assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
        let category = "SELECT c.name AS text FROM anteroom_form f JOIN categories c ON c.id = f.category \
            ORDER BY f.document DESC";
        assert_eq!(clinic.look(category).await, "Reviewed");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f155_what_a_form_can_not_keep_is_refused_by_its_element() {
    let clinic = Clinic::open().await;
    let staff = reach::token(&clinic, Some("nhaddad"), None, ALL_OF_STAFF).await;
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 6] = [
        ("Questionnaire.item[3].type", |sheet| {
            sheet["item"][3]["type"] = json!("decimal");
        }),
        ("Questionnaire.item[0].item", |sheet| {
            let inner = sheet["item"][1].clone();
            sheet["item"][0] =
                json!({"linkId": "g", "type": "group", "text": "G", "item": [inner]});
        }),
        ("Questionnaire.publisher", |sheet| {
            sheet["publisher"] = json!("Somebody");
        }),
        ("Questionnaire.code", |sheet| {
            sheet["code"][0]["code"] = json!("No such category");
        }),
        ("Questionnaire.title", |sheet| {
            sheet["title"] = json!("x".repeat(201));
        }),
        ("Questionnaire.item[1].extension", |sheet| {
            sheet["item"][1]["extension"] = json!([{"url": "http://x.org", "valueBoolean": true}]);
        }),
    ];
    for (place, change) in changes {
        let mut sheet = sheet();
        change(&mut sheet);
        let refused = post(&clinic, ("Questionnaire", &staff), &sheet).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{place}");
        let issue = &refused.json()["issue"][0];
        assert_eq!(issue["expression"][0], place, "{issue}");
    }
    let found = clinic
        .get("/fhir/Questionnaire?title=Consent", &staff)
        .await;
    assert_eq!(found.json()["total"], 0, "{}", found.text());
    let maria = clinic.patient("active");
    let changes: [(&str, Change); 5] = [
        ("Task.status", |task| task["status"] = json!("completed")),
        ("Task.intent", |task| task["intent"] = json!("proposal")),
        ("Task.code", |task| {
            task["code"]["coding"][0]["code"] = json!("payment");
        }),
        ("Task.input[0]", |task| {
            task["input"] = json!([{"type": {"text": "priority"}, "valueString": "high"}]);
        }),
        ("Task.focus", |_| {}),
    ];
    for (place, change) in changes {
        let mut task = task("00000000-0000-4000-8000-00000000dead", &maria.id);
        change(&mut task);
        let refused = post(&clinic, ("Task", &staff), &task).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{place}");
        let issue = &refused.json()["issue"][0];
        assert_eq!(issue["expression"][0], place, "{issue}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn f152_f155_forms_are_made_and_put_by_staff_of_the_portal_alone() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let staff = reach::token(&clinic, Some("nhaddad"), None, ALL_OF_STAFF).await;
    let kept = post(&clinic, ("Questionnaire", &staff), &sheet()).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text());
    let id = kept.json()["id"].as_str().expect("an id").to_owned();
    let everything = "launch/patient openid fhirUser patient/*.cruds user/*.cruds";
    for token in [
        attacks::token(&clinic, maria, everything).await,
        // No right to the portal's desk.
        reach::token(&clinic, Some("dlee"), None, ALL_OF_STAFF).await,
        reach::token(&clinic, None, None, "system/*.cruds").await,
        reach::token(&clinic, Some("nhaddad"), None, "user/*.rs").await,
    ] {
        let kept = post(&clinic, ("Questionnaire", &token), &sheet()).await;
        assert_eq!(kept.status, StatusCode::FORBIDDEN, "{}", kept.text());
        let put = post(&clinic, ("Task", &token), &task(&id, &maria.id)).await;
        assert_eq!(put.status, StatusCode::FORBIDDEN, "{}", put.text());
    }
    // With one patient in context staff make nothing for all, and put nothing before others.
    let scope = "launch patient/*.cruds";
    let one = reach::token(&clinic, Some("nhaddad"), Some(&maria.id), scope).await;
    let kept = post(&clinic, ("Questionnaire", &one), &sheet()).await;
    assert_eq!(kept.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(kept.text().contains("template.who"), "{}", kept.text());
    let other = clinic.patients("active").nth(1).expect("two");
    let put = post(&clinic, ("Task", &one), &task(&id, &other.id)).await;
    assert_eq!(put.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        put.json()["issue"][0]["expression"][0],
        "Task.for",
        "{}",
        put.text()
    );
    let rows = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_questionnaire";
    assert_eq!(clinic.look(rows).await, "1");
    clinic.close().await;
}
