//! The list of everybody: states, pages, searches, shared mailboxes.

use super::*;
use crate::domain::scope::Token;
use crate::emr::fixture::Fixture;

/// Every combination of what a state is made of, one patient each.
fn everything() -> String {
    let mut script =
        "INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('portal_onsite_two_enable', 0, '1');".to_owned();
    let mut pid = 0;
    for allowed in ["'YES'", "'yes'", "'NO'", "''"] {
        for account in ["", "'x', 1", "'x', 0", "'', 1", "NULL, NULL", "'x', 9"] {
            for memory in ["", "NULL, NULL", "7, NULL", "NULL, 7"] {
                pid += 1;
                script.push_str(&format!(
                    "INSERT INTO patient_data (id, pid, uuid, fname, lname, email, allow_patient_portal) \
                     VALUES ({pid}, {pid}, X'{pid:032X}', 'Ana', 'Moreno', 'a{pid}@mail.example', {allowed});"
                ));
                if !account.is_empty() {
                    script.push_str(&format!(
                        "INSERT INTO patient_access_onsite (pid, portal_username, portal_pwd, portal_login_username, portal_pwd_status) \
                         VALUES ({pid}, 'Ana{pid}', 'h', {account});"
                    ));
                }
                if !memory.is_empty() {
                    script.push_str(&format!(
                        "INSERT INTO anteroom_account (pid, locked, registered) VALUES ({pid}, {memory});"
                    ));
                }
            }
        }
    }
    script
}

#[tokio::test]
async fn f099_the_state_of_a_statement_is_the_state_of_the_standing() {
    let practice = Fixture::with(&everything()).await;
    let snapshot = Cache::default().get(&practice.emr).await.expect("a pass");
    let mut seen = 0;
    for state in State::ALL {
        for pid in snapshot.of(state) {
            let found = standing::by_pid(&practice.emr, *pid).await.expect("a look");
            let found = found.expect("a patient");
            assert_eq!(found.state(true), state, "{found:?}");
            seen += 1;
        }
        assert!(
            state == State::PortalOff || snapshot.count(state) > 0,
            "{state:?}"
        );
        let token = Token {
            system: None,
            code: state.code().0.to_owned(),
        };
        let sql = Sql::new(
            "SELECT p.pid FROM patient_data p LEFT JOIN patient_access_onsite o ON o.pid = p.pid \
             LEFT JOIN anteroom_account m ON m.pid = p.pid WHERE 1 = 1",
        );
        let sql = filtered(&practice.emr, sql, &[token]).push(" ORDER BY p.pid DESC");
        let rows: Vec<Pid> = practice.emr.db.all(sql).await.expect("a search");
        let pids: Vec<i64> = rows.into_iter().map(|row| row.pid).collect();
        assert_eq!(pids, snapshot.of(state), "{state:?}");
    }
    assert_eq!((seen, snapshot.total()), (96, 96));
}

#[tokio::test]
async fn pages_go_down_and_up_and_hold_everybody_once() {
    let practice = Fixture::with(&everything()).await;
    let snapshot = Cache::default().get(&practice.emr).await.expect("a pass");
    let text = |text: &str| Filter {
        text: text.to_owned(),
        ..Filter::default()
    };
    let of = |state| Filter {
        states: vec![state],
        ..Filter::default()
    };
    let both = Filter {
        text: "mor".to_owned(),
        states: vec![State::Active, State::NotAuthorised],
    };
    for filter in [
        Filter::default(),
        of(State::Active),
        text("moreno"),
        text("ana mor"),
        both,
    ] {
        let all = everybody(&practice.emr, &snapshot, &filter)
            .await
            .expect("all");
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]), "{filter:?}");
        let (mut place, mut seen, mut back) = (Place::First, Vec::new(), None);
        loop {
            let page = page(&practice.emr, &snapshot, &filter, (place, 5)).await;
            let page = page.expect("a page");
            let pids: Vec<i64> = page.rows.iter().map(|row| row.person.pid).collect();
            assert_eq!(
                page.before,
                pids.first().copied().filter(|_| !seen.is_empty())
            );
            if let (Some(before), Some(earlier)) = (page.before, back) {
                let again = super::page(
                    &practice.emr,
                    &snapshot,
                    &filter,
                    (Place::Before(before), 5),
                )
                .await;
                let again: Vec<i64> = again
                    .expect("a page")
                    .rows
                    .iter()
                    .map(|row| row.person.pid)
                    .collect();
                assert_eq!(again, earlier);
            }
            seen.extend(pids.iter().copied());
            back = Some(pids);
            match page.after {
                Some(after) => place = Place::After(after),
                None => break,
            }
        }
        assert_eq!(seen, all, "{filter:?}");
    }
    for nobody in ["x", "zz", "2026-01-01", "a1@other.example"] {
        let found = everybody(&practice.emr, &snapshot, &text(nobody)).await;
        assert_eq!(found.expect("a search"), Vec::<i64>::new(), "{nobody}");
    }
    for one in ["a17@mail.example", "17", "moreno a17@mail"] {
        let found = everybody(&practice.emr, &snapshot, &text(one)).await;
        assert_eq!(found.expect("a search"), [17], "{one}");
    }
}

#[tokio::test]
async fn f094_a_shared_mailbox_is_counted_in_one_pass() {
    let practice = Fixture::with(
        "INSERT INTO patient_data (id, pid, uuid, fname, lname, email) VALUES \
         (1, 1, X'00000000000000000000000000000001', 'Ana', 'M', 'Home@mail.example'), \
         (2, 2, X'00000000000000000000000000000002', 'Bo', 'M', ' home@mail.example'), \
         (3, 3, X'00000000000000000000000000000003', 'Cy', 'M', 'cy@mail.example'), \
         (4, 4, X'00000000000000000000000000000004', 'Di', 'M', ''), \
         (5, 5, X'00000000000000000000000000000005', 'Ed', 'M', '');",
    )
    .await;
    let cache = Cache::default();
    let snapshot = cache.get(&practice.emr).await.expect("a pass");
    let rows = standings(&practice.emr, &snapshot, &[5, 4, 3, 2, 1]).await;
    let sharing: Vec<i64> = rows.expect("rows").iter().map(|row| row.sharing).collect();
    assert_eq!(sharing, [0, 0, 0, 1, 1]);
    // Remembered for a minute, unless somebody here changed something.
    practice
        .emr
        .db
        .script("DELETE FROM patient_data WHERE pid = 5")
        .await
        .expect("a change");
    assert_eq!(cache.get(&practice.emr).await.expect("a pass").total(), 5);
    cache.forget().await;
    assert_eq!(cache.get(&practice.emr).await.expect("a pass").total(), 4);
}
