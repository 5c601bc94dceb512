//! The program as a process of its own.

use std::process::{Child, Command, Stdio};

/// The program with a clean environment. Its panel is off: it would want the same port in all tests. It
/// asks nobody on the network for servers.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_toy2mqtt"));
    command
        .env_clear()
        .env("TOY2MQTT_WEB__LISTEN", "off")
        .env("TOY2MQTT_DISCOVERY__ENABLED", "false")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Ends it when it goes.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a command prints that needs nothing.
pub(crate) fn answer(args: &[&str]) -> String {
    let output = program()
        .args(args)
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
