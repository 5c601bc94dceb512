#!/bin/sh
# 300 stops of one toy and 300 of all toys, each against 300 levels of another client that are on their
# way, on RabbitMQ (Debian's, with its MQTT plugin) and on aedes (npm's), and on Mosquitto again.
# `make bench` runs them on Mosquitto only. Exits with 1 if a stop is lost. What is given is passed on
# to cargo bench: scripts/stop-races.sh --profile dev
set -eu
cd "$(dirname "$0")/.."
. scripts/brokers.sh

scripts/need.sh cargo cc mosquitto python3-venv
PATH="$PATH:/usr/sbin:/usr/local/sbin"
if [ -z "${TOY2MQTT_BEFORE+set}" ]; then
    TOY2MQTT_BEFORE=$(scripts/before.sh)
fi
export TOY2MQTT_BEFORE
lost=

port=$(free_port)
rabbitmq_at "$port"
rabbitmq=$port
port=$(free_port)
aedes_at "$port"
aedes=$port
port=$(free_port)
mosquitto_at "$port"

for broker in "RabbitMQ $rabbitmq_version:$rabbitmq" "aedes $aedes_version:$aedes" \
    "Mosquitto $mosquitto_version:$port"; do
    TOY2MQTT_RACE_BROKER=$broker cargo bench --quiet --bench figures "$@" -- races --strict ||
        lost="$lost
  ${broker%:*}"
done
[ -z "$lost" ] || fail "stops were lost, or the races did not run, on:$lost"
say "no stop was lost on any broker"
