//! From the publish of a write to the toy's characteristic, beside a bare write.

use std::time::{Duration, Instant};

use super::bare::Bare;
use super::scene::{Scene, TOYS, topic, toy};
use crate::Failure;
use crate::stats::{Samples, millis};
use crate::table::Row;

const SAMPLES: usize = 600;

/// The first ones warm up connections and caches.
const WARM_UP: usize = 80;

/// Enough that each is written to more slowly than its pace, so it is idle whenever it is written to.
const DRIVEN: usize = 9;

/// After a write: its answer, and whatever follows, is over.
const PAUSE: Duration = Duration::from_millis(18);

/// What the bridge may take beyond a bare write.
const MORE: Duration = Duration::from_millis(2);

pub(super) async fn measure() -> Result<Vec<Row>, Failure> {
    let (driven, bare) = (&TOYS[..DRIVEN], TOYS[DRIVEN]);
    let settings = format!("deny = [\"{bare}\"]");
    let toys = driven.iter().map(|address| toy(address)).collect();
    let scene = Scene::set(toys, vec![toy(bare)], &settings).await?;
    scene
        .until("the toy of the bare writer", |world| world.body(bare).known)
        .await?;
    let mut writer = Bare::start(&scene.bus.address, bare).await?;
    let (mut writes, mut floor) = <(Samples, Samples)>::default();
    for sample in 0..WARM_UP + SAMPLES {
        let level = 1 + (sample / DRIVEN) % 20;
        let address = driven[sample % DRIVEN];
        let command = format!("Vibrate:{level}");
        let percent = (level * 5).to_string();

        let began = Instant::now();
        let topic = topic(address, "vibrate/set");
        scene.client.publish(&topic, &percent).await?;
        tokio::time::sleep(PAUSE).await;
        let write = taken(&scene, address, &command).await? - began;

        let other = format!("Vibrate:{}", 1 + sample % 20);
        let began = writer.write(&format!("{other};")).await?;
        tokio::time::sleep(PAUSE).await;
        let bare = taken(&scene, bare, &other).await? - began;
        if sample >= WARM_UP {
            writes.add(write);
            floor.add(bare);
        }
    }
    let more = writes.p50().saturating_sub(floor.p50());
    Ok(vec![
        Row::new(
            format!(
                "MQTT write → characteristic of an idle toy, p50 of {}",
                writes.len()
            ),
            format!(
                "{} ({} above a bare write)",
                millis(writes.p50()),
                millis(more)
            ),
            format!("bare btleplug write {}", millis(floor.p50())),
            format!("≤ {} above", millis(MORE)),
            more <= MORE && writes.len() > 0,
        ),
        Row::note(
            "the same, p99",
            format!(
                "{} (bare: {})",
                millis(writes.percentile(99)),
                millis(floor.percentile(99))
            ),
        ),
    ])
}

/// When the toy was last told this, waiting for it if it has not been yet.
async fn taken(scene: &Scene, address: &str, command: &str) -> Result<Instant, Failure> {
    let mut at = None;
    scene
        .until("a write at the toy", |world| {
            let toy = world.body(address).toy.as_ref();
            let heard = toy.and_then(|toy| toy.heard().last());
            let found = heard.filter(|heard| heard.command == command);
            at = found.map(|heard| heard.at).map(|at| world.start + at);
            at.is_some()
        })
        .await?;
    at.ok_or_else(|| "not heard".into())
}
