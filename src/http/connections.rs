//! The connections: taken one by one, ended where a caller sends or takes too slowly, and let go when the server stops.

mod pace;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use pace::Paced;
use pace::Upload;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::http::limits;

/// How long a caller is waited for (`spec/security.md` section 0).
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For its headers, and between two requests.
    pub headers: Duration,
    /// For the whole of a body: a little less than any request may take.
    pub body: Duration,
    /// For the whole of a file, and for the next 64 KiB of it: a phone on a bad line sends 20 MiB, too.
    pub file: (Duration, Duration),
    /// For taking the next 64 KiB of an answer.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(10),
            body: Duration::from_secs(25),
            file: (limits::LONGEST_FILE, Duration::from_secs(20)),
            answer: Duration::from_secs(25),
        }
    }
}

/// How long running requests may go on once the server is told to stop: a little longer than any request may take.
const FAREWELL: Duration = Duration::from_secs(35);

/// How long to wait where no connection can be taken, as when all file descriptors are in use.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until `stop` is done, then lets running requests end.
pub async fn serve(
    (listener, patience): (TcpListener, Patience),
    router: Router,
    stop: impl Future<Output = ()>,
) {
    // Settled once, not for every request.
    let router: Router = router.with_state(());
    let watched = GracefulShutdown::new();
    let mut running = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            taken = listener.accept() => match taken {
                Ok((stream, address)) => {
                    running.spawn(watched.watch(connection(&router, (stream, address), patience)));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(BREATH).await;
                }
            },
            Some(_) = running.join_next() => {}
        }
    }
    drop(listener);
    if tokio::time::timeout(FAREWELL, watched.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not end in time");
    }
    running.shutdown().await;
}

/// One connection. Its errors are the caller's: it went away, or spoke no HTTP.
fn connection(
    router: &Router,
    (stream, address): (TcpStream, SocketAddr),
    patience: Patience,
) -> http1::Connection<
    TokioIo<Paced>,
    impl Service<
        Request<Incoming>,
        Response = Response,
        Error = Infallible,
        Future = impl Future<Output = Result<Response, Infallible>> + Send + use<>,
    > + use<>,
> {
    let routes = TowerToHyperService::new(router.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let takes_file = limits::takes_file(&request);
        let mut request = request.map(|body| match takes_file {
            true => Upload::of_file(body, patience.file),
            false => Upload::new(body, patience.body),
        });
        request.extensions_mut().insert(ConnectInfo(address));
        routes.call(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.headers)
        .serve_connection(TokioIo::new(Paced::new(stream, patience.answer)), service)
}
