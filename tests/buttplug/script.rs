//! A server that does what it is told to: what the real one cannot be made to do.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::shared::soon;

/// Listens, and has one connection at a time.
pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    socket: Option<WebSocketStream<TcpStream>>,
}

impl Script {
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            listener,
            socket: None,
        }
    }

    /// Waits for the next connection.
    pub(crate) async fn accept(&mut self) {
        let accepted = async {
            let (stream, _) = self.listener.accept().await.unwrap();
            accept_async(stream).await.unwrap()
        };
        self.socket = Some(soon("a connection", accepted).await);
    }

    /// Closes the connection.
    pub(crate) fn hang_up(&mut self) {
        self.socket = None;
    }

    /// Sends a frame.
    pub(crate) async fn say(&mut self, frame: impl Into<String>) {
        let socket = self.socket.as_mut().unwrap();
        socket.send(Message::text(frame.into())).await.unwrap();
    }

    /// The next message: its name and what it holds. Nothing once the client has gone.
    pub(crate) async fn hear(&mut self) -> Option<(String, Value)> {
        let socket = self.socket.as_mut().unwrap();
        let text = loop {
            match soon("a message", socket.next()).await {
                Some(Ok(Message::Text(text))) => break text,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        };
        let value: Value = serde_json::from_str(&text).unwrap();
        let (name, body) = value[0].as_object().unwrap().iter().next().unwrap();
        Some((name.clone(), body.clone()))
    }

    /// Waits for a message of this name, and answers all others with Ok.
    pub(crate) async fn heard(&mut self, wanted: &str) -> Value {
        loop {
            let (name, body) = self.hear().await.expect("the client stays");
            if name == wanted {
                return body;
            }
            self.ok(&body).await;
        }
    }

    pub(crate) async fn ok(&mut self, body: &Value) {
        self.say(json!([{"Ok": {"Id": body["Id"]}}]).to_string())
            .await;
    }

    /// Lets the client in, in version 4, with these devices.
    pub(crate) async fn welcome(&mut self, devices: Value) {
        let hello = self.heard("RequestServerInfo").await;
        let version = json!({"ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0});
        self.let_in(&hello, version, devices).await;
    }

    /// Waits for a connection with a handshake, and says in which version it is.
    pub(crate) async fn greeted(&mut self) -> (Value, u64) {
        self.accept().await;
        let hello = self.heard("RequestServerInfo").await;
        let versions = [&hello["MessageVersion"], &hello["ProtocolVersionMajor"]];
        let version = versions.into_iter().find_map(Value::as_u64);
        (hello, version.expect("a version"))
    }

    /// Answers the handshake `hello` with `version`, and the question for devices after it.
    pub(crate) async fn let_in(&mut self, hello: &Value, version: Value, devices: Value) {
        let mut info = json!({"Id": hello["Id"], "ServerName": "Test Engine", "MaxPingTime": 0});
        let (info_map, version) = (info.as_object_mut().unwrap(), version.as_object().unwrap());
        info_map.extend(version.clone());
        self.say(json!([{"ServerInfo": info}]).to_string()).await;
        let asked = self.heard("RequestDeviceList").await;
        self.say(json!([{"DeviceList": {"Id": asked["Id"], "Devices": devices}}]).to_string())
            .await;
    }
}
