//! Toys come, are used, and go.

use serde_json::json;

use crate::engine::{Engine, Setup};
use crate::rig::{Rig, known};
use crate::toys::Toy;

fn url(engine: &Engine) -> String {
    format!("url = \"ws://{}\"", engine.address)
}

/// Everything that a toy's life brings, in whichever version.
async fn a_life(setup: Setup, more: &str, version: u32) {
    let engine = Engine::start(setup).await;
    let (edge, nora, max) = (
        Toy::new("P", "e0e0e0e0e0e0"),
        Toy::new("A", "a0a0a0a0a0a0"),
        Toy::new("B", "b0b0b0b0b0b0"),
    );
    engine.air.plug(&edge).await;
    let server = format!("{}\nname = \"Test Engine\"\n{more}", url(&engine));
    let rig = Rig::start(&[server]).await;
    rig.backend_until("buttplug", |it| it["state"] == "up")
        .await;
    let edge_id = known(0, "Lovense Edge");
    // Events are not kept: this toy may have come before the broker was there.
    rig.available(&edge_id, true).await;
    rig.state_until(&edge_id, |state| state["battery"] == 85)
        .await;

    // Nobody has asked for anything: a toy is told nothing but to be off.
    let quiet = |seen: &[String]| seen.iter().all(|it| it.ends_with(":0;"));
    assert!(quiet(&edge.seen()), "{:?}", edge.seen());

    rig.set(&edge_id, json!({"vibrate_1": 25, "vibrate_2": 100}))
        .await;
    edge.told("Vibrate1:5;").await;
    edge.told("Vibrate2:20;").await;
    rig.state_until(&edge_id, |state| {
        state["vibrate_1"] == 25 && state["vibrate_2"] == 100
    })
    .await;

    // While the bridge is connected more toys come.
    let mark = rig.home.mark();
    engine.air.plug(&nora).await;
    engine.air.plug(&max).await;
    let (nora_id, max_id) = (known(1, "Lovense Nora"), known(2, "Lovense Max"));
    rig.event(mark, "toy_added", &nora_id).await;
    rig.event(mark, "toy_added", &max_id).await;
    rig.available(&nora_id, true).await;
    rig.set(&nora_id, json!({"vibrate": 50, "rotate": -60}))
        .await;
    nora.told("Vibrate:10;").await;
    nora.told("Rotate:12;").await;
    nora.until("the other direction", |seen| {
        seen.iter().any(|it| it == "RotateChange;")
    })
    .await;
    rig.set(&max_id, json!({"constrict": 67})).await;
    max.told("Air:Level:2;").await;

    // One goes, and the others do not notice.
    let mark = rig.home.mark();
    engine.air.unplug(&edge);
    rig.event(mark, "toy_removed", &edge_id).await;
    rig.available(&edge_id, false).await;
    let config = format!(
        "homeassistant/device/toy2mqtt_{}/config",
        crate::support::toy(&edge_id)
    );
    let config = rig.home.newest(&config).expect("its device stays").json();
    let connected = config["components"].as_object().unwrap().values();
    let connected = connected.filter(|it| it["device_class"] == "connectivity");
    assert_eq!(connected.count(), 1, "{config}");
    let gone = rig.ask(&edge_id, json!({"vibrate_1": 5})).await;
    assert_eq!(gone["error"]["code"], "offline", "{gone}");
    rig.set(&nora_id, json!({"rotate": 0})).await;
    nora.told("Rotate:0;").await;

    // It comes back as the same device, and off.
    let mark = rig.home.mark();
    let edge = Toy::new("P", "e0e0e0e0e0e0");
    edge.set_battery(30);
    engine.air.plug(&edge).await;
    rig.event(mark, "toy_added", &edge_id).await;
    let state = rig
        .state_until(&edge_id, |state| state["battery"] == 30)
        .await;
    // 0, or unknown until the toy has confirmed it.
    let levels = ["vibrate_1", "vibrate_2"].map(|key| state[key].as_i64().unwrap_or(0));
    assert_eq!(levels, [0, 0], "{state}");
    assert!(quiet(&edge.seen()), "{:?}", edge.seen());
    rig.set(&edge_id, json!({"vibrate_2": 5})).await;
    edge.told("Vibrate2:1;").await;

    // Never a stop of one device: some servers take it for a stop of all.
    let heard = engine.heard();
    assert!(
        !heard
            .iter()
            .any(|it| it.contains("Stop") && it.contains("DeviceIndex")),
        "{heard:?}"
    );
    let hello = heard
        .iter()
        .rev()
        .find(|it| it.contains("RequestServerInfo"))
        .unwrap();
    let field = ["MessageVersion\":3", "ProtocolVersionMajor\":4"][version as usize - 3];
    assert!(hello.contains(field), "{hello}");
}

#[tokio::test]
async fn a_life_in_version_4() {
    a_life(Setup::default(), "", 4).await;
}

#[tokio::test]
async fn a_life_in_version_3() {
    a_life(Setup::default(), "protocol = \"3\"", 3).await;
}

#[tokio::test]
async fn a_life_with_a_server_that_knows_only_version_3() {
    let setup = Setup {
        only_v3: true,
        ..Setup::default()
    };
    a_life(setup, "", 3).await;
}

#[tokio::test]
async fn two_servers_of_one_name_with_two_toys_of_one_name_each() {
    let (pc, phone) = (
        Engine::start(Setup::default()).await,
        Engine::start(Setup::default()).await,
    );
    let addresses = [
        "0a0a0a0a0a0a",
        "0b0b0b0b0b0b",
        "0c0c0c0c0c0c",
        "0d0d0d0d0d0d",
    ];
    let toys = addresses.map(|address| Toy::new("S", address));
    for (toy, engine) in toys.iter().zip([&pc, &pc, &phone, &phone]) {
        engine.air.plug(toy).await;
    }
    let phone_settings = format!("{}\nname = \"Phone\"", url(&phone));
    let rig = Rig::start(&[url(&pc), phone_settings]).await;
    let id = |server: &str, index: u32| format!("buttplug/{server}/{index}/Lovense Lush");
    let ids = [
        id("Test Engine", 0),
        id("Test Engine", 1),
        id("Phone", 0),
        id("Phone", 1),
    ];
    for id in &ids {
        rig.available(id, true).await;
    }
    // Which toy came first at each server is not for us to say: each command reaches one toy, and
    // each toy gets one.
    for (id, level) in ids.iter().zip([20, 40, 60, 80]) {
        rig.set(id, json!({"vibrate": level})).await;
    }
    let ordered = |toys: &[Toy]| {
        let mut last: Vec<_> = toys.iter().map(|toy| toy.seen().pop().unwrap()).collect();
        last.sort();
        last
    };
    let all = |wanted: [&'static str; 2], toys: &[Toy]| {
        toys.iter()
            .all(|toy| toy.seen().iter().any(|it| wanted.contains(&it.as_str())))
    };
    for (toys, wanted) in [
        (&toys[..2], ["Vibrate:4;", "Vibrate:8;"]),
        (&toys[2..], ["Vibrate:12;", "Vibrate:16;"]),
    ] {
        toys[0]
            .until("its level", |_| all(wanted, &toys[..1]))
            .await;
        toys[1]
            .until("its level", |_| all(wanted, &toys[1..]))
            .await;
        let mut wanted = wanted;
        wanted.sort_unstable();
        assert_eq!(ordered(toys), wanted);
    }
}

#[tokio::test]
async fn toys_are_searched_for_on_connecting_and_on_demand() {
    let engine = Engine::start(Setup::default()).await;
    let server = format!("{}\nscan = \"1s\"\nrescan = \"off\"", url(&engine));
    let rig = Rig::start(&[server]).await;
    engine.air.scans(true).await;
    engine.air.scans(false).await;
    rig.home.publish("toy2mqtt/bridge/scan/set", "ON");
    engine.air.scans(true).await;
    rig.home.publish("toy2mqtt/bridge/scan/set", "OFF");
    engine.air.scans(false).await;

    // A search that the server ends by itself is over, and the next one can be asked for.
    for _ in 0..2 {
        rig.home.publish("toy2mqtt/bridge/scan/set", "ON");
        engine.air.scans(true).await;
        rig.home.says("toy2mqtt/bridge/scan/state", "ON").await;
        engine.air.search_ends().await;
        rig.home.says("toy2mqtt/bridge/scan/state", "OFF").await;
    }
    let starts = || {
        let heard = engine.heard();
        heard
            .iter()
            .filter(|it| it.contains("StartScanning"))
            .count()
    };
    assert_eq!(starts(), 4, "none is started again unasked");
}

#[tokio::test]
async fn whoever_asks_for_a_search_gets_a_new_one() {
    let engine = Engine::start(Setup::default()).await;
    let server = format!("{}\nscan = \"1h\"\nrescan = \"off\"", url(&engine));
    let rig = Rig::start(&[server]).await;
    engine.air.scans(true).await;
    rig.home.publish("toy2mqtt/bridge/scan/set", "ON");
    let searches = || {
        let heard = engine.heard().into_iter();
        let searches = heard.filter(|it| it.contains("Scanning"));
        let name = |it: String| it.contains("StartScanning");
        searches.map(name).collect::<Vec<_>>()
    };
    let asking = async {
        while searches() != [true, false, true] {
            rig.home.synced().await;
        }
    };
    crate::shared::soon("a new search", asking).await;
    engine.air.scans(true).await;
}
