//! Rights as OpenEMR would judge them: groups, groups around groups, rules for one user, rules that deny or are off.

use super::*;

/// Root 10 with the groups 11 (and 13 inside it) and 12; ann is in 13, bea in 12, cid in none.
const TREE: &str = "\
    INSERT INTO gacl_aro_groups (id, parent_id, lft, rgt, name, value) VALUES \
        (10, 0, 1, 8, 'All', 'users'), (11, 10, 2, 5, 'Office', 'office'), \
        (13, 11, 3, 4, 'Trainees', 'trainees'), (12, 10, 6, 7, 'Doctors', 'doc'); \
    INSERT INTO gacl_aro (id, section_value, value, name) VALUES \
        (1, 'users', 'ann', 'Ann'), (2, 'users', 'bea', 'Bea'), (3, 'users', 'cid', 'Cid'); \
    INSERT INTO gacl_groups_aro_map (group_id, aro_id) VALUES (13, 1), (12, 2);";

async fn practice(rules: &str) -> (Db, std::path::PathBuf) {
    let name = format!("anteroom-rights-{}.db", uuid::Uuid::from_u128(nanos()));
    let path = std::env::temp_dir().join(name);
    let db = Db::open(&format!("sqlite://{}", path.display()), None)
        .await
        .unwrap();
    db.migrate().await.unwrap();
    db.script(TREE).await.unwrap();
    db.script(rules).await.unwrap();
    (db, path)
}

/// A name for a file of this test alone.
fn nanos() -> u128 {
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering;
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::SeqCst);
    (u128::from(std::process::id()) << 64) | u128::from(next)
}

async fn rights(rules: &str, name: &str) -> Vec<Right> {
    let (db, path) = practice(rules).await;
    let found = of(&db, name).await.unwrap();
    db.close().await;
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
    }
    found
}

const OFFICE: &str = "\
    INSERT INTO gacl_acl (id, section_value, allow, enabled, updated_date) VALUES (1, 'system', 1, 1, 1); \
    INSERT INTO gacl_aco_map (acl_id, section_value, value) VALUES (1, 'patients', 'demo'), (1, 'patients', 'appt'); \
    INSERT INTO gacl_aro_groups_map (acl_id, group_id) VALUES (1, 11);";

#[tokio::test]
async fn a_group_gives_its_members_what_the_groups_around_it_have() {
    let ann = rights(OFFICE, "ann").await;
    assert_eq!(ann, [Right::Demographics, Right::Appointments]);
    assert_eq!(rights(OFFICE, "bea").await, []);
    assert_eq!(rights(OFFICE, "cid").await, []);
    assert_eq!(rights(OFFICE, "nobody").await, []);
    assert_eq!(rights(OFFICE, "").await, []);
}

#[tokio::test]
async fn the_inner_group_gives_nothing_to_those_of_the_outer() {
    let inner = OFFICE.replace("(1, 11)", "(1, 13)");
    let moved = format!("{inner} UPDATE gacl_groups_aro_map SET group_id = 11 WHERE aro_id = 2;");
    assert_eq!(rights(&moved, "bea").await, []);
    assert_eq!(rights(&moved, "ann").await.len(), 2);
}

#[tokio::test]
async fn a_rule_for_one_user_gives_what_the_group_does_not() {
    let own = format!(
        "{OFFICE} INSERT INTO gacl_acl (id, section_value, allow, enabled, updated_date) VALUES (2, 'user', 1, 1, 2); \
         INSERT INTO gacl_aco_map (acl_id, section_value, value) VALUES (2, 'patientportal', 'portal'); \
         INSERT INTO gacl_aro_map (acl_id, section_value, value) VALUES (2, 'users', 'ann'), (2, 'users', 'cid');"
    );
    let ann = rights(&own, "ann").await;
    assert_eq!(
        ann,
        [Right::Portal, Right::Demographics, Right::Appointments]
    );
    assert_eq!(rights(&own, "cid").await, [Right::Portal]);
    assert_eq!(rights(&own, "bea").await, []);
}

#[tokio::test]
async fn a_rule_that_denies_wins_wherever_it_stands() {
    let denied = |whom: &str| {
        format!(
            "{OFFICE} INSERT INTO gacl_acl (id, section_value, allow, enabled, updated_date) \
             VALUES (2, 'user', 0, 1, 2); \
             INSERT INTO gacl_aco_map (acl_id, section_value, value) VALUES (2, 'patients', 'demo'); {whom}"
        )
    };
    for whom in [
        "INSERT INTO gacl_aro_map (acl_id, section_value, value) VALUES (2, 'users', 'ann');",
        "INSERT INTO gacl_aro_groups_map (acl_id, group_id) VALUES (2, 13);",
        "INSERT INTO gacl_aro_groups_map (acl_id, group_id) VALUES (2, 10);",
    ] {
        assert_eq!(
            rights(&denied(whom), "ann").await,
            [Right::Appointments],
            "{whom}"
        );
    }
    let group_denies = "\
        INSERT INTO gacl_acl (id, section_value, allow, enabled, updated_date) VALUES (1, 'user', 1, 1, 9), (2, 'system', 0, 1, 1); \
        INSERT INTO gacl_aco_map (acl_id, section_value, value) VALUES (1, 'patients', 'docs'), (2, 'patients', 'docs'); \
        INSERT INTO gacl_aro_map (acl_id, section_value, value) VALUES (1, 'users', 'ann'); \
        INSERT INTO gacl_aro_groups_map (acl_id, group_id) VALUES (2, 11);";
    assert_eq!(rights(group_denies, "ann").await, []);
}

#[tokio::test]
async fn a_rule_that_is_switched_off_neither_gives_nor_denies() {
    let off = OFFICE.replace("1, 1, 1)", "1, 0, 1)");
    assert_eq!(rights(&off, "ann").await, []);
    let denied_once = format!(
        "{OFFICE} INSERT INTO gacl_acl (id, section_value, allow, enabled, updated_date) VALUES (2, 'user', 0, 0, 2); \
         INSERT INTO gacl_aco_map (acl_id, section_value, value) VALUES (2, 'patients', 'demo'); \
         INSERT INTO gacl_aro_map (acl_id, section_value, value) VALUES (2, 'users', 'ann');"
    );
    assert_eq!(rights(&denied_once, "ann").await.len(), 2);
}
