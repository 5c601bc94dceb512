//! A stop of one toy, while levels are on their way to it.

use std::time::Duration;

use rumqttc::QoS;
use toy2mqtt::sim::Function;

use super::Build;
use super::permits::Permits;
use super::rig::{Rig, topic, vibrators, wait};
use crate::client::Client;
use crate::{Failure, client};

const TOYS: usize = 5;

/// Two for each toy.
const ROUNDS: usize = 10;

/// Levels in one burst.
const BURST: usize = 300;

/// One client sends a burst of levels, another one a stop right behind.
pub(super) async fn backlog(build: Build, at_least_once: bool) -> Result<Duration, Failure> {
    let rig = Rig::set(build, vibrators(TOYS), "").await?;
    let burst = Client::connect(rig.broker.port, "burst", &[]).await?;
    let qos = match at_least_once {
        true => QoS::AtLeastOnce,
        false => QoS::AtMostOnce,
    };
    let mut permits: Vec<Permits> = (0..TOYS).map(|_| Permits::default()).collect();
    for round in 0..ROUNDS {
        let toy = round % TOYS;
        permits[toy].allow(20);
        for write in 0..BURST {
            let level = (5 + write % 95).to_string();
            burst
                .send(&topic(toy, "vibrate/set"), &level, qos, false)
                .await?;
        }
        rig.tell(toy, "stop", "").await?;
        permits[toy].end();
        wait(1_200).await;
    }
    let each = permits.iter().enumerate();
    Ok(each
        .map(|(toy, permits)| rig.exceeded(toy, Function::Vibrate, permits))
        .sum())
}

/// A level every so many milliseconds, a stop, and the levels go on for less than the hold of a stop.
pub(super) async fn dragged(build: Build, every: u64) -> Result<Duration, Failure> {
    let rig = Rig::set(build, vibrators(3), "").await?;
    let mut unsafe_time = Duration::ZERO;
    for toy in 0..3 {
        let mut permits = Permits::default();
        permits.allow(20);
        let mut ticks = client::ticks(Duration::from_millis(every));
        let (before, after) = (1_500 / every, 1_600 / every);
        for write in 0..before + after {
            ticks.tick().await;
            if write == before {
                rig.tell(toy, "stop", "").await?;
                permits.end();
            }
            let level = (20 + write % 60).to_string();
            rig.tell(toy, "vibrate/set", &level).await?;
        }
        wait(700).await;
        unsafe_time += rig.exceeded(toy, Function::Vibrate, &permits);
        rig.tell(toy, "stop", "").await?;
    }
    Ok(unsafe_time)
}
