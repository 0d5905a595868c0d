//! What people typed cannot become a header, a recipient, an end of the message, or HTML (cases 102, 103, 104, 178, 179).

use anteroom::domain::language::Language;
use anteroom::mail;
use anteroom::store::outbox;
use anteroom::store::outbox::Letter;
use anteroom::store::outbox::NewLetter;
use serde_json::json;

use super::Post;
use super::letter;

async fn queue(post: &Post, new: &NewLetter) {
    let put = post.clinic.app.emr.db.transaction(|tx| {
        let new = new.clone();
        Box::pin(async move { outbox::put(tx, &new).await })
    });
    put.await.expect("put");
}

#[tokio::test]
async fn case_102_case_104_the_server_sees_one_recipient_and_our_headers_only() {
    let Some(post) = Post::open("injection").await else {
        return;
    };
    let evil = [
        "x\r\nBcc: x@evil.example",
        "x\r\n.\r\nMAIL FROM:<x@evil.example>\r\n",
        "x\n\nBody",
        "x\u{2028}Bcc: x@evil.example\0",
        "x%0d%0aBcc: x@evil.example",
        "{{7*7}}",
        "<b>x</b>",
        "%s",
        "${jndi}",
    ];
    for name in evil {
        let mut new = letter("p@mail.example", None, post.now());
        new.letter = Letter::AccessChanged;
        new.told = json!({ "name": name, "change": name, "subject": name, "to": "x@evil.example" });
        queue(&post, &new).await;
    }
    // And the practice's own name, which is in From and Subject.
    post.clinic
        .app
        .emr
        .db
        .script(
            "UPDATE facility SET name = 'Elm\r\nBcc: x@evil.example\r\n\r\n.\r\n{{7*7}}<b>', primary_business_entity = 1",
        )
        .await
        .expect("renamed");
    post.clinic.wait(time::Duration::minutes(5));
    let round = post.round().await;
    assert_eq!(round.sent, evil.len(), "{round:?}");
    let taken = post.taken();
    assert_eq!(taken.len(), evil.len());
    for one in &taken {
        assert_eq!(one.envelope["to"], json!(["p@mail.example"]));
        assert_eq!(one.envelope["from"], "portal@practice.example");
        let headers = one.headers();
        assert_eq!(headers["To"], "p@mail.example");
        for name in ["Bcc", "Cc", "bcc"] {
            assert!(!headers.contains_key(name), "{name}");
        }
        assert_eq!(headers.len(), 8, "{headers:?}");
        let (text, html) = one.bytes.split_once("text/html").expect("two parts");
        assert!(text.contains("<b>"), "as it was typed: {text}");
        assert!(
            !html.contains("<b>") && html.contains("&lt;b&gt;"),
            "{html}"
        );
        assert!(!one.bytes.contains("\r\n.\r\nMAIL"));
    }
    let literal = taken.iter().filter(|one| one.bytes.contains("{{7*7}}"));
    assert_eq!(literal.count(), taken.len());
    post.close().await;
}

#[tokio::test]
async fn case_103_what_is_not_one_mailbox_is_never_handed_to_a_server() {
    let Some(post) = Post::open("mailboxes").await else {
        return;
    };
    let long = format!("{}@x.example", "a".repeat(320));
    let bad = [
        "\"a b\"@x.example",
        "a@[127.0.0.1]",
        "a@x.example,b@evil.example",
        "<a@x.example>",
        "-oQ/tmp@x.example",
        "a@bücher.example",
        "a@x.example\r\nRCPT TO:<b@evil.example>",
        &long,
    ];
    for address in bad {
        assert!(mail::address(address).is_err(), "{address}");
        queue(&post, &letter(address, None, post.now())).await;
    }
    let round = post.round().await;
    assert_eq!((round.sent, round.later, round.dead), (0, 0, 0));
    assert_eq!(post.taken().len(), 0);
    let states = post.look(
        "SELECT CONCAT(MIN(status), ' ', MAX(status), ' ', COUNT(*)) AS text FROM anteroom_outbox",
    );
    assert_eq!(states.await, "dead dead 8");
    post.close().await;
}

#[tokio::test]
async fn case_178_case_179_every_letter_as_the_server_takes_it() {
    let Some(post) = Post::open("every-letter").await else {
        return;
    };
    for (_, kind) in Letter::ALL {
        for language in Language::ALL {
            if mail::wording::carries_link(kind) {
                continue;
            }
            let mut new = letter("p@mail.example", None, post.now());
            new.letter = kind;
            new.language = language;
            new.told = json!({
                "password": "canary-secret", "username": "canary-secret", "pin": "canary-secret",
                "reason": "canary-secret", "diagnosis": "canary-secret", "last": "canary-secret",
            });
            queue(&post, &new).await;
        }
    }
    let round = post.round().await;
    assert_eq!((round.sent, round.dead), (18, 0));
    for one in post.taken() {
        assert!(!one.bytes.contains("canary"), "{}", one.bytes);
        assert!(!one.bytes.contains("://"), "{}", one.bytes);
        assert!(one.bytes.contains("text/plain") && one.bytes.contains("text/html"));
    }
    post.close().await;
}
