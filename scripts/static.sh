#!/bin/sh
# Builds the program for this machine without shared libraries, and puts it into a folder that can be
# the root of an image:
#   scripts/static.sh OUT
# Needs Rust by rustup, and what Debian calls musl-tools.
set -eu
cd "$(dirname "$0")/.."
out=$1

target=$(uname -m)-unknown-linux-musl
rustup target list --installed | grep -qx "$target" || rustup target add "$target"
# For what is written in C: ring and libdbus.
env "CC_$(echo "$target" | tr - _)=musl-gcc" \
    "${CARGO:-cargo}" build --release --locked --target "$target"

mkdir -p "$out/data"
cp "${CARGO_TARGET_DIR:-target}/$target/release/toy2mqtt" "$out/toy2mqtt"
