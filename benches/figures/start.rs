//! From exec to the first discovery payload.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::client::Client;
use crate::stage::{App, Bridge, Broker, program};
use crate::stats::{Samples, millis};
use crate::table::Row;
use crate::{Failure, within};

const STARTS: usize = 30;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let broker = Broker::start().await?;
    let app = App::start(App::vibrators(3)).await?;
    let filters = ["homeassistant/device/+/config", "bench/#"];
    let mut client = Client::connect(broker.port, "audience", &filters).await?;
    let (mut bare, mut first, mut toys) = Default::default();
    for _ in 0..STARTS {
        let began = Instant::now();
        Command::new(program())
            .arg("--version")
            .stdout(Stdio::null())
            .status()?;
        Samples::add(&mut bare, began.elapsed());

        // Each start finds an empty data folder, so it has to ask the app which toys there are.
        let bridge = Bridge::start(&broker, &app, "")?;
        let discovery = |topic: &str| topic.starts_with("homeassistant/");
        let any = client.find(|message| !message.retained && discovery(&message.topic));
        let any = within(10, "discovery", any).await??;
        Samples::add(&mut first, any.at - bridge.started);
        let mut toy = any;
        if toy.topic.contains("bridge") {
            let of_toy = client.find(|message| {
                !message.retained && discovery(&message.topic) && !message.topic.contains("bridge")
            });
            toy = within(10, "discovery of a toy", of_toy).await??;
        }
        Samples::add(&mut toys, toy.at - bridge.started);
        drop(bridge);
        // The broker publishes the will of whoever vanishes: the next start is not to meet it.
        let will = client
            .find(|message| message.topic == "bench/bridge/state" && message.payload == b"offline");
        within(30, "the will", will).await??;
        client.forget();
    }
    let limit = std::time::Duration::from_millis(50);
    Ok(vec![
        Row::new(
            format!("exec → first discovery payload, p50 of {STARTS}"),
            millis(first.p50()),
            format!("exec and exit: {}; peer: 500–670 ms", millis(bare.p50())),
            "≤ 50 ms",
            first.p50() <= limit,
        ),
        Row::new(
            "exec → first discovery payload of a toy, p50",
            millis(toys.p50()),
            "–",
            "≤ 50 ms",
            toys.p50() <= limit,
        ),
    ])
}
