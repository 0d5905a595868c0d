//! What no request may exceed, what no answer may lack: sizes, time, panics, and the headers of every page.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONNECTION;
use axum::http::header::CONTENT_LENGTH;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::REFERRER_POLICY;
use axum::http::header::RETRY_AFTER;
use axum::http::header::TRANSFER_ENCODING;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::header::X_FRAME_OPTIONS;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::oneshot;
use tokio::sync::oneshot::Receiver;
use tokio::task::JoinError;
use tokio::task::JoinHandle;

use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::http::cookies;
use crate::http::oauth;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::words;
use crate::http::words::Reader;

/// The longest URL.
const LONGEST_URL: usize = 8 * 1024;

/// The largest header block.
const LARGEST_HEADERS: usize = 32 * 1024;

/// The longest a request may take: one with a file from when that is there.
const LONGEST: Duration = Duration::from_secs(30);

/// How a form with a file is sent.
const FORM: &[u8] = b"multipart/form-data";

/// The longest a file may be on its way.
pub const LONGEST_FILE: Duration = Duration::from_secs(600);

/// The policy of a page that posts to this server only.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Refuses what is too long, ends what takes too long, and turns a panic into a 500 that says nothing.
pub async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = request
        .extensions()
        .get::<RequestId>()
        .cloned()
        .unwrap_or_default();
    let caller = Caller::at(request.uri().path());
    let reader = Reader::of((request.method(), request.uri()), request.headers());
    let secure = cookies::secure(&app);
    let answer =
        |failure: Failure| words::write(&reader, secure, caller.told(&app, &id.0, failure));
    let has_body = has_body(request.headers());
    let url = request
        .uri()
        .path_and_query()
        .map_or(0, |url| url.as_str().len());
    if url > LONGEST_URL {
        let mut response =
            answer(Refusal::TooLarge("The URL is over 8 KiB; use POST and _search.").into());
        *response.status_mut() = StatusCode::URI_TOO_LONG;
        return response;
    }
    if size(request.headers()) > LARGEST_HEADERS {
        let mut response = answer(Refusal::TooLarge("The headers are over 32 KiB.").into());
        *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return response;
    }
    // A task of its own: a caller who hangs up drops this future, and a statement that is dropped half-way takes its
    // connection with it (`spec/security.md`, case 197; sqlx 0.9 waits for such a one for ever).
    let (request, whole) = match takes_file(&request) {
        true => awaited(request),
        false => (request, None),
    };
    let late = Late::of(&request);
    let work = tokio::spawn(AssertUnwindSafe(next.run(request)).catch_unwind());
    let watched = tokio::spawn(in_time(work, whole, (LONGEST, late)));
    let mut response = match watched.await {
        Ok(Some(Ok(Ok(response)))) => words::write(&reader, secure, response),
        Ok(None) => words::write(&reader, secure, caller.too_late(&app, &id.0, late)),
        Ok(Some(_)) | Err(_) => answer(Fault::new("serving a request", "it panicked").into()),
    };
    let failed = response.status().is_client_error() || response.status().is_server_error();
    // The body may be unread: then this connection is of no use for another request, and the caller must know.
    if has_body && failed {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    never_sniffed(response)
}

/// What is posted and writes nothing all the same: the ends of such addresses.
const ASKS: [&str; 8] = [
    "_search",
    "$everything",
    "$find",
    "$docref",
    "$expand",
    "$validate",
    "$portal-status",
    "$portal-username-available",
];

/// What is told where the work goes on, and what to do.
const MAY_BE_DONE: &str = "It may have been done all the same, or be done in a minute: look for it before you send it again.";

/// The same to an app: by the same key, or the same condition, what was done is found and not done again.
const MAY_BE_DONE_BY_APP: &str = "The request took too long. It may have been done all the same, or be done in a minute: search for it before you send it again, or send it with the same Idempotency-Key or If-None-Exist.";

/// What becomes of work that took too long, once that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    /// It goes on to its own end. What writes may have a file beside its rows: cut off, it would leave one without the other,
    /// and a statement half-way.
    GoesOn,
    /// It ends there: nobody takes what it reads.
    Ends,
}

impl Late {
    fn of<B>(request: &axum::http::Request<B>) -> Self {
        let reads = matches!(
            *request.method(),
            Method::GET | Method::HEAD | Method::OPTIONS
        );
        let last = request.uri().path().rsplit('/').next();
        match reads || last.is_some_and(|last| ASKS.contains(&last)) {
            true => Self::Ends,
            false => Self::GoesOn,
        }
    }
}

/// What a task comes to in its time, which for one with a file begins when that is there; `None` where it took longer.
async fn in_time<T>(
    mut work: JoinHandle<T>,
    whole: Option<Receiver<()>>,
    (longest, late): (Duration, Late),
) -> Option<Result<T, JoinError>> {
    if let Some(whole) = whole {
        let whole = tokio::time::timeout(LONGEST_FILE, whole);
        tokio::select! {
            done = &mut work => return Some(done),
            _ = whole => {}
        }
    }
    let done = tokio::time::timeout(longest, &mut work).await.ok();
    if done.is_none() && late == Late::Ends {
        work.abort();
    }
    done
}

/// Whether a request brings a file, which may take its time: the caller is known before a byte of it is read.
pub fn takes_file<B>(request: &axum::http::Request<B>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.map_or(b"".as_slice(), HeaderValue::as_bytes);
    let form = kind
        .get(..FORM.len())
        .is_some_and(|kind| kind.eq_ignore_ascii_case(FORM));
    let parts: Vec<&str> = request.uri().path().split('/').collect();
    let place = match parts.as_slice() {
        ["", "fhir", "Binary"] => true,
        ["", "account", "documents"] | ["", "staff", "patients", _, "documents"] => form,
        // A message to many carries nothing.
        ["", "staff", "messages", "many"] => false,
        ["", "account" | "staff", "messages", _] => form,
        _ => false,
    };
    place && request.method() == Method::POST
}

/// The same request, and what ends once its body is whole, or nobody reads it any more.
fn awaited(request: Request) -> (Request, Option<Receiver<()>>) {
    let (held, whole) = oneshot::channel::<()>();
    // Whoever holds the body holds the other end: it is let go with the last piece.
    let request = request.map(|body| {
        let pieces = stream::unfold(
            (body.into_data_stream(), held),
            |(mut body, held)| async move {
                let piece = body.next().await?;
                Some((piece, (body, held)))
            },
        );
        Body::from_stream(pieces.fuse())
    });
    (request, Some(whole))
}

/// Who reads an answer that no handler gives.
#[derive(Clone, Copy)]
enum Caller {
    /// An app at a FHIR route.
    Fhir,
    /// An app at an OAuth route.
    OAuth,
    /// A person.
    Person,
}

impl Caller {
    /// What is said of a request that took too long.
    fn said_of(self, late: Late) -> &'static str {
        match (late, self) {
            (Late::GoesOn, Self::Person) => MAY_BE_DONE,
            (Late::GoesOn, Self::Fhir) => MAY_BE_DONE_BY_APP,
            // Nothing that is asked of OAuth can be looked for.
            (Late::Ends, _) | (Late::GoesOn, Self::OAuth) => "The request took too long.",
        }
    }

    /// That it took too long. Where it goes on, nobody is asked to send it again.
    fn too_late(self, app: &App, request_id: &str, late: Late) -> Response {
        let said = self.said_of(late);
        let mut response = match (late, self) {
            (Late::GoesOn, Self::Person) => {
                let words = ("This took too long", said.to_owned());
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let mut response = reply::problem(app, request_id, status, words);
                protect(&mut response, "no-store");
                never_sniffed(response)
            }
            _ => self.told(app, request_id, Refusal::Unavailable(said).into()),
        };
        if late == Late::GoesOn {
            response.headers_mut().remove(RETRY_AFTER);
        }
        response
    }

    fn at(path: &str) -> Self {
        match path {
            "/oauth2/token" | "/oauth2/register" | "/oauth2/userinfo" | "/oauth2/jwks" => {
                Self::OAuth
            }
            path if path.starts_with("/.well-known/") => Self::OAuth,
            path if path == "/fhir" || path.starts_with("/fhir/") => Self::Fhir,
            _ => Self::Person,
        }
    }

    /// The answer, with the headers that the layers within would have given it.
    fn told(self, app: &App, request_id: &str, failure: Failure) -> Response {
        let mut response = match self {
            Self::Fhir => reply::fhir(app, request_id, failure),
            Self::OAuth => oauth::machine_error(app, request_id, failure),
            Self::Person => {
                let mut response = reply::page(app, request_id, failure);
                protect(&mut response, "no-store");
                return never_sniffed(response);
            }
        };
        let any = HeaderValue::from_static("*");
        response
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, any);
        never_sniffed(response)
    }
}

/// Every answer is what it says it is.
fn never_sniffed(mut response: Response) -> Response {
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH);
    headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

/// The headers of every page: no frame, no referrer, no foreign script, nothing kept (`spec/security.md` 21, 29, 118,
/// 174). A handler that sets its own policy, for the redirect of a form, keeps it.
pub async fn page_headers(request: Request, next: Next) -> Response {
    let asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let status = response.status();
    let keep = asset && (status.is_success() || status == StatusCode::NOT_MODIFIED);
    protect(
        &mut response,
        if keep {
            "public, max-age=300"
        } else {
            "no-store"
        },
    );
    response
}

fn protect(response: &mut Response, cache: &'static str) {
    let headers = response.headers_mut();
    let set = [
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, cache),
    ];
    for (name, value) in set {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
}

/// The policy of a page whose form ends in a redirect to an app: browsers apply `form-action` to redirects too.
/// `origin` is that of a registered redirect address, such as `https://app.example`.
pub fn policy_for(origin: &str) -> Option<HeaderValue> {
    // A source list knows no IPv6 address; only loopback has one here (RFC 8252, 7.3), and it has no better name.
    let origin = match origin.starts_with("http://[") {
        true => "http:",
        false => origin,
    };
    let plain = origin
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b":/.-".contains(&byte));
    let text = POLICY.replace(
        "form-action 'self'",
        &format!("form-action 'self' {origin}"),
    );
    plain.then(|| HeaderValue::from_str(&text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f150_what_writes_goes_on_to_its_end() {
        for (method, path, late) in [
            ("POST", "/account/messages/new", Late::GoesOn),
            ("POST", "/fhir/Communication", Late::GoesOn),
            ("PUT", "/fhir/DocumentReference/7", Late::GoesOn),
            ("POST", "/fhir", Late::GoesOn),
            ("POST", "/fhir/DocumentReference/7/$sign", Late::GoesOn),
            ("POST", "/fhir/Patient/_search", Late::Ends),
            ("POST", "/fhir/Patient/7/$everything", Late::Ends),
            ("GET", "/fhir/Patient", Late::Ends),
            ("GET", "/account/records.zip", Late::Ends),
        ] {
            let request = axum::http::Request::builder().method(method).uri(path);
            let request = request.body(()).expect("a request");
            assert_eq!(Late::of(&request), late, "{method} {path}");
        }
    }

    #[test]
    fn f150_whoever_may_have_written_is_told_so_and_what_to_do() {
        for (path, word) in [
            ("/fhir/Communication", "Idempotency-Key"),
            ("/fhir/DocumentReference/7", "If-None-Exist"),
            (
                "/account/messages/new",
                "look for it before you send it again",
            ),
        ] {
            let caller = Caller::at(path);
            let said = caller.said_of(Late::GoesOn);
            assert!(said.contains("may have been done"), "{path}: {said}");
            assert!(said.contains(word), "{path}: {said}");
            let said = caller.said_of(Late::Ends);
            assert_eq!(said, "The request took too long.", "{path}");
        }
    }

    #[tokio::test]
    async fn f150_what_is_told_too_late_is_done_all_the_same_or_ended() {
        let in_short = Duration::from_millis(1);
        for (late, expected) in [(Late::GoesOn, true), (Late::Ends, false)] {
            let (filed, mut told) = oneshot::channel::<()>();
            let work = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let _ = filed.send(());
            });
            assert!(in_time(work, None, (in_short, late)).await.is_none());
            let done = tokio::time::timeout(Duration::from_secs(5), &mut told).await;
            assert_eq!(done.expect("over").is_ok(), expected, "{late:?}");
        }
        let quick = tokio::spawn(async { 7 });
        let done = in_time(quick, None, (LONGEST, Late::Ends)).await;
        assert_eq!(done.and_then(Result::ok), Some(7));
    }

    #[test]
    fn f150_only_files_may_take_their_time() {
        let takes = |method: &str, path: &str, kind: &str| {
            let request = axum::http::Request::builder()
                .method(method)
                .uri(path)
                .header(CONTENT_TYPE, kind);
            takes_file(&request.body(()).expect("a request"))
        };
        let form = "Multipart/Form-Data; boundary=x";
        assert!(takes("POST", "/fhir/Binary", "application/pdf"));
        for path in [
            "/account/documents",
            "/staff/patients/7/documents",
            "/account/messages/new",
            "/account/messages/7",
            "/staff/messages/new",
            "/staff/messages/7",
        ] {
            assert!(takes("POST", path, form), "{path}");
            assert!(!takes("POST", path, "application/x-www-form-urlencoded"));
        }
        for (method, path) in [
            ("PUT", "/fhir/Binary"),
            ("POST", "/fhir/Patient"),
            ("POST", "/login"),
            ("POST", "/account/documents/7"),
            ("POST", "/account/messages"),
            ("POST", "/staff/messages/many"),
        ] {
            assert!(!takes(method, path, form), "{method} {path}");
        }
    }
}
