//! The ledger is sealed, and whoever changes it is found out: played with the rights of the database's own administrator.

use std::process::Command;
use std::process::Output;

use anteroom::crypto;
use anteroom::db::Db;
use anteroom::domain::refusal::Answer;
use anteroom::store::expiry;
use anteroom::store::ledger;
use anteroom::store::ledger::Entry;
use anteroom::store::ledger::Outcome;
use anteroom::store::seals;
use anteroom::store::seals::verify;
use anteroom::store::seals::verify::Report;
use anteroom::store::seals::verify::Wrong;
use axum::http::StatusCode;
use futures_util::future::join_all;
use time::Duration;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

/// Writes so many lines as the ledger of reads does.
async fn written(clinic: &Clinic, lines: i64) {
    let entries: Vec<Entry> = (0..lines)
        .map(|number| {
            let mut entry = Entry::new("Patient.read", Outcome::Success, clinic.app.emr.now());
            entry.reason = format!("número {number}  ");
            entry.request_id = format!("r-{number}");
            entry
        })
        .collect();
    let db = &clinic.app.emr.db;
    ledger::record_all(db, &entries).await.expect("written");
}

async fn sealed(clinic: &Clinic) -> u64 {
    let (db, key) = (&clinic.app.emr.db, &clinic.app.keys.seal);
    let newest = seals::newest(db).await.expect("the newest");
    let done = seals::seal(db, key, (newest, clinic.app.emr.now())).await;
    done.expect("sealed").lines
}

async fn held(clinic: &Clinic) -> Report {
    let (db, key) = (&clinic.app.emr.db, &clinic.app.keys.seal);
    let report: Answer<Report> = verify::verify(db, key, None, &|_| {}).await;
    report.expect("verified")
}

async fn does(db: &Db, script: &str) {
    db.script(script).await.expect("the tamperer's statement");
}

/// Runs the tamperer's script and the one that undoes it; what was found between them.
async fn found(clinic: &Clinic, (script, undo): (&str, &str)) -> Vec<Wrong> {
    let db = &clinic.app.emr.db;
    does(db, script).await;
    let report = held(clinic).await;
    does(db, undo).await;
    let after = held(clinic).await;
    assert_eq!(after.wrong, [], "undone: {script}");
    report.wrong
}

async fn each_tampering_is_named(clinic: &Clinic) {
    written(clinic, 2500).await;
    let lines = sealed(clinic).await;
    assert!(lines >= 2500, "{lines}");
    written(clinic, 5).await;
    sealed(clinic).await;
    let fine = held(clinic).await;
    assert_eq!(fine.wrong, []);
    assert_eq!(fine.head.number, 4);
    assert_eq!(fine.waiting, 1, "the line that tells of the last seal");

    // Every column counts.
    for column in [
        "at = at + 1|at = at - 1",
        "action = 'Patient.reads'|action = 'Patient.read'",
        "outcome = 'refused'|outcome = 'success'",
        "reason = CONCAT('x', reason)|reason = SUBSTR(reason, 2)",
        "actor = 'system'|actor = ''",
        "client_id = 'c'|client_id = ''",
        "grant_id = 'g'|grant_id = ''",
        "resource = 'r'|resource = ''",
        "request_id = CONCAT(request_id, ' ')|request_id = SUBSTR(request_id, 1, 6)",
        "patient = '0123456789abcdef'|patient = NULL",
    ] {
        let (change, undo) = column.split_once('|').expect("two");
        let statement = |set: &str| format!("UPDATE anteroom_audit SET {set} WHERE id = 1500");
        let wrong = found(clinic, (&statement(change), &statement(undo))).await;
        assert_eq!(wrong, [Wrong::Changed(1500)], "{change}");
    }

    let keep = "CREATE TABLE kept AS SELECT * FROM anteroom_audit WHERE id = 700; DELETE FROM anteroom_audit WHERE id = 700;";
    let back = "INSERT INTO anteroom_audit SELECT * FROM kept; DROP TABLE kept;";
    assert_eq!(found(clinic, (keep, back)).await, [Wrong::Deleted(700)]);

    // A line between others needs a free id: the first seal has none before it but those below 1.
    let insert =
        "INSERT INTO anteroom_audit (id, at, action, outcome) VALUES (-7, 1, 'login', 'success');";
    let remove = "DELETE FROM anteroom_audit WHERE id = -7;";
    assert_eq!(found(clinic, (insert, remove)).await, [Wrong::Inserted(-7)]);

    let swap = "UPDATE anteroom_audit SET id = -1 WHERE id = 40; UPDATE anteroom_audit SET id = 40 WHERE id = 41; \
                UPDATE anteroom_audit SET id = 41 WHERE id = -1;";
    let wrong = found(clinic, (swap, swap)).await;
    assert_eq!(wrong, [Wrong::Moved(40, 41), Wrong::Moved(41, 40)]);

    // Seals: one changed, one whose chain was put right without the key, one gone from the middle, the last cut off.
    let change = "UPDATE anteroom_audit_seal SET line_count = line_count + 1 WHERE id = 2;";
    let undo = "UPDATE anteroom_audit_seal SET line_count = line_count - 1 WHERE id = 2;";
    assert_eq!(found(clinic, (change, undo)).await, [Wrong::Seal(2)]);
    let take = "CREATE TABLE kept AS SELECT * FROM anteroom_audit_seal WHERE id = 2; \
                DELETE FROM anteroom_audit_seal WHERE id = 2;";
    let back = "INSERT INTO anteroom_audit_seal SELECT * FROM kept; DROP TABLE kept;";
    assert_eq!(found(clinic, (take, back)).await, [Wrong::SealGone(2)]);
    let cut = take.replace("id = 2", "id = 4");
    let wrong = found(clinic, (&cut, back)).await;
    assert!(matches!(wrong[..], [Wrong::SealCut(_, 4)]), "{wrong:?}");
    let both = take.replace("id = 2", "id >= 3");
    let wrong = found(clinic, (&both, back)).await;
    assert!(
        matches!(wrong[..], [Wrong::SealCut(_, 3), Wrong::SealCut(_, 4)]),
        "{wrong:?}"
    );

    // Whoever may seal anew cuts off two seals, changes a line and lets the loop seal again: the lines that told of the
    // old seals give it away.
    let head = seals::head(&clinic.app.emr.db).await.expect("a head");
    does(
        &clinic.app.emr.db,
        "DELETE FROM anteroom_audit_seal WHERE id >= 3; UPDATE anteroom_audit SET outcome = 'refused' WHERE id = 2400;",
    )
    .await;
    sealed(clinic).await;
    let wrong = held(clinic).await.wrong;
    assert!(
        matches!(wrong[..], [Wrong::SealCut(_, 3), Wrong::SealCut(_, 4)]),
        "{wrong:?}"
    );
    let chain = crypto::base64url(&head.chain);
    let (db, key) = (&clinic.app.emr.db, &clinic.app.keys.seal);
    let noted = verify::verify(db, key, Some((head.number, &chain)), &|_| {}).await;
    let noted = noted.expect("verified").wrong;
    assert_eq!(noted.last(), Some(&Wrong::Head(4)));
    // And with another key every seal is somebody else's.
    let foreign = verify::verify(db, &[1; 32], None, &|_| {}).await;
    assert!(foreign.expect("verified").wrong.contains(&Wrong::Seal(1)));
}

#[tokio::test]
async fn whoever_changes_the_ledger_is_named() {
    let clinic = Clinic::open().await;
    each_tampering_is_named(&clinic).await;
    clinic.close().await;
}

#[tokio::test]
async fn whoever_changes_the_ledger_is_named_on_mariadb_too() {
    let Some(clinic) = Clinic::on_mariadb("7.0.4").await else {
        return;
    };
    each_tampering_is_named(&clinic).await;
    clinic.close().await;
}

async fn many_sealers_seal_once(clinic: &Clinic) {
    written(clinic, 6500).await;
    let (db, key) = (&clinic.app.emr.db, &clinic.app.keys.seal);
    let newest = seals::newest(db).await.expect("the newest");
    let now = clinic.app.emr.now();
    let sealers = (0..8).map(|_| seals::seal(db, key, (newest, now)));
    let done = join_all(sealers).await;
    let lines: u64 = done
        .iter()
        .map(|one| one.as_ref().expect("sealed").lines)
        .sum();
    assert_eq!(
        i64::try_from(lines),
        Ok(newest),
        "no line twice, none missing"
    );
    let report = held(clinic).await;
    assert_eq!(report.wrong, []);
    assert_eq!(report.sealed, newest);
}

#[tokio::test]
async fn several_sealers_at_once_seal_each_line_once() {
    let clinic = Clinic::open().await;
    many_sealers_seal_once(&clinic).await;
    clinic.close().await;
    if let Some(clinic) = Clinic::on_mariadb("8.2").await {
        many_sealers_seal_once(&clinic).await;
        clinic.close().await;
    }
}

#[tokio::test]
async fn a_line_that_got_its_number_before_and_came_late_is_sealed_with_the_next() {
    let clinic = Clinic::open().await;
    written(&clinic, 3).await;
    // Only what had settled is sealed: the rest of the ledger goes on growing beside it.
    let db = &clinic.app.emr.db;
    let young = i64::try_from(clinic.app.emr.now().unix_timestamp_nanos() / 1_000_000).expect("ms");
    clinic.wait(Duration::seconds(2));
    written(&clinic, 2).await;
    let settled = seals::settled(db, young + 1000).await.expect("settled");
    assert_eq!(settled, seals::newest(db).await.expect("newest") - 2);
    let key = &clinic.app.keys.seal;
    let done = seals::seal(db, key, (settled, clinic.app.emr.now())).await;
    done.expect("sealed");
    let report = held(&clinic).await;
    assert_eq!((report.wrong, report.waiting), (Vec::new(), 3));
    assert!(sealed(&clinic).await >= 2);
    // Nothing but the lines of seals waits: that is no reason for another seal.
    assert_eq!(sealed(&clinic).await, 0);
    clinic.close().await;
}

#[tokio::test]
async fn retention_the_sweep_of_what_has_ended_leaves_the_ledger_alone() {
    let clinic = Clinic::open().await;
    written(&clinic, 20).await;
    sealed(&clinic).await;
    let count = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit";
    let seals = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit_seal";
    let before = (clinic.look(count).await, clinic.look(seals).await);
    let later = clinic.app.emr.now() + Duration::days(20 * 365);
    let swept = expiry::sweep(&clinic.app.emr.db, later.unix_timestamp()).await;
    swept.expect("swept");
    let after = (clinic.look(count).await, clinic.look(seals).await);
    assert_eq!(before, after);
    assert_eq!(held(&clinic).await.wrong, []);
    clinic.close().await;
}

fn audit(clinic: &Clinic, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anteroom"));
    command.env_clear().arg("audit").args(arguments);
    command.arg("--data").arg(clinic.folder());
    command.output().expect("the program starts")
}

#[tokio::test]
async fn the_command_seals_verifies_and_exports() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let read = clinic
        .get(&format!("/fhir/Patient/{}", maria.id), &token)
        .await;
    assert_eq!(read.status, StatusCode::OK);
    let none = audit(&clinic, &["verify"]);
    let text = String::from_utf8_lossy(&none.stdout);
    assert!(
        none.status.success() && text.contains("0 lines are sealed in 0 seals"),
        "{text}"
    );
    let young = audit(&clinic, &["seal"]);
    let text = String::from_utf8_lossy(&young.stdout);
    assert!(text.contains("Sealed 0 lines"), "{text}");
    let all = audit(&clinic, &["seal", "--all"]);
    let text = String::from_utf8_lossy(&all.stdout);
    assert!(
        all.status.success() && text.contains("in 1 seals"),
        "{text}"
    );
    let head = text.split(": ").nth(1).expect("a head").trim().to_owned();
    assert!(
        audit(&clinic, &["verify", "--head", &head])
            .status
            .success()
    );

    let lines = audit(&clinic, &["export", "--token", &token]);
    let text = String::from_utf8_lossy(&lines.stdout);
    assert!(text.contains("token.issue"), "{text}");
    assert!(!text.contains(&token), "no secret");
    let lines = audit(
        &clinic,
        &["export", "--patient", &maria.id, "--from", "2020-01-01"],
    );
    let text = String::from_utf8_lossy(&lines.stdout);
    assert!(text.contains("\"login\""), "{text}");
    assert!(text.lines().all(|line| line.contains(&maria.id)), "{text}");
    let old = audit(&clinic, &["export", "--to", "2020-01-01"]);
    assert_eq!(old.stdout, b"");

    does(
        &clinic.app.emr.db,
        "UPDATE anteroom_audit SET actor = '' WHERE id = 2",
    )
    .await;
    let wrong = audit(&clinic, &["verify", "--json"]);
    assert_eq!(wrong.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&wrong.stdout).expect("JSON");
    assert_eq!(json["wrong"][0]["what"], "changed");
    assert_eq!(json["wrong"][0]["line"], 2);
    let text = audit(&clinic, &["verify"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("line 2 was changed"));
    clinic.close().await;
}
