#!/bin/sh
# Makes the Debian package of a release build and looks into it:
#   scripts/package.sh OUT
# Needs target/release/toy2mqtt, cargo-deb, and what Debian calls lintian and systemd.
set -eu
cd "$(dirname "$0")/.."
out=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "package.sh: $*" >&2
    exit 1
}

scripts/extras.sh target/extras
cargo deb --no-build --output "$work/" >/dev/null
package=$(echo "$work"/*.deb)
# Root, as in a container, is fine. It is not meant for Debian's own archive.
lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs \
    "$package"

root=$work/root
dpkg-deb --extract "$package" "$root"
"$root/usr/bin/toy2mqtt" check --config "$root/etc/toy2mqtt/toy2mqtt.toml" >/dev/null ||
    fail "the settings that it installs are not right"
zcat "$root/usr/share/man/man1/toy2mqtt.1.gz" | grep -q '^\.TH' || fail "the manual is none"
# Units that it wants are not in there.
for unit in network-online.target sysinit.target basic.target multi-user.target shutdown.target; do
    printf '[Unit]\nDescription=%s\n' "$unit" >"$root/usr/lib/systemd/system/$unit"
done
if command -v systemd-analyze >/dev/null; then
    systemd-analyze verify --man=no --root="$root" toy2mqtt.service || fail "the unit is not right"
fi

mkdir -p "$out"
cp "$package" "$out/"
echo "made $out/$(basename "$package")"
