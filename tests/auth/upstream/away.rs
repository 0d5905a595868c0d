//! The identity provider is down, slow or beside itself, and its keys change (`spec/security.md`, case 84).

use axum::http::StatusCode;
use jsonwebtoken::Algorithm;
use jsonwebtoken::Header;
use time::Duration;

use super::Idp;
use super::Trip;
use super::assert_out;
use super::clinic;
use super::go;
use super::is_in;
use super::log_in;
use super::provider;
use super::provider::Mood;

#[tokio::test]
async fn case_84_a_provider_that_is_away_is_a_page_and_no_storm() {
    let idp = Idp::start().await;
    for mood in [Mood::Down, Mood::Html, Mood::Slow] {
        let clinic = clinic(&idp).await;
        idp.tell(|told| told.mood = mood);
        let before = idp.asked();
        for _ in 0..4 {
            let answer = go(&mut clinic.browser()).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{mood:?}");
            assert!(
                answer.text().contains("try again later"),
                "{}",
                answer.text()
            );
            assert_eq!(answer.header("retry-after"), "5");
        }
        assert_eq!(idp.asked() - before, 1, "{mood:?}: asked once");
        idp.tell(|told| told.mood = Mood::Well);
        let answer = go(&mut clinic.browser()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "not yet");
        clinic.wait(Duration::seconds(11));
        let answer = go(&mut clinic.browser()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_84_what_is_kept_serves_until_its_time_is_over() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    Trip::begin(&clinic).await;
    idp.tell(|told| told.mood = Mood::Down);
    // A minute before the end, because a busy machine takes its time over the login.
    clinic.wait(Duration::seconds(240));
    let (_, answer) = log_in(&clinic, &idp, |_| {}).await;
    assert!(is_in(&answer), "{}", answer.text());
    assert_eq!(idp.asked(), 1, "no more than one look");
    clinic.wait(Duration::seconds(61));
    let answer = go(&mut clinic.browser()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    clinic.close().await;
}

#[tokio::test]
async fn a_key_that_is_new_there_is_looked_for_once() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    let mut trip = Trip::begin(&clinic).await;
    let (key, jwk) = provider::new_key("second");
    idp.tell(|told| told.keys.push(jwk));
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("second".to_owned());
    let token =
        |trip: &Trip<'_>| jsonwebtoken::encode(&header, &trip.claims(&clinic, &idp), &key).unwrap();
    idp.gives(&token(&trip));
    assert_out(&trip.back(&idp).await, "the keys were read a moment ago");
    clinic.wait(Duration::seconds(11));
    let mut trip = Trip::begin(&clinic).await;
    idp.gives(&token(&trip));
    let answer = trip.back(&idp).await;
    assert!(is_in(&answer), "{}", answer.text());
    assert_eq!(idp.asked(), 2);
    clinic.close().await;
}
