#!/bin/sh
# One client, one connection, one topic: does a message arrive in the order it was sent? Not if its
# QoS is another one than that of the messages before it; and each broker has it the other way round.
set -eu
. "$(dirname "$0")/../scripts/brokers.sh"

pip_install paho-mqtt==2.1.0
rabbitmq=$(free_port)
mosquitto=$(free_port)
rabbitmq_at "$rabbitmq"
mosquitto_at "$mosquitto"

cat >"$tmp/order.py" <<'PY'
import sys, threading, time
import paho.mqtt.client as mqtt

def place(port, before, first_qos, last_qos):
    """Sends `before` messages at one QoS and a last one at another. At which place does it arrive?"""
    seen, all_there = [], threading.Event()
    ready = threading.Event()
    def arrived(client, data, message):
        seen.append(message.payload)
        if len(seen) == before + 1:
            all_there.set()
    reader = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "reader")
    reader.on_message = arrived
    reader.on_subscribe = lambda *_: ready.set()
    reader.connect("127.0.0.1", port)
    reader.loop_start()
    reader.subscribe("toy/vibrate/set", 1)
    assert ready.wait(10), "no SUBACK"
    writer = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "writer")
    writer.max_inflight_messages_set(before + 1)
    on = threading.Event()
    writer.on_connect = lambda *_: on.set()
    writer.connect("127.0.0.1", port)
    writer.loop_start()
    assert on.wait(10), "no CONNACK"
    for level in range(before):
        writer.publish("toy/vibrate/set", str(level + 1), first_qos)
    writer.publish("toy/vibrate/set", "0", last_qos)
    assert all_there.wait(20), f"only {len(seen)} of {before + 1} arrived"
    for client in (reader, writer):
        client.disconnect()
        client.loop_stop()
    return seen.index(b"0") + 1

port, before, first, last, rounds = map(int, sys.argv[1:])
print(*[place(port, before, first, last) for _ in range(rounds)])
PY
python="$tmp/venv/bin/python"
up=$("$python" "$tmp/order.py" "$rabbitmq" 300 0 1 8)
down=$("$python" "$tmp/order.py" "$mosquitto" 60 1 0 8)

say "RabbitMQ $rabbitmq_version with its MQTT plugin, Mosquitto $mosquitto_version, paho-mqtt 2.1.0."
say "One client sends levels and then a 0 to one topic over one connection; another one subscribes."
say "Expected: TCP keeps the order, so the 0 is the last to arrive, whatever its QoS."
say "RabbitMQ, 300 levels at QoS 0, then 0 at QoS 1: the 0 arrived at place (of 301): $up"
say "Mosquitto, 60 levels at QoS 1, then 0 at QoS 0: the 0 arrived at place (of 61):  $down"
say "So a 0 that was sent last can be undone by levels that were sent before it. The order holds"
say "only among messages of one QoS (MQTT 3.1.1, 4.6 promises no more)."

overtook() {
    limit=$1
    shift
    for place in "$@"; do
        [ "$place" -ge "$limit" ] || return 0
    done
    return 1
}
# shellcheck disable=SC2086 # one word each
overtook 301 $up || fail "changed: RabbitMQ kept the order in every round"
# shellcheck disable=SC2086 # one word each
overtook 61 $down || fail "changed: Mosquitto kept the order in every round"
