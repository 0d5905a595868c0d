//! Credentials made and reset by staff: printed, told, mailed as a link; by hand under the policy; names that collide.

use std::process::Command;

use anteroom::db::Db;
use anteroom::emr::credentialing;
use anteroom::emr::credentialing::By;
use anteroom::emr::credentialing::New;
use anteroom::emr::credentialing::Written;
use anteroom::emr::standing;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;

use super::portal::codes;
use super::portal::desk;
use super::portal::operate;
use super::portal::parameters;
use super::portal::value;
use super::staff::change;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::authorization;

const MAKE: &str = "portal-credential";

/// Logs in with credentials that were made, chooses others, and gets tokens.
async fn first_login(clinic: &Clinic, (username, password): (&str, &str)) {
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let fields = [("username", username), ("password", password)];
    let answer = browser.submit(&form, &fields).await;
    let page = browser.follow(answer).await;
    assert!(
        page.text().contains("new_password_again"),
        "{}",
        page.text()
    );
    let own = "three plain words";
    let fields = [
        ("username", username),
        ("new_password", own),
        ("new_password_again", own),
    ];
    let answer = browser.submit(&page, &fields).await;
    let page = browser.follow(answer).await;
    assert!(page.text().contains("decision"), "{}", page.text());
}

#[tokio::test]
async fn f014_f017_f018_f019_f020_a_sheet_is_printed_once_and_opens_the_portal() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let walter = clinic.patient("no credentials, e-mail");
    let made = operate(&clinic, &staff, (&walter.id, MAKE), &[("deliver", "print")]).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    assert_eq!(made.header("cache-control"), "no-store");
    let word = |name: &str| value(&made, name).as_str().unwrap_or_default().to_owned();
    let (username, password) = (word("username"), word("oneTimePassword"));
    assert_eq!(username, "walter.kowalski@example.com");
    assert_eq!(password.len(), 12);
    assert_eq!(word("portalUrl"), "http://127.0.0.1:8080/account");
    assert_eq!(word("fhirBase"), "http://127.0.0.1:8080/fhir");
    assert_eq!(value(&made, "mustChange"), true);
    let json = made.json();
    let sheet = json["parameter"].as_array().expect("parameters");
    let sheet = sheet
        .iter()
        .find(|one| one["name"] == "sheet")
        .expect("a sheet");
    assert_eq!(sheet["resource"]["contentType"], "application/pdf");
    // Rows as OpenEMR writes them (facts 2.3).
    let row =
        "SELECT CAST(portal_pwd_status AS CHAR) AS text FROM patient_access_onsite WHERE pid = 6";
    assert_eq!(clinic.look(row).await, "0");
    let name =
        "SELECT CAST(portal_username AS CHAR) AS text FROM patient_access_onsite WHERE pid = 6";
    assert_eq!(clinic.look(name).await, word("accountId"));
    // Shown once: not in the status, not in the ledger, not in the outbox.
    let path = format!("/fhir/Patient/{}/$portal-status", walter.id);
    assert!(!clinic.get(&path, &staff).await.text().contains(&password));
    let kept =
        "SELECT CAST(COALESCE(GROUP_CONCAT(reason), '') AS CHAR) AS text FROM anteroom_audit";
    assert!(!clinic.look(kept).await.contains(&password));
    assert_eq!(
        clinic
            .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox")
            .await,
        "0"
    );
    first_login(&clinic, (&username, &password)).await;
    clinic.close().await;
}

#[tokio::test]
async fn f017_f077_the_sheet_alone_where_pdf_is_asked_for() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let maria = clinic.patient("active");
    for (name, pairs) in [
        (MAKE, &[("deliver", "print")][..]),
        ("portal-reset", &[("mode", "commit")]),
    ] {
        let request = Request::post(format!("/fhir/Patient/{}/${name}", maria.id))
            .header("authorization", format!("Bearer {staff}"))
            .header("content-type", "application/fhir+json")
            .header("accept", "application/pdf")
            .body(Body::from(parameters(pairs)))
            .expect("a request");
        let answer = clinic.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/pdf");
        assert!(answer.bytes.starts_with(b"%PDF-"));
    }
    clinic.close().await;
}

#[tokio::test]
async fn f012_f057_by_mail_goes_a_link_and_never_a_password() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let walter = clinic.patient("no credentials, e-mail");
    change(
        &clinic,
        "UPDATE patient_data SET hipaa_allowemail = 'YES' WHERE pid = 6",
    )
    .await;
    let sent = operate(&clinic, &staff, (&walter.id, MAKE), &[("deliver", "email")]).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    assert!(!sent.text().contains("oneTimePassword"));
    let letter = "SELECT CAST(letter AS CHAR) AS text FROM anteroom_outbox WHERE pid = 6";
    assert_eq!(clinic.look(letter).await, "invite");
    let none = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM patient_access_onsite WHERE pid = 6";
    assert_eq!(clinic.look(none).await, "0");
    clinic.close().await;
    let silent =
        Clinic::with(|config| config.notify.transport = anteroom::config::notify::Transport::Off)
            .await;
    let staff = desk(&silent).await;
    let walter = silent.patient("no credentials, e-mail");
    let refused = operate(&silent, &staff, (&walter.id, MAKE), &[("deliver", "email")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(codes(&refused).contains(&"mail-not-configured".to_owned()));
    let printed = operate(&silent, &staff, (&walter.id, MAKE), &[("deliver", "print")]).await;
    assert_eq!(printed.status, StatusCode::OK, "F014: {}", printed.text());
    silent.close().await;
}

#[tokio::test]
async fn f080_f081_f084_f086_f087_by_hand_needs_access_a_reason_and_two_ticks() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let nobody = clinic.patient("no credentials, no e-mail");
    let told = [
        ("deliver", "in-person"),
        ("reason", "no-email"),
        ("manual", "true"),
        ("username", "by.hand"),
    ];
    let early = operate(&clinic, &staff, (&nobody.id, MAKE), &told).await;
    assert_eq!(codes(&early), ["access-disabled"], "F081");
    // Without an address there is no mailbox that would have to be looked at.
    let enabled = operate(&clinic, &staff, (&nobody.id, "portal-enable"), &[]).await;
    assert_eq!(enabled.status, StatusCode::OK, "{}", enabled.text());
    let made = operate(&clinic, &staff, (&nobody.id, MAKE), &told).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    assert_eq!(value(&made, "username"), "by.hand");
    assert_eq!(
        clinic
            .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox")
            .await,
        "0"
    );
    let line = "SELECT CAST(reason AS CHAR) AS text FROM anteroom_audit WHERE action = 'portal.credential' AND outcome = 'success'";
    assert_eq!(clinic.look(line).await, "deliver=in-person reason=no-email");
    for (pairs, place) in [
        (&[("deliver", "in-person")][..], "reason"),
        (&[("deliver", "print"), ("username", "x.y.z")], "manual"),
        (
            &[
                ("deliver", "print"),
                ("manual", "true"),
                ("password", "three plain words"),
            ],
            "manualPassword",
        ),
    ] {
        let answer = operate(&clinic, &staff, (&nobody.id, MAKE), pairs).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{place}");
        assert!(answer.text().contains(place), "{}", answer.text());
    }
    let off = clinic.patient("not authorised");
    let refused = operate(&clinic, &staff, (&off.id, MAKE), &[("deliver", "print")]).await;
    assert_eq!(codes(&refused), ["access-disabled"]);
    clinic.close().await;
}

#[tokio::test]
async fn f036_f075_f082_f083_names_and_passwords_are_judged_rule_by_rule() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let maria = clinic.patient("active");
    let walter = clinic.patient("no credentials, e-mail");
    let bad = [
        ("deliver", "print"),
        ("manual", "true"),
        ("username", "ab"),
        ("manualPassword", "true"),
        ("password", "aaaa"),
    ];
    let refused = operate(&clinic, &staff, (&walter.id, MAKE), &bad).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        codes(&refused),
        ["username-policy", "password-policy", "password-policy"]
    );
    let taken = maria.username.to_uppercase();
    let pairs = [
        ("deliver", "print"),
        ("manual", "true"),
        ("username", taken.as_str()),
    ];
    let refused = operate(&clinic, &staff, (&walter.id, MAKE), &pairs).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    assert_eq!(codes(&refused), ["username-taken"]);
    // The name there is stays, unless rename=true says otherwise (F083).
    for (rename, expected) in [("false", maria.username.as_str()), ("true", "another.name")] {
        let pairs = [
            ("deliver", "print"),
            ("manual", "true"),
            ("username", "another.name"),
            ("rename", rename),
        ];
        let made = operate(&clinic, &staff, (&maria.id, MAKE), &pairs).await;
        assert_eq!(value(&made, "username"), expected, "{}", made.text());
    }
    for (name, free) in [("fresh.name", true), ("ANOTHER.NAME", false), ("ab", false)] {
        let path = format!(
            "/fhir/Patient/{}/$portal-username-available?value={name}",
            walter.id
        );
        let answer = clinic.get(&path, &staff).await;
        assert_eq!(value(&answer, "available"), free, "{name}");
    }
    let mut last = StatusCode::OK;
    for _ in 0..60 {
        let path = format!(
            "/fhir/Patient/{}/$portal-username-available?value=fresh",
            walter.id
        );
        last = clinic.get(&path, &staff).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    clinic.close().await;
}

#[tokio::test]
async fn f071_to_f079_a_reset_is_looked_at_without_effect_and_then_stored() {
    let clinic = Clinic::with(|config| config.notify.on_reset = true).await;
    let staff = desk(&clinic).await;
    let maria = clinic.patient("active");
    let reset = "portal-reset";
    let hash = "SELECT CAST(portal_pwd AS CHAR) AS text FROM patient_access_onsite WHERE pid = 1";
    let before = clinic.look(hash).await;
    let preview = [("mode", "preview")];
    let first = operate(&clinic, &staff, (&maria.id, reset), &preview).await;
    let second = operate(&clinic, &staff, (&maria.id, reset), &preview).await;
    assert_ne!(
        value(&first, "oneTimePassword"),
        value(&second, "oneTimePassword")
    );
    assert_eq!(clinic.look(hash).await, before, "F078");
    let access = clinic.token(maria, EVERYTHING).await;
    let weak = [("mode", "commit"), ("password", "short")];
    let refused = operate(&clinic, &staff, (&maria.id, reset), &weak).await;
    assert_eq!(codes(&refused)[0], "password-policy");
    let chosen = value(&second, "oneTimePassword");
    let chosen = chosen.as_str().expect("a password");
    let commit = [("mode", "commit"), ("password", chosen)];
    let done = operate(&clinic, &staff, (&maria.id, reset), &commit).await;
    assert_eq!(value(&done, "oneTimePassword"), chosen, "{}", done.text());
    assert_eq!(value(&done, "username"), maria.username.as_str());
    assert_ne!(clinic.look(hash).await, before);
    let letter = "SELECT CAST(letter AS CHAR) AS text FROM anteroom_outbox WHERE pid = 1 ORDER BY id DESC LIMIT 1";
    assert_eq!(clinic.look(letter).await, "credentials-changed", "F079");
    let own = format!("/fhir/Patient/{}", maria.id);
    assert_eq!(
        clinic.get(&own, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    let walter = clinic.patient("no credentials, e-mail");
    let none = operate(&clinic, &staff, (&walter.id, reset), &preview).await;
    assert_eq!(codes(&none), ["no-credentials"], "F072");
    first_login(&clinic, (&maria.username, chosen)).await;
    clinic.close().await;
}

#[tokio::test]
async fn a_repeated_key_shows_no_password_again() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let maria = clinic.patient("active");
    let ask = || {
        Request::post(format!("/fhir/Patient/{}/$portal-credential", maria.id))
            .header("authorization", format!("Bearer {staff}"))
            .header("content-type", "application/fhir+json")
            .header("idempotency-key", "once")
            .body(Body::from(parameters(&[("deliver", "print")])))
            .expect("a request")
    };
    let first = clinic.send(ask()).await;
    let hash = "SELECT CAST(portal_pwd AS CHAR) AS text FROM patient_access_onsite WHERE pid = 1";
    let stored = clinic.look(hash).await;
    let again = clinic.send(ask()).await;
    assert!(value(&first, "oneTimePassword").is_string());
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    assert_eq!(value(&again, "repeated"), true);
    assert_eq!(value(&again, "oneTimePassword"), Value::Null);
    assert_eq!(clinic.look(hash).await, stored);
    clinic.close().await;
}

#[tokio::test]
async fn f068_f069_everybody_has_to_change_and_what_they_have_works_until_then() {
    for revokes in [false, true] {
        let clinic = Clinic::with(|config| config.accounts.force_reset_revokes = revokes).await;
        let staff = desk(&clinic).await;
        let maria = clinic.patient("active");
        let mut browser = clinic.browser();
        let answer = browser.launch(maria, EVERYTHING).await;
        let refresh = answer["refresh_token"].as_str().expect("a refresh token");
        let path = ("/fhir/Patient/$portal-reset", staff.as_str());
        let kind = "application/fhir+json";
        let half = parameters(&[("all", "true")]);
        let refused = clinic.with_body("POST", path, kind, half).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let both = parameters(&[("all", "true"), ("confirm", "true")]);
        let done = clinic.with_body("POST", path, kind, both).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert!(value(&done, "accounts").as_u64().is_some_and(|all| all > 3));
        let refreshed = browser.refresh(refresh).await.status;
        assert_eq!(refreshed == StatusCode::OK, !revokes, "{refreshed}");
        first_login(&clinic, (&maria.username, &maria.password)).await;
        clinic.close().await;
    }
}

/// Fifty patients without credentials and one name.
async fn fifty(clinic: &Clinic) {
    for pid in 100..150 {
        let row = format!(
            "INSERT INTO patient_data (pid, pubpid, uuid, fname, lname, allow_patient_portal, `date`, regdate) \
             SELECT {pid}, '{pid}', NULL, 'Race', 'Runner', 'YES', `date`, regdate FROM patient_data WHERE pid = 1"
        );
        clinic.app.emr.db.script(&row).await.expect("a chart");
    }
    let pids: Vec<i64> = (100..150).collect();
    let which = standing::Which::Pids(&pids);
    let all = standing::find(&clinic.app.emr, &which)
        .await
        .expect("charts");
    assert_eq!(all.len(), 50);
    let mut tasks = Vec::new();
    for one in all {
        let app = clinic.app.clone();
        tasks.push(tokio::spawn(async move {
            let new = New {
                login_name: "Same.Name".to_owned(),
                hash: "$2y$04$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.".to_owned(),
                by: By::Staff,
                before: None,
            };
            let db: &Db = &app.emr.db;
            let work = (&app.emr, &one, &new);
            db.transaction_about(&work, |(emr, one, new), tx| {
                Box::pin(credentialing::write(emr, tx, one, new))
            })
            .await
        }));
    }
    let mut won = 0;
    for task in tasks {
        match task.await.expect("ends") {
            Ok(Written::Done) => won += 1,
            Ok(Written::NameTaken) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
    let rows = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM patient_access_onsite WHERE portal_login_username = 'Same.Name'";
    assert_eq!(clinic.look(rows).await, "1");
}

#[tokio::test]
async fn f036_of_fifty_who_want_one_name_at_once_exactly_one_has_it() {
    let clinic = Clinic::open().await;
    fifty(&clinic).await;
    clinic.close().await;
    if let Some(clinic) = Clinic::on_mariadb("7.0.4").await {
        fifty(&clinic).await;
        clinic.close().await;
    }
}

/// Runs a line of PHP; `None`, said aloud, where there is no PHP.
fn php(code: &str, arguments: &[&str]) -> Option<String> {
    let run = Command::new("php")
        .arg("-r")
        .arg(code)
        .args(arguments)
        .output();
    match run {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(_) => {
            eprintln!(
                "SKIPPED: php is not installed, so OpenEMR's side of a password is not tried"
            );
            None
        }
    }
}

#[tokio::test]
async fn php_verifies_what_is_made_here_and_what_php_makes_logs_in_here() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let maria = clinic.patient("active");
    let made = operate(&clinic, &staff, (&maria.id, MAKE), &[("deliver", "print")]).await;
    let password = value(&made, "oneTimePassword");
    let password = password.as_str().expect("a password");
    let hash = clinic
        .look("SELECT CAST(portal_pwd AS CHAR) AS text FROM patient_access_onsite WHERE pid = 1")
        .await;
    let code = "echo password_verify($argv[1], $argv[2]) ? 'yes' : 'no', password_get_info($argv[2])['algoName'];";
    let Some(told) = php(code, &[password, &hash]) else {
        return;
    };
    assert_eq!(told, "yesbcrypt");
    let own = "Lighthouse-2026-words";
    let code = "echo password_hash($argv[1], PASSWORD_DEFAULT);";
    let theirs = php(code, &[own]).expect("php was there a moment ago");
    let script = format!(
        "UPDATE patient_access_onsite SET portal_pwd = '{theirs}', portal_pwd_status = 1 WHERE pid = 1"
    );
    change(&clinic, &script).await;
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let fields = [("username", maria.username.as_str()), ("password", own)];
    let answer = browser.submit(&form, &fields).await;
    let page = browser.follow(answer).await;
    assert!(page.text().contains("decision"), "{}", page.text());
    clinic.close().await;
}
