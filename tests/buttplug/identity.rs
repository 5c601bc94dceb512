//! Which toy is which on servers that do not keep their indexes.

use serde_json::{Value, json};

use crate::engine::{Engine, Setup};
use crate::rig::{Rig, known};
use crate::script::Script;
use crate::support::Seen;
use crate::toys::Toy;

const HUSH: &str = "Lovense Hush";

/// The server lists these devices: an index, and a display name if there is one.
fn devices(all: &[(u32, Option<&str>)]) -> Value {
    let device = |(index, name): &(u32, Option<&str>)| {
        let mut device = json!({"DeviceIndex": index, "DeviceName": HUSH, "DeviceMessageTimingGap": 0,
            "DeviceFeatures": {"0": {"FeatureIndex": 0, "Output": {"Vibrate": {"Value": [0, 20]}}}}});
        if let Some(name) = name {
            device["DeviceDisplayName"] = json!(name);
        }
        (index.to_string(), device)
    };
    Value::Object(all.iter().map(device).collect())
}

/// Waits until the problems in `bridge/info` are accepted by `wanted`.
async fn problems(rig: &Rig, wanted: impl Fn(&[Value]) -> bool) {
    let find = |seen: &Seen| seen.json()["problems"].as_array().cloned();
    let is = |seen: &Seen| find(seen).is_some_and(|all| wanted(&all));
    rig.home.until("toy2mqtt/bridge/info", is).await;
}

fn are_alike(all: &[Value]) -> bool {
    let text = all.iter().filter_map(Value::as_str);
    text.into_iter().any(|it| it.contains("display name"))
}

/// Hers may go to 20 %.
async fn limit_hers(rig: &Rig) {
    let hers = known(1, HUSH);
    rig.home.publish(&rig.topic(&hers, "limit/set"), "20");
    rig.state_until(&hers, |state| state["limit"] == 20).await;
}

#[tokio::test]
async fn after_a_restart_of_a_server_that_forgets_the_lowest_limit_holds() {
    let mut engine = Engine::start(Setup::default()).await;
    let address = engine.address;
    let (a, b) = (Toy::new("Z", "aaaaaaaaaaaa"), Toy::new("Z", "bbbbbbbbbbbb"));
    let (mine, hers) = (known(0, HUSH), known(1, HUSH));
    engine.air.plug(&a).await;
    let rig = Rig::start(&[format!("url = \"ws://{address}\"")]).await;
    rig.available(&mine, true).await;
    engine.air.plug(&b).await;
    rig.available(&hers, true).await;
    limit_hers(&rig).await;

    let mark = rig.home.mark();
    engine.stop().await;
    rig.event(mark, "toy_removed", &mine).await;
    rig.event(mark, "toy_removed", &hers).await;
    drop(engine);
    // Another process, which knows nothing of the one before, and her toy comes first.
    let engine = Engine::start_at(Setup::default(), address).await;
    engine.air.plug(&b).await;
    rig.available(&mine, true).await;
    problems(&rig, are_alike).await;
    let result = rig.ask(&mine, json!({"vibrate": 100})).await;
    assert_eq!(result["ok"], true, "{result}");
    b.told("Vibrate:4;").await;
    engine.air.plug(&a).await;
    rig.available(&hers, true).await;
    rig.ask(&hers, json!({"vibrate": 100})).await;
    a.told("Vibrate:4;").await;
}

#[tokio::test]
async fn where_display_names_moved_the_toys_moved() {
    let mut script = Script::listen().await;
    let rig = Rig::start(&[format!("url = \"ws://{}\"", script.address)]).await;
    let (mine, hers) = (known(0, HUSH), known(1, HUSH));
    script.accept().await;
    let named = [(0, Some("Alpha")), (1, Some("Beta"))];
    script.welcome(devices(&named)).await;
    rig.available(&hers, true).await;
    limit_hers(&rig).await;
    problems(&rig, |all| !are_alike(all)).await;

    let mark = rig.home.mark();
    script.hang_up();
    rig.event(mark, "toy_removed", &hers).await;
    script.accept().await;
    let moved = [(0, Some("Beta")), (1, Some("Alpha"))];
    script.welcome(devices(&moved)).await;
    for (toy, index, level) in [(&mine, 1, 20), (&hers, 0, 4)] {
        rig.available(toy, true).await;
        rig.home
            .publish(&rig.topic(toy, "set"), json!({"vibrate": 100}).to_string());
        let told = loop {
            let told = script.heard("OutputCmd").await;
            script.ok(&told).await;
            let value = &told["Command"]["Vibrate"]["Value"];
            if *value != json!(0) {
                break (told["DeviceIndex"].clone(), value.clone());
            }
        };
        assert_eq!(told, (json!(index), json!(level)), "{toy}");
    }

    // The names are lost as well: nothing tells the toys apart.
    let mark = rig.home.mark();
    script.hang_up();
    rig.event(mark, "toy_removed", &hers).await;
    script.accept().await;
    script.welcome(devices(&[(0, None), (1, None)])).await;
    problems(&rig, are_alike).await;
    rig.state_until(&mine, |state| state["limit"] == 20).await;
}
