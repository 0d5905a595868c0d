//! Encrypted documents beside a script that knows nothing of this house (`conformance/cipher`): what we seal it opens, and what
//! it seals we read.

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Clinic;
use crate::clinic::engine;

const WRITES: &str = "patient/DocumentReference.crs patient/Binary.cr";

const KEYS: &str = "SELECT CONCAT_WS('|', (SELECT value FROM `keys` WHERE name = 'sixa'), \
    (SELECT value FROM `keys` WHERE name = 'sixb')) AS text";

const NEWEST: &str = "SELECT CONCAT_WS('|', url, hash) AS text FROM documents ORDER BY id DESC";

/// What the script makes of lines of JSON.
fn judged(python: &str, asked: &[Value]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/cipher/document.py");
    let lines: String = asked.iter().map(|one| format!("{one}\n")).collect();
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("a thread").expect("it reads all");
    assert!(output.status.success(), "{}", output.status);
    let text = String::from_utf8(output.stdout).expect("text");
    let told = text.lines().map(serde_json::from_str);
    told.collect::<Result<Vec<Value>, _>>().expect("JSON")
}

async fn sent(clinic: &Clinic, token: &str, bytes: &[u8]) -> (String, PathBuf, String) {
    let request = Request::post("/fhir/Binary")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "text/plain")
        .body(Body::from(bytes.to_vec()));
    let answer = clinic.send(request.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let id = answer.header("location").rsplit('/').next();
    let id = id.expect("an id").to_owned();
    let row = clinic.look(NEWEST).await;
    let (url, hash) = row.split_once('|').expect("a row");
    let path = PathBuf::from(url.strip_prefix("file://").expect("a file"));
    (id, path, hash.to_owned())
}

async fn both_ways(clinic: Clinic, python: &str) {
    let token = clinic.token(clinic.patient("active"), WRITES).await;
    let keys = clinic.look(KEYS).await;
    let (sixa, sixb) = keys.split_once('|').expect("two keys");
    let keys = json!({"sixa": sixa, "sixb": sixb});
    // Around a block of the cipher, and a larger one.
    for length in [1, 15, 16, 17, 100_000] {
        let plain = "ä漢x".repeat(length).into_bytes()[..length.max(6)].to_vec();
        let plain = String::from_utf8_lossy(&plain).into_owned().into_bytes();
        let (id, path, hash) = sent(&clinic, &token, &plain).await;
        let file = std::fs::read_to_string(&path).expect("text on the disk");
        let told = judged(
            python,
            &[
                json!({"keys": keys, "file": file}),
                json!({"keys": keys, "plain": STANDARD.encode(&plain)}),
            ],
        );
        assert_eq!(told[0]["plain"], STANDARD.encode(&plain), "{length}");
        assert_eq!(told[0]["hash"], hash, "{length}");
        let theirs = told[1]["file"].as_str().expect("a file");
        assert_ne!(theirs, file, "another IV");
        std::fs::write(&path, theirs).expect("writes");
        let read = clinic.get(&format!("/fhir/Binary/{id}"), &token).await;
        assert_eq!(read.status, StatusCode::OK, "{}", read.text());
        assert_eq!(read.bytes, plain, "{length}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn f150_a_script_of_strangers_opens_what_we_seal_and_seals_what_we_open() {
    let Some(python) = engine::python() else {
        return;
    };
    both_ways(Clinic::open().await, &python).await;
    for layout in engine::LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            both_ways(clinic, &python).await;
        }
    }
}

/// More than one may take at once: who reads one as a resource asks for no second place and so waits for nobody who does.
#[tokio::test]
async fn f150_however_many_read_a_document_as_a_resource_at_once_all_get_it() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), WRITES).await;
    let (id, path, _) = sent(&clinic, &token, b"secret").await;
    let file = std::fs::read(path).expect("a file");
    assert!(file.starts_with(b"006"), "it is encrypted");
    let address = format!("/fhir/Binary/{id}?_format=json");
    let reads = (0..40).map(|_| clinic.get(&address, &token));
    for read in join_all(reads).await {
        assert_eq!(read.status, StatusCode::OK, "{}", read.text());
        assert_eq!(read.json()["data"], STANDARD.encode(b"secret"));
    }
    clinic.close().await;
}
