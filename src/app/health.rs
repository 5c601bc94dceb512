//! Counters and latencies of the running bridge.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::{ErrorCode, Instant, OpError};
use crate::web::metrics::{Figures, Histogram};

/// Percentiles are taken over this many of the newest requests.
const SAMPLES: usize = 1_024;

/// What is counted.
#[derive(Debug, Default)]
pub struct Health {
    received: u64,
    accepted: u64,
    rejected: BTreeMap<ErrorCode, u64>,
    latencies: VecDeque<Duration>,
    histogram: Histogram,
    ops: BTreeMap<&'static str, u64>,
    broker_connects: u64,
}

impl Health {
    /// A message came.
    pub fn received(&mut self) {
        self.received += 1;
    }

    /// A request was accepted by its toy, `latency` after it came.
    pub fn accepted(&mut self, latency: Duration) {
        self.accepted += 1;
        self.histogram.add(latency);
        if self.latencies.len() == SAMPLES {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
    }

    /// An operation ended.
    pub fn op(&mut self, result: &Result<(), OpError>) {
        let word = match result {
            Ok(()) => "ok",
            Err(error) => error.code().as_str(),
        };
        *self.ops.entry(word).or_default() += 1;
    }

    /// There is a connection to the broker (again).
    pub fn broker_up(&mut self) {
        self.broker_connects += 1;
    }

    /// What is counted here, for the metrics.
    #[must_use]
    pub fn figures(&self, now: Instant) -> Figures {
        let rejected = self.rejected.iter();
        Figures {
            ops: self
                .ops
                .iter()
                .map(|(word, count)| (*word, *count))
                .collect(),
            accepted: self.accepted,
            rejected: rejected
                .map(|(code, count)| (code.as_str(), *count))
                .collect(),
            latency: self.histogram.clone(),
            received: self.received,
            broker_connects: self.broker_connects,
            uptime: now.since_start(),
            resident_bytes: resident_kib().map(|kib| kib * 1_024),
            ..Figures::default()
        }
    }

    /// A request had no effect.
    pub fn rejected(&mut self, code: ErrorCode) {
        *self.rejected.entry(code).or_default() += 1;
    }

    /// The content of the health topic.
    #[must_use]
    pub fn to_json(&self, now: Instant, published: u64, dropped: u64) -> Value {
        let rejected: serde_json::Map<_, _> = self
            .rejected
            .iter()
            .map(|(code, count)| (code.as_str().to_owned(), json!(count)))
            .collect();
        json!({
            "uptime_s": now.since_start().as_secs(),
            "rss_kib": resident_kib(),
            "published": published,
            "dropped": dropped,
            "received": self.received,
            "accepted": self.accepted,
            "rejected": rejected,
            "latency_ms": {
                "p50": self.percentile(50),
                "p95": self.percentile(95),
                "p99": self.percentile(99),
            },
        })
    }

    /// Milliseconds; `None` before the first request.
    fn percentile(&self, percent: usize) -> Option<f64> {
        let mut sorted: Vec<_> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100);
        let latency = sorted.get(rank.checked_sub(1)?)?;
        Some((latency.as_secs_f64() * 1e5).round() / 100.0)
    }
}

/// Resident memory in KiB, where the system tells (`VmRSS` in proc(5)).
#[must_use]
pub fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_newest_requests() {
        let mut health = Health::default();
        assert_eq!(health.percentile(50), None);
        for _ in 0..SAMPLES {
            health.accepted(Duration::from_secs(9));
        }
        for millis in 1..=SAMPLES as u64 {
            health.accepted(Duration::from_millis(millis));
        }
        assert_eq!(health.percentile(50), Some(512.0));
        assert_eq!(health.percentile(99), Some(1_014.0));
    }
}
