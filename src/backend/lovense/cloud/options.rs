//! How the maker's server is reached, and as whom.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::backend::supervisor::Policy;
use crate::domain::BackendId;

/// Where the maker's server is.
pub const SERVER: &str = "https://api.lovense-api.com";

/// How soon to try again after the server was lost: it is somebody else's, and serves others too.
pub const RECONNECT: Policy = Policy {
    initial: Duration::from_secs(1),
    cap: Duration::from_secs(60),
};

/// Everything about one account.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the backend.
    pub id: BackendId,
    /// Where the server is: `https://host`, or `http://host:port` on this machine.
    pub server: String,
    /// The developer token.
    pub token: Secret,
    /// The name of the "website", as the developer dashboard has it.
    pub platform: String,
    /// Whose app it is, as the server is told: never a name.
    pub user: String,
    /// For how long a toy keeps a level without being told again. The app takes no less than 1 s.
    pub lease: Duration,
    /// The least time between two commands to one toy.
    pub pace: Duration,
    /// Whether a command counts as accepted only when the server has answered a ping that followed
    /// it.
    pub confirm: bool,
    /// Whether patterns are played by the app instead of level by level.
    pub play_in_app: bool,
    /// Intervals and time limits.
    pub timing: Timing,
}

impl Options {
    /// The defaults for an account: the maker's server, a user made of the token, a lease of 5 s.
    #[must_use]
    pub fn new(id: BackendId, token: Secret, platform: impl Into<String>) -> Self {
        Self {
            id,
            server: SERVER.to_owned(),
            user: token.user(),
            token,
            platform: platform.into(),
            lease: Duration::from_secs(5),
            pace: Duration::from_millis(200),
            confirm: true,
            play_in_app: false,
            timing: Timing::default(),
        }
    }

    /// What the connection is called in the log, which names no brand: `cloud`, `cloud_2`.
    pub(super) fn link_name(&self) -> String {
        self.id.as_str().replace("lovense_cloud", "cloud")
    }
}

/// A token. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// A name for the user of the app that says nothing of anybody: always the same for a token.
    fn user(&self) -> String {
        let hash = Sha256::digest(format!("toy2mqtt user {}", self.0));
        let digits: String = hash.iter().take(6).map(|b| format!("{b:02x}")).collect();
        format!("toy2mqtt-{digits}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Intervals and time limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a connection to be made.
    pub connect: Duration,
    /// For each answer on the way to a socket.
    pub answer: Duration,
    /// From ping to ping, if the server does not want them more often.
    pub ping: Duration,
    /// For the answer to a ping, after which the connection is dead.
    pub pong: Duration,
    /// For an app to turn up before the user is told how to pair one.
    pub patience: Duration,
    /// Until how to pair one is asked again; the server's codes hold for 4 h.
    pub pairing: Duration,
    /// Before a refused token is tried again: it takes the user.
    pub refused: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            ping: Duration::from_secs(10),
            pong: Duration::from_secs(8),
            patience: Duration::from_secs(3),
            pairing: Duration::from_secs(3 * 3_600),
            refused: Duration::from_secs(300),
        }
    }
}

/// Options that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// No URL, or one that would show the token to everybody on the way.
    #[error("the server has to be an https URL without a path (or http on this machine)")]
    Server,
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_the_token() {
        let token = Secret::new("very-secret");
        let options = Options::new(BackendId::new("lovense_cloud_2"), token, "home");
        assert!(!format!("{options:?}").contains("very-secret"));
        assert_eq!(options.link_name(), "cloud_2");
        let user = &options.user;
        assert!(user.starts_with("toy2mqtt-") && user.len() == 21, "{user}");
        assert_eq!(*user, Secret::new("very-secret").user());
        assert_ne!(*user, Secret::new("another").user());
    }

    #[test]
    fn a_lost_connection_is_noticed_within_twenty_seconds() {
        let timing = Timing::default();
        assert!(timing.ping + timing.pong < Duration::from_secs(20));
    }
}
