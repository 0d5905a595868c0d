//! What OpenEMR's tables hold in real life and no screen would write today (OpenEMR facts 1.4, 6.2, 6.3 and 6.4): on
//! both engines and in every layout it is served, or left out, and never an error.

use anteroom::db::Db;
use axum::http::StatusCode;
use serde_json::Value;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;

/// An hour that never was, ends past midnight in both spellings, lengths nobody meant, days without a time, a provider
/// who is none, and pages whose rows start at the same moment.
const VISITS: &str = "INSERT INTO openemr_postcalendar_events (pc_eid, pc_catid, pc_multiple, pc_aid, pc_pid, pc_title, \
    pc_hometext, pc_eventDate, pc_startTime, pc_endTime, pc_duration, pc_alldayevent, pc_eventstatus, pc_sharing, pc_apptstatus) VALUES \
    (90001, 5, 0, '12abc', 'PID', 'a', 'late', '2031-03-09', '23:30:00', '24:15:00', 0, 0, 1, 1, '-'), \
    (90002, 5, 0, 'junk', 'PID', 'b', 'wraps', '2031-03-10', '23:30:00', '00:15:00', 0, 0, 1, 1, '-'), \
    (90003, 5, 0, NULL, 'PID', 'c', 'endless', '2031-03-11', '09:00:00', NULL, 9223372036854775807, 0, 1, 1, '-'), \
    (90004, 5, 0, '', 'PID', 'd', 'no time', '2031-03-12', NULL, NULL, 900, 0, 1, 1, '-'), \
    (90005, 5, 0, '1', 'PID', 'e', 'midnight', '2031-03-12', '00:00:00', '00:15:00', 900, 0, 1, 1, '-'), \
    (90006, 5, 0, '1', 'PID', 'f', 'all day', '2031-11-02', '08:00:00', '24:00:00', 86400, 1, 1, 1, '-'), \
    (90007, 5, 0, '1', 'PID', 'g', 'skipped hour', '2031-03-09', '02:30:00', '02:45:00', 900, 0, 1, 1, 'own'), \
    (90008, 99, 0, '1', 'PID', 'Fu&#039;s', 'no category', '2031-03-13', '09:00:00', '09:15:00', 900, 0, 1, 1, '-'), \
    (90009, 5, 0, '1', 'PID', 'i', 'zero day', '0000-00-00', '09:00:00', '09:15:00', 900, 0, 1, 1, '-'), \
    (90010, 5, 0, '1', 'PID', 'j', 'mistyped year', '0031-03-13', '09:00:00', '09:15:00', 900, 0, 1, 1, '-'), \
    (90011, 5, 0, '1', 'PID', 'k', 'before railways', '1850-03-13', '09:00:00', '09:15:00', 900, 0, 1, 1, '-'), \
    (90012, 5, 0, '1', 'PIDx', 'l', 'not mine', '2031-03-14', '09:00:00', '09:15:00', 900, 0, 1, 1, '-')";

const LETTERS: &str = "INSERT INTO onsite_mail (date, owner, title, body, sender_id, sender_name, recipient_id, \
    recipient_name, deleted, message_status, mail_chain) VALUES \
    ('0000-00-00 00:00:00', 'OWNER', 'zero', 'x', NULL, NULL, 'OWNER', NULL, 0, 'New', NULL), \
    (NULL, 'OWNER', 'never', '', 'nobody', 'O&#039;Neil', 'OWNER', '', 0, 'New', 0), \
    ('0202-01-01 09:00:00', 'OWNER', 'mistyped', '&lt;b&gt;', 'nobody', '', 'OWNER', '', 0, 'Read', 0)";

const PAPERS: &str = "INSERT INTO documents (id, date, url, mimetype, size, revision, foreign_id, hash, name, storagemethod, \
    path_depth, encrypted, deleted, date_expires, owner) VALUES \
    (90001, '0000-00-00 00:00:00', 'file:///x/y/odd.pdf', NULL, -5, '2026-01-01 00:00:00', PID, NULL, NULL, 0, 1, 0, 0, '0000-00-00 00:00:00', 99), \
    (90002, NULL, NULL, 'no type', NULL, '2026-01-01 00:00:00', PID, '', '', 1, NULL, 1, 0, NULL, NULL), \
    (90003, '0202-01-01 09:00:00', '', 'a/b', 2147483647, '2026-01-01 00:00:00', PID, 'zz', '  ', 0, 9, 2, 0, NULL, 0)";

/// Every page of one record each, by following the links; a link that leads back is found by its record.
async fn walk(clinic: &Clinic, token: &str, first: &str) -> Vec<Value> {
    let base = clinic.app.config.fhir_base();
    let mut path = first.to_owned();
    let mut all: Vec<Value> = Vec::new();
    for _ in 0..400 {
        let answer = clinic.get(&path, token).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        let page = answer.json();
        for entry in page["entry"].as_array().into_iter().flatten() {
            let resource = entry["resource"].clone();
            let again = all.iter().any(|known| known["id"] == resource["id"]);
            assert!(!again, "{first}: twice on the pages: {resource}");
            all.push(resource);
        }
        let links = page["link"].as_array().cloned().unwrap_or_default();
        let next = links.iter().find(|link| link["relation"] == "next");
        match next.and_then(|link| link["url"].as_str()) {
            Some(url) => path = format!("/fhir{}", url.strip_prefix(&base).expect("our own link")),
            None => return all,
        }
    }
    panic!("{first}: the pages do not end");
}

/// Runs a script. SQLite has no date types and so no zero date: the sandbox holds NULL there.
async fn run(clinic: &Clinic, sql: &str) {
    let db = &clinic.app.emr.db;
    let sql = match db {
        Db::Sqlite { .. } => sql.replace("'0000-00-00 00:00:00'", "NULL"),
        Db::MySql(_) => sql.to_owned(),
    };
    db.script(&sql).await.expect("odd rows");
}

fn about<'a>(all: &'a [Value], comment: &str) -> Option<&'a Value> {
    all.iter().find(|one| one["comment"] == comment)
}

async fn the_odd_rows(clinic: Clinic) {
    let maria = clinic.patient("active");
    let uuid = maria.id.replace('-', "").to_uppercase();
    let find = format!(
        "SELECT CONCAT_WS('|', p.pid, a.portal_username) AS text FROM patient_data p \
         JOIN patient_access_onsite a ON a.pid = p.pid WHERE HEX(p.uuid) = '{uuid}'"
    );
    let found = clinic.look(Box::leak(find.into_boxed_str())).await;
    let (pid, owner) = found.split_once('|').expect("the patient's row");
    let token = clinic.token(maria, EVERYTHING).await;
    let before = walk(&clinic, &token, "/fhir/Appointment?_count=7")
        .await
        .len();
    for script in [VISITS, LETTERS, PAPERS] {
        run(&clinic, &script.replace("PID", pid).replace("OWNER", owner)).await;
    }

    for count in ["1", "2", "200"] {
        let visits = walk(
            &clinic,
            &token,
            &format!("/fhir/Appointment?_count={count}"),
        )
        .await;
        assert_eq!(visits.len(), before + 9, "_count={count}");
        let of = |comment: &str| about(&visits, comment).unwrap_or_else(|| panic!("no {comment}"));
        let span = |comment: &str| {
            let text = |name: &str| of(comment)[name].as_str().unwrap_or_default().to_owned();
            (text("start"), text("end"))
        };
        let pair = |start: &str, end: &str| (start.to_owned(), end.to_owned());
        assert_eq!(
            span("late"),
            pair("2031-03-09T23:30:00-04:00", "2031-03-10T00:15:00-04:00")
        );
        assert_eq!(
            span("wraps"),
            pair("2031-03-10T23:30:00-04:00", "2031-03-11T00:15:00-04:00")
        );
        assert_eq!(
            span("endless"),
            pair("2031-03-11T09:00:00-04:00", "2031-03-11T09:00:00-04:00")
        );
        assert_eq!(span("no time").0, "2031-03-12T00:00:00-04:00");
        // The day the clocks go back has 25 hours.
        assert_eq!(
            span("all day"),
            pair("2031-11-02T00:00:00-04:00", "2031-11-03T00:00:00-05:00")
        );
        assert_eq!(span("skipped hour").0, "2031-03-09T03:30:00-04:00");
        assert_eq!(of("late")["participant"].as_array().map(Vec::len), Some(1));
        assert_eq!(of("no category")["appointmentType"]["text"], "Fu's");
        assert_eq!(of("skipped hour")["status"], "booked");
        assert!(
            of("before railways")["start"]
                .as_str()
                .is_some_and(|at| at.starts_with("1850"))
        );
        for absent in ["zero day", "mistyped year", "not mine"] {
            assert!(about(&visits, absent).is_none(), "{absent}");
        }
    }
    let day = walk(
        &clinic,
        &token,
        "/fhir/Appointment?date=2031-11-02&_count=1",
    )
    .await;
    assert_eq!(day.len(), 1, "an event is on its day");
    for kind in ["Communication", "DocumentReference"] {
        let few = walk(&clinic, &token, &format!("/fhir/{kind}?_count=1")).await;
        let many = walk(&clinic, &token, &format!("/fhir/{kind}?_count=200")).await;
        assert_eq!(few, many, "{kind}");
        assert!(many.len() >= 3, "{kind}");
    }
    run(
        &clinic,
        "UPDATE patient_data SET deceased_date = '0000-00-00 00:00:00', sex = '', providerID = 99, \
        DOB = '0198-01-01', race = 'nonsense||white| ', language = 'klingon', status = '??'",
    )
    .await;
    let answer = clinic
        .get(&format!("/fhir/Patient/{}", maria.id), &token)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let chart = answer.json();
    assert!(chart["birthDate"].is_null() && chart["deceasedDateTime"].is_null());
    clinic.close().await;
}

#[tokio::test]
async fn odd_rows_are_served_or_left_out_on_sqlite() {
    the_odd_rows(Clinic::open().await).await;
}

#[tokio::test]
async fn odd_rows_are_served_or_left_out_on_mariadb() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_odd_rows(clinic).await;
        }
    }
}

/// Everything again on a server whose own collation is another than the tables', and with two kinds of tables:
/// MySQL 8 and MariaDB 11.5 are such servers, databases upgraded from 5.x have such tables.
#[tokio::test]
async fn facts_6_4_collations_may_differ() {
    for layout in LAYOUTS {
        let Some(clinic) = Clinic::on_mariadb(layout).await else {
            continue;
        };
        let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
        let kinds = [
            "Patient",
            "Appointment",
            "Communication",
            "DocumentReference",
            "Practitioner",
            "Organization",
            "Location",
            "Task",
            "Schedule",
        ];
        let mut before = Vec::new();
        for kind in kinds {
            before.push(walk(&clinic, &token, &format!("/fhir/{kind}?_count=200")).await);
        }
        let all = "patient_data patient_access_onsite openemr_postcalendar_events openemr_postcalendar_categories users \
            facility uuid_mapping documents categories categories_to_documents globals list_options";
        let collation = "utf8mb4 COLLATE utf8mb4_unicode_ci";
        for table in all.split_whitespace() {
            run(
                &clinic,
                &format!("ALTER TABLE `{table}` CONVERT TO CHARACTER SET {collation}"),
            )
            .await;
        }
        run(
            &clinic,
            "ALTER TABLE users CONVERT TO CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci",
        )
        .await;
        clinic.wait(time::Duration::seconds(30));
        for (kind, before) in kinds.iter().zip(&before) {
            let after = walk(&clinic, &token, &format!("/fhir/{kind}?_count=200")).await;
            assert_eq!(&after, before, "{layout} {kind}");
        }
        clinic.close().await;
    }
}

/// Merging removes a chart, and the next new chart may get its number (OpenEMR facts 1.20 and 6.6). The account it came
/// with ends the grant at its next look-up; until then, while the grant is believed, each statement asks for both.
#[tokio::test]
async fn a_token_of_a_merged_chart_opens_nothing_of_who_got_its_number() {
    let mut clinics = vec![Clinic::open().await];
    clinics.extend(Clinic::on_mariadb("8.2").await);
    for clinic in clinics {
        let maria = clinic.patient("active");
        let token = clinic.token(maria, EVERYTHING).await;
        let first = clinic.get("/fhir/Patient", &token).await;
        assert_eq!(first.json()["total"], 1);
        let uuid = maria.id.replace('-', "");
        run(
            &clinic,
            &format!("UPDATE patient_data SET uuid = X'000000000000400080000000000000FF' WHERE uuid = X'{uuid}'"),
        )
        .await;
        for kind in [
            "Patient",
            "Appointment",
            "Communication",
            "DocumentReference",
        ] {
            let answer = clinic.get(&format!("/fhir/{kind}"), &token).await;
            let shown = answer.json()["entry"].as_array().map_or(0, Vec::len);
            assert_eq!(shown, 0, "case 156: {kind}: {}", answer.text());
        }
        clinic.close().await;
    }
}

/// `status=` with every status there is, with the whole system, and one that OpenEMR never has.
#[tokio::test]
async fn every_way_to_ask_for_all_finds_all() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let count = async |search: &str| {
        walk(&clinic, &token, &format!("/fhir/{search}_count=200"))
            .await
            .len()
    };
    let all = count("Appointment?").await;
    assert!(all > 0);
    let every = "pending,booked,arrived,checked-in,fulfilled,cancelled,noshow,waitlist";
    assert_eq!(count(&format!("Appointment?status={every}&")).await, all);
    let system = "http://hl7.org/fhir/appointmentstatus%7C";
    assert_eq!(count(&format!("Appointment?status={system}&")).await, all);
    assert_eq!(count("Appointment?status=entered-in-error&").await, 0);
    let documents = count("DocumentReference?").await;
    let current = count("DocumentReference?status=current&").await;
    assert_eq!(current, documents);
    assert_eq!(count("DocumentReference?status=entered-in-error&").await, 0);
    // A form has no category of the practice before it is filed.
    let forms = clinic
        .get("/fhir/DocumentReference?_count=200", &token)
        .await;
    let forms = forms.json();
    let forms = forms["entry"].as_array().expect("entries").iter();
    let forms = forms.filter(|entry| entry["resource"]["category"][1].is_null());
    let documents = documents - forms.count();
    let system = "https://anteroom.dev/fhir/CodeSystem/document-category%7C";
    assert_eq!(
        count(&format!("DocumentReference?category={system}&")).await,
        documents
    );
    clinic.close().await;
}
