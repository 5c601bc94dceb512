//! What can be wrong with the server, or with the app's connection to it.

use std::time::Duration;

/// Everything that is wrong now. The default is a server in good order, with an app that is paired
/// and connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudFaults {
    /// Every token is refused with this code.
    pub login: Option<u16>,
    /// Every socket is refused with this code.
    pub socket: Option<u16>,
    /// Whether an app is paired.
    pub paired: bool,
    /// Whether the paired app is connected to the server.
    pub online: bool,
    /// Whether pings are answered.
    pub pongs: bool,
    /// Whether commands are passed on to the app.
    pub passes_on: bool,
    /// The time from ping to ping that is asked for. Who does not ping for one and a half of it is
    /// cut off.
    pub ping_interval: Duration,
}

impl Default for CloudFaults {
    fn default() -> Self {
        Self {
            login: None,
            socket: None,
            paired: true,
            online: true,
            pongs: true,
            passes_on: true,
            ping_interval: Duration::from_secs(25),
        }
    }
}
