//! One time that everybody wants, over several server processes and beside somebody who writes into OpenEMR's calendar
//! without asking us: exactly one gets it, and everybody else reads what is free next (`security.md`, F13 and F19).

use std::collections::BTreeMap;
use std::time::Duration;

use anteroom::db::Db;
use anteroom::db::sql::Sql;
use anteroom::demo::manifest::PatientLogin;
use futures_util::future::join;
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

/// What a careful writer beside us does in one statement: OpenEMR's own row, where nothing begins then.
const CAREFUL: &str = "INSERT INTO openemr_postcalendar_events (pc_catid, pc_multiple, pc_aid, pc_pid, pc_title, pc_time, \
    pc_hometext, pc_informant, pc_eventDate, pc_duration, pc_recurrtype, pc_recurrspec, pc_startTime, pc_endTime, \
    pc_alldayevent, pc_apptstatus, pc_prefcatid, pc_location, pc_eventstatus, pc_sharing, pc_facility) \
    SELECT 5, 0, ?, '1', 'Office Visit', ?, 'by hand', '1', ?, 900, 0, '', ?, ?, 0, '-', 0, '', 1, 1, 0 \
    FROM users u WHERE u.id = 1";

const UNLESS: &str = " AND NOT EXISTS (SELECT 1 FROM openemr_postcalendar_events e WHERE e.pc_aid = ? \
    AND e.pc_eventDate = ? AND e.pc_startTime = ?)";

const THEN: &str = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM openemr_postcalendar_events \
    WHERE pc_aid = ? AND pc_eventDate = ? AND pc_startTime = ?";

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

/// Two hundred clients of two patients want one time, over all servers: one gets it, and the others are told so with what
/// is free next.
pub(crate) async fn of_two_hundred_one_gets_it(servers: &Replicas) {
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
        known_everywhere(servers, &token).await;
        tokens.push(token);
    }
    let (provider, starts) = free(servers, &tokens[0]).await;
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
}

#[tokio::test]
async fn case_194_of_two_hundred_who_want_one_time_over_two_processes_one_gets_it() {
    for servers in Replicas::each().await {
        of_two_hundred_one_gets_it(&servers).await;
        servers.close().await;
    }
}

/// Who writes into the calendar past us: provider's row, day and time.
struct Hand<'a> {
    db: &'a Db,
    provider: i64,
    day: &'a str,
    clock: &'a str,
}

impl Hand<'_> {
    fn row(&self) -> Sql {
        Sql::new(CAREFUL)
            .bind(self.provider.to_string())
            .bind(format!("{} 00:00:00", self.day))
            .bind(self.day)
            .bind(self.clock)
            .bind(self.clock)
    }

    /// Writes where nothing begins then; whether it did.
    async fn careful(&self) -> bool {
        let sql = self.row().push(UNLESS);
        let sql = sql.bind(self.provider.to_string()).bind(self.day);
        let done = self.db.run(sql.bind(self.clock)).await;
        done.expect("it is written or not") > 0
    }

    /// Writes without a look, as OpenEMR's portal does.
    async fn careless(&self) {
        self.db.run(self.row()).await.expect("it is written");
    }

    async fn rows(&self) -> u32 {
        let sql = Sql::new(THEN).bind(self.provider.to_string());
        let sql = sql.bind(self.day).bind(self.clock);
        engine::look_at(self.db, sql)
            .await
            .parse()
            .expect("a number")
    }
}

#[tokio::test]
async fn f19_somebody_who_writes_past_us_at_the_same_time_shares_no_time_with_us() {
    for servers in Replicas::each().await {
        let active = |patient: &&PatientLogin| patient.notes == "active";
        let patient = servers.people.patients.iter().find(active);
        let patient = patient.expect("an active patient");
        let token = servers.access_of(patient, ALL).await;
        let (provider, starts) = free(&servers, &token).await;
        let id = provider
            .as_str()
            .and_then(|text| text.split('/').next_back());
        let id: uuid::Uuid = id.expect("an id").parse().expect("a uuid");
        let row = Sql::new("SELECT CAST(id AS CHAR) AS text FROM users WHERE uuid = ?").bind(id);
        let row = engine::look_at(&servers.emr.db, row).await;
        let hand = |start: &'_ str| {
            let (day, rest) = start.split_once('T').expect("an instant");
            (day.to_owned(), rest[..8].to_owned())
        };
        let clients = |start: &Value| {
            let body = wanted(&patient.id, &provider, start);
            let (servers, token) = (&servers, &token);
            join_all((0..20).map(move |at| {
                let base = &servers.bases[at % 2];
                let request = servers.web.post(format!("{base}/fhir/Appointment"));
                let request = request.header("content-type", "application/fhir+json");
                ask(request.body(body.clone()), token)
            }))
        };
        let won = |answers: &[Told]| answers.iter().filter(|one| one.0 == 201).count();
        let known = |answers: &[Told]| {
            let strange = answers.iter().find(|one| ![201, 409].contains(&one.0));
            assert_eq!(strange, None);
        };
        for start in starts.iter().step_by(2).take(6) {
            let (day, clock) = hand(start.as_str().expect("a start"));
            let hand = Hand {
                db: &servers.emr.db,
                provider: row.parse().expect("a row"),
                day: &day,
                clock: &clock,
            };
            let past_us = join_all((0..4).map(|_| hand.careful()));
            let (answers, written) = join(clients(start), past_us).await;
            known(&answers);
            let theirs = written.iter().filter(|done| **done).count();
            assert_eq!(won(&answers) + theirs, 1, "{start}: {theirs} by hand");
            assert_eq!(hand.rows().await, 1, "{start}");
        }
        // What OpenEMR wrote first is seen by whoever comes after, without a look of its own.
        let start = starts.get(14).expect("free time");
        let (day, clock) = hand(start.as_str().expect("a start"));
        let hand = Hand {
            db: &servers.emr.db,
            provider: row.parse().expect("a row"),
            day: &day,
            clock: &clock,
        };
        hand.careless().await;
        let answers = clients(start).await;
        known(&answers);
        assert_eq!(won(&answers), 0);
        servers.close().await;
    }
}
