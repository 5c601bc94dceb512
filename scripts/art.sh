#!/bin/sh
# Draws the pictures of the Home Assistant app from their sources.
set -eu
cd "$(dirname "$0")/../addon"
command -v rsvg-convert >/dev/null || {
    echo "art.sh: install what Debian calls librsvg2-bin" >&2
    exit 1
}
rsvg-convert --width 128 --height 128 art/icon.svg --output icon.png
rsvg-convert --width 250 --height 100 art/logo.svg --output logo.png
