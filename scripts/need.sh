#!/bin/sh
# Makes sure that tools are there: `need.sh cc mosquitto`. Installs Debian packages by itself when it
# may (as root, or with sudo that asks for no password), else says the one command to type.
set -eu

# Debian keeps servers where only root looks for commands.
PATH=$PATH:/usr/sbin:/usr/local/sbin

packages=
components=

want() {
    case " $packages " in
    *" $1 "*) ;;
    *) packages="${packages:+$packages }$1" ;;
    esac
}

# The tests of the panel take the first of these.
browser() {
    for name in chromium chromium-browser google-chrome chrome; do
        command -v "$name" >/dev/null && return 0
    done
    return 1
}

missing() {
    packages=
    components=
    for tool in "$@"; do
        case $tool in
        cargo)
            command -v cargo >/dev/null || {
                echo "need.sh: install Rust 1.89 or newer first: https://rustup.rs" >&2
                exit 1
            }
            ;;
        cc)
            command -v cc >/dev/null || want gcc
            # The linker needs the C library's start files, which gcc does not bring along.
            echo 'int main(void) { return 0; }' |
                cc -x c -o /dev/null - >/dev/null 2>&1 || want libc6-dev
            ;;
        chromium) browser || want chromium ;;
        curl) command -v curl >/dev/null || want curl ;;
        dbus-daemon) command -v dbus-daemon >/dev/null || want dbus-daemon ;;
        mosquitto) command -v mosquitto >/dev/null || want mosquitto ;;
        mosquitto_pub) command -v mosquitto_rr >/dev/null || want mosquitto-clients ;;
        # The script in the documentation is tested.
        python3) command -v python3 >/dev/null || want python3 ;;
        python3-venv)
            # Debian leaves out what virtual environments need.
            python3 -c 'import ensurepip, venv' 2>/dev/null || {
                want python3
                want python3-venv
            }
            ;;
        rustfmt) cargo fmt --version >/dev/null 2>&1 || components="$components rustfmt" ;;
        clippy) cargo clippy --version >/dev/null 2>&1 || components="$components clippy" ;;
        *)
            echo "need.sh: does not know $tool" >&2
            exit 2
            ;;
        esac
    done
}

missing "$@"
if [ -n "$components" ]; then
    # shellcheck disable=SC2086 # one word each
    rustup component add $components || {
        echo "need.sh: install them: rustup component add$components" >&2
        exit 1
    }
fi
[ -n "$packages" ] || exit 0

command -v apt-get >/dev/null || {
    echo "need.sh: install what Debian calls: $packages" >&2
    exit 1
}
if [ "$(id -u)" -eq 0 ]; then
    as_root=env
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo env"
else
    echo "need.sh: missing; please run: sudo apt-get install -y $packages" >&2
    exit 1
fi

echo "need.sh: installing $packages" >&2
# An old list may do; if it does not, the installation says so.
$as_root apt-get update -q >&2 || true
# shellcheck disable=SC2086 # one word each
$as_root DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $packages \
    >&2 </dev/null
case " $packages " in
*" mosquitto "*)
    # The tests start brokers of their own. None is to be left running on the usual port.
    if [ -d /run/systemd/system ]; then
        $as_root systemctl disable --now mosquitto >/dev/null 2>&1 || true
    fi
    ;;
esac

missing "$@"
[ -z "$packages" ] || {
    echo "need.sh: still missing: $packages" >&2
    exit 1
}
