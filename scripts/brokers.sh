# shellcheck shell=sh
# Public packages, in a temporary folder that goes with the script: sourced by scripts/stop-races.sh
# and findings/*.sh. Nothing is installed on the machine, and root is not needed.

tmp=$(mktemp -d)
started=

cleanup() {
    for pid in $started; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in $started; do
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '%s\n' "$*"; }

fail() {
    say "$0: $*" >&2
    exit 1
}

# A port of this machine that is free now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits until a port of this machine is listened on: listens PORT SECONDS
listens() {
    python3 - "$1" "$2" <<'PY'
import socket, sys, time
end = time.monotonic() + float(sys.argv[2])
while True:
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()
        break
    except OSError:
        if time.monotonic() > end:
            sys.exit(1)
        time.sleep(0.05)
PY
}

# Debian packages with what they need and this machine lacks, unpacked into $tmp/root: debian NAME…
debian() {
    mkdir -p "$tmp/debs" "$tmp/root"
    command -v apt-get >/dev/null || fail "needs apt-get, to fetch Debian's $*"
    if ! apt-cache show "$1" >/dev/null 2>&1; then
        apt-get update -q >/dev/null || fail "there is no list of Debian's packages: apt-get update"
    fi
    wanted=$(apt-get install -s --no-install-recommends "$@" | awk '$1 == "Inst" { print $2 }')
    # What is on the machine already is unpacked as well, so that all of it is in one place.
    # shellcheck disable=SC2086 # one word each
    (cd "$tmp/debs" && apt-get download -q $wanted "$@" >/dev/null 2>&1) ||
        fail "cannot fetch Debian's $*"
    for deb in "$tmp"/debs/*.deb; do
        dpkg -x "$deb" "$tmp/root"
    done
    rm -r "$tmp/debs"
}

# The version that Debian has of a package.
debian_version() {
    apt-cache policy "$1" | awk '$1 == "Candidate:" { print $2 }'
}

# Mosquitto at port $1, with more lines of settings $2. Takes the machine's own if there is one.
mosquitto_at() {
    program=$(PATH="$PATH:/usr/sbin" command -v mosquitto || echo "$tmp/root/usr/sbin/mosquitto")
    [ -x "$program" ] || debian mosquitto
    printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\n%s\n' "$1" "${2:-}" \
        >"$tmp/mosquitto-$1.conf"
    LD_LIBRARY_PATH="$tmp/root/usr/lib/$(uname -m)-linux-gnu" \
        "$program" -c "$tmp/mosquitto-$1.conf" >"$tmp/mosquitto-$1.log" 2>&1 &
    started="$started $!"
    listens "$1" 10 || fail "Mosquitto does not start: $(cat "$tmp/mosquitto-$1.log")"
    mosquitto_version=$("$program" -h | sed -n 's/^mosquitto version //p')
}

# RabbitMQ with its MQTT plugin at port $1, anonymous clients let in.
rabbitmq_at() {
    debian rabbitmq-server
    home=$(echo "$tmp"/root/usr/lib/rabbitmq/lib/rabbitmq_server-*)
    rabbitmq_version=${home##*-}
    erlang="$tmp/root/usr/lib/erlang"
    # Debian's Erlang knows where it would have been installed.
    sed -i "s|ROOTDIR=/usr/lib/erlang|ROOTDIR=$erlang|" "$erlang/bin/erl" "$erlang"/erts-*/bin/erl
    ERL_EPMD_PORT=$(free_port)
    export ERL_EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1
    # The node's name server ends with the script, too.
    "$erlang/bin/epmd" -address 127.0.0.1 -port "$ERL_EPMD_PORT" >/dev/null 2>&1 &
    started="$started $!"
    mkdir -p "$tmp/rabbitmq"
    cat >"$tmp/rabbitmq/rabbitmq.conf" <<CONF
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:$1
mqtt.allow_anonymous = true
log.file = false
log.console = true
log.console.level = error
CONF
    echo '[rabbitmq_mqtt].' >"$tmp/rabbitmq/enabled_plugins"
    (
        export HOME="$tmp/rabbitmq" PATH="$erlang/bin:$PATH"
        export LD_LIBRARY_PATH="$tmp/root/usr/lib/$(uname -m)-linux-gnu"
        export RABBITMQ_NODENAME="races$1@localhost" RABBITMQ_DIST_PORT="$(free_port)"
        export RABBITMQ_BASE="$tmp/rabbitmq" RABBITMQ_MNESIA_BASE="$tmp/rabbitmq/mnesia"
        export RABBITMQ_LOG_BASE="$tmp/rabbitmq/log" RABBITMQ_LOGS=-
        export RABBITMQ_CONFIG_FILE="$tmp/rabbitmq/rabbitmq.conf"
        export RABBITMQ_ENABLED_PLUGINS_FILE="$tmp/rabbitmq/enabled_plugins"
        export RABBITMQ_PID_FILE="$tmp/rabbitmq/pid"
        exec "$home/sbin/rabbitmq-server" >"$tmp/rabbitmq.log" 2>&1 </dev/null
    ) &
    started="$started $!"
    listens "$1" 60 || fail "RabbitMQ does not start: $(tail -n 30 "$tmp/rabbitmq.log")"
}

# aedes, which the Node-RED and Zigbee2MQTT worlds embed, at port $1.
aedes_version=1.2.0
aedes_at() {
    command -v npm >/dev/null || fail "needs node and npm, to fetch aedes"
    npm_install "aedes@$aedes_version"
    cat >"$tmp/aedes.mjs" <<'JS'
import { Aedes } from 'aedes';
import { createServer } from 'node:net';
const aedes = await Aedes.createBroker();
createServer(aedes.handle).listen(Number(process.argv[2]), '127.0.0.1');
JS
    node "$tmp/aedes.mjs" "$1" >"$tmp/aedes.log" 2>&1 &
    started="$started $!"
    listens "$1" 20 || fail "aedes does not start: $(cat "$tmp/aedes.log")"
}

# Packages of npm, with their exact version: npm_install NAME@VERSION…
npm_install() {
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tmp" "$@" >/dev/null ||
        fail "cannot fetch $*"
}

# Packages of PyPI, with their exact version, for $tmp/venv/bin/python: pip_install NAME==VERSION…
pip_install() {
    [ -d "$tmp/venv" ] || python3 -m venv "$tmp/venv" || fail "needs python3 with venv"
    "$tmp/venv/bin/pip" install --quiet --disable-pip-version-check "$@" || fail "cannot fetch $*"
}
