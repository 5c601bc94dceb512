//! Whatever goes wrong is over soon after its cause is: the toy does again what it is asked to.

use std::time::{Duration, Instant};

use super::scene::{Scene, TOYS, toy};
use super::{Part, apart};
use crate::Failure;
use crate::stats::{Samples, millis};
use crate::table::Row;

const ROUNDS: usize = 30;
const LIMIT: Duration = Duration::from_secs(5);
const TOY: &str = TOYS[0];

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Lost,
    Unnoticed,
    Away,
    Forgotten,
    ConnectFails,
    Unresolved,
    WritesFail,
    WritesSlow,
    AnswersLost,
    Off,
    Unplugged,
    Stalled,
    Daemon,
    Bus,
}

const FAULTS: [(Fault, &str); 14] = [
    (Fault::Lost, "link lost"),
    (
        Fault::Unnoticed,
        "link lost unnoticed (from the next write)",
    ),
    (Fault::Away, "toy out of reach"),
    (
        Fault::Forgotten,
        "toy forgotten by bluetoothd, its name late",
    ),
    (Fault::ConnectFails, "connections fail"),
    (Fault::Unresolved, "services never resolved"),
    (Fault::WritesFail, "writes fail"),
    (Fault::WritesSlow, "writes hang for 3 s each"),
    (Fault::AnswersLost, "answers lost"),
    (Fault::Off, "adapter off"),
    (Fault::Unplugged, "adapter unplugged"),
    (Fault::Stalled, "scanner stalled"),
    (Fault::Daemon, "bluetoothd restarted"),
    (Fault::Bus, "message bus restarted"),
];

pub(super) fn start() -> Result<Vec<Part>, Failure> {
    let parts = FAULTS.into_iter();
    parts
        .map(|(fault, name)| apart(move || measure(fault, name)))
        .collect()
}

async fn measure(fault: Fault, name: &str) -> Result<Row, Failure> {
    let mut scene = Scene::set(vec![toy(TOY)], Vec::new(), "").await?;
    let mut times = Samples::default();
    let mut why = String::new();
    for round in 0..ROUNDS {
        match recover(&mut scene, fault, round).await {
            Ok(time) => times.add(time),
            Err(error) => {
                why = format!("; {error}");
                break;
            }
        }
    }
    let p95 = times.percentile(95);
    Ok(Row::new(
        format!("{name}: recovered, p50 / p95 after the cause is gone"),
        format!(
            "{} of {ROUNDS}, {} / {}{why}",
            times.len(),
            millis(times.p50()),
            millis(p95)
        ),
        "–",
        format!("{ROUNDS} of {ROUNDS}, ≤ {}", millis(LIMIT)),
        times.len() == ROUNDS && p95 <= LIMIT,
    ))
}

/// One round: how long it took from the end of the cause until the toy did what it was asked to.
async fn recover(scene: &mut Scene, fault: Fault, round: usize) -> Result<Duration, Failure> {
    // Another moment of every period in each round.
    let hold = Duration::from_millis(500 + (round * 379 % 2_000) as u64);
    let before = scene.bluez.world().body(TOY).connections;
    begin(scene, fault);
    match fault {
        Fault::Lost | Fault::Unnoticed => {}
        Fault::Unresolved => {
            let connected = |world: &mut super::world::World| world.body(TOY).connections > before;
            scene.until("an attempt", connected).await?;
            tokio::time::sleep(hold).await;
        }
        Fault::WritesFail | Fault::WritesSlow | Fault::AnswersLost => {
            // Somebody notices.
            let topic = super::scene::topic(TOY, "vibrate/set");
            scene.client.publish(&topic, "50").await?;
            tokio::time::sleep(hold).await;
        }
        _ => tokio::time::sleep(hold).await,
    }
    let gone = end(scene, fault);
    let percent = 20 + (round % 2) as u64 * 20;
    let done = scene.drive(percent).await?;
    if scene.level() != if percent == 20 { 4 } else { 8 } {
        return Err("the toy does something else than it was asked to".into());
    }
    scene.rest().await?;
    Ok(done.saturating_duration_since(gone))
}

fn begin(scene: &mut Scene, fault: Fault) {
    let faults = &scene.bluez;
    match fault {
        Fault::Lost => {}
        Fault::Unnoticed => faults.faults(TOY, |faults| faults.dead = true),
        Fault::Away => faults.faults(TOY, |faults| faults.off_air = true),
        Fault::Forgotten => faults.faults(TOY, |faults| {
            faults.off_air = true;
            faults.late_name = true;
        }),
        Fault::ConnectFails => faults.faults(TOY, |faults| faults.connects_fail = u32::MAX),
        Fault::Unresolved => faults.faults(TOY, |faults| faults.unresolved = true),
        Fault::WritesFail => faults.faults(TOY, |faults| faults.writes_fail = u32::MAX),
        Fault::WritesSlow => {
            faults.faults(TOY, |faults| faults.slow_writes = Duration::from_secs(3));
        }
        Fault::AnswersLost => faults.faults(TOY, |faults| faults.answers_lost = u32::MAX),
        Fault::Off => scene.bluez.power(false),
        Fault::Unplugged => scene.bluez.plug(false),
        Fault::Stalled => scene.bluez.deafen(true),
        Fault::Daemon => scene.bluez.end(),
        Fault::Bus => {
            scene.bus.end();
            scene.bluez.end();
        }
    }
    let loses_it = matches!(
        fault,
        Fault::Lost
            | Fault::Away
            | Fault::Forgotten
            | Fault::ConnectFails
            | Fault::Unresolved
            | Fault::Stalled
    );
    if loses_it {
        scene.bluez.drop_link(TOY);
    }
    if matches!(fault, Fault::Forgotten) {
        scene.bluez.world().body(TOY).known = false;
    }
}

/// The cause is gone; since when.
fn end(scene: &mut Scene, fault: Fault) -> Instant {
    match fault {
        Fault::Lost | Fault::Unnoticed => {}
        Fault::Off => scene.bluez.power(true),
        Fault::Unplugged => scene.bluez.plug(true),
        Fault::Stalled => scene.bluez.deafen(false),
        Fault::Daemon => scene.bluez.restart(&scene.bus.address),
        Fault::Bus => {
            scene.bus.restart();
            scene.bluez.restart(&scene.bus.address);
        }
        _ => scene.bluez.faults(TOY, |faults| {
            faults.off_air = false;
            faults.connects_fail = 0;
            faults.unresolved = false;
            faults.writes_fail = 0;
            faults.slow_writes = Duration::ZERO;
            faults.answers_lost = 0;
        }),
    }
    Instant::now()
}
