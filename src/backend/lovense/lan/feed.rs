//! The link that listens to Toy Events.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tracing::{debug, info};

use super::fault::Fault;
use super::{LanApp, Line};
use crate::backend::lovense::events::{self, Frame};
use crate::backend::lovense::roster::Heard;
use crate::backend::{BoxFuture, Link, LinkContext, LinkError};

/// The largest message that is taken. A list of toys takes some hundred bytes per toy.
const MAX_MESSAGE: usize = 1 << 20;

/// The most unknown types of frames that are remembered as already logged.
const MAX_LOGGED: usize = 64;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) struct EventsLink {
    app: Arc<LanApp>,
    name: String,
    /// Unknown types of frames that have been logged.
    logged: HashSet<String>,
    /// Whether the user has let us in on the present connection.
    granted: bool,
    /// Whether the user has been told to.
    asked: bool,
}

/// Why Toy Events could not be connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DialError {
    /// This app will never have them.
    #[error(
        "the app has no Toy Events (HTTP status {0}): buttons and sensors of toys need the Remote app on a phone, version 6.1.6 (iOS), 6.2.1 (Android) or later"
    )]
    NoSuchThing(u16),
    #[error("{0}")]
    Fault(#[from] Fault),
}

/// How a connection ended.
#[derive(Debug, PartialEq)]
enum End {
    /// The app asked for it.
    Closed,
    /// Nothing was heard for this long.
    Silent(Duration),
    /// The connection broke.
    Broken(String),
    /// The toys link found the app gone.
    AppGone,
}

impl Link for EventsLink {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, context: &'a LinkContext) -> BoxFuture<'a, LinkError> {
        Box::pin(async move {
            loop {
                let line = self.app_up().await;
                let error = match self.app.dial(&line).await {
                    Ok(socket) => match self.listen(socket, context).await {
                        End::AppGone => continue,
                        end => self.failed(&end),
                    },
                    Err(error @ DialError::NoSuchThing(_)) => {
                        return LinkError::Fatal(error.to_string());
                    }
                    Err(DialError::Fault(fault)) => fault.into(),
                };
                // If the app itself is gone, that is for the toys link to tell, and the user need
                // not read it twice.
                if !self.app_is_gone().await {
                    return error;
                }
            }
        })
    }
}

impl EventsLink {
    pub(super) fn new(app: Arc<LanApp>) -> Self {
        Self {
            name: app.options.link_name("events"),
            app,
            logged: HashSet::new(),
            granted: false,
            asked: false,
        }
    }

    /// Waits until the app is there.
    async fn app_up(&self) -> Line {
        let mut reach = self.app.reach.subscribe();
        let up = reach.wait_for(|reach| reach.up).await;
        let line = up.expect("the app owns the sender").line.clone();
        line.expect("an app that is up has been found")
    }

    /// Has the toys link look whether the app is still there.
    async fn app_is_gone(&self) -> bool {
        let mut reach = self.app.reach.subscribe();
        let answers = reach.borrow_and_update().answers;
        self.app.suspicion.notify_one();
        let verdict = reach.wait_for(|reach| !reach.up || reach.answers > answers);
        let longest = self.app.options.timing.check * 2;
        match timeout(longest, verdict).await {
            Ok(reach) => reach.is_ok_and(|reach| !reach.up),
            Err(_) => false,
        }
    }

    async fn listen(&mut self, socket: Socket, context: &LinkContext) -> End {
        let app = Arc::clone(&self.app);
        let _flow = Flow(&app);
        let mut reach = app.reach.subscribe();
        tokio::select! {
            end = self.converse(socket, context) => end,
            _ = reach.wait_for(|reach| !reach.up) => End::AppGone,
        }
    }

    async fn converse(&mut self, mut socket: Socket, context: &LinkContext) -> End {
        let app = Arc::clone(&self.app);
        let timing = &app.options.timing;
        let broken = |error: tungstenite::Error| End::Broken(error.to_string());
        let access = Message::text(events::access(&app.options.app_name));
        if let Err(error) = socket.send(access).await {
            return broken(error);
        }
        let mut ping = interval_at(Instant::now() + timing.ping, timing.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.granted = false;
        let mut heard = Instant::now();
        let mut checks = 0;
        loop {
            // Before the user has let us in, nothing needs to come.
            let (dead, deadline) = if self.granted {
                let check = timing.suspicion * (checks + 1);
                (timing.dead, check.min(timing.dead))
            } else {
                (timing.grant, timing.grant)
            };
            tokio::select! {
                message = socket.next() => {
                    let text = match message {
                        None | Some(Ok(Message::Close(_))) => return End::Closed,
                        Some(Err(error)) => return broken(error),
                        Some(Ok(Message::Text(text))) => Some(text),
                        Some(Ok(Message::Binary(_))) => {
                            self.malformed("a binary frame");
                            None
                        }
                        Some(Ok(_)) => None,
                    };
                    heard = Instant::now();
                    checks = 0;
                    let Some(text) = text else { continue };
                    match self.take(&text, context) {
                        ControlFlow::Break(end) => return end,
                        ControlFlow::Continue(None) => {}
                        ControlFlow::Continue(Some(reply)) => {
                            if let Err(error) = socket.send(Message::text(reply)).await {
                                return broken(error);
                            }
                        }
                    }
                }
                _ = ping.tick() => {
                    self.remind();
                    if let Err(error) = socket.send(Message::text(events::PING)).await {
                        return broken(error);
                    }
                }
                () = sleep_until(heard + deadline) => {
                    if deadline == dead {
                        return End::Silent(dead);
                    }
                    // The app may go between one check and the next, so one is not enough.
                    checks += 1;
                    app.suspicion.notify_one();
                }
            }
        }
    }

    /// Acts on one frame. What to answer, or how the connection ends.
    fn take(
        &mut self,
        text: &str,
        context: &LinkContext,
    ) -> ControlFlow<End, Option<&'static str>> {
        let frame = match events::parse(text) {
            Ok(frame) => frame,
            Err(problem) => {
                self.malformed(&problem.to_string());
                return ControlFlow::Continue(None);
            }
        };
        let heard = match frame {
            Frame::Ping => return ControlFlow::Continue(Some(events::PING_REPLY)),
            Frame::Pong => return ControlFlow::Continue(None),
            Frame::Closed => return ControlFlow::Break(End::Closed),
            Frame::Unknown(kind) => {
                if self.logged.len() < MAX_LOGGED && self.logged.insert(kind.clone()) {
                    debug!(link = self.name, kind, "frames of this type are not known");
                }
                return ControlFlow::Continue(None);
            }
            Frame::AccessGranted => Heard::default(),
            Frame::ToyList(list) => {
                for bad in &list.bad {
                    self.malformed(&bad.to_string());
                }
                self.app.roster().toy_list(list)
            }
            Frame::Status { toy, connected } => self.app.roster().status(&toy, connected),
            Frame::Told { toy, inputs } => self.app.roster().told(&toy, &inputs),
            Frame::Strength { toy, change } => self.app.roster().strength(&toy, &change),
        };
        if !self.granted {
            // Some apps let us in without saying so.
            self.granted = true;
            self.app.flowing.store(true, Ordering::Relaxed);
            debug!(link = self.name, "toys can report now");
        }
        context.proven();
        for report in heard.reports {
            context.reports.send(report);
        }
        if heard.look {
            self.app.look.notify_one();
        }
        ControlFlow::Continue(None)
    }

    /// Tells the user, once, that it is up to them.
    fn remind(&mut self) {
        if !self.granted && !self.asked {
            self.asked = true;
            info!(
                link = self.name,
                "waiting to be let in: press Allow on the phone, so that buttons and sensors work"
            );
        }
    }

    fn failed(&self, end: &End) -> LinkError {
        let text = match end {
            End::Closed => "the app ended Toy Events: is Game Mode still on?".to_owned(),
            End::Silent(time) => format!("nothing was heard of Toy Events for {time:?}"),
            End::Broken(reason) => format!("the connection for Toy Events broke: {reason}"),
            End::AppGone => "the app is gone".to_owned(),
        };
        if self.granted {
            LinkError::Retry(text)
        } else {
            // Every new connection makes the phone ask the user, who may just have said no.
            let text = format!("{text} (the phone has not let us in: press Allow when it asks)");
            LinkError::RetryAfter(text, self.app.options.timing.ask_again)
        }
    }

    fn malformed(&self, problem: &str) {
        let count = self.app.malformed.fetch_add(1, Ordering::Relaxed) + 1;
        // A flood of them is as telling as the first few.
        if count.is_power_of_two() {
            debug!(link = self.name, count, "unusable frame: {problem}");
        }
    }
}

/// Ends with the connection: no Toy Events flow any more, so the toys are looked at more often.
struct Flow<'a>(&'a LanApp);

impl Drop for Flow<'_> {
    fn drop(&mut self) {
        self.0.flowing.store(false, Ordering::Relaxed);
        self.0.look.notify_one();
    }
}

impl LanApp {
    /// Connects to the Toy Events of the app that was found.
    pub(super) async fn dial(&self, line: &Line) -> Result<Socket, DialError> {
        let port = self.options.events_port.unwrap_or(line.port);
        let place = line.site.place(true, port, "/v1");
        let limit = self.options.timing.connect * 2;
        match timeout(limit, self.handshake(line, port, &place, limit)).await {
            Ok(result) => result,
            Err(_) => Err(Fault::NoAnswer { place, limit }.into()),
        }
    }

    async fn handshake(
        &self,
        line: &Line,
        port: u16,
        place: &str,
        limit: Duration,
    ) -> Result<Socket, DialError> {
        let of_io = |error: &std::io::Error| DialError::Fault(Fault::of_io(place, limit, error));
        let of_socket = |error: tungstenite::Error| match error {
            tungstenite::Error::Io(error) => of_io(&error),
            tungstenite::Error::Http(response) => refusal(place, response.status().as_u16()),
            other => DialError::Fault(Fault::Broken {
                place: place.to_owned(),
                reason: other.to_string(),
            }),
        };
        let address = line.site.dial();
        let stream = TcpStream::connect((address.as_str(), port)).await;
        let stream = stream.map_err(|error| of_io(&error))?;
        stream.set_nodelay(true).map_err(|error| of_io(&error))?;
        let url = line.site.url(true, port, "/v1");
        let request = url.into_client_request().map_err(of_socket)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let connector = Connector::Rustls(Arc::clone(&self.tls));
        let dialled = client_async_tls_with_config(request, stream, Some(config), Some(connector));
        dialled.await.map(|(socket, _)| socket).map_err(of_socket)
    }
}

/// An app that answers the handshake as if it knew no websockets has no Toy Events.
fn refusal(place: &str, status: u16) -> DialError {
    match status {
        200..=299 | 400 | 404 | 405 | 501 => DialError::NoSuchThing(status),
        status => DialError::Fault(Fault::Status {
            place: place.to_owned(),
            status,
        }),
    }
}
