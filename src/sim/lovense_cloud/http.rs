//! The two questions on the way to a socket, and its handshake.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::{Server, socket};
use crate::sim::upgrade;

/// What getToken gives out.
const AUTH: &str = "auth+token/of=the=user";
/// What the socket's URL holds, raw and as it has to come back.
const NTOKEN: &str = "n/token+1==";
const NTOKEN_ESCAPED: &str = "n%2Ftoken%2B1%3D%3D";

pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/api/basicApi/getToken", post(token))
        .route("/api/basicApi/getSocketUrl", post(socket_url))
        .route("/api/lan/v2/app", get(apps))
        .route("/developer.io/", get(open))
        .with_state(server)
}

fn answer(body: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// A refusal that repeats the question, as a careless server might.
fn refuse(code: u16, question: &Value) -> Response {
    let message = format!("refused: {question}");
    answer(&json!({"code": code, "message": message, "result": false}))
}

async fn token(State(server): State<Arc<Server>>, body: Bytes) -> Response {
    let question: Value = serde_json::from_slice(&body).unwrap_or_default();
    let user = question["uid"].as_str().unwrap_or_default().to_owned();
    server.count(|counts| {
        counts.logins += 1;
        counts.user.clone_from(&user);
    });
    let right = question["token"] == server.token.as_str();
    match server.faults().login {
        Some(code) => refuse(code, &question),
        None if !right => refuse(501, &question),
        None if user.is_empty() => refuse(503, &question),
        None => answer(&json!({"code": 0, "message": "Success", "data": {"authToken": AUTH}})),
    }
}

async fn socket_url(State(server): State<Arc<Server>>, body: Bytes) -> Response {
    let question: Value = serde_json::from_slice(&body).unwrap_or_default();
    let right = question["platform"] == server.platform.as_str() && question["authToken"] == AUTH;
    match server.faults().socket {
        Some(code) => refuse(code, &question),
        None if !right => refuse(502, &question),
        None => {
            let url = format!("http://{}?ntoken={NTOKEN}", server.address);
            let data = json!({"socketIoPath": "/developer.io", "socketIoUrl": url});
            answer(&json!({"code": 0, "message": "Success", "data": data}))
        }
    }
}

/// The look-up of apps behind one internet address: ours, if it is online.
async fn apps(State(server): State<Arc<Server>>) -> Response {
    let address = server.app.address();
    let domain = format!(
        "{}.lovense.club",
        address.ip().to_string().replace('.', "-")
    );
    let port = address.port().to_string();
    let app = json!({
        "domain": domain, "online": server.faults().online, "httpPort": port, "wsPort": port,
        "platform": "android", "appType": "remote", "toyList": [],
    });
    answer(&json!({"code": 0, "message": "Success", "data": [app]}))
}

async fn open(State(server): State<Arc<Server>>, mut request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let has = |pair: &str| query.split('&').any(|known| known == pair);
    if !has(&format!("ntoken={NTOKEN_ESCAPED}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if !has("EIO=3") || !has("transport=websocket") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let (upgrade, response) = upgrade::accept(&mut request);
    if let Some(upgrade) = upgrade {
        let serving = socket::serve(Arc::clone(&server), upgrade);
        server.connections.spawn(serving);
    }
    response
}
