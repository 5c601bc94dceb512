//! How many connections the panel holds, and which of them give way to a stop.
//!
//! Connections are counted before a token can be read, so that they can be held by strangers. Beyond
//! the places for everything there are some for stops alone: each serves one request, has to be quick,
//! and gives way to the next connection when all of them are taken.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::limiter::network;

/// The most connections at a time that may ask for anything.
const CONNECTIONS: usize = 128;

/// The most of them of one network. A browser opens six, and with ingress all browsers have one
/// address.
const CONNECTIONS_EACH: usize = 64;

/// Connections beyond those, which may only stop.
const RESERVED: usize = 32;

/// All connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    held: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    network: IpAddr,
    reserve: Option<Reserve>,
    life: CancellationToken,
}

/// Marks a connection, and its requests, as one that may only stop.
#[derive(Clone, Debug, Default)]
pub(super) struct Reserve(Arc<AtomicBool>);

impl Reserve {
    /// Its request was let in: the connection gives way after all others.
    pub(super) fn let_in(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_let_in(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// One connection; counts as long as it lives.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    number: u64,
    /// Set if it may only stop.
    pub(super) reserve: Option<Reserve>,
    /// Cancelled when it has to give way.
    pub(super) life: CancellationToken,
}

impl Places {
    fn table(&self) -> MutexGuard<'_, Table> {
        // Each change of the table is whole, also after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from this address.
    pub(super) fn take(&self, peer: IpAddr) -> Place {
        let mut table = self.table();
        let network = network(peer);
        let reserve = (!table.has_room(network)).then(Reserve::default);
        if reserve.is_some() {
            table.make_room();
        }
        let number = table.next;
        table.next += 1;
        let life = CancellationToken::new();
        let held = Held {
            network,
            reserve: reserve.clone(),
            life: life.clone(),
        };
        table.held.insert(number, held);
        Place {
            places: self.clone(),
            number,
            reserve,
            life,
        }
    }
}

impl Table {
    /// Whether one more connection of this network may ask for anything.
    fn has_room(&self, network: IpAddr) -> bool {
        let general = || self.held.values().filter(|held| held.reserve.is_none());
        let own = general().filter(|held| held.network == network).count();
        general().count() < CONNECTIONS && own < CONNECTIONS_EACH
    }

    /// Ends a reserved connection if all of them are taken: first one without a token, then one of the
    /// network that holds most of them, then the oldest.
    fn make_room(&mut self) {
        let reserved = || {
            let held = self.held.iter();
            held.filter_map(|(number, held)| Some((number, held, held.reserve.as_ref()?)))
        };
        if reserved().count() < RESERVED {
            return;
        }
        let of = |network| {
            let same = reserved().filter(|(_, held, _)| held.network == network);
            same.count()
        };
        let last = reserved().min_by_key(|(number, held, reserve)| {
            (reserve.is_let_in(), Reverse(of(held.network)), **number)
        });
        if let Some(number) = last.map(|(number, ..)| *number)
            && let Some(held) = self.held.remove(&number)
        {
            held.life.cancel();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.table().held.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn take(places: &Places, from: &str, count: usize) -> Vec<Place> {
        (0..count).map(|_| places.take(peer(from))).collect()
    }

    #[test]
    fn a_network_gets_no_more_for_having_many_addresses() {
        let places = Places::default();
        let held: Vec<Place> = (0..CONNECTIONS_EACH)
            .map(|number| places.take(peer(&format!("2001:db8::{number:x}"))))
            .collect();
        assert!(held.iter().all(|place| place.reserve.is_none()));
        assert!(places.take(peer("2001:db8::ffff")).reserve.is_some());
        assert!(places.take(peer("2001:db8:0:1::1")).reserve.is_none());
        drop(held);
        assert!(places.take(peer("2001:db8::ffff")).reserve.is_none());
    }

    #[test]
    fn there_is_always_a_place_for_a_stop_and_strangers_give_way() {
        let places = Places::default();
        let _one = take(&places, "10.0.0.1", CONNECTIONS_EACH);
        let _two = take(&places, "10.0.0.2", CONNECTIONS_EACH);
        let owner = places.take(peer("10.0.0.9"));
        owner.reserve.as_ref().expect("reserved").let_in();
        let other = places.take(peer("10.0.0.8"));
        let flood = take(&places, "10.0.0.1", 3 * RESERVED);
        assert!(flood.iter().all(|place| place.reserve.is_some()));
        let alive = flood.iter().filter(|place| !place.life.is_cancelled());
        assert_eq!(alive.count(), RESERVED - 2);
        assert!(flood.last().is_some_and(|last| !last.life.is_cancelled()));
        assert!(!owner.life.is_cancelled() && !other.life.is_cancelled());
        // Even if all others were let in, the next connection gets a place.
        for place in &flood {
            place.reserve.as_ref().expect("reserved").let_in();
        }
        let last = places.take(peer("10.0.0.7"));
        assert!(other.life.is_cancelled() && !owner.life.is_cancelled());
        drop((owner, other, flood));
        assert!(!last.life.is_cancelled());
        assert_eq!(places.table().held.len(), CONNECTIONS + 1);
    }
}
