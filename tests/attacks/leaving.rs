//! Callers who go away while the server of the database is answering, at every place of an answer.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use anteroom::db::Db;
use anteroom::db::sql::Sql;
use futures_util::future::join_all;
use sqlx::FromRow;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::clinic::engine;

/// Bytes of an answer that come at once.
const PIECE: usize = 160;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(FromRow)]
struct Word {
    text: String,
}

/// A statement that no connection has prepared; its columns are told in several pieces.
fn fresh(number: usize) -> Sql {
    let columns: Vec<String> = (0..12)
        .map(|at| format!("'x' AS a_{number}_{at}"))
        .collect();
    let text = format!("SELECT 'word' AS text, {}", columns.join(", "));
    // A statement is part of the program, and this one is made by it.
    Sql::new(Box::leak(text.into_boxed_str()))
}

/// A way to the server on which its answers come piece by piece; the port to it.
async fn narrow_way(server: String) -> u16 {
    let door = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = door.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((caller, _)) = door.accept().await {
            let server = TcpStream::connect(&server).await.expect("the server");
            let (mut questions, mut asks) = caller.into_split();
            let (mut answers, mut asked) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut questions, &mut asked).await });
            tokio::spawn(async move {
                let mut piece = [0; PIECE];
                while let Ok(length @ 1..) = answers.read(&mut piece).await {
                    if asks.write_all(&piece[..length]).await.is_err() {
                        break;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            });
        }
    });
    port
}

/// Drops a future that is not done when it was woken so many times.
async fn left_after<F: Future>(wakes: usize, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut left = wakes;
    poll_fn(|context| match (work.as_mut().poll(context), left) {
        (Poll::Ready(done), _) => Poll::Ready(Some(done)),
        (Poll::Pending, 0) => Poll::Ready(None),
        (Poll::Pending, _) => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn case_197_who_goes_away_while_a_statement_is_prepared_takes_no_connection_along() {
    let Some(url) = engine::server() else {
        eprintln!("NOT RUN on MariaDB: ANTEROOM_TEST_MYSQL is not set; ./test sets it");
        return;
    };
    let (account, server) = url.rsplit_once('@').expect("an account");
    let port = narrow_way(server.to_owned()).await;
    let url = format!("{account}@127.0.0.1:{port}/information_schema?ssl-mode=DISABLED");
    let db = Db::open(&url, None).await.expect("the server");
    let mut gone = 0;
    for number in 0..60 {
        let asked = left_after(number % 10, db.all::<Word>(fresh(number))).await;
        gone += u32::from(asked.is_none());
    }
    assert!(gone > 20, "{gone} went away");
    // More than the pool has, at once: none of them lacks, and none reads what was meant for another.
    let words = join_all((0..32).map(|_| db.all::<Word>(fresh(0))));
    let words = timeout(PATIENCE, words).await;
    for word in words.expect("a whole pool") {
        assert_eq!(word.expect("an answer")[0].text, "word");
    }
    let closed = timeout(PATIENCE, db.close()).await;
    closed.expect("every connection came back");
}
