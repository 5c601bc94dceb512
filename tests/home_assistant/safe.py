"""What must not move a toy, must not lift quiet, and must stop what it shows.

Each step is given the rig and Home Assistant, and leaves things as it found them.
"""

import json

from life import forgotten, toy_of
from pictures import dashboard
from rig import Failed, until


async def placed(hass, *identifiers):
    """Puts devices into an area and returns it; puts them out of it, if there are none."""
    areas = await hass.ask("config/area_registry/list")
    area = next((area["area_id"] for area in areas if area["name"] == "Bedroom"), None)
    if area is None:
        area = (await hass.ask("config/area_registry/create", name="Bedroom"))["area_id"]
    _, devices = await hass.registry()
    for key, device in devices.items():
        wanted = area if key in identifiers else None
        if device["area_id"] != wanted:
            await hass.ask("config/device_registry/update", device_id=device["id"], area_id=wanted)
    return area


async def flash(rig, hass):
    """Lights that flash, or are given a colour, move a toy no more than gently, and not for long."""
    toy = await toy_of(hass, "nora")
    area = await placed(hass, f"toy2mqtt_{toy}")
    await hass.call("light.turn_on", "light.nora", brightness_pct=100)
    await rig.level("Nora", "Vibrate", 20)
    await hass.call("light.turn_off", "light.nora")
    await rig.level("Nora", "Vibrate", 0)
    for keys in [{"flash": "short"}, {"flash": "long", "brightness_pct": 100, "effect": "Wave"}]:
        await hass.state("light.nora", "off")
        before = len(rig.app.text())
        await hass.call("light.turn_on", area_id=area, **keys)
        await until(
            "two pulses", lambda before=before: rig.app.text()[before:].count("Vibrate 0 -> 4") == 2
        )
        await rig.level("Nora", "Vibrate", 0)
        await hass.state("light.nora", "off")
        if " -> 4" not in rig.app.text()[before:] or " -> 20" in rig.app.text()[before:]:
            raise Failed(f"the toy was flashed at {rig.app.text()[before:]}")
    await placed(hass)


async def quiet(rig, hass):
    """Neither "turn everything off" nor "turn everything on" ends quiet."""
    area = await placed(hass, "toy2mqtt_bridge", f"toy2mqtt_{await toy_of(hass, 'nora')}")
    await hass.call("button.press", "button.toy2mqtt_start_quiet")
    await hass.state("binary_sensor.toy2mqtt_quiet", "on")
    await hass.call("scene.create", scene_id="as_it_was", snapshot_entities=["light.nora"])
    for service, keys in [
        ("homeassistant.turn_off", {"area_id": area}), ("homeassistant.turn_on", {"area_id": area}),
        ("homeassistant.toggle", {"area_id": area}), ("switch.turn_off", {"entity_id": "all"}),
        ("switch.turn_on", {"entity_id": "all"}), ("light.turn_on", {"entity_id": "all"}),
        ("light.turn_off", {"entity_id": "all"}), ("scene.turn_on", {"entity_id": "scene.as_it_was"}),
        ("switch.turn_off", {"entity_id": "all"}),
    ]:
        await hass.call(service, **keys)
    for text in ["turn off everything in the bedroom", "turn off all switches", "turn off quiet",
                 "turn on everything in the bedroom"]:
        await hass.ask("conversation/process", text=text, language="en")
    # What was asked for before has arrived: this comes after it.
    await hass.state("switch.toy2mqtt_scanning", "off")
    await hass.call("number.set_value", "number.nora_limit", value=90)
    await hass.state("number.nora_limit", "90")
    await hass.call("number.set_value", "number.nora_limit", value=100)
    await hass.state("number.nora_limit", "100")
    await hass.state("binary_sensor.toy2mqtt_quiet", "on")
    await hass.call("button.press", "button.toy2mqtt_end_quiet")
    await hass.state("binary_sensor.toy2mqtt_quiet", "off")
    await placed(hass)


async def old_quiet(rig, hass):
    """The switch that quiet was in earlier versions goes, when the bridge is updated."""
    await rig.bridge.stop()
    topic = "homeassistant/device/toy2mqtt_bridge/config"
    with_switch = {
        "device": {"identifiers": ["toy2mqtt_bridge"], "name": "toy2mqtt"},
        "origin": {"name": "toy2mqtt"},
        "availability": [{"topic": "toy2mqtt/bridge/state"}],
        "components": {
            "quiet": {
                "platform": "switch", "unique_id": "toy2mqtt_bridge_quiet", "name": "Quiet",
                "default_entity_id": "switch.toy2mqtt_quiet", "qos": 1,
                "command_topic": "toy2mqtt/bridge/quiet/set",
                "state_topic": "toy2mqtt/bridge/quiet/state",
            },
            "stop_all": {
                "platform": "button", "unique_id": "toy2mqtt_bridge_stop_all", "name": "Stop all",
                "default_entity_id": "button.toy2mqtt_stop_all", "qos": 1,
                "command_topic": "toy2mqtt/bridge/stop",
            },
        },
    }
    await hass.call("mqtt.publish", topic=topic, payload=json.dumps(with_switch), retain=True)
    await hass.state("switch.toy2mqtt_quiet", "unavailable")
    rig.bridge.start()
    await hass.state("binary_sensor.toy2mqtt_quiet", "off")

    async def gone():
        return "switch.toy2mqtt_quiet" not in await hass.states()

    await until("the switch is gone", gone)
    await hass.state("light.nora", "off")


async def twins(rig, hass):
    """Two toys of one model have ids of their own, and the dashboard stops the one that it shows."""
    await rig.app.stop()
    rig.app = rig.phone([*rig.MODELS, "Hush"])
    rig.app.start()

    async def both():
        entities, _ = await hass.registry()
        found = {
            key: entity["entity_id"] for key, entity in entities.items()
            if key.endswith("_vibrate") and "hush" in entity["entity_id"]
        }
        return found if len(found) == 2 else None

    found = await until("two of a model", both)
    known = await toy_of(hass, "hush")
    key = next(key for key in found if known not in key)
    toy = key.removeprefix("toy2mqtt_").removesuffix("_vibrate")
    if found[key] != f"number.hush_{toy[4:8]}_vibrate":
        raise Failed(f"they are {found}")
    await hass.state(found[key], "0")
    await dashboard(rig, hass)
    await hass.call("number.set_value", found[key], value=40)
    await rig.level("Hush", "Vibrate", 8)
    for section in (await hass.ask("lovelace/config", url_path="toys"))["views"][0]["sections"]:
        for card in section["cards"]:
            tap = card.get("tap_action", {})
            if tap.get("data", {}).get("topic") == f"toy2mqtt/{toy}/stop":
                await hass.call(tap["perform_action"], **tap["data"])
    await rig.level("Hush", "Vibrate", 0)
    await rig.app.stop()
    rig.app = rig.phone(rig.MODELS)
    rig.app.start()
    await hass.state(found[key], "unavailable")
    await forgotten(hass, toy)
    await hass.state("light.nora", "off")


STEPS = [flash, quiet, twins, old_quiet]
