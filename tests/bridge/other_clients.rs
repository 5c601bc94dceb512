//! Another client of the app plays, too.

use serde_json::{Value, json};
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::AppHandle;

use crate::support::{Rig, Setup, soon};

const LUSH: &str = "f082c00246fa";
const EDGE: &str = "e01a2b3c4d5e";

/// Has the toy play a PatternV2 of an hour, at full strength, which is said not to heed a Stop of
/// functions.
async fn pattern_v2(rig: &Rig, toy: &str) {
    let actions =
        json!([{"ts": 0, "pos": 100}, {"ts": 1, "pos": 100}, {"ts": 3_600_000, "pos": 0}]);
    let body = json!({"command": "PatternV2", "type": "InitPlay", "actions": actions, "toy": toy,
                      "startTime": 0, "offsetTime": 0, "apiVer": 1});
    // Another test may have been faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(rig.app.command_url()).json(&body).send();
    let answer: Value = soon("an answer", request)
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["code"], 200);
    rig.app_until("the pattern", |app| {
        app.toy(toy).is_some_and(|toy| toy.is_running())
    })
    .await;
}

#[tokio::test]
async fn every_stop_ends_what_another_client_plays() {
    let rig = Setup::toys(&[("Lush 3", LUSH), ("Edge 2", EDGE)])
        .start()
        .await;
    // A toy's own stop ends its pattern and no other toy's.
    pattern_v2(&rig, LUSH).await;
    pattern_v2(&rig, EDGE).await;
    rig.home.publish(&rig.topic(LUSH, "stop"), "");
    rig.app_until("level 0", |app| app.level(LUSH, Function::Vibrate) == 0)
        .await;
    assert_eq!(rig.app.level(EDGE, Function::Vibrate1), 20);

    for (topic, payload) in [("stop", ""), ("quiet/set", "ON")] {
        pattern_v2(&rig, LUSH).await;
        pattern_v2(&rig, EDGE).await;
        rig.home.publish(&rig.bridge_topic(topic), payload);
        rig.app_until(topic, AppHandle::all_zero).await;
    }
}
