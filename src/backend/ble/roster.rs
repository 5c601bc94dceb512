//! Which toys are ours, and when to listen for them. Pure: time is an argument.
//!
//! Bluetooth carries through walls, and anybody may connect to a toy that is not connected to
//! anything. So a toy that has never been here is taken only while somebody has asked for a search,
//! and then never again forgotten.

use std::collections::BTreeSet;
use std::time::Duration;

use super::options::{Options, ScanPolicy};
use crate::domain::Instant;

/// How long to listen without a pause after a toy was lost: it is likely to come back.
const BURST: Duration = Duration::from_secs(60);

/// How often to listen for toys that have been missing for longer…
const PERIOD: Duration = Duration::from_secs(30);

/// …and for how long each time. Toys advertise several times a second.
const WINDOW: Duration = Duration::from_secs(6);

/// Which toys are ours, which of them are here, and who has asked for a search.
#[derive(Clone, Debug)]
pub struct Roster {
    policy: ScanPolicy,
    allow: BTreeSet<String>,
    deny: BTreeSet<String>,
    known: BTreeSet<String>,
    /// Until when toys that are connected already are taken, whoever knows them.
    adopting: Option<Instant>,
    here: BTreeSet<String>,
    asked: bool,
    /// When a toy was lost last, or when it all began.
    lost: Instant,
}

impl Roster {
    /// Begins at `now`, with no toy here.
    #[must_use]
    pub fn new(options: &Options, now: Instant) -> Self {
        let known = options.known.union(&options.allow).cloned();
        Self {
            policy: options.scan,
            allow: options.allow.clone(),
            deny: options.deny.clone(),
            known: known.collect(),
            adopting: options.adopt.then(|| now + BURST),
            here: BTreeSet::new(),
            asked: false,
            lost: now,
        }
    }

    /// Whether the toy with this address is to be connected to. `connected` says that it is already,
    /// by us before a crash or by another program on this machine.
    #[must_use]
    pub fn admits(&self, address: &str, connected: bool, now: Instant) -> bool {
        if self.denies(address) {
            return false;
        }
        !self.allow.is_empty()
            || self.known.contains(address)
            || self.asked
            || self.policy == ScanPolicy::All
            || (connected && self.adopting.is_some_and(|until| now < until))
    }

    /// Whether it is never to be connected to.
    #[must_use]
    pub fn denies(&self, address: &str) -> bool {
        let left_out = !self.allow.is_empty() && !self.allow.contains(address);
        left_out || self.deny.contains(address)
    }

    /// Whether it has been here before.
    #[must_use]
    pub fn knows(&self, address: &str) -> bool {
        self.known.contains(address)
    }

    /// A toy has proved that it is one: it is known from now on.
    pub fn came(&mut self, address: &str) {
        self.known.insert(address.to_owned());
        self.here.insert(address.to_owned());
    }

    /// A toy has gone.
    pub fn went(&mut self, address: &str, now: Instant) {
        if self.here.remove(address) {
            self.lost = now;
        }
    }

    /// Somebody has asked for a search, or has ended it.
    pub fn search(&mut self, on: bool) {
        self.asked = on;
    }

    /// Whether to listen at `now`.
    #[must_use]
    pub fn listens(&self, now: Instant) -> bool {
        if self.asked {
            return true;
        }
        let missing = self
            .known
            .iter()
            .any(|address| !self.here.contains(address) && !self.denies(address));
        let since = now.since(self.lost);
        let burst = since < BURST;
        let now_and_then = since.as_millis() % PERIOD.as_millis() < WINDOW.as_millis();
        match self.policy {
            ScanPolicy::Asked => missing && burst && self.lost > Instant::START,
            ScanPolicy::Known => missing && (burst || now_and_then),
            ScanPolicy::All => (missing && burst) || now_and_then,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BackendId;

    const START: Instant = Instant::START;

    fn roster(policy: ScanPolicy, change: impl FnOnce(&mut Options)) -> Roster {
        let mut options = Options {
            scan: policy,
            ..Options::new(BackendId::new("ble"))
        };
        change(&mut options);
        Roster::new(&options, START)
    }

    fn set(addresses: &[&str]) -> BTreeSet<String> {
        addresses
            .iter()
            .map(|&address| address.to_owned())
            .collect()
    }

    /// The seconds of the first three minutes in which it listens.
    fn heard(roster: &Roster) -> usize {
        let at = |second: u64| Instant::from_millis(second * 1_000);
        (0..180)
            .filter(|&second| roster.listens(at(second)))
            .count()
    }

    #[test]
    fn a_strangers_toy_is_not_taken_unless_asked() {
        let mut known = roster(ScanPolicy::Known, |options| options.known = set(&["a"]));
        assert!(known.admits("a", false, START));
        assert!(!known.admits("b", false, START) && !known.admits("b", true, START));
        known.search(true);
        assert!(known.admits("b", false, START));
        known.came("b");
        known.search(false);
        assert!(known.admits("b", false, START) && !known.admits("c", false, START));
        assert!(roster(ScanPolicy::All, |_| ()).admits("x", false, START));
    }

    #[test]
    fn lists_come_before_everything_else() {
        let mut listed = roster(ScanPolicy::All, |options| {
            options.allow = set(&["a", "b"]);
            options.deny = set(&["b"]);
            options.known = set(&["c"]);
        });
        listed.search(true);
        let admitted = ["a", "b", "c", "d"].map(|address| listed.admits(address, true, START));
        assert_eq!(admitted, [true, false, false, false]);
        // What is allowed is looked for; what is denied is not missed.
        listed.search(false);
        listed.came("a");
        assert!(!listed.listens(Instant::from_millis(29_000)));
    }

    #[test]
    fn after_a_crash_whatever_is_connected_is_taken() {
        let crashed = roster(ScanPolicy::Known, |options| options.adopt = true);
        assert!(crashed.admits("a", true, START));
        assert!(!crashed.admits("a", false, START));
        // What another program connects later is that program's.
        assert!(!crashed.admits("a", true, START + BURST));
    }

    #[test]
    fn without_a_toy_to_look_for_nothing_is_scanned() {
        assert_eq!(heard(&roster(ScanPolicy::Known, |_| ())), 0);
        let mut known = roster(ScanPolicy::Known, |options| options.known = set(&["a"]));
        assert_eq!(heard(&known), 60 + 4 * 6);
        known.came("a");
        assert_eq!(heard(&known), 0);
        known.search(true);
        assert_eq!(heard(&known), 180);
        assert_eq!(heard(&roster(ScanPolicy::All, |_| ())), 6 * 6);
    }

    #[test]
    fn a_lost_toy_is_looked_for_at_once() {
        for policy in [ScanPolicy::Asked, ScanPolicy::Known, ScanPolicy::All] {
            let mut lost = roster(policy, |_| ());
            lost.came("a");
            let later = Instant::from_millis(100_000);
            lost.went("a", later);
            assert!(lost.listens(later), "{policy:?}");
        }
        let asked = roster(ScanPolicy::Asked, |options| options.known = set(&["a"]));
        assert_eq!(heard(&asked), 0);
    }
}
