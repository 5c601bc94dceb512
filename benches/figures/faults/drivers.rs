//! Which bridge drives, and whether it may go on: data folders, connections, retained commands.

use std::path::Path;
use std::time::{Duration, Instant};

use rumqttc::QoS;
use toy2mqtt::sim::Function;

use super::Build;
use super::permits::Permits;
use super::relay::Relay;
use super::rig::{Home, Process, Rig, section, topic, vibrators, wait};
use crate::Failure;
use crate::client::Client;
use crate::stage::{App, Broker};

/// How often a toy is started and everything stopped while two bridges run.
const ROUNDS: usize = 5;

/// A second bridge on a copy of the first one's data folder.
pub(super) async fn copied(build: Build) -> Result<Duration, Failure> {
    let rig = Rig::set(build, vibrators(1), "").await?;
    let home = Home::new(rig.broker.port, &section(&rig.app, ""))?;
    copy(&rig.home.data(), &home.data())?;
    let _second = Process::start(&rig.build, home.path(), &[])?;
    started_and_stopped(&rig).await
}

/// A second process with the settings of the first, as when one is typed beside the service.
pub(super) async fn doubled(build: Build) -> Result<Duration, Failure> {
    let rig = Rig::set(build, vibrators(1), "").await?;
    let _second = Process::start(&rig.build, rig.home.path(), &[])?;
    started_and_stopped(&rig).await
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

async fn started_and_stopped(rig: &Rig) -> Result<Duration, Failure> {
    wait(6_000).await;
    let mut permits = Permits::default();
    for _ in 0..ROUNDS {
        permits.allow(8);
        rig.tell(0, "vibrate/set", "40").await?;
        wait(1_700).await;
        rig.client.publish("bench/bridge/stop", "").await?;
        permits.end();
        // Longer than the hold of a stop.
        wait(2_300).await;
    }
    Ok(rig.exceeded(0, Function::Vibrate, &permits))
}

/// The connection to the broker works for half a second again and again.
pub(super) async fn flapping(build: Build) -> Result<Duration, Failure> {
    let broker = Broker::start().await?;
    let relay = Relay::start(broker.port, None).await?;
    let app = App::start(vibrators(1)).await?;
    let more = "[safety]\nbroker_lost = \"2s\"\n";
    let rig = Rig::on(build, broker, relay.port, app, more).await?;
    // Long enough to count as a good connection.
    wait(6_000).await;
    let mut permits = Permits::default();
    permits.allow(20);
    rig.tell(0, "vibrate/set", "40").await?;
    rig.runs(0, Function::Vibrate).await?;
    permits.allow_from(Instant::now() + Duration::from_secs(2), 0);
    for _ in 0..20 {
        relay.cut();
        wait(500).await;
    }
    Ok(rig.exceeded(0, Function::Vibrate, &permits))
}

/// A command that one broker has kept comes back without the flag over a link that was cut.
pub(super) async fn linked(build: Build) -> Result<Duration, Failure> {
    let far = Broker::start().await?;
    let link = Relay::start(far.port, None).await?;
    let near = Broker::start_with(&format!(
        "connection up\naddress 127.0.0.1:{}\ntopic bench/# both 1\ntopic homeassistant/# both 1\n\
         cleansession false\nrestart_timeout 1\nnotifications false\n",
        link.port
    ))
    .await?;
    let port = near.port;
    let app = App::start(vibrators(1)).await?;
    let rig = Rig::on(build, near, port, app, "").await?;
    let client = Client::connect(far.port, "far", &[]).await?;
    let mut permits = Permits::default();
    permits.allow(20);
    let set = topic(0, "vibrate/set");
    client.send(&set, "35", QoS::AtLeastOnce, true).await?;
    wait(1_000).await;
    rig.client.publish("bench/bridge/stop", "").await?;
    permits.end();
    wait(3_000).await;
    link.let_through(false);
    link.cut();
    wait(2_000).await;
    link.let_through(true);
    wait(5_000).await;
    Ok(rig.exceeded(0, Function::Vibrate, &permits))
}

/// A broker leaves the retain flag on live messages, also on stops.
pub(super) async fn flagged(build: Build) -> Result<Duration, Failure> {
    let broker = Broker::start().await?;
    let relay = Relay::start(broker.port, Some("/stop")).await?;
    let app = App::start(vibrators(2)).await?;
    let rig = Rig::on(build, broker, relay.port, app, "").await?;
    let mut unsafe_time = Duration::ZERO;
    for (toy, stop) in [topic(0, "stop"), "bench/bridge/stop".to_owned()]
        .iter()
        .enumerate()
    {
        let mut permits = Permits::default();
        permits.allow(20);
        rig.tell(toy, "vibrate/set", "40").await?;
        rig.runs(toy, Function::Vibrate).await?;
        wait(500).await;
        rig.client.publish(stop, "").await?;
        permits.end();
        wait(2_500).await;
        unsafe_time += rig.exceeded(toy, Function::Vibrate, &permits);
    }
    Ok(unsafe_time)
}

/// A toy runs without a lease, goes out of reach, and comes back after a restart of the bridge.
pub(super) async fn marker(build: Build) -> Result<Duration, Failure> {
    let mut rig = Rig::set(build, vibrators(1), "lease = \"off\"\n").await?;
    let mut permits = Permits::default();
    permits.allow(20);
    rig.tell(0, "vibrate/set", "50").await?;
    rig.runs(0, Function::Vibrate).await?;
    wait(700).await;
    rig.app.go().await?;
    // Longer than a stop is tried.
    wait(4_500).await;
    rig.bridge.kill()?;
    rig.restart()?;
    wait(1_000).await;
    rig.app.come_back().await?;
    // An app that is back is found by the next question.
    permits.allow_from(Instant::now() + Duration::from_secs(5), 0);
    wait(10_000).await;
    Ok(rig.exceeded(0, Function::Vibrate, &permits))
}
