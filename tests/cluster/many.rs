//! Many times that many want, each another one: on a cluster bookings are in each other's way though their times are not,
//! and everybody must get through all the same.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use futures_util::future::join_all;
use serde_json::Value;

use crate::attacks::crowd::wanted;
use crate::clinic::servers::Replicas;

const ALL: &str = "openid fhirUser launch/patient patient/*.cruds";

/// Who asks at once; each for a time of his own.
const CLIENTS: usize = 60;

/// How often somebody who is told to come back does.
const COMINGS: usize = 10;

async fn found(servers: &Replicas, at: usize, path: &str, token: &str) -> (u16, Value) {
    let url = format!("{}{path}", servers.bases[at]);
    let answer = servers.web.get(url).bearer_auth(token).send().await;
    let answer = answer.expect("an answer");
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.expect("a body");
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// The resources of a search on the first node.
async fn all(servers: &Replicas, path: &str, token: &str) -> Vec<Value> {
    let (status, found) = found(servers, 0, path, token).await;
    assert_eq!(status, 200, "{found}");
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    let resources = entries.iter().map(|entry| entry["resource"].clone());
    resources.collect()
}

/// Books one time, coming back as often as told; the statuses on the way.
async fn booked(servers: &Replicas, at: usize, body: &str, token: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    while statuses.len() < COMINGS {
        let url = format!(
            "{}/fhir/Appointment",
            servers.bases[at % servers.bases.len()]
        );
        let request = servers.web.post(url).bearer_auth(token);
        let request = request.header("content-type", "application/fhir+json");
        let answer = request.body(body.to_owned()).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        statuses.push(status);
        if status != 503 {
            let text = answer.text().await.expect("a body");
            assert_eq!(status, 201, "{text}");
            break;
        }
        let later = answer.headers().get("retry-after");
        let later = later.and_then(|value| value.to_str().ok());
        let later: u64 = later.expect("when to come back").parse().expect("seconds");
        tokio::time::sleep(Duration::from_secs(later)).await;
    }
    statuses
}

#[tokio::test]
async fn case_194_of_many_who_want_different_times_on_three_nodes_each_gets_one() {
    let Some(servers) = Replicas::on_cluster().await else {
        return;
    };
    let token = servers.access_of(servers.patient(), ALL).await;
    for at in 0..servers.bases.len() {
        let mut tries = 0;
        while found(&servers, at, "/fhir/Schedule", &token).await.0 != 200 {
            tries += 1;
            assert!(tries < 200, "node {at} does not learn of the token");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let mut bodies = Vec::new();
    for calendar in all(&servers, "/fhir/Schedule", &token).await {
        let id = calendar["id"].as_str().expect("a calendar");
        let path =
            format!("/fhir/Slot?schedule={id}&status=free&service-type=office_visit&_count=200");
        for slot in all(&servers, &path, &token).await {
            let provider = &calendar["actor"][0]["reference"];
            bodies.push(wanted(&servers.patient().id, provider, &slot["start"]));
        }
    }
    // From all calendars alike.
    let step = bodies.len() / CLIENTS;
    assert!(step > 0, "{} free times", bodies.len());
    let bodies: Vec<&String> = bodies.iter().step_by(step).take(CLIENTS).collect();
    let begun = Instant::now();
    let asked = bodies.iter().enumerate();
    let asked = asked.map(|(at, body)| booked(&servers, at, body, &token));
    let statuses = join_all(asked).await;
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    for status in statuses.iter().flatten() {
        *counts.entry(*status).or_default() += 1;
    }
    eprintln!("{CLIENTS} times: {counts:?} in {:?}", begun.elapsed());
    assert_eq!(counts.get(&201), Some(&CLIENTS), "{statuses:?}");
    servers.close().await;
}
