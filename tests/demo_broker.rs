//! The broker inside the demo: keeps what it should, loses nothing, writes nothing.
#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use rumqttc::{LastWill, MqttOptions, QoS};
use support::client::Client;
use support::soon;
use tokio::net::{TcpListener, TcpStream};
use toy2mqtt::app::demo_broker::{DemoBroker, DemoBrokerError};

/// Set for the process that [`nothing_is_written`] starts.
const HELPER: &str = "TOY2MQTT_TEST_DEMO_BROKER_HELPER";

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn broker() -> DemoBroker {
    DemoBroker::start(loopback()).await.unwrap()
}

#[tokio::test]
async fn a_subscriber_gets_all_of_a_thousand_retained_topics() {
    let broker = broker().await;
    let mut publisher = Client::connect(broker.addr(), "publisher").await;
    let topic = |n: usize| format!("homeassistant/device/{n}/config");
    let messages = (0..1_000).map(|n| (topic(n), n.to_string().into_bytes()));
    publisher.publish_all(true, messages).await;

    let mut subscriber = Client::connect(broker.addr(), "subscriber").await;
    assert!(subscriber.subscribe("homeassistant/#").await);
    let mut found = vec![false; 1_000];
    while !found.iter().all(|found| *found) {
        if subscriber.received.is_empty() {
            subscriber.next().await;
        }
        let message = subscriber.received.remove(0);
        assert!(message.retained);
        let n: usize = message.text().parse().unwrap();
        assert_eq!(message.topic, topic(n));
        found[n] = true;
    }
    broker.stop().await;
}

#[tokio::test]
async fn an_empty_message_clears_a_retained_one() {
    let broker = broker().await;
    let mut publisher = Client::connect(broker.addr(), "publisher").await;
    publisher.publish("kept", "1", true).await;
    publisher.publish("cleared", "1", true).await;
    publisher.publish("cleared", "", true).await;

    let mut subscriber = Client::connect(broker.addr(), "subscriber").await;
    assert!(subscriber.subscribe("cleared").await);
    assert!(subscriber.subscribe("kept").await);
    subscriber
        .wait_for("kept", |message| message.retained)
        .await;
    subscriber.catch_up().await;
    let cleared = |message: &&support::client::Received| message.topic == "cleared";
    assert_eq!(subscriber.received.iter().find(cleared), None);
    broker.stop().await;
}

#[tokio::test]
async fn the_will_of_a_client_that_vanishes_is_published_and_retained() {
    let broker = broker().await;
    let addr = broker.addr();
    let mut observer = Client::connect(addr, "observer").await;
    assert!(observer.subscribe("bridge/state").await);

    let options = |id: &str| {
        let mut options = MqttOptions::new(id, addr.ip().to_string(), addr.port());
        let will = LastWill::new("bridge/state", id, QoS::AtLeastOnce, true);
        options.set_last_will(will);
        options
    };
    let polite = Client::connect_with(options("polite")).await;
    polite.disconnect().await;
    let vanishing = Client::connect_with(options("vanishing")).await;
    drop(vanishing);
    observer
        .wait_for("bridge/state", |will| will.text() == "vanishing")
        .await;
    assert!(!observer.received.iter().any(|will| will.text() == "polite"));

    let mut late = Client::connect(addr, "late").await;
    assert!(late.subscribe("bridge/state").await);
    late.wait_for("bridge/state", |will| {
        will.retained && will.text() == "vanishing"
    })
    .await;
    broker.stop().await;
}

#[tokio::test]
async fn ten_thousand_messages_arrive_in_order() {
    let broker = broker().await;
    let mut publisher = Client::connect(broker.addr(), "publisher").await;
    let mut subscriber = Client::connect(broker.addr(), "subscriber").await;
    assert!(subscriber.subscribe("flood").await);
    let messages = (0..10_000).map(|n: u32| ("flood".to_owned(), n.to_string().into_bytes()));
    publisher.publish_all(false, messages).await;
    subscriber
        .wait_for("flood", |message| message.text() == "9999")
        .await;
    let came = subscriber.received.iter().map(|message| message.text());
    let sent = (0..10_000).map(|n: u32| n.to_string());
    assert!(came.eq(sent));
    broker.stop().await;
}

#[tokio::test]
async fn stop_drops_the_clients_and_frees_the_port() {
    let broker = broker().await;
    let addr = broker.addr();
    let client = Client::connect(addr, "client").await;
    soon("the stop", broker.stop()).await;
    client.broken().await;
    assert!(TcpStream::connect(addr).await.is_err());
    let again = DemoBroker::start(addr).await.unwrap();
    assert_eq!(again.addr(), addr);
    again.stop().await;
}

#[tokio::test]
async fn only_a_free_loopback_address_will_do() {
    let open = "0.0.0.0:0".parse().unwrap();
    let error = DemoBroker::start(open).await.unwrap_err();
    assert!(matches!(error, DemoBrokerError::NotLoopback(_)), "{error}");

    let taken = TcpListener::bind(loopback()).await.unwrap();
    let addr = taken.local_addr().unwrap();
    let error = DemoBroker::start(addr).await.unwrap_err();
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
}

/// Runs this test again in a process of its own, in an empty folder.
#[tokio::test]
async fn nothing_is_written() {
    if std::env::var_os(HELPER).is_some() {
        let broker = broker().await;
        let mut client = Client::connect(broker.addr(), "client").await;
        client.publish("kept", "1", true).await;
        client.disconnect().await;
        broker.stop().await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["nothing_is_written", "--exact"])
        .current_dir(folder.path())
        .env(HELPER, "1")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(ended.success());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
