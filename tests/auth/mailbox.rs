//! What the patient's pages need beside a browser: the letters that wait, their links, and rows changed behind our back.

use anteroom::auth::links as tokens;
use anteroom::crypto;
use anteroom::crypto::Entropy;
use anteroom::crypto::SystemEntropy;
use anteroom::db::sql::Sql;
use anteroom::emr::credentialing;
use anteroom::emr::standing;
use anteroom::store::links;
use anteroom::store::links::NewLink;
use anteroom::store::links::Purpose;
use axum::http::StatusCode;
use uuid::Uuid;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::Browser;
use crate::clinic::browser::authorization;

/// Somebody who says who they are: e-mail, birth date, last name, ZIP.
pub(crate) type Details = [&'static str; 4];

/// María, who has an account (pid 1, `maria.delgado`).
pub(crate) const MARIA: Details = [
    "maria.delgado@example.com",
    "1984-02-29",
    "Delgado",
    "01930",
];

/// Walter, who is let in and has no login yet (pid 6).
pub(crate) const WALTER: Details = [
    "walter.kowalski@example.com",
    "1949-01-08",
    "Kowalski",
    "01930",
];

/// A password that breaks no rule.
pub(crate) const GOOD: &str = "three plain words 7";

/// Says who somebody is.
pub(crate) async fn ask(browser: &mut Browser<'_>, [email, born, family, zip]: Details) -> Answer {
    let form = browser.get("/reset").await;
    let fields = [
        ("email", email),
        ("birth_date", born),
        ("family_name", family),
        ("zip", zip),
    ];
    browser.submit(&form, &fields).await
}

/// The PIN on a page.
pub(crate) fn pin(answer: &Answer) -> String {
    let html = answer.text();
    let rest = html.split("class=\"code\">").nth(1);
    let pin = rest.and_then(|rest| rest.split('<').next());
    pin.unwrap_or_else(|| panic!("no PIN: {html}")).to_owned()
}

/// Asks and gets a letter: its link's path and the PIN.
pub(crate) async fn letter(clinic: &Clinic, details: Details) -> (String, String) {
    let before = waiting(clinic).await;
    let answer = ask(&mut clinic.browser(), details).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(waiting(clinic).await, before + 1, "a letter waits");
    (link(clinic).await, pin(&answer))
}

/// How many letters wait.
pub(crate) async fn waiting(clinic: &Clinic) -> i64 {
    let count = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox")
        .await;
    count.parse().expect("a number")
}

/// The path of the link in the newest letter.
pub(crate) async fn link(clinic: &Clinic) -> String {
    let id = clinic
        .look("SELECT HEX(link) AS text FROM anteroom_outbox ORDER BY id DESC LIMIT 1")
        .await;
    let letter = clinic
        .look("SELECT letter AS text FROM anteroom_outbox ORDER BY id DESC LIMIT 1")
        .await;
    let token = tokens::token(&clinic.app.keys, Uuid::try_parse(&id).expect("a link"));
    let place = match letter.as_str() {
        "reset" => "/reset",
        "invite" => "/activate",
        "email-changed" => "/account/email/undo",
        _ => "/account/email",
    };
    format!("{place}/{token}")
}

/// The reason the ledger gives for the newest line of an action.
pub(crate) async fn reason(clinic: &Clinic) -> String {
    clinic
        .look(
            "SELECT reason AS text FROM anteroom_audit WHERE action LIKE '%.use' OR action = 'reset.ask' \
             ORDER BY id DESC LIMIT 1",
        )
        .await
}

/// Changes a row behind our back, as OpenEMR does.
pub(crate) async fn run(clinic: &Clinic, sql: &'static str) {
    let changed = clinic.app.emr.db.run(Sql::new(sql)).await;
    assert!(changed.expect("a statement that runs") > 0, "{sql}");
    // The practice's settings are believed for a second.
    clinic.wait(time::Duration::seconds(2));
}

/// A link as staff send one: its path.
pub(crate) async fn invited(clinic: &Clinic, pid: i64, factor: &'static str) -> String {
    let emr = &clinic.app.emr;
    let standing = standing::by_pid(emr, pid).await.expect("a look");
    let standing = standing.expect("a patient");
    let id = Uuid::from_bytes({
        let mut bytes = [0; 16];
        SystemEntropy.fill(&mut bytes).expect("random bytes");
        bytes
    });
    let token = tokens::token(&clinic.app.keys, id);
    let now = emr.now().unix_timestamp();
    let link = NewLink {
        id,
        token_hash: crypto::fingerprint(&token),
        purpose: Purpose::Invite,
        pid: Some(pid),
        address: tokens::address_hash(standing.address()),
        bound: credentialing::fingerprint(emr, pid).await.expect("a look"),
        factor: factor.to_owned(),
        pin_hash: Some(tokens::pin_hash(id, "ABC234")).filter(|_| factor == "pin"),
        created: now,
        expires: now + 72 * 3600,
    };
    let done = emr.db.transaction(|tx| {
        let link = link.clone();
        Box::pin(async move {
            links::end(tx, pid, &[Purpose::Invite, Purpose::Reset], now).await?;
            links::add(tx, &link).await
        })
    });
    done.await.expect("a link");
    format!("/activate/{token}")
}

/// Fills in the form behind a link.
pub(crate) async fn redeem(
    browser: &mut Browser<'_>,
    path: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let form = browser.get(path).await;
    let mut all = vec![("new_password", GOOD), ("new_password_again", GOOD)];
    all.extend(fields);
    browser.submit(&form, &all).await
}

/// Logs in and comes to a page of the patient's own.
pub(crate) async fn own_page(
    browser: &mut Browser<'_>,
    (username, password): (&str, &str),
    path: &str,
) -> Answer {
    let away = browser.get(path).await;
    let form = browser.follow(away).await;
    let fields = [("username", username), ("password", password)];
    let answer = browser.submit(&form, &fields).await;
    let page = browser.follow(answer).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page
}

/// Tries to log in; whether it led on.
pub(crate) async fn logs_in(clinic: &Clinic, username: &str, password: &str) -> bool {
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let fields = [("username", username), ("password", password)];
    let answer = browser.submit(&form, &fields).await;
    answer.header("location").starts_with("/oauth2/consent")
}

/// What a page says where the link does nothing.
pub(crate) fn over(answer: &Answer, words: &str) {
    assert!(answer.status.is_client_error(), "{}", answer.status);
    let html = answer.text();
    assert!(html.contains(words), "{words}: {html}");
    assert!(!html.contains("new_password"), "{html}");
}
