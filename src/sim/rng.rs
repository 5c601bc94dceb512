//! Pseudo-random numbers that come out the same for the same seed.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

/// SplitMix64 (Steele, Lea and Flood, 2014): a counter and a mixing function, so that many
/// threads may draw from one without a lock.
#[derive(Debug)]
pub(crate) struct Rng(AtomicU64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes one number into another that looks unrelated to it.
pub(crate) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        let before = self.0.fetch_add(GOLDEN, Ordering::Relaxed);
        mix(before.wrapping_add(GOLDEN))
    }

    /// A number in `range`; its start if the range is empty.
    pub(crate) fn within(&self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        match high.checked_sub(low).and_then(|span| span.checked_add(1)) {
            Some(span) => low + self.next() % span,
            // Empty, or all of u64.
            None if high < low => low,
            None => self.next(),
        }
    }

    /// Whether something of `percent` percent probability happens.
    pub(crate) fn happens(&self, percent: u8) -> bool {
        percent > 0 && self.within(1..=100) <= u64::from(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = |seed| {
            let rng = Rng::new(seed);
            [rng.next(), rng.next(), rng.within(3..=5)]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7)[0], draw(8)[0]);
    }

    #[test]
    fn odd_ranges_do_no_harm() {
        let rng = Rng::new(1);
        for _ in 0..100 {
            assert!((3..=5).contains(&rng.within(3..=5)));
        }
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is tested")]
        let reversed = 5..=3;
        assert_eq!(rng.within(reversed), 5);
        rng.within(0..=u64::MAX);
        assert!(rng.happens(100) && !rng.happens(0));
    }
}
