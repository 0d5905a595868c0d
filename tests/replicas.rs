//! Several server processes on one database: what may happen once happens once, and what ends on one ends on the other
//! (`security.md`, the cases marked [2]). Real processes, real sockets, both engines.

use std::process::Child;

use futures_util::future::join_all;
use serde_json::Value;

use crate::clinic::APP;
use crate::clinic::assertion;
use crate::clinic::browser;
use crate::clinic::servers::Replicas;
use crate::clinic::servers::text;

#[tokio::test]
async fn case_34_of_fifty_uses_of_a_code_at_once_one_wins_and_then_loses_what_it_won() {
    for pair in Replicas::each().await {
        let code = pair.code().await;
        let tries = (0..50).map(|at| pair.exchange(at, &code));
        let answers = join_all(tries).await;
        let won: Vec<&Value> = answers
            .iter()
            .filter(|(status, _)| *status == 200)
            .map(|(_, json)| json)
            .collect();
        assert!(
            answers
                .iter()
                .all(|(status, _)| [200, 400].contains(status)),
            "{:?}",
            answers.iter().map(|(status, _)| status).collect::<Vec<_>>()
        );
        assert_eq!(won.len(), 1);
        let access = text(won[0], "access_token");
        assert_eq!(pair.read(0, &access).await, 401);
        assert_eq!(pair.read(1, &access).await, 401);
        let (status, _) = pair.refresh(0, &text(won[0], "refresh_token")).await;
        assert_eq!(status, 400);
        pair.close().await;
    }
}

#[tokio::test]
async fn case_47_of_fifty_refreshes_at_once_one_living_pair_is_left() {
    const LIVING: &str = "SELECT COUNT(*) AS total FROM anteroom_token \
        WHERE kind = 'refresh' AND consumed IS NULL AND revoked IS NULL";
    for pair in Replicas::each().await {
        let (status, first) = pair.exchange(0, &pair.code().await).await;
        assert_eq!(status, 200, "{first}");
        let token = text(&first, "refresh_token");
        let answers = join_all((0..50).map(|at| pair.refresh(at, &token))).await;
        let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
        assert!(
            statuses.iter().all(|status| [200, 400].contains(status)),
            "{statuses:?}"
        );
        assert!(statuses.contains(&200));
        assert_eq!(pair.count(LIVING).await, 1);
        pair.close().await;
    }
}

#[tokio::test]
async fn case_52_of_fifty_uses_of_an_assertion_at_once_one_is_believed() {
    for pair in Replicas::each().await {
        let mut apps = pair.apps.iter();
        let service = apps.find(|app| app.kind == "backend").expect("a service");
        let audience = format!("{}/oauth2/token", pair.bases[0]);
        let now = pair.emr.now().unix_timestamp();
        let assertion = assertion::fresh(service, &audience, now);
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "system/Patient.rs"),
            ("client_assertion_type", assertion::TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        let answers = join_all((0..50).map(|at| pair.post(at, "/oauth2/token", &form))).await;
        let of = |wanted: u16| {
            answers
                .iter()
                .filter(|(status, _)| *status == wanted)
                .count()
        };
        assert_eq!((of(200), of(401)), (1, 49), "{:?}", answers[0].1);
        let refused = answers.iter().find(|(status, _)| *status == 401);
        assert_eq!(refused.expect("one").1["error"], "invalid_client");
        pair.close().await;
    }
}

#[tokio::test]
async fn case_48_a_spent_refresh_token_is_known_after_a_restart() {
    for mut pair in Replicas::each().await {
        let (_, first) = pair.exchange(0, &pair.code().await).await;
        let spent = text(&first, "refresh_token");
        let (status, second) = pair.refresh(0, &spent).await;
        assert_eq!(status, 200);
        let access = text(&second, "access_token");
        assert_eq!(pair.read(0, &access).await, 200, "its successor is used");
        pair.restart().await;
        assert_eq!(pair.refresh(0, &spent).await.0, 400);
        assert_eq!(pair.read(1, &access).await, 401, "the family is gone");
        pair.close().await;
    }
}

#[tokio::test]
async fn case_63_what_one_replica_revokes_the_other_refuses_soon() {
    for pair in Replicas::each().await {
        let (_, first) = pair.exchange(0, &pair.code().await).await;
        let (access, refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
        assert_eq!(pair.read(1, &access).await, 200);
        let form = [("token", refresh.as_str()), ("client_id", APP)];
        let (status, _) = pair.post(0, "/oauth2/revoke", &form).await;
        assert_eq!(status, 200);
        assert_eq!(
            pair.read(0, &access).await,
            401,
            "at once where it was revoked"
        );
        let refused = async { while pair.read(1, &access).await != 401 {} };
        // Half a second is how long a look-up is believed; a busy machine takes its time beside that.
        let patience = std::time::Duration::from_secs(20);
        let seen = tokio::time::timeout(patience, refused).await;
        seen.expect("the other refuses as soon as it looks again");
        let (status, _) = pair.refresh(1, &refresh).await;
        assert_eq!(status, 400);
        pair.close().await;
    }
}

/// A login form of one visitor: where it posts to, the visitor's cookie, the form's token.
async fn login_form(pair: &Replicas) -> (String, String, String) {
    let aud = format!("{}/fhir", pair.bases[0]);
    let mut ask = browser::authorization("openid launch/patient patient/*.rs");
    ask.retain(|(name, _)| *name != "aud");
    ask.push(("aud", aud));
    let url = format!(
        "{}/oauth2/authorize?{}",
        pair.bases[0],
        browser::encoded(&ask)
    );
    let begun = pair.web.get(url).send().await.expect("an answer");
    let header = |name: &str| {
        let value = begun.headers().get(name).expect("a header");
        value.to_str().expect("ASCII").to_owned()
    };
    let cookie = header("set-cookie");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let place = header("location");
    let form = pair.web.get(format!("{}{place}", pair.bases[0]));
    let page = form.header("cookie", &cookie).send().await.expect("a page");
    let page = page.text().await.expect("text");
    let csrf = page.split("name=\"csrf\" value=\"").nth(1);
    let csrf = csrf.and_then(|rest| rest.split('"').next());
    (place, cookie, csrf.expect("a token").to_owned())
}

/// Guesses at once, spread over both servers; their statuses.
async fn guess(
    pair: &Replicas,
    (place, cookie, csrf): &(String, String, String),
    guesses: &[(String, String)],
) -> Vec<u16> {
    let send = guesses
        .iter()
        .enumerate()
        .map(|(number, (username, guess))| {
            let fields = [
                ("csrf", csrf.as_str()),
                ("username", username.as_str()),
                ("password", guess.as_str()),
            ];
            let request = pair
                .web
                .post(format!("{}{place}", pair.bases[number % 2]))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("cookie", cookie)
                .body(browser::encoded(&fields));
            async move { request.send().await.expect("an answer").status().as_u16() }
        });
    join_all(send).await
}

/// Resident memory of a process in MiB.
fn resident(process: &Child) -> u64 {
    let path = format!("/proc/{}/status", process.id());
    let status = std::fs::read_to_string(path).expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.expect("a line").parse::<u64>().expect("a number") / 1024
}

#[tokio::test]
async fn case_109_five_hundred_logins_at_once_do_not_eat_the_memory() {
    for pair in Replicas::each().await {
        let form = login_form(&pair).await;
        let long = "x".repeat(1024);
        let before = resident(&pair.servers[0]);
        let guesses: Vec<(String, String)> = (0..500)
            .map(|number| (format!("somebody-{number}"), long.clone()))
            .collect();
        let statuses = guess(&pair, &form, &guesses).await;
        let known = |status: &u16| [200, 429, 503].contains(status);
        assert!(statuses.iter().all(known), "{statuses:?}");
        let after = resident(&pair.servers[0]);
        // Two hashes at a time, whatever comes; the rest is connections and their buffers.
        assert!(after < before + 96, "from {before} to {after} MiB");
        pair.close().await;
    }
}

#[tokio::test]
async fn case_88_of_two_hundred_wrong_logins_at_once_a_handful_is_looked_at() {
    const LOOKED_AT: &str = "SELECT COUNT(*) AS total FROM anteroom_audit \
        WHERE action = 'login' AND reason = 'wrong-password'";
    for pair in Replicas::each().await {
        let username = pair.patient().username.clone();
        let form = login_form(&pair).await;
        let guesses: Vec<(String, String)> = (0..200)
            .map(|number| (username.clone(), format!("wrong-{number}")))
            .collect();
        let statuses = guess(&pair, &form, &guesses).await;
        let known = |status: &u16| [200, 429, 503].contains(status);
        assert!(statuses.iter().all(known), "{statuses:?}");
        let looked_at = pair.count(LOOKED_AT).await;
        assert!((1..=7).contains(&looked_at), "{looked_at} hashes");
        pair.close().await;
    }
}
