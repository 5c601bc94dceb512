//! What the panel is shown, and what it remembers. There is none of it while the panel is off.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::{
    BackendId, BridgeEvent, Command, Gesture, Instant, Op, RouteId, Target, ToyId,
};
use crate::hass::{Privacy, state};
use crate::web::Feed;
use crate::web::desk::{Answer, Answers};

use super::reasons::Reasons;

/// How many outcomes are kept of each toy.
const OUTCOMES: usize = 50;

/// Of how many toys outcomes are kept: those that were asked something last.
const TOYS: usize = 64;

/// How many things that happened are kept.
const ACTIVITY: usize = 200;

/// What came in before a stop has been dealt with by then: a request waits no longer for its body
/// and for the driver.
const STOPPED: Duration = Duration::from_secs(30);

/// What the panel has to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What all topics start with.
    pub base_topic: String,
    /// Whether toys are announced to Home Assistant.
    pub discovery: bool,
    /// How much is said of what a device is.
    pub privacy: Privacy,
    /// What the user can do about a backend that does not answer.
    pub cures: BTreeMap<BackendId, &'static str>,
    /// The toys of each group.
    pub groups: BTreeMap<String, Vec<ToyId>>,
}

/// The panel, as the driver sees it.
#[derive(Debug)]
pub struct Panel {
    pub(super) settings: Settings,
    pub(super) feed: Feed,
    pub(super) reasons: Reasons,
    /// The number of the last command that came in.
    counter: Arc<AtomicU64>,
    /// What was stopped, the number of the last command before that, and when.
    stopped: Vec<(Target, u64, Instant)>,
    changed: BTreeSet<ToyId>,
    outcomes: BTreeMap<ToyId, (u64, VecDeque<Value>)>,
    outcomes_seen: u64,
    activity: VecDeque<Value>,
    /// Answers that are given when what is urgent has been saved.
    later: Vec<(Answers, Answer)>,
}

impl Panel {
    /// A panel that nobody watches yet; `counter` tells the number of the last command.
    #[must_use]
    pub fn new(settings: Settings, counter: Arc<AtomicU64>) -> Self {
        Self {
            settings,
            feed: Feed::default(),
            reasons: Reasons::default(),
            counter,
            stopped: Vec::new(),
            changed: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            outcomes_seen: 0,
            activity: VecDeque::new(),
            later: Vec::new(),
        }
    }

    /// There is something new to show of a toy.
    pub(super) fn toy_changed(&mut self, toy: ToyId) {
        if self.feed.is_watched() {
            self.changed.insert(toy);
        }
    }

    /// A toy is no longer known.
    pub(super) fn toy_forgotten(&mut self, toy: ToyId) {
        self.changed.remove(&toy);
        self.outcomes.remove(&toy);
        self.reasons.forgotten(toy);
        self.feed.tell("gone", &json!({ "id": toy.to_string() }));
    }

    /// An operation goes out: what is wanted of its toy may have changed.
    pub(super) fn sent(&mut self, op: &Op) {
        let toy = ToyId::of(&op.route.hardware);
        if !matches!(op.command, Command::Stop) {
            self.reasons.runs(toy);
        }
        self.toy_changed(toy);
    }

    /// A toy can be reached over this route.
    pub(super) fn found(&mut self, route: &RouteId) {
        self.reasons.found(ToyId::of(&route.hardware));
    }

    /// A toy cannot be reached over this route any more.
    pub(super) fn lost(&mut self, route: &RouteId, reason: &str) {
        let toy = ToyId::of(&route.hardware);
        let backend = route.backend.clone();
        self.reasons.lost(toy, backend, reason.to_owned());
        self.toy_changed(toy);
    }

    /// Whether a stop of `target` is one of this toy.
    pub(super) fn concerns(&self, target: &Target, toy: ToyId) -> bool {
        match target {
            Target::All => true,
            Target::Toy(own) => *own == toy,
            Target::Group(name) => {
                let members = self.settings.groups.get(name);
                members.is_some_and(|members| members.contains(&toy))
            }
        }
    }

    /// A toy that ran is stopped. `by` is empty if the bridge does so by itself.
    pub(super) fn toy_stopped(&mut self, toy: ToyId, why: &'static str, by: &str) {
        self.reasons.stopped(toy, now_ms(), why, by);
        self.toy_changed(toy);
    }

    /// A button or a gesture.
    pub(super) fn gesture(&mut self, toy: ToyId, gesture: Gesture) {
        self.happened("gesture", "", Some(toy), state::gesture(gesture));
    }

    /// Something happened to the bridge.
    pub(super) fn event(&mut self, event: &BridgeEvent) {
        let toy = match event {
            BridgeEvent::ToyAdded(toy)
            | BridgeEvent::ToyRemoved(toy)
            | BridgeEvent::SafetyStop(toy, _) => Some(*toy),
            BridgeEvent::BackendUp(_) | BridgeEvent::BackendDown(..) => None,
        };
        if let BridgeEvent::SafetyStop(toy, reason) = event {
            self.toy_stopped(*toy, reason.as_str(), "");
        }
        let event = state::event(event, self.settings.privacy);
        self.happened("event", "", toy, event);
    }

    /// The toys that changed since this was last asked.
    pub(super) fn take_changed(&mut self) -> BTreeSet<ToyId> {
        std::mem::take(&mut self.changed)
    }

    /// A stop came: what came in before it is not obeyed any more.
    pub(super) fn stopped(&mut self, target: &Target, now: Instant) {
        let last = self.counter.load(Ordering::Relaxed);
        self.stopped
            .retain(|(known, _, at)| known != target && now - *at < STOPPED);
        self.stopped.push((target.clone(), last, now));
    }

    /// Whether this command to `target` came in before a stop of it.
    pub(super) fn is_overtaken(&self, target: &Target, number: u64) -> bool {
        self.stopped.iter().any(|(stopped, last, _)| {
            // A group may contain the toy or share members: when in doubt, it was stopped.
            let concerned =
                stopped == target || !matches!((stopped, target), (Target::Toy(_), Target::Toy(_)));
            number <= *last && concerned
        })
    }

    /// Something happened.
    pub(super) fn happened(&mut self, kind: &str, by: &str, toy: Option<ToyId>, event: Value) {
        let entry = json!({
            "at": now_ms(),
            "kind": kind,
            "by": by,
            "toy": toy.map(|toy| toy.to_string()),
            "event": event,
        });
        self.feed.tell("activity", &entry);
        if kind != "outcome" {
            if self.activity.len() == ACTIVITY {
                self.activity.pop_front();
            }
            self.activity.push_back(entry);
        }
    }

    /// What became of a request to a toy.
    pub(super) fn outcome(&mut self, toy: ToyId, by: &str, result: &Value) {
        self.outcomes_seen += 1;
        if !self.outcomes.contains_key(&toy) && self.outcomes.len() == TOYS {
            let oldest = self.outcomes.iter().min_by_key(|(_, (seen, _))| *seen);
            if let Some(oldest) = oldest.map(|(toy, _)| *toy) {
                self.outcomes.remove(&oldest);
            }
        }
        let (seen, kept) = self.outcomes.entry(toy).or_default();
        *seen = self.outcomes_seen;
        if kept.len() == OUTCOMES {
            kept.pop_back();
        }
        kept.push_front(json!({"at": now_ms(), "by": by, "result": result}));
        if self.feed.is_watched() {
            self.happened("outcome", by, Some(toy), result.clone());
        }
    }

    /// The last outcomes of a toy, the newest first.
    pub(super) fn outcomes_of(&self, toy: ToyId) -> Vec<Value> {
        let kept = self.outcomes.get(&toy);
        kept.map(|(_, kept)| kept.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// What happened lately, the oldest first.
    pub(super) fn activity(&self) -> Value {
        self.activity.iter().cloned().collect()
    }

    /// Answers when what is urgent has been saved.
    pub(super) fn answer_later(&mut self, answers: Answers, answer: Answer) {
        self.later.push((answers, answer));
    }

    /// What is urgent has been saved, as far as it can be.
    pub(super) fn answer_now(&mut self) {
        for (answers, answer) in self.later.drain(..) {
            answers.send(answer);
        }
    }
}

/// For people: milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "people want to know when it was")]
pub(super) fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::HardwareId;

    fn panel() -> (Panel, Arc<AtomicU64>) {
        let counter = Arc::new(AtomicU64::new(0));
        let settings = Settings {
            base_topic: "toy2mqtt".to_owned(),
            discovery: true,
            privacy: Privacy::Open,
            cures: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        (Panel::new(settings, Arc::clone(&counter)), counter)
    }

    fn id(name: &str) -> ToyId {
        ToyId::of(&HardwareId::new(name))
    }

    #[test]
    fn what_came_before_a_stop_is_overtaken_and_nothing_else() {
        let (mut panel, counter) = panel();
        let (a, b) = (Target::Toy(id("a")), Target::Toy(id("b")));
        counter.store(5, Ordering::Relaxed);
        panel.stopped(&a, Instant::from_millis(1));
        assert!(panel.is_overtaken(&a, 5) && panel.is_overtaken(&Target::All, 5));
        assert!(!panel.is_overtaken(&a, 6) && !panel.is_overtaken(&b, 5));
        counter.store(9, Ordering::Relaxed);
        panel.stopped(&Target::All, Instant::from_millis(2));
        assert!(panel.is_overtaken(&b, 9) && !panel.is_overtaken(&b, 10));
        // Long after, nothing of it is kept.
        panel.stopped(&b, Instant::from_millis(60_000));
        assert_eq!(panel.stopped.len(), 1);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut panel, _) = panel();
        for number in 0..100 {
            panel.outcome(id("often"), "mqtt", &json!({ "number": number }));
        }
        let kept = panel.outcomes_of(id("often"));
        assert_eq!(kept.len(), OUTCOMES);
        assert_eq!(kept[0]["result"]["number"], 99);
        for number in 0..2 * TOYS {
            panel.outcome(id(&number.to_string()), "mqtt", &Value::Null);
        }
        assert_eq!(panel.outcomes.len(), TOYS);
        assert!(panel.outcomes_of(id("often")).is_empty());
        for _ in 0..2 * ACTIVITY {
            panel.happened("event", "", None, Value::Null);
        }
        assert_eq!(panel.activity.len(), ACTIVITY);
    }
}
