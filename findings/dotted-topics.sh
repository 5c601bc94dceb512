#!/bin/sh
# A topic with a dot, as in "v1.2": which topic does a subscriber see?
set -eu
. "$(dirname "$0")/../scripts/brokers.sh"

pip_install paho-mqtt==2.1.0
rabbitmq=$(free_port)
mosquitto=$(free_port)
rabbitmq_at "$rabbitmq"
mosquitto_at "$mosquitto"

cat >"$tmp/dots.py" <<'PY'
import sys, threading
import paho.mqtt.client as mqtt

ready, here = threading.Event(), threading.Event()
seen = []
def arrived(client, data, message):
    seen.append(message.topic)
    here.set()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "dots")
client.on_message = arrived
client.on_subscribe = lambda *_: ready.set()
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_start()
client.subscribe("house/#", 1)
assert ready.wait(10)
client.publish("house/toy.2/set", "30", 1)
assert here.wait(10)
filters = []
for name in ("house/toy.2/set", "house/toy/2/set"):
    ready.clear()
    here.clear()
    client.unsubscribe("house/#")
    client.subscribe(name, 1)
    assert ready.wait(10)
    client.publish("house/toy/2/set", "30", 1)
    filters.append("yes" if here.wait(2) else "no")
    client.unsubscribe(name)
print(f"{seen[0]}; 'house/toy.2/set' gets what is sent to 'house/toy/2/set': {filters[0]}")
PY
python="$tmp/venv/bin/python"
of_rabbitmq=$("$python" "$tmp/dots.py" "$rabbitmq")
of_mosquitto=$("$python" "$tmp/dots.py" "$mosquitto")

say "RabbitMQ $rabbitmq_version with its MQTT plugin, Mosquitto $mosquitto_version, paho-mqtt 2.1.0."
say "A message is published to house/toy.2/set, with a client subscribed to house/#."
say "Expected: the topic arrives as it was sent; a dot means nothing in MQTT."
say "Seen:"
say "  Mosquitto: $of_mosquitto"
say "  RabbitMQ:  $of_rabbitmq"
say "So over RabbitMQ a name with a dot becomes two levels: a program that looks for its toy in the"
say "topic finds another one, and a command for toy 2 of \"toy\" moves the toy \"toy.2\"."

[ "$of_rabbitmq" = "house/toy/2/set; 'house/toy.2/set' gets what is sent to 'house/toy/2/set': yes" ] ||
    fail "changed: RabbitMQ keeps dots and slashes apart"
case $of_mosquitto in
"house/toy.2/set;"*no) ;;
*) fail "changed: Mosquitto does not keep them apart" ;;
esac
