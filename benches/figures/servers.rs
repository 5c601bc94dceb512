//! Toys of a Buttplug server: from a write to the server, how often, toys that come and go, and back
//! after it was gone.

mod server;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use toy2mqtt::domain::{HardwareId, ToyId};
use toy2mqtt::sim::lovense_app::AppOptions;

use crate::client::Client;
use crate::stage::{App, Bridge, Broker, all_there};
use crate::stats::{Samples, millis};
use crate::table::Row;
use crate::{Failure, within};
use server::{GAP, Server};

const SAMPLES: usize = 500;
const WARM_UP: usize = 50;

/// Enough that each is written to more slowly than its server allows.
const TOYS: usize = 64;
const PAUSE: Duration = Duration::from_millis(3);
const RESTARTS: usize = 20;

/// How many toys are running when the server goes.
const RUNNING: usize = 8;

/// Writes to one toy, one millisecond apart, with a stop among so many.
const FLOOD: usize = 5_000;
const STOPS: usize = 700;

/// How often a toy is added and removed.
const VISITS: usize = 20;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let broker = Broker::start().await?;
    let app = App::start(AppOptions::with_toys([])).await?;
    let mut server = Server::start(TOYS).await?;
    let mut client = Client::connect(broker.port, "audience", &["bench/#"]).await?;
    let settings = format!("[[buttplug]]\nurl = \"ws://{}\"", server.address);
    let _bridge = Bridge::start(&broker, &app, &settings)?;
    within(60, "the toys", all_there("bench", &mut client, TOYS)).await??;

    let mut rows = writes(&broker, &client, &mut server).await?;
    rows.push(rate(&client, &mut server).await?);
    rows.extend(visits(&mut client, &server).await?);
    rows.extend(restarts(&mut client, &mut server).await?);
    Ok(rows)
}

/// From a write to a command.
async fn writes(
    broker: &Broker,
    client: &Client,
    server: &mut Server,
) -> Result<Vec<Row>, Failure> {
    let bare = Server::start(TOYS).await?;
    let mut listener = Client::connect(broker.port, "listener", &["floor/#"]).await?;
    let stream = TcpStream::connect(bare.address).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async("ws://bare/", stream).await?;
    let (mut writes, mut hops, mut trips) = Default::default();
    for sample in 0..WARM_UP + SAMPLES {
        let (toy, level) = (sample % TOYS, 1 + (sample / TOYS) % 20);
        let payload = (level * 5).to_string();
        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let topic = format!("{}/vibrate/set", topic(toy));
        client.publish(&topic, &payload).await?;
        let write = within(5, "a write at the server", server.driven(toy, level)).await? - began;

        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let topic = topic.replace("bench/", "floor/");
        client.publish(&topic, &payload).await?;
        let hop = within(5, "a bare message", listener.next()).await??.at - began;

        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        let command = json!([{"OutputCmd": {"Id": 9, "DeviceIndex": 0, "FeatureIndex": 0,
            "Command": {"Vibrate": {"Value": level}}}}]);
        socket.send(Message::text(command.to_string())).await?;
        within(5, "a bare answer", socket.next())
            .await?
            .ok_or("the server is gone")??;
        let trip = began.elapsed();
        if sample >= WARM_UP {
            Samples::add(&mut writes, write);
            Samples::add(&mut hops, hop);
            Samples::add(&mut trips, trip);
        }
    }

    let floor = hops.p50() + trips.p50();
    let reach = floor.mul_f64(1.5);
    let ratio = writes.p50().as_secs_f64() / floor.as_secs_f64();
    Ok(vec![Row::new(
        format!(
            "MQTT write → command at a Buttplug server, p50 of {}",
            writes.len()
        ),
        format!("{} ({ratio:.2} × the hops)", millis(writes.p50())),
        format!(
            "broker hop {} + websocket round trip {}",
            millis(hops.p50()),
            millis(trips.p50())
        ),
        format!("≤ 1.5 × = {}", millis(reach)),
        writes.p50() <= reach,
    )])
}

/// How many commands reach a toy that is flooded with writes, and stopped now and then.
async fn rate(client: &Client, server: &mut Server) -> Result<Row, Failure> {
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.commands();
    let (set, stop) = (
        format!("{}/vibrate/set", topic(0)),
        format!("{}/stop", topic(0)),
    );
    let mut ticks = crate::client::ticks(Duration::from_millis(1));
    for write in 1..=FLOOD {
        ticks.tick().await;
        if write % STOPS == 0 {
            client.publish(&stop, "").await?;
        } else {
            let level = 5 * (1 + write % 20);
            client.publish(&set, &level.to_string()).await?;
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let commands = server.commands();
    // A stop goes at once, and whatever moves the toy keeps away from it.
    let apart = commands
        .windows(2)
        .filter(|pair| pair[1].1 > 0)
        .map(|pair| pair[1].2 - pair[0].2)
        .min()
        .unwrap_or_default();
    let moves: Vec<Instant> = commands
        .iter()
        .filter(|(_, level, _)| *level > 0)
        .map(|(.., at)| *at)
        .collect();
    let within_a_second = |from: &Instant| {
        let second = *from..*from + Duration::from_secs(1);
        moves.iter().filter(|at| second.contains(at)).count() as u64
    };
    let most = moves.iter().map(within_a_second).max().unwrap_or(0);
    Ok(Row::new(
        "1,000 writes/s for 5 s and 7 stops: most commands in a second to the toy",
        format!("{most} (never less than {} apart)", millis(apart)),
        format!("timing gap of the server: {GAP} ms"),
        format!("≤ {}", 1_000 / GAP),
        moves.len() > 20 && most <= 1_000 / GAP,
    ))
}

/// A toy comes and goes while the server stays.
async fn visits(client: &mut Client, server: &Server) -> Result<Vec<Row>, Failure> {
    let (mut added, mut removed) = (Samples::default(), Samples::default());
    let visitor = topic(TOYS);
    for _ in 0..VISITS {
        for (devices, event, word, samples) in [
            (TOYS + 1, "toy_added", "online", &mut added),
            (TOYS, "toy_removed", "offline", &mut removed),
        ] {
            tokio::time::sleep(Duration::from_millis(50)).await;
            client.forget();
            let began = server.holds(devices);
            let told = all_told(client, &visitor, event, word);
            samples.add(within(10, event, told).await?? - began);
        }
    }
    let row = |event: &str, samples: &Samples| {
        Row::new(
            format!(
                "Buttplug toy {event} → bridge/event and availability, max of {}",
                samples.len()
            ),
            millis(samples.max()),
            "–",
            "≤ 1 s",
            samples.max() <= Duration::from_secs(1),
        )
    };
    Ok(vec![row("added", &added), row("removed", &removed)])
}

/// Waits until both the event and the availability of a toy have been told.
async fn all_told(
    client: &mut Client,
    toy: &str,
    event: &str,
    word: &str,
) -> Result<Instant, Failure> {
    let id = toy.trim_start_matches("bench/");
    let availability = format!("{toy}/availability");
    let (mut happened, mut available) = (false, false);
    loop {
        let seen = client.next().await?;
        if seen.topic == availability {
            available |= seen.payload == word.as_bytes();
        } else if seen.topic == "bench/bridge/event" {
            let told: Value = serde_json::from_slice(&seen.payload)?;
            happened |= told["event_type"] == event && told["toy"] == id;
        }
        if happened && available {
            return Ok(seen.at);
        }
    }
}

/// The server goes while toys run, and comes back.
async fn restarts(client: &mut Client, server: &mut Server) -> Result<Vec<Row>, Failure> {
    let (mut gone, mut back) = (Samples::default(), Samples::default());
    let mut running = 0;
    for _ in 0..RESTARTS {
        for toy in 0..RUNNING {
            client
                .publish(&format!("{}/vibrate/set", topic(toy)), "50")
                .await?;
        }
        for toy in 0..RUNNING {
            within(5, "a level", server.driven(toy, 10)).await?;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
        client.forget();
        let began = server.stop().await?;
        let away = within(30, "toys to go", client.find(|it| it.payload == b"offline")).await??;
        gone.add(away.at - began);
        tokio::time::sleep(Duration::from_millis(700)).await;
        server.commands();
        let mut states = HashMap::new();
        let began = server.start_again().await?;
        let first = within(30, "toys to come", all_back(client, &mut states)).await??;
        back.add(first - began);
        // Long enough for whatever might still come.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let moved = server.commands().into_iter().filter(|it| it.1 > 0);
        let mut on: HashSet<String> = moved.map(|it| topic(it.0 as usize)).collect();
        let shown = states.into_iter().filter(|(_, state)| *state != "OFF");
        on.extend(shown.map(|(topic, _)| topic));
        running += on.len();
    }
    let back_in = back.percentile(95);
    Ok(vec![
        Row::new(
            format!(
                "Buttplug server gone → first toy unavailable, max of {}",
                gone.len()
            ),
            millis(gone.max()),
            "–",
            "≤ 1 s",
            gone.max() <= Duration::from_secs(1),
        ),
        Row::new(
            format!(
                "Buttplug server back → first toy available, p95 of {}",
                back.len()
            ),
            millis(back_in),
            "–",
            "≤ 2 s",
            back_in <= Duration::from_secs(2),
        ),
        Row::new(
            format!("toys above 0 after that, {RUNNING} of them running before"),
            format!("{running} of {}", RESTARTS * RUNNING),
            "–",
            "0",
            running == 0,
        ),
    ])
}

/// Waits until all toys are back. Returns when the first one was; `states` is what each of those that
/// ran was said to do last.
async fn all_back(
    client: &mut Client,
    states: &mut HashMap<String, Value>,
) -> Result<Instant, Failure> {
    let running: HashSet<String> = (0..RUNNING).map(topic).collect();
    let (mut there, mut first) = (HashSet::new(), None);
    while there.len() < TOYS || states.len() < RUNNING {
        let seen = client.next().await?;
        let Some((toy, below)) = seen.topic.rsplit_once('/') else {
            continue;
        };
        if below == "availability" && seen.payload == b"online" {
            first.get_or_insert(seen.at);
            there.insert(toy.to_owned());
        } else if below == "state" && running.contains(toy) {
            let state: Value = serde_json::from_slice(&seen.payload)?;
            states.insert(toy.to_owned(), state["state"].clone());
        }
    }
    first.ok_or_else(|| "no toy came back".into())
}

fn topic(toy: usize) -> String {
    let hardware = HardwareId::new(format!("buttplug/Bench/{toy}/Maker Thing"));
    format!("bench/{}", ToyId::of(&hardware))
}
