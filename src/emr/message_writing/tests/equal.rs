//! Messages that say the same: each has its own copy at the other end.

use super::*;

const DONE: &str =
    "SELECT CAST(id AS CHAR) AS text FROM onsite_mail WHERE message_status = 'Done' ORDER BY id";

async fn completed(emr: &Emr) -> Vec<String> {
    let lines: Vec<Line> = emr.db.all(Sql::new(DONE)).await.expect("asked");
    lines.into_iter().map(|line| line.text).collect()
}

fn complete(message: Uuid) -> MessageAsk {
    let person = Person {
        pid: 7,
        uuid: Uuid::from_u128(7),
    };
    MessageAsk::Mark(Mark {
        message,
        person,
        read: false,
        archived: false,
        completes: true,
    })
}

#[tokio::test]
async fn f146_of_equal_messages_the_one_that_is_meant_is_completed_and_told() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    let (ana, lee) = (patient(7), colleague(5));
    let asked = done(emr, &lee, letter((7, None), None, "x")).await;
    let asked = asked.expect("sent");
    let ok = letter((7, Some(5)), Some(asked), "ok");
    let first = done(emr, &ana, ok.clone()).await.expect("sent");
    let second = done(emr, &ana, ok).await.expect("sent");
    assert_eq!((first, second), (id_of(3), id_of(5)));
    done(emr, &lee, complete(second)).await.expect("completed");
    assert_eq!(completed(emr).await, ["6"]);
    assert!(message(emr, second).await.handled);
    assert!(!message(emr, first).await.handled);
    done(emr, &lee, complete(first)).await.expect("completed");
    assert_eq!(completed(emr).await, ["4", "6"]);
    assert!(message(emr, first).await.handled);
    // What staff sent twice has its other copy before it.
    let soon = letter((7, None), Some(second), "soon");
    let first = done(emr, &lee, soon.clone()).await.expect("sent");
    let second = done(emr, &lee, soon).await.expect("sent");
    assert_eq!((first, second), (id_of(8), id_of(10)));
    done(emr, &lee, complete(first)).await.expect("completed");
    assert_eq!(completed(emr).await, ["4", "6", "7"]);
    assert!(message(emr, first).await.handled);
    assert!(!message(emr, second).await.handled);
}
