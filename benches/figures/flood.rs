//! A thousand writes a second to one output, and drags of a slider that end at 0.

use std::time::{Duration, Instant};

use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppOptions, Spread};

use crate::stage::{App, Stage};
use crate::stats::{Samples, millis};
use crate::table::Row;
use crate::{Failure, client};

/// Long floods, one after the other, each of [`FLOOD`] writes one millisecond apart.
const FLOODS: usize = 5;
const FLOOD: usize = 5_000;

/// Short ones: rounds of drags on all toys at once, each of [`DRAG`] writes and a final 0.
const ROUNDS: usize = 200;
const TOYS: usize = 5;
const DRAG: usize = 60;

/// The last value has to be there long before.
const SETTLED: Duration = Duration::from_millis(400);

/// An app that answers in 25–55 ms: the toy takes a level after 10–30 ms, and the answer follows
/// after 15–25 ms more.
pub(crate) fn slow(mut options: AppOptions) -> AppOptions {
    options.faults.effect_latency = Spread::ms(10, 30);
    options.faults.answer_latency = Spread::ms(15, 25);
    options
}

#[derive(Default)]
struct Seen {
    /// From the last write to its effect.
    last: Samples,
    /// Runs that did not end at the last value.
    wrong: usize,
}

impl Seen {
    /// Judges a run whose last write was at `written` and said `level`.
    fn judge(&mut self, app: &App, toy: &str, level: u16, written: Instant) {
        let timeline = app.timeline(toy);
        if timeline.level(Function::Vibrate) != level {
            self.wrong += 1;
            return;
        }
        let last = timeline.of(Function::Vibrate).last();
        let taken = last.map_or(written, |change| app.instant(change.at));
        self.last.add(taken.saturating_duration_since(written));
    }
}

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let stage = Stage::set(slow(App::vibrators(TOYS)), "").await?;
    let (floods, rate) = long(&stage).await?;
    let drags = short(&stage).await?;
    let ids = stage.app.ids();
    let inversions: u64 = ids
        .iter()
        .map(|id| stage.app.timeline(id).inversions())
        .sum();
    let both = |seen: &Seen| format!("{} / {}", millis(seen.last.p50()), millis(seen.last.max()));
    let limit = Duration::from_millis(100);
    let drags_made = ROUNDS * TOYS;
    Ok(vec![
        Row::new(
            format!("1,000 writes/s for 5 s, {FLOODS} runs: POSTs/s to the toy"),
            format!("{rate:.1}"),
            "the app answers in 25–55 ms; peer: 1,000",
            "≤ 40",
            rate <= 40.0,
        ),
        Row::new(
            "its last value at the toy after the last write, p50 / max",
            both(&floods),
            "the toy takes it 10–30 ms after the request",
            "≤ 100 ms",
            floods.last.max() <= limit && floods.last.len() > 0,
        ),
        Row::new(
            "runs that end at another value",
            format!("{} of {FLOODS}", floods.wrong),
            "–",
            "0",
            floods.wrong == 0,
        ),
        Row::new(
            format!(
                "{drags_made} drags at 1,000 writes/s, {TOYS} toys at once: final 0, p50 / max"
            ),
            both(&drags),
            "–",
            "≤ 100 ms",
            drags.last.max() <= limit && drags.last.len() > 0,
        ),
        Row::new(
            "toys left running after a final 0",
            format!("{} of {drags_made}", drags.wrong),
            "peer: 3 of 4",
            "0",
            drags.wrong == 0,
        ),
        Row::new(
            "levels that overtook later ones",
            inversions.to_string(),
            "–",
            "0",
            inversions == 0,
        ),
    ])
}

/// Returns what was seen and the POSTs per second.
async fn long(stage: &Stage) -> Result<(Seen, f64), Failure> {
    let topic = format!("bench/{}/vibrate/set", App::toy(0));
    let id = &stage.app.ids()[0];
    let mut seen = Seen::default();
    let (mut posts, mut time) = (0, Duration::ZERO);
    for run in 0..FLOODS {
        let before = stage.app.counts().commands();
        let began = Instant::now();
        let mut ticks = client::ticks(Duration::from_millis(1));
        for write in 0..FLOOD {
            ticks.tick().await;
            let percent = 5 + write * 5 % 90;
            stage.client.publish(&topic, &percent.to_string()).await?;
        }
        ticks.tick().await;
        // Not among the others, and another one each time.
        let last = if run % 2 == 0 { 100 } else { 95 };
        let written = Instant::now();
        stage.client.publish(&topic, &last.to_string()).await?;
        time += began.elapsed();
        posts += stage.app.counts().commands() - before;
        tokio::time::sleep(SETTLED).await;
        seen.judge(&stage.app, id, last / 5, written);
    }
    stage.client.publish(&topic, "0").await?;
    tokio::time::sleep(SETTLED).await;
    Ok((seen, posts as f64 / time.as_secs_f64()))
}

async fn short(stage: &Stage) -> Result<Seen, Failure> {
    let ids = stage.app.ids();
    let topics: Vec<String> = (0..TOYS)
        .map(|toy| format!("bench/{}/vibrate/set", App::toy(toy)))
        .collect();
    let mut seen = Seen::default();
    for round in 0..ROUNDS {
        let mut ticks = client::ticks(Duration::from_millis(1));
        // Each round meets the pace at another phase.
        for write in 0..DRAG + round % 20 {
            ticks.tick().await;
            let percent = 5 + write * 5 % 95;
            for topic in &topics {
                stage.client.publish(topic, &percent.to_string()).await?;
            }
        }
        ticks.tick().await;
        let written = Instant::now();
        for topic in &topics {
            stage.client.publish(topic, "0").await?;
        }
        tokio::time::sleep(SETTLED / 2).await;
        for id in &ids {
            seen.judge(&stage.app, id, 0, written);
        }
    }
    Ok(seen)
}
