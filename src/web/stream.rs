//! Server-sent events: everything there is to show, then every change of it.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event as Sent, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::desk::Question;
use super::feed::Event;
use super::log::Line;
use super::refusal::Refusal;
use super::router::App;

/// How many may watch at the same time.
pub(super) const SEATS: usize = 24;

/// When to come back after the connection was lost.
const RETRY: Duration = Duration::from_millis(500);

/// How often to send something, so that a dead connection is noticed at both ends.
const BEAT: Duration = Duration::from_secs(5);

/// One who watches.
struct Watcher {
    app: App,
    /// `None` if everything is to be shown (anew).
    feed: Option<Receiver<Event>>,
    lines: Receiver<Line>,
    beat: Interval,
    _seat: OwnedSemaphorePermit,
}

/// Opens a stream.
pub(super) fn open(app: &App) -> Result<Response, Refusal> {
    let seat = app.seats.clone().try_acquire_owned().map_err(|_| {
        let message = "too many watch already";
        Refusal::too_many(message, 5)
    })?;
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.reset();
    let watcher = Watcher {
        app: app.clone(),
        feed: None,
        lines: app.lines.watch(),
        beat,
        _seat: seat,
    };
    let events = stream::unfold(watcher, async |mut watcher| {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    Ok(Sse::new(events).into_response())
}

impl Watcher {
    /// The next event; `None` when the bridge ends.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            let Some(feed) = &mut self.feed else {
                return self.everything().await;
            };
            tokio::select! {
                () = self.app.life.cancelled() => return None,
                event = feed.recv() => match event {
                    Ok(event) => return Some(Sent::default().event(event.kind).data(event.data)),
                    // Too slow: what was missed is in the whole.
                    Err(RecvError::Lagged(_)) => self.feed = None,
                    Err(RecvError::Closed) => return None,
                },
                line = self.lines.recv() => if let Ok(line) = line {
                    return Some(Sent::default().event("log").data(line.to_json().to_string()));
                },
                _ = self.beat.tick() => return Some(Sent::default().event("beat").data("{}")),
            }
        }
    }

    async fn everything(&mut self) -> Option<Sent> {
        let (mut all, feed) = self.app.handle.ask(Question::Watch).await.ok()?;
        self.feed = Some(feed);
        all["log"] = self.app.lines.recent();
        all["groups"] = self.app.groups.clone();
        all["patterns"] = self.app.patterns.clone();
        let event = Sent::default().event("all").retry(RETRY);
        Some(event.data(all.to_string()))
    }
}
