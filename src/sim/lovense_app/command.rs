//! `POST /command`: from the body to the answer, with everything that may go wrong in between.
#![expect(
    clippy::disallowed_methods,
    reason = "the time that a real app takes is simulated"
)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::answers;
use super::app::App;
use super::apply;
use super::code::Code;
use super::faults::{Faults, Handling, Wrong};
use super::server::Shared;
use super::toy::Toy;
use super::wire::{self, Command};

/// Answers a request.
///
/// Its effect does not depend on whether the client waits for the answer: a client that gives up
/// does not take its command back.
pub(super) async fn answer(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let app = shared.app;
    let platform = headers
        .get("x-platform")
        .and_then(|name| name.to_str().ok());
    let received = receive(&app, body, platform.map(str::to_owned));
    app.touch();
    let (text, wrong) = match received {
        Received::Done(text, wrong) => (text, wrong),
        Received::Later(job) => {
            let wrong = job.wrong;
            let life = app.life.clone();
            let task = life.run_until_cancelled_owned(job.do_in_turn(Arc::clone(&app)));
            match app.tasks.spawn(task).await {
                Ok(Some(text)) => (text, wrong),
                // The app has ended.
                Ok(None) | Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        }
    };
    match wrong {
        None => plain_text(text),
        Some(wrong) => spoilt(&app, wrong, text).await,
    }
}

/// Takes a command that came another way than over the port. Nobody waits for its answer.
pub(super) fn take(app: &Arc<App>, body: Bytes) {
    let received = receive(app, body, None);
    app.touch();
    if let Received::Later(job) = received {
        let life = app.life.clone();
        let task = life.run_until_cancelled_owned(job.do_in_turn(Arc::clone(app)));
        app.tasks.spawn(task);
    }
}

/// A request whose body is complete.
enum Received {
    /// Done, with its right answer.
    Done(String, Option<Wrong>),
    /// Something has to be waited for.
    Later(Job),
}

/// Numbers a request and, if nothing holds it up, carries it out.
fn receive(app: &App, body: Bytes, platform: Option<String>) -> Received {
    let (kind, parsed) = wire::parse(&body);
    let toys = match &parsed {
        Ok(command) => apply::addressed(app, command),
        Err(_) => Vec::new(),
    };
    let fault = app.draw_fault(kind, &toys);
    let delays = Delays::draw(app, &toys);
    // From its number to its effect, or to its place in the queue, nothing comes in between: what
    // is received first is done first. Questions have no effect and may take longer.
    let order = (!kind.is_query()).then(|| app.keep_order());
    let number = app.requests.note(app.now(), kind, body, platform);
    let mut job = Job {
        number,
        parsed,
        wrong: fault.map(|(wrong, _)| wrong),
        applied: fault.is_none_or(|(_, applied)| applied),
        delays,
        places: Vec::new(),
        toys,
    };
    if job.delays.are_none() {
        let text = job.do_at_once(app);
        drop(order);
        return Received::Done(text, job.wrong);
    }
    job.queue_up(app);
    Received::Later(job)
}

/// A request on its way.
struct Job {
    number: u64,
    parsed: Result<Command, Code>,
    wrong: Option<Wrong>,
    /// Whether it is to take effect.
    applied: bool,
    delays: Delays,
    /// Where it stands in the queues that it has to pass.
    places: Vec<Place>,
    toys: Vec<Arc<Toy>>,
}

/// A place in a queue.
enum Place {
    First(OwnedMutexGuard<()>),
    Behind(Pin<Box<dyn Future<Output = OwnedMutexGuard<()>> + Send>>),
}

impl Place {
    /// Takes a place now, not when it is first waited for.
    fn take(queue: &Arc<Mutex<()>>) -> Self {
        let mut turn: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(Arc::clone(queue).lock_owned());
        // Polled once, the lock keeps the place.
        match tokio::task::unconstrained(&mut turn).now_or_never() {
            Some(turn) => Self::First(turn),
            None => Self::Behind(turn),
        }
    }

    async fn turn(self) -> OwnedMutexGuard<()> {
        match self {
            Self::First(turn) => turn,
            Self::Behind(turn) => turn.await,
        }
    }
}

/// What a request waits for.
struct Delays {
    effect: Duration,
    answer: Duration,
    handling: Handling,
}

impl Delays {
    fn draw(app: &App, toys: &[Arc<Toy>]) -> Self {
        let faults: Arc<Faults> = app.faults();
        let own =
            |pick: fn(&Toy) -> Option<super::faults::Spread>| toys.iter().find_map(|toy| pick(toy));
        let effect = own(|toy| toy.faults().effect_latency);
        let answer = own(|toy| toy.faults().answer_latency);
        Self {
            effect: effect.unwrap_or(faults.effect_latency).draw(&app.rng),
            answer: answer.unwrap_or(faults.answer_latency).draw(&app.rng),
            handling: faults.handling,
        }
    }

    fn are_none(&self) -> bool {
        self.effect.is_zero() && self.answer.is_zero() && self.handling == Handling::Parallel
    }
}

impl Job {
    fn do_at_once(&self, app: &App) -> String {
        let _flight = Flight::of(self);
        self.take_effect(app)
    }

    async fn do_in_turn(mut self, app: Arc<App>) -> String {
        let places = std::mem::take(&mut self.places);
        let _flight = Flight::of(&self);
        let mut turns = Vec::new();
        for place in places {
            turns.push(place.turn().await);
        }
        tokio::time::sleep(self.delays.effect).await;
        let text = self.take_effect(&app);
        tokio::time::sleep(self.delays.answer).await;
        text
    }

    /// Takes its places. As every request takes all of them at once and in the order received, no
    /// two can wait for one another.
    fn queue_up(&mut self, app: &App) {
        match self.delays.handling {
            Handling::Parallel => {}
            Handling::Serial => self.places.push(Place::take(&app.turn)),
            Handling::SerialPerToy => {
                for (index, toy) in self.toys.iter().enumerate() {
                    let twice = self.toys[..index]
                        .iter()
                        .any(|other| Arc::ptr_eq(other, toy));
                    if !twice {
                        self.places.push(Place::take(&toy.turn));
                    }
                }
            }
        }
    }

    fn take_effect(&self, app: &App) -> String {
        // Game Mode may have been switched off while the request waited.
        let result = if !app.faults().game_mode {
            Err(Code::SERVER_OFF)
        } else {
            match &self.parsed {
                Err(code) => Err(*code),
                Ok(command) if self.applied => apply::apply(app, self.number, command),
                Ok(_) => Ok(()),
            }
        };
        let code = result.err().unwrap_or(Code::OK);
        app.requests.note_answer(code.0);
        match (&self.parsed, code) {
            (Ok(Command::GetToys), Code::OK) => app.answer_toys(),
            (Ok(Command::GetToyName), Code::OK) => app.answer_names(),
            _ => answers::plain(code),
        }
    }
}

/// Counts a command as under way while it lives. A stop may run beside anything.
struct Flight<'a>(&'a [Arc<Toy>]);

impl<'a> Flight<'a> {
    fn of(job: &'a Job) -> Self {
        let stops = matches!(job.parsed, Ok(Command::Stop(_) | Command::PatternV2Stop(_)));
        let counted = !stops;
        let toys = if counted { &job.toys[..] } else { &[] };
        for toy in toys {
            toy.in_flight.enter();
        }
        Self(toys)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        for toy in self.0 {
            toy.in_flight.leave();
        }
    }
}

/// The real app sends JSON under this name.
fn plain_text(body: impl Into<Body>) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], body.into()).into_response()
}

const PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head>\
    <body><p>Please sign in to use this network.</p></body></html>\n";

async fn spoilt(app: &App, wrong: Wrong, text: String) -> Response {
    match wrong {
        Wrong::Code(code) => plain_text(answers::plain(Code(code))),
        Wrong::Http(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, "something went wrong").into_response()
        }
        // Until the client gives up or the connection is cut.
        Wrong::Hang => std::future::pending().await,
        Wrong::Html => ([(CONTENT_TYPE, "text/html")], PORTAL).into_response(),
        Wrong::Truncated => plain_text(half(text)),
        Wrong::Garbage => {
            let bytes: Vec<u8> = (0..64).map(|_| app.rng.within(128..=255) as u8).collect();
            plain_text(bytes)
        }
        Wrong::Cut => {
            let chunks = [Ok(half(text)), Err(std::io::Error::other("cut on purpose"))];
            plain_text(Body::from_stream(futures_util::stream::iter(chunks)))
        }
    }
}

fn half(mut text: String) -> String {
    let middle = (0..=text.len() / 2)
        .rev()
        .find(|&at| text.is_char_boundary(at));
    text.truncate(middle.unwrap_or(0));
    text
}
