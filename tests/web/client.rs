//! A small HTTP client that sends exactly what it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Bridge, Rig, Setup, soon};

/// Rigs with a panel.
pub(crate) trait WithPanel {
    /// With a panel on a free port of this machine, and more lines for `[web]`.
    fn panel(self, lines: &str) -> Self;
}

impl WithPanel for Setup {
    fn panel(mut self, lines: &str) -> Self {
        self.web = format!("listen = \"127.0.0.1:0\"\n{lines}");
        self
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> String {
        let code = self.json()["error"]["code"].as_str().map(str::to_owned);
        code.unwrap_or_default()
    }
}

/// Where the panel listens, as the log says.
pub(crate) async fn panel_of(bridge: &Bridge) -> SocketAddr {
    let mark = "panel: http://";
    bridge.logged(mark).await;
    let log = bridge.log();
    let rest = &log[log.rfind(mark).unwrap() + mark.len()..];
    rest[..rest.find('/').unwrap()].parse().unwrap()
}

/// Asks the panel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) SocketAddr);

impl Client {
    pub(crate) async fn of(rig: &Rig) -> Self {
        Self(panel_of(&rig.bridge).await)
    }

    /// Sends a request with these headers and no others.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut stream = self.open(method, path, headers, body).await;
        let mut all = Vec::new();
        soon("an answer", stream.read_to_end(&mut all))
            .await
            .unwrap();
        parse(&all)
    }

    /// Sends a request and leaves the answer to be read.
    pub(crate) async fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> TcpStream {
        let mut stream = TcpStream::connect(self.0).await.unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !headers.iter().any(|(name, _)| *name == "content-length") {
            head += &format!("content-length: {}\r\n", body.len());
        }
        stream.write_all((head + "\r\n").as_bytes()).await.unwrap();
        // Whoever refuses the head may be gone before the body.
        let _ = stream.write_all(body).await;
        stream
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[("host", "localhost")], b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let headers = [("host", "localhost"), ("x-toy2mqtt", "1")];
        self.send("POST", path, &headers, body.as_ref()).await
    }

    /// Asks something that has to go well.
    pub(crate) async fn done(&self, path: &str, body: Value) -> Value {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }
}

fn parse(all: &[u8]) -> Answer {
    let end = all.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(all)));
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: BTreeMap<String, String> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    let mut body = all[end + 4..].to_vec();
    if headers
        .get("transfer-encoding")
        .is_some_and(|e| e == "chunked")
    {
        let mut chunks = Chunks { bytes: body };
        body = Vec::new();
        while let Some(chunk) = chunks.next() {
            body.extend(chunk);
        }
    }
    Answer {
        status: status.parse().unwrap(),
        headers,
        body,
    }
}

/// Chunked bytes (RFC 9112 §7.1) as they come.
#[derive(Default)]
struct Chunks {
    bytes: Vec<u8>,
}

impl Chunks {
    fn next(&mut self) -> Option<Vec<u8>> {
        let line = self.bytes.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&self.bytes[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let end = line + 2 + size + 2;
        if self.bytes.len() < end {
            return None;
        }
        let chunk = self.bytes[line + 2..end - 2].to_vec();
        self.bytes.drain(..end);
        (size > 0).then_some(chunk)
    }
}

/// A stream of server-sent events.
pub(crate) struct Events {
    stream: TcpStream,
    chunks: Chunks,
    text: String,
    /// The head of the answer.
    pub(crate) head: String,
}

impl Events {
    pub(crate) async fn open(client: Client, headers: &[(&str, &str)]) -> Self {
        let mut stream = client.open("GET", "/api/events", headers, b"").await;
        let mut bytes = Vec::new();
        let end = loop {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break end;
            }
            let read = soon("the head", stream.read_buf(&mut bytes)).await.unwrap();
            assert!(read > 0, "the connection ended");
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        bytes.drain(..end + 4);
        Self {
            stream,
            chunks: Chunks { bytes },
            text: String::new(),
            head,
        }
    }

    /// The next event: its kind, its data, and its other lines.
    pub(crate) async fn next(&mut self) -> Option<(String, Value, String)> {
        loop {
            while let Some(chunk) = self.chunks.next() {
                self.text += std::str::from_utf8(&chunk).unwrap();
            }
            if let Some(end) = self.text.find("\n\n") {
                let event = self.text[..end].to_owned();
                self.text.drain(..end + 2);
                let field = |name: &str| {
                    let mut lines = event.lines();
                    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
                };
                let Some(kind) = field("event") else { continue };
                let data = serde_json::from_str(field("data").unwrap()).unwrap();
                return Some((kind.to_owned(), data, event.clone()));
            }
            let read = self.stream.read_buf(&mut self.chunks.bytes).await.ok()?;
            if read == 0 {
                return None;
            }
        }
    }

    /// Waits for an event of this kind that fits.
    pub(crate) async fn until(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let (own, data, _) = self.next().await.expect("the stream goes on");
                if own == kind && fits(&data) {
                    return data;
                }
            }
        };
        soon(kind, found).await
    }
}
