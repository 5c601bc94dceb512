//! What the process ends with.

use std::process::ExitCode;

use crate::domain::ErrorCode;

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything was done.
    Ok = 0,
    /// It failed.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The settings are wrong.
    Settings = 3,
    /// The broker cannot be reached, or does not let us in.
    Broker = 4,
    /// There is no such toy, or it cannot be reached.
    NotFound = 5,
    /// It was refused: quiet is on, a limit, a stop came between, the toy cannot do it.
    Refused = 6,
    /// Nobody answered in time.
    Timeout = 7,
    /// Another process uses the data folder.
    InUse = 8,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Failure,
        Self::Usage,
        Self::Settings,
        Self::Broker,
        Self::NotFound,
        Self::Refused,
        Self::Timeout,
        Self::InUse,
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// In words, for `--help`.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Failure => "failed",
            Self::Usage => "the command line makes no sense",
            Self::Settings => "the settings are wrong",
            Self::Broker => "the broker cannot be reached, or does not let us in",
            Self::NotFound => "there is no such toy, or it is offline",
            Self::Refused => "refused: quiet, a limit, a stop, or the toy cannot do it",
            Self::Timeout => "nobody answered in time",
            Self::InUse => "another toy2mqtt uses the data folder",
        }
    }

    /// The section of `--help`.
    pub(super) fn help() -> String {
        let lines = Self::ALL.map(|exit| format!("  {}  {}", exit.code(), exit.meaning()));
        format!("Exit codes:\n{}", lines.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<ErrorCode> for Exit {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Invalid => Self::Usage,
            ErrorCode::UnknownToy | ErrorCode::Offline => Self::NotFound,
            ErrorCode::Timeout => Self::Timeout,
            ErrorCode::Backend => Self::Failure,
            ErrorCode::Quiet
            | ErrorCode::Limit
            | ErrorCode::Retained
            | ErrorCode::Busy
            | ErrorCode::Unsupported
            | ErrorCode::Stopped => Self::Refused,
        }
    }
}
