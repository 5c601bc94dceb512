//! Two outputs of one toy, set back to back.

use std::time::Duration;

use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppOptions, ToySpec};

use crate::Failure;
use crate::flood::slow;
use crate::stage::{App, Stage};
use crate::table::Row;

const TOYS: usize = 10;
const ROUNDS: usize = 100;

/// Both have been taken long before.
const SETTLED: Duration = Duration::from_millis(250);

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let toys = AppOptions::with_toys((0..TOYS).map(|_| ToySpec::new("Edge 2")));
    let stage = Stage::set(slow(toys), "").await?;
    let ids = stage.app.ids();
    let mut wrong = 0;
    for round in 0..ROUNDS {
        let (first, second) = (1 + round % 20, 1 + (round * 7 + 3) % 20);
        for toy in 0..TOYS {
            let toy = App::toy(toy);
            for (output, step) in [(1, first), (2, second)] {
                let topic = format!("bench/{toy}/vibrate_{output}/set");
                stage
                    .client
                    .publish(&topic, &(step * 5).to_string())
                    .await?;
            }
        }
        tokio::time::sleep(SETTLED).await;
        for id in &ids {
            let levels = [Function::Vibrate1, Function::Vibrate2].map(|f| stage.app.level(id, f));
            wrong += usize::from(levels.map(usize::from) != [first, second]);
        }
    }
    Ok(vec![Row::new(
        "two outputs set back to back: wrong ones",
        format!("{wrong} of {}", TOYS * ROUNDS),
        "peer: 50 of 50",
        "0",
        wrong == 0,
    )])
}
