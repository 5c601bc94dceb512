//! Simulated toys that connect to the real server by themselves, and reach the bridge through it.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::engine::{Engine, Setup};
use crate::rig::{Rig, known};
use crate::shared::mosquitto::free_port;
use crate::shared::soon;

#[tokio::test]
async fn simulated_toys_connect_to_the_real_server() {
    let port = free_port();
    let engine = Engine::start(Setup {
        toy_port: Some(port),
        ..Setup::default()
    })
    .await;
    // It may be there before the server's port is: then it tries again.
    let url = format!("ws://127.0.0.1:{port}");
    let mut toys = Command::new(env!("CARGO_BIN_EXE_toy2mqtt"))
        .args(["simulate", "--wsdm", &url, "--models", "hush"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(toys.stdout.take().unwrap()).lines();
    let mut says = async |text: &str| {
        soon(text, async {
            while !lines.next_line().await.unwrap().expect(text).contains(text) {}
        })
        .await;
    };
    says("connected").await;
    let settings = format!("url = \"ws://{}\"\nname = \"Test Engine\"", engine.address);
    let rig = Rig::start(&[settings]).await;
    let hush = known(0, "Lovense Hush");
    rig.available(&hush, true).await;
    rig.state_until(&hush, |state| state["battery"] == 90).await;
    rig.set(&hush, json!({"vibrate": 50})).await;
    says("Vibrate 0 -> 10").await;
    rig.set(&hush, json!({"vibrate": 0})).await;
    says("Vibrate 10 -> 0").await;

    let pid = toys.id().unwrap().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(sent.unwrap().success());
    assert!(soon("its end", toys.wait()).await.unwrap().success());
    rig.available(&hush, false).await;
}
