//! The state of the app, shared by its server, its timers and its handle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answers;
use super::faults::{AnswerFault, Faults, Wrong};
use super::frames;
use super::options::{AppOptions, Dialect, Flavour};
use super::requests::Requests;
use super::sockets::Sockets;
use super::spec::{BadToy, ToySpec, toy_id};
use super::toy::Toy;
use super::wire::{Points, RequestKind};
use crate::sim::body::Body;
use crate::sim::rng::Rng;
use crate::sim::{Cause, Change};

/// A simulated app, without its server.
#[derive(Debug)]
pub(super) struct App {
    epoch: Instant,
    seed: u64,
    keep_changes: usize,
    pub(super) flavour: Flavour,
    pub(super) dialect: Dialect,
    toys: RwLock<IndexMap<Arc<str>, Arc<Toy>>>,
    faults: watch::Sender<Arc<Faults>>,
    pub(super) rng: Rng,
    pub(super) requests: Requests,
    /// Held while a request is handled, when handling is serial.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    /// Held from a command's number to its effect.
    order: Mutex<()>,
    /// What the last PatternV2 Setup brought.
    pub(super) points: Mutex<Option<Points>>,
    events: broadcast::Sender<Message>,
    changes: broadcast::Sender<ToyChange>,
    changed: Notify,
    pub(super) sockets: Sockets,
    /// The app's whole life; its server may come and go meanwhile.
    pub(super) life: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// A change of one toy's level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToyChange {
    /// The toy's id.
    pub toy: Arc<str>,
    /// What changed.
    pub change: Change,
}

/// How many event frames a slow client may lag behind before it is dropped.
const EVENT_BACKLOG: usize = 4_096;
const CHANGE_BACKLOG: usize = 16_384;

impl App {
    pub(super) fn new(options: &AppOptions) -> Result<Arc<Self>, BadToy> {
        let app = Arc::new(Self {
            epoch: Instant::now(),
            seed: options.seed,
            keep_changes: options.keep_changes,
            flavour: options.flavour,
            dialect: options.dialect,
            toys: RwLock::default(),
            faults: watch::Sender::new(Arc::new(options.faults.clone())),
            rng: Rng::new(options.seed),
            requests: Requests::new(options.keep_requests),
            turn: Arc::default(),
            order: Mutex::default(),
            points: Mutex::default(),
            events: broadcast::Sender::new(EVENT_BACKLOG),
            changes: broadcast::Sender::new(CHANGE_BACKLOG),
            changed: Notify::new(),
            sockets: Sockets::default(),
            life: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        for spec in &options.toys {
            app.add(spec)?;
        }
        Ok(app)
    }

    /// Since the start of the app.
    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// The instant this long after the start of the app; far away if there is none.
    pub(super) fn instant(&self, since_start: Duration) -> Instant {
        let far = Duration::from_secs(365 * 86_400);
        self.epoch
            .checked_add(since_start.min(self.now() + far))
            .unwrap_or_else(Instant::now)
    }

    // Toys

    pub(super) fn toys(&self) -> Vec<Arc<Toy>> {
        self.toy_map().values().cloned().collect()
    }

    pub(super) fn toy(&self, id: &str) -> Option<Arc<Toy>> {
        self.toy_map().get(id).cloned()
    }

    pub(super) fn add(self: &Arc<Self>, spec: &ToySpec) -> Result<Arc<str>, BadToy> {
        let mut toys = self.toys.write().unwrap_or_else(PoisonError::into_inner);
        let free = (toys.len()..).map(|index| toy_id(self.seed, index));
        let id = match &spec.id {
            Some(id) => id.clone(),
            None => free
                .into_iter()
                .find(|id| !toys.contains_key(id.as_str()))
                .unwrap_or_default(),
        };
        if toys.contains_key(id.as_str()) {
            return Err(BadToy::DuplicateId(id));
        }
        let toy = Arc::new(Toy::new(spec, id, self.keep_changes)?);
        toys.insert(Arc::clone(&toy.id), Arc::clone(&toy));
        drop(toys);
        let id = Arc::clone(&toy.id);
        let life = self.life.clone();
        let timer = life.run_until_cancelled_owned(keep_time(Arc::clone(self), toy));
        self.tasks.spawn(timer);
        Ok(id)
    }

    pub(super) fn remove(&self, id: &str) -> bool {
        let mut toys = self.toys.write().unwrap_or_else(PoisonError::into_inner);
        let removed = toys.shift_remove(id);
        drop(toys);
        if let Some(toy) = &removed {
            toy.removed.cancel();
        }
        removed.is_some()
    }

    fn toy_map(&self) -> RwLockReadGuard<'_, IndexMap<Arc<str>, Arc<Toy>>> {
        // Nothing panics while it is held, save on lack of memory.
        self.toys.read().unwrap_or_else(PoisonError::into_inner)
    }

    // Levels

    /// Does something to a toy's moving parts and tells whoever waits for it.
    pub(super) fn act<T>(&self, toy: &Toy, what: impl FnOnce(&mut Body, Duration) -> T) -> T {
        let echo = self.faults.borrow().echo_strength;
        let (result, fresh, arm) = {
            let mut body = toy.body();
            let now = self.now();
            let known = body.changes();
            let result = what(&mut body, now);
            let fresh = if echo || self.changes.receiver_count() > 0 {
                body.changes_since(known)
            } else {
                Vec::new()
            };
            (result, fresh, body.needs_arming(now))
        };
        for change in fresh {
            // What the user does is told in any case.
            if echo && change.cause != Cause::User {
                self.tell(frames::strength_changed(
                    &toy.id,
                    change.function,
                    change.to,
                ));
            }
            let toy = Arc::clone(&toy.id);
            // Nobody may have stayed to listen.
            let _ = self.changes.send(ToyChange { toy, change });
        }
        if arm {
            toy.timer.notify_one();
        }
        self.touch();
        result
    }

    /// While this is held no other command is numbered.
    pub(super) fn keep_order(&self) -> MutexGuard<'_, ()> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<ToyChange> {
        self.changes.subscribe()
    }

    // Faults

    pub(super) fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults.borrow())
    }

    pub(super) fn watch_faults(&self) -> watch::Receiver<Arc<Faults>> {
        self.faults.subscribe()
    }

    pub(super) fn change_faults(&self, change: impl FnOnce(&mut Faults)) {
        self.faults
            .send_modify(|faults| change(Arc::make_mut(faults)));
        self.touch();
    }

    /// How this request is to be answered wrongly, if so, and whether it takes effect.
    pub(super) fn draw_fault(&self, kind: RequestKind, toys: &[Arc<Toy>]) -> Option<(Wrong, bool)> {
        for toy in toys {
            if let Some(drawn) = AnswerFault::draw(&mut toy.faults().answer, kind) {
                return Some(drawn);
            }
        }
        match &self.faults.borrow().answer {
            Some(fault) if fault.concerns(kind) => {}
            _ => return None,
        }
        let mut drawn = None;
        self.faults.send_if_modified(|faults| {
            drawn = AnswerFault::draw(&mut Arc::make_mut(faults).answer, kind);
            // Sockets need not wake up for it.
            false
        });
        drawn
    }

    // Events

    /// Sends a frame to every client that was granted access; to how many.
    pub(super) fn tell(&self, frame: String) -> usize {
        let faults = self.faults();
        if self.rng.happens(faults.garbage) {
            // Nobody may be there to hear it.
            let _ = self.events.send(frames::rubbish(&self.rng));
        }
        if self.rng.happens(faults.drop_events) {
            return 0;
        }
        self.events.send(Message::text(frame)).unwrap_or(0)
    }

    pub(super) fn hear(&self) -> broadcast::Receiver<Message> {
        self.events.subscribe()
    }

    /// Tells which toys there are.
    pub(super) fn tell_toys(&self) -> usize {
        self.tell(self.toy_list())
    }

    pub(super) fn toy_list(&self) -> String {
        answers::toy_list(self.toy_map().values().map(|toy| &**toy))
    }

    pub(super) fn answer_toys(&self) -> String {
        let toys = self.toy_map();
        answers::toys(toys.values().map(|toy| &**toy), self.dialect, self.flavour)
    }

    pub(super) fn device_info(&self) -> Value {
        answers::device_info(self.toy_map().values().map(|toy| &**toy))
    }

    pub(super) fn answer_names(&self) -> String {
        answers::names(self.toy_map().values().map(|toy| &**toy))
    }

    pub(super) fn set_connected(&self, toy: &Toy, connected: bool) {
        let before = std::mem::replace(&mut toy.card().connected, connected);
        if before == connected {
            return;
        }
        if !connected {
            self.act(toy, Body::unplug);
        }
        self.tell(frames::toy_status(&toy.id, connected));
        self.touch();
    }

    pub(super) fn set_battery(&self, toy: &Toy, percent: u8) {
        let percent = percent.min(100);
        let before = std::mem::replace(&mut toy.card().battery, percent);
        if before != percent {
            self.tell(frames::battery_changed(&toy.id, percent));
            self.touch();
        }
    }

    // Waiting

    /// Something has changed that somebody may wait for.
    pub(super) fn touch(&self) {
        self.changed.notify_waiters();
    }

    /// Waits until `true`, looking again whenever anything has changed.
    pub(super) async fn until(&self, mut true_now: impl FnMut() -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            if true_now() {
                return;
            }
            changed.await;
        }
    }
}

/// Takes a toy's steps and ends its motions when they are due.
async fn keep_time(app: Arc<App>, toy: Arc<Toy>) {
    let keep = async {
        loop {
            let due = toy.body().arm(app.now());
            let woken = toy.timer.notified();
            match due {
                None => {
                    woken.await;
                    continue;
                }
                Some(due) => tokio::select! {
                    () = woken => continue,
                    () = tokio::time::sleep_until(app.instant(due)) => {}
                },
            }
            app.act(&toy, Body::tick);
        }
    };
    toy.removed.run_until_cancelled(keep).await;
}
