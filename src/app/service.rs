//! What systemd wants to know of a service: that it is up, that it lives, that it ends.
//!
//! Source: sd_notify(3). It is one datagram per message, so no library is needed.

use std::ffi::OsStr;
use std::os::unix::net::UnixDatagram;

use tracing::debug;

/// Whoever started the process, if they want to be told.
#[derive(Debug, Default)]
pub struct Service {
    socket: Option<UnixDatagram>,
}

impl Service {
    /// From the variable `NOTIFY_SOCKET`. Without it nobody is told anything.
    #[must_use]
    pub fn find() -> Self {
        let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
            return Self::default();
        };
        let socket = connect(&path);
        if let Err(error) = &socket {
            debug!(%error, "the service manager cannot be told anything");
        }
        Self {
            socket: socket.ok(),
        }
    }

    /// Ready to work.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// Still alive. To be called more often than every `WatchdogSec`/2.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// About to end, which the whole process has to do soon from now on.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, message: &str) {
        if let Some(socket) = &self.socket {
            // Lost only if systemd is gone or far behind; the next one follows.
            let _ = socket.send(message.as_bytes());
        }
    }
}

fn connect(path: &OsStr) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // The driver waits for nobody.
    socket.set_nonblocking(true)?;
    match path.as_encoded_bytes().strip_prefix(b"@") {
        None => socket.connect(path)?,
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            use std::os::unix::net::SocketAddr;
            socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
        }
        #[cfg(not(target_os = "linux"))]
        Some(_) => return Err(std::io::ErrorKind::Unsupported.into()),
    }
    Ok(socket)
}
