#!/bin/sh
# Two Mosquittos that are linked (`connection …`, `topic … both`): what does a client that has been
# subscribed all along see when the link between them was down for a moment?
set -eu
. "$(dirname "$0")/../scripts/brokers.sh"

pip_install paho-mqtt==2.1.0
far=$(free_port)
near=$(free_port)
relay=$(free_port)
mosquitto_at "$far"
mosquitto_at "$near" "connection link
address 127.0.0.1:$relay
topic toys/# both 1
cleansession false
restart_timeout 1
notifications false"

cat >"$tmp/link.py" <<'PY'
import socket, sys, threading, time
import paho.mqtt.client as mqtt

far, near, relay = map(int, sys.argv[1:])

# A relay as the cable between both brokers, which can be cut.
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", relay))
listener.listen()
links, links_made, plugged = [], 0, True
def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
def accept():
    global links_made
    while True:
        one, _ = listener.accept()
        if not plugged:
            one.close()
            continue
        two = socket.create_connection(("127.0.0.1", far))
        links.extend([one, two])
        links_made += 1
        for pair in ((one, two), (two, one)):
            threading.Thread(target=pump, args=pair, daemon=True).start()
threading.Thread(target=accept, daemon=True).start()

def until(what, true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"still waiting for {what}"
        time.sleep(0.02)

seen, subscribed = [], threading.Event()
def connect(name, port):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name)
    client.on_message = lambda c, d, m: seen.append((m.payload.decode(), bool(m.retain)))
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client
reader = connect("reader", near)
reader.subscribe("toys/#", 1)
assert subscribed.wait(10)
writer = connect("writer", far)
# Until the link carries something.
until("the link", lambda: (writer.publish("toys/ping", "ping", 1), time.sleep(.1), ("ping", False) in seen)[-1])
time.sleep(.5)
seen.clear()
writer.publish("toys/alpha/set", "35", 1, retain=True)
until("the command", lambda: seen)
print("live:", seen)
made = links_made
seen.clear()
plugged = False
for link in links:
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
time.sleep(1)
plugged = True
until("the link again", lambda: links_made > made)
time.sleep(3)
print("after the link was back:", seen)
PY
output=$("$tmp/venv/bin/python" "$tmp/link.py" "$far" "$near" "$relay")

say "Two linked Mosquittos $mosquitto_version; a client of one of them stays connected and subscribed."
say "A command with the retain flag is published at the other one, and arrives. Then the link is cut"
say "for a second; the client's own connection is not touched, and nothing is published."
say "Expected: nothing arrives. If the kept command came again, then with the retain flag, as every"
say "replay of something kept does, so that it can be told from something that is asked for now."
say "Seen (payload, retain flag):"
say "$output" | sed 's/^/  /'
say "So over a link the kept command comes again after each cut, as if a client had sent it just now."

case $output in
*"after the link was back: [('35', False)"*) ;;
*) fail "changed: the kept command did not come again without its flag" ;;
esac
