//! What a launch may be made of (`spec/security.md`, case 32).

use super::*;
use crate::auth::fixture::ALICE;
use crate::auth::fixture::House;
use crate::domain::refusal::Failure;
use crate::emr::colleague;

const STAFF: &str = "INSERT INTO users (id, uuid, username, fname, lname, active) VALUES \
    (4, x'00000000000000000000000000000d0c', 'doc', 'Dora', 'Octor', 1), \
    (5, x'00000000000000000000000000000d0d', 'clerk', 'Cleo', 'Lerk', 1)";

const RULE: &str = "INSERT INTO gacl_acl (id, section_value, allow, enabled, updated_date) VALUES (1, 'user', 1, 1, 1)";

const OPENS: &str = "INSERT INTO gacl_aco_map (acl_id, section_value, value) VALUES \
    (1, 'patients', 'demo'), (1, 'encounters', 'notes_a')";

const WHOSE: &str =
    "INSERT INTO gacl_aro_map (acl_id, section_value, value) VALUES (1, 'users', 'doc')";

const VISITS: &str = "INSERT INTO form_encounter (id, uuid, date, pid, encounter) VALUES \
    (1, x'000000000000000000000000000000e1', '2026-01-05 09:00:00', 1, 101), \
    (2, x'000000000000000000000000000000e2', '2026-01-05 09:00:00', 2, 102)";

const STARTABLE: &str = "UPDATE anteroom_client SET launch_uri = 'https://app.example/launch?v=1', \
    scope = 'launch openid patient/*.rs user/*.rs' WHERE client_id = 'app'";

async fn house(name: &str) -> House {
    let house = House::open(name, &[]).await;
    for text in [STAFF, RULE, OPENS, WHOSE, VISITS, STARTABLE] {
        house.change(text).await;
    }
    house
}

async fn someone(house: &House, name: &str) -> Colleague {
    let found = colleague::by_username(&house.emr, name).await.unwrap();
    found.unwrap()
}

fn wish() -> Wish {
    Wish {
        client_id: "app".to_owned(),
        patient: ALICE.to_string(),
        encounter: String::new(),
        intent: String::new(),
        banner: true,
    }
}

/// The parameter that is wrong, or `forbidden`.
async fn wrong(house: &House, colleague: &Colleague, wish: &Wish) -> String {
    match launch(&house.context(), colleague, wish).await {
        Err(Failure::Refused(Refusal::Invalid { location, .. })) => location,
        Err(Failure::Refused(Refusal::Forbidden(_))) => "forbidden".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_launch_opens_the_app_with_iss_and_a_token_that_is_kept_as_a_fingerprint() {
    let house = house("launch-good").await;
    let doc = someone(&house, "doc").await;
    let asked = Wish {
        encounter: Uuid::from_u128(0xe1).to_string(),
        intent: "reconcile".to_owned(),
        banner: false,
        ..wish()
    };
    let url = launch(&house.context(), &doc, &asked).await.unwrap();
    let start = "https://app.example/launch?v=1&iss=https%3A%2F%2Femr.example%2Ffhir&launch=lt_";
    let token = url.strip_prefix(start).unwrap_or_else(|| panic!("{url}"));
    let hash = crypto::fingerprint(&format!("lt_{token}"));
    let now = house.context().seconds();
    let found = launches::find(&house.emr.db, &hash, "app", now).await;
    assert_eq!(
        found.unwrap(),
        Some(Launched {
            by: Some(4),
            patient: Some(1),
            encounter: Some(Uuid::from_u128(0xe1).to_string()),
            intent: Some("reconcile".to_owned()),
            banner: false,
        })
    );
    assert_eq!(house.noted("launch", "success", "").await, 1);
}

#[tokio::test]
async fn case_32_a_launch_is_for_one_app_one_use_and_five_minutes() {
    let mut house = house("launch-once").await;
    let doc = someone(&house, "doc").await;
    let url = launch(&house.context(), &doc, &wish()).await.unwrap();
    let (_, token) = url.split_once("launch=").unwrap();
    let hash = crypto::fingerprint(token);
    let now = house.context().seconds();
    let other = launches::find(&house.emr.db, &hash, "other", now).await;
    assert_eq!(other.unwrap(), None);
    let spend = async |at: i64| {
        let hash = hash.clone();
        let db = &house.emr.db;
        db.transaction(|tx| {
            let hash = hash.clone();
            Box::pin(async move { launches::claim(tx, &hash, "app", at).await })
        })
        .await
        .unwrap()
    };
    assert!(!spend(now + 300).await, "it has ended");
    assert!(spend(now + 299).await);
    assert!(!spend(now + 299).await, "it was used");
    house.wait(1);
    let again = launch(&house.context(), &doc, &wish()).await.unwrap();
    assert_ne!(again, url);
}

#[tokio::test]
async fn case_32_another_patients_visit_is_no_visit() {
    let house = house("launch-visit").await;
    let doc = someone(&house, "doc").await;
    for encounter in [
        Uuid::from_u128(0xe2).to_string(),
        Uuid::from_u128(0xe9).to_string(),
        "101".to_owned(),
    ] {
        let asked = Wish {
            encounter,
            ..wish()
        };
        assert_eq!(wrong(&house, &doc, &asked).await, "encounter", "{asked:?}");
    }
    assert_eq!(house.noted("launch", "refused", "encounter").await, 3);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let house = house("launch-wrong").await;
    let doc = someone(&house, "doc").await;
    let patient = |id: &str| Wish {
        patient: id.to_owned(),
        ..wish()
    };
    let app = |id: &str| Wish {
        client_id: id.to_owned(),
        ..wish()
    };
    for asked in [
        patient(""),
        patient("1"),
        patient(&Uuid::from_u128(9).to_string()),
    ] {
        assert_eq!(wrong(&house, &doc, &asked).await, "patient", "{asked:?}");
    }
    for asked in [app(""), app("nobody"), app("äpp")] {
        assert_eq!(wrong(&house, &doc, &asked).await, "client_id", "{asked:?}");
    }
    let asked = Wish {
        intent: "x\ny".to_owned(),
        ..wish()
    };
    assert_eq!(wrong(&house, &doc, &asked).await, "intent");
    for off in [
        "UPDATE anteroom_client SET waits = 1",
        "UPDATE anteroom_client SET waits = 0, launch_uri = NULL",
        "UPDATE anteroom_client SET launch_uri = 'https://app.example/l', scope = 'patient/*.rs'",
        "UPDATE anteroom_client SET scope = 'launch', disabled = 1",
    ] {
        house.change(off).await;
        assert_eq!(wrong(&house, &doc, &wish()).await, "client_id", "{off}");
    }
}

#[tokio::test]
async fn f164_without_the_right_to_charts_nobody_launches() {
    let house = house("launch-right").await;
    let clerk = someone(&house, "clerk").await;
    assert_eq!(wrong(&house, &clerk, &wish()).await, "forbidden");
    house
        .change("DELETE FROM gacl_aco_map WHERE section_value = 'encounters'")
        .await;
    let doc = someone(&house, "doc").await;
    let with_visit = Wish {
        encounter: Uuid::from_u128(0xe1).to_string(),
        ..wish()
    };
    assert_eq!(wrong(&house, &doc, &with_visit).await, "forbidden");
    assert!(launch(&house.context(), &doc, &wish()).await.is_ok());
    house.change("UPDATE users SET active = 0").await;
    let left = someone(&house, "doc").await;
    assert_eq!(wrong(&house, &left, &wish()).await, "forbidden");
    assert_eq!(house.noted("launch", "refused", "forbidden").await, 3);
}
