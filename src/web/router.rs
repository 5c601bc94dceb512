//! From a connection's requests to operations: routes, rules, headers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::api::{self, Asked};
use super::desk::{Asker, Handle};
use super::guard::{Guard, Way};
use super::log::Lines;
use super::places::Reserve;
use super::refusal::Refusal;
use super::table::{Act, Method, OPERATIONS, Operation, Whom};
use super::{assets, stream};

/// The most bytes of a body. Payloads for toys have a tighter bound of their own.
const MAX_BODY: usize = 64 * 1_024;

/// How long a body may take to come.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// How long a stop waits to hear which toys are meant. Then all are.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// Scripts, styles and pictures come from here alone, and nothing goes anywhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'self'; \
    base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors ";

/// Tries every hop. Gives one object for each.
pub type Doctor = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<Value>> + Send>> + Send + Sync>;

/// What the panel needs of the bridge.
#[derive(Clone)]
pub struct Parts {
    /// Where requests go.
    pub handle: Handle,
    /// The newest lines of the log.
    pub lines: Lines,
    /// The groups of the settings: a name and its toys each.
    pub groups: Value,
    /// The patterns: a name, a step and levels each.
    pub patterns: Value,
    /// Tries every hop.
    pub doctor: Doctor,
}

/// What every request may need.
pub(super) struct Inner {
    pub(super) parts: Parts,
    pub(super) guard: Guard,
    /// The doctor examines once at a time.
    pub(super) examining: Mutex<()>,
    /// How many may watch.
    pub(super) seats: Arc<Semaphore>,
    /// Cancelled when the panel is to end.
    pub(super) life: CancellationToken,
}

impl Deref for Inner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

pub(super) type App = Arc<Inner>;

/// Whose connection it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// All routes.
pub(super) fn router(parts: Parts, guard: Guard, life: CancellationToken) -> Router {
    let app: App = Arc::new(Inner {
        parts,
        guard,
        examining: Mutex::new(()),
        seats: Arc::new(Semaphore::new(stream::SEATS)),
        life,
    });
    let mut router = Router::new();
    for operation in OPERATIONS {
        let filter = match operation.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
        };
        let handler = move |State(app): State<App>,
                            Path(names): Path<BTreeMap<String, String>>,
                            request: Request| async move {
            operate(&app, operation, names, request).await
        };
        router = router.route(operation.path, on(filter, handler));
    }
    router
        .fallback(assets_or_nothing)
        .layer(from_fn_with_state(Arc::clone(&app), rules))
        .with_state(app)
}

/// What holds for every request, whatever it asks.
async fn rules(State(app): State<App>, request: Request, next: Next) -> Response {
    let way = app.guard.way(peer(&request));
    // Whoever only wants to know whether we live may call us what they like.
    let probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    let host = app.guard.host(way, request.headers());
    let mut response = match host {
        Err(refusal) if !probe => refusal.into_response(),
        _ => next.run(request).await,
    };
    add_headers(response.headers_mut(), way);
    response
}

fn add_headers(headers: &mut HeaderMap, way: Way) {
    // Home Assistant shows ingress in a frame of its own site.
    let ancestors = match way {
        Way::Ingress => "'self'",
        Way::Direct => "'none'",
    };
    if let Ok(policy) = HeaderValue::try_from(format!("{POLICY}{ancestors}")) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if way == Way::Direct {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), usb=()",
        ),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

fn peer(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    // The server names the peer of every connection; nobody is trusted less than this one.
    peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0)
}

async fn operate(
    app: &App,
    operation: &'static Operation,
    names: BTreeMap<String, String>,
    request: Request,
) -> Response {
    // Before the body is read: what came before a stop is not obeyed after it.
    let number = app.handle.number();
    match answer(app, operation, names, request, number).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(
    app: &App,
    operation: &Operation,
    names: BTreeMap<String, String>,
    request: Request,
    number: u64,
) -> Result<Response, Refusal> {
    let peer = peer(&request);
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let way = app.guard.way(peer);
    if !matches!(operation.act, Act::Alive | Act::Ready) {
        Guard::same_site(headers)?;
    }
    if operation.method == Method::Post {
        Guard::meant(headers)?;
    }
    let asker = if operation.open {
        Asker::default()
    } else {
        app.guard.admit(way, peer, headers, Instant::now())?
    };
    if let Some(reserve) = parts.extensions.get::<Reserve>() {
        match operation.act {
            Act::Stop(_) | Act::Quiet => reserve.let_in(),
            // The answer is short, and a watchdog that gets none would restart the bridge.
            Act::Alive | Act::Ready => {}
            _ => return Err(Refusal::crowded()),
        }
    }
    let body = match operation.act {
        // The address says everything.
        Act::Stop(Whom::Toy | Whom::Group) => Bytes::new(),
        // A stop is never refused for its body: without one it stops all.
        Act::Stop(Whom::All) => read(headers, body, STOP_PATIENCE).await.unwrap_or_default(),
        _ => read(headers, body, BODY_PATIENCE).await?,
    };
    let asked = Asked {
        asker,
        peer,
        names,
        body,
        number,
    };
    api::act(app, operation.act, asked).await
}

async fn read(headers: &HeaderMap, body: Body, patience: Duration) -> Result<Bytes, Refusal> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(Refusal::too_large(MAX_BODY));
    }
    match timeout(patience, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Refusal::too_large(MAX_BODY)),
        Err(_) => Err(Refusal::too_slow()),
    }
}

async fn assets_or_nothing(uri: Uri, request: Request) -> Response {
    let get = matches!(request.method().as_str(), "GET" | "HEAD");
    let known = assets::find(uri.path()).filter(|_| get);
    if request.extensions().get::<Reserve>().is_some() {
        return Refusal::crowded().into_response();
    }
    match known {
        Some(asset) => asset.answer(request.headers()),
        None => Refusal::not_found("there is nothing here").into_response(),
    }
}
