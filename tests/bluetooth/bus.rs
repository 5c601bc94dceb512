//! A D-Bus of our own: the real dbus-daemon, started for one test and ended with it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

const MISSING: &str = "these tests need dbus-daemon: apt-get install dbus-daemon";

/// How long it may take to start. Reached only by failing.
const DEADLINE: Duration = Duration::from_secs(30);

/// A running bus.
pub(crate) struct Bus {
    folder: TempDir,
    child: Option<Child>,
    /// How to reach it.
    pub(crate) address: String,
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.end();
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
              <listen>unix:path={dir}/bus</listen>
              <auth>EXTERNAL</auth>
              <policy context="default">
                <allow user="*"/><allow own="*"/><allow send_destination="*"/>
                <allow receive_sender="*"/>{rules}
              </policy>
            </busconfig>"#
        );
        std::fs::write(&config, text).expect("a folder to write to");
        let mut bus = Self {
            folder,
            child: None,
            address: String::new(),
        };
        bus.restart();
        bus
    }

    /// Ends it, and every connection with it.
    pub(crate) fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_file(self.folder.path().join("bus"));
    }

    /// Starts it again, at the same address.
    pub(crate) fn restart(&mut self) {
        let config = self.folder.path().join("bus.conf");
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
        self.child = Some(child);
        let (tell, told) = mpsc::channel();
        // Ends with the child, which closes the pipe.
        std::thread::spawn(move || {
            let _ = tell.send(output.lines().next());
        });
        let line = told.recv_timeout(DEADLINE);
        let line = line.expect("dbus-daemon starts in time");
        let address = line.expect("its address").expect("text");
        // Without its id, which is another one each time.
        self.address = address.split(',').next().unwrap_or_default().to_owned();
    }
}
