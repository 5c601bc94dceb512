#!/bin/sh
# Writes what packages put beside the program, made by the program itself:
#   scripts/extras.sh OUT [PROGRAM]
set -eu
out=$1
program=${2:-target/release/toy2mqtt}
mkdir -p "$out"
"$program" man >"$out/toy2mqtt.1"
"$program" completions bash >"$out/toy2mqtt.bash"
"$program" completions zsh >"$out/_toy2mqtt"
"$program" completions fish >"$out/toy2mqtt.fish"
