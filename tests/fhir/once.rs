//! What may happen once happens once: conditional creates, and requests that come again.

use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Clinic;
use crate::clinic::servers::Replicas;
use crate::fhir::cancel::CANCEL;
use crate::fhir::cancel::PATCH;
use crate::fhir::cancel::visit;
use crate::fhir::write::FHIR;
use crate::fhir::write::WRITING;
use crate::fhir::write::give;
use crate::fhir::write::message;
use crate::fhir::write::send;
use crate::fhir::write::token_for;

#[tokio::test]
async fn case_146_what_is_created_once_is_created_once() {
    let mut clinics = vec![Clinic::open().await];
    clinics.extend(Clinic::on_mariadb("8.2").await);
    for clinic in clinics {
        let token = token_for(&clinic, WRITING).await;
        let body = message(&clinic, &token).await.to_string();
        let path = "/fhir/Communication";
        // A search that finds it, and one that never finds what is made: at once they are the same.
        for query in [
            "sent=ge2100&status=completed",
            "?status=completed&sent=ge2100-01-02",
        ] {
            let headers = [("content-type", FHIR), ("if-none-exist", query)];
            let post = || send(&clinic, ("POST", path, &token), &headers, &body);
            let answers = join_all((0..60).map(|_| post())).await;
            let created = answers
                .iter()
                .filter(|one| one.status == StatusCode::CREATED);
            assert_eq!(created.count(), 1, "{query}");
            let id = answers[0].json()["id"].clone();
            for answer in &answers {
                let fine = [StatusCode::OK, StatusCode::CREATED].contains(&answer.status);
                assert!(fine, "{} {}", answer.status, answer.text());
                assert_eq!(answer.json()["id"], id);
            }
        }
        let several = [
            ("content-type", FHIR),
            ("if-none-exist", "status=completed"),
        ];
        let answer = send(&clinic, ("POST", path, &token), &several, &body).await;
        assert_eq!(
            answer.status,
            StatusCode::PRECONDITION_FAILED,
            "{}",
            answer.text()
        );
        assert_eq!(answer.issue(), "multiple-matches");
        for wrong in ["", "nonsense=1", "sent=yesterday"] {
            let headers = [("content-type", FHIR), ("if-none-exist", wrong)];
            let answer = send(&clinic, ("POST", path, &token), &headers, &body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_146_two_replicas_create_one() {
    for pair in Replicas::each().await {
        let token = pair.access().await;
        give(&pair.emr.db, WRITING).await;
        let url = |at: usize, path: &str| format!("{}/fhir/{path}", pair.bases[at % 2]);
        let found = pair
            .web
            .get(url(0, "Communication?_count=50"))
            .bearer_auth(&token);
        let found = found.send().await.expect("an answer");
        let found = found.bytes().await.expect("a body");
        let found: Value = serde_json::from_slice(&found).expect("JSON");
        let found = found["entry"].to_string();
        let staff = found
            .split("Practitioner/")
            .nth(1)
            .and_then(|rest| rest.get(..36));
        let body = json!({
            "resourceType": "Communication", "status": "completed",
            "recipient": [{"reference": format!("Practitioner/{}", staff.expect("a letter from staff"))}],
            "topic": {"text": "Once"}, "payload": [{"contentString": "Once"}]
        });
        let posts = (0..200).map(|at| {
            let request = pair.web.post(url(at, "Communication")).bearer_auth(&token);
            let request = request.header("content-type", FHIR);
            let request = request
                .header("if-none-exist", "sent=ge2100")
                .body(body.to_string());
            async move {
                let answer = request.send().await.expect("an answer");
                let status = answer.status().as_u16();
                let bytes = answer.bytes().await.expect("a body");
                let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                (status, json["id"].as_str().unwrap_or_default().to_owned())
            }
        });
        let answers = join_all(posts).await;
        let created = answers.iter().filter(|(status, _)| *status == 201).count();
        let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
        assert_eq!(created, 1, "{statuses:?}");
        assert!(
            statuses.iter().all(|status| [200, 201].contains(status)),
            "{statuses:?}"
        );
        assert!(answers.iter().all(|(_, id)| *id == answers[0].1));
        const MADE: &str = "SELECT COUNT(*) AS total FROM onsite_mail WHERE title = 'Once'";
        let made = pair.count(MADE).await;
        assert!(
            (1..=2).contains(&made),
            "a message has a copy for each end: {made}"
        );
        pair.close().await;
    }
}

#[tokio::test]
async fn a_request_that_comes_again_is_answered_as_before_and_done_once() {
    let mut clinics = vec![Clinic::open().await];
    clinics.extend(Clinic::on_mariadb("7.0.4").await);
    for clinic in clinics {
        let token = token_for(&clinic, WRITING).await;
        let body = message(&clinic, &token).await.to_string();
        let path = "/fhir/Communication";
        let keyed = [("content-type", FHIR), ("idempotency-key", "key-1")];
        let post = |body: String| {
            let (clinic, token) = (&clinic, &token);
            async move { send(clinic, ("POST", path, token), &keyed, &body).await }
        };
        let answers = join_all((0..40).map(|_| post(body.clone()))).await;
        let place = answers[0].header("location").to_owned();
        assert!(!place.is_empty(), "{}", answers[0].text());
        for answer in &answers {
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
            assert_eq!(answer.header("location"), place);
            assert_eq!(answer.json(), answers[0].json());
        }
        let lines = clinic.look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'Communication.create' AND outcome = 'success'").await;
        // One by itself, to see who takes messages, and one under the key.
        assert_eq!(lines, "2");
        let other = post(body.replace("earlier", "later")).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(other.text().contains("Idempotency-Key"), "{}", other.text());
        let kept = clinic
            .look("SELECT answer AS text FROM anteroom_idempotency")
            .await;
        assert!(
            !kept.contains("question") && kept.starts_with("created Communication "),
            "{kept}"
        );
        for key in ["", "a b", &"x".repeat(256)] {
            let headers = [("content-type", FHIR), ("idempotency-key", key)];
            let answer = send(&clinic, ("POST", path, &token), &headers, &body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{key}");
        }
        // A cancellation that comes again is not refused as one of a cancelled visit.
        let visit = visit(&clinic, &token).await;
        let path = format!("/fhir/Appointment/{}", visit["id"].as_str().expect("an id"));
        let keyed = [("content-type", PATCH), ("idempotency-key", "key-2")];
        let cancel = || send(&clinic, ("PATCH", &path, &token), &keyed, CANCEL);
        let answers = join_all((0..20).map(|_| cancel())).await;
        for answer in &answers {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            assert_eq!(answer.json()["status"], "cancelled");
        }
        clinic.close().await;
    }
}
