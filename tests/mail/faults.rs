//! Faults F9 and F22, and what holds through them (I5): every committed letter is sent, no other is, and each once.

use std::collections::BTreeSet;
use std::time::Duration;

use anteroom::config::notify::Smtp;
use anteroom::config::notify::Transport;
use anteroom::domain::refusal::Answer;
use anteroom::domain::refusal::Refusal;
use anteroom::mail::carrier::Carried;
use anteroom::mail::carrier::Carrier;
use anteroom::mail::carrier::Patience;
use anteroom::store::outbox;
use anteroom::store::outbox::Status;
use anteroom::store::outbox::sending;
use anteroom::worker::outbox::PAUSES;
use tokio::net::TcpListener;

use super::Post;
use super::letter;
use super::smtp;

const STATES: &str =
    "SELECT CONCAT(MIN(status), ' ', MAX(status), ' ', COUNT(*)) AS text FROM anteroom_outbox";

#[tokio::test]
async fn f9_a_server_that_says_later_gets_the_letter_later() {
    let Some(post) = Post::open("later").await else {
        return;
    };
    for (mode, code) in [("greylist", "451"), ("busy", "421")] {
        post.mode(mode);
        let tokens = post.put(3).await;
        let round = post.round().await;
        assert_eq!((round.sent, round.later, round.dead), (0, 3, 0), "{mode}");
        assert_eq!(post.round().await.later, 0, "not before its time");
        let last = outbox::last_of(&post.clinic.app.emr.db, 1).await;
        let last = last.expect("a row").expect("a letter");
        assert!(last.answer.starts_with(code), "{}", last.answer);
        assert!(!last.answer.contains('@'), "{}", last.answer);
        assert_eq!((last.status, last.tries), (Status::Waiting, 1));
        post.mode("ok");
        post.clinic.wait(time::Duration::seconds(PAUSES[0] + 1));
        assert_eq!(post.round().await.sent, 3, "{mode}");
        let taken = post.taken();
        for token in &tokens {
            let copies = taken.iter().filter(|one| one.bytes.contains(token)).count();
            assert_eq!(copies, 1, "{mode}");
        }
    }
    post.close().await;
}

#[tokio::test]
async fn f9_a_server_that_says_never_is_asked_once() {
    let Some(post) = Post::open("never").await else {
        return;
    };
    for (mode, code) in [("unknown", "550"), ("refuse", "554")] {
        post.mode(mode);
        post.put(1).await;
        let round = post.round().await;
        assert_eq!((round.sent, round.dead), (0, 1), "{mode}");
        let last = outbox::last_of(&post.clinic.app.emr.db, 1).await;
        let last = last.expect("a row").expect("a letter");
        assert_eq!((last.status, last.tries), (Status::Dead, 1));
        assert!(last.answer.starts_with(code), "{}", last.answer);
        let round = post.round().await;
        assert_eq!(round.dead, 0);
    }
    let noted = post.look(
        "SELECT CONCAT(COUNT(*), ' ', MIN(reason), ' ', MAX(reason)) AS text FROM anteroom_audit \
         WHERE action = 'letter.dead' AND outcome = 'failed' AND patient IS NOT NULL",
    );
    assert_eq!(noted.await, "2 reset 550 reset 554");
    post.close().await;
}

#[tokio::test]
async fn f9_a_house_that_cannot_log_in_kills_no_letter_until_days_have_passed() {
    let Some(post) = Post::open("noauth").await else {
        return;
    };
    post.mode("noauth");
    post.put(1).await;
    for pause in PAUSES {
        let round = post.round().await;
        assert_eq!((round.later, round.no_door), (1, true));
        post.clinic.wait(time::Duration::seconds(pause + 1));
    }
    assert_eq!(post.round().await.dead, 1, "after the last try");
    assert_eq!(post.look(STATES).await, "dead dead 1");
    post.close().await;
}

#[tokio::test]
async fn f9_a_link_of_an_hour_outlives_a_server_that_is_away_for_most_of_it() {
    let Some(mut post) = Post::open("hour").await else {
        return;
    };
    let good = post.config.notify.transport.clone();
    // Nobody is there.
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let smtp = smtp(&post.server);
    post.config.notify.transport = Transport::Smtp(Smtp { port, ..smtp });
    post.put(1).await;
    for _ in 0..50 {
        post.round().await;
        post.clinic.wait(time::Duration::minutes(1));
    }
    let tries = "SELECT CONCAT(status, ' ', tries) AS text FROM anteroom_outbox";
    assert_eq!(
        post.look(tries).await,
        "waiting 0",
        "that was no try of its own"
    );
    post.config.notify.transport = good;
    post.clinic.wait(time::Duration::minutes(5));
    assert_eq!(post.round().await.sent, 1);
    post.close().await;
}

#[tokio::test]
async fn f9_a_letter_whose_tries_all_broke_off_is_given_up() {
    let Some(post) = Post::open("killer").await else {
        return;
    };
    post.put(1).await;
    let sql = "UPDATE anteroom_outbox SET tries = 11, status = 'sending', claimed_by = 'x', claimed_until = 0";
    post.clinic.app.emr.db.script(sql).await.expect("a change");
    assert_eq!(post.round().await.dead, 1);
    assert!(post.taken().is_empty());
    post.close().await;
}

#[tokio::test]
async fn f9_a_server_that_is_away_or_hangs_up_gets_all_letters_when_it_is_back() {
    let Some(mut post) = Post::open("away").await else {
        return;
    };
    let good = smtp(&post.server);
    // A port where somebody opens and hangs up, and then nobody at all.
    let rude = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = rude.local_addr().expect("an address").port();
    let hanging_up = tokio::spawn(async move {
        loop {
            drop(rude.accept().await);
        }
    });
    post.config.notify.transport = Transport::Smtp(Smtp {
        port,
        ..good.clone()
    });
    let tokens = post.put(60).await;
    let round = post.round().await;
    assert!(round.no_door && round.sent == 0 && round.later >= 1);
    hanging_up.abort();
    let _ = hanging_up.await;
    post.clinic.wait(time::Duration::minutes(20));
    let round = post.round().await;
    assert!(round.no_door && round.sent == 0 && round.later >= 1);
    // One who does not open is not knocked at by every letter.
    assert!(round.later <= 4, "{round:?}");
    // An hour later it is back.
    post.config.notify.transport = Transport::Smtp(good);
    post.clinic.wait(time::Duration::hours(1));
    assert_eq!(post.round().await.sent, 60);
    let taken = post.taken();
    assert_eq!(taken.len(), 60);
    for token in tokens {
        assert!(taken.iter().any(|one| one.bytes.contains(&token)));
    }
    assert_eq!(post.look(STATES).await, "sent sent 60");
    post.close().await;
}

#[tokio::test]
async fn f9_a_slow_server_holds_up_nobody_who_asks_for_a_letter() {
    let Some(post) = Post::open("slow").await else {
        return;
    };
    post.mode("slow");
    post.put(2).await;
    let mut office = post.office();
    office.patience = Patience {
        letter: Duration::from_secs(6),
        ..office.patience
    };
    let round = async {
        let mut round = std::pin::pin!(post.round_of(&office, "one"));
        // While the letters are on their way, further letters are taken and requests are answered.
        tokio::select! {
            biased;
            done = &mut round => panic!("the server was to be slow: {done:?}"),
            _ = post.put(20) => {}
        }
        let page = post.clinic.browser().get("/help").await;
        assert!(page.status.is_success());
        round.await
    };
    let round = round.await;
    // The twenty may have come before the round looked.
    assert!(round.sent == 0 && round.later >= 2, "{round:?}");
    let answer = post
        .look("SELECT MAX(answer) AS text FROM anteroom_outbox")
        .await;
    assert_eq!(answer, "The mail server did not answer in time.");
    post.mode("ok");
    post.clinic.wait(time::Duration::minutes(2));
    assert_eq!(post.round().await.sent, 22);
    assert_eq!(post.taken().len(), 22);
    post.close().await;
}

#[tokio::test]
async fn f9_dropped_after_the_final_dot_a_second_copy_has_the_same_message_id_and_token() {
    let Some(post) = Post::open("drop").await else {
        return;
    };
    post.mode("drop");
    let tokens = post.put(1).await;
    let round = post.round().await;
    assert_eq!((round.sent, round.later), (0, 1));
    assert_eq!(
        post.taken().len(),
        1,
        "it took the letter and did not say so"
    );
    post.mode("ok");
    post.clinic.wait(time::Duration::minutes(2));
    assert_eq!(post.round().await.sent, 1);
    let taken = post.taken();
    let [first, second] = taken.as_slice() else {
        panic!("{} copies", taken.len());
    };
    assert_eq!(
        first.headers()["Message-ID"],
        second.headers()["Message-ID"]
    );
    assert!(first.bytes.contains(&tokens[0]));
    assert_eq!(first.bytes, second.bytes);
    post.close().await;
}

async fn two_workers(post: Post) {
    const ROWS: usize = 200;
    let tokens: BTreeSet<String> = post.put(ROWS).await.into_iter().collect();
    assert_eq!(tokens.len(), ROWS);
    let office = post.office();
    let work = |name: &'static str| {
        let (post, office) = (&post, &office);
        async move {
            let mut sent = 0;
            // A hundred at most are looked at in one round.
            for _ in 0..4 {
                sent += post.round_of(office, name).await.sent;
            }
            sent
        }
    };
    let (one, two) = tokio::join!(work("one"), work("two"));
    assert_eq!(one + two, ROWS);
    assert!(one > 0 && two > 0, "both had work: {one} and {two}");
    let taken = post.taken();
    assert_eq!(taken.len(), ROWS);
    let ids: BTreeSet<String> = taken
        .iter()
        .map(|one| one.headers()["Message-ID"].clone())
        .collect();
    assert_eq!(ids.len(), ROWS);
    for token in tokens {
        let copies = taken.iter().filter(|one| one.bytes.contains(&token));
        assert_eq!(copies.count(), 1);
    }
    post.close().await;
}

#[tokio::test]
async fn f22_two_workers_send_each_letter_once() {
    if let Some(post) = Post::open("two-workers").await {
        two_workers(post).await;
    }
}

#[tokio::test]
async fn f22_two_workers_send_each_letter_once_on_mariadb() {
    if let Some(post) = Post::on_mariadb("two-workers-mariadb").await {
        two_workers(post).await;
    }
}

#[tokio::test]
async fn f22_a_worker_that_dies_lets_its_letter_go() {
    let Some(post) = Post::open("dies").await else {
        return;
    };
    post.put(2).await;
    let db = &post.clinic.app.emr.db;
    let now = post.now();
    let due = sending::due(db, now).await.expect("rows");
    // One dies between taking the letter in hand and sending it ...
    let before = sending::claim(db, due[0], "dead", (now, now + 300)).await;
    let before = before.expect("a row").expect("in hand");
    assert_eq!(before.tries, 1);
    let other = sending::claim(db, due[0], "other", (now, now + 300)).await;
    assert_eq!(other.expect("a row"), None, "one hand only");
    // ... the other between the server's yes and noting it.
    let after = sending::claim(db, due[1], "dead", (now, now + 300)).await;
    let after = after.expect("a row").expect("in hand");
    let office = post.office();
    let from = office.from().await.expect("a sender").expect("a sender");
    let mut carrier = Carrier::new(&office, from);
    let carried = carrier.carry(&after).await;
    assert!(matches!(carried, Carried::Taken(_)), "{carried:?}");
    carrier.close().await;
    assert_eq!(post.round().await.sent, 0, "both are in hand");
    post.clinic.wait(time::Duration::minutes(6));
    assert_eq!(post.round().await.sent, 2);
    let taken = post.taken();
    assert_eq!(taken.len(), 3, "one of them twice, the same bytes");
    assert_eq!(
        taken
            .iter()
            .filter(|one| one.bytes == taken[0].bytes)
            .count(),
        2
    );
    post.close().await;
}

#[tokio::test]
async fn i5_what_was_not_committed_is_not_sent_and_what_ended_is_withdrawn() {
    let Some(post) = Post::open("committed").await else {
        return;
    };
    let db = &post.clinic.app.emr.db;
    let new = letter("nobody@mail.example", None, post.now());
    let undone: Answer<()> = db
        .transaction(|tx| {
            let new = new.clone();
            Box::pin(async move {
                outbox::put(tx, &new).await?;
                Err(Refusal::NotFound.into())
            })
        })
        .await;
    assert!(undone.is_err());
    post.put(1).await;
    db.script("UPDATE anteroom_link SET ended = 1")
        .await
        .expect("ends");
    let round = post.round().await;
    assert_eq!((round.sent, round.withdrawn), (0, 1));
    assert_eq!(post.taken().len(), 0);
    assert_eq!(post.look(STATES).await, "withdrawn withdrawn 1");
    post.close().await;
}
