//! What the documentation promises of access lists, and what a first start says.

use serde_json::Value;

use crate::program::{Running, program};
use crate::repository;
use crate::shared::mosquitto::{Mosquitto, Setup};

fn start(broker: &Mosquitto, folder: &std::path::Path, user: Option<&str>) -> Running {
    let mut command = program();
    command
        .arg("run")
        .current_dir(folder)
        .env("STATE_DIRECTORY", folder)
        .env("TOY2MQTT_MQTT__URL", format!("mqtt://{}", broker.addr));
    if let Some(user) = user {
        command
            .env("TOY2MQTT_MQTT__USERNAME", user)
            .env("TOY2MQTT_MQTT__PASSWORD", "0815");
    }
    Running(command.spawn().unwrap())
}

/// The access list in docs/mqtt.md, in a real broker.
#[tokio::test]
async fn the_documented_access_list_lets_through_what_it_should_and_nothing_else() {
    let page = repository("docs/mqtt.md");
    let section = page.split("## Access lists").nth(1).unwrap();
    let list = section.split("```").nth(1).unwrap().to_owned();
    let users: Vec<(String, String)> = list
        .lines()
        .filter_map(|line| line.strip_prefix("user "))
        .map(|user| (user.to_owned(), "0815".to_owned()))
        .collect();
    assert_eq!(users.len(), 3, "{users:?}");
    let broker = Mosquitto::start(&Setup {
        users,
        acl: Some(list),
        ..Setup::default()
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let _bridge = start(&broker, folder.path(), Some("toys"));
    let mut home = broker.client_as("home", "homeassistant", "0815").await;
    for filter in ["toy2mqtt/#", "homeassistant/#"] {
        assert!(home.subscribe(filter).await);
    }
    home.wait_for("toy2mqtt/bridge/state", |seen| seen.text() == "online")
        .await;
    home.wait_for("homeassistant/device/toy2mqtt_bridge/config", |_| true)
        .await;
    home.wait_for("toy2mqtt/bridge/quiet/state", |seen| seen.text() == "OFF")
        .await;

    // A guest may stop, and nothing else: quiet stays as it is.
    let mut guest = broker.client_as("guest", "guest", "0815").await;
    guest
        .publish("toy2mqtt/bridge/quiet/set", "ON", false)
        .await;
    guest.publish("toy2mqtt/bridge/stop", "", false).await;
    home.wait_for("toy2mqtt/bridge/barrier", |_| true).await;
    home.publish(
        "toy2mqtt/bridge/request/toys",
        "{\"transaction\":\"x\"}",
        false,
    )
    .await;
    home.wait_for("toy2mqtt/bridge/response/toys", |_| true)
        .await;
    let on = |seen: &&crate::shared::client::Received| {
        seen.topic == "toy2mqtt/bridge/quiet/state" && seen.text() == "ON"
    };
    assert_eq!(home.received.iter().find(on), None);
}

/// Nothing but a broker: the bridge is there, and says what it lacks.
#[tokio::test]
async fn a_first_start_says_what_is_missing() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let _bridge = start(&broker, folder.path(), None);
    let mut home = broker.client("home").await;
    assert!(home.subscribe("toy2mqtt/bridge/#").await);
    home.wait_for("toy2mqtt/bridge/state", |seen| seen.text() == "online")
        .await;
    let says_so = |seen: &crate::shared::client::Received| {
        let info: Value = serde_json::from_slice(&seen.payload).unwrap_or_default();
        let mut problems = info["problems"].as_array().into_iter().flatten();
        problems.any(|problem| {
            problem
                .as_str()
                .unwrap_or_default()
                .contains("no toy can be reached")
        })
    };
    home.wait_for("toy2mqtt/bridge/info", says_so).await;
}
