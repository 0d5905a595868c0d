//! Reads that once lost records, told too much, or answered with a fault.

use anteroom::db::Db;
use anteroom::emr::seen;
use axum::http::StatusCode;
use serde_json::Value;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach::ids;
use crate::fhir::reach::next;
use crate::fhir::reach::token;

/// The sandbox on SQLite and, where there is a server, in every layout of OpenEMR.
async fn everywhere() -> Vec<Clinic> {
    let mut all = vec![Clinic::open().await];
    for layout in LAYOUTS {
        all.extend(Clinic::on_mariadb(layout).await);
    }
    all
}

/// The sandbox on SQLite and, where there is a server, on MariaDB.
async fn both() -> Vec<Clinic> {
    let mut all = vec![Clinic::open().await];
    all.extend(Clinic::on_mariadb(LAYOUTS[2]).await);
    all
}

/// The ids of all pages, in their order.
async fn walked(clinic: &Clinic, token: &str, first: &str) -> Vec<String> {
    let mut path = first.to_owned();
    let mut all = Vec::new();
    for _ in 0..500 {
        let answer = clinic.get(&path, token).await;
        all.extend(ids(&answer));
        match next(&answer.json()) {
            Some(link) => path = link,
            None => return all,
        }
    }
    panic!("{first}: the pages do not end");
}

/// SQL takes a tab for a name, and this house does not: a page of such charts is empty and not the last.
#[tokio::test]
async fn a_page_of_relatives_is_not_the_last_because_charts_on_it_have_none() {
    for clinic in both().await {
        let names = "UPDATE patient_data SET contact_relationship = '', phone_contact = '', guardiansname = '\t'";
        let last = "UPDATE patient_data SET guardiansname = 'Ana Kim' WHERE pid = (SELECT pid FROM \
            (SELECT MAX(pid) AS pid FROM patient_data) x)";
        for sql in [names, last] {
            clinic.app.emr.db.script(sql).await.expect("changed");
        }
        let service = token(&clinic, None, None, "system/*.rs").await;
        for count in [1, 2, 5, 200] {
            let path = format!("/fhir/RelatedPerson?_count={count}");
            assert_eq!(walked(&clinic, &service, &path).await.len(), 1, "{count}");
        }
        clinic.close().await;
    }
}

/// A row that cannot be shown takes a place in the statement's answer, not the place of one that can.
#[tokio::test]
async fn a_page_of_tasks_is_not_the_last_because_of_rows_that_are_not_shown() {
    for clinic in both().await {
        let service = token(&clinic, None, None, "system/*.rs").await;
        let before = walked(&clinic, &service, "/fhir/Task?_count=200").await;
        let uuids = "UPDATE patient_data SET uuid = NULL WHERE pid IN (SELECT patient_id FROM onsite_portal_activity) \
            AND pid <> 5";
        clinic.app.emr.db.script(uuids).await.expect("changed");
        for count in [1, 2, 200] {
            let path = format!("/fhir/Task?_count={count}");
            let found = walked(&clinic, &service, &path).await;
            assert_eq!(found.len(), before.len(), "{count}");
        }
        clinic.close().await;
    }
}

/// `ValueSet` and `CodeSystem` are searched like every other type.
#[tokio::test]
async fn lists_of_codes_take_the_parameters_about_the_answer() {
    let clinic = Clinic::open().await;
    let service = token(&clinic, None, None, "system/*.rs").await;
    let get = async |path: &str| clinic.get(&format!("/fhir/{path}"), &service).await;
    let all = get("CodeSystem").await.json();
    let counted = get("CodeSystem?_summary=count").await.json();
    assert_eq!(counted["total"], all["total"]);
    assert!(counted["entry"].is_null(), "{counted}");
    let untold = get("CodeSystem?_total=none&_count=1").await.json();
    assert!(untold["total"].is_null(), "{untold}");
    let part = get("CodeSystem?_elements=url&_count=1").await.json();
    let shown = &part["entry"][0]["resource"];
    assert!(
        shown["concept"].is_null() && shown["title"].is_null(),
        "{shown}"
    );
    assert_eq!(shown["meta"]["tag"][0]["code"], "SUBSETTED", "{shown}");
    let brief = get("CodeSystem?_summary=true&_count=1").await.json();
    assert!(brief["entry"][0]["resource"]["concept"].is_null());
    let titles = |bundle: &Value| -> Vec<String> {
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let title = |entry: &Value| entry["resource"]["title"].as_str().map(str::to_owned);
        entries.iter().filter_map(title).collect()
    };
    let mut sorted = titles(&all);
    sorted.sort();
    sorted.reverse();
    assert_eq!(titles(&get("CodeSystem?_sort=-title").await.json()), sorted);
    let first = get("CodeSystem?_sort=-title&_count=2").await.json();
    let second = clinic
        .get(&next(&first).expect("more"), &service)
        .await
        .json();
    assert_eq!([titles(&first), titles(&second)].concat(), sorted[..4]);
    let missing = get("CodeSystem?url:missing=true").await.json();
    assert_eq!(missing["total"], 0);
    for wrong in [
        "foo:bar=1",
        "_summary=x",
        "_elements=,",
        "_total=x",
        "_count:exact=1",
        "_sort=;",
        "url:missing=x",
    ] {
        let answer = get(&format!("CodeSystem?{wrong}")).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{wrong}: {}",
            answer.text()
        );
    }
    clinic.close().await;
}

/// FHIR's integers have 32 bits.
#[tokio::test]
async fn an_expansion_tells_no_number_that_fhir_has_none_for() {
    let clinic = Clinic::open().await;
    let service = token(&clinic, None, None, "system/*.rs").await;
    for name in ["offset", "count"] {
        let path = format!("/fhir/ValueSet/task-code/$expand?{name}=99999999999999999999");
        let answer = clinic.get(&path, &service).await;
        let told = answer.json();
        for number in [
            &told["expansion"]["offset"],
            &told["expansion"]["parameter"][0]["valueInteger"],
        ] {
            let number = number.as_u64().unwrap_or_default();
            assert!(number <= 2_147_483_647, "{}", answer.text());
        }
    }
    clinic.close().await;
}

/// Case 157: what was never shown to somebody has not gone for them either.
#[tokio::test]
async fn case_157_a_sensitive_visit_that_staff_delete_was_never_there() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let mine = clinic.token(maria, EVERYTHING).await;
        let id = ids(&clinic.get("/fhir/Encounter?_count=1", &mine).await).remove(0);
        let bare = id.replace('-', "");
        let secret =
            format!("UPDATE form_encounter SET sensitivity = 'high' WHERE uuid = X'{bare}'");
        let db = &clinic.app.emr.db;
        db.script(&secret).await.expect("hidden");
        let path = format!("/fhir/Encounter/{id}");
        assert_eq!(clinic.get(&path, &mine).await.status, StatusCode::NOT_FOUND);
        seen::look(&clinic.app.emr).await.expect("looked");
        let gone = format!("DELETE FROM form_encounter WHERE uuid = X'{bare}'");
        db.script(&gone).await.expect("removed");
        assert_eq!(clinic.get(&path, &mine).await.status, StatusCode::NOT_FOUND);
        clinic.close().await;
    }
}

/// Case 122: a version is cut like the record itself.
#[tokio::test]
async fn case_122_a_version_is_cut_to_the_elements_that_are_asked_for() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, EVERYTHING).await;
    let whole = clinic
        .get(&format!("/fhir/Patient/{}", maria.id), &mine)
        .await;
    let version = whole.json()["meta"]["versionId"].clone();
    let version = version.as_str().expect("a version");
    let path = format!("/fhir/Patient/{}/_history/{version}", maria.id);
    assert!(clinic.get(&path, &mine).await.json()["birthDate"].is_string());
    let part = clinic
        .get(&format!("{path}?_elements=gender"), &mine)
        .await
        .json();
    assert!(part["birthDate"].is_null(), "{part}");
    let wrong = clinic.get(&format!("{path}?_summary=x"), &mine).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    clinic.close().await;
}

/// One row each that no screen would write today.
const ODD: [&str; 12] = [
    "UPDATE form_encounter SET date = '0000-00-00 00:00:00', class_code = '??', pc_catid = 999, provider_id = 9999, \
        facility_id = 9999, sensitivity = NULL, reason = '' WHERE id = (SELECT id FROM (SELECT MIN(id) AS id FROM form_encounter) x)",
    "UPDATE form_encounter SET date = '2026-00-00 00:00:00' \
        WHERE id = (SELECT id FROM (SELECT MAX(id) AS id FROM form_encounter) x)",
    "UPDATE onsite_portal_activity SET date = '0000-00-00 00:00:00', table_args = 'a:1:{' WHERE id = 1",
    "INSERT INTO onsite_portal_activity (date, patient_id, activity, status, table_args) \
        VALUES ('2026-00-00 00:00:00', 1, 'profile', 'waiting', 'b:9')",
    "INSERT INTO onsite_portal_activity (date, patient_id, activity, status, action_taken_time, action_user) \
        VALUES ('2026-11-01 00:00:00', 1, 'payment', 'closed', '2026-13-00 00:00:00', -1)",
    "INSERT INTO insurance_data (type, provider, date, pid) VALUES ('tertiary', '999999', '0000-00-00', 1)",
    "INSERT INTO insurance_data (type, provider, date, pid, policy_number, subscriber_relationship) \
        VALUES ('secondary', 'abc', '2026-00-01', 1, '&amp;', '<b>')",
    "UPDATE users SET specialty = '', facility_id = 9999, taxonomy = '', email = 'x', npi = '12' WHERE username = 'dlee'",
    "UPDATE facility SET name = '', facility_npi = 'abc', website = ' '",
    "UPDATE patient_data SET guardiansex = '??', guardiansname = '  x', providerID = -1",
    "INSERT INTO openemr_postcalendar_events (pc_catid, pc_multiple, pc_aid, pc_pid, pc_eventDate, pc_endDate, pc_startTime, \
        pc_endTime, pc_duration, pc_recurrtype, pc_recurrspec, pc_eventstatus, pc_apptstatus) VALUES \
        (2, 0, '5', '', '2026-11-23', '0000-00-00', '25:00:00', '-01:00:00', -5, 1, 'nonsense', 1, '-'), \
        (2, 0, '5', '', '2026-11-23', '2027-12-31', '800:00:00', NULL, 9223372036854775807, 9, 'a:1:{', 1, '-'), \
        (10, 0, '5', '1', '2026-11-23', '9999-12-31', '10:00:00', '09:00:00', 0, 1, \
        'a:5:{s:17:\"event_repeat_freq\";s:1:\"0\";}', 1, '')",
    "INSERT INTO anteroom_audit (at, action, outcome, actor, resource, patient) VALUES \
        (-9223372036854775808, '', '', 'Patient/', '/', NULL), (9223372036854775807, 'x', 'y', 'Patient/x', 'Patient/x', NULL)",
];

/// Facts 1.4, 6.2: one row nobody can read is left out, or shown as far as it can be, and never ends the list.
#[tokio::test]
async fn facts_6_2_odd_rows_of_every_type_are_served_or_left_out() {
    for clinic in everywhere().await {
        let db = &clinic.app.emr.db;
        for sql in ODD {
            let sql = match db {
                Db::Sqlite { .. } => sql
                    .replace("'0000-00-00 00:00:00'", "NULL")
                    .replace("'2026-00-00 00:00:00'", "NULL")
                    .replace("'2026-13-00 00:00:00'", "NULL"),
                Db::MySql(_) => sql.replace("2026-13-00", "2026-00-13"),
            };
            db.script(&sql)
                .await
                .unwrap_or_else(|why| panic!("{sql}: {why:?}"));
        }
        clinic.wait(time::Duration::seconds(90));
        let service = token(&clinic, None, None, "system/*.rs").await;
        for kind in [
            "Encounter",
            "Task",
            "Coverage",
            "Practitioner",
            "PractitionerRole",
            "Organization",
            "Location",
            "Patient",
            "RelatedPerson",
            "Schedule",
            "Slot",
            "AuditEvent",
            "Group",
            "Endpoint",
        ] {
            let few = walked(&clinic, &service, &format!("/fhir/{kind}?_count=50")).await;
            let mut sorted = few.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted.len(), few.len(), "{kind}");
            for id in few.iter().take(3) {
                let read = clinic.get(&format!("/fhir/{kind}/{id}"), &service).await;
                assert_eq!(read.status, StatusCode::OK, "{kind}: {}", read.text());
            }
        }
        for login in clinic.patients("active") {
            let kinds = ["Appointment", "Provenance", "Task", "Coverage"];
            for kind in kinds {
                let path = format!(
                    "/fhir/{kind}?patient={}&_count=200&_revinclude=Provenance:target",
                    login.id
                );
                let answer = clinic.get(&path, &service).await;
                assert_eq!(answer.status, StatusCode::OK, "{kind}: {}", answer.text());
            }
        }
        clinic.close().await;
    }
}
