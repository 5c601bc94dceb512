//! Websockets on a port that speaks HTTP.

use axum::extract::Request;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// The longest message taken from a client.
const LONGEST_MESSAGE: usize = 64 * 1_024;

/// A websocket of a client.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What the connection becomes, and the answer that makes it so; without the first it is no
/// websocket's handshake.
pub(crate) fn accept(request: &mut Request) -> (Option<OnUpgrade>, Response) {
    let Some(key) = websocket_key(request.headers()) else {
        let refusal = (StatusCode::BAD_REQUEST, "a websocket is expected here");
        return (None, refusal.into_response());
    };
    let accept = derive_accept_key(key.as_bytes());
    let upgrade = hyper::upgrade::on(request);
    let headers = [
        (CONNECTION, "Upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_ACCEPT, accept.as_str()),
    ];
    let response = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
    (Some(upgrade), response)
}

/// The websocket, once the answer has gone out.
pub(crate) async fn socket(upgrade: OnUpgrade) -> Option<Socket> {
    let upgraded = upgrade.await.ok()?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(LONGEST_MESSAGE))
        .max_frame_size(Some(LONGEST_MESSAGE));
    let stream = TokioIo::new(upgraded);
    Some(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await)
}

/// The key of a websocket handshake (RFC 6455 §4.2.1), if it is one.
fn websocket_key(headers: &HeaderMap) -> Option<String> {
    let has = |name, wanted: &str| {
        let values = headers.get_all(name).iter();
        let mut values = values.filter_map(|value| value.to_str().ok());
        values.any(|value| {
            value
                .split(',')
                .any(|word| word.trim().eq_ignore_ascii_case(wanted))
        })
    };
    let right =
        has(CONNECTION, "upgrade") && has(UPGRADE, "websocket") && has(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    right.then(|| key.to_owned())
}
