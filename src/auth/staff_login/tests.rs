//! Who gets in as staff, who does not, and that nobody can tell why.

use super::*;
use crate::auth::fixture::House;
use crate::auth::fixture::PASSWORD;
use crate::config::StaffIdp;

const STAFF: &str = "INSERT INTO users (id, uuid, username, fname, lname, active, authorized) VALUES \
    (4, x'00000000000000000000000000000d0c', 'doc', 'Dora', 'Octor', 1, 1)";

/// The hash of Alice's account: everybody's password is the same in these tests.
const SECURE: &str = "INSERT INTO users_secure (id, username, password) \
    SELECT 4, 'doc', portal_pwd FROM patient_access_onsite WHERE pid = 1";

async fn house(name: &str, globals: &[(&str, &str)]) -> House {
    let house = House::open(name, globals).await;
    house.change(STAFF).await;
    house.change(SECURE).await;
    house
}

fn attempt(username: &str, password: &str) -> Attempt {
    Attempt {
        username: username.to_owned(),
        password: password.to_owned(),
        address: "192.0.2.1".parse().unwrap(),
        device: None,
    }
}

async fn tries(house: &House, username: &str, password: &str) -> Login {
    login(&house.context(), &attempt(username, password))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_colleague_gets_in_and_the_ledger_says_so() {
    let house = house("staff-in", &[]).await;
    let Login::In(colleague) = tries(&house, "doc", PASSWORD).await else {
        panic!("refused");
    };
    assert_eq!(colleague.staff.id, 4);
    assert_eq!(house.noted("staff.login", "success", "").await, 1);
}

#[tokio::test]
async fn case_83_a_patients_account_is_no_account_here() {
    let house = house("staff-83", &[]).await;
    for (name, password, why) in [
        ("alice", PASSWORD, "unknown-user"),
        ("alice1", PASSWORD, "unknown-user"),
        ("doc", "wrong", "wrong-password"),
        ("Doc", PASSWORD, "unknown-user"),
        ("doc ", PASSWORD, "unknown-user"),
        ("", PASSWORD, "unknown-user"),
    ] {
        let before = house.noted("staff.login", "refused", why).await;
        assert_eq!(
            tries(&house, name, password).await,
            Login::Refused,
            "{name}"
        );
        let after = house.noted("staff.login", "refused", why).await;
        assert_eq!(after, before + 1, "{name}: {why}");
    }
}

#[tokio::test]
async fn whoever_is_not_active_or_has_no_password_is_refused() {
    let house = house("staff-inactive", &[]).await;
    house.change("UPDATE users SET active = 0").await;
    assert_eq!(tries(&house, "doc", PASSWORD).await, Login::Refused);
    assert_eq!(house.noted("staff.login", "refused", "inactive").await, 1);
    house.change("UPDATE users SET active = 1").await;
    house.change("DELETE FROM users_secure").await;
    assert_eq!(tries(&house, "doc", PASSWORD).await, Login::Refused);
    assert_eq!(tries(&house, "doc", "").await, Login::Refused);
}

#[tokio::test]
async fn openemrs_own_lock_holds_here_and_is_not_written() {
    #[derive(sqlx::FromRow)]
    struct Counter {
        failures: i64,
    }
    let globals = [
        ("password_max_failed_logins", "3"),
        ("time_reset_password_max_failed_logins", "600"),
    ];
    let house = house("staff-lock", &globals).await;
    // The fixture's clock says 2027-01-15 03:00 in New York.
    house
        .change("UPDATE users_secure SET login_fail_counter = 3, last_login_fail = '2027-01-15 02:55:00'")
        .await;
    assert_eq!(tries(&house, "doc", PASSWORD).await, Login::Refused);
    let locked = house.noted("staff.login", "refused", "locked-in-openemr");
    assert_eq!(locked.await, 1);
    // OpenEMR forgets after the time it was told.
    house
        .change("UPDATE users_secure SET last_login_fail = '2027-01-15 02:45:00'")
        .await;
    assert!(matches!(tries(&house, "doc", PASSWORD).await, Login::In(_)));
    house
        .change("UPDATE users_secure SET login_fail_counter = 2, last_login_fail = '2027-01-15 02:59:00'")
        .await;
    assert!(matches!(tries(&house, "doc", PASSWORD).await, Login::In(_)));
    assert_eq!(tries(&house, "doc", "wrong").await, Login::Refused);
    let sql = crate::db::sql::Sql::new("SELECT login_fail_counter AS failures FROM users_secure");
    let row: Option<Counter> = house.emr.db.one(sql).await.unwrap();
    assert_eq!(row.unwrap().failures, 2, "OpenEMR's tables are not ours");
}

#[tokio::test]
async fn a_password_that_openemr_itself_would_not_take_alone_is_not_taken() {
    let globals = [
        ("gbl_ldap_enabled", "1"),
        ("gbl_ldap_exclusions", "admin, boss"),
    ];
    let directory = house("staff-ldap", &globals).await;
    assert_eq!(tries(&directory, "doc", PASSWORD).await, Login::Refused);
    let noted = directory.noted("staff.login", "refused", "password-in-directory");
    assert_eq!(noted.await, 1);
    let excluded = [
        ("gbl_ldap_enabled", "1"),
        ("gbl_ldap_exclusions", "admin, doc"),
    ];
    let own = house("staff-ldap-own", &excluded).await;
    assert!(matches!(tries(&own, "doc", PASSWORD).await, Login::In(_)));
}

#[tokio::test]
async fn case_92_guessing_is_slowed_down_apart_from_patients_and_known_browsers() {
    let mut house = house("staff-throttle", &[]).await;
    let username = "alice";
    house
        .change("UPDATE users SET username = 'alice' WHERE id = 4")
        .await;
    house
        .change("UPDATE users_secure SET username = 'alice' WHERE id = 4")
        .await;
    let mark = mark(&house.context(), username, None).unwrap();
    for _ in 0..5 {
        assert_eq!(tries(&house, username, "wrong").await, Login::Refused);
    }
    assert!(matches!(
        tries(&house, username, PASSWORD).await,
        Login::Wait(_)
    ));
    // The patient of the same name is not kept out.
    let patient = crate::auth::login::Attempt {
        username: username.to_owned(),
        password: PASSWORD.to_owned(),
        email: String::new(),
        address: "192.0.2.2".parse().unwrap(),
        device: None,
    };
    let patient = crate::auth::login::login(&house.context(), &patient).await;
    assert!(matches!(patient.unwrap(), crate::auth::login::Login::In(_)));
    // Nor is the colleague, in the browser they use every day.
    let known = Attempt {
        device: mark.clone(),
        ..attempt(username, PASSWORD)
    };
    let known = login(&house.context(), &known).await.unwrap();
    assert!(matches!(known, Login::In(_)));
    let present = mark.as_deref();
    let again = super::mark(&house.context(), username, present).unwrap();
    assert_eq!(again, None, "the browser has its mark");
    house.wait(3600);
    assert!(matches!(
        tries(&house, username, PASSWORD).await,
        Login::In(_)
    ));
}

#[tokio::test]
async fn with_an_identity_provider_no_password_is_taken() {
    let mut house = house("staff-idp", &[]).await;
    house.config.staff_idp = Some(StaffIdp {
        issuer: "https://idp.example".to_owned(),
        client_id: "anteroom".to_owned(),
        client_secret: None,
        claim: "email".to_owned(),
        acr: None,
    });
    assert!(!takes_passwords(&house.context()));
    assert_eq!(tries(&house, "doc", PASSWORD).await, Login::Refused);
    let noted = house.noted("staff.login", "refused", "identity-provider");
    assert_eq!(noted.await, 1);
}
