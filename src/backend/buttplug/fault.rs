//! Why a server cannot be used, and what the user can do about it.
//!
//! These texts reach the log at levels that everybody sees, so they name no brand.

use std::io;
use std::time::Duration;

use tracing::debug;

use crate::backend::LinkError;

/// What went wrong on the way to the server or at it. `place` is a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The host name is unknown.
    #[error("the host name {host} cannot be resolved ({reason}): use the server's IP address")]
    NoSuchHost {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// The port is closed. A server that has a client closes its port, too.
    #[error(
        "nothing listens at {place}: either the server is not running or listens elsewhere, or another program is connected to it, of which it takes only one at a time"
    )]
    Refused {
        /// Where.
        place: String,
    },
    /// The network has no way there.
    #[error("{place} is out of reach ({reason}): are both in the same network?")]
    Unreachable {
        /// Where.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// No connection in time.
    #[error(
        "{place} did not answer within {limit:?}: does the machine run, and does its firewall let the bridge in?"
    )]
    NoConnection {
        /// Where.
        place: String,
        /// How long was waited.
        limit: Duration,
    },
    /// It speaks no websocket.
    #[error("{place} is no websocket ({reason}): compare host and port with what the server shows")]
    NoWebsocket {
        /// Where.
        place: String,
        /// What it did instead.
        reason: String,
    },
    /// A websocket, but no answer to the first message.
    #[error(
        "{place} does not answer the handshake: it is no toy server, one older than 2022, or one that hangs: restart it"
    )]
    Mute {
        /// Where.
        place: String,
    },
    /// Some servers cannot change the version once a client has spoken another one.
    #[error(
        "the server at {place} is stuck in the version of an earlier client, which is a bug of its own: restart the server, and update it if you can"
    )]
    VersionStuck {
        /// Where.
        place: String,
    },
    /// It refused the handshake.
    #[error("the server at {place} refused the handshake: {reason}")]
    Handshake {
        /// Where.
        place: String,
        /// What it said.
        reason: String,
    },
    /// It has not heard our pings in time, and has stopped all toys.
    #[error(
        "the server has not heard from the bridge for longer than it allows, and has stopped all toys"
    )]
    PingedOut,
    /// It reported an error that no request caused. Its words may name a toy.
    #[error("the server reported an error; at level debug the log has its words")]
    Said,
    /// It closed the connection.
    #[error("the server has closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection to the server broke: {0}")]
    Broken(String),
    /// Nothing was heard of it any more.
    #[error("the server does not answer any more: waited {0:?}")]
    Silent(Duration),
    /// We cannot listen.
    #[error("cannot listen at {place}: {reason}")]
    CannotListen {
        /// Where.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// The server in this process cannot start.
    #[error("the built-in toy server cannot start: {0}")]
    Embedded(String),
}

impl Fault {
    /// From an error of the system while connecting to `place`.
    pub(super) fn of_io(place: &str, limit: Duration, error: &io::Error) -> Self {
        use io::ErrorKind::{ConnectionRefused, TimedOut};
        let place = place.to_owned();
        match error.kind() {
            ConnectionRefused => Self::Refused { place },
            TimedOut => Self::NoConnection { place, limit },
            _ => Self::Unreachable {
                place,
                reason: error.to_string(),
            },
        }
    }

    /// From an `Error` that answers the first message.
    pub(super) fn of_hello(place: &str, text: &str) -> Self {
        let place = place.to_owned();
        if text.contains("server bug") {
            return Self::VersionStuck { place };
        }
        let reason = text.to_owned();
        Self::Handshake { place, reason }
    }

    /// From an `Error` that answers nothing; version 3 clients see that of version 4 garbled.
    pub(super) fn of_event(code: u32, text: &str) -> Self {
        if code == super::PING_ERROR || text.contains("PingedOut") {
            Self::PingedOut
        } else {
            debug!("the server's error: {text}");
            Self::Said
        }
    }

    /// Whether another version might be answered.
    pub(super) const fn is_silence(&self) -> bool {
        matches!(self, Self::Mute { .. })
    }
}

impl From<Fault> for LinkError {
    fn from(fault: Fault) -> Self {
        let text = fault.to_string();
        match fault {
            // Takes the user, and every try keeps other programs out for a moment.
            Fault::VersionStuck { .. } | Fault::Handshake { .. } => {
                Self::RetryAfter(text, Duration::from_secs(30))
            }
            Fault::Mute { .. } | Fault::NoWebsocket { .. } | Fault::Embedded(_) => {
                Self::RetryAfter(text, Duration::from_secs(5))
            }
            _ => Self::Retry(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_of_themselves_is_told_apart() {
        // As recorded: what a version 3 client sees when it has been pinged out, and what servers
        // of 2025 answer once another version was spoken.
        let garbled = "Message V4(Error(ErrorV0 { id: 0, error_code: ErrorPing, error_message: \
                       \"{\\\"ButtplugPingError\\\":\\\"PingedOut\\\"}\" })) not in Spec V3! This \
                       is a server bug.";
        assert_eq!(Fault::of_event(3, garbled), Fault::PingedOut);
        assert_eq!(Fault::of_event(2, ""), Fault::PingedOut);
        assert_eq!(Fault::of_event(4, "x"), Fault::Said);
        let stuck = Fault::of_hello("ws://a", "… not in Spec V3! This is a server bug.");
        assert!(matches!(stuck, Fault::VersionStuck { .. }));
        assert!(matches!(LinkError::from(stuck), LinkError::RetryAfter(..)));
    }
}
