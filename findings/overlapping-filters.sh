#!/bin/sh
# One client, two filters that match the same message, one at QoS 0 and one at QoS 1. How many copies
# come, and at which QoS?
set -eu
. "$(dirname "$0")/../scripts/brokers.sh"

pip_install paho-mqtt==2.1.0
mosquitto=$(free_port)
rabbitmq=$(free_port)
aedes=$(free_port)
mosquitto_at "$mosquitto"
rabbitmq_at "$rabbitmq"
aedes_at "$aedes"

cat >"$tmp/filters.py" <<'PY'
import sys, threading, time
import paho.mqtt.client as mqtt

def copies(port, filters):
    def connect(name):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name)
        client.seen, client.ready, client.on = [], threading.Event(), threading.Event()
        client.on_connect = lambda *_: client.on.set()
        client.on_subscribe = lambda *_: client.ready.set()
        client.on_message = lambda c, d, m: client.seen.append(m)
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert client.on.wait(10)
        return client
    reader, writer = connect("reader"), connect("writer")
    for one in filters:
        reader.ready.clear()
        reader.subscribe([one])
        assert reader.ready.wait(10)
    time.sleep(.3)
    writer.publish("toy/alpha/stop", "stop", 1)
    end = time.monotonic() + 10
    while not reader.seen and time.monotonic() < end:
        time.sleep(.02)
    time.sleep(.7)
    found = [f"QoS {m.qos}" for m in reader.seen]
    for client in (reader, writer):
        client.disconnect()
        client.loop_stop()
    return " and ".join(found) or "none"

port = int(sys.argv[1])
narrow_0 = copies(port, [("toy/#", 1), ("toy/+/stop", 0)])
narrow_1 = copies(port, [("toy/#", 0), ("toy/+/stop", 1)])
print(f"{narrow_0} | {narrow_1}")
PY
python="$tmp/venv/bin/python"
of_mosquitto=$("$python" "$tmp/filters.py" "$mosquitto")
of_rabbitmq=$("$python" "$tmp/filters.py" "$rabbitmq")
of_aedes=$("$python" "$tmp/filters.py" "$aedes")

say "Mosquitto $mosquitto_version, RabbitMQ $rabbitmq_version with its MQTT plugin, aedes $aedes_version; paho-mqtt 2.1.0."
say "A client subscribes to toy/# and to toy/+/stop; a message is published at QoS 1 to toy/alpha/stop."
say "Expected: a copy at QoS 1, or one for each filter: the server \"MUST deliver the message to the"
say "Client respecting the maximum QoS of all the matching subscriptions\" (MQTT 3.1.1, 3.3.5)."
say "Seen, with toy/# at 1 and toy/+/stop at 0 | with toy/# at 0 and toy/+/stop at 1:"
say "  Mosquitto: $of_mosquitto"
say "  RabbitMQ:  $of_rabbitmq"
say "  aedes:     $of_aedes"
say "So a second subscription at QoS 0, for something else, takes the QoS 1 from a stop."

case $of_mosquitto$of_aedes in
*"QoS 0"*) ;;
*) fail "changed: neither Mosquitto nor aedes lowers the QoS" ;;
esac
