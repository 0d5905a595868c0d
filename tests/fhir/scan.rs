//! A real clamd looks through what is sent (F150): what it finds something in is nowhere, and while it is away nothing is taken.

use anteroom::config::papers::Clamd;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::engine;

const WRITES: &str = "patient/DocumentReference.crs patient/Binary.cr";

/// The signature that `./test` gives the daemon.
const INFECTED: &[u8] = b"before anteroom test signature after";

const EVERYTHING: &str = "SELECT CONCAT_WS('|', (SELECT COUNT(*) FROM documents), (SELECT COUNT(*) FROM anteroom_upload), \
    (SELECT COUNT(*) FROM pnotes), (SELECT COUNT(*) FROM uuid_registry)) AS text";

async fn inline(clinic: &Clinic, token: &str, bytes: &[u8]) -> Answer {
    let body = json!({"resourceType": "DocumentReference", "status": "current",
        "content": [{"attachment": {"contentType": "text/plain", "data": STANDARD.encode(bytes)}}]});
    let to = ("/fhir/DocumentReference", token);
    let kind = "application/fhir+json";
    clinic.with_body("POST", to, kind, body.to_string()).await
}

async fn spooled(clinic: &Clinic, token: &str, bytes: Vec<u8>) -> Answer {
    let request = Request::post("/fhir/Binary")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "text/plain")
        .body(Body::from(bytes));
    clinic.send(request.expect("a request")).await
}

/// The files below the folder of documents.
pub(super) fn files(clinic: &Clinic) -> usize {
    let mut open = vec![clinic.folder().clone()];
    let mut count = 0;
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).expect("a folder").flatten() {
            match entry.path().is_dir() {
                true => open.push(entry.path()),
                false => count += 1,
            }
        }
    }
    count
}

#[tokio::test]
async fn f150_what_holds_a_virus_is_nowhere() {
    let Some(socket) = engine::clamd() else {
        return;
    };
    let clinic = Clinic::with(|config| config.papers.clamd = Some(Clamd::Unix(socket))).await;
    let token = clinic.token(clinic.patient("active"), WRITES).await;
    let before = (clinic.look(EVERYTHING).await, files(&clinic));
    let mut long = vec![b'x'; 300_000];
    long.extend_from_slice(INFECTED);
    for answer in [
        inline(&clinic, &token, INFECTED).await,
        spooled(&clinic, &token, long).await,
    ] {
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            answer.text()
        );
        let issue = &answer.json()["issue"][0];
        assert_eq!(issue["details"]["coding"][0]["code"], "upload.infected");
    }
    assert_eq!((clinic.look(EVERYTHING).await, files(&clinic)), before);
    let clean = inline(&clinic, &token, b"all is well").await;
    assert_eq!(clean.status, StatusCode::CREATED, "{}", clean.text());
    let clean = spooled(&clinic, &token, vec![b'x'; 3_000_000]).await;
    assert_eq!(clean.status, StatusCode::CREATED, "{}", clean.text());
    clinic.close().await;
}

#[tokio::test]
async fn f150_while_nobody_can_look_nothing_is_taken() {
    for away in [
        Clamd::Unix("/nowhere/clamd.sock".into()),
        Clamd::Tcp("127.0.0.1:1".to_owned()),
    ] {
        let clinic = Clinic::with(|config| config.papers.clamd = Some(away)).await;
        let token = clinic.token(clinic.patient("active"), WRITES).await;
        let before = (clinic.look(EVERYTHING).await, files(&clinic));
        for answer in [
            inline(&clinic, &token, b"all is well").await,
            spooled(&clinic, &token, b"all is well".to_vec()).await,
        ] {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.text().contains("viruses"), "{}", answer.text());
        }
        // What is refused anyhow is not looked through.
        let refused = spooled(&clinic, &token, b"MZ\x90\0\x03\0".to_vec()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!((clinic.look(EVERYTHING).await, files(&clinic)), before);
        clinic.close().await;
    }
}
