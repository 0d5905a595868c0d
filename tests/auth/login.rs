//! Login with the account OpenEMR holds: OpenEMR facts 2.2, F024, F044, and the attacks of `security.md` 1.4.

use axum::http::StatusCode;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::authorization;
use crate::clinic::engine::LAYOUTS;

#[tokio::test]
async fn every_hash_openemr_may_hold_lets_its_owner_in() {
    let clinic = Clinic::open().await;
    let hashes = clinic
        .look("SELECT GROUP_CONCAT(DISTINCT SUBSTR(portal_pwd, 1, 4)) AS text FROM patient_access_onsite")
        .await;
    for prefix in ["$2y$", "$arg", "$6$"] {
        assert!(
            hashes.contains(prefix),
            "the sandbox shows {prefix}: {hashes}"
        );
    }
    for patient in clinic.patients("active") {
        clinic.token(patient, EVERYTHING).await;
    }
    clinic.close().await;
}

#[tokio::test]
async fn every_wrong_login_gets_one_and_the_same_answer() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut tries = vec![
        (maria.username.clone(), "wrong password".to_owned()),
        ("nobody.at.all".to_owned(), "wrong password".to_owned()),
        (maria.username.to_uppercase(), maria.password.clone()),
        (String::new(), String::new()),
        ("0".to_owned(), "0".to_owned()),
        (maria.username.clone(), "x".repeat(5000)),
        ("' OR 1=1 --".to_owned(), "x".to_owned()),
    ];
    for state in ["not authorised", "apps refused", "reset pending"] {
        let patient = clinic.patient(state);
        tries.push((patient.username.clone(), patient.password.clone()));
    }
    let mut answers = Vec::new();
    for (username, password) in tries {
        let mut browser = clinic.browser();
        let form = browser.start(&authorization(EVERYTHING)).await;
        let answer = browser
            .submit(&form, &[("username", &username), ("password", &password)])
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{username}");
        let text = answer.text();
        assert!(
            text.contains("We could not log you in"),
            "{username}: {text}"
        );
        let alert = text
            .split("role=\"alert\"")
            .nth(1)
            .and_then(|rest| rest.split("</").next())
            .expect("an alert");
        answers.push(alert.to_owned());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let reasons = clinic.look("SELECT GROUP_CONCAT(DISTINCT reason) AS text FROM anteroom_audit WHERE action = 'login' AND outcome = 'refused'").await;
    for reason in [
        "unknown-user",
        "wrong-password",
        "portal-not-allowed",
        "apps-prevented",
        "reset-pending",
    ] {
        assert!(reasons.contains(reason), "the ledger knows why: {reasons}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_ends_by_itself() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let mut slowed = 0;
    for _ in 0..8 {
        let answer = browser
            .submit(
                &form,
                &[("username", &maria.username), ("password", "wrong")],
            )
            .await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(
                answer
                    .header("retry-after")
                    .parse::<u64>()
                    .expect("seconds")
                    >= 1
            );
            assert!(answer.text().contains("too many tries"));
            slowed += 1;
        }
    }
    assert!(
        slowed >= 2,
        "five are free, then the waiting begins: {slowed}"
    );
    clinic.wait(time::Duration::minutes(20));
    clinic.token(maria, EVERYTHING).await;
    clinic.close().await;
}

#[tokio::test]
async fn f044_f111_must_change_comes_before_any_code() {
    let clinic = Clinic::open().await;
    let amara = clinic.patient("must change");
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let page = browser.log_in(&form, amara).await;
    let text = page.text();
    assert!(text.contains("name=\"new_password_again\""), "{text}");
    let weak = browser
        .submit(
            &page,
            &[
                ("username", &amara.username),
                ("new_password", "short"),
                ("new_password_again", "other"),
            ],
        )
        .await;
    assert!(weak.text().contains("not the same"), "{}", weak.text());
    let taken = clinic.patient("active").username.to_uppercase();
    let good = "four plain words here";
    let taken = browser
        .submit(
            &page,
            &[
                ("username", &taken),
                ("new_password", good),
                ("new_password_again", good),
            ],
        )
        .await;
    assert_eq!(taken.status, StatusCode::OK);
    assert!(
        taken.text().contains("username"),
        "F036: unique without case"
    );
    let done = browser
        .submit(
            &page,
            &[
                ("username", "amara.new"),
                ("new_password", good),
                ("new_password_again", good),
            ],
        )
        .await;
    let consent = browser.follow(done).await;
    assert!(consent.text().contains("decision"), "{}", consent.text());
    let row = clinic.look("SELECT CONCAT_WS('|', portal_login_username, portal_pwd_status, SUBSTR(portal_pwd, 1, 7), COALESCE(portal_onetime, '')) AS text FROM patient_access_onsite WHERE portal_login_username = 'amara.new'").await;
    assert_eq!(
        row, "amara.new|1|$2y$12$|",
        "OpenEMR accepts the same login"
    );
    // The old way in is closed, the new one open.
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    assert!(
        browser
            .log_in(&form, amara)
            .await
            .text()
            .contains("We could not log you in")
    );
    let again = browser
        .submit(&form, &[("username", "amara.new"), ("password", good)])
        .await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    clinic.close().await;
}

#[tokio::test]
async fn f010_case_156_what_staff_switch_off_ends_at_once() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let tokens = browser.launch(maria, EVERYTHING).await;
    let access = tokens["access_token"].as_str().expect("a token");
    let path = format!("/fhir/Patient/{}", maria.id);
    assert_eq!(clinic.get(&path, access).await.status, StatusCode::OK);
    let db = clinic.app.emr.db.clone();
    for (off, on) in [
        (
            "UPDATE patient_data SET allow_patient_portal = 'NO'",
            "UPDATE patient_data SET allow_patient_portal = 'YES'",
        ),
        (
            "UPDATE patient_data SET prevent_portal_apps = 'YES'",
            "UPDATE patient_data SET prevent_portal_apps = ''",
        ),
    ] {
        db.script(off).await.expect("off");
        clinic.wait(time::Duration::seconds(1));
        assert_eq!(
            clinic.get(&path, access).await.status,
            StatusCode::UNAUTHORIZED,
            "{off}"
        );
        let refresh = browser
            .refresh(tokens["refresh_token"].as_str().expect("a token"))
            .await;
        assert_eq!(
            refresh.status,
            StatusCode::BAD_REQUEST,
            "{off}: {}",
            refresh.text()
        );
        db.script(on).await.expect("on");
        clinic.wait(time::Duration::seconds(1));
    }
    db.script("UPDATE patient_access_onsite SET portal_pwd = CONCAT(portal_pwd, 'x')")
        .await
        .expect("a new password");
    clinic.wait(time::Duration::seconds(1));
    assert_eq!(
        clinic.get(&path, access).await.status,
        StatusCode::UNAUTHORIZED
    );
    clinic.close().await;
}

#[tokio::test]
async fn the_same_launch_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        let Some(clinic) = Clinic::on_mariadb(layout).await else {
            continue;
        };
        for patient in clinic.patients("active") {
            let token = clinic.token(patient, EVERYTHING).await;
            let answer = clinic
                .get(&format!("/fhir/Patient/{}", patient.id), &token)
                .await;
            assert_eq!(answer.json()["id"], patient.id.as_str(), "{layout}");
        }
        clinic.close().await;
    }
}
