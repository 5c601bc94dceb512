//! The broker or the link goes away and comes back.

use std::time::Duration;

use tokio::time::Instant;
use toy2mqtt::mqtt::Rank;

use crate::bridge::{Bridge, SET, STATE, fresh, options};
use crate::support::mosquitto::{Mosquitto, Setup, free_port};
use crate::support::proxy::{Proxy, Which};

const CONFIG: &str = "homeassistant/device/toy_1a2b3c4d/config";
const TOY_STATE: &str = "toy2mqtt/toy_1a2b3c4d/state";
const AVAILABILITY: &str = "toy2mqtt/toy_1a2b3c4d/availability";

/// In an order that is not the one to publish in.
fn publish(bridge: &Bridge) {
    bridge.publisher.retain(Rank::Online, STATE, b"online");
    bridge
        .publisher
        .retain(Rank::Availability, AVAILABILITY, b"online");
    bridge.publisher.retain(Rank::State, TOY_STATE, b"{}");
    bridge.publisher.retain(Rank::Config, CONFIG, b"{}");
}

#[tokio::test]
async fn a_broker_that_comes_late_is_found() {
    let port = free_port();
    let mut bridge = Bridge::start(&options(([127, 0, 0, 1], port).into()));
    publish(&bridge);
    let reason = bridge.wait_down("").await;
    assert!(reason.contains("mqtt.url"), "{reason}");
    let broker = Mosquitto::start_on(port, &Setup::default()).await;
    bridge.wait_up().await;
    let mut observer = broker.client("observer").await;
    assert!(observer.subscribe("toy2mqtt/#").await);
    observer
        .wait_for(STATE, |state| state.text() == "online")
        .await;
    bridge.close().await;
}

#[tokio::test]
async fn a_killed_broker_is_noticed_at_once_and_found_again() {
    let mut broker = Mosquitto::start(&Setup::default()).await;
    let mut bridge = Bridge::up(&options(broker.addr)).await;
    broker.kill();
    bridge.wait_down("").await;
    assert!(!bridge.publisher.is_connected());
    broker.restart();
    bridge.wait_up().await;
    broker.client("user").await.publish(SET, "{}", false).await;
    assert_eq!(bridge.message().await, fresh(SET, "{}"));
    bridge.close().await;
}

#[tokio::test]
async fn a_frozen_broker_is_noticed() {
    let mut broker = Mosquitto::start(&Setup::default()).await;
    let mut options = options(broker.addr);
    options.keep_alive = Some(Duration::from_secs(1));
    let mut bridge = Bridge::up(&options).await;
    broker.freeze();
    bridge.wait_down("does not answer").await;
    // What changes meanwhile is there afterwards, and only the newest of it.
    for level in 0..1_000 {
        let level = level.to_string();
        bridge
            .publisher
            .retain(Rank::State, TOY_STATE, level.as_bytes());
    }
    broker.kill();
    broker.restart();
    bridge.wait_up().await;
    let mut observer = broker.client("observer").await;
    assert!(observer.subscribe(TOY_STATE).await);
    observer
        .wait_for(TOY_STATE, |state| state.text() == "999")
        .await;
    bridge.close().await;
}

#[tokio::test]
async fn a_frozen_broker_that_thaws_goes_on() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut options = options(broker.addr);
    options.keep_alive = Some(Duration::from_secs(1));
    let mut bridge = Bridge::up(&options).await;
    broker.freeze();
    bridge.wait_down("does not answer").await;
    broker.thaw();
    bridge.wait_up().await;
    broker.client("user").await.publish(SET, "{}", false).await;
    assert_eq!(bridge.message().await, fresh(SET, "{}"));
    bridge.close().await;
}

#[tokio::test]
async fn a_broker_that_forgot_everything_gets_everything_in_order() {
    let mut broker = Mosquitto::start(&Setup::default()).await;
    let proxy = Proxy::start(broker.addr).await;
    let mut bridge = Bridge::up(&options(proxy.addr)).await;
    publish(&bridge);
    let mut before = broker.client("before").await;
    assert!(before.subscribe(STATE).await);
    before
        .wait_for(STATE, |state| state.text() == "online")
        .await;

    proxy.block(Which::Main, true);
    broker.restart();
    let mut observer = broker.client("observer").await;
    assert!(observer.subscribe("#").await);
    bridge.wait_down("").await;
    let removed = "homeassistant/device/old/config";
    bridge.publisher.remove(removed);
    let open = Instant::now();
    proxy.block(Which::Main, false);
    observer
        .wait_for(STATE, |state| state.text() == "online")
        .await;
    assert!(
        open.elapsed() < Duration::from_secs(3),
        "{:?}",
        open.elapsed()
    );
    let topics: Vec<_> = observer.received.iter().map(|m| m.topic.as_str()).collect();
    assert_eq!(topics, [removed, CONFIG, TOY_STATE, AVAILABILITY, STATE]);
    bridge.close().await;
}

#[tokio::test]
async fn a_broker_that_kept_everything_is_published_to_as_well() {
    let setup = Setup {
        persistence: true,
        ..Setup::default()
    };
    let mut broker = Mosquitto::start(&setup).await;
    let mut bridge = Bridge::up(&options(broker.addr)).await;
    publish(&bridge);
    let mut user = broker.client("user").await;
    assert!(user.subscribe(STATE).await);
    user.wait_for(STATE, |state| state.text() == "online").await;
    broker.restart();
    bridge.wait_up().await;
    let mut user = broker.client("user").await;
    // Whatever it has kept, the bridge's word is the last.
    user.publish(STATE, "offline", true).await;
    bridge.publisher.repeat(STATE);
    assert!(user.subscribe(STATE).await);
    user.wait_for(STATE, |state| state.text() == "online").await;
    bridge.close().await;
}

#[tokio::test]
async fn a_link_that_goes_dead_silently_heals() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let proxy = Proxy::start(broker.addr).await;
    let mut options = options(proxy.addr);
    options.keep_alive = Some(Duration::from_secs(1));
    let mut bridge = Bridge::up(&options).await;
    proxy.freeze(Which::Main);
    bridge.wait_down("does not answer").await;
    bridge.wait_up().await;
    broker.client("user").await.publish(SET, "{}", false).await;
    assert_eq!(bridge.message().await, fresh(SET, "{}"));
    bridge.close().await;
}

#[tokio::test]
async fn what_is_said_once_is_not_said_later() {
    let mut broker = Mosquitto::start(&Setup::default()).await;
    let proxy = Proxy::start(broker.addr).await;
    let mut options = options(proxy.addr);
    options.keep_alive = Some(Duration::from_secs(1));
    let mut bridge = Bridge::up(&options).await;
    let event = "toy2mqtt/toy_1a2b3c4d/event";

    // First into a link that is dead already, more than fits into any queue; then without one.
    proxy.block(Which::Main, true);
    proxy.freeze(Which::Main);
    for _ in 0..500 {
        bridge.publisher.emit_acknowledged(event, b"dead");
    }
    bridge.wait_down("does not answer").await;
    bridge.publisher.emit(event, b"gone");
    broker.restart();
    let mut observer = broker.client("observer").await;
    assert!(observer.subscribe("#").await);
    proxy.block(Which::Main, false);
    bridge.wait_up().await;
    bridge.publisher.emit(event, b"here");
    observer
        .wait_for(event, |event| event.text() == "here")
        .await;
    let came: Vec<_> = observer.received.iter().map(|m| m.text()).collect();
    assert_eq!(came, ["here"]);
    assert_eq!(
        bridge.publisher.published() + bridge.publisher.dropped(),
        502
    );
    bridge.close().await;
}
