#!/bin/sh
# rumqttc: what becomes of a QoS 1 publish that was accepted when the connection is lost, or while it
# is down?
set -eu
. "$(dirname "$0")/../scripts/brokers.sh"

command -v cargo >/dev/null || fail "needs a Rust toolchain: https://rustup.rs"
pip_install paho-mqtt==2.1.0
broker=$(free_port)
mosquitto_at "$broker"
first=$!

mkdir -p "$tmp/lost/src"
cat >"$tmp/lost/Cargo.toml" <<'TOML'
[package]
name = "lost"
version = "0.0.0"
edition = "2021"

[dependencies]
rumqttc = { version = "=0.25.1", default-features = false }
tokio = { version = "1", features = ["rt", "time", "macros"] }
TOML
cat >"$tmp/lost/src/main.rs" <<'RUST'
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use std::{io::BufRead, time::Duration};

/// Polls until the packet, or until an error.
async fn poll_until(events: &mut EventLoop, wanted: fn(&Packet) -> bool) -> bool {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(packet)) if wanted(&packet) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::args().nth(1).unwrap().parse().unwrap();
    let (client, mut events) = AsyncClient::new(MqttOptions::new("lost", "127.0.0.1", port), 10);
    let publish = |text: &'static str| client.publish("toy/stop", QoS::AtLeastOnce, false, text);
    let connected: fn(&Packet) -> bool = |packet| matches!(packet, Packet::ConnAck(_));
    let mut steps = std::io::stdin().lock().lines();
    assert!(poll_until(&mut events, connected).await);
    println!("connected");
    steps.next(); // the broker is gone
    let one = publish("as the connection was lost").await.is_ok();
    assert!(!poll_until(&mut events, |_| false).await);
    let two = publish("while it was down").await.is_ok();
    assert!(!poll_until(&mut events, |_| false).await);
    println!("down");
    steps.next(); // the broker is back
    let three = publish("just before it was back").await.is_ok();
    while !poll_until(&mut events, connected).await {}
    println!("publish() returned Ok: {one}, {two}, {three}");
    let _ = tokio::time::timeout(Duration::from_secs(2), poll_until(&mut events, |_| false)).await;
    println!("done");
    steps.next();
}
RUST
CARGO_TARGET_DIR="$tmp/lost/target" cargo build --quiet --manifest-path "$tmp/lost/Cargo.toml" ||
    fail "cannot build with rumqttc 0.25.1"

cat >"$tmp/watch.py" <<'PY'
import sys, threading
import paho.mqtt.client as mqtt
ready = threading.Event()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "watch")
client.on_message = lambda c, d, m: print(m.payload.decode(), flush=True)
client.on_subscribe = lambda *_: ready.set()
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_start()
client.subscribe("#", 1)
assert ready.wait(10)
open(sys.argv[2], "w").close()
threading.Event().wait()
PY

mkfifo "$tmp/steps"
: >"$tmp/said"
"$tmp/lost/target/debug/lost" "$broker" <"$tmp/steps" >"$tmp/said" &
started="$started $!"
exec 3>"$tmp/steps"
until_said() {
    tries=0
    until grep -q "^$1" "$tmp/said"; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "still waiting for: $1"
        sleep 0.1
    done
}
until_said connected
kill "$first"
wait "$first" || true
echo >&3
until_said down
mosquitto_at "$broker"
"$tmp/venv/bin/python" "$tmp/watch.py" "$broker" "$tmp/watching" >"$tmp/seen" &
started="$started $!"
tries=0
until [ -e "$tmp/watching" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail "the subscriber does not come"
    sleep 0.1
done
echo >&3
until_said done
echo >&3

say "rumqttc 0.25.1, Mosquitto $mosquitto_version. A client with the default settings (clean session)"
say "publishes three messages at QoS 1: as its connection is lost, while there is none, and when the"
say "broker is back but the client has not noticed. $(grep 'returned Ok' "$tmp/said")."
say "Expected: at least once means that all three arrive once the client is connected again; or, with"
say "a clean session, none of them."
say "Seen by a subscriber that was there before the client came back:"
sed 's/^/  /' "$tmp/seen"
say "So the one that was under way when the connection broke is dropped without a word, although it"
say "was sent at QoS 1, and those published while there was no connection are sent late. A stop has"
say "to be said again after every connect, and a level has to be asked for anew."

[ "$(cat "$tmp/seen")" = "while it was down
just before it was back" ] || fail "changed: other messages arrived"
