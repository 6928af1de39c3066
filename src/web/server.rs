//! Serving: connections in, answers out, none of them for ever. axum's own `serve` waits without end for
//! a request that never becomes whole.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{ServiceExt as _, service_fn};

use crate::clock::{Clock, SystemClock};

/// Connections at once. More wait in the system's own queue until one ends.
const MAX_CONNECTIONS: usize = 512;

/// For the first line and the headers of a request, and for the next request of a connection that is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Larger heads than this no browser of ours sends; beyond it hyper answers 431 or 414.
const MAX_HEAD_SIZE: usize = 16 * 1024;

/// After an error such as "too many open files" a moment helps.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// No connection is kept for longer …
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(300);

/// … than this besides, in which an answer that is under way may end: one that is taken byte by byte must
/// end some time.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(80);

/// Serves `router` until `stop`, and then finishes the requests that are under way.
pub async fn run(listener: TcpListener, router: Router, stop: CancellationToken) {
    let (connections, room) = (TaskTracker::new(), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    // Connections end with this function, also where it is given up in the midst of waiting.
    let ending = stop.child_token();
    let _end = ending.clone().drop_guard();
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, peer, router.clone());
                let answering = answer(connection, ending.clone());
                connections.spawn(async move {
                    let _place = place;
                    answering.await;
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                SystemClock.sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Answers what a connection asks, until it ends or must. How it ends is the other side's business.
async fn answer(connection: impl GracefulConnection, ending: CancellationToken) {
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = ending.cancelled() => {}
        () = SystemClock.sleep(MAX_CONNECTION_AGE) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::time::timeout(SHUTDOWN_TIMEOUT, connection).await.ok();
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) -> impl GracefulConnection<Error = hyper::Error> + Send + 'static {
    stream.set_nodelay(true).ok();
    let pages = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD_SIZE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages))
}
