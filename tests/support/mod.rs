//! What several test files use. Each compiles a copy of its own and uses a part of it.
#![allow(dead_code, reason = "most test binaries use a part of it")]
#![expect(unreachable_pub, reason = "every test binary has a copy of its own")]

pub mod certificates;
pub mod client;
pub mod flags;
pub mod mosquitto;
pub mod proxy;
pub mod websocket_toy;

use std::time::Duration;

/// The longest that anything in these tests may take. Reached only by failing.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for `what`, and fails if it takes longer than [`DEADLINE`].
pub async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, wait).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}
