//! How the bridge goes: with goodbye or without.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use toy2mqtt::mqtt::Rank;

use crate::bridge::{Bridge, SET, STATE, options};
use crate::support::mosquitto::{Mosquitto, Setup, free_port};

#[tokio::test]
async fn the_last_word_is_published_and_no_will() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let bridge = Bridge::up(&options(broker.addr)).await;
    let mut observer = broker.client("observer").await;
    assert!(observer.subscribe("#").await);
    for n in 0..1_000 {
        let topic = format!("toy2mqtt/{n}/availability");
        bridge
            .publisher
            .retain(Rank::Availability, &topic, b"offline");
    }
    bridge.publisher.retain(Rank::Online, STATE, b"stopped");
    bridge.close().await;
    observer
        .wait_for(STATE, |state| state.text() == "stopped")
        .await;
    observer.catch_up().await;
    assert_eq!(observer.received.len(), 1_001);
    assert_eq!(observer.received.last().unwrap().text(), "stopped");
}

#[tokio::test]
async fn a_flood_does_not_turn_a_goodbye_into_a_will() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let bridge = Bridge::up(&options(broker.addr)).await;
    let mut observer = broker.client("observer").await;
    assert!(observer.subscribe(STATE).await);
    let user = broker.client("user").await;
    for _ in 0..5_000 {
        user.publish_lightly(SET, &[b'x'; 1_000]);
    }
    bridge.publisher.retain(Rank::Online, STATE, b"stopped");
    bridge.close().await;
    observer
        .wait_for(STATE, |state| state.text() == "stopped")
        .await;
    observer.catch_up().await;
    assert_eq!(observer.received.len(), 1);
}

#[tokio::test]
async fn a_bridge_that_vanishes_leaves_its_will() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut observer = broker.client("observer").await;
    assert!(observer.subscribe(STATE).await);
    let (vanish, vanishes) = oneshot::channel::<()>();
    let options = options(broker.addr);
    let bridge = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let bridge = Bridge::up(&options).await;
            bridge.publisher.retain(Rank::Online, STATE, b"online");
            let _ = vanishes.await;
        });
        // The runtime ends with all that runs on it, wherever that is.
    });
    observer
        .wait_for(STATE, |state| state.text() == "online")
        .await;
    vanish.send(()).unwrap();
    observer
        .wait_for(STATE, |state| state.text() == "offline")
        .await;
    bridge.join().unwrap();
    let mut late = broker.client("late").await;
    assert!(late.subscribe(STATE).await);
    let will = late.next().await;
    assert!(will.retained);
    assert_eq!(will.text(), "offline");
}

#[tokio::test]
async fn without_a_broker_there_is_nothing_to_wait_for() {
    let mut bridge = Bridge::start(&options(([127, 0, 0, 1], free_port()).into()));
    bridge.publisher.retain(Rank::Online, STATE, b"stopped");
    bridge.wait_down("").await;
    let begin = Instant::now();
    bridge.close().await;
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_frozen_broker_is_waited_for_no_longer_than_allowed() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let bridge = Bridge::up(&options(broker.addr)).await;
    broker.freeze();
    // More than the broker may leave unacknowledged.
    for n in 0..500 {
        let topic = format!("toy2mqtt/{n}/state");
        bridge.publisher.retain(Rank::State, &topic, b"{}");
    }
    let begin = Instant::now();
    let Bridge {
        session, events, ..
    } = bridge;
    drop(events);
    session.close(Duration::from_millis(500)).await;
    assert!(begin.elapsed() < Duration::from_secs(5));
}
