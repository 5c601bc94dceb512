//! Nothing is set up: the bridge looks for servers, proposes them and leaves them alone.

use std::time::Duration;

use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::shared::soon;
use crate::support::{Bridge, BrokerSetup, Home, Mosquitto, run_command};

/// A responder of its own port that speaks to this machine alone, as Intiface's would to all.
struct Responder(ServiceDaemon);

impl Responder {
    fn start(port: u16, server: u16) -> Self {
        let daemon = ServiceDaemon::new_with_port(port).unwrap();
        daemon.disable_interface(IfKind::All).unwrap();
        daemon.enable_interface(IfKind::LoopbackV4).unwrap();
        let path = [("path", "/")];
        let service = ServiceInfo::new(
            "_intiface_engine._tcp.local.",
            "Intiface AbCdEf",
            "machine.local.",
            "127.0.0.1",
            server,
            &path[..],
        );
        daemon.register(service.unwrap()).unwrap();
        Self(daemon)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.0.shutdown();
    }
}

/// A port for datagrams that nobody has. It was ours a moment ago.
fn free_port() -> u16 {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

async fn doctor(config: &std::path::Path) -> String {
    let ended = run_command(config, &["doctor", "--json"]).await;
    assert_ne!(ended.code, Some(0), "nothing is set up: {}", ended.stdout);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let found = found.as_array().unwrap().iter();
    let told = found.filter(|it| it["hop"] == "discovery");
    told.map(Value::to_string).collect()
}

#[tokio::test]
async fn a_server_that_announces_itself_is_proposed_and_left_alone() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", server.local_addr().unwrap());
    let port = free_port();
    let _responder = Responder::start(port, server.local_addr().unwrap().port());
    let broker = Mosquitto::start(&BrokerSetup::default()).await;
    let home = Home::connect(broker.addr).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = |name: &str, more: &str| {
        let data = folder.path().join(name);
        let config = folder.path().join(format!("{name}.toml"));
        let text = format!(
            "data_dir = {data:?}\n[mqtt]\nurl = \"mqtt://{}\"\n[web]\nlisten = \"127.0.0.1:0\"\n\
             [discovery]\nask = \"127.0.0.1:{port}\"\n{more}",
            broker.addr
        );
        std::fs::write(&config, text).unwrap();
        config
    };
    let config = settings("one", "");
    // A responder makes sure first that its name is free.
    let told = soon("an answer", async {
        loop {
            let told = doctor(&config).await;
            if !told.is_empty() {
                break told;
            }
        }
    });
    let told = told.await;
    assert!(
        told.contains("Intiface AbCdEf") && told.contains(&url),
        "{told}"
    );
    for more in ["enabled = false\n", "[privacy]\ndiscreet = true\n"] {
        assert_eq!(doctor(&settings("two", more)).await, "", "{more}");
    }

    let bridge = Bridge::start(&config);
    home.says("toy2mqtt/bridge/state", "online").await;
    bridge.logged("no toy can be reached").await;
    bridge
        .logged("found what toys could be reached through")
        .await;
    let log = bridge.log();
    assert!(!log.contains("AbCdEf") && !log.contains(&url), "{log}");
    let panel = log
        .split_once("panel: ")
        .and_then(|(_, rest)| rest.lines().next());
    let place = format!("{}api/info", panel.expect("the panel's address").trim());
    // The client wants one, even if there is nothing to encrypt; another test may have been faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let info: Value = soon("the panel", async {
        let answer = reqwest::get(&place).await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    })
    .await;
    let settings = info["proposals"][0]["settings"].as_str().unwrap();
    assert_eq!(settings, format!("[[buttplug]]\nurl = \"{url}\""), "{info}");

    // Nobody has connected to it, and nobody does.
    let visitor = tokio::time::timeout(Duration::from_millis(200), server.accept()).await;
    assert!(visitor.is_err(), "{visitor:?}");
}
