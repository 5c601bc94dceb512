//! What a package has beside the program, and what systemd is told.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::program::{Running, answer, program};
use crate::repository;
use crate::shared::DEADLINE;

#[test]
fn every_shell_and_the_manual_know_every_command() {
    let mut pages = vec![answer(&["man"])];
    for shell in ["bash", "zsh", "fish"] {
        pages.push(answer(&["completions", shell]));
    }
    for page in pages {
        for command in ["run", "dashboard", "doctor", "healthcheck", "stop"] {
            assert!(page.to_lowercase().contains(command), "{command}");
        }
    }
    // Titles in the manual stand at the start of a line, behind a dot.
    let manual = answer(&["man"]);
    assert!(manual.contains("\n.SH \"TOY2MQTT SET\"\n"), "{manual}");
    assert!(manual.contains("Exit codes"));
}

#[test]
fn packages_name_files_that_exist() {
    let manifest: toml::Table = repository("Cargo.toml").parse().unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for asset in deb["assets"].as_array().unwrap() {
        let source = asset[0].as_str().unwrap();
        // Made by the build and by scripts/extras.sh.
        if !source.starts_with("target/") {
            assert!(root.join(source).is_file(), "{source}");
        }
    }
    let extras = repository("scripts/extras.sh");
    for asset in deb["assets"].as_array().unwrap() {
        if let Some(name) = asset[0].as_str().unwrap().strip_prefix("target/extras/") {
            assert!(extras.contains(&format!("$out/{name}\"")), "{name}");
        }
    }
    let conf = deb["conf-files"][0]
        .as_str()
        .unwrap()
        .trim_start_matches('/');
    let assets = deb["assets"].as_array().unwrap();
    assert!(assets.iter().any(|asset| asset[1].as_str() == Some(conf)));
    let units = deb["systemd-units"]["unit-scripts"].as_str().unwrap();
    assert!(root.join(units).join("toy2mqtt.service").is_file());
}

#[test]
fn systemd_is_told_when_it_is_up_that_it_lives_and_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let told = || {
        let mut message = [0; 64];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let child = program()
        .args(["run", "-o", "mqtt.url=mqtt://127.0.0.1:1"])
        .current_dir(&folder)
        .env("STATE_DIRECTORY", folder.path())
        .env("NOTIFY_SOCKET", &path)
        .spawn();
    let mut running = Running(child.unwrap());
    assert_eq!(told(), "READY=1");
    assert_eq!(told(), "WATCHDOG=1");
    assert_eq!(told(), "WATCHDOG=1");
    let pid = running.0.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(sent.unwrap().success());
    let last = std::iter::repeat_with(told).find(|message| message != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
    assert_eq!(running.0.wait().unwrap().code(), Some(0));

    // Often enough for the unit.
    let unit = repository("packaging/systemd/toy2mqtt.service");
    assert!(unit.contains("\nType=notify\n") && unit.contains("\nWatchdogSec=30\n"));
}
