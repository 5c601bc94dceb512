//! The program itself, as a process of its own.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::soon;

/// The program with these settings. It asks nobody on the network for servers, unless the settings say
/// whom.
fn program(config: &Path) -> Command {
    let settings = std::fs::read_to_string(config).unwrap_or_default();
    let mut command = Command::new(env!("CARGO_BIN_EXE_toy2mqtt"));
    command
        .env_clear()
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if !settings.contains("[discovery]") {
        command.env("TOY2MQTT_DISCOVERY__ENABLED", "false");
    }
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command of the program to its end.
pub(crate) async fn run_command(config: &Path, args: &[&str]) -> Finished {
    let output = soon("a command", program(config).args(args).output()).await;
    let output = output.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A running bridge. Dropping it ends it without goodbye.
pub(crate) struct Bridge {
    child: Child,
    log: Arc<Mutex<String>>,
    lines: watch::Receiver<usize>,
    _reader: JoinSet<()>,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the bridge\n{}---", self.log());
        }
    }
}

impl Bridge {
    /// Starts it with these settings.
    pub(crate) fn start(config: &Path) -> Self {
        Self::start_with(config, &[])
    }

    /// Starts it with these settings and these variables.
    pub(crate) fn start_with(config: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = program(config)
            .arg("run")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (counter, lines) = watch::channel(0);
        let mut reader = JoinSet::new();
        let kept = Arc::clone(&log);
        reader.spawn(async move {
            let mut stderr = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = stderr.next_line().await {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
                counter.send_replace(kept.len());
            }
        });
        Self {
            child,
            log,
            lines,
            _reader: reader,
        }
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has logged this.
    pub(crate) async fn logged(&self, text: &str) {
        let mut lines = self.lines.clone();
        let waiting = lines.wait_for(|_| self.log().contains(text));
        assert!(
            soon(text, waiting).await.is_ok(),
            "it ended without {text:?}"
        );
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> String {
        self.child.id().expect("it runs").to_string()
    }

    fn signal(&self, signal: &str) {
        let pid = self.pid();
        let sent = std::process::Command::new("kill")
            .args([signal, &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    /// SIGTERM, as `docker stop` and systemd do.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        soon("the end of the bridge", self.child.wait())
            .await
            .unwrap()
    }

    /// Ends it without goodbye (SIGKILL).
    pub(crate) async fn kill(&mut self) {
        soon("the end of the bridge", self.child.kill())
            .await
            .unwrap();
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}
