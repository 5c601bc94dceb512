//! A machine that goes to positions: what a stop and the end of the bridge do to it on its way.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Build;
use super::permits::{Permits, Taken};
use super::rig::wait;
use super::server::{Told, device};
use super::servers::Scene;
use crate::Failure;

/// The whole way takes this long.
const TRAVEL: u64 = 10_000;

/// What the README promises: a killed bridge moves nothing for longer than this.
const LEASE: Duration = Duration::from_secs(5);

/// Told to go all the way, and stopped after 1.5 s.
pub(super) async fn stopped(build: Build) -> Result<Duration, Failure> {
    let scene = on_its_way(build).await?;
    let mut permits = Permits::default();
    permits.allow(1);
    scene.client.publish("bench/bridge/stop", "").await?;
    permits.end();
    wait(TRAVEL).await;
    Ok(exceeded(&scene, &permits))
}

/// Told to go all the way, and the bridge is killed after 1.5 s.
pub(super) async fn killed(build: Build) -> Result<Duration, Failure> {
    let mut scene = on_its_way(build).await?;
    let mut permits = Permits::default();
    permits.allow(1);
    scene.bridge.kill()?;
    permits.allow_from(Instant::now() + LEASE, 0);
    wait(TRAVEL).await;
    Ok(exceeded(&scene, &permits))
}

async fn on_its_way(build: Build) -> Result<Scene, Failure> {
    let range = json!({"Value": [0, 100], "Duration": [0, 100_000]});
    let machine = device("Machine", &[("HwPositionWithDuration", range)]);
    let scene = Scene::set(build, &[machine], &format!("travel = \"{TRAVEL}ms\"\n")).await?;
    scene.tell("position/set", "0").await?;
    wait(TRAVEL + 500).await;
    scene.tell("position/set", "100").await?;
    wait(1_500).await;
    if moves(&scene.server.told())
        .last()
        .is_none_or(|last| last.0 < Instant::now())
    {
        return Err("the machine never went".into());
    }
    Ok(scene)
}

fn exceeded(scene: &Scene, permits: &Permits) -> Duration {
    // What moved before the stop was permitted.
    let from = permits.first().unwrap_or_else(Instant::now);
    let moves = moves(&scene.server.told());
    let at_first = moves.iter().rev().find(|taken| taken.0 <= from);
    let later = moves.iter().filter(|taken| taken.0 > from);
    let taken: Vec<Taken> = at_first
        .map(|taken| (from, taken.1))
        .into_iter()
        .chain(later.copied())
        .collect();
    permits.exceeded(&taken)
}

/// When a machine that was at 0 moves (1) and rests (0), by what it was told.
fn moves(told: &[Told]) -> Vec<Taken> {
    let mut moves: Vec<Taken> = Vec::new();
    // The way that it is on: from where and when, to where and when.
    let (mut from, mut start, mut goal, mut end) = (0.0, None::<Instant>, 0.0, None::<Instant>);
    let ways = told
        .iter()
        .filter(|told| told.output == "HwPositionWithDuration");
    for told in ways {
        let place = match (start, end) {
            (Some(start), Some(end)) if told.at < end => {
                let share = (told.at - start).as_secs_f64() / (end - start).as_secs_f64();
                from + (goal - from) * share
            }
            _ => goal,
        };
        // The way before this one ends here.
        moves.retain(|taken| taken.0 <= told.at);
        (from, goal) = (place, f64::from(told.value));
        (start, end) = (Some(told.at), Some(told.at + told.over));
        let goes = (goal - from).abs() >= 0.5;
        moves.push((told.at, u16::from(goes)));
        moves.push((told.at + told.over, 0));
    }
    moves
}
