//! Stops come through, and once.

use std::time::Duration;

use toy2mqtt::mqtt::Event;

use crate::bridge::{Bridge, SET, STOP, fresh, options};
use crate::support::client::Client;
use crate::support::mosquitto::{Mosquitto, Setup};
use crate::support::proxy::{Proxy, Which};
use crate::support::soon;

/// Waits until a stop has come over the connection for stops: the main one is shut.
async fn wait_for_stop_lane(bridge: &mut Bridge, user: &mut Client) {
    let mut n = 0;
    loop {
        n += 1;
        let payload = format!("probe {n}");
        user.publish(STOP, &payload, false).await;
        let stop = tokio::time::timeout(Duration::from_millis(200), bridge.stops.recv()).await;
        if stop.is_ok() {
            return;
        }
    }
}

#[tokio::test]
async fn a_stop_is_not_delayed_by_a_flood() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut bridge = Bridge::up(&options(broker.addr)).await;
    let mut user = broker.client("user").await;
    // The driver reads nothing: its inbox, the sockets and the broker's queue fill up.
    let flood = (0..2_000).map(|_| (SET.to_owned(), vec![b'x'; 4_096]));
    user.publish_all(false, flood).await;
    user.publish(STOP, "now", false).await;
    assert_eq!(bridge.stop().await, fresh(STOP, "now"));
    bridge.close().await;
}

#[tokio::test]
async fn a_stop_comes_once_though_two_connections_bring_it() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut bridge = Bridge::up(&options(broker.addr)).await;
    let mut user = broker.client("user").await;
    wait_for_stop_lane(&mut bridge, &mut user).await;
    for n in 0..100 {
        user.publish(STOP, n.to_string(), false).await;
    }
    let quiet = "toy2mqtt/bridge/quiet/set";
    user.publish(quiet, "ON", false).await;
    user.publish(SET, "end", false).await;
    let mut stops = Vec::new();
    while stops.last().is_none_or(|last| *last != fresh(quiet, "ON")) {
        stops.push(bridge.stop().await);
    }
    stops.retain(|stop| !stop.payload.starts_with(b"probe"));
    let wanted = (0..100).map(|n| fresh(STOP, &n.to_string()));
    assert!(stops.iter().take(100).cloned().eq(wanted));
    // Neither the main connection's events nor the channel for stops have another copy.
    assert_eq!(bridge.message().await, fresh(SET, "end"));
    assert_eq!(stops.len(), 101);
    bridge.close().await;
}

#[tokio::test]
async fn without_its_connection_a_stop_comes_over_the_main_one() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let proxy = Proxy::start(broker.addr).await;
    proxy.block(Which::Stop, true);
    let mut bridge = Bridge::up(&options(proxy.addr)).await;
    let mut user = broker.client("user").await;
    user.publish(STOP, "now", false).await;
    assert_eq!(bridge.stop().await, fresh(STOP, "now"));
    assert_eq!(proxy.accepted(Which::Stop), 0);
    bridge.close().await;
}

#[tokio::test]
async fn a_stop_comes_although_its_connection_is_dead_without_knowing() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let proxy = Proxy::start(broker.addr).await;
    let mut bridge = Bridge::up(&options(proxy.addr)).await;
    let mut user = broker.client("user").await;
    proxy.freeze(Which::Stop);
    user.publish(STOP, "now", false).await;
    assert_eq!(bridge.stop().await, fresh(STOP, "now"));
    bridge.close().await;
}

#[tokio::test]
async fn a_stop_comes_although_the_main_connection_is_dead_without_knowing() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let proxy = Proxy::start(broker.addr).await;
    let mut bridge = Bridge::up(&options(proxy.addr)).await;
    let mut user = broker.client("user").await;
    proxy.freeze(Which::Main);
    soon(
        "the connection for stops",
        wait_for_stop_lane(&mut bridge, &mut user),
    )
    .await;
    bridge.close().await;
}

#[tokio::test]
async fn the_connection_for_stops_comes_back_after_it_was_kicked() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let proxy = Proxy::start(broker.addr).await;
    let mut bridge = Bridge::up(&options(proxy.addr)).await;
    let mut user = broker.client("user").await;
    wait_for_stop_lane(&mut bridge, &mut user).await;
    // A broker ends a connection when its client id comes again (MQTT 3.1.1 §3.1.4).
    let rival = broker.client("toy2mqtt-test-stop").await;
    rival.broken().await;
    proxy.freeze(Which::Main);
    soon(
        "the connection for stops",
        wait_for_stop_lane(&mut bridge, &mut user),
    )
    .await;
    assert!(proxy.accepted(Which::Stop) >= 2);
    while let Ok(event) = bridge.events.try_recv() {
        assert!(matches!(event, Event::Message(_)), "{event:?}");
    }
    bridge.close().await;
}

#[tokio::test]
async fn two_with_one_client_id_are_both_connected_in_the_end() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let with_word = |word: &str| {
        let mut options = options(broker.addr);
        options.process = Some(word.to_owned());
        options
    };
    let mut first = Bridge::up(&with_word("1")).await;
    let mut second = Bridge::start(&with_word("2"));
    // One of them goes on under an id of its own…
    let taken_over = async {
        loop {
            tokio::select! {
                event = first.event() => if event == Event::TakenOver { return },
                event = second.event() => if event == Event::TakenOver { return },
            }
        }
    };
    soon("the end of the fight", taken_over).await;
    // …and then every stop reaches both. What was on its way when the fight ended may still push another
    // connection out once, and a stop that is sent meanwhile is lost: so it is twenty in a row.
    let mut user = broker.client("user").await;
    let twenty_in_a_row = async {
        let mut in_a_row = 0;
        for n in 0.. {
            let word = format!("stop {n}");
            user.publish(STOP, &word, false).await;
            let is_heard = async |bridge: &mut Bridge| {
                let heard = async { while bridge.stop().await != fresh(STOP, &word) {} };
                tokio::time::timeout(Duration::from_secs(1), heard)
                    .await
                    .is_ok()
            };
            in_a_row = match is_heard(&mut first).await && is_heard(&mut second).await {
                true => in_a_row + 1,
                false => 0,
            };
            if in_a_row == 20 {
                return;
            }
        }
    };
    soon("twenty stops in a row that reach both", twenty_in_a_row).await;
    first.close().await;
    second.close().await;
}
