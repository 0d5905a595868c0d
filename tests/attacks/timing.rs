//! What time tells: another's id takes as long as one nothing ever had, a wrong secret as long as a wrong name.

use std::time::Duration;
use std::time::Instant;

use axum::http::StatusCode;
use serde_json::json;

use super::FORM;
use super::NOBODY;
use super::Two;
use super::call;
use super::found;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::encoded;

/// Runs of each side.
const RUNS: usize = 150;

/// The middle of what each of two pieces of work takes, taken in turn so that a busy moment meets both.
async fn medians(work: &mut impl AsyncFnMut(usize)) -> [Duration; 2] {
    let mut taken = [Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        for (side, times) in taken.iter_mut().enumerate() {
            let begun = Instant::now();
            work(side).await;
            times.push(begun.elapsed());
        }
    }
    taken.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

/// Within a factor of two, and where that is less than a millisecond, within that. What one side really takes longer it
/// takes longer each time; a busy machine does not favour the same side three times.
async fn alike(what: &str, mut work: impl AsyncFnMut(usize)) {
    let mut seen = Vec::new();
    for _ in 0..3 {
        let [one, other] = medians(&mut work).await;
        let apart = one.abs_diff(other);
        if apart < one.min(other) || apart < Duration::from_millis(1) {
            return;
        }
        seen.push((one, other));
    }
    panic!("{what}: {seen:?}");
}

#[tokio::test]
async fn case_198_anothers_id_takes_as_long_as_one_nothing_ever_had() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    for kind in [
        "Patient",
        "Appointment",
        "DocumentReference",
        "Communication",
    ] {
        let path = format!("/fhir/{kind}?_count=5");
        let hidden = found(&clinic, &path, &two.theirs).await;
        let ids = [hidden.first().expect("the victim has one").as_str(), NOBODY];
        alike(kind, async |side| {
            let path = format!("/fhir/{kind}/{}", ids[side]);
            let answer = clinic.get(&path, &two.mine).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
        })
        .await;
        alike(&format!("searching {kind}"), async |side| {
            let path = format!("/fhir/{kind}?_id={}", ids[side]);
            let answer = clinic.get(&path, &two.mine).await;
            assert_eq!(answer.json()["entry"], json!(null));
        })
        .await;
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_199_a_wrong_secret_takes_as_long_as_a_wrong_name() {
    let clinic = Clinic::open().await;
    let known = clinic.app_of("confidential").client_id.clone();
    let names = [known.as_str(), "nobodys-client"];
    let mut bodies = Vec::new();
    alike("client authentication", async |side| {
        let form = encoded(&[
            ("grant_type", "client_credentials"),
            ("client_id", names[side]),
            (
                "client_secret",
                "a-secret-that-is-wrong-but-as-long-as-others",
            ),
        ]);
        let headers = [("content-type", FORM)];
        let answer = call(&clinic, ("POST", "/oauth2/token"), &headers, form).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text());
        bodies.push(answer.json()["error"].clone());
    })
    .await;
    assert!(bodies.iter().all(|error| error == "invalid_client"));
    clinic.close().await;
}
