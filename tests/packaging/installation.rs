//! What a package has beside the program, and what systemd is told.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::program::{Running, answer, program};
use crate::repository;
use crate::shared::DEADLINE;
use crate::shared::client::{Client, Received};
use crate::shared::mosquitto::{Mosquitto, Setup};

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

/// The program as a service in this folder, and what it tells systemd, message by message.
fn service(folder: &Path, broker: &str) -> (Running, impl Fn() -> String + use<>) {
    let path = folder.join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let told = move || {
        let mut message = [0; 64];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let child = program()
        .args(["run", "-o", &format!("mqtt.url={broker}")])
        .current_dir(folder)
        .env("STATE_DIRECTORY", folder)
        .env("NOTIFY_SOCKET", &path)
        .spawn();
    (Running(child.unwrap()), told)
}

#[test]
fn systemd_is_told_when_it_is_up_that_it_lives_and_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (mut running, told) = service(folder.path(), "mqtt://127.0.0.1:1");
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

#[tokio::test]
async fn a_restart_is_no_end_for_systemd() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut client = Client::connect(broker.addr, "somebody").await;
    assert!(client.subscribe("toy2mqtt/bridge/state").await);
    let folder = tempfile::tempdir().unwrap();
    let (_running, told) = service(folder.path(), &format!("mqtt://{}", broker.addr));
    assert_eq!(told(), "READY=1");
    let online = |seen: &Received| seen.text() == "online";
    client.wait_for("toy2mqtt/bridge/state", online).await;
    client
        .publish("toy2mqtt/bridge/request/restart", "", false)
        .await;
    // Had it said that it stops, systemd would kill it a while later.
    let next = std::iter::repeat_with(told).find(|message| message != "WATCHDOG=1");
    assert_eq!(next.as_deref(), Some("READY=1"));
}
