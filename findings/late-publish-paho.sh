#!/bin/sh
# paho-mqtt: what becomes of a publish() that returned "not connected"?
set -eu
. "$(dirname "$0")/../scripts/brokers.sh"

pip_install paho-mqtt==2.1.0
broker=$(free_port)

cat >"$tmp/late.py" <<'PY'
import sys, threading
import paho.mqtt.client as mqtt

port = int(sys.argv[1])
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "script", clean_session=True)
for qos in (0, 1):
    info = client.publish("toy/vibrate/set", f"level at QoS {qos}", qos)
    print(f"published while not connected at QoS {qos}: {mqtt.error_string(info.rc)}")

seen, synced = [], threading.Event()
def arrived(c, data, message):
    seen.append(message.payload.decode())
    if message.topic == "sync":
        synced.set()
def subscribed(*_):
    reader.ready.set()
reader = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "reader")
reader.ready = threading.Event()
reader.on_message, reader.on_subscribe = arrived, subscribed
reader.connect("127.0.0.1", port)
reader.loop_start()
reader.subscribe("#", 1)
assert reader.ready.wait(10)

on = threading.Event()
client.on_connect = lambda *_: on.set()
client.connect("127.0.0.1", port)
client.loop_start()
assert on.wait(10)
client.publish("sync", "(connected; nothing else was published)", 1)
assert synced.wait(10)
print("seen by a subscriber:", ", ".join(seen))
PY
mosquitto_at "$broker"
output=$("$tmp/venv/bin/python" "$tmp/late.py" "$broker")

say "paho-mqtt 2.1.0, Mosquitto $mosquitto_version, clean_session=True, an MQTT client that has never"
say "been connected."
say "Expected: publish() says that the client is not connected, so the message is lost, and a caller"
say "that reports the failure has told the truth."
say "Seen:"
say "$output" | sed 's/^/  /'
say "So the return code tells the present, not the fate: at QoS 1 the level is sent whenever a"
say "connection comes about, however much later, although its caller was told an error."

case $output in
*"QoS 1: The client is not currently connected."*"subscriber: level at QoS 1, (connected"*) ;;
*) fail "changed: the message was not refused, or not sent later" ;;
esac
