#!/bin/sh
# Runs the bridge with the real Home Assistant, the newest and an old one:
#   scripts/home-assistant.sh [OPTIONS OF tests/home_assistant/check.py]
# Home Assistant is installed from PyPI into a folder of its own, some 500 MB:
# $HOME_ASSISTANT_FOLDER, else ~/.cache/toy2mqtt/home-assistant. It is kept for the next time.
# A Python that this machine does not have is fetched by uv; $HOME_ASSISTANT_PYTHONS may name some instead,
# separated by blanks. $HOME_ASSISTANT_VERSIONS are the versions, as VERSION/PYTHON.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/usr/local/sbin

folder=${HOME_ASSISTANT_FOLDER:-${XDG_CACHE_HOME:-$HOME/.cache}/toy2mqtt/home-assistant}
versions=${HOME_ASSISTANT_VERSIONS:-newest/3.14 2025.4.4/3.13}
export UV_PYTHON_INSTALL_DIR="$folder/python" UV_NO_CACHE=1
fail() {
    echo "home-assistant.sh: $*" >&2
    exit 1
}

# The tool that gets the rest.
mkdir -p "$folder"
uv=$folder/uv/bin/uv
if [ ! -x "$uv" ]; then
    python3 -m venv "$folder/uv" ||
        fail "install what Debian calls python3-venv"
    "$folder/uv/bin/pip" install --quiet --disable-pip-version-check uv
fi

# python_for 3.14: one that is named, else one that uv finds or fetches.
python_for() {
    for named in ${HOME_ASSISTANT_PYTHONS:-}; do
        if "$named" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')"; then
            echo "$named"
            return
        fi
    done
    echo "$1"
}

# install VERSION PYTHON FOLDER
install() {
    package=homeassistant
    [ "$1" = newest ] || package="homeassistant==$1"
    [ -x "$3/bin/python" ] || "$uv" venv --quiet --python "$(python_for "$2")" "$3" || return 1
    # A newer one takes the place of the last.
    "$uv" pip install --quiet --upgrade-package homeassistant --python "$3/bin/python" "$package" || return 1
    core=$("$3/bin/python" -c 'import homeassistant; print(homeassistant.__path__[0])')
    "$3/bin/python" tests/home_assistant/start.py requirements >"$3/requirements.txt"
    "$uv" pip install --quiet --python "$3/bin/python" \
        --constraint "$core/package_constraints.txt" --requirement "$3/requirements.txt"
}

cargo build --quiet --all-features
program=$(cargo metadata --no-deps --format-version 1 |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/toy2mqtt

seen=
for wanted in $versions; do
    version=${wanted%/*}
    python=${wanted#*/}
    place=$folder/$version
    install "$version" "$python" "$place" ||
        fail "Home Assistant $version, which needs Python $python, cannot be installed; \
\$HOME_ASSISTANT_VERSIONS chooses others"
    "$place/bin/python" -B tests/home_assistant/check.py --program "$program" "$@"
    seen="$seen $("$place/bin/python" -c 'import homeassistant.const as c; print(c.__version__)')"
done
echo "works with Home Assistant$seen"
