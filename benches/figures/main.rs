//! `make bench`: every figure that the README claims, measured with real parts.
//!
//! The parts are a real Mosquitto, the simulated Lovense app on a thread of its own, and the
//! bridge as a process of its own, all on loopback. What can be compared with a floor (the same
//! payload over a bare broker hop and a bare HTTP hop, say) is compared with one that was measured
//! in the same run, between the same samples. A figure that is missed is shown and is no failure:
//! the exit code is 0, unless `--strict` asks for 1.
//!
//! Toys over Bluetooth are those of a simulated bluetoothd on a real dbus-daemon, the one that the
//! tests use.
//!
//! `cargo bench -- latency stop` measures only these topics; `--markdown` prints
//! the table for docs/benchmarks.md.
#![expect(
    clippy::disallowed_methods,
    reason = "this measures time, and waits for it"
)]

#[cfg(all(feature = "ble", target_os = "linux"))]
mod bluetooth;
mod cases;
mod client;
mod engine;
mod faults;
mod flood;
mod footprint;
mod forwarder;
mod latency;
mod pairs;
mod proc;
mod races;
mod recovery;
mod servers;
mod stage;
mod start;
mod stats;
mod stop;
mod table;

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;
use std::time::Instant;

use table::{Row, Table};

/// Whatever keeps a figure from being measured.
type Failure = Box<dyn Error + Send + Sync>;

const TOPICS: [&str; 14] = [
    "latency",
    "flood",
    "stop",
    "pairs",
    "start",
    "memory",
    "cpu",
    "engine",
    "recovery",
    "faults",
    "races",
    "cases",
    "servers",
    "bluetooth",
];

fn main() -> ExitCode {
    // The bench profile of cargo passes `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let markdown = arguments.iter().any(|argument| argument == "--markdown");
    let strict = arguments.iter().any(|argument| argument == "--strict");
    let wanted: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    #[cfg(all(feature = "ble", target_os = "linux"))]
    if let Some(address) = bluetooth::bare::asked(&arguments) {
        bluetooth::bare::run(address);
        return ExitCode::SUCCESS;
    }
    // Somebody else may have been faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let began = Instant::now();
    let mut table = Table::default();
    for topic in TOPICS {
        if wanted.is_empty() || wanted.contains(&topic) {
            eprintln!("measuring {topic} …");
            match runtime.block_on(measure(topic)) {
                Ok(rows) => table.extend(rows),
                Err(error) => table.extend([Row::failed(topic, &error.to_string())]),
            }
        }
    }
    let took = began.elapsed();
    print!(
        "{}",
        if markdown {
            table.markdown()
        } else {
            table.plain()
        }
    );
    println!(
        "\nmeasured in {:.0} s; {}",
        took.as_secs_f64(),
        proc::machine()
    );
    if strict && table.has_missed() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn measure(topic: &str) -> Result<Vec<Row>, Failure> {
    match topic {
        "latency" => latency::measure().await,
        "flood" => flood::measure().await,
        "stop" => stop::measure().await,
        "pairs" => pairs::measure().await,
        "start" => start::measure().await,
        "memory" => footprint::memory().await,
        "cpu" => footprint::cpu().await,
        "engine" => Ok(engine::measure()),
        "faults" => faults::measure(),
        "races" => races::measure().await,
        "cases" => cases::measure(),
        "servers" => servers::measure().await,
        "bluetooth" => bluetooth().await,
        _ => recovery::measure().await,
    }
}

#[cfg(all(feature = "ble", target_os = "linux"))]
async fn bluetooth() -> Result<Vec<Row>, Failure> {
    bluetooth::measure().await
}

#[cfg(not(all(feature = "ble", target_os = "linux")))]
async fn bluetooth() -> Result<Vec<Row>, Failure> {
    Err("it needs Linux and the cargo feature ble".into())
}

/// Waits for something that has to happen, with a deadline.
async fn within<T>(
    seconds: u64,
    what: &str,
    future: impl Future<Output = T>,
) -> Result<T, Failure> {
    let deadline = std::time::Duration::from_secs(seconds);
    tokio::time::timeout(deadline, future)
        .await
        .map_err(|_| format!("still waiting for {what} after {seconds} s").into())
}
