//! Adding, approving and shutting out apps, and every field that can be wrong.

use super::check::check;
use super::*;
use crate::auth::fixture::Seeded;
use crate::auth::fixture::empty_db;

fn deed(db: &Db) -> Deed<'_> {
    Deed {
        db,
        by: "command line",
        now: OffsetDateTime::from_unix_timestamp(5).unwrap(),
        request_id: "",
        inside: Inside::Closed,
    }
}

fn diary() -> NewClient {
    NewClient {
        redirect_uris: vec!["https://diary.example/cb".into()],
        scope: "openid patient/*.rs".into(),
        ..NewClient::named("Health Diary", Kind::Public)
    }
}

/// The fields that are wrong.
fn wrong(new: &NewClient) -> Vec<&'static str> {
    let all = check(new, Inside::Closed);
    for (field, sentence) in &all {
        assert!(
            sentence.ends_with('.') && sentence.len() > 20,
            "{field}: {sentence}"
        );
    }
    all.into_iter().map(|(field, _)| field).collect()
}

#[test]
fn only_addresses_that_are_safe_are_registered() {
    let found = |kind: Kind, uri: &str| {
        let new = NewClient {
            kind,
            redirect_uris: vec![uri.to_owned()],
            ..diary()
        };
        wrong(&new)
    };
    for good in [
        "https://app.example/cb?x=1",
        "http://127.0.0.1/cb",
        "http://[::1]/cb",
        "http://localhost:3000/",
    ] {
        assert!(found(Kind::Public, good).is_empty(), "{good}");
        assert!(found(Kind::Confidential, good).is_empty(), "{good}");
    }
    for native in [
        "com.example.app:/cb",
        "com.example.my-app:/",
        "org.app2:/oauth/cb?x=1",
    ] {
        assert!(found(Kind::Public, native).is_empty(), "{native}");
        assert_eq!(
            found(Kind::Confidential, native),
            ["redirect_uris"],
            "{native}"
        );
    }
    for bad in [
        "http://app.example/cb",
        "https://app.example/#f",
        "https://*.app.example/cb",
        "myapp://cb",
        "myapp:/cb",
        "Com.Example.App:/cb",
        "com.example.app:cb",
        "com..app:/cb",
        "com.example.:/cb",
        "com.ex+ample:/cb",
        "javascript:alert(1)",
        "https://u:p@app.example/cb",
        "/cb",
        "https://app.example/c b",
        "https://äpp.example/",
        "data:text/html,x",
        "http://127.0.0.1.evil/cb",
        "",
    ] {
        assert_eq!(found(Kind::Public, bad), ["redirect_uris"], "{bad}");
    }
}

#[test]
fn every_wrong_field_is_told_at_once() {
    let new = NewClient {
        client_id: Some("a b".into()),
        redirect_uris: Vec::new(),
        scope: "everything".into(),
        launch_uri: Some("http://app.example/launch".into()),
        logout_uris: vec!["ftp://x".into()],
        jwks: Some("{}".into()),
        jwks_uri: Some("https://app.example/jwks".into()),
        client_uri: Some("javascript:alert(1)".into()),
        contact: Some("a\nb".into()),
        ..NewClient::named("\u{202e}yraiD", Kind::Public)
    };
    let fields = [
        "name",
        "client_id",
        "redirect_uris",
        "scope",
        "launch_uri",
        "logout_uris",
        "jwks",
        "jwks_uri",
        "client_uri",
        "contact",
    ];
    assert_eq!(wrong(&new), fields);
    assert!(wrong(&diary()).is_empty());
}

#[test]
fn each_kind_has_what_is_its_own() {
    let backend = NewClient {
        redirect_uris: Vec::new(),
        scope: "system/*.rs".into(),
        jwks_uri: Some("https://app.example/jwks".into()),
        ..NewClient::named("Nightly", Kind::Backend)
    };
    assert!(wrong(&backend).is_empty());
    let change = |new: NewClient| wrong(&new);
    let with = |kind: Kind| NewClient {
        kind,
        ..backend.clone()
    };
    assert_eq!(change(with(Kind::Asymmetric)), ["redirect_uris", "scope"]);
    assert_eq!(
        change(with(Kind::Public)),
        ["redirect_uris", "scope", "jwks_uri"]
    );
    let no_keys = NewClient {
        jwks_uri: None,
        ..backend.clone()
    };
    assert_eq!(change(no_keys), ["jwks"]);
    let http = Some("http://app.example/jwks".to_owned());
    assert_eq!(
        change(NewClient {
            jwks_uri: http,
            ..backend.clone()
        }),
        ["jwks_uri"]
    );
    let for_users = NewClient {
        scope: "system/*.rs patient/*.rs".into(),
        ..backend.clone()
    };
    assert_eq!(change(for_users), ["scope"]);
    let redirects = vec!["https://app.example/cb".to_owned()];
    assert_eq!(
        change(NewClient {
            redirect_uris: redirects,
            ..backend.clone()
        }),
        ["redirect_uris"]
    );
    let here = NewClient {
        jwks_uri: Some("http://127.0.0.1:9/jwks".into()),
        ..backend
    };
    assert_eq!(change(here.clone()), ["jwks_uri"]);
    assert!(
        check(&here, Inside::Open).is_empty(),
        "a sandbox is on one machine"
    );
}

#[test]
fn scopes_are_cut_to_what_is_offered_and_registered() {
    let client = Client {
        scope: "openid fhirUser launch/patient offline_access patient/*.rs".into(),
        ..crate::auth::fixture::client()
    };
    let cut = |asked: &str| Scope::join(&allowed(&client, asked));
    assert_eq!(
        cut("openid patient/Patient.read patient/Patient.cruds"),
        "openid patient/Patient.read"
    );
    assert_eq!(
        cut("patient/*.cruds user/*.rs system/*.rs launch admin"),
        ""
    );
    assert_eq!(
        cut("patient/Observation.rs patient/Appointment.rs"),
        "patient/Appointment.rs"
    );
}

#[tokio::test]
async fn an_app_is_added_once_listed_and_switched_off() {
    let db = empty_db("client").await;
    let entropy = Seeded::default();
    let new = NewClient {
        client_id: Some("diary".into()),
        verified: true,
        ..diary()
    };
    let made = register(&deed(&db), new.clone(), &entropy).await.unwrap();
    assert_eq!(made.secret, None, "a public app has no secret");
    assert_eq!(list(&db).await.unwrap(), [made.client]);
    let again = register(&deed(&db), new, &entropy).await;
    assert!(again.is_err(), "the id is taken");
    let odd = NewClient {
        scope: "everything".into(),
        ..diary()
    };
    assert!(register(&deed(&db), odd, &entropy).await.is_err());
    let fresh = register(&deed(&db), diary(), &entropy).await.unwrap();
    assert_eq!(fresh.client.client_id.len(), 22);
    disable(&deed(&db), "diary").await.unwrap();
    assert!(in_use(&db, "diary").await.unwrap().is_none());
    assert!(disable(&deed(&db), "diary").await.is_err());
}

#[tokio::test]
async fn a_secret_is_told_once_and_kept_as_a_fingerprint() {
    let db = empty_db("client-secret").await;
    let new = NewClient {
        kind: Kind::Confidential,
        ..diary()
    };
    let made = register(&deed(&db), new, &Seeded::default()).await.unwrap();
    let secret = made.secret.unwrap();
    assert!(secret.starts_with("cs_") && secret.len() == 46, "256 bits");
    let kept = clients::find(&db, &made.client.client_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.secret_hash, Some(crypto::fingerprint(&secret)));
    assert!(!format!("{kept:?}").contains(&secret));
}

#[tokio::test]
async fn a_waiting_app_may_do_nothing_until_it_is_let_in() {
    let house = crate::auth::fixture::House::open("client-waits", &[]).await;
    let (context, db) = (house.context(), &house.emr.db);
    let register = |name: &'static str| {
        let new = NewClient {
            client_id: Some(name.into()),
            waits: true,
            ..diary()
        };
        let deed = Deed::of(&context, "registration");
        async move {
            super::register(&deed, new, &Seeded::default())
                .await
                .unwrap()
        }
    };
    register("one").await;
    register("two").await;
    assert_eq!(waiting(db).await.unwrap().len(), 2);
    assert!(in_use(db, "one").await.unwrap().is_none());
    approve(&context, "one", "Practitioner/x", Vouched::Yes)
        .await
        .unwrap();
    assert!(in_use(db, "one").await.unwrap().unwrap().verified);
    assert!(
        approve(&context, "one", "Practitioner/x", Vouched::No)
            .await
            .is_err()
    );
    assert!(
        decline(&context, "one", "Practitioner/x").await.is_err(),
        "it waits no more"
    );
    decline(&context, "two", "Practitioner/x").await.unwrap();
    assert!(waiting(db).await.unwrap().is_empty());
    assert!(
        approve(&context, "two", "Practitioner/x", Vouched::No)
            .await
            .is_err()
    );
    for (action, reason, times) in [
        ("client.add", "", 2),
        ("client.approve", "verified", 1),
        ("client.disable", "", 1),
    ] {
        assert_eq!(
            house.noted(action, "success", reason).await,
            times,
            "{action}"
        );
    }
}
