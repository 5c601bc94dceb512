//! Levels that others set, and limits, over the app.

use std::time::Duration;

use serde_json::json;
use toy2mqtt::sim::Function;

use super::Build;
use super::permits::Permits;
use super::rig::{Rig, model, post, topic, vibrators, wait};
use crate::Failure;
use crate::stage::{App, Broker};

/// Ways to say off to one toy: the topic below it, and the payload.
const OFF: [(&str, &str); 4] = [
    ("set", "OFF"),
    ("vibrate/set", "0"),
    ("set", r#"{"brightness":0}"#),
    ("state/set", "OFF"),
];

/// Off beside something that makes no sense.
const BESIDE: [(&str, &str); 5] = [
    ("set", r#"{"state":"OFF","colour":"red"}"#),
    ("set", r#"{"vibrate":0,"for":"a while"}"#),
    ("vibrate/set", "false"),
    ("vibrate/set", r#"{"level":0,"speed":11}"#),
    ("set", r#"{"state":"OFF","transition":-1}"#),
];

/// Toys that another client or a hand has set, each told off in another way.
pub(super) async fn off_unseen(build: Build) -> Result<Duration, Failure> {
    let rig = Rig::set(build, vibrators(OFF.len() + 1), "").await?;
    let ids = rig.app.ids();
    let mut permits: Vec<Permits> = Vec::new();
    for id in &ids {
        let mut permit = Permits::default();
        permit.allow(20);
        permits.push(permit);
        if permits.len() <= OFF.len() {
            rig.app.set_by_user(id, Function::Vibrate, 15)?;
        } else {
            let body = json!({"command": "Function", "action": "Vibrate:15", "timeSec": 0,
                "toy": id, "apiVer": 1});
            post(&rig.app, &body).await?;
        }
    }
    wait(1_000).await;
    for (toy, (below, payload)) in OFF.into_iter().enumerate() {
        rig.tell(toy, below, payload).await?;
        permits[toy].end();
    }
    wait(1_500).await;
    rig.client.publish("bench/all/set", "OFF").await?;
    permits[OFF.len()].end();
    wait(1_500).await;
    let each = permits.iter().enumerate();
    Ok(each
        .map(|(toy, permits)| rig.exceeded(toy, Function::Vibrate, permits))
        .sum())
}

/// A toy runs when the bridge starts, and is told off.
pub(super) async fn off_at_start(build: Build) -> Result<Duration, Failure> {
    let broker = Broker::start().await?;
    let port = broker.port;
    let app = App::start(vibrators(1)).await?;
    let mut permits = Permits::default();
    permits.allow(20);
    app.set_by_user(&app.ids()[0], Function::Vibrate, 15)?;
    let rig = Rig::on(build, broker, port, app, "").await?;
    rig.tell(0, "set", "OFF").await?;
    permits.end();
    wait(3_000).await;
    Ok(rig.exceeded(0, Function::Vibrate, &permits))
}

/// Toys run, and are told off in payloads of which another part is wrong.
pub(super) async fn off_beside_nonsense(build: Build) -> Result<Duration, Failure> {
    let rig = Rig::set(build, vibrators(BESIDE.len()), "").await?;
    let mut each = Vec::new();
    for (toy, (below, payload)) in BESIDE.into_iter().enumerate() {
        let mut permits = Permits::default();
        permits.allow(20);
        rig.tell(toy, "set", "40").await?;
        rig.tell(toy, "vibrate/set", "40").await?;
        rig.runs(toy, Function::Vibrate).await?;
        wait(200).await;
        rig.tell(toy, below, payload).await?;
        permits.end();
        each.push(permits);
    }
    wait(2_000).await;
    let each = each.iter().enumerate();
    Ok(each
        .map(|(toy, permits)| rig.exceeded(toy, Function::Vibrate, permits))
        .sum())
}

/// Another client plays a PatternV2, and a stop comes on this topic.
pub(super) async fn pattern(
    build: Build,
    topic_: &str,
    payload: &str,
) -> Result<Duration, Failure> {
    let rig = Rig::set(build, vibrators(1), "").await?;
    let mut permits = Permits::default();
    permits.allow(20);
    let play = json!({"command": "PatternV2", "type": "InitPlay", "toy": rig.app.ids()[0],
        "actions": [{"ts": 100, "pos": 100}, {"ts": 500, "pos": 60}, {"ts": 60_000, "pos": 100}],
        "startTime": 0, "offsetTime": 0, "apiVer": 1});
    post(&rig.app, &play).await?;
    rig.runs(0, Function::Vibrate).await?;
    wait(700).await;
    let topic = topic_.replace("bench/TOY/stop", &topic(0, "stop"));
    rig.client.publish(&topic, payload).await?;
    permits.end();
    wait(3_000).await;
    Ok(rig.exceeded(0, Function::Vibrate, &permits))
}

/// A limit cuts a level of a pump with three steps to 0, and is raised.
pub(super) async fn limit(build: Build) -> Result<Duration, Failure> {
    let rig = Rig::set(build, model("Max 2"), "").await?;
    let toy = topic(0, "").replace("bench/", "").replace('/', "");
    let limit = async |max: u64| {
        let request = json!({"toy": toy, "max": max}).to_string();
        rig.client
            .publish("bench/bridge/request/limits", &request)
            .await
    };
    limit(30).await?;
    wait(300).await;
    rig.tell(0, "set", r#"{"constrict":20}"#).await?;
    wait(1_000).await;
    limit(100).await?;
    wait(3_000).await;
    // 20 % of three steps is the first of them, 33 %: above the limit, so none was permitted.
    Ok(rig.exceeded(0, Function::Pump, &Permits::default()))
}
