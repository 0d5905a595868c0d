//! Rotating the signing key on a running server: case 69, from the command line to the key set.

use std::process::Command;

use anteroom::auth::keys;
use anteroom::auth::keys::Rotation;
use anteroom::crypto;
use axum::http::StatusCode;
use serde_json::Value;
use time::Duration;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

/// The ids of the keys that are published.
async fn published(clinic: &Clinic) -> Vec<String> {
    let answer = clinic.get("/oauth2/jwks", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let kid = |key: &Value| key["kid"].as_str().expect("a kid").to_owned();
    let json = answer.json();
    json["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .map(kid)
        .collect()
}

/// The key that a fresh id token names.
async fn signing(clinic: &Clinic) -> String {
    let json = clinic
        .browser()
        .launch(clinic.patient("active"), EVERYTHING)
        .await;
    let token = json["id_token"].as_str().expect("an id token");
    let header = crypto::from_base64url(token.split('.').next().expect("a header"));
    let header: Value = serde_json::from_slice(&header.expect("base64url")).expect("JSON");
    header["kid"].as_str().expect("a kid").to_owned()
}

#[tokio::test]
async fn case_69_a_new_key_is_seen_and_used_without_a_restart() {
    let clinic = Clinic::open().await;
    let db = clinic.app.emr.db.clone();
    let old = signing(&clinic).await;
    assert_eq!(published(&clinic).await, std::slice::from_ref(&old));
    let made = keys::rotate(&db, clinic.app.emr.now(), Rotation::ByHand).await;
    assert!(made.expect("a key"));
    clinic.app.keys.refresh(&db).await.expect("read");
    let both = published(&clinic).await;
    assert_eq!(both.len(), 2);
    assert_eq!(signing(&clinic).await, old);
    clinic.wait(Duration::seconds(keys::PUBLISHED_BEFORE + 1));
    let new = signing(&clinic).await;
    assert_ne!(new, old);
    assert!(both.contains(&new), "it was published before it signed");
    assert_eq!(published(&clinic).await, both);
    clinic.wait(Duration::seconds(keys::PUBLISHED_AFTER));
    assert_eq!(published(&clinic).await, [new]);
    clinic.close().await;
}

#[tokio::test]
async fn the_command_makes_and_lists_keys() {
    let clinic = Clinic::open().await;
    let folder = clinic.folder().to_str().expect("a plain path").to_owned();
    let anteroom = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anteroom"));
        command.env_clear().arg("keys").args(arguments);
        let output = command
            .args(["--data", &folder])
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).expect("text")
    };
    let states = |list: &str| {
        let list: Value = serde_json::from_str(list).expect("JSON");
        let rows = list.as_array().expect("rows").clone();
        let word = |row: &Value| row["state"].as_str().expect("a state").to_owned();
        rows.iter().map(word).collect::<Vec<_>>()
    };
    assert_eq!(states(&anteroom(&["list", "--json"])), ["signing"]);
    let said = anteroom(&["rotate"]);
    assert!(said.contains("next, signs from 20"), "{said}");
    assert_eq!(states(&anteroom(&["list", "--json"])), ["signing", "next"]);
    anteroom(&["rotate", "--now"]);
    let list = anteroom(&["list", "--json"]);
    assert_eq!(states(&list), ["dropped", "dropped", "signing"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    clinic
        .app
        .keys
        .refresh(&clinic.app.emr.db)
        .await
        .expect("read");
    assert_eq!(
        published(&clinic).await,
        [list[2]["kid"].as_str().expect("a kid")]
    );
    clinic.close().await;
}
