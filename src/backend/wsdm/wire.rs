//! The websocket to a toy: messages in and out, bounded in size, number and time.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::Timing;
use super::end::End;

/// The largest message that is taken, bytes. Answers have some twenty.
pub(super) const MAX_MESSAGE: usize = 4_096;

/// The most messages that are taken within [`WINDOW`]. A toy that streams what it feels sends some
/// ten a second.
const MAX_MESSAGES: u32 = 1_000;

/// What messages are counted over.
const WINDOW: Duration = Duration::from_secs(1);

pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(MAX_MESSAGE)
        .write_buffer_size(0)
        .max_write_buffer_size(16 * MAX_MESSAGE)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

/// The websocket to a toy.
pub(super) struct Wire<S> {
    socket: WebSocketStream<S>,
    timing: Timing,
    ping: Interval,
    heard: Instant,
    /// Since when messages are counted, and how many have come.
    window: Instant,
    count: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(socket: WebSocketStream<S>, timing: Timing) -> Self {
        let now = Instant::now();
        let mut ping = interval_at(now + timing.ping, timing.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            socket,
            timing,
            ping,
            heard: now,
            window: now,
            count: 0,
        }
    }

    /// Waits for the next message, and keeps the connection alive meanwhile. Can be cancelled: no
    /// message is lost.
    pub(super) async fn hear(&mut self) -> Result<Bytes, End> {
        loop {
            let dead = self.heard + self.timing.dead;
            tokio::select! {
                message = self.socket.next() => {
                    let message = message.ok_or(End::Closed)??;
                    self.count()?;
                    match message {
                        Message::Text(text) => return Ok(text.into()),
                        Message::Binary(bytes) => return Ok(bytes),
                        Message::Close(_) => return Err(End::Closed),
                        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                    }
                }
                _ = self.ping.tick() => self.send(Message::Ping(Bytes::new())).await?,
                () = sleep_until(dead) => return Err(End::Silent(self.timing.dead)),
            }
        }
    }

    fn count(&mut self) -> Result<(), End> {
        self.heard = Instant::now();
        if self.heard - self.window >= WINDOW {
            (self.window, self.count) = (self.heard, 0);
        }
        self.count += 1;
        if self.count > MAX_MESSAGES {
            return Err(End::Flood);
        }
        Ok(())
    }

    /// Sends a command, as Buttplug's server does: in a binary message of its own.
    pub(super) async fn say(&mut self, bytes: Vec<u8>) -> Result<(), End> {
        self.send(Message::binary(bytes)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        let sending = self.socket.send(message);
        match timeout(self.timing.write, sending).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(End::Stuck),
        }
    }

    /// Says why, if the toy can hear it, and closes.
    pub(super) async fn close(mut self, end: &End) {
        let Some(frame) = end.frame() else { return };
        let closing = async {
            self.socket.close(Some(frame)).await?;
            // What came meanwhile has to be read, or the toy would see the connection break instead.
            while let Some(Ok(_)) = self.socket.next().await {}
            Ok::<_, End>(())
        };
        // It ends anyhow.
        let _ = timeout(self.timing.goodbye, closing).await;
    }
}
