//! Accepts connections and serves requests, with a limit for everything. `axum::serve` has no timeout for
//! incomplete requests.

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

/// Concurrent connections. More wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 512;

/// For the request line and headers, and for the next request of a keep-alive connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// In bytes. Larger requests get a 431 or 414 from hyper.
const MAX_HEAD_SIZE: usize = 16 * 1024;

/// After an error such as "too many open files".
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// The lifetime of a connection …
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(300);

/// … and the time after it in which a response under way may finish, so that slow readers are disconnected.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(80);

/// Serves `router` until `stop`, and then finishes the requests that are under way.
pub async fn run(listener: TcpListener, router: Router, stop: CancellationToken) {
    let (connections, room) = (TaskTracker::new(), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    // If this future is dropped, connections end too.
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
                tracing::debug!(%error, "failed to accept connection");
                SystemClock.sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Serves a connection until it ends or reaches its limit. Errors concern the client only.
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
