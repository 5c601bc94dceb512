//! A stop of everything in the middle of a flood.

use std::time::{Duration, Instant};

use toy2mqtt::sim::Function;

use crate::flood::slow;
use crate::stage::{App, Stage};
use crate::stats::{Samples, millis};
use crate::table::Row;
use crate::{Failure, client};

const TOYS: usize = 10;
const RUNS: usize = 10;

/// The app's answer takes no longer.
const ROUND_TRIP: Duration = Duration::from_millis(55);
const MARGIN: Duration = Duration::from_millis(50);

/// The flood before the stop, and how long it goes on after it.
const BEFORE: usize = 400;
const AFTER: usize = 300;

/// Until levels are obeyed again after a stop of everything.
const HOLD: Duration = Duration::from_millis(2_300);

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let stage = Stage::set(slow(App::vibrators(TOYS)), "").await?;
    let ids = stage.app.ids();
    let topics: Vec<String> = (0..TOYS)
        .map(|toy| format!("bench/{}/vibrate/set", App::toy(toy)))
        .collect();
    let limit = ROUND_TRIP + MARGIN;
    let mut slowest = Samples::default();
    let mut late = 0;
    let mut idle = 0;
    for _ in 0..RUNS {
        let mut ticks = client::ticks(Duration::from_millis(1));
        let mut stopped = Instant::now();
        for write in 0..BEFORE + AFTER {
            ticks.tick().await;
            if write == BEFORE {
                stopped = Instant::now();
                stage.client.publish("bench/bridge/stop", "").await?;
            }
            let percent = (5 + write * 5 % 95).to_string();
            // A thousand a second to the first, a tenth of that to each of the others.
            stage.client.publish(&topics[0], &percent).await?;
            let other = 1 + write % 10;
            if other < TOYS {
                stage.client.publish(&topics[other], &percent).await?;
            }
        }
        tokio::time::sleep(HOLD - Duration::from_millis(AFTER as u64)).await;
        let from = stage.app.since_start(stopped);
        let mut last = Duration::ZERO;
        for id in &ids {
            let timeline = stage.app.timeline(id);
            if timeline.level_at(Function::Vibrate, from) == 0 {
                idle += 1;
            }
            let ends = timeline
                .runs()
                .into_iter()
                .filter_map(|run| match run.until {
                    Some(until) => (until > from).then(|| until - from),
                    None => Some(timeline.now() - from),
                });
            last = ends.max().unwrap_or_default().max(last);
            late += usize::from(timeline.ran_between(from + limit, timeline.now()));
        }
        slowest.add(last);
    }
    Ok(vec![
        Row::new(
            format!(
                "stop of {TOYS} toys amid 1,900 writes/s: the last toy at 0, p50 / max of {RUNS}"
            ),
            format!("{} / {}", millis(slowest.p50()), millis(slowest.max())),
            "the app answers in 25–55 ms; peer: never",
            format!("≤ {} + {}", millis(ROUND_TRIP), millis(MARGIN)),
            slowest.max() <= limit,
        ),
        Row::new(
            "toys above 0 after that, while the flood goes on",
            format!("{late} of {}", RUNS * TOYS - idle),
            "–",
            "0",
            late == 0,
        ),
    ])
}
