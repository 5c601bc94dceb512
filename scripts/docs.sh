#!/bin/sh
# Writes the files that are made from the program; with --check only says whether they are up to date.
set -eu
cd "$(dirname "$0")/.."

# What `toy2mqtt schema` prints, and where it belongs.
files="
config          docs/configuration.md
config-json     config/toy2mqtt.schema.json
config-example  config/toy2mqtt.example.toml
mqtt            docs/mqtt.md
toys            docs/supported-toys.md
app             addon/config.yaml
app-texts       addon/translations/en.yaml
"

new=$(mktemp)
trap 'rm -f "$new"' EXIT
cargo build --quiet --all-features
stale=

# shellcheck disable=SC2086 # pairs of words
set -- ${1:-} $files
check=
if [ "$1" = --check ]; then
    check=1
    shift
fi
while [ $# -gt 0 ]; do
    cargo run --quiet --all-features -- schema "$1" >"$new"
    if ! cmp -s "$new" "$2"; then
        if [ -n "$check" ]; then
            diff -u "$2" "$new" >&2 || true
            stale="$stale $2"
        else
            mkdir -p "$(dirname "$2")"
            cat "$new" >"$2"
            echo "wrote $2"
        fi
    fi
    shift 2
done
[ -z "$stale" ] || {
    echo "not up to date:$stale; run: make docs" >&2
    exit 1
}
