//! A D-Bus of our own: the real dbus-daemon, started for one test and ended with it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use tempfile::TempDir;

use super::support::DEADLINE;

const MISSING: &str = "these tests need dbus-daemon: apt-get install dbus-daemon";

/// A running bus.
pub(crate) struct Bus {
    _folder: TempDir,
    child: Child,
    /// How to reach it.
    pub(crate) address: String,
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bus {
    /// Everybody may do everything.
    pub(crate) fn start() -> Self {
        Self::with_policy("")
    }

    /// Everybody may do everything but what these rules say.
    pub(crate) fn with_policy(rules: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("bus.conf");
        let dir = folder.path().display();
        let text = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
                "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig>
              <listen>unix:dir={dir}</listen>
              <auth>EXTERNAL</auth>
              <policy context="default">
                <allow user="*"/><allow own="*"/><allow send_destination="*"/>
                <allow receive_sender="*"/>{rules}
              </policy>
            </busconfig>"#
        );
        std::fs::write(&config, text).expect("a folder to write to");
        let mut child = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Every limit it may not raise and every call it refuses.
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{MISSING} ({error})"));
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (tell, told) = mpsc::channel();
        // Ends with the child, which closes the pipe.
        std::thread::spawn(move || {
            let _ = tell.send(output.lines().next());
        });
        let line = told.recv_timeout(DEADLINE);
        let mut bus = Self {
            _folder: folder,
            child,
            address: String::new(),
        };
        let line = line.expect("dbus-daemon starts in time");
        bus.address = line.expect("its address").expect("text");
        bus
    }
}
