//! One toy that the app has as well: one device, and a takeover when Bluetooth is lost.

use std::time::Duration;

use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, LovenseApp, RequestKind, ToySpec};

use super::rig::{Rig, hardware, toy};

const LUSH: &str = "F0:82:C0:02:46:FA";

/// How long the other way may take to have stopped the toy.
const TAKEOVER: Duration = Duration::from_secs(2);

/// The toy within reach of Bluetooth and of an app.
async fn both_ways() -> (Rig, AppHandle) {
    let spec = ToySpec {
        id: Some(hardware(LUSH)),
        ..ToySpec::new("Lush 3")
    };
    let app = LovenseApp::start_local(AppOptions::with_toys([spec])).await;
    let app = app.unwrap();
    let place = app.address();
    let settings = format!(
        "[[lovense_lan]]\nhost = '{}'\nport = {}",
        place.ip(),
        place.port()
    );
    let rig = Rig::with_toys(vec![toy("S", "LVS-S132", LUSH)], &settings).await;
    route(&rig, "ble").await;
    let polled = app.wait_until(Duration::from_secs(10), |app| {
        app.counts().of(RequestKind::GetToys) > 0
    });
    polled.await.unwrap();
    (rig, app)
}

async fn route(rig: &Rig, wanted: &str) {
    rig.home
        .until(&rig.topic(LUSH, "state"), |seen| {
            seen.json()["route"] == wanted
        })
        .await;
}

#[tokio::test]
async fn when_bluetooth_is_lost_the_app_takes_over_with_a_stop() {
    let (rig, app) = both_ways().await;
    rig.drive(LUSH, json!({"vibrate": 60})).await;
    assert_eq!(rig.bluez.world().body(LUSH).level(Function::Vibrate), 12);
    assert_eq!(app.counts().commands(), 0, "driven over one way");

    let mark = rig.home.mark();
    rig.bluez.faults(LUSH, |faults| faults.off_air = true);
    rig.bluez.drop_link(LUSH);
    let stopped = app.wait_until(TAKEOVER, |app| app.counts().commands() > 0);
    stopped.await.unwrap();
    route(&rig, "lovense_lan").await;
    assert!(app.all_zero(), "no level that nobody asked for");
    let seen = rig.home.after(mark);
    let availability = rig.topic(LUSH, "availability");
    assert!(
        !seen.iter().any(|seen| seen.topic == availability),
        "it was there all the time"
    );

    // Bluetooth comes back while the toy runs over the app: nothing is interrupted.
    rig.drive(LUSH, json!({"vibrate": 30})).await;
    rig.bluez.faults(LUSH, |faults| faults.off_air = false);
    rig.until("a connection", LUSH, |body| body.connections > 1)
        .await;
    rig.backend_is("up").await;
    rig.drive(LUSH, json!({"vibrate": 40})).await;
    assert_eq!(app.level(&hardware(LUSH), Function::Vibrate), 8);
    assert!(!rig.bluez.world().body(LUSH).runs());

    // At rest, the better way is used again.
    rig.say(LUSH, "stop", "");
    route(&rig, "ble").await;
    assert!(app.all_zero());
    rig.drive(LUSH, json!({"vibrate": 20})).await;
    assert_eq!(rig.bluez.world().body(LUSH).level(Function::Vibrate), 4);
    assert!(app.all_zero());
}
