//! Announces devices to Home Assistant, and takes back what is no longer true.
//!
//! Home Assistant has rules about time: of two different payloads for one device within a second,
//! the second may be processed only in part; a component has to be removed in two steps; and after
//! its birth it wants everything again, though not at once from everybody.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tracing::info;

use crate::domain::{BridgeView, Instant, ToyDescription, ToyId, ToyView};
use crate::engine::Engine;
use crate::hass::discovery::{self, Components, Context, Ours, Publication};
use crate::mqtt::{Message, Publisher, Rank};

use super::outlet::{Own, Settings};

/// The least time between two different payloads for one device.
const SETTLE: Duration = Duration::from_secs(1);

/// After Home Assistant's birth everything is repeated after this…
const BIRTH_DELAY: Duration = Duration::from_millis(500);
/// …plus up to this, at random, so that not all bridges of a house do it at once.
const BIRTH_JITTER: u64 = 2_500;

/// No more devices of others are looked at.
const MAX_FOREIGN: usize = 1_000;

/// What a toy's payload was made of.
#[derive(Clone)]
struct Basis {
    name: String,
    description: Arc<ToyDescription>,
    effects: Arc<[String]>,
}

impl Basis {
    fn of(view: &ToyView) -> Self {
        Self {
            name: view.name.clone(),
            description: Arc::clone(&view.description),
            effects: Arc::clone(&view.effects),
        }
    }

    fn fits(&self, view: &ToyView) -> bool {
        self.name == view.name
            && Arc::ptr_eq(&self.description, &view.description)
            && Arc::ptr_eq(&self.effects, &view.effects)
    }
}

/// A toy that is announced.
struct Announced {
    at: Instant,
    /// `None` if what is published is not what is wanted.
    basis: Option<Basis>,
    /// What Home Assistant was told to have.
    components: Components,
}

/// Publishes discovery.
pub(super) struct Announcer {
    /// `None` if nothing is to be announced.
    settings: Option<Settings>,
    announced: HashMap<ToyId, Announced>,
    /// What an earlier run announced of devices that are announced again.
    earlier: HashMap<Ours, Components>,
    /// What the entity ids of toys began with when they were announced first.
    entity_ids: HashMap<ToyId, String>,
    /// The id of each of their entities, by the component's key, as it was announced first.
    first_ids: HashMap<ToyId, BTreeMap<String, String>>,
    /// Toys whose entity ids the broker had kept: Home Assistant has these.
    kept: BTreeSet<ToyId>,
    /// Toys of which Home Assistant may have other entity ids than those proposed.
    differing: BTreeSet<ToyId>,
    /// The entity ids that others propose, by topic: other bridges, this one under another base topic.
    foreign: HashMap<String, BTreeSet<String>>,
    /// The bridge, as it was last announced, of what, and what is to be published of it later.
    bridge: Option<Publication>,
    bridge_view: BridgeView,
    bridge_ids: Option<String>,
    bridge_due: Option<Instant>,
    /// Toys to look at again, and when.
    due: BTreeMap<ToyId, Instant>,
    /// Toys of an earlier run that nobody has seen, and when they are to be removed.
    stale: BTreeMap<ToyId, Instant>,
    born_at: Option<Instant>,
}

impl Announcer {
    pub(super) fn new(settings: &Settings) -> Self {
        let announces = settings.discovery_prefix.is_some();
        Self {
            settings: announces.then(|| settings.clone()),
            announced: HashMap::new(),
            earlier: HashMap::new(),
            entity_ids: HashMap::new(),
            first_ids: HashMap::new(),
            kept: BTreeSet::new(),
            differing: BTreeSet::new(),
            foreign: HashMap::new(),
            bridge: None,
            bridge_view: BridgeView::default(),
            bridge_ids: None,
            bridge_due: None,
            due: BTreeMap::new(),
            stale: BTreeMap::new(),
            born_at: None,
        }
    }

    /// Announces a toy, if what is announced of it is not true any more.
    pub(super) fn toy(&mut self, now: Instant, view: &ToyView, publisher: &Publisher) {
        let Some(context) = self.settings.as_ref().map(context) else {
            return;
        };
        let known = self.announced.get(&view.id);
        let basis = known.and_then(|known| known.basis.as_ref());
        if basis.is_some_and(|basis| basis.fits(view)) {
            return;
        }
        if let Some(at) = known.map(|known| known.at)
            && now < at + SETTLE
        {
            self.due.insert(view.id, at + SETTLE);
            return;
        }
        let new = self.proposal(view, &context);
        // Also when that was only the first of two steps: what it brought may have to go again.
        let before = known.map(|known| known.components.clone());
        let earlier = self.earlier.remove(&Ours::Toy(view.id));
        let before: Components = before.into_iter().chain(earlier).flatten().collect();
        let remains = discovery::tombstone(&before, &new);
        self.publish(now, view, remains, &new, publisher);
    }

    /// What is announced of a toy, if anything is.
    pub(super) fn payload(&self, view: &ToyView) -> Option<Publication> {
        let context = context(self.settings.as_ref()?);
        Some(self.proposal(view, &context))
    }

    /// The payload of a toy, with the entity ids that it had when it was announced first, else with
    /// some that no other device proposes.
    fn proposal(&self, view: &ToyView, context: &Context<'_>) -> Publication {
        let told = self.entity_ids.get(&view.id).map(String::as_str);
        let mut new = discovery::toy(view, told, context);
        if told.is_some() {
            if let Some(first) = self.first_ids.get(&view.id) {
                discovery::keep_ids(&mut new, first, context);
            }
            if self.differing.contains(&view.id) {
                discovery::mark_differing(&mut new);
            }
            return new;
        }
        let is_taken = |first: &str, ids: &BTreeSet<String>| {
            let mut others = self.entity_ids.iter().filter(|(toy, _)| **toy != view.id);
            others.any(|(_, taken)| taken == first)
                || self.foreign.values().any(|taken| !taken.is_disjoint(ids))
        };
        match discovery::distinct(view.id, &new, is_taken) {
            Some(ids) => discovery::toy(view, Some(&ids), context),
            None => new,
        }
    }

    /// Publishes the remains of what has vanished, and the rest later; or all at once.
    fn publish(
        &mut self,
        now: Instant,
        view: &ToyView,
        remains: Option<Publication>,
        new: &Publication,
        publisher: &Publisher,
    ) {
        self.due.remove(&view.id);
        let components = discovery::components(&new.payload);
        if let Some(ids) = discovery::entity_ids_of(&new.payload) {
            let first = self.entity_ids.entry(view.id);
            first.or_insert_with(|| ids.to_owned());
            let first = self.first_ids.entry(view.id).or_default();
            for (key, id) in discovery::ids_by_component(&new.payload) {
                first.entry(key).or_insert(id);
            }
        }
        let basis = match remains {
            Some(remains) => {
                retain(&remains, publisher);
                self.due.insert(view.id, now + SETTLE);
                None
            }
            None => {
                retain(new, publisher);
                Some(Basis::of(view))
            }
        };
        let announced = Announced {
            at: now,
            basis,
            components,
        };
        self.announced.insert(view.id, announced);
    }

    /// Announces the bridge itself. What is announced of it does not change while it runs.
    pub(super) fn bridge(&mut self, view: &BridgeView, publisher: &Publisher) {
        if self.bridge.is_none() {
            self.bridge_view = view.clone();
            self.propose_bridge(publisher);
        }
    }

    fn propose_bridge(&mut self, publisher: &Publisher) {
        if let Some(settings) = &self.settings {
            let told = self.bridge_ids.as_deref();
            let new = discovery::bridge(&self.bridge_view, told, &context(settings));
            retain(&new, publisher);
            self.bridge = Some(new);
        }
    }

    /// Removes what an earlier run announced of the bridge, in two steps.
    fn tidy_bridge(&mut self, now: Instant, publisher: &Publisher) {
        self.bridge_due = None;
        let Some(new) = &self.bridge else { return };
        let earlier = self.earlier.remove(&Ours::Bridge).unwrap_or_default();
        match discovery::tombstone(&earlier, new) {
            Some(remains) => {
                retain(&remains, publisher);
                self.bridge_due = Some(now + SETTLE);
            }
            None => retain(new, publisher),
        }
    }

    /// Takes back the announcement of a toy.
    pub(super) fn forget(&mut self, toy: ToyId, publisher: &Publisher) {
        self.announced.remove(&toy);
        self.entity_ids.remove(&toy);
        self.first_ids.remove(&toy);
        self.kept.remove(&toy);
        self.differing.remove(&toy);
        self.due.remove(&toy);
        if let Some(settings) = &self.settings {
            publisher.remove(&context(settings).toy_topic(toy));
        }
    }

    /// Home Assistant has started. Several births close together count as one.
    pub(super) fn born(&mut self, now: Instant) {
        let jitter = RandomState::new().hash_one(now) % BIRTH_JITTER;
        let at = now + BIRTH_DELAY + Duration::from_millis(jitter);
        self.born_at.get_or_insert(at);
    }

    /// Does what has become due.
    pub(super) fn due(&mut self, now: Instant, engine: &Engine, publisher: &Publisher) {
        if self.born_at.is_some_and(|at| now >= at) {
            self.born_at = None;
            publisher.replay();
        }
        if self.bridge_due.is_some_and(|at| now >= at) {
            self.tidy_bridge(now, publisher);
        }
        while let Some(toy) = first_due(&self.due, now) {
            self.due.remove(&toy);
            if let Some(view) = engine.toy(toy) {
                self.toy(now, &view, publisher);
            }
        }
        while let Some(toy) = first_due(&self.stale, now) {
            self.stale.remove(&toy);
            if engine.description(toy).is_none()
                && let Some(settings) = &self.settings
            {
                info!("removing what an earlier run announced and nobody has seen since");
                self.entity_ids.remove(&toy);
                self.first_ids.remove(&toy);
                self.kept.remove(&toy);
                publisher.remove(&context(settings).toy_topic(toy));
                publisher.remove(&settings.topics.toy_state(toy));
                publisher.remove(&settings.topics.toy_availability(toy));
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let by_toy = self.due.values().chain(self.stale.values());
        let rest = self.born_at.iter().chain(&self.bridge_due);
        by_toy.chain(rest).min().copied()
    }

    /// Takes notice of a message on a discovery topic.
    pub(super) fn discovery_message(
        &mut self,
        now: Instant,
        message: &Message,
        engine: &Engine,
        publisher: &Publisher,
    ) -> Own {
        let Some(settings) = &self.settings else {
            return Own::No;
        };
        let context = context(settings);
        let Some(device) = device_of(&message.topic, context.discovery_prefix) else {
            return Own::No;
        };
        if message.payload.is_empty() {
            self.foreign.remove(&message.topic);
            return self.deleted(now, device, &message.topic, engine, publisher);
        }
        if !message.retained && publisher.wants(&message.topic) {
            // Our own, come back: Home Assistant has it, too.
            self.kept.extend(toy_of(device));
            return Own::Seen;
        }
        let payload: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
        let Some(ours) = discovery::whose(&message.topic, &payload, &context) else {
            if self.foreign.len() < MAX_FOREIGN {
                let ids = discovery::entity_ids(&payload);
                self.foreign.insert(message.topic.clone(), ids);
            }
            if message.retained {
                self.give_way(now, engine, publisher);
            }
            return Own::Seen;
        };
        if !message.retained {
            return Own::Seen;
        }
        let stale_at = now + settings.stale_after;
        let earlier = discovery::components(&payload);
        match ours {
            Ours::Toy(toy) => {
                if let Some(ids) = discovery::entity_ids_of(&payload) {
                    self.entity_ids.insert(toy, ids.to_owned());
                    let first = discovery::ids_by_component(&payload);
                    self.first_ids.insert(toy, first);
                    self.kept.insert(toy);
                    if discovery::differ_from_proposed(&payload) {
                        self.differing.insert(toy);
                    }
                    self.give_way(now, engine, publisher);
                }
                if engine.toy(toy).is_some() {
                    self.earlier.insert(ours, earlier);
                    // Home Assistant may be busy with what was published on connecting.
                    self.again(toy, now);
                } else {
                    self.stale.entry(toy).or_insert(stale_at);
                }
            }
            Ours::Bridge => {
                self.earlier.insert(ours, earlier);
                self.bridge_ids = discovery::entity_ids_of(&payload).map(str::to_owned);
                if self.bridge.is_some() {
                    self.propose_bridge(publisher);
                }
                self.bridge_due = Some(now + SETTLE);
            }
        }
        Own::Seen
    }

    /// Toys that were announced before the broker told what it had kept get other entity ids, if theirs
    /// turn out to be taken. Home Assistant has not heard of these toys yet.
    fn give_way(&mut self, now: Instant, engine: &Engine, publisher: &Publisher) {
        let new = |toy: &ToyId| !self.kept.contains(toy) && self.announced.contains_key(toy);
        let toys: Vec<ToyId> = self.entity_ids.keys().copied().filter(new).collect();
        for toy in toys {
            let Some(view) = engine.toy(toy) else {
                continue;
            };
            let before = self.entity_ids.remove(&toy);
            let ids = self.payload(&view).map(|new| new.payload);
            let ids = ids.as_ref().and_then(discovery::entity_ids_of);
            if ids == before.as_deref() {
                self.entity_ids.extend(before.map(|ids| (toy, ids)));
            } else {
                self.announced.remove(&toy);
                self.first_ids.remove(&toy);
                self.toy(now, &view, publisher);
            }
        }
    }

    /// A toy is to be announced again, when Home Assistant has settled.
    fn again(&mut self, toy: ToyId, now: Instant) {
        if let Some(known) = self.announced.get_mut(&toy) {
            known.basis = None;
            known.at = now;
        }
        self.due.insert(toy, now + SETTLE);
    }

    /// Somebody deleted a device: most likely the user, in Home Assistant.
    fn deleted(
        &mut self,
        now: Instant,
        device: &str,
        topic: &str,
        engine: &Engine,
        publisher: &Publisher,
    ) -> Own {
        if !publisher.wants(topic) {
            // Our own removal, come back.
            return Own::Seen;
        }
        let view = toy_of(device).and_then(|toy| engine.toy(toy));
        match view {
            Some(view) if !view.available => return Own::Forget(view.id),
            // It is here, so it comes back, with whatever Home Assistant remembers of it.
            Some(view) => {
                self.again(view.id, now);
                publisher.invalidate(topic);
            }
            None => publisher.repeat(topic),
        }
        Own::Seen
    }
}

fn context(settings: &Settings) -> Context<'_> {
    Context {
        discovery_prefix: settings.discovery_prefix.as_deref().unwrap_or_default(),
        topics: &settings.topics,
        version: env!("CARGO_PKG_VERSION"),
        privacy: settings.privacy,
        light: settings.light,
        support_url: env!("CARGO_PKG_REPOSITORY"),
        configuration_url: settings.page.as_deref(),
    }
}

fn retain(publication: &Publication, publisher: &Publisher) {
    let text = publication.text();
    publisher.retain(Rank::Config, &publication.topic, text.as_bytes());
}

fn device_of<'a>(topic: &'a str, prefix: &str) -> Option<&'a str> {
    let device = topic.strip_prefix(prefix)?.strip_prefix("/device/")?;
    device.strip_suffix("/config")
}

fn toy_of(device: &str) -> Option<ToyId> {
    let (_, digits) = device.rsplit_once("toy_")?;
    format!("toy_{digits}").parse().ok()
}

fn first_due(by_toy: &BTreeMap<ToyId, Instant>, now: Instant) -> Option<ToyId> {
    let mut due = by_toy.iter().filter(|(_, at)| **at <= now);
    due.next().map(|(toy, _)| *toy)
}

#[cfg(test)]
mod tests;
