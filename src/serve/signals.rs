//! What does the system tell this process? SIGTERM and SIGINT to end, SIGHUP to load again.

use std::sync::mpsc::Sender;

use tokio::runtime::Runtime;

use crate::error::Exit;

/// A word from the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Load the plugins again.
    Reload,
    /// End; where it has to be at once, with this exit code.
    End(Exit),
}

/// Send every signal that comes from now on.
#[cfg(unix)]
pub(crate) fn listen<T: From<Signal> + Send + 'static>(runtime: &Runtime, to: &Sender<T>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let signals = [
        (SignalKind::hangup(), Signal::Reload),
        (SignalKind::interrupt(), Signal::End(Exit::Interrupted)),
        (SignalKind::terminate(), Signal::End(Exit::Terminated)),
    ];
    let _entered = runtime.enter();
    for (kind, meaning) in signals {
        let (mut stream, to) = (signal(kind)?, to.clone());
        runtime.spawn(async move { while stream.recv().await.is_some() && to.send(meaning.into()).is_ok() {} });
    }
    Ok(())
}

/// Send every signal that comes from now on.
#[cfg(not(unix))]
pub(crate) fn listen<T: From<Signal> + Send + 'static>(runtime: &Runtime, to: &Sender<T>) -> std::io::Result<()> {
    let to = to.clone();
    runtime.spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && to.send(Signal::End(Exit::Interrupted).into()).is_ok() {} });
    Ok(())
}
