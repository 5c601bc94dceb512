//! The properties of the engine (src/engine/properties.rs) on a million arbitrary cases, and those of
//! a shutdown and of the addresses that toys tell (src/backend/ble/addresses.rs) on as many as fit beside.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::Failure;
use crate::table::Row;

/// In all, over the processes that share them.
const CASES: usize = 1_000_000;

/// Tests, and of how many cases of the first each has one.
const PROPERTIES: [(&str, usize); 3] = [
    ("engine::properties::the_guarantees_hold", 1),
    (
        "engine::properties::a_shutdown_always_ends_with_everything_off",
        10,
    ),
    (
        "backend::ble::addresses::tests::no_two_addresses_on_air_are_one_toy",
        10,
    ),
];

pub(crate) fn measure() -> Result<Vec<Row>, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let start = |cases: usize, arguments: &[&str]| -> Result<Child, Failure> {
        Ok(Command::new(&cargo)
            .args(["test", "--release", "--quiet", "--lib"])
            .args(arguments)
            .env("PROPTEST_CASES", cases.to_string())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?)
    };
    // The compiler's time is not that of the cases.
    let built = start(1, &["--no-run"])?.wait_with_output()?;
    if !built.status.success() {
        let why = String::from_utf8_lossy(&built.stderr).into_owned();
        return Err(format!("the tests do not build: {why}").into());
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processes = cores.clamp(1, 8);
    let began = Instant::now();
    let mut running = Vec::new();
    for (name, share) in PROPERTIES {
        let cases = (CASES / share).div_ceil(processes);
        for _ in 0..processes {
            running.push(start(cases, &["--", "--exact", name])?);
        }
    }
    let mut failed = Vec::new();
    for process in running {
        let output = process.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        // A test that was renamed would pass by not being there.
        if !output.status.success() || !said.contains("1 passed") {
            let why = said.lines().find(|line| line.contains("Test failed"));
            failed.push(why.unwrap_or("the test did not run").to_owned());
        }
    }
    let took = began.elapsed().as_secs_f64();
    let measured = match failed.first() {
        None => format!("0 moved without permission, 0 stops lost, in {took:.0} s"),
        Some(why) => format!("a guarantee is broken: {why}"),
    };
    Ok(vec![Row::new(
        format!("engine: {CASES} arbitrary sequences of inputs, {processes} processes"),
        measured,
        "–",
        "0 and 0",
        failed.is_empty(),
    )])
}
