//! Logins under the rules of OpenEMR facts 2.2, and the throttle.

use std::net::IpAddr;
use std::net::Ipv4Addr;

use super::*;
use crate::auth::fixture::House;
use crate::auth::fixture::PASSWORD;
use crate::auth::new_credentials;
use crate::auth::new_credentials::Choice;
use crate::auth::new_credentials::Chosen;

fn attempt(username: &str, password: &str, email: &str) -> Attempt {
    Attempt {
        username: username.to_owned(),
        password: password.to_owned(),
        email: email.to_owned(),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        device: None,
    }
}

async fn try_in(house: &House, username: &str, password: &str) -> Login {
    let attempt = attempt(username, password, "");
    login(&house.context(), &attempt).await.unwrap()
}

#[tokio::test]
async fn the_right_password_lets_in_and_nothing_else_does() {
    let house = House::open("login-plain", &[]).await;
    assert!(
        matches!(try_in(&house, "alice", PASSWORD).await, Login::In(account) if account.person.pid == 1)
    );
    assert_eq!(try_in(&house, "alice", "wrong").await, Login::Refused);
    assert_eq!(try_in(&house, "alice", "").await, Login::Refused);
    assert_eq!(
        try_in(&house, "Alice", PASSWORD).await,
        Login::Refused,
        "case counts"
    );
    assert_eq!(try_in(&house, "nobody", PASSWORD).await, Login::Refused);
    assert_eq!(house.noted("login", "success", "").await, 1);
    assert_eq!(house.noted("login", "refused", "wrong-password").await, 2);
    assert_eq!(house.noted("login", "refused", "unknown-user").await, 2);
}

#[tokio::test]
async fn each_rule_of_openemr_refuses_and_is_noted() {
    let table = [
        (
            "UPDATE patient_data SET allow_patient_portal = 'yes'",
            "portal-not-allowed",
        ),
        (
            "UPDATE patient_data SET allow_patient_portal = ''",
            "portal-not-allowed",
        ),
        (
            "UPDATE patient_data SET prevent_portal_apps = 'Yes'",
            "apps-prevented",
        ),
        (
            "UPDATE patient_data SET prevent_portal_apps = '1'",
            "apps-prevented",
        ),
        (
            "UPDATE patient_access_onsite SET portal_onetime = 'abc'",
            "reset-pending",
        ),
        (
            "UPDATE patient_access_onsite SET portal_pwd_status = 7",
            "odd-status",
        ),
        (
            "UPDATE patient_access_onsite SET portal_username = ''",
            "unknown-user",
        ),
        (
            "UPDATE patient_access_onsite SET portal_pwd = ''",
            "unknown-user",
        ),
        (
            "UPDATE patient_access_onsite SET portal_pwd = 'md5-like'",
            "wrong-password",
        ),
    ];
    for (number, (change, reason)) in table.into_iter().enumerate() {
        let house = House::open(&format!("login-rule-{number}"), &[]).await;
        house.change(change).await;
        assert_eq!(
            try_in(&house, "alice", PASSWORD).await,
            Login::Refused,
            "{change}"
        );
        assert_eq!(house.noted("login", "refused", reason).await, 1, "{change}");
    }
}

#[tokio::test]
async fn the_email_has_to_fit_exactly_where_the_practice_asks_for_it() {
    let house = House::open("login-email", &[("enforce_signin_email", "1")]).await;
    for (email, good) in [
        ("alice@mail.example", true),
        ("Alice@mail.example", false),
        ("", false),
    ] {
        let outcome = login(&house.context(), &attempt("alice", PASSWORD, email))
            .await
            .unwrap();
        assert_eq!(matches!(outcome, Login::In(_)), good, "{email}");
    }
    assert_eq!(house.noted("login", "refused", "wrong-email").await, 2);
}

#[tokio::test]
async fn a_password_set_by_staff_leads_to_new_credentials_only_after_it_fitted() {
    let house = House::open("login-change", &[]).await;
    house
        .change("UPDATE patient_access_onsite SET portal_pwd_status = 0 WHERE pid = 1")
        .await;
    assert_eq!(try_in(&house, "alice", "wrong").await, Login::Refused);
    let Login::MustChange(account) = try_in(&house, "alice", PASSWORD).await else {
        panic!("the new-credentials form comes next");
    };
    let choose = async |username: &str, password: &str, again: &str| {
        let choice = Choice {
            username: username.into(),
            password: password.into(),
            again: again.into(),
        };
        new_credentials::choose(&house.context(), &account, &choice, 4)
            .await
            .unwrap()
    };
    let fields = |chosen: Chosen| match chosen {
        Chosen::Wrong(wrong) => wrong
            .into_iter()
            .map(|(field, _)| field)
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        fields(choose("al", "short", "other").await),
        ["username", "new_password", "new_password_again"]
    );
    assert_eq!(
        fields(choose("alice", PASSWORD, PASSWORD).await),
        ["new_password"],
        "not the old one"
    );
    let good = "quiet river stone";
    assert_eq!(
        fields(choose("BOB", good, good).await),
        ["username"],
        "another patient's login name"
    );
    assert_eq!(
        fields(choose("Bob1", good, good).await),
        ["username"],
        "another patient's account name"
    );
    let Chosen::Done(after) = choose("alice.new", good, good).await else {
        panic!("good credentials are written");
    };
    assert_ne!(after.credential(), account.credential());
    assert!(after.hash.starts_with("$2y$"));
    assert_eq!(
        choose("alice.newer", good, good).await,
        Chosen::Changed,
        "the form was used already"
    );
    assert!(matches!(
        try_in(&house, "alice.new", good).await,
        Login::In(_)
    ));
    assert_eq!(try_in(&house, "alice", PASSWORD).await, Login::Refused);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_right_password_too() {
    let mut house = House::open("login-slow", &[]).await;
    for _ in 0..5 {
        assert_eq!(try_in(&house, "alice", "wrong").await, Login::Refused);
    }
    assert_eq!(try_in(&house, "alice", PASSWORD).await, Login::Wait(1));
    assert_eq!(
        try_in(&house, " ALICE.", PASSWORD).await,
        Login::Wait(1),
        "one counter for every spelling"
    );
    assert_eq!(house.noted("login", "refused", "throttled").await, 2);
    assert!(matches!(
        try_in(&house, "bob", PASSWORD).await,
        Login::In(_)
    ));
    house.wait(1);
    assert!(matches!(
        try_in(&house, "alice", PASSWORD).await,
        Login::In(_)
    ));
    assert_eq!(
        try_in(&house, "alice", "wrong").await,
        Login::Refused,
        "the count began anew"
    );
}

#[test]
fn case_89_every_spelling_of_a_name_has_one_counter() {
    for spelling in [
        "alice",
        "ALICE",
        " alice ",
        "alice.",
        "ａｌｉｃｅ",
        "al\u{200b}ice",
        "ali\u{ad}ce",
    ] {
        assert_eq!(canonical(spelling), "alice", "{spelling:?}");
    }
    assert_eq!(canonical("Al.Ice+x@Mail.example"), "al.ice@mail.example");
}

#[tokio::test]
async fn case_89_a_login_under_a_similar_name_does_not_clear_the_counter() {
    let house = House::open("login-similar", &[]).await;
    house
        .change("UPDATE patient_access_onsite SET portal_login_username = 'alice@a.example' WHERE pid = 1")
        .await;
    house
        .change("UPDATE patient_access_onsite SET portal_login_username = 'alice+x@a.example' WHERE pid = 2")
        .await;
    for _ in 0..4 {
        assert_eq!(
            try_in(&house, "alice@a.example", "guess").await,
            Login::Refused
        );
    }
    assert!(matches!(
        try_in(&house, "alice+x@a.example", PASSWORD).await,
        Login::In(_)
    ));
    assert_eq!(
        try_in(&house, "alice@a.example", "guess").await,
        Login::Wait(1),
        "the four guesses before still count"
    );
}

#[tokio::test]
async fn case_92_a_browser_used_before_gets_in_while_a_stranger_guesses() {
    let house = House::open("login-device", &[]).await;
    let context = house.context();
    for _ in 0..5 {
        assert_eq!(try_in(&house, "alice", "guess").await, Login::Refused);
    }
    assert_eq!(try_in(&house, "alice", PASSWORD).await, Login::Wait(1));
    let at = |device: String, password: &str| Attempt {
        device: Some(device),
        ..attempt("alice", password, "")
    };
    let mark = device::mark(&context, "alice").unwrap();
    let good = at(mark.clone(), PASSWORD);
    assert!(matches!(
        login(&context, &good).await.unwrap(),
        Login::In(_)
    ));
    let foreign = at(device::mark(&context, "bob").unwrap(), PASSWORD);
    assert_eq!(login(&context, &foreign).await.unwrap(), Login::Wait(1));
    for _ in 0..5 {
        let wrong = at(mark.clone(), "guess");
        assert_eq!(login(&context, &wrong).await.unwrap(), Login::Refused);
    }
    assert_eq!(
        login(&context, &good).await.unwrap(),
        Login::Wait(1),
        "a stolen mark is slowed down as well"
    );
}

#[test]
fn an_ipv6_line_counts_as_one_address() {
    let network = |text: &str| network(text.parse().unwrap());
    assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
    assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
}
