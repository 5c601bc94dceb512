#!/bin/sh
# A client id is taken over by a second connection. Is the will of the first one published, so that
# others learn of it?
set -eu
. "$(dirname "$0")/../scripts/brokers.sh"

pip_install paho-mqtt==2.1.0
mosquitto=$(free_port)
rabbitmq=$(free_port)
aedes=$(free_port)
mosquitto_at "$mosquitto"
rabbitmq_at "$rabbitmq"
aedes_at "$aedes"

cat >"$tmp/will.py" <<'PY'
import sys, threading, time
import paho.mqtt.client as mqtt

port = int(sys.argv[1])

def connect(name, topic=None, will=None):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name)
    client.seen, client.ready, client.ended = [], threading.Event(), threading.Event()
    client.on_message = lambda c, d, m: client.seen.append(m.payload.decode())
    client.on_subscribe = lambda *_: client.ready.set()
    client.on_connect = lambda *_: topic or client.ready.set()
    client.on_disconnect = lambda *_: client.ended.set()
    client.reconnect_on_failure = False
    client._reconnect_on_failure = False
    if will:
        client.will_set("bridge/state", will, 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    if topic:
        client.subscribe(topic, 1)
    assert client.ready.wait(10)
    return client

reader = connect("reader", topic="bridge/state")
first = connect("bridge", will="will")
second = connect("bridge", will="will")
assert first.ended.wait(10), "the first connection goes on"
second.publish("bridge/state", "sync", 1)
end = time.monotonic() + 10
while "sync" not in reader.seen and time.monotonic() < end:
    time.sleep(.02)
time.sleep(1)
print("yes" if "will" in reader.seen else "no")
PY
python="$tmp/venv/bin/python"
of_mosquitto=$("$python" "$tmp/will.py" "$mosquitto")
of_rabbitmq=$("$python" "$tmp/will.py" "$rabbitmq")
of_aedes=$("$python" "$tmp/will.py" "$aedes")

say "Mosquitto $mosquitto_version, RabbitMQ $rabbitmq_version with its MQTT plugin, aedes $aedes_version; paho-mqtt 2.1.0."
say "A client with a will is connected; a second one connects with the same client id, as a bridge"
say "does whose data folder was copied. The broker ends the first connection."
say "Expected: that connection ended without a DISCONNECT, so its will is published (MQTT 3.1.1,"
say "3.1.2.5), everywhere."
say "Will published: Mosquitto $of_mosquitto, RabbitMQ $of_rabbitmq, aedes $of_aedes"
say "So a will is no way to learn of a takeover: whether it comes depends on the broker."

[ "$of_mosquitto$of_rabbitmq" = yesno ] || fail "changed: Mosquitto $of_mosquitto, RabbitMQ $of_rabbitmq"
