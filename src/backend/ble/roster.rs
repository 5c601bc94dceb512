//! Which toys are ours, and when to listen for them. Pure: time is an argument.
//!
//! Bluetooth carries through walls, and anybody may connect to a toy that is not connected to
//! anything. So a toy that has never been here is taken only while somebody has asked for a search,
//! and then never again forgotten.
//!
//! Toys are known by their hardware id; where they are on air is in [`Addresses`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::addresses::Addresses;
use super::options::{Options, ScanPolicy};
use crate::domain::Instant;

/// How long to listen without a pause after a toy was lost: it is likely to come back.
const BURST: Duration = Duration::from_secs(60);

/// How often to listen for toys that have been missing for longer…
const PERIOD: Duration = Duration::from_secs(30);

/// …and for how long each time. Toys advertise several times a second.
const WINDOW: Duration = Duration::from_secs(6);

/// A toy that has been listened for, all in all, for so long without being heard is missed: it is
/// off, away, or connected to something else. Shorter than a [`WINDOW`].
const UNHEARD: Duration = Duration::from_secs(5);

/// A toy that has refused this many connections in a row is missed as well.
const REFUSALS: u32 = 3;

/// A toy that is ours and not here.
#[derive(Clone, Copy, Debug, Default)]
struct Missing {
    unheard: Duration,
    refusals: u32,
    told: bool,
}

impl Missing {
    /// Whether it has just become one to tell of.
    fn is_news(&mut self) -> bool {
        let missed = self.unheard >= UNHEARD || self.refusals >= REFUSALS;
        missed && !std::mem::replace(&mut self.told, missed)
    }
}

/// Which toys are ours, which of them are here, and who has asked for a search.
#[derive(Clone, Debug)]
pub struct Roster {
    policy: ScanPolicy,
    allow: BTreeSet<String>,
    deny: BTreeSet<String>,
    /// Hardware ids.
    known: BTreeSet<String>,
    addresses: Addresses,
    /// Addresses on air of everything that looks like a toy.
    on_air: BTreeSet<String>,
    /// Until when toys that are connected already are taken, whoever knows them.
    adopting: Option<Instant>,
    /// Hardware ids.
    here: BTreeSet<String>,
    /// Those of them that tell the address of another toy.
    doubles: BTreeSet<String>,
    missing: BTreeMap<String, Missing>,
    asked: bool,
    /// When a toy was lost last, or when it all began.
    lost: Instant,
}

impl Roster {
    /// Begins at `now`, with no toy here and these addresses of toys that have been.
    #[must_use]
    pub fn new(options: &Options, addresses: Addresses, now: Instant) -> Self {
        let known = options.known.union(&options.allow);
        let known = known.map(|address| addresses.hardware(address).to_owned());
        Self {
            policy: options.scan,
            allow: options.allow.clone(),
            deny: options.deny.clone(),
            known: known.collect(),
            addresses,
            on_air: BTreeSet::new(),
            adopting: options.adopt.then(|| now + BURST),
            here: BTreeSet::new(),
            doubles: BTreeSet::new(),
            missing: BTreeMap::new(),
            asked: false,
            lost: now,
        }
    }

    /// Something that looks like a toy has this address on air.
    pub fn seen(&mut self, air: &str) {
        if !self.on_air.contains(air) {
            self.on_air.insert(air.to_owned());
        }
    }

    /// Whether the toy with this address on air is to be connected to. `connected` says that it is
    /// already, by us before a crash or by another program on this machine.
    #[must_use]
    pub fn admits(&self, air: &str, connected: bool, now: Instant) -> bool {
        let hardware = self.addresses.hardware(air);
        if self.is_in(&self.deny, hardware) {
            return false;
        }
        if !self.allow.is_empty() {
            // The address that a toy tells is not known before it is asked.
            let may_be_allowed = self.asked && !self.addresses.has_met(air) && self.lacks_allowed();
            return self.is_in(&self.allow, hardware) || may_be_allowed;
        }
        self.known.contains(hardware)
            || self.asked
            || self.policy == ScanPolicy::All
            || (connected && self.adopting.is_some_and(|until| now < until))
    }

    /// The hardware id of the toy at `air` that tells the address `told`, from now on, and whether that
    /// is to be saved; none if the settings keep the toy out.
    pub fn identify(&mut self, air: &str, told: &str) -> Option<(String, bool)> {
        let on_air = |address: &str| self.on_air.contains(address);
        let hardware = self.addresses.identify(air, told, on_air);
        let is_in = |list: &BTreeSet<String>| list.contains(air) || list.contains(&hardware);
        let denied = is_in(&self.deny) || self.deny.contains(told);
        if denied || !(self.allow.is_empty() || is_in(&self.allow)) {
            return None;
        }
        let is_new = self.addresses.note(air, &hardware);
        if air != hardware && self.addresses.on_air(air).is_none() {
            // It may be in the settings by its address on air: it is one toy.
            self.known.remove(air);
            self.missing.remove(air);
        }
        Some((hardware, is_new))
    }

    /// What is to be saved.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// Whether the toy is in the list, by its hardware id or by its address on air.
    fn is_in(&self, list: &BTreeSet<String>, hardware: &str) -> bool {
        let air = self.addresses.on_air(hardware);
        list.contains(hardware) || air.is_some_and(|air| list.contains(air))
    }

    /// Whether a toy is allowed that has never been here.
    fn lacks_allowed(&self) -> bool {
        let met = |it| self.addresses.has_met(it) || self.addresses.on_air(it).is_some();
        self.allow.difference(&self.deny).any(|it| !met(it))
    }

    /// Whether the toy is never to be connected to.
    fn denies(&self, hardware: &str) -> bool {
        let left_out = !self.allow.is_empty() && !self.is_in(&self.allow, hardware);
        left_out || self.is_in(&self.deny, hardware)
    }

    /// The hardware id of the toy with this address on air, as far as is known.
    #[must_use]
    pub fn hardware(&self, air: &str) -> String {
        self.addresses.hardware(air).to_owned()
    }

    /// Whether the toy with this address on air has been here before.
    #[must_use]
    pub fn knows(&self, air: &str) -> bool {
        self.known.contains(self.addresses.hardware(air))
    }

    /// The toy with this hardware id, which tells the address `told`, has proved that it is one: it is
    /// known from now on.
    pub fn came(&mut self, hardware: &str, told: &str) {
        self.known.insert(hardware.to_owned());
        self.here.insert(hardware.to_owned());
        self.missing.remove(hardware);
        let is_anothers = self
            .addresses
            .on_air(told)
            .is_some_and(|air| self.addresses.hardware(air) != hardware);
        if is_anothers || (told != hardware && self.on_air.contains(told)) {
            self.doubles.insert(hardware.to_owned());
        }
    }

    /// How many toys are here that tell the address of another one.
    #[must_use]
    pub fn doubles(&self) -> usize {
        self.doubles.len()
    }

    /// A toy was heard.
    pub fn heard(&mut self, air: &str) {
        if let Some(missing) = self.missing.get_mut(self.addresses.hardware(air)) {
            missing.unheard = Duration::ZERO;
        }
    }

    /// A toy was heard and did not let itself be connected to. Its hardware id, if it is missed from
    /// now on.
    pub fn refused(&mut self, air: &str) -> Option<String> {
        let hardware = self.hardware(air);
        if !self.known.contains(&hardware) {
            return None;
        }
        let missing = self.missing.entry(hardware.clone()).or_default();
        missing.refusals += 1;
        missing.is_news().then_some(hardware)
    }

    /// It was listened for so much longer. The hardware ids of the toys that are missed from now on.
    pub fn listened(&mut self, more: Duration) -> Vec<String> {
        let missing = self.known.iter();
        let missing = missing.filter(|it| !self.here.contains(*it) && !self.denies(it));
        let missing: Vec<String> = missing.cloned().collect();
        let missed = missing.into_iter().filter(|hardware| {
            let missing = self.missing.entry(hardware.clone()).or_default();
            missing.unheard += more;
            missing.is_news()
        });
        missed.collect()
    }

    /// Nobody can tell any more who is missing. The toys that were missed until now.
    pub fn forget_missing(&mut self) -> Vec<String> {
        let missing = std::mem::take(&mut self.missing).into_iter();
        let told = missing.filter(|(_, missing)| missing.told);
        told.map(|(hardware, _)| hardware).collect()
    }

    /// The toy with this hardware id has gone.
    pub fn went(&mut self, hardware: &str, now: Instant) {
        self.doubles.remove(hardware);
        if self.here.remove(hardware) {
            self.lost = now;
        }
    }

    /// Somebody has asked for a search, or has ended it.
    pub fn search(&mut self, on: bool) {
        self.asked = on;
    }

    /// Whether somebody searches and no toy is here, so that a silent adapter is worth a word.
    #[must_use]
    pub fn is_searched_in_vain(&self) -> bool {
        self.asked && self.here.is_empty()
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
            .any(|hardware| !self.here.contains(hardware) && !self.denies(hardware));
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
        Roster::new(&options, Addresses::default(), START)
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
        known.came("b", "b");
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
        assert_eq!(listed.identify("a", "a"), Some(("a".to_owned(), true)));
        assert_eq!(listed.identify("b", "b"), None);
        listed.came("a", "a");
        listed.search(true);
        let admitted = ["a", "b", "c", "d"].map(|address| listed.admits(address, true, START));
        assert_eq!(admitted, [true, false, false, false]);
        // What is allowed is looked for; what is denied is not missed.
        listed.search(false);
        assert!(!listed.listens(Instant::from_millis(29_000)));
    }

    #[test]
    fn a_toy_is_allowed_and_denied_by_either_address() {
        let is_allowed = |list: &[&str], told: &str| {
            let mut roster = roster(ScanPolicy::Known, |options| options.allow = set(list));
            let without_search = roster.admits("air", false, START);
            roster.search(true);
            let searched = roster.admits("air", false, START);
            let id = roster.identify("air", told).map(|(id, _)| id);
            roster.search(false);
            (
                without_search,
                searched,
                id.is_some(),
                roster.admits("air", false, START),
            )
        };
        assert_eq!(is_allowed(&["air"], "told"), (true, true, true, true));
        // Only a search finds out which toy tells this address.
        assert_eq!(is_allowed(&["told"], "told"), (false, true, true, true));
        assert_eq!(is_allowed(&["told"], "other"), (false, true, false, false));

        let mut denied = roster(ScanPolicy::All, |options| options.deny = set(&["told"]));
        assert!(denied.admits("air", false, START));
        assert_eq!(denied.identify("air", "told"), None);
        assert!(denied.identify("air", "other").is_some());
    }

    #[test]
    fn once_all_that_are_allowed_have_been_met_no_other_toy_is_asked() {
        let mut listed = roster(ScanPolicy::Known, |options| options.allow = set(&["told"]));
        listed.search(true);
        assert!(listed.admits("neighbour", false, START));
        assert!(listed.identify("air", "told").is_some());
        assert!(!listed.admits("neighbour", false, START));
    }

    #[test]
    fn a_toy_that_is_here_is_not_missed_at_its_other_address() {
        let mut one = roster(ScanPolicy::Known, |options| {
            options.known = set(&["told"]);
            options.allow = set(&["air"]);
        });
        let (id, _) = one.identify("air", "told").expect("allowed");
        one.came(&id, "told");
        assert_eq!((id.as_str(), one.doubles()), ("told", 0));
        assert!(!one.listens(Instant::from_millis(1_000)));
        assert!(one.listened(Duration::from_secs(60)).is_empty());
        one.went("told", START);
        assert_eq!(one.listened(Duration::from_secs(60)), ["told"]);
        assert_eq!(one.identify("air2", "told"), None, "not in the list");
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
        known.came("a", "a");
        assert_eq!(heard(&known), 0);
        known.search(true);
        assert_eq!(heard(&known), 180);
        assert_eq!(heard(&roster(ScanPolicy::All, |_| ())), 6 * 6);
    }

    #[test]
    fn a_toy_that_is_not_heard_or_refuses_is_missed_once() {
        let second = Duration::from_secs(1);
        let mut roster = roster(ScanPolicy::Known, |options| {
            options.known = set(&["a", "b", "c"]);
            options.deny = set(&["c"]);
        });
        roster.came("b", "b");
        let missed: Vec<_> = (0..20)
            .map(|beat| {
                if beat == 3 {
                    roster.heard("a");
                }
                roster.listened(second)
            })
            .collect();
        assert_eq!(missed[7], ["a"]);
        assert_eq!(missed.concat(), ["a"]);
        roster.came("a", "a");
        assert!(roster.forget_missing().is_empty());
        roster.went("a", Instant::START);
        assert_eq!(
            [(); 4].map(|()| roster.refused("a")),
            [None, None, Some("a".to_owned()), None]
        );
        assert_eq!(roster.forget_missing(), ["a"]);
        assert_eq!(roster.refused("stranger"), None);
    }

    #[test]
    fn a_lost_toy_is_looked_for_at_once() {
        for policy in [ScanPolicy::Asked, ScanPolicy::Known, ScanPolicy::All] {
            let mut lost = roster(policy, |_| ());
            lost.came("a", "a");
            let later = Instant::from_millis(100_000);
            lost.went("a", later);
            assert!(lost.listens(later), "{policy:?}");
        }
        let asked = roster(ScanPolicy::Asked, |options| options.known = set(&["a"]));
        assert_eq!(heard(&asked), 0);
    }
}
