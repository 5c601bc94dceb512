//! A stop gets through, whatever connections others hold.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use toy2mqtt::sim::Function;

use crate::client::{Client, WithPanel as _};
use crate::support::{Rig, Setup, toy};

const LUSH: &str = "f082c00246fa";
const TOKEN: &str = "a long and random text";

/// Connections that two addresses hold; as many as there are places for everything.
const EACH: usize = 64;

/// More answers than the buffers of a connection take.
const BURST: usize = 2_000;

/// Less than the patience with a peer that does not read: places that time out are no cure.
const AT_ONCE: Duration = Duration::from_secs(5);

async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let from = SocketAddr::new(from.parse().unwrap(), 0);
    socket.bind(from).unwrap();
    socket.connect(to).await.unwrap()
}

/// Connections of one address: each asks for much, and never reads.
async fn crowd(from: &str, to: SocketAddr, count: usize) -> Vec<TcpStream> {
    let burst = "GET /vendor/preact.js HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(BURST);
    let mut held = Vec::new();
    for _ in 0..count {
        let mut stream = connect(from, to).await;
        // A connection that may only stop is closed while it still writes.
        let _ = timeout(AT_ONCE, stream.write_all(burst.as_bytes())).await;
        held.push(stream);
    }
    held
}

/// The owner's stop, from this address.
async fn stop(from: &str, to: SocketAddr, path: &str) -> String {
    let mut stream = connect(from, to).await;
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-toy2mqtt: 1\r\nconnection: close\r\n\
         authorization: Bearer {TOKEN}\r\ncontent-length: 0\r\n\r\n"
    );
    let answered = async {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer).await;
        read.map(|_| answer)
            .unwrap_or_else(|error| error.to_string())
    };
    timeout(AT_ONCE, answered)
        .await
        .unwrap_or_else(|_| "no answer".to_owned())
}

async fn start(rig: &Rig) {
    // After a stop of all toys, levels are refused for a moment.
    rig.set_after_stop(LUSH, json!({"vibrate": 50})).await;
    assert_eq!(rig.app.level(LUSH, Function::Vibrate), 10);
}

#[tokio::test]
async fn the_owners_stop_gets_through_while_others_hold_all_connections() {
    let token = format!("token = \"{TOKEN}\"\n");
    for lines in ["", token.as_str()] {
        let rig = Setup::toys(&[("Lush 3", LUSH)]).panel(lines).start().await;
        let panel = Client::of(&rig).await.0;
        let mut held = Vec::new();
        for from in ["127.0.0.2", "127.0.0.3"] {
            held.extend(crowd(from, panel, EACH).await);
        }
        let one = format!("/api/toys/{}/stop", toy(LUSH));
        // From an address of its own, from one that holds as many as it may, and again and again.
        for (from, path) in [
            ("127.0.0.1", "/api/stop"),
            ("127.0.0.2", "/api/stop"),
            ("127.0.0.1", one.as_str()),
            ("127.0.0.3", "/api/stop"),
        ] {
            start(&rig).await;
            let answer = stop(from, panel, path).await;
            assert!(
                answer.starts_with("HTTP/1.1 200"),
                "{from} {path}: {answer}"
            );
            assert_eq!(rig.app.level(LUSH, Function::Vibrate), 0);
        }
        // Nor can the places for stops be held.
        held.extend(crowd("127.0.0.3", panel, EACH).await);
        for _ in 0..EACH {
            held.push(connect("127.0.0.2", panel).await);
        }
        start(&rig).await;
        let answer = stop("127.0.0.1", panel, "/api/stop").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(rig.app.level(LUSH, Function::Vibrate), 0);
    }
}
