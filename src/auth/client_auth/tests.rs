//! The ways of saying who asks, alone and mixed up.

use serde_json::Value;
use serde_json::json;

use super::*;
use crate::auth::client_fixture::BEARER;
use crate::auth::client_fixture::ENDPOINT;
use crate::auth::client_fixture::SECRET;
use crate::auth::client_fixture::add_clients;
use crate::auth::client_fixture::assertion;
use crate::auth::fixture::House;

type Basic<'t> = Option<(&'t str, &'t str)>;
type Pairs<'t> = &'t [(&'t str, &'t str)];

async fn house(name: &str) -> House {
    let house = House::open(name, &[]).await;
    add_clients(&house).await;
    house
}

/// The app a request is from, or error, status and description.
async fn who(
    house: &House,
    basic: Option<(&str, &str)>,
    pairs: &[(&str, &str)],
) -> Result<String, (String, u16, String)> {
    let params: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let basic = basic.map(|(id, secret)| (id.to_owned(), secret.to_owned()));
    match authenticate(&house.context(), &params, basic, ENDPOINT).await {
        Ok(client) => Ok(client.client_id),
        Err(error) => {
            assert!(error.broken.is_none(), "{:?}", error.broken);
            let status = error.status();
            Err((
                error.error.as_ref().to_owned(),
                status,
                error.description.into_owned(),
            ))
        }
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn each_kind_of_app_has_its_way_in() {
    let house = house("auth-good").await;
    assert_eq!(
        who(&house, None, &[("client_id", "app")]).await,
        Ok("app".to_owned())
    );
    let secretive = Ok("secretive".to_owned());
    assert_eq!(
        who(&house, Some(("secretive", SECRET)), &[]).await,
        secretive,
        "raw, as Inferno sends it"
    );
    let form = encoded(SECRET);
    assert_ne!(form, SECRET);
    assert_eq!(
        who(&house, Some(("secretive", &form)), &[]).await,
        secretive,
        "as RFC 6749 wants it"
    );
    let named = [("client_id", "secretive")];
    assert_eq!(
        who(&house, Some(("secretive", SECRET)), &named).await,
        secretive
    );
    assert_eq!(
        who(&house, Some(("secr%65tive", SECRET)), &named).await,
        secretive
    );
    assert_eq!(
        who(&house, Some(("secr%65tive", SECRET)), &[]).await,
        secretive
    );
    let post = [("client_id", "secretive"), ("client_secret", SECRET)];
    assert_eq!(who(&house, None, &post).await, secretive);
    for id in ["signing", "service"] {
        let (first, second) = (assertion(&house, id), assertion(&house, id));
        let bare = [
            ("client_assertion_type", BEARER),
            ("client_assertion", &first),
        ];
        assert_eq!(who(&house, None, &bare).await, Ok(id.to_owned()));
        let named = [
            ("client_assertion_type", BEARER),
            ("client_assertion", &second),
            ("client_id", id),
        ];
        assert_eq!(who(&house, None, &named).await, Ok(id.to_owned()));
    }
}

#[tokio::test]
async fn case_42_two_ways_at_once_are_no_way() {
    let house = house("auth-twice").await;
    let signed = assertion(&house, "signing");
    let header = Some(("secretive", SECRET));
    let table: [(Basic, Pairs); 8] = [
        (header, &[("client_secret", SECRET)]),
        (
            header,
            &[("client_id", "secretive"), ("client_secret", SECRET)],
        ),
        (header, &[("client_id", "app")]),
        (
            header,
            &[
                ("client_assertion_type", BEARER),
                ("client_assertion", &signed),
            ],
        ),
        (
            Some(("signing", "")),
            &[
                ("client_assertion_type", BEARER),
                ("client_assertion", &signed),
            ],
        ),
        (
            None,
            &[("client_secret", SECRET), ("client_assertion", &signed)],
        ),
        (None, &[("client_id", "app"), ("client_id", "app")]),
        (Some(("", "")), &[("client_id", "app")]),
    ];
    for (basic, pairs) in table {
        let (error, status, _) = who(&house, basic, pairs).await.unwrap_err();
        assert_eq!(
            (error.as_str(), status),
            ("invalid_request", 400),
            "{pairs:?}"
        );
    }
}

#[tokio::test]
async fn case_43_each_kind_is_held_to_its_own_proof() {
    let house = house("auth-kind").await;
    let other = assertion(&house, "service");
    let table: [(Basic, Pairs, &str); 14] = [
        (
            None,
            &[("client_id", "secretive")],
            "registered as confidential",
        ),
        (Some(("secretive", "")), &[], "registered as confidential"),
        (
            Some(("secretive", "wrong")),
            &[],
            "the client secret is not",
        ),
        (
            Some(("secretive", "s3cret")),
            &[],
            "the client secret is not",
        ),
        (
            None,
            &[("client_id", "secretive"), ("client_secret", "wrong")],
            "the client secret is not",
        ),
        (None, &[("client_id", "signing")], "keys of its own"),
        (
            None,
            &[("client_id", "signing"), ("client_secret", SECRET)],
            "keys of its own",
        ),
        (Some(("service", SECRET)), &[], "keys of its own"),
        (
            None,
            &[("client_id", "app"), ("client_secret", SECRET)],
            "registered as public",
        ),
        (Some(("app", SECRET)), &[], "registered as public"),
        (
            None,
            &[("client_id", "nobody")],
            "no app that is registered",
        ),
        (Some(("", "")), &[], "no app that is registered"),
        (None, &[], "client_id is required"),
        (
            None,
            &[
                ("client_id", "signing"),
                ("client_assertion_type", BEARER),
                ("client_assertion", &other),
            ],
            "differs from iss",
        ),
    ];
    for (basic, pairs, said) in table {
        let (error, status, found) = who(&house, basic, pairs).await.unwrap_err();
        assert_eq!(
            (error.as_str(), status),
            ("invalid_client", 401),
            "{pairs:?}"
        );
        assert!(found.contains(said), "{pairs:?}: {found}");
    }
    house
        .change("UPDATE anteroom_client SET waits = 1 WHERE client_id = 'secretive'")
        .await;
    assert!(
        who(&house, Some(("secretive", SECRET)), &[]).await.is_err(),
        "it waits for approval"
    );
    house
        .change("UPDATE anteroom_client SET disabled = 1")
        .await;
    assert!(
        who(&house, None, &[("client_id", "app")]).await.is_err(),
        "it is switched off"
    );
}

#[tokio::test]
async fn case_43_the_type_of_an_assertion_is_the_one_there_is() {
    let house = house("auth-type").await;
    let good = assertion(&house, "service");
    for pairs in [
        &[
            ("client_assertion_type", "not_an_assertion_type"),
            ("client_assertion", good.as_str()),
        ][..],
        &[("client_assertion", &good)],
        &[("client_assertion_type", BEARER)],
        &[
            ("client_assertion_type", BEARER),
            ("client_assertion", "not.a.jwt"),
        ],
    ] {
        let (error, status, found) = who(&house, None, pairs).await.unwrap_err();
        assert_eq!((error.as_str(), status), ("invalid_client", 401), "{found}");
        assert!(found.contains("client_assertion"), "{found}");
    }
    let right = [
        ("client_assertion_type", BEARER),
        ("client_assertion", good.as_str()),
    ];
    assert!(who(&house, None, &right).await.is_ok(), "nothing spent it");
}

#[tokio::test]
async fn case_68_a_secret_is_compared_as_a_fingerprint() {
    let house = house("auth-secret").await;
    let stored = crypto::fingerprint(SECRET);
    for wrong in [
        stored.as_str(),
        &SECRET[1..],
        &format!("{SECRET}x"),
        &SECRET.to_uppercase(),
        " ",
    ] {
        assert!(
            who(&house, Some(("secretive", wrong)), &[]).await.is_err(),
            "{wrong}"
        );
    }
    // A row without a secret is opened by none.
    house
        .change("UPDATE anteroom_client SET secret_hash = NULL")
        .await;
    for none in [SECRET, " ", "%00"] {
        assert!(
            who(&house, Some(("secretive", none)), &[]).await.is_err(),
            "{none}"
        );
    }
    house
        .change("UPDATE anteroom_client SET secret_hash = ''")
        .await;
    assert!(who(&house, Some(("secretive", SECRET)), &[]).await.is_err());
}

#[test]
fn an_error_is_told_with_the_request_it_belongs_to() {
    let body = serde_json::to_value(OAuthError::client("no").body("request-1")).unwrap();
    let wanted: Value =
        json!({ "error": "invalid_client", "error_description": "no", "request_id": "request-1" });
    assert_eq!(body, wanted);
}
