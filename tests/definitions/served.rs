//! The definitions over HTTP: without a token, for every origin, as FHIR's read and search want it.

use anteroom::fhir::definitions;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;

use crate::clinic::Answer;
use crate::clinic::Clinic;

const FORM: &str = "application/x-www-form-urlencoded";

async fn ask(clinic: &Clinic, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    clinic
        .send(request.body(Body::empty()).expect("a request"))
        .await
}

#[tokio::test]
async fn anybody_reads_every_definition_from_every_origin() {
    let clinic = Clinic::open().await;
    for kind in definitions::KINDS {
        for known in definitions::all(kind) {
            let path = format!("/fhir/{kind}/{}", known.id);
            let answer = ask(&clinic, "GET", &path, &[("origin", "https://app.test")]).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.bytes, known.bytes, "{path}");
            assert_eq!(
                answer.header("content-type"),
                "application/fhir+json; charset=utf-8"
            );
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            let etag = answer.header("etag").to_owned();
            let again = ask(&clinic, "GET", &path, &[("if-none-match", &etag)]).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
            assert!(again.bytes.is_empty() && again.header("etag") == etag);
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn a_search_finds_by_url_and_leads_to_the_read() {
    let clinic = Clinic::open().await;
    for kind in definitions::KINDS {
        let all = ask(&clinic, "GET", &format!("/fhir/{kind}"), &[])
            .await
            .json();
        assert_eq!(all["total"], definitions::all(kind).count(), "{kind}");
        for entry in all["entry"].as_array().expect("entries") {
            let url = entry["resource"]["url"].as_str().expect("a URL");
            let path = format!("/fhir/{kind}?url={url}");
            let one = ask(&clinic, "GET", &path, &[]).await.json();
            assert_eq!(one["total"], 1, "{path}");
            assert_eq!(one["entry"][0], *entry, "{path}");
            let full = entry["fullUrl"].as_str().expect("a URL");
            let place = full.find("/fhir/").expect("below the base");
            let read = ask(&clinic, "GET", &full[place..], &[]).await;
            assert_eq!(read.json(), entry["resource"], "{full}");
            let link = one["link"][0]["url"].as_str().expect("a self link");
            assert!(
                link.contains(&format!("/fhir/{kind}?url=https%3A%2F%2F")),
                "{link}"
            );
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn a_posted_search_is_the_same_search() {
    let clinic = Clinic::open().await;
    let request = Request::post("/fhir/StructureDefinition/_search?_count=1")
        .header("content-type", FORM)
        .body(Body::from("name=Message"))
        .expect("a request");
    let posted = clinic.send(request).await.json();
    let path = "/fhir/StructureDefinition?_count=1&name=Message";
    let got = ask(&clinic, "GET", path, &[]).await.json();
    assert_eq!(posted, got);
    assert_eq!(
        (&got["total"], &got["link"][1]["relation"]),
        (&3.into(), &"next".into())
    );
    let json = ask(
        &clinic,
        "POST",
        "/fhir/StructureDefinition/_search",
        &[("content-type", "application/json")],
    )
    .await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    clinic.close().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_in_fhirs_words() {
    let clinic = Clinic::open().await;
    for (method, path, headers, status) in [
        ("GET", "/fhir/StructureDefinition/none", [("x", "")], 404),
        ("GET", "/fhir/StructureDefinition/%ff", [("x", "")], 404),
        ("GET", "/fhir/StructureDefinition/reason", [("x", "")], 404),
        (
            "PUT",
            "/fhir/StructureDefinition/emr-status",
            [("x", "")],
            405,
        ),
        (
            "DELETE",
            "/fhir/StructureDefinition/emr-status",
            [("x", "")],
            405,
        ),
        ("POST", "/fhir/StructureDefinition", [("x", "")], 405),
        ("GET", "/fhir/StructureDefinition/_search", [("x", "")], 405),
        (
            "GET",
            "/fhir/StructureDefinition?_count=x",
            [("x", "")],
            400,
        ),
        (
            "GET",
            "/fhir/StructureDefinition?url:below=x",
            [("x", "")],
            400,
        ),
        (
            "GET",
            "/fhir/StructureDefinition?colour=red",
            [("prefer", "handling=strict")],
            400,
        ),
        (
            "GET",
            "/fhir/StructureDefinition",
            [("accept", "application/xml")],
            406,
        ),
        (
            "GET",
            "/fhir/StructureDefinition/emr-status?_format=xml",
            [("x", "")],
            406,
        ),
    ] {
        let answer = ask(&clinic, method, path, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{path}");
    }
    clinic.close().await;
}
