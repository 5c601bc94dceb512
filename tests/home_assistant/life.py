"""What a toy goes through in Home Assistant, from its first day to its last.

Each step is given the rig and Home Assistant, and leaves things as it found them.
"""


from hass import TRIGGER_GONE, WITHOUT_BROKER
from pictures import dashboard
from rig import Failed, until


def known(state):
    return state not in ("unavailable", "unknown")


def near(wanted):
    """Light brightness as Home Assistant counts it, of 255, for a level in percent."""
    return lambda shown: shown is not None and abs(shown - wanted * 255 / 100) < 2


async def trigger(hass, **keys):
    """Waits for a trigger as an automation does; gives a function that counts how often it came."""
    before = len(hass.events)
    await hass.ask("subscribe_trigger", trigger=keys)
    return lambda: len(hass.events) - before


async def entities(rig, hass):
    """Devices and entities are there, named and placed as they should be."""
    for entity, state in {
        "light.nora": "off",
        "number.nora_vibrate": "0",
        "number.nora_rotate": "0",
        "number.nora_limit": "100",
        "select.nora_pattern": "Off",
        "button.nora_stop": "unknown",
        "button.nora_identify": "unknown",
        "sensor.nora_battery": "90",
        "sensor.nora_route": "lovense_lan",
        "sensor.hush_route": "wsdm",
        "sensor.nora_last_error": "unknown",
        "binary_sensor.nora_connected": "on",
        "event.nora_button": "unknown",
        "event.nora_gesture": "unknown",
        "number.edge_2_vibrate_1": "0",
        "number.edge_2_vibrate_2": "0",
        "number.solace_pro_thrust": "0",
        "number.solace_pro_position": "unknown",
        "number.max_2_constrict": "0",
        "number.hush_vibrate": "0",
        "button.toy2mqtt_stop_all": "unknown",
        "binary_sensor.toy2mqtt_quiet": "off",
        "button.toy2mqtt_start_quiet": "unknown",
        "button.toy2mqtt_end_quiet": "unknown",
        "switch.toy2mqtt_scanning": "off",
        "sensor.toy2mqtt_toys": "6",
        "sensor.toy2mqtt_version": known,
        "binary_sensor.toy2mqtt_problem": "off",
        "select.toy2mqtt_log_level": "info",
        "event.toy2mqtt_bridge": lambda state: state != "unavailable",
    }.items():
        await hass.state(entity, state)
    entities, devices = await hass.registry()
    bridge = devices["toy2mqtt_bridge"]
    toys = [device for key, device in devices.items() if key != "toy2mqtt_bridge"]
    if len(toys) != len(rig.MODELS) + len(rig.WSDM):
        raise Failed(f"there are {len(toys)} toys")
    for toy in toys:
        if toy["via_device_id"] != bridge["id"]:
            raise Failed(f"{toy['name']} is not behind the bridge")
        if toy["manufacturer"] != "Lovense" or not toy["model"]:
            raise Failed(f"{toy['name']} is {toy['manufacturer']} {toy['model']}")
    for key, entity in entities.items():
        if entity["disabled_by"] or entity["hidden_by"]:
            raise Failed(f"{key} is not shown")


async def controls(rig, hass):
    """Whatever is done in Home Assistant reaches the toy, and what the toy took is shown."""
    await hass.call("number.set_value", "number.edge_2_vibrate_1", value=40)
    await rig.level("Edge 2", "Vibrate1", 8)
    await rig.level("Edge 2", "Vibrate2", 0)
    await hass.state("number.edge_2_vibrate_1", "40")
    await hass.state("light.edge_2", "on")

    await hass.call("light.turn_on", "light.edge_2", brightness_pct=60)
    await hass.state("light.edge_2", "on", {"brightness": near(60)})
    await rig.level("Edge 2", "Vibrate1", 12)
    await hass.call("light.turn_off", "light.edge_2")
    await hass.state("light.edge_2", "off")
    await rig.level("Edge 2", "Vibrate1", 0)
    # On without a level is gentle, whatever came before.
    await hass.call("light.turn_on", "light.edge_2")
    await hass.state("light.edge_2", "on", {"brightness": near(30)})
    await hass.call("button.press", "button.edge_2_stop")
    await hass.state("light.edge_2", "off")
    await rig.level("Edge 2", "Vibrate1", 0)
    # And for one that never had one: the safe one.
    await hass.call("light.turn_on", "light.hush")
    await hass.state("light.hush", "on", {"brightness": near(30)})
    await hass.state("number.hush_vibrate", "30")
    await hass.call("light.turn_off", "light.hush")
    await hass.state("number.hush_vibrate", "0")

    await hass.call("light.turn_on", "light.nora", brightness_pct=50, effect="Pulse")
    await hass.state("light.nora", "on", {"effect": "Pulse"})
    await hass.state("select.nora_pattern", "Pulse")
    await rig.level("Nora", "Vibrate", lambda level: level > 0)
    await hass.call("select.select_option", "select.nora_pattern", option="Wave")
    await hass.state("light.nora", "on", {"effect": "Wave"})
    await hass.call("select.select_option", "select.nora_pattern", option="Off")
    await hass.state("select.nora_pattern", "Off")
    await hass.call("button.press", "button.toy2mqtt_stop_all")
    await hass.state("light.nora", "off")
    await rig.level("Nora", "Vibrate", 0)

    await hass.call("light.turn_on", "light.nora", brightness_pct=100, transition=2)
    await rig.level("Nora", "Vibrate", lambda level: 0 < level < 20)
    await rig.level("Nora", "Vibrate", 20)
    await hass.call("light.turn_off", "light.nora", transition=1)
    await rig.level("Nora", "Vibrate", 0)
    await hass.state("light.nora", "off")

    await hass.call("number.set_value", "number.nora_rotate", value=50)
    await rig.level("Nora", "Rotate", 10)
    await hass.call("number.set_value", "number.nora_rotate", value=0)
    await hass.call("number.set_value", "number.solace_pro_position", value=70)
    await hass.state("number.solace_pro_position", "70")

    await hass.call("number.set_value", "number.max_2_limit", value=30)
    await hass.state("number.max_2_limit", "30")
    await hass.call("number.set_value", "number.max_2_vibrate", value=80)
    await rig.level("Max 2", "Vibrate", 6)
    await hass.state("number.max_2_vibrate", "30")
    await hass.call("button.press", "button.max_2_stop")
    await hass.call("number.set_value", "number.max_2_limit", value=100)
    await hass.state("number.max_2_limit", "100")

    await hass.call("number.set_value", "number.nora_vibrate", value=20)
    await rig.level("Nora", "Vibrate", 4)
    await hass.call("button.press", "button.toy2mqtt_start_quiet")
    await hass.state("binary_sensor.toy2mqtt_quiet", "on")
    await rig.level("Nora", "Vibrate", 0)
    topic = f"toy2mqtt/{await toy_of(hass, 'nora')}/result"
    answers = await trigger(hass, platform="mqtt", topic=topic)

    async def refused():
        # Again, for Home Assistant subscribes to the answer a moment later.
        await hass.call("number.set_value", "number.nora_vibrate", value=50)
        return answers()

    await until("the answer", refused)
    await rig.level("Nora", "Vibrate", 0)
    await hass.state("number.nora_vibrate", "0")
    await hass.call("button.press", "button.toy2mqtt_end_quiet")
    await hass.state("binary_sensor.toy2mqtt_quiet", "off")

    moves = rig.app.text().count(" -> ")
    await hass.call("button.press", "button.nora_identify")
    await until("the toy makes itself known", lambda: rig.app.text().count(" -> ") >= moves + 2)
    await rig.level("Nora", "Vibrate", 0)
    await hass.call("select.select_option", "select.toy2mqtt_log_level", option="debug")
    await hass.state("select.toy2mqtt_log_level", "debug")
    await hass.call("select.select_option", "select.toy2mqtt_log_level", option="info")
    await hass.state("select.toy2mqtt_log_level", "info")


async def toy_of(hass, slug):
    """The id of a toy, from the entity registry."""
    entities, _ = await hass.registry()
    for key, entity in entities.items():
        if entity["entity_id"] == f"button.{slug}_stop":
            return key.removeprefix("toy2mqtt_").removesuffix("_stop")
    raise Failed(f"there is no {slug}")


async def inputs(rig, hass):
    """Buttons, movements and readings: entities, device triggers, the logbook."""
    _, devices = await hass.registry()
    nora = devices[f"toy2mqtt_{await toy_of(hass, 'nora')}"]["id"]
    offered = await hass.ask("device_automation/trigger/list", device_id=nora)
    offered = [known for known in offered if known["domain"] == "mqtt"]
    kinds = {(known["type"], known["subtype"]) for known in offered}
    wanted = {
        ("button_short_press", "button_1"), ("button_down", "button_1"),
        ("button_short_release", "button_1"), ("shaken", "device"),
    }
    if kinds != wanted:
        raise Failed(f"device triggers: {kinds}")
    chosen = next(known for known in offered if known["type"] == "button_short_press")
    chosen = {key: value for key, value in chosen.items() if key != "metadata"}
    pressed = await trigger(hass, **chosen)
    for event, entity, shown in [
        ("button-down", "event.nora_button", "button_down"),
        ("button-up", "event.nora_button", "button_up"),
        ("button-pressed", "event.nora_button", "button_pressed"),
        ("shake", "event.nora_gesture", "shake"),
    ]:
        await rig.happens("Nora", event)
        await hass.state(entity, known, {"event_type": shown})
    await until("the device trigger", lambda: pressed() == 1)
    for model, event, data, entity, shown in [
        ("Nora", "battery-changed", {"value": 42}, "sensor.nora_battery", "42"),
        ("Nora", "battery-changed", {"value": 90}, "sensor.nora_battery", "90"),
        ("Nora", "shake-frequency-changed", {"value": 3}, "sensor.nora_shake_frequency", "3"),
        ("Solace Pro", "depth-changed", {"value": 2}, "sensor.solace_pro_depth", "2"),
        (
            "Solace Pro", "motion-changed",
            {"motionData": [{"direction": 1, "speed": 30, "position": 60}]},
            "sensor.solace_pro_motion_position", "60",
        ),
    ]:
        await rig.happens(model, event, data)
        await hass.state(entity, lambda state, shown=shown: known(state) and float(state) == float(shown))


async def offline(rig, hass):
    """A toy that cannot be reached is unavailable, and says so."""
    await rig.happens("Nora", "toy-status", {"connected": False})
    for entity in ["light.nora", "number.nora_vibrate", "button.nora_stop", "sensor.nora_battery"]:
        await hass.state(entity, "unavailable")
    await hass.state("binary_sensor.nora_connected", "off")
    # It is wise to set it beforehand.
    await hass.state("number.nora_limit", "100")
    await hass.state("sensor.toy2mqtt_toys", "5")
    await rig.happens("Nora", "toy-status", {"connected": True})
    await hass.state("light.nora", "off")
    await hass.state("sensor.toy2mqtt_toys", "6")


async def birth(rig, hass):
    """Home Assistant is restarted: everything is as it was, and events do not come again."""
    await hass.call("number.set_value", "number.max_2_vibrate", value=20)
    await rig.level("Max 2", "Vibrate", 4)
    await hass.state("light.max_2", "on", {"brightness": near(20)})
    await hass.state("number.max_2_vibrate", "20")
    before = {key: state["state"] for key, state in (await hass.states()).items()}
    if (code := await hass.stop()) != 0:
        raise Failed(f"Home Assistant has ended with {code}")
    await hass.start()
    mine = [
        entity["entity_id"] for entity in (await hass.registry())[0].values()
        if not entity["entity_id"].startswith(("button.", "event."))
    ]
    for entity in mine:
        await hass.state(entity, before[entity])
    await hass.call("button.press", "button.max_2_stop")
    await rig.level("Max 2", "Vibrate", 0)


async def rename(rig, hass):
    """A toy is called something else: the device is renamed, no entity id changes."""
    toy = await toy_of(hass, "edge_2")
    for name in ["Evening", None]:
        await hass.publish("toy2mqtt/bridge/request/rename", {"toy": toy, "name": name})
        shown = name or "Edge 2"
        await hass.state("number.edge_2_vibrate_1", "0", {"friendly_name": f"{shown} Vibrate 1"})
        await hass.state("light.edge_2", "off", {"friendly_name": shown})
        await dashboard(rig, hass)


async def capabilities(rig, hass):
    """The same toy can do other things: entities come and go, and nothing is left behind."""
    for models, there, gone in [
        (
            [*rig.MODELS[:-1], "Dolce"],
            ["number.lush_3_vibrate_1", "number.lush_3_vibrate_2"],
            ["number.lush_3_vibrate"],
        ),
        (
            rig.MODELS,
            ["number.lush_3_vibrate"],
            ["number.lush_3_vibrate_1", "number.lush_3_vibrate_2"],
        ),
    ]:
        await rig.app.stop()
        rig.app = rig.phone(models)
        rig.app.start()
        # The device is called by its model, so new entities may be called after the new one.
        toy = f"toy2mqtt_{await toy_of(hass, 'lush_3')}"

        async def changed():
            entities, _ = await hass.registry()
            states = await hass.states()
            for entity in there:
                key = f"{toy}_{entity.removeprefix('number.lush_3_')}"
                if key not in entities:
                    raise Failed(f"{key} is not there")
                if states.get(entities[key]["entity_id"], {}).get("state") != "0":
                    raise Failed(f"{key} is {states.get(entities[key]['entity_id'])}")
            for entity in gone:
                key = f"{toy}_{entity.removeprefix('number.lush_3_')}"
                if key in entities:
                    raise Failed(f"{key} is still there")
            return True

        await until("other entities", changed)
    await hass.state("light.nora", "off")


async def newcomer(rig, hass):
    """A toy that was never seen comes while Home Assistant runs: it is named rightly at once, and
    `toy2mqtt dashboard` knows its entities by the ids that they got."""
    await rig.app.stop()
    rig.app = rig.phone([*rig.MODELS, "Domi 2"])
    rig.app.start()
    await hass.state("light.domi_2", "off", {"friendly_name": "Domi 2"})
    await dashboard(rig, hass)
    toy = await toy_of(hass, "domi_2")
    await rig.app.stop()
    rig.app = rig.phone(rig.MODELS)
    rig.app.start()
    await hass.state("light.domi_2", "unavailable")
    await forgotten(hass, toy)
    await hass.state("light.nora", "off")


async def bridge(rig, hass):
    """The bridge ends in order, starts again; is killed, and starts again."""
    for how in ["in order", "killed"]:
        await hass.call("number.set_value", "number.nora_vibrate", value=20)
        await hass.state("number.nora_vibrate", "20")
        if how == "in order":
            if (code := await rig.bridge.stop()) != 0:
                raise Failed(f"the bridge has ended with {code}")
        else:
            rig.bridge.child.kill()
            rig.bridge.child.wait()
        for entity in ["light.nora", "number.nora_limit", "binary_sensor.toy2mqtt_quiet"]:
            await hass.state(entity, "unavailable")
        await rig.level("Nora", "Vibrate", 0)
        rig.bridge.start()
        await hass.state("light.nora", "off")
        await hass.state("number.hush_vibrate", "0")
        await hass.state("binary_sensor.toy2mqtt_quiet", "off")


async def broker(rig, hass):
    """The broker is restarted and has forgotten everything."""
    with hass.expecting(WITHOUT_BROKER):
        await rig.broker.stop()
        await hass.state("light.nora", "unavailable")
        rig.broker.start()
        for entity, state in [
            ("light.nora", "off"), ("number.hush_vibrate", "0"), ("binary_sensor.toy2mqtt_quiet", "off"),
            ("sensor.toy2mqtt_toys", "6"),
        ]:
            await hass.state(entity, state)


async def forgotten(hass, toy):
    """Has a toy forgotten, and waits until nothing of it is left."""
    await hass.publish("toy2mqtt/bridge/request/forget", {"toy": toy})

    async def gone():
        entities, devices = await hass.registry()
        left = [key for key in [*entities, *devices] if toy in key]
        if left:
            raise Failed(f"{left} are left")
        return True

    await until("the toy is gone", gone)


async def forget(rig, hass):
    """A toy that is gone is forgotten: device and entities go, at the broker, too."""
    toy = await toy_of(hass, "max_2")
    await rig.happens("Max 2", "toy-status", {"connected": False})
    await hass.state("light.max_2", "unavailable")
    await forgotten(hass, toy)
    await rig.happens("Max 2", "toy-status", {"connected": True})
    await hass.state("light.max_2", "off")


async def reload(rig, hass):
    """The MQTT integration is reloaded, as after a change of its options.

    The last step: once it was reloaded, 2025.4 complains of any device that goes, whoever it is of.
    """
    entries = await hass.get("/api/config/config_entries/entry")
    entry = next(entry["entry_id"] for entry in entries if entry["domain"] == "mqtt")
    with hass.expecting(TRIGGER_GONE):
        await hass.post(f"/api/config/config_entries/entry/{entry}/reload", {})
        await hass.state("light.nora", "off")
        await hass.state("binary_sensor.toy2mqtt_quiet", "off")


STEPS = [
    entities, controls, inputs, offline, birth, rename, capabilities, newcomer, bridge, broker, forget,
    reload,
]
