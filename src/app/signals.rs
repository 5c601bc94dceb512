//! Being told to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// A token that is cancelled by SIGTERM or SIGINT. A second signal changes nothing: the end is
/// bounded in time anyway.
///
/// To be called within a runtime; the task that waits lives as long as the runtime's `block_on`.
#[must_use]
pub fn shutdown() -> CancellationToken {
    let token = CancellationToken::new();
    let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt)] = signals else {
        warn!("cannot listen to signals: only SIGKILL will end this process");
        return token;
    };
    let told = token.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the signal or with its token; nothing waits for it"
    )]
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = told.cancelled() => {}
        }
        told.cancel();
    });
    token
}
