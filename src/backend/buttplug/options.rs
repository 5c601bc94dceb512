//! How one server is reached.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::wire::Dialect;
use crate::backend::Token;
use crate::backend::supervisor::Policy;
use crate::domain::{BackendId, Bound, HardwareId};

/// The port that servers listen on unless they are told otherwise.
pub const PORT: u16 = 12_345;

/// How soon to try again after the server was lost: one that is started again is to be found
/// within 2 s.
pub const RECONNECT: Policy = Policy {
    initial: Duration::from_millis(100),
    cap: Duration::from_millis(1_000),
};

/// Everything about one server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the backend.
    pub id: BackendId,
    /// Where the server is.
    pub place: Place,
    /// What the server is called in the identity of its toys; `None` for what it calls itself.
    pub name: Option<String>,
    /// Which of several servers without a `name` this is, from 1: most call themselves the same.
    pub number: usize,
    /// The version to speak; `None` to find out.
    pub dialect: Option<Dialect>,
    /// What the server shows as the name of its client.
    pub client_name: String,
    /// The least time between two commands to one toy, if the server asks for less.
    pub pace: Duration,
    /// How long a timed position takes from one end to the other.
    pub travel: Duration,
    /// How long to search for toys, after connecting and then again and again; `None` for never.
    pub scan: Option<Duration>,
    /// How long from the start of one search to the next; `None` to search only once.
    pub rescan: Option<Duration>,
    /// How often to read batteries and other sensors that only answer; `None` for never.
    pub read: Option<Duration>,
    /// Intervals and time limits.
    pub timing: Timing,
    /// Toys of Buttplug servers that have been here before, each with its last display name.
    pub known: Vec<(HardwareId, Option<String>)>,
}

/// Where a server is, or that it comes to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It listens there.
    Dial {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
        /// Starts with `/`.
        path: String,
    },
    /// It connects to us.
    Listen {
        /// Where we listen.
        address: SocketAddr,
        /// It has to name this as the path of its URL.
        token: Option<Token>,
    },
    /// It runs within this process.
    #[cfg(feature = "embedded-buttplug")]
    Embedded {
        /// Where it remembers which toy has which index; nowhere if `None`.
        file: Option<std::path::PathBuf>,
    },
}

impl fmt::Display for Place {
    /// As a URL, without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dial { host, port, path } => match host.parse() {
                Ok(IpAddr::V6(ip)) => write!(f, "ws://[{ip}]:{port}{path}"),
                _ => write!(f, "ws://{host}:{port}{path}"),
            },
            Self::Listen { address, .. } => write!(f, "ws://{address}"),
            #[cfg(feature = "embedded-buttplug")]
            Self::Embedded { .. } => f.write_str("the built-in server"),
        }
    }
}

impl Options {
    /// The defaults for the server at `place`.
    #[must_use]
    pub fn new(id: BackendId, place: Place) -> Self {
        Self {
            id,
            place,
            name: None,
            number: 1,
            dialect: None,
            client_name: "toy2mqtt".to_owned(),
            pace: Duration::ZERO,
            travel: Duration::from_secs(1),
            scan: Some(Duration::from_secs(30)),
            rescan: Some(Duration::from_secs(120)),
            read: Some(Duration::from_secs(600)),
            timing: Timing::default(),
            known: Vec::new(),
        }
    }

    /// What ends a level when the bridge is gone.
    pub(super) fn bound(&self) -> Bound {
        match self.place {
            // It stops all toys when its client goes.
            Place::Dial { .. } | Place::Listen { .. } => Bound::Connection,
            // It goes along with us.
            #[cfg(feature = "embedded-buttplug")]
            Place::Embedded { .. } => Bound::None,
        }
    }

    /// Whether a device is certain to have the index that it had, even after a restart of the server.
    pub(super) fn keeps_indexes(&self) -> bool {
        match &self.place {
            // It does if the user lets it, which it does not tell.
            Place::Dial { .. } | Place::Listen { .. } => false,
            #[cfg(feature = "embedded-buttplug")]
            Place::Embedded { file } => file.is_some(),
        }
    }

    /// What the connection is called in the log, which names no brand at the levels that everybody
    /// sees: `toy server`, `toy server_2`.
    pub(super) fn link_name(&self) -> String {
        self.id.as_str().replace("buttplug", "toy server")
    }

    /// What the server is called in the identity of its toys, if it calls itself `own`.
    pub(super) fn server_name(&self, own: &str) -> String {
        match (&self.name, self.number) {
            (Some(name), _) => name.clone(),
            (None, 0 | 1) => own.to_owned(),
            (None, number) => format!("{own}#{number}"),
        }
    }
}

/// Intervals and time limits. The defaults notice a lost server within 5 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a connection to be made, handshake of the websocket included.
    pub connect: Duration,
    /// For the answer to the first message. Servers that do not know the version are silent.
    pub hello: Duration,
    /// For the answer to a question of ours.
    pub answer: Duration,
    /// For the answer to a command.
    pub command: Duration,
    /// Between two websocket pings, and how often everything that is due is looked at.
    pub tick: Duration,
    /// Silence after which the server is asked for its devices.
    pub suspicion: Duration,
    /// For the answer to that.
    pub check: Duration,
    /// At least this long between two looks at the devices that somebody asked for.
    pub least_look: Duration,
    /// A server that was away for longer may have become another version.
    pub forget: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(1_500),
            hello: Duration::from_secs(2),
            answer: Duration::from_secs(3),
            command: Duration::from_millis(2_500),
            tick: Duration::from_millis(500),
            suspicion: Duration::from_millis(2_500),
            check: Duration::from_millis(1_500),
            least_look: Duration::from_millis(500),
            forget: Duration::from_secs(60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_keep_the_promised_times() {
        let timing = Timing::default();
        let noticed = timing.suspicion + timing.check + timing.tick * 2;
        assert!(noticed <= Duration::from_secs(5));
        assert!(RECONNECT.cap <= Duration::from_secs(2));
    }

    #[test]
    fn several_servers_of_one_name_are_told_apart() {
        let place = Place::Dial {
            host: "::1".to_owned(),
            port: PORT,
            path: "/".to_owned(),
        };
        assert_eq!(place.to_string(), "ws://[::1]:12345/");
        let mut options = Options::new(BackendId::new("buttplug_2"), place);
        assert_eq!(options.link_name(), "toy server_2");
        assert_eq!(options.server_name("S"), "S");
        options.number = 2;
        assert_eq!(options.server_name("S"), "S#2");
        options.name = Some("PC".to_owned());
        assert_eq!(options.server_name("S"), "PC");
    }
}
