//! From the developer token to a socket: two questions over HTTP, then a websocket.
//!
//! Source: Lovense Standard Socket API, steps 1 and 2.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::{Url, redirect};
use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::door::Door;
use super::fault::Fault;
use super::options::{Options, OptionsError};
use crate::backend::Token;
use crate::backend::lovense::lan::Fault as Trouble;
use crate::backend::lovense::tls::{Trust, client_config};
use crate::backend::lovense::wire::{MAX_ANSWER, NotAnAnswer, parse_envelope};

/// The largest message that is taken. A list of toys takes some hundred bytes per toy.
const MAX_MESSAGE: usize = 1 << 20;

/// How the server is called in causes that nobody sees.
const SERVER: &str = "the server";

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Whoever asks the server, and as whom.
#[derive(Debug)]
pub(super) struct Account {
    http: reqwest::Client,
    tls: Arc<ClientConfig>,
    server: Url,
    encrypted: bool,
}

impl Account {
    pub(super) fn new(options: &Options) -> Result<Self, OptionsError> {
        let server = Url::parse(&options.server).map_err(|_| OptionsError::Server)?;
        let encrypted = server.scheme() == "https";
        let host = server.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let here = host == "localhost" || address.is_ok_and(|ip| ip.is_loopback());
        let bare = server.path() == "/" && server.query().is_none() && server.username().is_empty();
        // The token is in the body.
        if !bare || !(encrypted || server.scheme() == "http" && here) {
            return Err(OptionsError::Server);
        }
        // Public authorities alone: this certificate is no device's.
        let tls = client_config(&Trust::Webpki);
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(&tls))
            .connect_timeout(options.timing.connect)
            .timeout(options.timing.answer)
            // A token does not follow whoever says that it should.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| OptionsError::Client(error.to_string()))?;
        Ok(Self {
            http,
            tls,
            server,
            encrypted,
        })
    }

    /// Logs in, and opens the socket.
    pub(super) async fn open(&self, options: &Options) -> Result<Socket, Fault> {
        let question = json!({"token": options.token.reveal(), "uid": options.user});
        let what = ("the token", "token and uid");
        let data = self
            .ask(options, "/api/basicApi/getToken", &question, what)
            .await?;
        let auth = data["authToken"].as_str().filter(|auth| !auth.is_empty());
        let auth = auth.ok_or_else(|| Fault::NotTheServer("an answer without a token".into()))?;
        let auth = Token::new(auth);
        let question = json!({"platform": options.platform, "authToken": auth.reveal()});
        let what = ("a socket", "platform");
        let data = self
            .ask(options, "/api/basicApi/getSocketUrl", &question, what)
            .await?;
        let door = Door::read(&data, &auth, self.encrypted)?;
        let limit = options.timing.answer;
        match timeout(limit, self.dial(options, &door)).await {
            Ok(socket) => socket,
            Err(_) => Err(Fault::NoAnswer(limit)),
        }
    }

    /// Asks the server something. The token is in the question, and may be in the words of a refusal.
    async fn ask(
        &self,
        options: &Options,
        path: &str,
        question: &Value,
        (what, settings): (&'static str, &'static str),
    ) -> Result<Value, Fault> {
        let limit = options.timing.answer;
        let fault =
            |error: &reqwest::Error| Fault::of_network(Trouble::of_http(SERVER, limit, error));
        let mut url = self.server.clone();
        url.set_path(path);
        let sent = self.http.post(url).json(question).send().await;
        let mut response = sent.map_err(|error| fault(&error))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                let problem = format!("longer than {MAX_ANSWER} bytes");
                return Err(Fault::NotTheServer(problem));
            }
            bytes.extend_from_slice(&chunk);
        }
        match parse_envelope(&bytes, 0) {
            Ok(answer) if status.is_success() => Ok(answer.data),
            Err(problem @ NotAnAnswer::Complaint(_)) => {
                Err(Fault::of_answer(problem, what, settings))
            }
            Err(_) if status.is_success() => {
                let problem = "something else, such as a network's login page";
                Err(Fault::NotTheServer(problem.to_owned()))
            }
            _ => {
                let status = status.as_u16();
                Err(Fault::NotTheServer(format!("HTTP status {status}")))
            }
        }
    }

    async fn dial(&self, options: &Options, door: &Door) -> Result<Socket, Fault> {
        let limit = options.timing.connect;
        let of_io =
            |error: &std::io::Error| Fault::of_network(Trouble::of_io(SERVER, limit, error));
        let of_socket = |error: tungstenite::Error| match error {
            tungstenite::Error::Io(error) => of_io(&error),
            tungstenite::Error::Http(response) => {
                Fault::NoSocket(format!("HTTP status {}", response.status().as_u16()))
            }
            // What it says may name the URL.
            _ => Fault::NoSocket("it does not speak as expected".to_owned()),
        };
        let connecting = TcpStream::connect((door.host.as_str(), door.port));
        let stream = timeout(limit, connecting).await;
        let stream = stream.map_err(|_| Fault::NoAnswer(limit))?;
        let stream = stream.map_err(|error| of_io(&error))?;
        stream.set_nodelay(true).map_err(|error| of_io(&error))?;
        let request = door.url.as_str().into_client_request().map_err(of_socket)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let connector = Connector::Rustls(Arc::clone(&self.tls));
        let dialled = client_async_tls_with_config(request, stream, Some(config), Some(connector));
        dialled.await.map(|(socket, _)| socket).map_err(of_socket)
    }
}
