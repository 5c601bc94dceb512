//! One toy that the app has as well: one device, and a takeover when Bluetooth is lost.

use serde_json::json;
use toy2mqtt::sim::Function;
use toy2mqtt::sim::lovense_app::{AppHandle, AppOptions, LovenseApp, RequestKind, ToySpec};

use super::rig::{Rig, hardware, toy};
use super::support::DEADLINE;

const LUSH: &str = "F0:82:C0:02:46:FA";

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
    let polled = app.wait_until(DEADLINE, |app| app.counts().of(RequestKind::GetToys) > 0);
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

/// What is said beside the route.
async fn note(rig: &Rig, wanted: impl Fn(&serde_json::Value) -> bool) {
    let state = rig.topic(LUSH, "state");
    let seen = rig.home.until(&state, |seen| wanted(&seen.json()["note"]));
    seen.await;
}

#[tokio::test]
async fn that_the_phone_app_holds_a_toy_is_said() {
    let (rig, app) = both_ways().await;
    note(&rig, serde_json::Value::is_null).await;
    // The app takes it: a toy that is connected does not advertise.
    rig.bluez.faults(LUSH, |faults| faults.off_air = true);
    rig.bluez.drop_link(LUSH);
    route(&rig, "lovense_lan").await;
    let said = |note: &serde_json::Value| note.as_str().is_some_and(|it| it.contains("phone app"));
    note(&rig, said).await;
    // It is nobody's fault: no error, no problem.
    let state = rig.home.newest(&rig.topic(LUSH, "state")).unwrap().json();
    assert_eq!(state["last_error"], json!(null));
    let info = rig.home.newest("toy2mqtt/bridge/info").unwrap().json();
    assert_eq!(info["problems"], json!([]));
    assert_eq!(info["backends"]["ble"]["state"], "up");

    // The app lets go.
    rig.bluez.faults(LUSH, |faults| faults.off_air = false);
    route(&rig, "ble").await;
    note(&rig, serde_json::Value::is_null).await;

    // It advertises, but somebody else has it.
    rig.bluez
        .faults(LUSH, |faults| faults.connects_fail = u32::MAX);
    rig.bluez.drop_link(LUSH);
    note(&rig, said).await;
    // Without an app that has it, nothing is known.
    app.go().await.unwrap();
    note(&rig, serde_json::Value::is_null).await;
    rig.is(LUSH, "offline").await;
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
    let lost = rig.bluez.world().now();
    let stopped = app.wait_until(DEADLINE, |app| app.counts().commands() > 0);
    stopped.await.unwrap();
    let took = rig.bluez.world().now() - lost;
    eprintln!("figure: link lost → stop at the app: {took:?}");
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
    let heard = rig.bluez.world().body(LUSH).heard();
    let asked = heard.iter().filter(|it| *it == "Battery").count();
    rig.bluez.faults(LUSH, |faults| faults.off_air = false);
    // It is asked for its charge once the route has been made ready.
    rig.until("the better route", LUSH, |body| {
        let heard = body.heard();
        heard.iter().filter(|it| *it == "Battery").count() > asked
    })
    .await;
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
