#!/bin/sh
# Home Assistant's own English sentences: what does it understand when a person says "stop"?
set -eu
. "$(dirname "$0")/../scripts/brokers.sh"

hassil=3.13.0
intents=2026.11.25
pip_install "hassil==$hassil" "home-assistant-intents==$intents"

cat >"$tmp/spoken.py" <<'PY'
import home_assistant_intents
from hassil import Intents, recognize
from hassil.intents import TextSlotList

intents = Intents.from_dict(home_assistant_intents.get_intents("en"))
# What is exposed: a toy's light and the bridge's button, in the bedroom, where it is said.
names = [("alpha", "alpha", {"domain": "light"}), ("stop all", "stop all", {"domain": "button"})]
lists = {
    "name": TextSlotList.from_tuples(names, name="name"),
    "area": TextSlotList.from_tuples([("bedroom", "bedroom")], name="area"),
    "floor": TextSlotList.from_tuples([("first", "first")], name="floor"),
}
for said in ("turn off alpha", "stop", "please stop", "stop it", "stop now", "stop everything", "stop all", "stop alpha"):
    found = recognize(said, intents, slot_lists=lists, intent_context={"area": "bedroom"})
    print(f"{said}: {found.intent.name if found else 'not understood'}")
PY
output=$("$tmp/venv/bin/python" "$tmp/spoken.py")

say "hassil $hassil and home-assistant-intents $intents, which are Home Assistant's voice assistant"
say "without Home Assistant. A light \"Alpha\" and a button \"Stop all\" are exposed."
say "Expected: the shortest word that there is for it stops what runs, or at least is not understood,"
say "so that the assistant says so; and the button's own name presses the button."
say "Seen:"
say "$output" | sed 's/^/  /'
say "So \"stop\" pauses the music and is answered with success, while the toy runs on; and what"
say "people say when they mean it more is not understood. A voice stop needs sentences of its own."

case $output in
*"
stop: HassMediaPause
please stop: HassMediaPause
stop it: not understood
stop now: not understood
stop everything: not understood
stop all: not understood"*) ;;
*) fail "changed: other sentences are understood" ;;
esac
