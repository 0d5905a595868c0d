//! F148, F149: what patients ask for, decided here or in OpenEMR's dashboard: who is behind it, who is told, and that nothing
//! is half done.

use std::io::Write;
use std::process::Command;
use std::process::Stdio;

use anteroom::db::sql::Sql;
use anteroom::emr::php;
use anteroom::worker::telling;
use anteroom::worker::telling::Of;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::chart::both;
use crate::fhir::chart::manager;
use crate::fhir::chart::put;
use crate::fhir::chart::read;
use crate::fhir::message::WRITES;
use crate::fhir::reach;
use crate::fhir::write::FHIR;

/// A patient with nothing that waits asks for another city; the path of the Task, and that of the chart.
async fn moved(clinic: &Clinic, own: &str, city: &str) -> (String, String) {
    let sean = clinic.patients("active").nth(1).expect("a second patient");
    let path = format!("/fhir/Patient/{}", sean.id);
    let mut chart = read(clinic, own, &path).await;
    let at = home(&chart);
    chart["address"][at]["city"] = json!(city);
    let waits = put(clinic, own, &chart).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
    (task_of(&waits), path)
}

fn home(chart: &Value) -> usize {
    let all = chart["address"].as_array().expect("addresses");
    let home = all.iter().position(|one| one["use"] == "home");
    home.expect("a home")
}

fn task_of(waits: &Answer) -> String {
    let id = waits.header("location").split("/Task/").nth(1);
    let id = id.expect("a Task").split('/').next().unwrap_or_default();
    format!("/fhir/Task/{id}")
}

/// Decides, as staff would: `status`, and what else is to be said.
pub(super) async fn decided(clinic: &Clinic, staff: &str, at: &str, also: Value) -> Answer {
    let mut task = read(clinic, staff, at).await;
    for (name, value) in also.as_object().expect("an object") {
        task[name] = value.clone();
    }
    put(clinic, staff, &task).await
}

async fn letters(clinic: &Clinic) -> String {
    let count =
        "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox WHERE letter = 'reviewed'";
    clinic.look(count).await
}

/// The roles of a Provenance's agents and who they are.
fn agents(origin: &Value) -> Vec<(String, String)> {
    let all = origin["agent"].as_array().expect("agents").iter();
    all.map(|one| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let who = &one["who"];
        let named = match who["reference"].is_string() {
            true => text(&who["reference"]),
            false => text(&who["display"]),
        };
        (text(&one["type"]["coding"][0]["code"]), named)
    })
    .collect()
}

#[tokio::test]
async fn f148_provenance_says_who_asked_through_which_app_and_who_agreed() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let (at, chart) = moved(&clinic, &own, "Ysleta").await;
        let staff = manager(&clinic).await;
        let done = decided(&clinic, &staff, &at, json!({"status": "completed"})).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let target = chart.trim_start_matches("/fhir/");
        let found = read(&clinic, &own, &format!("/fhir/Provenance?target={target}")).await;
        let all = agents(&found["entry"][0]["resource"]);
        let who = |role: &str| {
            let one = all.iter().find(|(known, _)| known == role);
            one.map(|(_, who)| who.clone()).unwrap_or_default()
        };
        assert_eq!(who("author"), target, "{all:?}");
        assert!(who("verifier").starts_with("Practitioner/"), "{all:?}");
        assert!(!who("assembler").is_empty(), "{all:?}");
        // What staff change later was not asked for by the patient.
        let later = Sql::new(
            "UPDATE patient_data SET last_updated = '2030-01-01 00:00:00', date = '2030-01-01 00:00:00' WHERE city = 'Ysleta'",
        );
        clinic.app.emr.db.run(later).await.expect("changes");
        let found = read(&clinic, &own, &format!("/fhir/Provenance?target={target}")).await;
        let all = agents(&found["entry"][0]["resource"]);
        assert!(all.iter().all(|(role, _)| role != "verifier"), "{all:?}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_a_letter_says_that_a_request_was_decided_once_and_not_what() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let (at, _) = moved(&clinic, &own, "Ysleta").await;
        let look = || async {
            telling::look(clinic.app.as_ref(), Of::Reviews)
                .await
                .expect("a look")
        };
        assert_eq!(look().await, 0, "what waits is no news");
        let staff = manager(&clinic).await;
        let refused = json!({"status": "rejected", "statusReason": {"text": "Bring a bill."}});
        let done = decided(&clinic, &staff, &at, refused).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let looks = futures_util::future::join_all((0..4).map(|_| look())).await;
        assert_eq!(
            looks.iter().sum::<usize>(),
            1,
            "of many servers one tells it"
        );
        assert_eq!(letters(&clinic).await, "1");
        let told = "SELECT told AS text FROM anteroom_outbox WHERE letter = 'reviewed'";
        assert_eq!(clinic.look(told).await, "{}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_what_openemrs_dashboard_decided_is_seen_here_and_told() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", sean.id);
        let mut chart = read(&clinic, &own, &path).await;
        let home = home(&chart);
        chart["address"][home]["city"] = json!("Ysleta");
        chart["address"][home]["postalCode"] = json!("79907");
        let waits = put(&clinic, &own, &chart).await;
        let at = task_of(&waits);
        // As the dashboard does: staff took the city, left the postal code, and committed.
        let db = &clinic.app.emr.db;
        let row = clinic
            .look("SELECT CAST(MAX(id) AS CHAR) AS text FROM onsite_portal_activity WHERE activity = 'profile'")
            .await;
        let row: i64 = row.parse().expect("a row");
        let pid = "(SELECT patient_id FROM onsite_portal_activity WHERE id = ?)";
        let take = Sql::new("UPDATE patient_data SET city = 'Ysleta' WHERE pid = ").push(pid);
        db.run(take.bind(row)).await.expect("takes over");
        let close = Sql::new(
            "UPDATE onsite_portal_activity SET pending_action = 'completed', action_taken = 'accept', status = 'closed', \
             action_user = (SELECT id FROM users WHERE username = 'nhaddad') WHERE id = ?",
        );
        db.run(close.bind(row)).await.expect("closes");
        let sent = telling::look(clinic.app.as_ref(), Of::Reviews)
            .await
            .expect("a look");
        assert_eq!(sent, 1);
        let told = read(&clinic, &own, &at).await;
        assert_eq!(told["status"], "completed");
        assert_eq!(told["businessStatus"]["text"], "Taken over in part");
        assert_eq!(
            told["output"][0]["type"]["text"],
            "refused: Patient.address.postalCode"
        );
        assert_eq!(told["output"].as_array().map(Vec::len), Some(1));
        clinic.close().await;
    }
}

/// A document that a patient sends; the path of its Task, and its id.
pub(super) async fn sent(clinic: &Clinic, own: &str) -> (String, String) {
    let paper = json!({"resourceType": "DocumentReference", "status": "current", "content": [{"attachment":
        {"contentType": "text/plain", "data": STANDARD.encode("A letter"), "title": "letter & co.txt"}}]});
    let to = ("/fhir/DocumentReference", own);
    let made = clinic.with_body("POST", to, FHIR, paper.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let staff = manager(clinic).await;
    let waiting = "/fhir/Task?code=review-document&status=requested";
    let task = read(clinic, &staff, waiting).await["entry"][0]["resource"].clone();
    assert_eq!(
        task["focus"]["reference"],
        format!("DocumentReference/{id}")
    );
    assert_eq!(task["description"], "letter & co.txt");
    let at = format!("/fhir/Task/{}", task["id"].as_str().unwrap_or_default());
    (at, id)
}

#[tokio::test]
async fn f150_a_document_is_accepted_under_a_category_or_refused_with_a_reason() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, WRITES).await;
        let staff = manager(&clinic).await;
        let category = "SELECT c.name AS text FROM documents d JOIN categories_to_documents l ON l.document_id = d.id \
            JOIN categories c ON c.id = l.category_id ORDER BY d.id DESC";
        let (at, id) = sent(&clinic, &own).await;
        assert_eq!(clinic.look(category).await, "Patient");
        let filed = |name: &str| json!({"status": "completed", "output": [{"type": {"text": "category"}, "valueString": name}]});
        let unknown = decided(&clinic, &staff, &at, filed("Nowhere")).await;
        assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(unknown.text().contains("review.category"));
        let done = decided(&clinic, &staff, &at, filed("Lab Report")).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(clinic.look(category).await, "Lab Report");
        let links = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM categories_to_documents WHERE document_id = (SELECT MAX(id) FROM documents)";
        assert_eq!(clinic.look(links).await, "1");
        let upload = "SELECT state AS text FROM anteroom_upload ORDER BY document DESC";
        assert_eq!(clinic.look(upload).await, "accepted");
        let paper = read(&clinic, &own, &format!("/fhir/DocumentReference/{id}")).await;
        assert_eq!(paper["status"], "current");

        let (at, _) = sent(&clinic, &own).await;
        let reason = json!({"text": "Not readable. Please take the picture again."});
        let refused = json!({"status": "rejected", "statusReason": reason});
        let done = decided(&clinic, &staff, &at, refused.clone()).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let deleted = "SELECT CAST(deleted AS CHAR) AS text FROM documents ORDER BY id DESC";
        assert_eq!(clinic.look(deleted).await, "1");
        assert_eq!(clinic.look(upload).await, "rejected");
        let told = read(&clinic, &own, &at).await;
        assert_eq!(told["statusReason"], reason);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f150_a_document_of_another_chart_is_neither_filed_nor_deleted() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, WRITES).await;
        let staff = manager(&clinic).await;
        let (at, _) = sent(&clinic, &own).await;
        // Staff saw in OpenEMR that it belongs to somebody else.
        let last = "(SELECT number FROM (SELECT MAX(id) AS number FROM documents) AS newest)";
        let elsewhere =
            Sql::new("UPDATE documents SET foreign_id = foreign_id + 1 WHERE id = ").push(last);
        clinic.app.emr.db.run(elsewhere).await.expect("moves");
        let late = decided(&clinic, &staff, &at, json!({"status": "completed"})).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
        assert_eq!(read(&clinic, &staff, &at).await["status"], "requested");
        let refused = json!({"status": "rejected", "statusReason": {"text": "Not yours."}});
        let done = decided(&clinic, &staff, &at, refused).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let deleted = "SELECT CAST(deleted AS CHAR) AS text FROM documents ORDER BY id DESC";
        assert_eq!(clinic.look(deleted).await, "0");
        clinic.close().await;
    }
}

/// What a PHP script prints about what it is given.
fn php_says(script: &str, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("php")
        .args(["-r", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("php-cli is installed: ./test does it");
    let mut stdin = child.stdin.take().expect("a pipe");
    let given = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&given));
    let done = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads");
    assert!(done.status.success(), "{}", done.status);
    done.stdout
}

/// Texts with everything that could lead a counter of bytes astray, different each time and the same each run.
fn odd_texts() -> Vec<Vec<(String, String)>> {
    const BITS: [&str; 14] = [
        "a", "é", "漢", "🙂", "\"", "'", "\\", "\n", "\r\n", ";", "}", "s:1:\"", "\u{202e}",
        "&amp;",
    ];
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut dice = move |sides: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).unwrap_or_default() % sides
    };
    let arrays = (0..500).map(|_| {
        let entries = dice(12);
        let entry = |number: usize, dice: &mut dyn FnMut(usize) -> usize| {
            let length = dice(10);
            let text: String = (0..length).map(|_| BITS[dice(BITS.len())]).collect();
            (format!("key_{number}{}", BITS[dice(4)]), text)
        };
        (0..entries)
            .map(|number| entry(number, &mut dice))
            .collect()
    });
    arrays.collect()
}

#[test]
fn f148_php_reads_what_we_serialise_and_we_read_what_php_does() {
    let arrays = odd_texts();
    let ours: Vec<String> = arrays
        .iter()
        .map(|entries| {
            let pairs: Vec<(&str, &str)> = entries
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            STANDARD.encode(php::array(&pairs))
        })
        .collect();
    let script = r#"
        while (($line = fgets(STDIN)) !== false) {
            $read = unserialize(base64_decode(trim($line)), ['allowed_classes' => false]);
            if (!is_array($read)) { echo "broken\n"; continue; }
            $pairs = [];
            foreach ($read as $name => $text) { $pairs[] = [(string)$name, $text]; }
            echo json_encode($pairs, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE), "\t",
                base64_encode(serialize($read)), "\n";
        }
    "#;
    let said = php_says(script, ours.join("\n").as_bytes());
    let said = String::from_utf8(said).expect("UTF-8");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), arrays.len());
    for (line, entries) in lines.iter().zip(&arrays) {
        let (read, theirs) = line.split_once('\t').expect("PHP reads it");
        let read: Vec<(String, String)> = serde_json::from_str(read).expect("pairs");
        assert_eq!(&read, entries);
        let theirs = STANDARD.decode(theirs).expect("base64");
        let theirs = String::from_utf8(theirs).expect("UTF-8");
        let ours = php::read(&theirs).expect("we read it");
        let ours: Vec<(String, String)> = ours
            .into_iter()
            .map(|(name, value)| (name, value.text().unwrap_or_default()))
            .collect();
        assert_eq!(&ours, entries);
    }
}

#[tokio::test]
async fn f148_php_reads_the_row_of_a_wish_as_openemrs_dashboard_does() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let city = "Zürich \"Öst\" 漢🙂; }";
        moved(&clinic, &own, city).await;
        let row = clinic
            .look("SELECT table_args AS text FROM onsite_portal_activity WHERE activity = 'profile' AND status = 'waiting' ORDER BY id DESC")
            .await;
        let script = "$read = unserialize(stream_get_contents(STDIN), ['allowed_classes' => false]); \
            echo json_encode($read, JSON_THROW_ON_ERROR);";
        let read: Value = serde_json::from_slice(&php_says(script, row.as_bytes())).expect("JSON");
        assert_eq!(read["city"], city);
        assert_eq!(read["note"], "");
        assert!(read["lname"].as_str().is_some_and(|name| !name.is_empty()));
        // A second wish is merged into the one row that waits.
        moved(&clinic, &own, "Troy").await;
        let rows = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_portal_activity WHERE activity = 'profile' \
            AND status = 'waiting' AND pending_action = 'review' AND table_args LIKE '%Troy%'";
        assert_eq!(clinic.look(rows).await, "1");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f164_staff_without_the_right_decide_nothing() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let (at, _) = moved(&clinic, &own, "Ysleta").await;
        let clinician = reach::token(&clinic, Some("dlee"), None, "user/*.cruds").await;
        let read = clinic.get(&at, &clinician).await;
        assert_eq!(read.status, StatusCode::FORBIDDEN, "{}", read.text());
        clinic.close().await;
    }
}
