//! How do connections come, live and end? One task each, under limits on time, size and number.
//!
//! A client that sends its head slowly, sends too much of it, or sends nothing, is cut off. When the server is to end, no
//! connection is accepted any more, those that wait for a request are closed, and those that have one may end it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::report::log::Level;
use crate::serve::Server;
use crate::serve::metrics::InFlight;

/// Connections that may be open; more wait until they're accepted.
const MAX_CONNECTIONS: usize = 1024;
/// The longest head of a request, in bytes. hyper answers a longer one with 431.
const MAX_HEAD: usize = 32 << 10;
const MAX_HEADERS: usize = 64;
/// How long to wait when the system gives no more connections.
const AFTER_ERROR: Duration = Duration::from_millis(50);

/// Bind, without accepting anything yet: what comes waits.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Accept until told to stop. Returns when all connections have ended.
pub(crate) async fn serve(listener: TcpListener, router: Router, server: Arc<Server>, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let open = InFlight::new(server.metrics.connections());
                let connection = connection(stream, router.clone(), server.limits.read, stop.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop((open, place));
                });
            }
            Err(error) => {
                server.log.line(Level::Error, "not-accepted", [("error", error.to_string().into())]);
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
    drop(listener);
    let all = u32::try_from(MAX_CONNECTIONS).expect("it's a small number");
    let _ended = places.acquire_many(all).await;
}

/// The next connection, once there's a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

async fn connection(stream: TcpStream, router: Router, read: Duration, mut stop: watch::Receiver<bool>) {
    // Answers are small and written at once; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(read).max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        // How a connection ends is its client's affair.
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
