"""Home Assistant with what this check needs, and nothing that would ask the internet.

`start.py requirements` prints what pip has to install beside the package `homeassistant`;
`start.py run …` is `python -m homeassistant …`.
"""

import json
import pathlib
import sys
from unittest import mock

import homeassistant
from homeassistant import bootstrap

# Of what Home Assistant sets up by itself. Others look for updates, for backups or for a voice.
WANTED = {
    "application_credentials", "automation", "battery", "event", "frontend", "input_boolean",
    "input_button", "input_number", "light", "logger", "network", "number", "person", "scene",
    "script", "select", "sensor", "switch", "system_health", "zone",
}
# Of what configuration and the user add.
ADDED = {
    "api", "config", "conversation", "device_automation", "history", "isal", "logbook", "mqtt",
    "recorder",
}
# Imported without being set up: by the MQTT integration, and when a browser asks for all actions.
IMPORTED = {"camera", "ffmpeg", "hassio", "tts"}
# Of Assist's microphone, imported in the same way; they would have to be compiled.
COMPILED = ["pymicro_vad", "pyspeex_noise"]


def requirements():
    """The Python packages of all of these and of what they depend on."""
    components = pathlib.Path(homeassistant.__file__).parent / "components"
    wanted, seen, packages = list(WANTED | ADDED | IMPORTED), set(), {"numpy"}
    while wanted:
        manifest = components / wanted.pop() / "manifest.json"
        if manifest in seen or not manifest.exists():
            continue
        seen.add(manifest)
        content = json.loads(manifest.read_text())
        packages.update(content.get("requirements", []))
        if manifest.parent.name not in IMPORTED:
            wanted += content.get("dependencies", [])
    return sorted(packages)


if __name__ == "__main__":
    job = sys.argv.pop(1)
    if job == "requirements":
        print("\n".join(requirements()))
    else:
        from homeassistant.__main__ import main

        for name in COMPILED:
            sys.modules[name] = mock.MagicMock()

        bootstrap.DEFAULT_INTEGRATIONS &= WANTED
        sys.exit(main())
