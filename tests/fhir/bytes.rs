//! Bytes over HTTP: ranges, conditions, names, and scopes that are cut to a part of the documents.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

async fn get(clinic: &Clinic, (id, token): (&str, &str), headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(format!("/fhir/Binary/{id}"))
        .header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    clinic
        .send(request.body(Body::empty()).expect("a request"))
        .await
}

async fn documents(clinic: &Clinic, token: &str) -> Vec<Value> {
    let found = clinic
        .get("/fhir/DocumentReference?_count=200", token)
        .await
        .json();
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| entry["resource"].clone())
        .collect()
}

fn id(document: &Value) -> &str {
    document["id"].as_str().expect("an id")
}

#[tokio::test]
async fn every_part_of_a_document_can_be_asked_for() {
    let clinic = Clinic::open().await;
    for patient in clinic.patients("active") {
        let token = clinic.token(patient, EVERYTHING).await;
        // Encrypted ones and plain ones alike.
        for document in documents(&clinic, &token).await {
            let at = (id(&document), token.as_str());
            let whole = get(&clinic, at, &[]).await;
            let length = whole.bytes.len();
            assert_eq!(whole.header("accept-ranges"), "bytes");
            assert_eq!(whole.header("content-length"), length.to_string());
            let etag = whole.header("etag").to_owned();
            let part = get(&clinic, at, &[("range", "bytes=2-9"), ("if-range", &etag)]).await;
            assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
            assert_eq!(part.bytes, whole.bytes[2..10]);
            assert_eq!(part.header("content-range"), format!("bytes 2-9/{length}"));
            assert_eq!(part.header("content-length"), "8");
            let end = get(&clinic, at, &[("range", "bytes=-3")]).await;
            assert_eq!(end.bytes, whole.bytes[length - 3..]);
            let behind = get(&clinic, at, &[("range", "bytes=999999999-")]).await;
            assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
            assert_eq!(behind.header("content-range"), format!("bytes */{length}"));
            assert!(behind.bytes.is_empty());
            let other = get(
                &clinic,
                at,
                &[("range", "bytes=2-9"), ("if-range", "\"x\"")],
            )
            .await;
            assert_eq!((other.status, other.bytes.len()), (StatusCode::OK, length));
            let same = get(&clinic, at, &[("if-none-match", &etag)]).await;
            assert_eq!(
                (same.status, same.bytes.len()),
                (StatusCode::NOT_MODIFIED, 0)
            );
            for answer in [&whole, &part, &behind] {
                assert!(
                    answer
                        .header("content-disposition")
                        .starts_with("attachment")
                );
                assert!(answer.header("content-security-policy").contains("sandbox"));
                assert_eq!(answer.header("x-content-type-options"), "nosniff");
            }
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn head_tells_what_get_would_send() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let all = documents(&clinic, &token).await;
    let document = all.first().expect("a document");
    let whole = get(&clinic, (id(document), &token), &[]).await;
    let request = Request::head(format!("/fhir/Binary/{}", id(document)))
        .header("authorization", format!("Bearer {token}"));
    let head = clinic
        .send(request.body(Body::empty()).expect("a request"))
        .await;
    assert_eq!((head.status, head.bytes.len()), (StatusCode::OK, 0));
    for name in [
        "content-length",
        "content-type",
        "etag",
        "content-disposition",
    ] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_136_a_scope_cut_to_a_category_cuts_the_bytes_too() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let all = clinic.token(maria, EVERYTHING).await;
    let own = "https://anteroom.dev/fhir/CodeSystem/document-category";
    let category = |document: &Value| {
        let codes = document["category"][1]["coding"][0]["code"].as_str();
        codes.unwrap_or_default().to_owned()
    };
    let documents = documents(&clinic, &all).await;
    let mut categories = documents.iter().map(category);
    // A form has none before it is filed.
    let first = categories.find(|name| !name.is_empty());
    let first = first.expect("a document");
    assert!(
        documents.iter().any(|document| category(document) != first),
        "two categories"
    );
    let code = first.replace(' ', "%20");
    let cut = format!(
        "launch/patient patient/Binary.r patient/DocumentReference.rs?category={own}|{code}"
    );
    let cut = clinic.token(maria, &cut).await;
    let whole = clinic.token(maria, "launch/patient patient/Binary.r").await;
    let mut closed = 0;
    for document in &documents {
        let expected = match category(document) == first {
            true => StatusCode::OK,
            false => StatusCode::NOT_FOUND,
        };
        assert_eq!(
            get(&clinic, (id(document), &cut), &[]).await.status,
            expected
        );
        assert_eq!(
            get(&clinic, (id(document), &whole), &[]).await.status,
            StatusCode::OK
        );
        closed += usize::from(expected == StatusCode::NOT_FOUND);
    }
    assert!(closed > 0);
    clinic.close().await;
}
