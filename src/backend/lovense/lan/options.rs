//! How one app is reached.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use crate::backend::lovense::tls::Trust;
use crate::backend::supervisor::Policy;
use crate::domain::BackendId;

/// The ports that apps are known to serve without encryption, likeliest first.
pub const HTTP_PORTS: [u16; 3] = [20010, 20011, 34567];

/// The ports that apps are known to serve with encryption, likeliest first.
pub const HTTPS_PORTS: [u16; 3] = [30010, 30011, 34568];

/// How soon to try again after the app was lost: a phone that comes back is to be found within
/// 3 s, connecting included.
pub const RECONNECT: Policy = Policy {
    initial: Duration::from_millis(200),
    cap: Duration::from_millis(1_500),
};

/// Everything about one app (phone).
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the backend.
    pub id: BackendId,
    /// Where the app is.
    pub host: Host,
    /// The Game Mode port; `None` to try several.
    pub port: Option<u16>,
    /// The ports to try; empty for those that apps are known to use ([`HTTP_PORTS`],
    /// [`HTTPS_PORTS`]).
    pub candidates: Vec<u16>,
    /// Encryption.
    pub trust: Trust,
    /// Whether to listen to Toy Events.
    pub events: bool,
    /// The port of Toy Events where it is not the Game Mode port.
    pub events_port: Option<u16>,
    /// What the phone shows when it asks whether to let us in.
    pub app_name: String,
    /// For how long a toy keeps a level without being told again; `None` for ever. The app takes
    /// no less than 1 s.
    pub lease: Option<Duration>,
    /// The least time between two commands to one toy.
    pub pace: Duration,
    /// Whether patterns are played by the app instead of level by level.
    pub play_in_app: bool,
    /// Intervals and time limits.
    pub timing: Timing,
}

impl Options {
    /// The defaults for the app at `host`: HTTP, ports probed, events on, 5 s lease.
    #[must_use]
    pub fn new(id: BackendId, host: Host) -> Self {
        Self {
            id,
            host,
            port: None,
            candidates: Vec::new(),
            trust: Trust::Plain,
            events: true,
            events_port: None,
            app_name: "toy2mqtt".to_owned(),
            lease: Some(Duration::from_secs(5)),
            pace: Duration::from_millis(25),
            play_in_app: false,
            timing: Timing::default(),
        }
    }

    /// What a connection is called in the log, which names no brand at the levels that everybody
    /// sees: `phone toys`, `phone_2 events`.
    pub(super) fn link_name(&self, what: &str) -> String {
        let neutral = self.id.as_str().replace("lovense_lan", "phone");
        format!("{neutral} {what}")
    }

    /// The ports to try.
    pub(super) fn ports(&self) -> Vec<u16> {
        match self.port {
            Some(port) => vec![port],
            None if !self.candidates.is_empty() => self.candidates.clone(),
            None if self.trust.is_encrypted() => HTTPS_PORTS.to_vec(),
            None => HTTP_PORTS.to_vec(),
        }
    }
}

/// Intervals and time limits. The defaults notice a lost app within 5 s while Toy Events flow
/// (3 s of silence, then a check of 1.5 s) and within 15 s while they do not (3 s interval, twice
/// 2 s without an answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two looks at the toys while Toy Events do not flow.
    pub poll: Duration,
    /// Between two looks at the toys while they do.
    pub poll_with_events: Duration,
    /// At least this long between two looks, whoever asks for them.
    pub least_poll: Duration,
    /// At least this long between two looks when the app seems to be gone.
    pub least_check: Duration,
    /// For a connection to be made.
    pub connect: Duration,
    /// For the answer to a look at the toys.
    pub answer: Duration,
    /// For the answer to a look when the app seems to be gone.
    pub check: Duration,
    /// For the answer to a command.
    pub command: Duration,
    /// Between two pings on the Toy Events connection.
    pub ping: Duration,
    /// Silence on it after which the app is checked.
    pub suspicion: Duration,
    /// Silence on it after which it is dead.
    pub dead: Duration,
    /// Silence on it after which it is dead while the user has not yet let us in.
    pub grant: Duration,
    /// Before the user is asked again to let us in: each time the phone shows a window.
    pub ask_again: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(3),
            poll_with_events: Duration::from_secs(30),
            least_poll: Duration::from_millis(500),
            least_check: Duration::from_millis(200),
            connect: Duration::from_millis(1_500),
            answer: Duration::from_secs(2),
            check: Duration::from_millis(1_500),
            command: Duration::from_secs(3),
            ping: Duration::from_secs(2),
            suspicion: Duration::from_secs(3),
            dead: Duration::from_secs(12),
            grant: Duration::from_secs(60),
            ask_again: Duration::from_secs(15),
        }
    }
}

/// Options that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A host that is neither a name nor an address.
    #[error("{0:?} is neither a host name nor an IP address")]
    Host(String),
    /// The name that certificates are issued to spells an IPv4 address.
    #[error(
        "certificates cannot be checked for the IPv6 address {0}: use an IPv4 address, or pin the certificate"
    )]
    NoName(Ipv6Addr),
    /// The app name goes into an HTTP header.
    #[error("the app name {0:?} is not 1 to 64 visible ASCII characters and blanks")]
    AppName(String),
    /// Nothing would ever be accepted.
    #[error("there is no fingerprint to pin")]
    NoPin,
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

/// Where an app is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// At this address.
    Address(IpAddr),
    /// At the address of this name.
    Name(String),
}

/// What the names that Lovense gives to addresses end with.
pub(super) const CLUB: &str = ".lovense.club";

impl Host {
    /// The name that the app's certificate is issued to at this address: `192.168.1.10` →
    /// `192-168-1-10.lovense.club`.
    #[must_use]
    pub fn club_name(address: Ipv4Addr) -> String {
        let [a, b, c, d] = address.octets();
        format!("{a}-{b}-{c}-{d}{CLUB}")
    }
}

impl FromStr for Host {
    type Err = OptionsError;

    /// Reads an IPv4 or IPv6 address (in brackets or not) or a name. A name that spells an address
    /// is taken for that address, so that it need not be looked up.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(text).parse() {
            return Ok(Self::Address(address));
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        if let Some(address) = name
            .strip_suffix(CLUB)
            .map(|dashed| dashed.replace('-', "."))
            && let Ok(address) = address.parse::<Ipv4Addr>()
        {
            return Ok(Self::Address(address.into()));
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() <= 253 && name.split('.').all(label) {
            Ok(Self::Name(name))
        } else {
            Err(OptionsError::Host(text.to_owned()))
        }
    }
}

impl fmt::Display for Host {
    /// As it stands in a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_read_in_every_form() {
        let cases = [
            ("192.168.1.10", "192.168.1.10"),
            (" 192-168-1-10.lovense.club ", "192.168.1.10"),
            ("::1", "[::1]"),
            ("[fd00::1]", "[fd00::1]"),
            ("Phone.local.", "phone.local"),
            ("my_phone", "my_phone"),
            ("other.lovense.club", "other.lovense.club"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                text.parse::<Host>().unwrap().to_string(),
                expected,
                "{text}"
            );
        }
        for bad in [
            "",
            "a b",
            "http://x",
            "a/b",
            "a..b",
            "user@host",
            "host:80",
            "é",
        ] {
            assert!(bad.parse::<Host>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_has_a_name_at_the_maker() {
        let name = Host::club_name(Ipv4Addr::new(192, 168, 1, 10));
        assert_eq!(name, "192-168-1-10.lovense.club");
    }

    #[test]
    fn the_defaults_keep_the_promised_times() {
        let timing = Timing::default();
        assert!(timing.suspicion + timing.least_check + timing.check <= Duration::from_secs(5));
        assert!(timing.poll + timing.answer * 2 <= Duration::from_secs(15));
        assert!(RECONNECT.cap + timing.connect <= Duration::from_secs(3));
    }

    proptest! {
        #[test]
        fn any_text_is_a_host_or_refused(text in "\\PC{0,30}") {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert_eq!(host.to_string().parse(), Ok(host));
            }
        }
    }
}
