//! A letter on the wire: STARTTLS and login, the certificate verified, our headers and no others.

use anteroom::config::notify::Smtp;
use anteroom::config::notify::Tls;
use anteroom::config::notify::Transport;
use anteroom::mail::carrier;
use anteroom::mail::carrier::Patience;

use super::Post;
use super::smtp;

#[tokio::test]
async fn f049_to_f054_a_letter_goes_over_starttls_with_a_login_and_is_ours_to_the_last_header() {
    let Some(post) = Post::open("wire").await else {
        return;
    };
    let tokens = post.put(1).await;
    let round = post.round().await;
    assert_eq!((round.sent, round.no_door), (1, false));
    let taken = post.taken();
    let [one] = taken.as_slice() else {
        panic!("{} letters", taken.len());
    };
    assert_eq!(one.envelope["user"], "portal");
    assert_eq!(one.envelope["tls"], true);
    assert_eq!(one.envelope["from"], "portal@practice.example");
    assert_eq!(one.envelope["to"], serde_json::json!(["p0@mail.example"]));
    let headers = one.headers();
    let mut names: Vec<&str> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Auto-Submitted",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "Subject",
            "To",
        ]
    );
    assert_eq!(headers["To"], "p0@mail.example");
    assert!(headers["Message-ID"].ends_with("@practice.example>"));
    assert!(headers["Content-Type"].starts_with("multipart/alternative;"));
    // The address appears twice in HTML (the button and below it) and once in text.
    let link = format!("https://wire.test/reset/{}", tokens[0]);
    assert_eq!(one.bytes.matches(&link).count(), 3, "{}", one.bytes);
    assert_eq!(one.bytes.matches("://").count(), 3);
    // Neither the PIN's hash nor anything else of the link's row is in it (F057, F060).
    let row = post
        .look("SELECT token_hash AS text FROM anteroom_link")
        .await;
    assert!(!one.bytes.contains(&row));
    let state =
        post.look("SELECT CONCAT(status, ' ', tries, ' ', answer) AS text FROM anteroom_outbox");
    let state = state.await;
    assert!(
        state.starts_with("sent 1 250 2.0.0 OK queued as"),
        "{state}"
    );
    let noted = post.look(
        "SELECT CONCAT(outcome, ' ', actor, ' ', reason) AS text FROM anteroom_audit \
         WHERE action = 'letter.sent' AND patient IS NOT NULL",
    );
    assert_eq!(noted.await, "success system reset 250");
    assert_eq!(post.round().await.sent, 0, "sent once");
    post.close().await;
}

#[tokio::test]
async fn f054_a_letter_goes_over_tls_from_the_first_byte_too() {
    let Some(mut post) = Post::open("implicit").await else {
        return;
    };
    let port = post.server["tls_port"].as_u64().expect("a port");
    post.config.notify.transport = Transport::Smtp(Smtp {
        port: u16::try_from(port).expect("a port"),
        tls: Tls::Implicit,
        ..smtp(&post.server)
    });
    post.put(1).await;
    assert_eq!(post.round().await.sent, 1);
    assert_eq!(post.taken().len(), 1);
    post.close().await;
}

#[tokio::test]
async fn a_certificate_of_another_name_or_an_unknown_authority_is_refused() {
    let Some(mut post) = Post::open("certificates").await else {
        return;
    };
    let good = smtp(&post.server);
    let wrong = [
        Smtp {
            host: "127.0.0.1".to_owned(),
            ..good.clone()
        },
        Smtp {
            ca: None,
            ..good.clone()
        },
    ];
    post.put(1).await;
    for server in wrong {
        post.config.notify.transport = Transport::Smtp(server);
        let round = post.round().await;
        assert_eq!((round.sent, round.later), (0, 1));
        assert!(round.no_door);
        let answer = post
            .look("SELECT answer AS text FROM anteroom_outbox")
            .await;
        assert!(answer.to_lowercase().contains("certificate"), "{answer}");
        post.clinic.wait(time::Duration::hours(2));
    }
    assert_eq!(post.taken().len(), 0);
    post.config.notify.transport = Transport::Smtp(good);
    assert_eq!(post.round().await.sent, 1);
    post.close().await;
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_password_nor_letter() {
    let Some(post) = Post::open("stripped").await else {
        return;
    };
    post.mode("plain");
    post.put(1).await;
    let round = post.round().await;
    assert_eq!((round.sent, round.later, round.no_door), (0, 1, true));
    let answer = post
        .look("SELECT answer AS text FROM anteroom_outbox")
        .await;
    assert!(answer.contains("STARTTLS"), "{answer}");
    assert_eq!(post.taken().len(), 0);
    post.close().await;
}

#[tokio::test]
async fn f013_f176_the_doctor_says_what_the_mail_server_says() {
    let Some(post) = Post::open("doctor").await else {
        return;
    };
    let server = smtp(&post.server);
    let greet = || carrier::greet(&post.config, &server, Patience::default());
    assert_eq!(greet().await, Ok(()));
    post.mode("noauth");
    let wrong = greet().await.expect_err("refused");
    assert!(
        wrong.starts_with("535 5.7.8") && wrong.contains("An app password is needed"),
        "{wrong}"
    );
    assert!(!wrong.contains("a-mail-password"), "{wrong}");
    post.close().await;
}
