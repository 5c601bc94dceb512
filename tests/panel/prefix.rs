//! Behind a proxy that puts something before every path, as Home Assistant's ingress does.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::stage::{LUSH, Stage, slider};

const PREFIX: &str = "/api/hassio_ingress/abcdef";

/// Passes on what asks below [`PREFIX`], without it; everything else is refused.
async fn proxy(listener: TcpListener, to: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(pass(stream, to));
    }
}

async fn pass(mut from: TcpStream, to: SocketAddr) {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        match from.read_buf(&mut bytes).await {
            Ok(1..) => {}
            _ => return,
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let (first, rest) = head.split_once("\r\n").unwrap();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let Some(path) = path
        .strip_prefix(PREFIX)
        .filter(|path| path.starts_with('/'))
    else {
        let refusal = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _ = from.write_all(refusal).await;
        return;
    };
    // One request for each connection: the next one would not come through here.
    let rest: Vec<&str> = rest
        .split("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
        .collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\n{}\r\nconnection: close\r\n\r\n",
        rest.join("\r\n")
    );
    let Ok(mut to) = TcpStream::connect(to).await else {
        return;
    };
    let _ = to.write_all(head.as_bytes()).await;
    let _ = to.write_all(&bytes[end + 4..]).await;
    let _ = copy_bidirectional(&mut from, &mut to).await;
}

#[tokio::test]
async fn the_panel_works_below_any_prefix() {
    let Some(stage) = Stage::set().await else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(proxy(listener, ([127, 0, 0, 1], stage.port).into()));
    let tab = stage.browser.tab(false).await;
    tab.open(&format!("http://127.0.0.1:{port}{PREFIX}/")).await;
    tab.shows(".card input").await;
    tab.drag(&slider(LUSH, "vibrate"), 0.5, false).await;
    stage
        .rig
        .state_until(LUSH, |state| state["vibrate"].as_f64() > Some(40.0))
        .await;
    tab.key("Escape").await;
    stage
        .rig
        .state_until(LUSH, |state| state["state"] == "OFF")
        .await;
    for screen in ["#/activity", "#/setup", "#/health", "reference"] {
        tab.open(&format!("http://127.0.0.1:{port}{PREFIX}/{screen}"))
            .await;
        tab.shows(".card, .feed").await;
    }
    tab.until("document.querySelectorAll('details').length > 25")
        .await;
    // A level that the stop has overtaken is refused.
    let mut complaints = tab.complaints();
    complaints.retain(|complaint| !complaint.contains("409 (Conflict)"));
    assert_eq!(complaints, Vec::<String>::new());
}
