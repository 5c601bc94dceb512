//! What happens in an app by itself: batteries drain, and lively toys are played with.
#![expect(
    clippy::disallowed_methods,
    reason = "the pauses between what people do are simulated"
)]

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::app::App;
use super::frames::{MotionSample, ToyEvent};
use super::toy::Toy;
use crate::domain::InputKind;
use crate::sim::rng::mix;

/// How often batteries are looked at, at most and at least.
const LOOK: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(1);

/// Drains batteries by one percent every `drain`, each toy at a moment of its own.
pub(super) async fn drain(app: Arc<App>, drain: Duration) {
    let drain = drain.max(Duration::from_millis(1));
    let mut look = tokio::time::interval(drain.clamp(*LOOK.start(), *LOOK.end()));
    loop {
        look.tick().await;
        let now = app.now();
        for toy in app.toys() {
            if let Some(percent) = percent_left(&toy, now, drain) {
                app.set_battery(&toy, percent);
            }
        }
    }
}

/// The new charge of a toy that has lost some.
fn percent_left(toy: &Toy, now: Duration, drain: Duration) -> Option<u8> {
    let mut card = toy.card();
    let first = || {
        let hash = toy
            .id
            .bytes()
            .fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
        now + drain.mul_f64((hash % 1_000 + 1) as f64 / 1_000.0)
    };
    let due = *card.drains_at.get_or_insert_with(first);
    if now < due {
        return None;
    }
    card.drains_at = Some(due.max(now.saturating_sub(drain)) + drain);
    // Somebody charges it before it is empty.
    card.connected
        .then(|| card.battery.saturating_sub(1).max(1))
}

/// Something a toy will do.
struct Planned {
    after: Duration,
    event: ToyEvent,
}

/// Lets toys do something by themselves now and then.
pub(super) async fn play(app: Arc<App>, pause: RangeInclusive<Duration>) {
    let millis = |duration: &Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    loop {
        let wait = app.rng.within(millis(pause.start())..=millis(pause.end()));
        tokio::time::sleep(Duration::from_millis(wait.max(1))).await;
        let toys = app.toys();
        let able: Vec<_> = toys
            .iter()
            .filter(|toy| toy.is_connected())
            .filter_map(|toy| Some((toy, scene(&app, toy)?)))
            .collect();
        let Some(last) = able.len().checked_sub(1) else {
            continue;
        };
        // As many as there are fit into memory.
        let (toy, scene) = &able[app.rng.within(0..=last as u64) as usize];
        for planned in scene {
            tokio::time::sleep(planned.after).await;
            app.tell(planned.event.frame(&toy.id));
        }
    }
}

/// A little scene that this toy can report; none if it reports nothing.
fn scene(app: &App, toy: &Toy) -> Option<Vec<Planned>> {
    let can = toy.model.inputs;
    let scenes: Vec<fn(&App) -> Vec<Planned>> = [
        (InputKind::Button, press as fn(&App) -> Vec<Planned>),
        (InputKind::Shake, shake),
        (InputKind::Depth, depth),
        (InputKind::Motion, motion),
    ]
    .into_iter()
    .filter(|(kind, _)| can.contains(kind))
    .map(|(_, scene)| scene)
    .collect();
    let last = scenes.len().checked_sub(1)?;
    Some(scenes[app.rng.within(0..=last as u64) as usize](app))
}

const fn after(millis: u64, event: ToyEvent) -> Planned {
    Planned {
        after: Duration::from_millis(millis),
        event,
    }
}

fn press(app: &App) -> Vec<Planned> {
    let held = app.rng.within(80..=400);
    vec![
        after(0, ToyEvent::ButtonDown(0)),
        after(held, ToyEvent::ButtonUp(0)),
        after(0, ToyEvent::ButtonPressed(0)),
    ]
}

fn shake(app: &App) -> Vec<Planned> {
    let mut scene = vec![after(0, ToyEvent::Shake)];
    let frequency = |_| {
        let frequency = app.rng.within(1..=8);
        after(200, ToyEvent::ShakeFrequency(frequency as f64))
    };
    scene.extend((0..4).map(frequency));
    scene.push(after(200, ToyEvent::ShakeFrequency(0.0)));
    scene
}

fn depth(app: &App) -> Vec<Planned> {
    let deepest = app.rng.within(5..=20);
    let way = (1..=deepest).chain((0..deepest).rev());
    way.map(|depth| after(100, ToyEvent::Depth(depth as f64)))
        .collect()
}

fn motion(app: &App) -> Vec<Planned> {
    let top = app.rng.within(40..=100) as f64;
    let frame = |frame: u32| {
        let samples = (0..5).map(|sample| {
            let phase = f64::from(frame * 5 + sample) / 25.0 * std::f64::consts::TAU;
            MotionSample {
                direction: u8::from(phase.sin() < 0.0),
                speed: (phase.sin().abs() * 60.0).round(),
                position: Some(((1.0 - phase.cos()) / 2.0 * top).round()),
            }
        });
        after(100, ToyEvent::Motion(samples.collect()))
    };
    (0..10).map(frame).collect()
}
