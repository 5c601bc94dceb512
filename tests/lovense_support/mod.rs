//! A scripted Lovense app on loopback, and a bridge side connected to it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]
#![expect(unreachable_pub, reason = "every test binary has a copy of its own")]
#![expect(dead_code, reason = "every test binary uses another part of it")]

mod rig;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use futures_util::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

pub use self::rig::*;

/// The longest that anything in these tests may take. Reached only by failing.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub const A: &str = "aaaaaaaaaaaa";
pub const B: &str = "bbbbbbbbbbbb";

/// Waits for `future`, but not for ever.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("still waiting for {what}"),
    }
}

/// A port of our own, for an app that goes and comes back. While nobody listens, connections are
/// refused, but nobody else is given it.
pub struct Port(TcpSocket);

impl Port {
    pub fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseport(true).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    pub fn listen(&self) -> TcpListener {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseport(true).unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.0.local_addr().unwrap()).unwrap();
        socket.listen(64).unwrap()
    }
}

/// How the app answers a command.
pub enum Reply {
    /// With this, as apps do: JSON that calls itself text.
    Json(Value),
    /// With something else.
    Raw(StatusCode, &'static str, String),
    /// Never.
    Hang,
}

type Rule = Box<dyn Fn(&Value) -> Reply + Send>;

struct Script {
    rule: Mutex<Rule>,
    /// What a websocket handshake is answered with; 101 to accept it.
    handshake: Mutex<StatusCode>,
    posts: mpsc::UnboundedSender<Post>,
    sockets: mpsc::UnboundedSender<Socket>,
}

/// A command that arrived.
#[derive(Debug)]
pub struct Post {
    pub body: Value,
    pub platform: Option<String>,
}

/// A scripted Lovense app. Dropping it closes everything but accepted websockets.
pub struct App {
    pub address: SocketAddr,
    posts: mpsc::UnboundedReceiver<Post>,
    sockets: mpsc::UnboundedReceiver<Socket>,
    script: Arc<Script>,
    server: AbortHandle,
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The answer to GetToys as the official page has it.
pub fn toys(toys: &[Value]) -> Value {
    let map: serde_json::Map<_, _> = toys
        .iter()
        .map(|toy| (toy["id"].as_str().unwrap().to_owned(), toy.clone()))
        .collect();
    let text = Value::Object(map).to_string();
    json!({ "code": 200, "type": "OK",
            "data": { "toys": text, "platform": "ios", "appType": "remote" } })
}

/// A toy with one vibrating motor.
pub fn lush(id: &str) -> Value {
    json!({ "id": id, "status": "1", "version": "", "name": "lush", "battery": 80,
            "nickName": "", "shortFunctionNames": ["v"], "fullFunctionNames": ["Vibrate"] })
}

/// Answers GetToys with these toys, and everything else with "ok".
pub fn with_toys(list: Vec<Value>) -> Rule {
    Box::new(move |body| {
        Reply::Json(match body["command"].as_str() {
            Some("GetToys") => toys(&list),
            _ => json!({ "code": 200, "type": "ok" }),
        })
    })
}

/// Answers GetToys with two toys, and other commands as `rule` says.
pub fn with_commands(rule: impl Fn(&Value) -> Reply + Send + 'static) -> Rule {
    Box::new(move |body| match body["command"].as_str() {
        Some("GetToys") => Reply::Json(toys(&[lush(A), lush(B)])),
        _ => rule(body),
    })
}

impl App {
    /// An app with two toys on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, None)
    }

    pub async fn start_tls(acceptor: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, Some(acceptor))
    }

    pub fn serve(listener: TcpListener, tls: Option<TlsAcceptor>) -> Self {
        let address = listener.local_addr().unwrap();
        let (posts_in, posts) = mpsc::unbounded_channel();
        let (sockets_in, sockets) = mpsc::unbounded_channel();
        let script = Arc::new(Script {
            rule: Mutex::new(with_toys(vec![lush(A), lush(B)])),
            handshake: Mutex::new(StatusCode::SWITCHING_PROTOCOLS),
            posts: posts_in,
            sockets: sockets_in,
        });
        let accepting = accept(listener, tls, Arc::clone(&script));
        let server = tokio::spawn(accepting).abort_handle();
        Self {
            address,
            posts,
            sockets,
            script,
            server,
        }
    }

    pub fn answer(&self, rule: Rule) {
        *self.script.rule.lock().unwrap() = rule;
    }

    pub fn handshake(&self, status: StatusCode) {
        *self.script.handshake.lock().unwrap() = status;
    }

    /// The next command of this kind.
    pub async fn post(&mut self, command: &str) -> Post {
        soon(command, async {
            loop {
                let post = self.posts.recv().await.unwrap();
                if post.body["command"] == command {
                    return post;
                }
            }
        })
        .await
    }

    /// The next command that is no look at the toys.
    pub async fn command(&mut self) -> Value {
        soon("a command", async {
            loop {
                let post = self.posts.recv().await.unwrap();
                if post.body["command"] != "GetToys" {
                    return post.body;
                }
            }
        })
        .await
    }

    /// How many commands of this kind arrive within `time`.
    pub async fn count(&mut self, command: &str, time: Duration) -> usize {
        let mut count = 0;
        let counting = async {
            while let Some(post) = self.posts.recv().await {
                count += usize::from(post.body["command"] == command);
            }
        };
        let _ = timeout(time, counting).await;
        count
    }

    /// The next websocket that the bridge opens.
    pub async fn socket(&mut self) -> Socket {
        soon("a websocket", self.sockets.recv()).await.unwrap()
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, script) = (tls.clone(), Arc::clone(&script));
        connections.spawn(async move {
            match tls {
                None => serve_one(stream, script).await,
                Some(acceptor) => {
                    // A client that refuses the certificate hangs up.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve_one(stream, script).await;
                    }
                }
            }
        });
    }
}

async fn serve_one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    script: Arc<Script>,
) {
    let service = service_fn(move |request| {
        let script = Arc::clone(&script);
        async move { Ok::<_, Infallible>(respond(request.map(Body::new), &script).await) }
    });
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = serving.with_upgrades().await;
}

async fn respond(request: Request<Body>, script: &Arc<Script>) -> Response<Body> {
    match request.uri().path() {
        "/command" => {
            let header = request.headers().get("x-platform");
            let platform = header.map(|value| value.to_str().unwrap().to_owned());
            let bytes = axum::body::to_bytes(request.into_body(), 1 << 20)
                .await
                .unwrap();
            let body: Value = serde_json::from_slice(&bytes).unwrap();
            let reply = script.rule.lock().unwrap()(&body);
            let _ = script.posts.send(Post { body, platform });
            match reply {
                Reply::Json(value) => plain(StatusCode::OK, "text/plain", value.to_string()),
                Reply::Raw(status, mime, body) => plain(status, mime, body),
                Reply::Hang => std::future::pending().await,
            }
        }
        "/v1" => match *script.handshake.lock().unwrap() {
            StatusCode::SWITCHING_PROTOCOLS => upgrade(request, Arc::clone(script)),
            status => plain(status, "text/html", "<html>no</html>".to_owned()),
        },
        _ => plain(StatusCode::NOT_FOUND, "text/html", String::new()),
    }
}

fn plain(status: StatusCode, mime: &str, body: String) -> Response<Body> {
    let builder = Response::builder().status(status);
    builder
        .header(header::CONTENT_TYPE, mime)
        .body(Body::from(body))
        .unwrap()
}

fn upgrade(mut request: Request<Body>, script: Arc<Script>) -> Response<Body> {
    let key = request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes();
    let accept = derive_accept_key(key);
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
        let stream = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        let _ = script.sockets.send(Socket(socket));
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .body(Body::empty())
        .unwrap()
}

/// The app's end of a Toy Events connection.
pub struct Socket(WebSocketStream<TokioIo<Upgraded>>);

impl Socket {
    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        soon("sending a frame", self.0.send(Message::text(text)))
            .await
            .unwrap();
    }

    /// The next text from the bridge; `None` once it has hung up.
    pub async fn text(&mut self) -> Option<String> {
        soon("a frame", async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                }
            }
        })
        .await
    }

    /// The request for access, which has to be the first frame; then lets the bridge in.
    pub async fn grant(&mut self) {
        let first: Value = serde_json::from_str(&self.text().await.unwrap()).unwrap();
        assert_eq!(
            first,
            json!({ "type": "access", "data": { "appName": "toy2mqtt" } })
        );
        self.send(json!({ "type": "access-granted" })).await;
    }

    /// Answers pings for ever.
    pub async fn answer_pings(&mut self) {
        loop {
            match timeout(DEADLINE * 2, self.0.next()).await {
                Ok(Some(Ok(Message::Text(text)))) if text.contains("ping") => {
                    self.send(json!({ "type": "pong" })).await;
                }
                Ok(Some(Ok(_))) => {}
                _ => return,
            }
        }
    }
}
