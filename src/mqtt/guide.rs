//! The way to a broker that the settings do not name.

use std::pin::Pin;
use std::sync::Arc;

use rustls::ClientConfig;

/// Where the broker is and how to log in.
#[derive(Clone, Default)]
pub struct Access {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS, if it is to be used.
    pub tls: Option<Arc<ClientConfig>>,
    /// User and password.
    pub credentials: Option<(String, String)>,
}

/// What a [`Guide`] says: the way, or why it does not know it, in words for the user.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Access, String>> + Send + 'a>>;

/// Knows the way to the broker. It is asked before the first attempt to connect and after each that
/// failed, since the broker may have come, moved, or got other passwords meanwhile.
pub trait Guide: Send + Sync {
    /// Where the broker is now. Answers within a few seconds.
    fn access(&self) -> Answer<'_>;
}
