//! The life of signing keys: case 69 of `security.md`, with two replicas and a clock that moves.

use openidconnect::JsonWebKey;
use openidconnect::JsonWebKeyId;
use openidconnect::PrivateSigningKey;
use openidconnect::core::CoreJwsSigningAlgorithm;

use super::*;
use crate::auth::fixture;
use crate::crypto::SystemEntropy;
use crate::db::sql::Sql;

const START: i64 = 1_800_000_000;
const DAY: i64 = 86_400;
const MESSAGE: &[u8] = b"header.payload";

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

async fn two(db: &Db) -> (Keys, Keys) {
    let one = Keys::load(db, START, &SystemEntropy).await.unwrap();
    let two = Keys::load(db, START, &SystemEntropy).await.unwrap();
    (one, two)
}

/// What an app does that has read the key set of one replica: finds the key by its id and checks the signature.
fn accepted(set: &CoreJsonWebKeySet, kid: &str, signature: &[u8]) -> bool {
    let wanted = JsonWebKeyId::new(kid.to_owned());
    let key = set.keys().iter().find(|key| key.key_id() == Some(&wanted));
    let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    key.is_some_and(|key| key.verify_signature(&algorithm, MESSAGE, signature).is_ok())
}

fn sign(keys: &Keys, now: i64) -> (String, Vec<u8>) {
    let key = keys.signing(now).unwrap();
    let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    let signature = key.sign(&algorithm, MESSAGE).unwrap();
    (key.kid().to_owned(), signature)
}

fn kids(set: &CoreJsonWebKeySet) -> Vec<String> {
    let kids = set.keys().iter().filter_map(|key| key.key_id());
    kids.map(|kid| kid.as_str().to_owned()).collect()
}

fn states(keys: &Keys, now: i64) -> Vec<State> {
    keys.ring().states(now).map(|(_, state)| state).collect()
}

#[tokio::test]
async fn two_replicas_end_with_the_same_keys_and_keep_them() {
    let db = fixture::empty_db("keys").await;
    let (one, two) = tokio::join!(
        Keys::load(&db, 1, &SystemEntropy),
        Keys::load(&db, 2, &SystemEntropy)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    let kid = |keys: &Keys| keys.signing(3).unwrap().kid().to_owned();
    assert_eq!(kid(&one), kid(&two));
    assert_eq!(one.page, two.page);
    assert_eq!(one.page.len(), 32);
    let later = Keys::load(&db, 3, &SystemEntropy).await.unwrap();
    assert_eq!(kid(&later), kid(&one));
    assert_eq!(states(&one, 1), [State::Signing], "the first signs at once");
    assert_eq!(states(&one, 0), [State::Signing], "also for a clock behind");
}

#[test]
fn the_public_key_set_says_what_the_key_is_for() {
    let keys = fixture::keys();
    let set = serde_json::to_value(keys.jwks(START)).unwrap();
    let key = &set["keys"][0];
    assert_eq!(key["kty"], "RSA");
    assert_eq!(key["use"], "sig");
    assert_eq!(key["alg"], "RS256");
    assert_eq!(key["kid"].as_str().map(str::len), Some(43));
    assert!(key.get("d").is_none(), "the private part stays in");
}

#[tokio::test]
async fn case_69_a_key_is_published_before_it_signs_and_after() {
    let db = fixture::empty_db("keys-rotation").await;
    let (one, two) = two(&db).await;
    let (old, _) = sign(&one, START);
    let made = START + DAY;
    assert!(rotate(&db, at(made), Rotation::ByHand).await.unwrap());
    one.refresh(&db).await.unwrap();
    two.refresh(&db).await.unwrap();
    let takes_over = made + PUBLISHED_BEFORE;
    let gone = takes_over + PUBLISHED_AFTER;
    // Every second that matters: what either replica signs is accepted with the set that an app read five minutes ago,
    // and with any set until the token's ten minutes are over.
    for now in [
        made,
        made + 1,
        takes_over - 1,
        takes_over,
        takes_over + 1,
        gone - 1,
        gone,
        gone + DAY,
    ] {
        let (kid, signature) = sign(&one, now);
        assert_eq!(sign(&two, now).0, kid, "both sign with one key");
        assert_eq!(kid == old, now < takes_over, "{}", now - made);
        let cached = (now - 300).max(made);
        for read in [cached, now, now + 600] {
            assert!(
                accepted(&two.jwks(read), &kid, &signature),
                "{}",
                read - made
            );
        }
        let published = kids(&one.jwks(now));
        assert_eq!(published.contains(&old), now < gone, "{}", now - made);
    }
    assert_eq!(
        states(&one, made),
        [State::Signing, State::Next(takes_over)]
    );
    assert_eq!(
        states(&one, takes_over),
        [State::Retiring(gone), State::Signing]
    );
    assert_eq!(states(&one, gone), [State::Retired, State::Signing]);
    assert!(one.ring().of_kid(&old).is_some(), "it is still ours");
}

#[tokio::test]
async fn case_69_a_replica_that_has_not_read_the_new_key_yet_still_signs_what_others_publish() {
    let db = fixture::empty_db("keys-behind").await;
    let (one, behind) = two(&db).await;
    assert!(rotate(&db, at(START), Rotation::ByHand).await.unwrap());
    one.refresh(&db).await.unwrap();
    let late = START + PUBLISHED_BEFORE + 30;
    let (kid, signature) = sign(&behind, late);
    assert_ne!(kid, sign(&one, late).0);
    assert!(accepted(&one.jwks(late), &kid, &signature));
    behind.refresh(&db).await.unwrap();
    assert_eq!(sign(&behind, late).0, sign(&one, late).0);
}

#[tokio::test]
async fn case_69_of_two_replicas_that_see_the_same_age_one_makes_a_key() {
    let db = fixture::empty_db("keys-age").await;
    let (one, _) = two(&db).await;
    let age = Rotation::ByAge(Duration::days(90));
    let before = at(START + 90 * DAY - 1);
    assert!(!rotate(&db, before, age).await.unwrap());
    let (due, later) = (at(START + 90 * DAY), at(START + 90 * DAY + 7));
    let (first, second) = tokio::join!(rotate(&db, due, age), rotate(&db, later, age));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first ^ second, "{first} {second}");
    assert!(!rotate(&db, later, age).await.unwrap());
    one.refresh(&db).await.unwrap();
    assert_eq!(one.ring().states(START).count(), 2);
    let again = at(START + 181 * DAY);
    assert!(rotate(&db, again, age).await.unwrap());
    let lines = "SELECT COUNT(*) AS total FROM anteroom_audit WHERE action = 'key.rotate'";
    #[derive(sqlx::FromRow)]
    struct Count {
        total: i64,
    }
    let count: Option<Count> = db.one(Sql::new(lines)).await.unwrap();
    assert_eq!(count.unwrap().total, 2, "each key has one line");
}

#[tokio::test]
async fn a_leaked_key_is_dropped_at_once_and_one_that_waited_with_it() {
    let db = fixture::empty_db("keys-leak").await;
    let (keys, _) = two(&db).await;
    let (leaked, _) = sign(&keys, START);
    assert!(rotate(&db, at(START + 5), Rotation::ByHand).await.unwrap());
    let now = START + 10;
    assert!(rotate(&db, at(now), Rotation::AtOnce).await.unwrap());
    keys.refresh(&db).await.unwrap();
    assert_eq!(
        states(&keys, now),
        [State::Dropped, State::Dropped, State::Signing]
    );
    let (kid, signature) = sign(&keys, now);
    assert_eq!(kids(&keys.jwks(now)), std::slice::from_ref(&kid));
    assert!(accepted(&keys.jwks(now), &kid, &signature));
    assert!(
        keys.ring().of_kid(&leaked).is_none(),
        "nothing it signed counts"
    );
    assert!(
        rotate(&db, at(now + DAY), Rotation::ByHand).await.unwrap(),
        "and rotation goes on"
    );
    keys.refresh(&db).await.unwrap();
    assert_eq!(
        states(&keys, now + DAY + PUBLISHED_BEFORE)[2..],
        [
            State::Retiring(now + DAY + PUBLISHED_BEFORE + PUBLISHED_AFTER),
            State::Signing
        ]
    );
}

#[tokio::test]
async fn a_clock_that_is_behind_does_not_put_the_new_key_before_the_old() {
    let db = fixture::empty_db("keys-clock").await;
    let (keys, _) = two(&db).await;
    let (old, _) = sign(&keys, START);
    assert!(
        rotate(&db, at(START - 120), Rotation::ByHand)
            .await
            .unwrap()
    );
    keys.refresh(&db).await.unwrap();
    let takes_over = START + 1 + PUBLISHED_BEFORE;
    assert_eq!(sign(&keys, takes_over - 1).0, old);
    assert_ne!(sign(&keys, takes_over).0, old);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_leaves_the_keys_that_are_known() {
    let db = fixture::empty_db("keys-broken").await;
    let (keys, _) = two(&db).await;
    let broken = "INSERT INTO anteroom_key (kid, purpose, material, created) VALUES ('x', 'sign', 'no key', 1)";
    db.run(Sql::new(broken)).await.unwrap();
    assert!(keys.refresh(&db).await.is_err());
    assert!(keys.signing(START).is_ok());
}
