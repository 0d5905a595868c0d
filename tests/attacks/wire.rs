//! What travels on the wire: bytes that are no clean HTTP/1.1, callers who are too slow, and HTTP/2, which is not spoken.

use std::time::Duration;
use std::time::Instant;

use anteroom::http::connections::Patience;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;

use super::Port;
use super::Two;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

/// A second request behind the first: if it is answered, it was smuggled.
const SECOND: &str = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";

/// What only the answer of the second holds.
const SMUGGLED: &str = "{\"status\":\"ok\"";

/// What an app asks for that sends files.
const FILES: &str = "patient/DocumentReference.crs patient/Binary.cr";

/// The status of the first answer.
fn status(heard: &str) -> u16 {
    let code = heard.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or_default()
}

#[tokio::test]
async fn case_164_a_request_of_two_lengths_is_never_two_requests() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let port = Port::open(clinic.app.clone(), Patience::default()).await;
    let head = format!(
        "POST /fhir/Patient/_search HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n",
        two.mine
    );
    let chunk = "5\r\n_id=1\r\n0\r\n\r\n";
    for (what, rest) in [
        (
            "both lengths",
            format!("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SECOND}"),
        ),
        (
            "both, the other way",
            format!("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{SECOND}"),
        ),
        (
            "two lengths",
            format!("Content-Length: 4\r\nContent-Length: 40\r\n\r\n_id={SECOND}"),
        ),
        (
            "a list of lengths",
            format!("Content-Length: 4, 40\r\n\r\n_id={SECOND}"),
        ),
        (
            "a signed length",
            format!("Content-Length: +4\r\n\r\n_id={SECOND}"),
        ),
        (
            "a negative length",
            format!("Content-Length: -1\r\n\r\n{SECOND}"),
        ),
        (
            "an endless length",
            format!("Content-Length: 99999999999999999999\r\n\r\n{SECOND}"),
        ),
        (
            "chunked is not last",
            format!("Transfer-Encoding: chunked, identity\r\n\r\n{chunk}{SECOND}"),
        ),
        (
            "xchunked",
            format!("Transfer-Encoding: xchunked\r\n\r\n{chunk}{SECOND}"),
        ),
        (
            "twice chunked",
            format!(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n{chunk}{SECOND}"
            ),
        ),
        (
            "a blank before the colon",
            format!("Content-Length : 4\r\n\r\n_id={SECOND}"),
        ),
        (
            "a folded line",
            format!("X: a\r\n Content-Length: 4\r\n\r\n{SECOND}"),
        ),
        (
            "a bare carriage return",
            format!("X: a\rContent-Length: 4\r\n\r\n{SECOND}"),
        ),
        ("a zero byte", format!("X: a\0b\r\n\r\n{SECOND}")),
        (
            "a chunk too short",
            format!("Transfer-Encoding: chunked\r\n\r\n2\r\n_id=1\r\n0\r\n\r\n{SECOND}"),
        ),
        (
            "a chunk of no number",
            format!("Transfer-Encoding: chunked\r\n\r\nzz\r\n_id\r\n0\r\n\r\n{SECOND}"),
        ),
        (
            "an endless chunk",
            format!("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n_id{SECOND}"),
        ),
    ] {
        let (heard, closed) = port.exchange(format!("{head}{rest}").as_bytes()).await;
        assert!(!heard.contains(SMUGGLED), "{what}: {heard}");
        assert!(closed, "{what}: the connection stays open: {heard}");
    }
    // Ten bytes where five were announced: five are the body, the rest is no request.
    let ten = format!("{head}Content-Length: 5\r\n\r\n_id=1_id=2");
    let (heard, _) = port.exchange(ten.as_bytes()).await;
    assert_eq!(heard.matches("HTTP/1.1 200").count(), 1, "{heard}");
    // The old ways that are harmless.
    let old = "GET /livez HTTP/1.0\r\n\r\n";
    let (heard, closed) = port.exchange(old.as_bytes()).await;
    assert_eq!((status(&heard), closed), (200, true), "{heard}");
    let bare = "GET /livez HTTP/1.1\nHost: a\n\n";
    let (heard, _) = port.exchange(bare.as_bytes()).await;
    let answers = heard.matches("HTTP/1.1 ").count();
    assert!(
        [200, 400].contains(&status(&heard)) && answers == 1,
        "{heard}"
    );
    let old = "POST /fhir/Patient/_search HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (heard, closed) = port
        .exchange(format!("{old}{chunk}{SECOND}").as_bytes())
        .await;
    assert!(!heard.contains(SMUGGLED) && closed, "{heard}");
    port.close().await;
    clinic.close().await;
}

#[tokio::test]
async fn case_164_a_body_over_the_limit_is_refused_and_its_connection_closed() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let port = Port::open(clinic.app.clone(), Patience::default()).await;
    let head = format!(
        "POST /fhir/Patient/_search HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n",
        two.mine
    );
    let much = 2 * 1024 * 1024 + 1;
    let whole = format!("{head}Content-Length: {much}\r\n\r\n{}", "a".repeat(much));
    let mut chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    for _ in 0..40 {
        chunks.push_str(&format!("10000\r\n{}\r\n", "a".repeat(0x10000)));
    }
    for (what, request) in [("a length", whole), ("chunks without end", chunks)] {
        let (heard, closed) = port.exchange(request.as_bytes()).await;
        // Where the server closes with bytes unread, the network may take the answer along.
        assert!(heard.is_empty() || status(&heard) == 413, "{what}: {heard}");
        assert!(closed, "{what}: still open");
    }
    let fine = SECOND.replace("Host: a", "Host: a\r\nConnection: close");
    let (heard, closed) = port.exchange(fine.as_bytes()).await;
    assert_eq!((status(&heard), closed), (200, true), "{heard}");
    port.close().await;
    clinic.close().await;
}

/// Everybody is waited for a second here, so that the test need not wait half a minute.
fn hurry() -> Patience {
    let second = Duration::from_secs(1);
    Patience {
        headers: second,
        body: second,
        file: (20 * second, second),
        answer: second,
    }
}

#[test]
fn case_191_nobody_is_waited_for_half_a_minute() {
    let patience = Patience::default();
    let (_, piece) = patience.file;
    for one in [patience.headers, patience.body, piece, patience.answer] {
        assert!(one <= Duration::from_secs(30), "{patience:?}");
    }
}

#[tokio::test]
async fn case_191_who_sends_or_takes_a_byte_at_a_time_is_let_go() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let port = Port::open(clinic.app.clone(), hurry()).await;
    let slowly = format!(
        "POST /fhir/Patient/_search HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n",
        two.mine
    );
    let token = clinic.token(clinic.patient("active"), FILES).await;
    let file = format!(
        "POST /fhir/Binary HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"
    );
    for (what, head) in [
        ("a body", slowly.as_str()),
        ("a file", file.as_str()),
        ("headers", "GET /livez HTTP/1.1\r\nX: "),
    ] {
        let mut stream = TcpStream::connect(port.address).await.expect("it listens");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let begun = Instant::now();
        let mut buffer = [0; 4096];
        loop {
            let _ = stream.write_all(b"a").await;
            let pause = Duration::from_millis(100);
            match tokio::time::timeout(pause, stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => break,
                _ => assert!(
                    begun.elapsed() < Duration::from_secs(30),
                    "{what}: still open"
                ),
            }
        }
    }
    // Answers without end, of which the caller takes a byte now and then.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut stream = socket.connect(port.address).await.expect("it listens");
    let many = "GET /fhir/metadata HTTP/1.1\r\nHost: a\r\n\r\n".repeat(400);
    stream.write_all(many.as_bytes()).await.expect("sent");
    let begun = Instant::now();
    let mut byte = [0];
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if stream.write_all(b"\r\n").await.is_err() {
            break;
        }
        if !matches!(stream.read(&mut byte).await, Ok(1)) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "still open");
    }
    // Somebody who takes what is sent is served meanwhile.
    let (heard, _) = port.exchange(SECOND.as_bytes()).await;
    assert_eq!(status(&heard), 200, "{heard}");
    port.close().await;
    clinic.close().await;
}

#[tokio::test]
async fn f150_a_file_that_keeps_coming_may_take_longer_than_another_body() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), FILES).await;
    let patience = Patience {
        file: (Duration::from_secs(30), Duration::from_secs(5)),
        ..hurry()
    };
    let port = Port::open(clinic.app.clone(), patience).await;
    let piece = vec![b'x'; 70 * 1024];
    let head = format!(
        "POST /fhir/Binary HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        8 * piece.len()
    );
    let mut stream = TcpStream::connect(port.address).await.expect("it listens");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let begun = Instant::now();
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        stream.write_all(&piece).await.expect("it is waited for");
    }
    assert!(begun.elapsed() > hurry().body);
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.expect("an answer");
    let heard = String::from_utf8_lossy(&heard);
    assert_eq!(status(&heard), 201, "{heard}");
    port.close().await;
    clinic.close().await;
}

#[tokio::test]
async fn case_192_http_2_is_not_spoken_so_none_of_its_floods_is_read() {
    let clinic = Clinic::open().await;
    let port = Port::open(clinic.app.clone(), Patience::default()).await;
    let mut flood = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    flood.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    for stream in (1_u8..250).step_by(2) {
        // HEADERS, then RST_STREAM: the rapid reset.
        flood.extend_from_slice(&[0, 0, 1, 1, 4, 0, 0, 0, stream, 0x82]);
        flood.extend_from_slice(&[0, 0, 4, 3, 0, 0, 0, 0, stream, 0, 0, 0, 8]);
    }
    let (heard, closed) = port.exchange(&flood).await;
    assert!(closed, "{heard}");
    assert!(
        heard.is_empty() || [400, 505].contains(&status(&heard)),
        "{heard}"
    );
    let upgrade = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n\
        Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    let (heard, _) = port.exchange(upgrade.as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 200"), "{heard}");
    let manifest = include_str!("../../Cargo.toml");
    let hyper = manifest
        .lines()
        .filter(|line| line.starts_with("hyper") || line.starts_with("axum"));
    for line in hyper {
        assert!(
            !line.contains("http2"),
            "{line}: then its floods need tests"
        );
    }
    port.close().await;
    clinic.close().await;
}
