//! The types of settings. Each can only hold what is allowed, so that nobody has to check again.

mod choice;
mod cloud;
mod names;
mod net;
mod server;
mod time;

pub use choice::{BleScan, LogFormat, LogLevel, Protocol, RouteKind, Scheme, Trust, TurnOn};
pub use cloud::CloudUrl;
pub use names::{Address, AppName, GroupName, ServerName, Topic, ToyName, ToyRef, UserId};
pub use net::{BrokerUrl, Fingerprint, Host};
pub use server::{ListenAddress, ServerUrl};
pub use time::{OrOff, Rate, Span};

/// What a text is not, and what it should be. Quotes the text, so not for secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Invalid {
    /// "x" is not …
    fn new(text: &str, is_not: &str) -> Self {
        // A value may be a whole file by mistake.
        let mut shown: String = text.chars().take(60).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self(format!("{shown:?} {is_not}"))
    }
}
