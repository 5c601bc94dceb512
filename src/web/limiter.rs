//! Bounds wrong tokens. A right one is never counted and never waits.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Wrong tokens from one network within [`WINDOW`] before it is told to wait.
const TRIES: u32 = 5;

/// Wrong tokens from everywhere within [`WINDOW`].
const TRIES_OF_ALL: u32 = 60;

/// How long a wrong token counts.
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are told apart. Beyond that, only the bound for all together holds.
const ADDRESSES: usize = 1_024;

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Instant,
    failures: u32,
}

impl Window {
    fn new(now: Instant) -> Self {
        Self {
            since: now,
            failures: 0,
        }
    }

    fn left(&self, now: Instant) -> Option<Duration> {
        WINDOW
            .checked_sub(now.saturating_duration_since(self.since))
            .filter(|left| !left.is_zero())
    }
}

/// Counts wrong tokens.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    by_address: HashMap<IpAddr, Window>,
    all: Option<Window>,
}

impl Limiter {
    /// How many seconds a peer with a wrong token has to wait, if it has to.
    pub(super) fn wait(&self, peer: IpAddr, now: Instant) -> Option<u64> {
        let blocked = |window: Option<&Window>, most: u32| {
            let window = window.filter(|window| window.failures >= most)?;
            window.left(now).map(|left| left.as_secs() + 1)
        };
        blocked(self.by_address.get(&network(peer)), TRIES)
            .or_else(|| blocked(self.all.as_ref(), TRIES_OF_ALL))
    }

    /// A wrong token came from this address.
    pub(super) fn failed(&mut self, peer: IpAddr, now: Instant) {
        let count = |window: &mut Window| {
            if window.left(now).is_none() {
                *window = Window::new(now);
            }
            window.failures += 1;
        };
        count(self.all.get_or_insert_with(|| Window::new(now)));
        if self.by_address.len() >= ADDRESSES {
            self.by_address
                .retain(|_, window| window.left(now).is_some());
        }
        let known = self.by_address.contains_key(&network(peer));
        if known || self.by_address.len() < ADDRESSES {
            let fresh = Window::new(now);
            count(self.by_address.entry(network(peer)).or_insert(fresh));
        }
    }
}

/// What is counted as one peer: with an IPv6 address come the 2⁶⁴ of its network.
pub(super) fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_that_guesses_waits_and_others_do_not() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        for _ in 0..TRIES {
            assert_eq!(limiter.wait(peer("10.0.0.1"), now), None);
            limiter.failed(peer("::ffff:10.0.0.1"), now);
        }
        assert!(limiter.wait(peer("10.0.0.1"), now).is_some());
        assert_eq!(limiter.wait(peer("10.0.0.2"), now), None);
        assert_eq!(limiter.wait(peer("10.0.0.1"), now + WINDOW), None);
        limiter.failed(peer("10.0.0.1"), now + WINDOW);
        assert_eq!(limiter.wait(peer("10.0.0.1"), now + WINDOW), None);
    }

    #[test]
    fn changing_addresses_helps_nobody_for_long() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        for number in 0..TRIES {
            limiter.failed(peer(&format!("2001:db8::{number:x}")), now);
        }
        assert!(limiter.wait(peer("2001:db8::ffff"), now).is_some());
        for number in 0..=2 * ADDRESSES {
            let [.., high, low] = (number as u32).to_be_bytes();
            limiter.failed(IpAddr::from([10, 1, high, low]), now);
        }
        assert!(limiter.wait(peer("192.0.2.1"), now).is_some());
        assert!(limiter.by_address.len() <= ADDRESSES);
    }
}
