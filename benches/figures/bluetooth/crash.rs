//! After a crash with a running toy: the next start stops it before anything else.

use std::time::{Duration, Instant};

use toy2mqtt::sim::text_toy::TextToySpec;

use super::bluez::Device;
use super::scene::{Scene, TOYS, toy};
use super::{Part, apart};
use crate::Failure;
use crate::stats::{Samples, millis};
use crate::table::Row;

const ROUNDS: usize = 30;
const LIMIT: Duration = Duration::from_secs(2);
const TOY: &str = TOYS[0];

pub(super) fn start() -> Result<Vec<Part>, Failure> {
    Ok(vec![
        apart(|| measure("exec", false))?,
        apart(|| measure("toy on the air again", true))?,
    ])
}

/// `away`: the connection is lost meanwhile, the toy runs on by itself, and comes within reach only
/// when the bridge has been back for a while.
async fn measure(from: &str, away: bool) -> Result<Row, Failure> {
    let runs_on = Device {
        toy: Some(TextToySpec {
            can_auto_stop: !away,
            ..toy(TOY).toy.ok_or("a toy")?
        }),
        ..toy(TOY)
    };
    let mut scene = Scene::set(vec![runs_on], Vec::new(), "").await?;
    let mut times = Samples::default();
    let mut first = 0;
    for round in 0..ROUNDS {
        scene.drive(60).await?;
        scene.bridge.kill()?;
        if away {
            scene.bluez.faults(TOY, |faults| faults.off_air = true);
            scene.bluez.drop_link(TOY);
        }
        if scene.level() == 0 {
            return Err("the toy stopped by itself".into());
        }
        let heard = scene.bluez.world().body(TOY).heard().len();
        scene.bridge.restart()?;
        let mut reachable = scene.bridge.started;
        if away {
            tokio::time::sleep(Duration::from_millis(500 + round as u64 * 50)).await;
            scene.bluez.faults(TOY, |faults| faults.off_air = false);
            reachable = Instant::now();
        }
        scene
            .until("its stop", |world| !world.body(TOY).runs())
            .await?;
        let mut world = scene.bluez.world();
        let toy = world.body(TOY).toy.as_ref().ok_or("a toy")?;
        let stopped = toy.changes().last().ok_or("it never ran")?.at;
        let said: Vec<_> = toy.heard()[heard..].iter().map(|it| &*it.command).collect();
        first += usize::from(said.starts_with(&["DeviceType", "Vibrate:0"]));
        times.add((world.start + stopped).saturating_duration_since(reachable));
    }
    Ok(Row::new(
        format!("SIGKILL with a running toy: {from} → its stop, p50 / max of {ROUNDS}"),
        format!(
            "{} / {}; the first command in {first} of {ROUNDS}",
            millis(times.p50()),
            millis(times.max())
        ),
        "–",
        format!("≤ {}, before all else", millis(LIMIT)),
        times.max() <= LIMIT && first == ROUNDS,
    ))
}
