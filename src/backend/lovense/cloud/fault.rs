//! Why the maker's server cannot be used, and what the user can do about it.

use std::time::Duration;

use crate::backend::LinkError;
use crate::backend::lovense::lan::Fault as Trouble;
use crate::backend::lovense::wire::{Complaint, NotAnAnswer};

/// What went wrong on the way to the maker's server or at it. No text names a brand, a token or a
/// URL: they go into the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No way there.
    #[error("the maker's server is out of reach ({0}): does this machine reach the internet?")]
    OutOfReach(String),
    /// Silence.
    #[error("the maker's server did not answer within {0:?}")]
    NoAnswer(Duration),
    /// The certificate is not accepted.
    #[error("the certificate of the maker's server is not accepted: {0}")]
    Certificate(String),
    /// Something answered, but not as the server does.
    #[error("what answers in place of the maker's server is {0}")]
    NotTheServer(String),
    /// The token, the platform or the user.
    #[error(
        "the maker's server refuses {what} (code {code}): compare {settings} with the developer dashboard"
    )]
    Refused {
        /// What it was asked for.
        what: &'static str,
        /// Its code. Its words are for the log at level debug.
        code: i64,
        /// Which settings are to blame.
        settings: &'static str,
    },
    /// The server refuses the socket; how.
    #[error("the maker's server refuses the connection: {0}")]
    NoSocket(String),
    /// The server let us in, and then refused to speak. Its words are not kept: they may hold a token.
    #[error("the maker's server refuses to go on")]
    SentAway,
    /// The server asks for a connection that anybody could listen to.
    #[error("the maker's server names a socket without encryption: not used")]
    Unencrypted,
    /// The server ended the connection.
    #[error("the maker's server ended the connection")]
    Closed,
    /// Nothing was heard any more.
    #[error("nothing was heard of the maker's server for {0:?}")]
    Silent(Duration),
    /// The connection broke.
    #[error("the connection to the maker's server broke: {0}")]
    Broken(String),
}

impl Fault {
    /// From what the network did.
    pub(super) fn of_network(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NoAnswer { limit, .. } => Self::NoAnswer(limit),
            Trouble::Certificate { reason, .. } => Self::Certificate(reason),
            Trouble::Broken { reason, .. } => Self::Broken(reason),
            Trouble::Unreachable { reason, .. } => Self::OutOfReach(reason),
            Trouble::NoSuchHost { .. } => Self::OutOfReach("its name is unknown".to_owned()),
            Trouble::Refused { .. } => Self::OutOfReach("nothing listens there".to_owned()),
            _ => Self::OutOfReach("of unknown cause".to_owned()),
        }
    }

    /// From an answer that is none. `what` was asked for, and `settings` have a part in it.
    pub(super) fn of_answer(
        problem: NotAnAnswer,
        what: &'static str,
        settings: &'static str,
    ) -> Self {
        match problem {
            // Its words are nobody's to keep: they may hold the token.
            NotAnAnswer::Complaint(Complaint { code, .. }) => Self::Refused {
                what,
                code,
                settings,
            },
            other => Self::NotTheServer(other.to_string()),
        }
    }

    /// As the end of a connection; a refusal is tried again only after `refused`.
    pub(super) fn into_error(self, refused: Duration) -> LinkError {
        let text = self.to_string();
        match self {
            Self::Refused { .. } | Self::Unencrypted | Self::Certificate(_) => {
                LinkError::RetryAfter(text, refused)
            }
            _ => LinkError::Retry(text),
        }
    }
}
