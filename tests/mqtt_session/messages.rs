//! Messages of every size and kind.

use tokio::task::JoinSet;
use toy2mqtt::mqtt::publisher::MAX_PAYLOAD;
use toy2mqtt::mqtt::{Event, Message, Rank};

use crate::bridge::{Bridge, SET, STATE, fresh, options};
use crate::support::mosquitto::{Mosquitto, Setup};

#[tokio::test]
async fn an_own_message_that_is_too_large_is_dropped_and_the_connection_lives() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let bridge = Bridge::up(&options(broker.addr)).await;
    let mut observer = broker.client("observer").await;
    assert!(observer.subscribe("toy2mqtt/#").await);
    let huge = vec![b'x'; MAX_PAYLOAD + 1];
    assert!(!bridge.publisher.retain(Rank::State, "toy2mqtt/huge", &huge));
    bridge.publisher.emit("toy2mqtt/huge", &huge);
    let topic = format!("toy2mqtt/{}", "x".repeat(60_000));
    let largest = &huge[..MAX_PAYLOAD];
    assert!(bridge.publisher.retain(Rank::State, &topic, largest));
    bridge.publisher.retain(Rank::Online, STATE, b"online");
    observer.wait_for(STATE, |_| true).await;
    let sizes: Vec<_> = observer.received.iter().map(|m| m.payload.len()).collect();
    assert_eq!(sizes, [MAX_PAYLOAD, 6]);
    assert_eq!(bridge.publisher.dropped(), 2);
    let Bridge { mut events, .. } = bridge;
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn a_huge_retained_message_of_somebody_else_breaks_nothing() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut user = broker.client("user").await;
    user.publish(SET, vec![b'x'; 2 << 20], true).await;
    let mut bridge = Bridge::up(&options(broker.addr)).await;
    let message = bridge.message().await;
    assert!(message.retained);
    assert_eq!(message.payload.len(), 2 << 20);
    user.publish(SET, "{}", false).await;
    // No reconnect in between.
    assert_eq!(bridge.message().await, fresh(SET, "{}"));
    bridge.close().await;
}

#[tokio::test]
async fn what_was_retained_is_told_from_what_is_sent_now() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut user = broker.client("user").await;
    user.publish(SET, "old", true).await;
    let mut bridge = Bridge::up(&options(broker.addr)).await;
    let old = Message {
        retained: true,
        replayed: true,
        ..fresh(SET, "old")
    };
    assert_eq!(bridge.message().await, old);
    // To us it comes fresh, whatever the broker does with it.
    user.publish(SET, "new", true).await;
    assert_eq!(bridge.message().await, fresh(SET, "new"));
    bridge.publisher.delete(SET);
    assert_eq!(bridge.message().await, fresh(SET, ""));
    bridge.close().await;
}

#[tokio::test]
async fn payloads_that_are_no_text_come_through() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut bridge = Bridge::up(&options(broker.addr)).await;
    let bytes: Vec<u8> = (0..=255).collect();
    let mut user = broker.client("user").await;
    user.publish(SET, &bytes, false).await;
    assert_eq!(bridge.message().await.payload, bytes);
    bridge.close().await;
}

#[tokio::test]
async fn ten_thousand_messages_each_way_come_in_order() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut bridge = Bridge::up(&options(broker.addr)).await;
    let mut user = broker.client("user").await;
    let count = 10_000_u32;
    let mut sending = JoinSet::new();
    sending.spawn(async move {
        // Mosquitto drops what waits for a slow client beyond 1,000: no more are under way.
        for hundred in 0..count / 100 {
            let numbers = hundred * 100..(hundred + 1) * 100;
            let messages = numbers.map(|n| (SET.to_owned(), n.to_string().into_bytes()));
            user.publish_all(false, messages).await;
        }
        user
    });
    for n in 0..count {
        let message = bridge.message().await;
        assert_eq!(message, fresh(SET, &n.to_string()));
    }
    let mut user = sending.join_next().await.unwrap().unwrap();
    assert!(user.subscribe("toy2mqtt/result").await);
    for n in 0..count {
        bridge
            .publisher
            .emit_acknowledged("toy2mqtt/result", n.to_string().as_bytes());
        if n % 100 == 99 {
            let wanted = n.to_string();
            user.wait_for("toy2mqtt/result", |m| m.text() == wanted)
                .await;
        }
    }
    let came = user.received.iter().map(|message| message.text());
    assert!(came.eq((0..count).map(|n| n.to_string())));
    assert_eq!(bridge.publisher.dropped(), 0);
    bridge.close().await;
}

#[tokio::test]
async fn the_session_says_up_once_per_connection() {
    let broker = Mosquitto::start(&Setup::default()).await;
    let mut bridge = Bridge::start(&options(broker.addr));
    assert_eq!(bridge.event().await, Event::Up);
    broker.client("user").await.publish(SET, "{}", false).await;
    assert_eq!(bridge.message().await, fresh(SET, "{}"));
    bridge.close().await;
}
