//! `anteroom explain ID`: the number somebody reads on a page leads an operator to what happened.

use std::process::Command;
use std::process::Output;

use anteroom::store::ledger;
use axum::http::StatusCode;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

fn explain(clinic: &Clinic, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anteroom"));
    command.env_clear().arg("explain").args(arguments);
    command.arg("--data").arg(clinic.folder());
    command.output().expect("the program starts")
}

#[tokio::test]
async fn a_refused_token_request_is_explained_by_its_number() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let code = browser.code(maria, EVERYTHING).await;
    assert_eq!(browser.exchange(&code).await.status, StatusCode::OK);
    let refused = browser.exchange(&code).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let id = refused.header("x-request-id").to_owned();

    let told = explain(&clinic, &[&id]);
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    for part in [
        id.as_str(),
        "America/New_York",
        "reason  code-replay",
        "reason  invalid_grant",
        "(demo-public)",
        "came a second time",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(&code), "no secret");

    let json = explain(&clinic, &["--json", &id]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["request_id"], id.as_str());
    assert_eq!(json["lines"][0]["action"], "grant.revoke");
    assert_eq!(json["lines"][1]["client_id"], "demo-public");
    clinic.close().await;
}

#[tokio::test]
async fn a_number_nobody_was_told_is_said_to_be_unknown() {
    let clinic = Clinic::open().await;
    for id in ["made-up", "-starts-with-a-hyphen", ""] {
        let told = explain(&clinic, &[id]);
        assert_eq!(told.status.code(), Some(1), "{id}");
        assert!(told.stdout.is_empty(), "{id}");
        let said = String::from_utf8_lossy(&told.stderr);
        assert!(
            said.contains("no line of a request") && said.contains(id),
            "{said}"
        );
    }
    clinic.close().await;
}

#[tokio::test]
async fn both_engines_find_the_lines_of_exactly_this_request() {
    let mut clinics = vec![Clinic::open().await];
    clinics.extend(Clinic::on_mariadb("8.2").await);
    for clinic in clinics {
        let maria = clinic.patient("active");
        let mut browser = clinic.browser();
        let code = browser.code(maria, EVERYTHING).await;
        let id = browser
            .exchange(&code)
            .await
            .header("x-request-id")
            .to_owned();
        let db = &clinic.app.emr.db;
        let lines = ledger::of_request(db, &id).await.expect("lines");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].action, "token.issue");
        assert_eq!(lines[0].actor, format!("Patient/{}", maria.id));
        assert!(lines[0].client_name.is_some());
        let swapped: String = id
            .chars()
            .map(|c| match c.is_ascii_lowercase() {
                true => c.to_ascii_uppercase(),
                false => c.to_ascii_lowercase(),
            })
            .collect();
        for other in [swapped, format!("{id} "), String::new(), "é".to_owned()] {
            let none = ledger::of_request(db, &other).await.expect("an answer");
            assert_eq!(none, Vec::new(), "{other:?}");
        }
        clinic.close().await;
    }
}
