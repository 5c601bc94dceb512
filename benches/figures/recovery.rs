//! What becomes of things when parts vanish.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use toy2mqtt::sim::Function;

use crate::client::Client;
use crate::stage::{App, Stage};
use crate::stats::{Samples, millis};
use crate::table::Row;
use crate::{Failure, within};

const TOYS: usize = 3;
const RUNS: usize = 3;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    // They wait most of the time, and disturb one another little.
    let (events, polling, broker, killed) = tokio::try_join!(
        app_gone("events = true"),
        app_gone("events = false"),
        broker_restart(),
        killed()
    )?;
    let row = |figure: &str, times: &Samples, peer: &str, limit: u64| {
        Row::new(
            format!("{figure}, max of {}", times.len()),
            millis(times.max()),
            peer,
            format!("≤ {limit} s"),
            times.max() <= Duration::from_secs(limit) && times.len() > 0,
        )
    };
    Ok(vec![
        row(
            "app gone → unavailable, Toy Events",
            &events,
            "peer: never",
            5,
        ),
        row(
            "app gone → unavailable, polling",
            &polling,
            "peer: never",
            15,
        ),
        row(
            "broker back, having forgotten everything → all entities back",
            &broker,
            "peer: never",
            3,
        ),
        Row::new(
            format!(
                "SIGKILL right after a renewal → toys at 0, max of {}",
                killed.len()
            ),
            millis(killed.max()),
            "lease 5 s; peer: never",
            "≤ 5 s, and 10 ms for the app's timer",
            killed.max() <= Duration::from_millis(5_010),
        ),
    ])
}

async fn app_gone(events: &str) -> Result<Samples, Failure> {
    let mut times = Samples::default();
    for _ in 0..RUNS {
        let mut stage = Stage::set(App::vibrators(TOYS), events).await?;
        // Until Toy Events flow, if they are to.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        stage.app.go().await?;
        let mut gone = HashSet::new();
        let mut last = began;
        while gone.len() < TOYS {
            let message = within(30, "toys to be unavailable", stage.client.next()).await??;
            if message.topic.ends_with("/availability") && message.payload == b"offline" {
                gone.insert(message.topic);
                last = message.at;
            }
        }
        times.add(last - began);
    }
    Ok(times)
}

async fn broker_restart() -> Result<Samples, Failure> {
    let mut times = Samples::default();
    for _ in 0..RUNS {
        let mut stage = Stage::set(App::vibrators(TOYS), "").await?;
        let listened = stage.broker.restart().await?;
        let filters = [
            "homeassistant/device/+/config",
            "bench/+/state",
            "bench/+/availability",
        ];
        let mut client = Client::connect(stage.broker.port, "again", &filters).await?;
        // The bridge and each toy: discovery, state, and availability of toys.
        let mut missing = 2 + TOYS * 3;
        let mut seen = HashSet::new();
        while missing > 0 {
            let message = within(30, "entities to come back", client.next()).await??;
            let offline = message.payload == b"offline";
            if !message.payload.is_empty() && !offline && seen.insert(message.topic) {
                missing -= 1;
                if missing == 0 {
                    times.add(message.at - listened);
                }
            }
        }
    }
    Ok(times)
}

async fn killed() -> Result<Samples, Failure> {
    let mut times = Samples::default();
    for _ in 0..RUNS {
        let mut stage = Stage::set(App::vibrators(TOYS), "").await?;
        for toy in 0..TOYS {
            let topic = format!("bench/{}/vibrate/set", App::toy(toy));
            stage.client.publish(&topic, "80").await?;
        }
        let running = |app: &toy2mqtt::sim::lovense_app::AppHandle| {
            let ids = app.ids();
            ids.iter().all(|id| app.level(id, Function::Vibrate) > 0)
        };
        stage
            .app
            .wait_until(Duration::from_secs(5), running)
            .await?;
        // Just after the lease was renewed is the worst moment.
        let before = stage.app.counts().commands();
        let renewed = |app: &toy2mqtt::sim::lovense_app::AppHandle| {
            app.counts().commands() >= before + TOYS as u64
        };
        stage
            .app
            .wait_until(Duration::from_secs(5), renewed)
            .await?;
        let began = Instant::now();
        stage.bridge.kill()?;
        stage
            .app
            .wait_until(Duration::from_secs(20), |app| app.all_zero())
            .await?;
        let ids = stage.app.ids();
        let stopped = ids
            .iter()
            .filter_map(|id| stage.app.timeline(id).last_change());
        let stopped = stopped.max().ok_or("nothing moved")?;
        times.add(stage.app.instant(stopped) - began);
    }
    Ok(times)
}
