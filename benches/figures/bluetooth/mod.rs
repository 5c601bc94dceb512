//! Toys over Bluetooth: the bridge and its Bluetooth library as they are, against the simulated
//! bluetoothd of the tests on a real dbus-daemon.

pub(crate) mod bare;
mod crash;
mod faults;
mod latency;
mod memory;
mod scene;

#[path = "../../../tests/bluetooth/bluez.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
pub(crate) mod bluez;
#[path = "../../../tests/bluetooth/bus.rs"]
pub(crate) mod bus;
#[path = "../../../tests/bluetooth/objects.rs"]
mod objects;
#[path = "../../../tests/bluetooth/world.rs"]
mod world;

use std::thread;

use tokio::sync::oneshot;

use crate::Failure;
use crate::table::Row;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    // What is compared with a floor is alone on the machine.
    let mut rows = latency::measure().await?;
    rows.push(memory::measure().await?);
    // All of these wait most of the time, and disturb one another little.
    let (crashes, faults) = (crash::start()?, faults::start()?);
    for part in crashes.into_iter().chain(faults) {
        rows.push(part.await??);
    }
    Ok(rows)
}

/// What is measured on a thread of its own.
type Part = oneshot::Receiver<Result<Row, Failure>>;

/// Measures on a thread and a runtime of its own.
fn apart<F>(measure: impl FnOnce() -> F + Send + 'static) -> Result<Part, Failure>
where
    F: Future<Output = Result<Row, Failure>>,
{
    let (done, part) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // It ends with what it measures, which has deadlines.
    thread::spawn(move || {
        let _ = done.send(runtime.block_on(measure()));
    });
    Ok(part)
}
