//! Unsafe seconds: how long a toy ran above what a valid request permitted, while one thing after
//! another went wrong.
//!
//! Each fault has a Mosquitto, an app (or a Buttplug server, or a bluetoothd) and a bridge of its
//! own. The bridge is this build and, beside it in the same run, the build that
//! `TOY2MQTT_BEFORE` names (`scripts/before.sh`). The simulators are those of this build for both.

mod app;
mod drivers;
mod hand;
mod permits;
mod positions;
#[cfg(all(feature = "ble", target_os = "linux"))]
mod radio;
mod relay;
pub(crate) mod rig;
mod server;
mod servers;
mod stops;

use std::ffi::OsString;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::stage::program;
use crate::table::Row;
use crate::{Failure, within};

/// The program that runs as the bridge.
pub(crate) type Build = Arc<OsString>;

/// This build.
pub(crate) fn this() -> Build {
    Arc::new(program())
}

/// The build to compare with, if there is one.
pub(crate) fn before() -> Option<Build> {
    let named = std::env::var_os("TOY2MQTT_BEFORE").filter(|path| !path.is_empty());
    named.map(Arc::new)
}

/// Unsafe time.
type Outcome = Pin<Box<dyn Future<Output = Result<Duration, Failure>>>>;

/// One thing that goes wrong.
#[derive(Clone, Copy)]
struct Fault {
    name: &'static str,
    run: fn(Build) -> Outcome,
}

/// A fault by its name, and the function that plays it.
macro_rules! faults {
    ($($name:literal => $run:expr,)*) => {
        &[$(Fault { name: $name, run: |build| Box::pin($run(build)) }),*]
    };
}

const FAULTS: &[Fault] = faults![
    "held level turned to 0 by hand" => |build| hand::off(build, r#"{"vibrate":40}"#),
    "pattern turned to 0 by hand" => |build| hand::off(build, r#"{"effect":"Wave"}"#),
    "pulses turned to 0 by hand" =>
        |build| hand::off(build, r#"{"vibrate":40,"for":"1s","repeat":9,"pause":"500ms"}"#),
    "ramp turned to 0 by hand" => |build| hand::off(build, r#"{"vibrate":90,"transition":"8s"}"#),
    "held level turned down by hand" => hand::down,
    "off, when the toy's level came from another client" => app::off_unseen,
    "off, when the toy ran before the bridge started" => app::off_at_start,
    "off in a payload with something else wrong" => app::off_beside_nonsense,
    "stop of a toy during a PatternV2 of another client" =>
        |build| app::pattern(build, "bench/TOY/stop", ""),
    "stop of all toys during a PatternV2 of another client" =>
        |build| app::pattern(build, "bench/bridge/stop", ""),
    "quiet during a PatternV2 of another client" =>
        |build| app::pattern(build, "bench/bridge/quiet/set", "ON"),
    "limit raised after it had cut a level to 0" => app::limit,
    "limit raised, on/off motor of a server" => servers::limit,
    "ON, brightness, pattern, identify: spray and heater" => servers::spray,
    "stop of one toy, backlog of another client (QoS 0)" => |build| stops::backlog(build, false),
    "stop of one toy, backlog of another client (QoS 1)" => |build| stops::backlog(build, true),
    "stop of one toy, slider dragged on" => |build| stops::dragged(build, 50),
    "stop of one toy, script that repeats" => |build| stops::dragged(build, 500),
    "stop of a machine on its way to a position" => positions::stopped,
    "bridge killed while a machine is on its way" => positions::killed,
    "data folder copied, both bridges run" => drivers::copied,
    "second process on one data folder" => drivers::doubled,
    "connection to the broker flaps" => drivers::flapping,
    "retained command, link between two brokers cut" => drivers::linked,
    "live stop from a broker that keeps the retain flag" => drivers::flagged,
    "toy out of reach, bridge restarted, toy back" => drivers::marker,
    "server forgot whose index was whose, limit of one toy" => servers::forgot,
];

#[cfg(all(feature = "ble", target_os = "linux"))]
const OVER_BLUETOOTH: &[Fault] = faults![
    "two Bluetooth toys that tell one address" => radio::one_address,
    "Bluetooth toy whose told address is not on air, bridge restarted" => radio::other_address,
];

#[cfg(not(all(feature = "ble", target_os = "linux")))]
const OVER_BLUETOOTH: &[Fault] = &[];

/// They wait most of the time: so many at once disturb one another little.
const AT_ONCE: usize = 6;

/// No fault takes this long.
const DEADLINE: u64 = 120;

/// Unsafe time of one fault with one build.
type Played = Result<Duration, String>;

pub(crate) fn measure() -> Result<Vec<Row>, Failure> {
    let (this, before) = (this(), before());
    let only = std::env::var("TOY2MQTT_FAULT").unwrap_or_default();
    let faults: Vec<Fault> = FAULTS
        .iter()
        .chain(OVER_BLUETOOTH)
        .filter(|fault| fault.name.contains(&only))
        .copied()
        .collect();
    let mut jobs = Vec::new();
    for (index, fault) in faults.iter().enumerate() {
        for (side, build) in [Some(&this), before.as_ref()].into_iter().enumerate() {
            if let Some(build) = build {
                jobs.push((index, side, *fault, Arc::clone(build)));
            }
        }
    }
    jobs.reverse();
    let jobs = Mutex::new(jobs);
    let played: Mutex<Vec<[Option<Played>; 2]>> = Mutex::new(vec![[None, None]; faults.len()]);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some((index, side, fault, build)) = job else {
                        return;
                    };
                    let outcome = play(fault, build);
                    let mut played = played.lock().unwrap_or_else(PoisonError::into_inner);
                    played[index][side] = Some(outcome);
                }
            });
        }
    });
    let played = played.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(rows(&faults, played, before.is_some()))
}

fn play(fault: Fault, build: Build) -> Played {
    // Simulators panic where they cannot go on.
    let played = std::panic::catch_unwind(move || -> Result<Duration, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async { within(DEADLINE, "the end", (fault.run)(build)).await? })
    });
    match played {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("a simulator panicked".to_owned()),
    }
}

fn rows(faults: &[Fault], played: Vec<[Option<Played>; 2]>, compared: bool) -> Vec<Row> {
    let mut sums = [Duration::ZERO; 2];
    let mut all_ok = true;
    let mut rows = Vec::new();
    for (fault, sides) in faults.iter().zip(played) {
        for (sum, side) in sums.iter_mut().zip(&sides) {
            if let Some(Ok(time)) = side {
                *sum += *time;
            }
        }
        let [this, before] = sides.map(|side| match side {
            Some(Ok(time)) => (time.is_zero(), seconds(time)),
            Some(Err(why)) => (false, format!("not measured: {why}")),
            None => (false, "–".to_owned()),
        });
        all_ok &= this.0;
        let name = format!("unsafe: {}", fault.name);
        let before = format!("the build before: {}", before.1);
        rows.push(Row::new(name, this.1, before, "0", this.0));
    }
    let before = match compared {
        true => format!("the build before: {}", seconds(sums[1])),
        false => "no build before (TOY2MQTT_BEFORE)".to_owned(),
    };
    rows.push(Row::new(
        format!("unsafe seconds over all {} faults", faults.len()),
        seconds(sums[0]),
        before,
        "0",
        all_ok,
    ));
    rows
}

/// `1.04 s`
fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
