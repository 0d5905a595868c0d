//! What a token opens, how it must be shown, and that it opens nothing once what it stands on is gone.

use std::time::Duration;

use anteroom::fhir::RESOURCES;
use axum::http::StatusCode;
use futures_util::future::join_all;

use super::FHIR;
use super::FORM;
use super::Two;
use super::call;
use super::found;
use super::token;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::reach;

#[tokio::test]
async fn case_151_a_token_is_taken_from_one_header_of_its_own_server_and_nowhere_else() {
    let clinic = Clinic::open().await;
    let other = Clinic::open().await;
    let maria = clinic.patient("active");
    let json = clinic.browser().launch(maria, EVERYTHING).await;
    let text = |name: &str| json[name].as_str().expect("a token").to_owned();
    let (access, refresh) = (text("access_token"), text("refresh_token"));
    let own = format!("/fhir/Patient/{}", maria.id);
    let good = format!("Bearer {access}");
    let with = [("authorization", good.as_str())];
    let fine = call(&clinic, ("GET", &own), &with, "").await;
    assert_eq!(fine.status, StatusCode::OK);
    let elsewhere = call(&other, ("GET", &own), &with, "").await;
    assert_eq!(elsewhere.status, StatusCode::UNAUTHORIZED);
    for header in [
        format!("Bearer {refresh}"),
        format!("Bearer {}", text("id_token")),
        format!("Basic {access}"),
        format!("Token {access}"),
        format!("Bearer {access}, Bearer {access}"),
        format!("Bearer  {access}"),
        format!("Bearer {access} x"),
        format!("Bearer\t{access}"),
        format!("Bearer {}", &access[..access.len() - 1]),
        access.clone(),
    ] {
        let headers = [("authorization", header.as_str())];
        let answer = call(&clinic, ("GET", &own), &headers, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Bearer"), "{header}: {challenge}");
    }
    let twice = [("authorization", good.as_str()), ("authorization", &good)];
    let basic = [("authorization", "Basic eDp5"), ("authorization", &good)];
    for headers in [&twice[..], &basic[..]] {
        let answer = call(&clinic, ("GET", &own), headers, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
    }
    let pair = format!("access_token={access}");
    let form = [("content-type", FORM)];
    let cookie = [("cookie", pair.as_str())];
    for (method, path, headers, body) in [
        ("GET", format!("{own}?{pair}"), &[][..], ""),
        ("GET", format!("/fhir/Patient?{pair}"), &[][..], ""),
        ("POST", "/fhir/Patient/_search".to_owned(), &form[..], &pair),
        ("GET", own.clone(), &cookie[..], ""),
    ] {
        let answer = call(&clinic, (method, &path), headers, body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    let ledger = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit \
        WHERE INSTR(CONCAT_WS('|', resource, reason, actor), 'at_') > 0";
    assert_eq!(clinic.look(ledger).await, "0", "no token in the ledger");
    clinic.close().await;
    other.close().await;
}

#[tokio::test]
async fn case_153_mixed_scopes_add_up_and_never_reach_beyond_the_user() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let mixed = "launch/patient patient/Appointment.read patient/Patient.rs";
    let mixed = token(&clinic, two.maria, mixed).await;
    for (path, status) in [
        (format!("/fhir/Patient/{}", two.maria.id), 200),
        ("/fhir/Appointment".to_owned(), 200),
        ("/fhir/DocumentReference".to_owned(), 403),
        (format!("/fhir/Patient/{}", two.sean.id), 404),
    ] {
        let answer = clinic.get(&path, &mixed).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
    }
    let written = clinic
        .with_body("POST", ("/fhir/Appointment", &mixed), FHIR, "{}")
        .await;
    assert_eq!(written.status, StatusCode::FORBIDDEN, "v1 read writes");
    // A patient who is given user scopes is still one patient.
    let user = token(&clinic, two.maria, "launch/patient user/*.cruds").await;
    let mine = found(&clinic, "/fhir/Patient?_count=200", &user).await;
    assert_eq!(mine, std::slice::from_ref(&two.maria.id));
    let read = clinic
        .get(&format!("/fhir/Patient/{}", two.sean.id), &user)
        .await;
    assert_eq!(read.status, StatusCode::NOT_FOUND);
    // Staff who chose nobody: a patient scope then opens nobody's records.
    let nobody = reach::token(&clinic, Some("nhaddad"), None, "patient/*.cruds").await;
    for served in RESOURCES
        .iter()
        .filter(|one| one.kind.in_patient_compartment())
    {
        let kind = served.kind.name();
        for path in [
            format!("/fhir/{kind}"),
            format!("/fhir/{kind}/{}", two.maria.id),
            format!("/fhir/{kind}?patient={}", two.maria.id),
        ] {
            let answer = clinic.get(&path, &nobody).await;
            let closed = [403, 404, 405].contains(&answer.status.as_u16());
            assert!(closed, "{path}: {} {}", answer.status, answer.text());
        }
    }
    clinic.close().await;
}

/// Every type's list, as this token gets it: the answers that were no refusal.
async fn opened(clinic: &Clinic, token: &str) -> Vec<(String, String)> {
    let mut opened = Vec::new();
    for served in RESOURCES {
        let path = format!("/fhir/{}?_count=200", served.kind.name());
        let answer = clinic.get(&path, token).await;
        if answer.status.is_success() {
            opened.push((path, answer.text()));
        }
    }
    opened
}

#[tokio::test]
async fn case_154_what_cannot_be_looked_up_is_denied_and_never_everything() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let staff = reach::token(&clinic, Some("nhaddad"), None, "user/*.rs").await;
    let db = &clinic.app.emr.db;
    let script = async |sql: String| db.script(&sql).await.expect("it runs");
    let before = opened(&clinic, &two.mine).await.len();
    assert!(before > 10, "{before}");
    for table in [
        "anteroom_token",
        "anteroom_grant",
        "anteroom_client",
        "patient_access_onsite",
        "patient_data",
        "globals",
    ] {
        for emptied in [false, true] {
            script(format!("CREATE TABLE kept AS SELECT * FROM {table}")).await;
            match emptied {
                true => script(format!("DELETE FROM {table}")).await,
                false => script(format!("ALTER TABLE {table} RENAME TO away")).await,
            }
            // The practice's settings are believed for a second.
            clinic.wait(time::Duration::seconds(2));
            for served in RESOURCES {
                let path = format!("/fhir/{}", served.kind.name());
                let answer = clinic.get(&path, &two.mine).await;
                let denied = [401, 403, 500, 503].contains(&answer.status.as_u16());
                assert!(denied, "{table} {emptied}: {path} {}", answer.status);
                assert_eq!(answer.json()["resourceType"], "OperationOutcome");
            }
            match emptied {
                true => script(format!("INSERT INTO {table} SELECT * FROM kept")).await,
                false => script(format!("ALTER TABLE away RENAME TO {table}")).await,
            }
            script("DROP TABLE kept".to_owned()).await;
            clinic.wait(time::Duration::seconds(2));
        }
    }
    assert_eq!(opened(&clinic, &two.mine).await.len(), before, "mended");
    // The rights of staff: without their tables nothing is open, and nobody is everybody.
    let before = opened(&clinic, &staff).await.len();
    assert!(before > 3, "{before}");
    for table in [
        "gacl_acl",
        "gacl_aco_map",
        "gacl_aro",
        "gacl_aro_groups",
        "gacl_groups_aro_map",
        "gacl_aro_groups_map",
    ] {
        for emptied in [false, true] {
            script(format!("CREATE TABLE kept AS SELECT * FROM {table}")).await;
            match emptied {
                true => script(format!("DELETE FROM {table}")).await,
                false => script(format!("ALTER TABLE {table} RENAME TO away")).await,
            }
            clinic.app.tokens.clear();
            for kind in ["Patient", "Appointment", "Communication", "AuditEvent"] {
                let path = format!("/fhir/{kind}?_count=200");
                let answer = clinic.get(&path, &staff).await;
                let nothing = answer.status.is_success() && answer.json()["total"] == 0;
                let denied = [401, 403, 500, 503].contains(&answer.status.as_u16());
                let told = answer.text();
                assert!(denied || nothing, "{table} {emptied}: {path} {told}");
            }
            match emptied {
                true => script(format!("INSERT INTO {table} SELECT * FROM kept")).await,
                false => script(format!("ALTER TABLE away RENAME TO {table}")).await,
            }
            script("DROP TABLE kept".to_owned()).await;
        }
    }
    clinic.app.tokens.clear();
    assert_eq!(opened(&clinic, &staff).await.len(), before, "mended");
    clinic.close().await;
}

#[tokio::test]
async fn case_156_what_staff_take_away_ends_within_a_second() {
    let changes = [
        (
            "the patient's switch",
            "UPDATE patient_data SET allow_patient_portal = 'NO' WHERE pid = 1",
        ),
        (
            "the patient's switch for apps",
            "UPDATE patient_data SET prevent_portal_apps = 'YES' WHERE pid = 1",
        ),
        (
            "a merge into another chart",
            "DELETE FROM patient_data WHERE pid = 1",
        ),
        (
            "the account",
            "DELETE FROM patient_access_onsite WHERE pid = 1",
        ),
        (
            "a death, at which OpenEMR itself does not look (facts 2.1)",
            "UPDATE patient_data SET deceased_date = '2026-01-01 00:00:00' WHERE pid = 1",
        ),
        (
            "the password",
            "UPDATE patient_access_onsite SET portal_pwd = 'x' WHERE pid = 1",
        ),
        ("the app", "UPDATE anteroom_client SET disabled = 1"),
    ];
    join_all(changes.map(|(what, sql)| async move {
        let clinic = Clinic::open().await;
        let two = Two::of(&clinic, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", two.maria.id);
        let before = clinic.get(&path, &two.mine).await;
        assert_eq!(before.status, StatusCode::OK, "{what}");
        clinic.app.emr.db.script(sql).await.expect("a change");
        // As another replica sees it: nothing is told to this process, the look-up just gets old.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let after = clinic.get(&path, &two.mine).await;
        assert_eq!(after.status, StatusCode::UNAUTHORIZED, "{what}");
        if !what.ends_with("app") {
            let other = format!("/fhir/Patient/{}", two.sean.id);
            let other = clinic.get(&other, &two.theirs).await;
            assert_eq!(other.status, StatusCode::OK, "{what}: somebody else's");
        }
        clinic.close().await;
    }))
    .await;
}
