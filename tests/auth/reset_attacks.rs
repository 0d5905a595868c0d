//! A lost password, as attackers and chance would have it (portal rules F063, G02, G12; `security.md` 91 to 101, 113).

use super::mailbox::GOOD;
use super::mailbox::MARIA;
use super::mailbox::ask;
use super::mailbox::letter;
use super::mailbox::link;
use super::mailbox::logs_in;
use super::mailbox::over;
use super::mailbox::reason;
use super::mailbox::redeem;
use super::mailbox::run;
use super::mailbox::waiting;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::authorization;
use crate::clinic::browser::encoded;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use futures_util::future::join_all;

const NAME: (&str, &str) = ("username", "maria.delgado");

#[tokio::test]
async fn case_93_three_letters_an_hour_and_a_newer_link_ends_the_older() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(letter(&clinic, MARIA).await);
    }
    over(&clinic.browser().get(&paths[0].0).await, "newer one");
    over(&clinic.browser().get(&paths[1].0).await, "newer one");
    for _ in 0..17 {
        let answer = ask(&mut clinic.browser(), MARIA).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(reason(&clinic).await, "too-many-letters");
    assert_eq!(waiting(&clinic).await, 3);
    let answer = ask(&mut clinic.browser(), MARIA).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "the address");
    assert!(answer.header("retry-after").parse::<u64>().is_ok());
    assert!(
        logs_in(&clinic, &maria.username, &maria.password).await,
        "the password works all the while"
    );
    let (path, pin) = &paths[2];
    let done = redeem(&mut clinic.browser(), path, &[NAME, ("pin", pin)]).await;
    assert_eq!(
        done.status,
        StatusCode::SEE_OTHER,
        "the last one is not churned away"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_94_opening_a_link_changes_nothing() {
    let clinic = Clinic::open().await;
    let (path, pin) = letter(&clinic, MARIA).await;
    for _ in 0..20 {
        let scanner = Request::get(&path).header("sec-purpose", "prefetch");
        let answer = clinic
            .send(scanner.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        let head = Request::head(&path).body(Body::empty()).expect("a request");
        assert_eq!(clinic.send(head).await.status, StatusCode::OK);
    }
    // A scanner that posts has no cookie and no token of a form.
    let fields = [
        NAME,
        ("pin", pin.as_str()),
        ("new_password", GOOD),
        ("new_password_again", GOOD),
    ];
    let post = Request::post(&path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(encoded(&fields)))
        .expect("a request");
    assert_eq!(clinic.send(post).await.status, StatusCode::FORBIDDEN);
    let done = redeem(&mut clinic.browser(), &path, &[NAME, ("pin", &pin)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    clinic.close().await;
}

/// A form behind a link, from a browser of its own.
fn guess(path: &str, number: usize, pin: &str) -> Request<Body> {
    let visitor = format!("visitor-visitor-visitor-{number:05}");
    let csrf = anteroom::auth::csrf::token(&visitor);
    let fields = [
        ("csrf", csrf.as_str()),
        NAME,
        ("pin", pin),
        ("new_password", GOOD),
        ("new_password_again", GOOD),
    ];
    Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", format!("anteroom_visitor={visitor}"))
        .body(Body::from(encoded(&fields)))
        .expect("a request")
}

async fn burnt(clinic: Clinic) {
    let (path, pin) = letter(&clinic, MARIA).await;
    let tries = (0..100).map(|number| clinic.send(guess(&path, number, "AAAAAA")));
    let answers = join_all(tries).await;
    let looked_at = answers.iter().filter(|one| one.status == StatusCode::OK);
    assert!(looked_at.count() <= 5);
    let lines = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'reset.use' AND reason = 'wrong-pin'")
        .await;
    assert_eq!(lines, "5", "five of a hundred are looked at");
    let right = clinic.send(guess(&path, 1000, &pin)).await;
    over(&right, "too many wrong tries");
    clinic.close().await;
}

#[tokio::test]
async fn case_96_five_wrong_guesses_burn_a_link() {
    burnt(Clinic::open().await).await;
}

#[tokio::test]
async fn case_96_five_wrong_guesses_burn_a_link_on_mariadb() {
    if let Some(clinic) = Clinic::on_mariadb("7.0.4").await {
        burnt(clinic).await;
    }
}

#[tokio::test]
async fn f059_case_97_a_pin_is_compared_letter_by_letter() {
    let clinic = Clinic::open().await;
    let (path, pin) = letter(&clinic, MARIA).await;
    let spaced = format!(" {pin}");
    let lower = pin.to_lowercase();
    for wrong in ["0", "0e123456", &spaced, &lower] {
        if *wrong == pin {
            continue;
        }
        let page = redeem(&mut clinic.browser(), &path, &[NAME, ("pin", wrong)]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(reason(&clinic).await, "wrong-pin", "{wrong}");
    }
    for missing in [("pin[]", pin.as_str()), ("pin", "")] {
        let page = redeem(&mut clinic.browser(), &path, &[NAME, missing]).await;
        assert!(page.text().contains("Type the 6 characters"), "{missing:?}");
    }
    let done = redeem(&mut clinic.browser(), &path, &[NAME, ("pin", &pin)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "the fifth guess");
    clinic.close().await;
}

async fn raced(clinic: Clinic) {
    let (path, pin) = letter(&clinic, MARIA).await;
    let tries = (0..4).map(|number| clinic.send(guess(&path, number, &pin)));
    let answers = join_all(tries).await;
    let done = answers
        .iter()
        .filter(|one| one.status == StatusCode::SEE_OTHER)
        .count();
    assert_eq!(done, 1);
    over(&clinic.browser().get(&path).await, "was used already");
    let again = clinic.send(guess(&path, 9, &pin)).await;
    assert_eq!(again.status, StatusCode::GONE);
    assert_eq!(reason(&clinic).await, "token-used");
    clinic.close().await;
}

#[tokio::test]
async fn f063_of_two_who_use_a_link_at_once_one_does() {
    raced(Clinic::open().await).await;
}

#[tokio::test]
async fn f063_of_two_who_use_a_link_at_once_one_does_on_mariadb() {
    if let Some(clinic) = Clinic::on_mariadb("7.0.4").await {
        raced(clinic).await;
    }
}

#[tokio::test]
async fn case_101_no_header_finds_its_way_into_a_letter() {
    let clinic = Clinic::open().await;
    let csrf = anteroom::auth::csrf::token("visitor-visitor-visitor-visitor");
    let fields = [
        ("csrf", csrf.as_str()),
        ("email", MARIA[0]),
        ("birth_date", MARIA[1]),
        ("family_name", MARIA[2]),
        ("zip", MARIA[3]),
    ];
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
        ("x-forwarded-proto", "gopher"),
    ] {
        let request = Request::post("/reset")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", "anteroom_visitor=visitor-visitor-visitor-visitor")
            .header(name, value)
            .body(Body::from(encoded(&fields)))
            .expect("a request");
        let answer = clinic.send(request).await;
        assert!(!answer.text().contains("evil.example"), "{name}");
        let links = clinic
            .look("SELECT GROUP_CONCAT(told) AS text FROM anteroom_outbox")
            .await;
        assert!(!links.contains("evil"), "{name}: {links}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_113_g12_a_shared_mailbox_opens_one_account_and_two_that_fit_open_none() {
    let clinic = Clinic::open().await;
    let shared = "thornton.family@example.com";
    let emily: Vec<_> = clinic.patients("active, shared").collect();
    let born: &'static str = &emily[0].birth_date;
    let (path, pin) = letter(&clinic, [shared, born, "Thornton", "01930"]).await;
    let noah = [("username", "noah.thornton"), ("pin", pin.as_str())];
    let page = redeem(&mut clinic.browser(), &path, &noah).await;
    assert!(page.text().contains("That does not match"));
    assert!(!page.text().contains("Emily"), "a link names nobody");
    let emily = [("username", "emily.thornton"), ("pin", pin.as_str())];
    let done = redeem(&mut clinic.browser(), &path, &emily).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(logs_in(&clinic, "noah.thornton", "Two-Letters-9").await);
    run(
        &clinic,
        "UPDATE patient_data SET DOB = (SELECT DOB FROM patient_data WHERE pid = 8) WHERE pid = 9",
    )
    .await;
    let before = waiting(&clinic).await;
    ask(&mut clinic.browser(), [shared, born, "Thornton", "01930"]).await;
    assert_eq!(waiting(&clinic).await, before);
    assert_eq!(reason(&clinic).await, "several-match");
    clinic.close().await;
}

#[tokio::test]
async fn case_91_a_locked_account_is_opened_by_no_link() {
    let clinic = Clinic::open().await;
    let (path, _) = letter(&clinic, MARIA).await;
    run(
        &clinic,
        "INSERT INTO anteroom_account (pid, locked, locked_reason) VALUES (1, 1, 'asked for')",
    )
    .await;
    over(&clinic.browser().get(&path).await, "changed since");
    ask(&mut clinic.browser(), MARIA).await;
    assert_eq!(reason(&clinic).await, "access-locked");
    clinic.close().await;
}

#[tokio::test]
async fn case_92_whoever_is_locked_out_by_a_guesser_resets_and_logs_in() {
    let clinic = Clinic::open().await;
    let mut guesser = clinic.browser();
    let form = guesser.start(&authorization(EVERYTHING)).await;
    for _ in 0..9 {
        guesser.submit(&form, &[NAME, ("password", "wrong")]).await;
    }
    // As after many more of them: the test must not end before the wait does.
    run(
        &clinic,
        "UPDATE anteroom_throttle SET not_before = not_before + 80000 WHERE name LIKE 'a:%' AND attempts > 4",
    )
    .await;
    let (path, pin) = letter(&clinic, MARIA).await;
    let mut browser = clinic.browser();
    let done = redeem(&mut browser, &path, &[NAME, ("pin", &pin)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(
        !logs_in(&clinic, NAME.1, GOOD).await,
        "elsewhere the wait goes on"
    );
    let form = browser.start(&authorization(EVERYTHING)).await;
    let here = browser.submit(&form, &[NAME, ("password", GOOD)]).await;
    assert!(here.header("location").starts_with("/oauth2/consent"));
    clinic.close().await;
}

#[tokio::test]
async fn g02_zeros_stand_for_no_zip_and_a_longer_one_is_cut() {
    let clinic = Clinic::open().await;
    letter(&clinic, [MARIA[0], MARIA[1], "delgado", "01930-1234"]).await;
    run(
        &clinic,
        "UPDATE patient_data SET postal_code = '' WHERE pid = 1",
    )
    .await;
    ask(&mut clinic.browser(), MARIA).await;
    assert_eq!(reason(&clinic).await, "no-match");
    letter(&clinic, [MARIA[0], MARIA[1], MARIA[2], "00000"]).await;
    assert!(link(&clinic).await.starts_with("/reset/"));
    clinic.close().await;
}
