//! From the publish of a write to the whole request at the app, beside the bare hops on that way.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::broadcast::Receiver;
use toy2mqtt::sim::lovense_app::ToyChange;

use crate::client::Client;
use crate::stage::{App, Stage};
use crate::stats::{Samples, millis};
use crate::table::Row;
use crate::{Failure, within};

const SAMPLES: usize = 1_500;

/// The first ones warm up connections and caches.
const WARM_UP: usize = 100;

/// Enough that each is written to far more slowly than its pace.
const TOYS: usize = 64;

/// Between two things that are measured, so that what follows the first is over.
const PAUSE: Duration = Duration::from_millis(3);

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    // One more, for the bare hop.
    let stage = Stage::set(App::vibrators(TOYS + 1), "").await?;
    let mut listener = Client::connect(stage.broker.port, "listener", &["floor/#"]).await?;
    let ids = stage.app.ids();
    let url = stage.app.command_url();
    let http = reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .build()?;
    let mut changes = stage.app.changes();
    let (mut writes, mut hops, mut posts) = Default::default();
    for sample in 0..WARM_UP + SAMPLES {
        let toy = sample % TOYS;
        let level = 1 + (sample / TOYS) % 20;
        let payload = (level * 5).to_string();
        let topic = |toy: usize| format!("bench/{}/vibrate/set", App::toy(toy));

        // Toys do not stay on, so that no renewal of a lease comes in between.
        let former = (sample + TOYS / 2) % TOYS;
        stage.client.publish(&topic(former), "0").await?;
        tokio::time::sleep(PAUSE).await;

        let began = Instant::now();
        stage.client.publish(&topic(toy), &payload).await?;
        let write = took(&stage, &mut changes, &ids[toy], level, began).await?;
        tokio::time::sleep(PAUSE).await;

        let began = Instant::now();
        let same = topic(toy).replace("bench/", "floor/");
        stage.client.publish(&same, &payload).await?;
        let hop = within(5, "a bare message", listener.next()).await??.at - began;
        tokio::time::sleep(PAUSE).await;

        let level = 1 + sample % 20;
        let body = json!({
            "command": "Function", "action": format!("Vibrate:{level}"), "timeSec": 5,
            "toy": ids[TOYS], "stopPrevious": 1, "apiVer": 1,
        })
        .to_string();
        let began = Instant::now();
        let request = http.post(&url).header("content-type", "application/json");
        let post = async {
            let answer = request.body(body).send().await?;
            answer.bytes().await
        };
        let (answer, post) =
            tokio::join!(post, took(&stage, &mut changes, &ids[TOYS], level, began));
        answer?;
        let post = post?;
        tokio::time::sleep(PAUSE).await;

        if sample >= WARM_UP {
            Samples::add(&mut writes, write);
            Samples::add(&mut hops, hop);
            Samples::add(&mut posts, post);
        }
    }
    Ok(rows(&writes, &hops, &posts))
}

/// How long it took from `began` until the toy took this level, by the app's own record.
async fn took(
    stage: &Stage,
    changes: &mut Receiver<ToyChange>,
    toy: &str,
    level: usize,
    began: Instant,
) -> Result<Duration, Failure> {
    let taken = async {
        loop {
            let seen = changes.recv().await?;
            if *seen.toy == *toy && usize::from(seen.change.to) == level {
                return Ok(stage.app.instant(seen.change.at) - began);
            }
        }
    };
    within(5, "a write at the app", taken).await?
}

fn rows(writes: &Samples, hops: &Samples, posts: &Samples) -> Vec<Row> {
    let floor = hops.p50() + posts.p50();
    let reach = floor.mul_f64(1.25);
    let ratio = writes.p50().as_secs_f64() / floor.as_secs_f64();
    vec![
        Row::new(
            format!("MQTT write → request at the app, p50 of {}", writes.len()),
            format!("{} ({ratio:.2} × the hops)", millis(writes.p50())),
            format!(
                "broker hop {} + HTTP hop {}",
                millis(hops.p50()),
                millis(posts.p50())
            ),
            format!("≤ 1.25 × = {}", millis(reach)),
            writes.p50() <= reach,
        ),
        Row::note(
            "the same, p99",
            format!(
                "{} (hops: {} and {})",
                millis(writes.percentile(99)),
                millis(hops.percentile(99)),
                millis(posts.percentile(99))
            ),
        ),
    ]
}
