#!/bin/sh
# 300 stops of one toy and 300 of all toys, each against 300 levels of another client that are on their
# way, on RabbitMQ (Debian's, with its MQTT plugin) and on aedes (npm's), and on Mosquitto again.
# `make bench` runs them on Mosquitto only. Exits with 1 if a stop is lost. What is given is passed on
# to cargo bench: RACE_BROKERS=aedes scripts/stop-races.sh --profile dev
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

brokers=
for name in ${RACE_BROKERS:-rabbitmq aedes mosquitto}; do
    port=$(free_port)
    case $name in
    rabbitmq) rabbitmq_at "$port" && brokers="$brokers RabbitMQ-$rabbitmq_version:$port" ;;
    aedes) aedes_at "$port" && brokers="$brokers aedes-$aedes_version:$port" ;;
    mosquitto) mosquitto_at "$port" && brokers="$brokers Mosquitto-$mosquitto_version:$port" ;;
    *) fail "knows no broker $name" ;;
    esac
done

for broker in $brokers; do
    TOY2MQTT_RACE_BROKER=$broker cargo bench --quiet --bench figures "$@" -- races --strict ||
        lost="$lost ${broker%:*}"
done
[ -z "$lost" ] || fail "stops were lost, or the races did not run, on:$lost"
say "no stop was lost on:$(echo "$brokers" | sed 's/:[0-9]*//g')"
