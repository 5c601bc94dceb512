//! The real Mosquitto, started for one test and ended with it.

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use tempfile::TempDir;

use super::DEADLINE;

/// What it is to be like. By default: anonymous, everything allowed, nothing kept on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    /// More lines for its configuration.
    pub(crate) more: String,
}

/// A running broker.
pub(crate) struct Mosquitto {
    folder: TempDir,
    child: Option<Child>,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Mosquitto {
    /// Starts one on a port of its own.
    pub(crate) async fn start(setup: &Setup) -> Self {
        for _ in 0..20 {
            let port = free_port();
            let folder = tempfile::tempdir().unwrap();
            let config = format!(
                "listener {port} 127.0.0.1\nuser root\nlog_dest stderr\nlog_type all\n\
                 allow_anonymous true\n{}",
                setup.more
            );
            std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
            let mut broker = Self {
                folder,
                child: None,
                addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            };
            if broker.spawn() {
                return broker;
            }
        }
        panic!("Mosquitto does not start");
    }

    fn spawn(&mut self) -> bool {
        let mut child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Mosquitto is installed");
        let log = BufReader::new(child.stderr.take().unwrap());
        let (running, is_running) = mpsc::channel();
        // Ends with the child, which closes the pipe. It has to be read on, or the child blocks.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if line.ends_with(" running") {
                    let _ = running.send(());
                }
            }
        });
        let runs = is_running.recv_timeout(DEADLINE).is_ok();
        self.child = Some(child);
        if !runs {
            self.kill();
        }
        runs
    }

    /// Ends it without goodbye (SIGKILL).
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.spawn(), "Mosquitto does not start again");
    }
}

/// Below the ports that the system gives to outgoing connections, so that it stays free while the
/// broker is away.
fn free_port() -> u16 {
    loop {
        let chance = RandomState::new().hash_one(());
        let port = 12_000 + u16::try_from(chance % 20_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
