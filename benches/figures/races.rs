//! Stops that race against levels of another client which are on their way.
//!
//! On Mosquitto, or on the broker that `TOY2MQTT_RACE_BROKER` names (`name:port`;
//! `scripts/stop-races.sh`). Several bridges share the broker, so that the hold of one stop is over
//! before its toy's turn comes again.

use std::time::{Duration, Instant};

use rumqttc::QoS;
use toy2mqtt::sim::Function;

use crate::client::Client;
use crate::faults::rig::{Home, Process, section, taken};
use crate::faults::{Build, before, this};
use crate::stage::{App, Broker, all_there};
use crate::stats::{Samples, millis};
use crate::table::Row;
use crate::{Failure, within};

const BRIDGES: usize = 10;
const TOYS: usize = 3;

/// Races that count.
const RACES: usize = 300;

/// A broker that is too slow for so many turns is too slow.
const TURNS: usize = 60;

/// Levels that are sent before each stop.
const BURST: usize = 300;

/// A toy that runs so long after its stop has lost it.
const LIMIT: Duration = Duration::from_secs(1);

/// Levels that left their client later than this came behind the hold of the stop (2 s), as anything
/// may that is asked then: such a race does not count.
const TOO_LATE: Duration = Duration::from_millis(1_500);

/// From one bridge to the next: a toy's turn comes again after its hold of 2 s is over.
const NEXT_TOY: Duration = Duration::from_millis(100);
const NEXT_ALL: Duration = Duration::from_millis(250);

/// Which stop races.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Toy,
    All,
}

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let named = std::env::var("TOY2MQTT_RACE_BROKER").unwrap_or_default();
    let (own, name, port) = match named.rsplit_once(':') {
        Some((name, port)) => (None, name.to_owned(), port.parse()?),
        None => {
            let broker = Broker::start().await?;
            let port = broker.port;
            (Some(broker), "Mosquitto".to_owned(), port)
        }
    };
    let toy = races(&this(), port, Stop::Toy).await?;
    let all = races(&this(), port, Stop::All).await?;
    let earlier = match before() {
        Some(build) => races(&build, port, Stop::Toy).await?.told(),
        None => "–".to_owned(),
    };
    drop(own);
    Ok(vec![
        row(
            "one toy",
            &name,
            &toy,
            &format!("the build before: {earlier}"),
        ),
        row("all toys", &name, &all, "–"),
    ])
}

fn row(what: &str, broker: &str, races: &Races, peer: &str) -> Row {
    Row::new(
        format!("{broker}: stop of {what}, {BURST} levels of another client on their way: lost"),
        format!(
            "{}; at rest after p50 / max {} / {}",
            races.told(),
            millis(races.rest.p50()),
            millis(races.rest.max())
        ),
        peer,
        "0",
        races.lost == 0 && races.moved > 0 && races.run >= RACES,
    )
}

/// What became of the stops.
#[derive(Default)]
struct Races {
    lost: usize,
    run: usize,
    /// How many did not count.
    void: usize,
    /// In how many of them a toy ran at all.
    moved: usize,
    /// From a stop that was not lost to the end of its toys' last run.
    rest: Samples,
}

impl Races {
    fn told(&self) -> String {
        let void = match self.void {
            0 => String::new(),
            void => format!(" ({void} more did not count: the broker took the levels too late)"),
        };
        format!("{} of {}{void}", self.lost, self.run)
    }
}

/// One stop of these toys of a bridge.
struct Race {
    bridge: usize,
    toys: Vec<usize>,
    qos: QoS,
    began: Instant,
    stopped: Instant,
    /// When the last level had left its client.
    sent: Instant,
}

impl Race {
    fn counts(&self) -> bool {
        self.sent - self.stopped <= TOO_LATE
    }
}

/// A bridge with an app of its own.
struct Place {
    base: String,
    app: App,
    _process: Process,
    _home: Home,
}

async fn races(build: &Build, port: u16, stop: Stop) -> Result<Races, Failure> {
    let mut places = Vec::new();
    for bridge in 0..BRIDGES {
        places.push(place(build, port, bridge).await?);
    }
    let mut levels = Client::connect(port, "levels", &["race/sent"]).await?;
    let stops = Client::connect(port, "stops", &[]).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut run: Vec<Race> = Vec::new();
    let mut ticks = crate::client::ticks(match stop {
        Stop::Toy => NEXT_TOY,
        Stop::All => NEXT_ALL,
    });
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for turn in 0..TURNS {
        if run.iter().filter(|race| race.counts()).count() >= RACES {
            break;
        }
        let toys: Vec<usize> = match stop {
            Stop::Toy => vec![turn % TOYS],
            Stop::All => (0..TOYS).collect(),
        };
        // Each toy meets both.
        let qos = match turn / TOYS % 2 {
            0 => QoS::AtLeastOnce,
            _ => QoS::AtMostOnce,
        };
        for (bridge, place) in places.iter().enumerate() {
            ticks.tick().await;
            let topic =
                |toy: usize, below: &str| format!("{}/{}/{below}", place.base, App::toy(toy));
            let began = Instant::now();
            for write in 0..BURST {
                let toy = toys[write % toys.len()];
                let level = (5 + write % 95).to_string();
                levels
                    .send(&topic(toy, "vibrate/set"), &level, qos, false)
                    .await?;
            }
            let halt = match stop {
                Stop::Toy => topic(toys[0], "stop"),
                Stop::All => format!("{}/bridge/stop", place.base),
            };
            let stopped = Instant::now();
            stops.publish(&halt, "").await?;
            // A broker that is slower than the bursts would let levels pile up for longer than a
            // stop holds: all of these have left the client before the next ones follow.
            levels.publish("race/sent", "").await?;
            within(30, "levels to be sent", levels.next()).await??;
            run.push(Race {
                bridge,
                toys: toys.clone(),
                qos,
                began,
                stopped,
                sent: Instant::now(),
            });
        }
    }
    tokio::time::sleep(LIMIT + Duration::from_secs(1)).await;
    Ok(judge(&places, &run))
}

fn judge(places: &[Place], run: &[Race]) -> Races {
    let end = Instant::now();
    let mut races = Races::default();
    for (index, race) in run.iter().enumerate() {
        if !race.counts() {
            races.void += 1;
            continue;
        }
        let again = |later: &&Race| later.bridge == race.bridge && later.toys == race.toys;
        let until = run[index + 1..]
            .iter()
            .find(again)
            .map_or(end, |it| it.began);
        let mut rest = Duration::ZERO;
        let (mut lost, mut moved) = (false, false);
        for toy in &race.toys {
            let taken = taken(&places[race.bridge].app, *toy, Function::Vibrate);
            let within = |from| taken.iter().filter(move |it| it.0 >= from && it.0 < until);
            let last = taken.iter().rev().find(|it| it.0 < race.stopped + LIMIT);
            moved |= within(race.began).any(|it| it.1 > 0);
            let runs =
                last.is_some_and(|it| it.1 > 0) || within(race.stopped + LIMIT).any(|it| it.1 > 0);
            if runs {
                // What to look at: when the toy took which level after its stop.
                let after = within(race.stopped).map(|it| (it.0 - race.stopped, it.1));
                eprintln!(
                    "lost, levels at {:?}: {:?}",
                    race.qos,
                    after.collect::<Vec<_>>()
                );
            }
            lost |= runs;
            let rests = within(race.stopped).filter(|it| it.1 == 0).max();
            rest = rests.map_or(rest, |it| rest.max(it.0 - race.stopped));
        }
        races.run += 1;
        races.moved += usize::from(moved);
        races.lost += usize::from(lost);
        if !lost {
            races.rest.add(rest);
        }
    }
    races
}

async fn place(build: &Build, port: u16, bridge: usize) -> Result<Place, Failure> {
    let base = format!("race{bridge}");
    let app = App::start(App::vibrators(TOYS)).await?;
    let filters = [
        format!("{base}/+/availability"),
        format!("{base}/bridge/state"),
    ];
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    let mut client = Client::connect(port, &format!("audience-{bridge}"), &filters).await?;
    let home = Home::under(&base, port, &section(&app, ""))?;
    let process = Process::start(build, home.path(), &[])?;
    within(60, "the toys", all_there(&base, &mut client, TOYS)).await??;
    Ok(Place {
        base,
        app,
        _process: process,
        _home: home,
    })
}
