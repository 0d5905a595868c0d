//! `GET /fhir/Binary/{id}`: a document's bytes, from the folder OpenEMR keeps them in, plain or encrypted.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

#[tokio::test]
async fn f154_every_document_of_the_chart_can_be_opened() {
    let clinic = Clinic::open().await;
    let encrypted = clinic.look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM documents WHERE encrypted = 1 AND deleted = 0").await;
    assert_ne!(
        encrypted, "0",
        "the sandbox stores some as OpenEMR does by default"
    );
    let mut opened = 0;
    for patient in clinic.patients("active") {
        let token = clinic.token(patient, EVERYTHING).await;
        let found = clinic
            .get("/fhir/DocumentReference?_count=200", &token)
            .await
            .json();
        for entry in found["entry"].as_array().cloned().unwrap_or_default() {
            let attachment = &entry["resource"]["content"][0]["attachment"];
            let url = attachment["url"].as_str().expect("a url");
            let path = url
                .strip_prefix("http://127.0.0.1:8080")
                .expect("absolute, our own");
            let answer = clinic.get(path, &token).await;
            assert_eq!(answer.status, StatusCode::OK, "{url}");
            assert_eq!(
                answer.header("content-type"),
                attachment["contentType"].as_str().expect("a type")
            );
            // A form is made into a file when it is asked for.
            if let Some(size) = attachment["size"].as_u64() {
                assert_eq!(answer.bytes.len() as u64, size);
                opened += 1;
            }
            assert!(
                answer
                    .header("content-disposition")
                    .starts_with("attachment; filename=\"")
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(answer.header("content-security-policy").contains("sandbox"));
        }
    }
    assert!(opened > 8, "{opened}");
    clinic.close().await;
}

#[tokio::test]
async fn who_asks_for_fhir_gets_a_binary_resource_with_the_same_bytes() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let found = clinic.get("/fhir/DocumentReference", &token).await.json();
    let id = found["entry"][0]["resource"]["id"]
        .as_str()
        .expect("a document")
        .to_owned();
    let bytes = clinic
        .get(&format!("/fhir/Binary/{id}"), &token)
        .await
        .bytes;
    let request = Request::get(format!("/fhir/Binary/{id}"))
        .header("authorization", format!("Bearer {token}"))
        .header("accept", "application/fhir+json");
    let json = clinic
        .send(request.body(Body::empty()).expect("a request"))
        .await
        .json();
    assert_eq!(json["resourceType"], "Binary");
    let data = STANDARD
        .decode(json["data"].as_str().expect("data"))
        .expect("base64");
    assert_eq!(data, bytes);
    clinic.close().await;
}

#[tokio::test]
async fn case_136_somebody_elses_bytes_are_not_there() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let theirs = clinic.token(sean, EVERYTHING).await;
    let found = clinic.get("/fhir/DocumentReference", &theirs).await.json();
    let id = found["entry"][0]["resource"]["id"]
        .as_str()
        .expect("a document")
        .to_owned();
    let mine = clinic.token(maria, EVERYTHING).await;
    assert_eq!(
        clinic
            .get(&format!("/fhir/Binary/{id}"), &mine)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let narrow = clinic
        .token(sean, "launch/patient patient/DocumentReference.rs")
        .await;
    assert_eq!(
        clinic
            .get(&format!("/fhir/Binary/{id}"), &narrow)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    clinic.close().await;
}

#[tokio::test]
async fn a_file_that_is_gone_or_changed_is_not_found_and_the_rest_goes_on() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let documents = clinic.folder().join("documents");
    let mut folders = vec![documents];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => std::fs::write(entry.path(), "something else").expect("written"),
            }
        }
    }
    let found = clinic
        .get("/fhir/DocumentReference?_count=200", &token)
        .await
        .json();
    let all = found["entry"].as_array().expect("documents").iter();
    let size = |entry: &&Value| entry["resource"]["content"][0]["attachment"]["size"].clone();
    let files: Vec<&Value> = all.filter(|entry| size(entry).is_u64()).collect();
    assert!(!files.is_empty());
    for entry in files {
        let id = entry["resource"]["id"].as_str().expect("an id");
        let answer = clinic.get(&format!("/fhir/Binary/{id}"), &token).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "the hash does not fit any more"
        );
    }
    clinic.close().await;
}
