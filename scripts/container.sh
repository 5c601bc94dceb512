#!/bin/sh
# Builds the image without a registry and starts it beside a real broker:
#   scripts/container.sh [ROOT]
# ROOT is what scripts/static.sh made, in place of the image's first stage, which needs the network;
# without it, it is made here. Needs what Debian calls buildah, mosquitto and musl-tools, and root.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin

work=$(mktemp -d)
broker=
bridge=
container=
# Ends a process and those that it started, and no other.
end() {
    for child in $(ps -o pid= --ppid "$1"); do
        end "$child"
    done
    kill "$1" 2>/dev/null || true
}
# User and command of all processes that came of one.
descendants() {
    for child in $(ps -o pid= --ppid "$1"); do
        ps -o uid=,args= -p "$child"
        descendants "$child"
    done
}
cleanup() {
    [ -z "$bridge" ] || end "$bridge"
    [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
    [ -z "$container" ] || buildah rm "$container" >/dev/null 2>&1 || true
    buildah rmi toy2mqtt-check >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap cleanup EXIT INT TERM
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs

# wait_for SECONDS COMMAND…
wait_for() {
    left=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}
fail() {
    echo "container.sh: $*" >&2
    exit 1
}

root=${1:-}
if [ -z "$root" ]; then
    root=$work/root
    scripts/static.sh "$root"
fi

# The last stage as it is, with the folder in place of the stage that it copies from.
mkdir "$work/context"
cp -r "$root" "$work/context/out"
sed -n '/^FROM scratch/,$p' Dockerfile | sed 's/--from=build //; s#/out/ /#out/ /#' \
    >"$work/context/Dockerfile"
buildah bud --quiet --format docker -t toy2mqtt-check "$work/context" >/dev/null

size=$(du -sk "$root" | cut -f 1)
[ "$size" -le 25600 ] || fail "the image has $size KiB; 25 MiB is the limit"

port=$((20000 + $$ % 10000))
printf 'listener %s 127.0.0.1\nallow_anonymous false\npassword_file %s\n' \
    "$port" "$work/passwd" >"$work/mosquitto.conf"
mosquitto_passwd -b -c "$work/passwd" toy2mqtt 0815 2>/dev/null
chmod 644 "$work/passwd"
chmod 755 "$work"
mosquitto -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
broker=$!

container=$(buildah from --pull-never toy2mqtt-check)
run() {
    buildah run --isolation chroot \
        --env "TOY2MQTT_MQTT__URL=mqtt://127.0.0.1:$port" \
        --env TOY2MQTT_MQTT__USERNAME=toy2mqtt --env TOY2MQTT_MQTT__PASSWORD=0815 \
        "$container" -- /toy2mqtt "$@"
}
run check >"$work/check.log" || fail "settings from the environment: $(cat "$work/check.log")"
run healthcheck --timeout 2s 2>/dev/null && fail "it says to be healthy before it runs"

# From the moment at which the engine is told to start it: now, in milliseconds.
now() {
    echo $(($(date +%s%N) / 1000000))
}
mosquitto_sub -p "$port" -u toy2mqtt -P 0815 -t 'homeassistant/device/#' -C 1 -W 20 \
    >"$work/discovery.log" &
discovery=$!
started=$(now)
run run 2>"$work/bridge.log" &
bridge=$!
wait "$discovery" || fail "it does not announce itself: $(cat "$work/bridge.log")"
took=$(($(now) - started))
wait_for 20 run healthcheck || fail "it does not get healthy: $(cat "$work/bridge.log")"
grep -q 'connected to the broker' "$work/bridge.log" || fail "it is not connected"
grep -q 'will not be kept' "$work/bridge.log" && fail "it cannot write to /data"
descendants "$bridge" >"$work/processes"
grep -q '^ *65532 .*/toy2mqtt run' "$work/processes" ||
    fail "it does not run as the image's user: $(cat "$work/processes")"
# There is no way to toys here, which it has to find.
run doctor >"$work/doctor.log" 2>&1 && fail "the doctor finds nothing: $(cat "$work/doctor.log")"
grep -q '^ok *bridge' "$work/doctor.log" || fail "the doctor: $(cat "$work/doctor.log")"
run stop --timeout 2s || fail "it does not take a stop"

echo "container start → first discovery payload: $took ms (reach: ≤ 1000 ms)"
echo "the image has $size KiB (reach: ≤ 25600), starts without privileges, gets healthy and can keep what it should"
