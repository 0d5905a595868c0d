//! `$sign`, what it leaves behind, and that nothing changes it afterwards.

use axum::http::StatusCode;
use serde_json::json;

use super::SIGNS;
use super::answers;
use super::at_home;
use super::everywhere;
use super::of_title;
use super::parameters;
use super::provenance;
use crate::clinic::Clinic;

const FHIR: &str = "application/fhir+json";

/// The id of the demo's form.
async fn form(clinic: &Clinic, token: &str) -> String {
    let found = clinic
        .get("/fhir/Task?code=review-form", token)
        .await
        .json();
    let focus = found["entry"][0]["resource"]["focus"]["reference"]
        .as_str()
        .unwrap_or_else(|| panic!("no focus in {found}"));
    focus.trim_start_matches("DocumentReference/").to_owned()
}

#[tokio::test]
async fn f153_an_app_signs_and_the_provenance_has_the_signature() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let id = form(&clinic, &own).await;
        // What it asks it says itself, in a search as in a read, as long as it can be answered.
        let read = format!("/fhir/DocumentReference/{id}");
        let open = clinic.get(&read, &own).await.json();
        let asks = &open["contained"][0];
        assert_eq!(asks["resourceType"], "Questionnaire", "{open}");
        assert_eq!(open["context"]["related"][0]["reference"], "#questions");
        let items = asks["item"].as_array().expect("items");
        let asked = items.iter().find(|item| item["linkId"] == "3");
        assert_eq!(
            asked.expect("a question")["text"],
            "Illnesses and operations"
        );
        let found = clinic
            .get(&format!("/fhir/DocumentReference?_id={id}"), &own)
            .await
            .json();
        assert_eq!(found["entry"][0]["resource"], open);
        let path = format!("{read}/$sign");
        let unsigned = parameters(" ").to_string();
        let refused = clinic
            .with_body("POST", (&path, &own), FHIR, unsigned)
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text().contains("form.unsigned"),
            "{}",
            refused.text()
        );
        let body = parameters("María Delgado").to_string();
        let done = clinic
            .with_body("POST", (&path, &own), FHIR, body.clone())
            .await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(done.json()["docStatus"], "preliminary");
        assert_eq!(done.json().get("contained"), None);
        let origin = provenance(&clinic, &own, &id).await;
        let signature = &origin["signature"][0];
        assert_eq!(signature["type"][0]["code"], "1.2.840.10065.1.12.1.1");
        assert_eq!(signature["sigFormat"], "image/svg+xml");
        assert!(
            signature["data"]
                .as_str()
                .is_some_and(|data| data.len() > 50)
        );
        assert_eq!(
            signature["who"]["reference"],
            format!("Patient/{}", maria.id)
        );
        let hash = origin["entity"][0]["what"]["identifier"]["value"]
            .as_str()
            .expect("a hash");
        let kept = clinic
            .look("SELECT hash AS text FROM anteroom_signature")
            .await;
        assert_eq!(hash, kept);
        assert_eq!(hash.len(), 128);
        let twice = clinic.with_body("POST", (&path, &own), FHIR, body).await;
        assert_eq!(twice.status, StatusCode::CONFLICT, "{}", twice.text());
        assert!(twice.text().contains("document-locked"), "{}", twice.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn f157_nothing_changes_a_signed_form() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let id = form(&clinic, &own).await;
        let path = format!("/fhir/DocumentReference/{id}");
        let body = parameters("María Delgado").to_string();
        let sign = format!("{path}/$sign");
        let done = clinic.with_body("POST", (&sign, &own), FHIR, body).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let mut changed = done.json();
        changed["description"] = json!("something else");
        let put = clinic
            .with_body("PUT", (&path, &own), FHIR, changed.to_string())
            .await;
        assert_eq!(put.status, StatusCode::CONFLICT, "{}", put.text());
        assert!(put.text().contains("document-locked"), "{}", put.text());
        let patch = json!([{"op": "replace", "path": "/docStatus", "value": "final"}]);
        let patched = clinic
            .with_body(
                "PATCH",
                (&path, &own),
                "application/json-patch+json",
                patch.to_string(),
            )
            .await;
        assert_eq!(patched.status, StatusCode::CONFLICT, "{}", patched.text());
        // What somebody changes in OpenEMR's tables is told, here and on the page.
        clinic
            .app
            .emr
            .db
            .script("UPDATE onsite_documents SET full_document = CONCAT(full_document, ' ') WHERE id = 1")
            .await
            .expect("it runs");
        let told = clinic.get(&path, &own).await.json();
        assert_eq!(told["docStatus"], "amended", "{told}");
        let (mut home, _) = at_home(&clinic, maria).await;
        let page = home.get(&format!("/account/forms/{id}")).await.text();
        assert!(page.contains("changed after it was signed"), "{page}");
        // A review in OpenEMR that locks it writes into it too, and is told as what it is.
        clinic
            .app
            .emr
            .db
            .script("UPDATE onsite_documents SET denial_reason = 'Locked' WHERE id = 1")
            .await
            .expect("it runs");
        let page = home.get(&format!("/account/forms/{id}")).await.text();
        assert!(
            page.contains("Staff completed the form in OpenEMR"),
            "{page}"
        );
        clinic.close().await;
    }
}

#[tokio::test]
async fn f153_of_two_who_sign_at_once_one_does() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let id = form(&clinic, &own).await;
        let path = format!("/fhir/DocumentReference/{id}/$sign");
        let body = parameters("María Delgado").to_string();
        let asks = (0..6).map(|_| clinic.with_body("POST", (&path, &own), FHIR, body.clone()));
        let answers = futures_util::future::join_all(asks).await;
        let well = answers
            .iter()
            .filter(|answer| answer.status == StatusCode::OK);
        assert_eq!(well.count(), 1);
        let rest = answers
            .iter()
            .filter(|answer| answer.status == StatusCode::CONFLICT);
        assert_eq!(rest.count(), 5);
        let signatures = clinic
            .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_signature")
            .await;
        assert_eq!(signatures, "1");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f158_f159_where_the_practice_says_so_it_is_locked_and_filed_at_once() {
    let mut all = vec![Clinic::with(|config| config.automatic_forms = true).await];
    let newest = crate::clinic::engine::LAYOUTS[2];
    all.extend(Clinic::on_mariadb_with(newest, |config| config.automatic_forms = true).await);
    for clinic in all {
        let maria = clinic.patient("active");
        let (mut home, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Medical History");
        let page = home.get(&path).await;
        let signed = home.post(&path, &answers(&page)).await;
        assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text());
        let row = clinic
            .look(
                "SELECT CONCAT_WS('|', denial_reason, accept_signed_status, authorizing_signator) AS text \
                 FROM onsite_documents WHERE id = 1",
            )
            .await;
        // Nobody looked through it, so nobody is named.
        assert_eq!(row, "Locked|1|");
        let queue = clinic
            .look(
                "SELECT CONCAT_WS('|', pending_action, action_taken, status, action_user) AS text \
                 FROM onsite_portal_activity WHERE activity = 'document' ORDER BY id DESC",
            )
            .await;
        assert_eq!(queue, "completed|accept|closed|0");
        let own = clinic.token(maria, SIGNS).await;
        let id = path.rsplit('/').next().expect("an id");
        let form = clinic
            .get(&format!("/fhir/DocumentReference/{id}"), &own)
            .await
            .json();
        assert_eq!(form["docStatus"], "final", "{form}");
        // The document of the chart is the patient's too, and says what it was made of.
        let found = clinic
            .get("/fhir/DocumentReference?_count=200", &own)
            .await
            .json();
        let entries = found["entry"].as_array().expect("documents");
        let filed = entries
            .iter()
            .map(|entry| &entry["resource"])
            .find(|one| one["relatesTo"][0]["code"] == "transforms")
            .unwrap_or_else(|| panic!("nothing filed: {found}"));
        let target = filed["relatesTo"][0]["target"]["reference"].as_str();
        assert_eq!(target, Some(format!("DocumentReference/{id}").as_str()));
        assert!(
            filed["category"].to_string().contains("Reviewed"),
            "{filed}"
        );
        let binary = filed["id"].as_str().expect("an id");
        let bytes = clinic.get(&format!("/fhir/Binary/{binary}"), &own).await;
        assert!(bytes.bytes.starts_with(b"%PDF"));
        clinic.close().await;
    }
}
