#!/bin/sh
# Builds the program for 64-bit ARM and tries it in an emulator: a broker, simulated toys and the bridge
# between them (`toy2mqtt demo`), a command, and an end in order. Needs Rust by rustup, and what Debian
# calls gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user and mosquitto-clients.
set -eu
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
rustup target list --installed | grep -qx "$target" || rustup target add "$target"
# The compiler is for what is written in C: ring and libdbus.
env CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    "${CARGO:-cargo}" build --locked --features demo --target "$target"
program="${CARGO_TARGET_DIR:-target}/$target/debug/toy2mqtt"

work=$(mktemp -d)
demo=
cleanup() {
    [ -z "$demo" ] || kill "$demo" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT INT TERM
fail() {
    echo "arm64.sh: $*: $(cat "$work/demo.log")" >&2
    exit 1
}

port=$((20000 + $$ % 5000))
qemu-aarch64 -L /usr/aarch64-linux-gnu "$program" demo --still --models lush \
    --mqtt-port "$port" --panel-port $((port + 5000)) >"$work/demo.log" 2>&1 &
demo=$!
left=200
until grep -q 'connected to the broker' "$work/demo.log"; do
    left=$((left - 1))
    [ $left -gt 0 ] && kill -0 "$demo" || fail "it does not start"
    sleep 0.1
done
toy=$(mosquitto_sub -p "$port" -t 'toy2mqtt/+/availability' -v -C 1 -W 20 | cut -d / -f 2)
[ -n "$toy" ] || fail "there is no toy"
mosquitto_rr -p "$port" -W 20 -t "toy2mqtt/$toy/vibrate/set" -e "toy2mqtt/$toy/result" -m 40 |
    grep -q '"ok":true' || fail "it does not take a command"
kill "$demo"
wait "$demo" || fail "it does not end in order"
demo=
grep -q 'Vibrate 8 -> 0' "$work/demo.log" || fail "it leaves a toy running"
echo "the program runs on 64-bit ARM, as far as an emulator tells"
