//! How a connection ends.

use std::io::ErrorKind;
use std::time::Duration;

use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};

use super::door::Refusal;
use super::handshake::BadHandshake;
use super::wire::MAX_MESSAGE;

/// Why a connection ended. The words are for the user, and the toy is told them, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum End {
    /// It was not let in.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// There are too many.
    #[error("too many toys are connected")]
    Crowded,
    /// It did not become a websocket.
    #[error("it is no websocket: {0}")]
    NoWebsocket(String),
    /// It said nothing, or nothing of use.
    #[error("no handshake within {0:?}")]
    NoHandshake(Duration),
    /// It said something else.
    #[error("{0}")]
    BadHandshake(#[from] BadHandshake),
    /// Two toys with one address take turns.
    #[error("another toy with this address has just connected")]
    Taken,
    /// It does not speak the text protocol.
    #[error("DeviceType; was not answered as a toy does, e.g. with Z:11:<address>;")]
    Stranger,
    /// A newer connection of the same address has come.
    #[error("the toy has connected once more")]
    Replaced,
    /// It asked for it.
    #[error("the toy closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection to the toy broke: {0}")]
    Broken(String),
    /// Not even an answer to a ping came.
    #[error("nothing was heard of the toy for {0:?}")]
    Silent(Duration),
    /// It answered before and does not any more.
    #[error("the toy does not answer its commands any more")]
    Mute,
    /// It does not read.
    #[error("the toy does not take what it is sent")]
    Stuck,
    /// It talks too much.
    #[error("the toy sends more messages than anybody can read")]
    Flood,
    /// It sent too much at once.
    #[error("the toy sent a message of over {MAX_MESSAGE} bytes")]
    TooLong,
}

impl From<tungstenite::Error> for End {
    fn from(error: tungstenite::Error) -> Self {
        use tungstenite::Error;
        use tungstenite::error::ProtocolError;
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed => Self::Closed,
            // A script that was ended says no goodbye.
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Closed,
            Error::Io(error) if is_cut(error.kind()) => Self::Closed,
            Error::Capacity(_) => Self::TooLong,
            other => Self::Broken(other.to_string()),
        }
    }
}

impl End {
    /// What the toy is told, unless it is not there to hear it.
    pub(super) fn frame(&self) -> Option<CloseFrame> {
        let code = match self {
            Self::NoHandshake(_)
            | Self::BadHandshake(_)
            | Self::Stranger
            | Self::Replaced
            | Self::Mute
            | Self::Flood => CloseCode::Policy,
            Self::Taken | Self::Crowded => CloseCode::Again,
            Self::TooLong => CloseCode::Size,
            Self::Refused(_)
            | Self::NoWebsocket(_)
            | Self::Closed
            | Self::Broken(_)
            | Self::Silent(_)
            | Self::Stuck => return None,
        };
        Some(CloseFrame {
            code,
            reason: reason(&self.to_string()),
        })
    }

    /// Whether somebody who makes a toy should read about it in the log.
    pub(super) const fn is_mistake(&self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::Crowded
                | Self::BadHandshake(_)
                | Self::Taken
                | Self::Stranger
                | Self::Flood
                | Self::TooLong
        )
    }

    /// The same without anything that the toy has said of itself.
    pub(super) fn bare(&self) -> String {
        match self {
            Self::BadHandshake(BadHandshake::Identifier(_)) => {
                "its identifier is unknown: only LVSDevice is".to_owned()
            }
            Self::BadHandshake(BadHandshake::Address(_)) => {
                "its address is not 12 hex digits".to_owned()
            }
            other => other.to_string(),
        }
    }
}

/// Whether that is how the end of a program at the other end looks.
const fn is_cut(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    )
}

/// The reason in a close frame has 123 bytes at most (RFC 6455 §5.5).
fn reason(text: &str) -> Utf8Bytes {
    let mut end = text.len().min(123);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}
