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
# Debian wants a changelog of its packaging beside that of the program.
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
cat >"$out/changelog.Debian" <<END
toy2mqtt ($version-1) unstable; urgency=medium

  * What changed stands in changelog.gz beside this file.

 -- The toy2mqtt project <toy2mqtt@users.noreply.github.com>  $(date -uR ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})
END
gzip -9nc CHANGELOG.md >"$out/changelog.gz"
