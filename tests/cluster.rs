//! Three nodes of a Galera cluster, each with a server of its own: a lock is known to one node alone, so that what may
//! happen once must be decided where the nodes compare what was written (`./test cluster` starts them).

mod many;

use std::collections::BTreeMap;
use std::time::Duration;

use anteroom::db::Db;
use anteroom::demo::manifest::PatientLogin;
use futures_util::future::join_all;
use serde_json::Value;

use crate::attacks::crowd::wanted;
use crate::clinic::engine;
use crate::clinic::servers::Replicas;

const ALL: &str = "openid fhirUser launch/patient patient/*.cruds";

/// Times that are wanted, one after the other.
const ROUNDS: usize = 3;

/// Who wants each of them.
const CLIENTS: usize = 200;

const VISITS: &str = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM openemr_postcalendar_events";

/// An answer to one of the servers' callers: status, when to come back, body.
type Told = (u16, String, Value);

async fn ask(request: reqwest::RequestBuilder, token: &str) -> Told {
    let answer = request.bearer_auth(token).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let later = answer.headers().get("retry-after");
    let later = later.and_then(|value| value.to_str().ok());
    let later = later.unwrap_or_default().to_owned();
    let bytes = answer.bytes().await.expect("a body");
    (
        status,
        later,
        serde_json::from_slice(&bytes).unwrap_or_default(),
    )
}

async fn get(servers: &Replicas, at: usize, path: &str, token: &str) -> Told {
    let url = format!("{}{path}", servers.bases[at % servers.bases.len()]);
    ask(servers.web.get(url), token).await
}

/// What was written on one node is on the others a moment later.
async fn known_everywhere(servers: &Replicas, token: &str) {
    for at in 0..servers.bases.len() {
        let mut tries = 0;
        while get(servers, at, "/fhir/Schedule", token).await.0 != 200 {
            tries += 1;
            assert!(tries < 200, "node {at} does not learn of the token");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The count of visits on each node, as soon as they agree.
async fn visits(nodes: &[Db]) -> u32 {
    let mut found = Vec::new();
    for _ in 0..100 {
        found.clear();
        for node in nodes {
            let count = engine::look(node, VISITS).await;
            found.push(count.parse::<u32>().expect("a number"));
        }
        if found.iter().all(|count| *count == found[0]) {
            return found[0];
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the nodes do not agree: {found:?}");
}

/// Free times of the first calendar, and whose it is.
async fn free(servers: &Replicas, token: &str) -> (Value, Vec<Value>) {
    let (status, _, found) = get(servers, 0, "/fhir/Schedule", token).await;
    assert_eq!(status, 200, "{found}");
    let schedule = &found["entry"][0]["resource"];
    let id = schedule["id"].as_str().expect("a calendar");
    let path = format!("/fhir/Slot?schedule={id}&status=free&service-type=office_visit");
    let (status, _, found) = get(servers, 0, &path, token).await;
    assert_eq!(status, 200, "{found}");
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    let starts = entries.iter().map(|entry| &entry["resource"]["start"]);
    let starts = starts.filter(|start| start.is_string()).cloned().collect();
    (schedule["actor"][0]["reference"].clone(), starts)
}

#[tokio::test]
async fn case_194_of_two_hundred_who_want_one_time_on_three_nodes_one_gets_it() {
    let Some(servers) = Replicas::on_cluster().await else {
        return;
    };
    assert!(servers.bases.len() >= 3, "a cluster has three nodes");
    let mut nodes = Vec::new();
    for database in &servers.databases {
        nodes.push(Db::open(database, None).await.expect("the node"));
    }
    let active = |patient: &&PatientLogin| patient.notes == "active";
    let patients: Vec<_> = servers
        .people
        .patients
        .iter()
        .filter(active)
        .take(2)
        .collect();
    let mut tokens = Vec::new();
    for patient in &patients {
        let token = servers.access_of(patient, ALL).await;
        known_everywhere(&servers, &token).await;
        tokens.push(token);
    }
    let (provider, starts) = free(&servers, &tokens[0]).await;
    assert!(starts.len() > ROUNDS, "{starts:?}");
    // Somebody who wants one time may want the next as well: not the neighbours of what was booked.
    let mut told = Vec::new();
    for start in starts.iter().step_by(2).take(ROUNDS) {
        let before = visits(&nodes).await;
        let post = |at: usize| {
            let body = wanted(&patients[at % 2].id, &provider, start);
            let base = &servers.bases[at % servers.bases.len()];
            let request = servers.web.post(format!("{base}/fhir/Appointment"));
            let request = request.header("content-type", "application/fhir+json");
            ask(request.body(body), &tokens[at % 2])
        };
        let answers = join_all((0..CLIENTS).map(post)).await;
        let after = visits(&nodes).await;
        let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
        for (status, ..) in &answers {
            *counts.entry(*status).or_default() += 1;
        }
        eprintln!("{start}: {counts:?}, {} rows", after - before);
        let clear = |(status, _, body): &&Told| {
            let text = body["issue"][0]["details"]["text"].as_str();
            *status == 409 && text.is_some_and(|text| text.contains("Next free: "))
        };
        let clear = answers.iter().filter(clear).count();
        let other = answers
            .iter()
            .find(|(status, ..)| ![201, 409].contains(status));
        told.push((counts, after - before, clear, other.cloned()));
    }
    for (counts, rows, clear, other) in told {
        assert_eq!(counts.get(&201), Some(&1), "{counts:?}");
        assert_eq!(rows, 1, "one row on every node");
        assert_eq!(clear, CLIENTS - 1, "{counts:?}, among them {other:?}");
    }
    for node in nodes {
        node.close().await;
    }
    servers.close().await;
}
