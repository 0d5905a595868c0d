//! What staff share and what waits (F150, F151, F158, F159): a document that was taken back is nowhere for its patient, by
//! whatever way it is asked for, and what was refused is told with its reason and without its bytes.

use anteroom::config::papers::Shared;
use anteroom::emr;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use super::reach::token;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;

const FHIR: &str = "application/fhir+json";

const ALL: &str = "patient/*.rs patient/DocumentReference.crus patient/Binary.cr";

const STAFF: &str = "user/DocumentReference.crus user/Binary.cr";

const NOPAT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

const NEWEST: &str = "SELECT CAST(MAX(id) AS CHAR) AS text FROM documents";

fn paper(patient: &str, category: Option<&str>) -> Value {
    let mut body = json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": format!("Patient/{patient}")},
        "content": [{"attachment": {
            "contentType": "text/plain",
            "data": STANDARD.encode(b"all is well"),
            "title": "letter.txt"
        }}]
    });
    if let Some(name) = category {
        body["category"] = json!([{"coding": [
            {"system": "https://anteroom.dev/fhir/CodeSystem/document-category", "code": name}
        ]}]);
    }
    body
}

async fn filed(clinic: &Clinic, token: &str, body: &Value) -> String {
    let to = ("/fhir/DocumentReference", token);
    let answer = clinic.with_body("POST", to, FHIR, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// Takes a document back from its patient, or shares it.
async fn patched(clinic: &Clinic, token: &str, (id, shared): (&str, bool)) -> Answer {
    let patch = match shared {
        true => json!([{"op": "remove", "path": "/securityLabel"}]),
        false => json!([{"op": "add", "path": "/securityLabel",
            "value": [{"coding": [{"system": NOPAT, "code": "NOPAT"}]}]}]),
    };
    let path = format!("/fhir/DocumentReference/{id}");
    let kind = "application/json-patch+json";
    clinic
        .with_body("PATCH", (&path, token), kind, patch.to_string())
        .await
}

/// In how many of all the ways a patient's app can ask for it a document is there.
async fn seen(clinic: &Clinic, token: &str, (patient, id): (&str, &str)) -> usize {
    let mut there = 0;
    for path in [
        format!("/fhir/DocumentReference/{id}"),
        format!("/fhir/Binary/{id}"),
        format!("/fhir/DocumentReference/{id}/_history"),
    ] {
        let answer = clinic.get(&path, token).await;
        match answer.status {
            StatusCode::OK => there += 1,
            StatusCode::NOT_FOUND => {}
            other => panic!("{path}: {other} {}", answer.text()),
        }
    }
    for path in [
        format!("/fhir/DocumentReference?patient={patient}&_count=100"),
        format!("/fhir/DocumentReference?_id={id}"),
        format!("/fhir/DocumentReference?_id={id}&_include=DocumentReference:patient"),
        format!("/fhir/Patient?_id={patient}&_revinclude=DocumentReference:patient"),
        format!("/fhir/DocumentReference/$docref?patient={patient}&start=1900-01-01"),
        format!(
            "/fhir/Patient/{patient}/$everything?_type=DocumentReference,Provenance&_count=200"
        ),
        format!("/fhir/Provenance?target=DocumentReference/{id}"),
        format!("/fhir/AuditEvent?patient={patient}&_count=100"),
    ] {
        let answer = clinic.get(&path, token).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text());
        there += usize::from(found(&answer.json(), id));
    }
    // Everything there is, page by page.
    let mut next = Some(format!("/fhir/Patient/{patient}/$everything?_count=200"));
    let mut whole = false;
    while let Some(path) = next {
        let answer = clinic.get(&path, token).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text());
        let bundle = answer.json();
        whole |= found(&bundle, id);
        let links = bundle["link"].as_array().cloned().unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next");
        let url = link.and_then(|link| link["url"].as_str());
        next = url.and_then(|url| url.strip_prefix("http://127.0.0.1:8080").map(str::to_owned));
    }
    there + usize::from(whole)
}

/// Whether an entry of a Bundle is the document, or is about it.
fn found(bundle: &Value, id: &str) -> bool {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().any(|entry| {
        let resource = &entry["resource"];
        let names = |value: &Value| {
            let name = value["reference"].as_str();
            name.is_some_and(|name| name.ends_with(&format!("/{id}")))
        };
        let lines = resource["entity"].as_array().cloned().unwrap_or_default();
        resource["id"] == id
            || names(&resource["target"][0])
            || lines.iter().any(|line| names(&line["what"]))
    })
}

async fn sharing(clinic: Clinic) {
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, ALL).await;
    let staff = token(&clinic, Some("dlee"), None, STAFF).await;
    let id = filed(&clinic, &staff, &paper(&maria.id, Some("Lab Report"))).await;
    let own = (maria.id.as_str(), id.as_str());
    let all = seen(&clinic, &mine, own).await;
    assert!(all >= 8, "f151: shared by default, seen {all} ways");

    let taken = patched(&clinic, &staff, (&id, false)).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
    assert_eq!(
        taken.json()["securityLabel"][0]["coding"][0]["code"],
        "NOPAT"
    );
    assert_eq!(seen(&clinic, &mine, own).await, 0, "f151: taken back");
    // Staff see it all the same, and what it was before is kept.
    let path = format!("/fhir/DocumentReference/{id}");
    assert_eq!(clinic.get(&path, &staff).await.status, StatusCode::OK);
    let bytes = clinic.get(&format!("/fhir/Binary/{id}"), &staff).await;
    assert_eq!(bytes.bytes, b"all is well");
    let history = clinic.get(&format!("{path}/_history"), &staff).await.json();
    assert_eq!(history["total"], 2, "{history}");

    let given = patched(&clinic, &staff, (&id, true)).await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.text());
    assert_eq!(seen(&clinic, &mine, own).await, all, "f151: shared again");
    let deeds = clinic
        .look("SELECT CONCAT_WS('|', SUM(CASE WHEN action = 'DocumentReference.unshare' THEN 1 ELSE 0 END), \
            SUM(CASE WHEN action = 'DocumentReference.share' THEN 1 ELSE 0 END)) AS text \
            FROM anteroom_audit WHERE outcome = 'success'")
        .await;
    assert_eq!(deeds, "1|1");

    // Nobody but staff says so, and nothing but the one label is kept.
    let refused = patched(&clinic, &mine, (&id, false)).await;
    assert!(refused.status.is_client_error(), "{}", refused.text());
    assert_eq!(seen(&clinic, &mine, own).await, all);
    let odd = json!([{"op": "add", "path": "/securityLabel",
        "value": [{"coding": [{"system": NOPAT, "code": "R"}]}]}]);
    let kind = "application/json-patch+json";
    let refused = clinic
        .with_body("PATCH", (&path, &staff), kind, odd.to_string())
        .await;
    assert!(refused.status.is_client_error(), "{}", refused.text());

    // What was taken back and is deleted then was, for the patient, never there; what was shared is gone.
    let shared = filed(&clinic, &staff, &paper(&maria.id, Some("Lab Report"))).await;
    patched(&clinic, &staff, (&id, false)).await;
    emr::seen::look(&clinic.app.emr).await.expect("looked");
    let remove = "UPDATE documents SET deleted = 1";
    clinic.app.emr.db.script(remove).await.expect("deleted");
    for kind in ["DocumentReference", "Binary"] {
        for (id, token, expected) in [
            (&id, &mine, StatusCode::NOT_FOUND),
            (&shared, &mine, StatusCode::GONE),
            (&id, &staff, StatusCode::GONE),
        ] {
            let answer = clinic.get(&format!("/fhir/{kind}/{id}"), token).await;
            assert_eq!(answer.status, expected, "f151: {kind} {}", answer.text());
        }
    }
    clinic.close().await;
}

async fn chosen(clinic: Clinic) {
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, ALL).await;
    let staff = token(&clinic, Some("dlee"), None, STAFF).await;
    let id = filed(&clinic, &staff, &paper(&maria.id, Some("Lab Report"))).await;
    let own = (maria.id.as_str(), id.as_str());
    assert_eq!(seen(&clinic, &mine, own).await, 0, "f151: not chosen");
    let path = format!("/fhir/DocumentReference/{id}");
    let told = clinic.get(&path, &staff).await.json();
    assert_eq!(told["securityLabel"][0]["coding"][0]["code"], "NOPAT");
    patched(&clinic, &staff, (&id, true)).await;
    assert!(seen(&clinic, &mine, own).await >= 8, "f151: chosen");
    // What the patient sent is the patient's (F159), until staff take it back.
    let sent = filed(&clinic, &mine, &paper(&maria.id, None)).await;
    let own = (maria.id.as_str(), sent.as_str());
    assert!(seen(&clinic, &mine, own).await >= 8);
    patched(&clinic, &staff, (&sent, false)).await;
    assert_eq!(seen(&clinic, &mine, own).await, 0);
    // So is what was sent through OpenEMR's own portal, which has no row of ours, once staff filed it elsewhere there.
    let theirs = filed(&clinic, &mine, &paper(&maria.id, None)).await;
    let newest = clinic.look(NEWEST).await;
    let db = &clinic.app.emr.db;
    let gone = format!("DELETE FROM anteroom_upload WHERE document = {newest}");
    db.script(&gone).await.expect("nobody's");
    emr::seen::look(&clinic.app.emr).await.expect("looked");
    let moved = format!(
        "UPDATE categories_to_documents SET category_id = (SELECT MIN(id) FROM categories WHERE name = 'Lab Report') \
         WHERE document_id = {newest}"
    );
    db.script(&moved).await.expect("filed");
    let own = (maria.id.as_str(), theirs.as_str());
    assert!(seen(&clinic, &mine, own).await >= 8, "f159");
    // And a form that was signed, whatever category it was filed under.
    let form = filed(&clinic, &staff, &paper(&maria.id, Some("Lab Report"))).await;
    let own = (maria.id.as_str(), form.as_str());
    assert_eq!(seen(&clinic, &mine, own).await, 0);
    let newest = clinic.look(NEWEST).await;
    let signed = format!(
        "INSERT INTO anteroom_form (document, pid, template, category, put_by, reason, filed, created) \
         SELECT 900001, foreign_id, '', 2, 1, '', id, 0 FROM documents WHERE id = {newest}"
    );
    db.script(&signed).await.expect("signed");
    assert!(seen(&clinic, &mine, own).await >= 8, "f159");
    // What staff then take back stays taken back.
    patched(&clinic, &staff, (&form, false)).await;
    assert_eq!(seen(&clinic, &mine, own).await, 0, "f151");
    clinic.close().await;
}

async fn waiting(clinic: Clinic) {
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, ALL).await;
    let staff = token(&clinic, Some("dlee"), None, STAFF).await;
    let read = async |id: &str, token: &str| {
        let path = format!("/fhir/DocumentReference/{id}");
        clinic.get(&path, token).await
    };
    let first = filed(&clinic, &mine, &paper(&maria.id, None)).await;
    assert_eq!(read(&first, &mine).await.json()["docStatus"], "preliminary");
    let row = clinic.look(NEWEST).await;
    let waits = clinic
        .look("SELECT CONCAT_WS('|', document, state, client_id) AS text FROM anteroom_upload")
        .await;
    assert!(waits.starts_with(&format!("{row}|waiting|")), "{waits}");
    // Staff looked at it.
    clinic
        .app
        .emr
        .db
        .script("UPDATE anteroom_upload SET state = 'accepted'")
        .await
        .expect("decided");
    let told = read(&first, &mine).await.json();
    assert_eq!(told["docStatus"], "final", "f150");
    assert_eq!(
        told["author"][0]["reference"],
        format!("Patient/{}", maria.id),
        "f150: it stays what the patient sent"
    );
    // And refused another.
    let second = filed(&clinic, &mine, &paper(&maria.id, None)).await;
    clinic
        .app
        .emr
        .db
        .script(
            "UPDATE documents SET deleted = 1 WHERE id = (SELECT MAX(document) FROM anteroom_upload WHERE state = 'waiting'); \
             UPDATE anteroom_upload SET state = 'rejected', reason = 'It is not readable.' WHERE state = 'waiting'",
        )
        .await
        .expect("decided");
    let told = read(&second, &mine).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text());
    let told = told.json();
    assert_eq!(told["status"], "entered-in-error", "f150");
    assert_eq!(told["description"], "It is not readable.");
    assert_eq!(told["content"][0]["attachment"]["url"], Value::Null);
    let bytes = clinic.get(&format!("/fhir/Binary/{second}"), &mine).await;
    assert!(
        matches!(bytes.status, StatusCode::NOT_FOUND | StatusCode::GONE),
        "{}",
        bytes.status
    );
    let gone = read(&second, &staff).await.status;
    assert!(matches!(gone, StatusCode::NOT_FOUND | StatusCode::GONE));
    let wrong = format!("/fhir/DocumentReference?patient={}&status=", maria.id);
    for (status, there) in [("current", false), ("entered-in-error", true)] {
        let bundle = clinic.get(&format!("{wrong}{status}"), &mine).await.json();
        assert_eq!(found(&bundle, &second), there, "{status}");
    }
    // A chart that OpenEMR merges into another takes along what waits and what was said.
    let third = filed(&clinic, &mine, &paper(&maria.id, None)).await;
    let old = "UPDATE anteroom_upload SET pid = 900001 WHERE state IN ('waiting', 'rejected')";
    clinic.app.emr.db.script(old).await.expect("merged");
    let told = read(&third, &mine).await.json();
    assert_eq!(told["docStatus"], "preliminary", "f150: {told}");
    assert_eq!(read(&second, &mine).await.status, StatusCode::OK, "f150");
    // What came by OpenEMR's own portal waits for nobody, and somebody else's is nobody's.
    let mut active = clinic.patients("active");
    let sean = active.nth(1).expect("another");
    let theirs = clinic.token(sean, ALL).await;
    for id in [&first, &second, &third] {
        assert_eq!(read(id, &theirs).await.status, StatusCode::NOT_FOUND);
    }
    clinic.close().await;
}

#[tokio::test]
async fn f151_what_staff_take_back_is_nowhere_for_the_patient() {
    sharing(Clinic::open().await).await;
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            sharing(clinic).await;
        }
    }
}

#[tokio::test]
async fn f151_f159_a_practice_may_share_only_what_it_chooses() {
    chosen(Clinic::with(|config| config.papers.shared = Shared::Chosen).await).await;
    for layout in LAYOUTS {
        let change = |config: &mut anteroom::config::Config| config.papers.shared = Shared::Chosen;
        if let Some(clinic) = Clinic::on_mariadb_with(layout, change).await {
            chosen(clinic).await;
        }
    }
}

#[tokio::test]
async fn f150_what_a_patient_sends_waits_until_staff_looked() {
    waiting(Clinic::open().await).await;
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            waiting(clinic).await;
        }
    }
}
