//! Clients, and waiting with a deadline.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, LovenseApp, ToySpec};

/// Far more than anything here takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) const EDGE: &str = "f082c00246fa";
pub(crate) const MAX: &str = "f082c00246fb";
pub(crate) const SOLACE: &str = "f082c00246fc";

/// An app with these toys that is patient with clients that are slow because the machine is.
pub(crate) fn patient(toys: impl IntoIterator<Item = ToySpec>) -> AppOptions {
    let mut options = AppOptions::with_toys(toys);
    options.faults.silence_ms = None;
    options
}

pub(crate) fn options() -> AppOptions {
    patient([
        ToySpec::new("Edge 2").with_id(EDGE),
        ToySpec::new("Max 2").with_id(MAX).with_nickname("left"),
        ToySpec::new("Solace Pro").with_id(SOLACE),
    ])
}

/// An app with an Edge 2, a Max 2 and a Solace Pro.
pub(crate) async fn app() -> AppHandle {
    LovenseApp::start_local(options()).await.unwrap()
}

pub(crate) fn client() -> reqwest::Client {
    // Another test may have been faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(DEADLINE)
        .build()
        .unwrap()
}

/// Sends a command and returns its answer.
pub(crate) async fn send(app: &AppHandle, body: &Value) -> Value {
    let request = client().post(app.command_url()).json(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// Sends a command and returns its result code.
pub(crate) async fn code(app: &AppHandle, body: &Value) -> u64 {
    send(app, body).await["code"].as_u64().unwrap()
}

/// A Function command for one toy.
pub(crate) fn function(toy: &str, action: &str, seconds: f64) -> Value {
    json!({
        "command": "Function", "action": action, "timeSec": seconds, "toy": toy, "apiVer": 1,
    })
}

pub(crate) async fn wait(app: &AppHandle, what: &str, true_now: impl FnMut(&AppHandle) -> bool) {
    let waited = app.wait_until(DEADLINE, true_now).await;
    assert!(waited.is_ok(), "{what}: {:?}", app.toys());
}

/// A client of Toy Events.
pub(crate) struct Events(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Events {
    pub(crate) async fn connect(app: &AppHandle) -> Result<Self, tungstenite::Error> {
        let (stream, _) = connect_async(app.events_url()).await?;
        Ok(Self(stream))
    }

    pub(crate) const fn over(stream: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self(stream)
    }

    /// Connects, asks for access, and reads the grant and the list of toys.
    pub(crate) async fn granted(app: &AppHandle) -> Self {
        let mut events = Self::connect(app).await.unwrap();
        events.ask().await;
        assert_eq!(events.kind().await, "access-granted");
        assert_eq!(events.kind().await, "toy-list");
        events
    }

    pub(crate) async fn ask(&mut self) {
        self.say(r#"{"type":"access","data":{"appName":"test"}}"#)
            .await;
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Says it, unless the socket is closed already.
    pub(crate) async fn try_say(&mut self, text: &str) {
        let _ = self.0.send(Message::text(text)).await;
    }

    /// The next text; none once the socket is closed or cut.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            let next = tokio::time::timeout(DEADLINE, self.0.next()).await;
            match next.expect("neither a frame nor an end in time") {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.next().await.unwrap()).unwrap()
    }

    pub(crate) async fn kind(&mut self) -> String {
        self.json().await["type"].as_str().unwrap().to_owned()
    }
}
