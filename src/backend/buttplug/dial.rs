//! The websocket to the server: dialled by us, or by the server.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config, client_async_with_config};
use tracing::debug;

use super::fault::Fault;
use super::options::{Options, Place};
use crate::backend::Token;

/// The largest message that is taken. A list of devices takes about a kilobyte per device.
const MAX_MESSAGE: usize = 1 << 20;

/// What a websocket runs over.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// A websocket to the server.
pub(super) type Socket = WebSocketStream<Box<dyn Pipe>>;

pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

/// Makes connections.
#[derive(Debug, Default)]
pub(super) struct Dialler {
    /// Kept from one connection to the next: a server that is refused would give up.
    listener: Option<TcpListener>,
    #[cfg(feature = "embedded-buttplug")]
    embedded: Option<super::embedded::Embedded>,
}

impl Dialler {
    /// Connects, or waits until the server does.
    pub(super) async fn open(&mut self, options: &Options) -> Result<Socket, Fault> {
        match &options.place {
            Place::Dial { host, port, path } => dial(options, host, *port, path).await,
            Place::Listen { address, token } => {
                let listener = match &mut self.listener {
                    Some(listener) => listener,
                    empty => empty.insert(listen(options, *address).await?),
                };
                Ok(accept(listener, options, token.as_ref()).await)
            }
            #[cfg(feature = "embedded-buttplug")]
            Place::Embedded { file } => {
                // The adapter may have been pulled out since.
                super::embedded::adapters().await?;
                let embedded = match &mut self.embedded {
                    Some(embedded) => embedded,
                    empty => empty.insert(super::embedded::Embedded::start(file.clone()).await?),
                };
                embedded.connect().await
            }
        }
    }
}

async fn dial(options: &Options, host: &str, port: u16, path: &str) -> Result<Socket, Fault> {
    let place = options.place.to_string();
    let limit = options.timing.connect;
    let dialling = async {
        let addresses = lookup_host((host, port)).await;
        let addresses: Vec<_> = addresses
            .map_err(|error| Fault::NoSuchHost {
                host: host.to_owned(),
                reason: error.to_string(),
            })?
            .collect();
        let stream = TcpStream::connect(addresses.as_slice()).await;
        let stream = stream
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|error| Fault::of_io(&place, limit, &error))?;
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let url = format!("ws://{host}:{port}{path}");
        let pipe: Box<dyn Pipe> = Box::new(stream);
        let shaken = client_async_with_config(url, pipe, Some(config())).await;
        shaken
            .map(|(socket, _)| socket)
            .map_err(|error| no_websocket(&place, error))
    };
    match timeout(limit, dialling).await {
        Ok(result) => result,
        Err(_) => Err(Fault::NoConnection { place, limit }),
    }
}

fn no_websocket(place: &str, error: tungstenite::Error) -> Fault {
    let place = place.to_owned();
    match error {
        tungstenite::Error::Http(response) => Fault::NoWebsocket {
            place,
            reason: format!("HTTP status {}", response.status().as_u16()),
        },
        other => Fault::NoWebsocket {
            place,
            reason: other.to_string(),
        },
    }
}

async fn listen(options: &Options, address: SocketAddr) -> Result<TcpListener, Fault> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| Fault::CannotListen {
        place: options.place.to_string(),
        reason: error.to_string(),
    })
}

/// Waits for a connection that is a server's. Those that are not are turned away.
async fn accept(listener: &TcpListener, options: &Options, token: Option<&Token>) -> Socket {
    loop {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                debug!("a connection was lost before it was taken: {error}");
                tokio::task::yield_now().await;
                continue;
            }
        };
        // A delay is no reason to refuse it.
        let _ = stream.set_nodelay(true);
        let pipe: Box<dyn Pipe> = Box::new(stream);
        let door = Door { token };
        let shaking = accept_hdr_async_with_config(pipe, door, Some(config()));
        match timeout(options.timing.connect, shaking).await {
            Ok(Ok(socket)) => return socket,
            Ok(Err(error)) => debug!(%from, "turned away: {error}"),
            Err(_) => debug!(%from, "turned away: no handshake in time"),
        }
    }
}

/// Decides who may come in.
struct Door<'a> {
    token: Option<&'a Token>,
}

impl Callback for Door<'_> {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        // Web pages may connect to any port of this machine; servers name no origin.
        let is_page = request.headers().contains_key("origin");
        let path = request.uri().path().trim_start_matches('/');
        let knows = self.token.is_none_or(|token| token.is(path));
        if is_page || !knows {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = StatusCode::FORBIDDEN;
            return Err(refusal);
        }
        Ok(response)
    }
}
