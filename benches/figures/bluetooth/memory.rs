//! Memory with toys over Bluetooth.

use std::time::Duration;

use super::scene::{Scene, TOYS, topic, toy};
use crate::Failure;
use crate::proc::{Memory, mebibytes};
use crate::table::Row;

const LIMIT: u64 = 15 << 20;

pub(super) async fn measure() -> Result<Row, Failure> {
    let toys = TOYS.iter().map(|address| toy(address)).collect();
    let scene = Scene::set(toys, Vec::new(), "").await?;
    for round in 0..20 {
        for address in TOYS {
            let topic = topic(address, "vibrate/set");
            let percent = (19 - round) * 5;
            scene.client.publish(&topic, &percent.to_string()).await?;
        }
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let memory = Memory::of(scene.bridge.pid())?;
    Ok(Row::new(
        format!("RSS with {} toys over Bluetooth", TOYS.len()),
        format!(
            "{} ({} of it anonymous)",
            mebibytes(memory.resident),
            mebibytes(memory.anonymous)
        ),
        "–",
        format!("≤ {}", mebibytes(LIMIT)),
        memory.resident <= LIMIT,
    ))
}
