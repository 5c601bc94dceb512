"""Every blueprint, imported into Home Assistant, filled in with the simulator's entities, and put to
work."""

import datetime
import json
import pathlib
import shutil
import time

import pictures
from hass import TOO_MANY
from life import toy_of
from rig import Failed, until

HERE = pathlib.Path(__file__).parents[2] / "blueprints" / "automation" / "toy2mqtt"


async def use(hass, blueprint, **inputs):
    """Makes an automation of a blueprint and nothing else, and waits until it works."""
    automation = {
        "id": blueprint, "alias": blueprint,
        "use_blueprint": {"path": f"toy2mqtt/{blueprint}.yaml", "input": inputs},
    }
    # YAML is JSON, too.
    (hass.folder / "automations.yaml").write_text(json.dumps([automation]))
    await hass.call("automation.reload")
    await hass.state(f"automation.{blueprint}", "on")


async def runs(hass, blueprint):
    """When its automation was triggered, whatever came of it, as far as its traces go back."""
    traces = await hass.ask("trace/list", domain="automation", item_id=blueprint)
    ended = (trace for trace in traces if trace["state"] == "stopped")
    return {datetime.datetime.fromisoformat(trace["timestamp"]["start"]) for trace in ended}


async def looked(hass, blueprint, before):
    """Waits until the automation has dealt with something that came after `before`; returns the runs."""

    async def new():
        return await runs(hass, blueprint) - before

    return await until(f"{blueprint} is triggered", new)


async def untouched(rig, hass):
    """Nora has not moved, though everything that was asked for before has arrived."""
    await hass.call("number.set_value", "number.edge_2_vibrate_1", value=10)
    await rig.level("Edge 2", "Vibrate1", 2)
    level = (await rig.simulated())["Nora"]["levels"]["Vibrate"]
    if level != 0:
        raise Failed(f"Nora went to {level}")
    await hass.call("number.set_value", "number.edge_2_vibrate_1", value=0)
    await rig.level("Edge 2", "Vibrate1", 0)


async def start(rig, hass, model="Nora", slug="nora"):
    """A toy runs."""
    await hass.call("number.set_value", f"number.{slug}_vibrate", value=50)
    await rig.level(model, "Vibrate", 10)
    await hass.state(f"number.{slug}_vibrate", "50")


async def be_loud(hass):
    """Quiet was switched on; it is ended again."""
    await hass.state("binary_sensor.toy2mqtt_quiet", "on")
    await hass.call("button.press", "button.toy2mqtt_end_quiet")
    await hass.state("binary_sensor.toy2mqtt_quiet", "off")


async def stopped(rig, hass):
    await rig.level("Nora", "Vibrate", 0)
    await hass.state("number.nora_vibrate", "0")


async def button_runs_actions(rig, hass):
    await use(
        hass, "button_runs_actions", button="event.nora_button", event_type="button_down",
        actions=[{"action": "input_boolean.toggle", "target": {"entity_id": "input_boolean.lamp"}}],
    )
    await rig.happens("Nora", "button-pressed")
    await rig.happens("Nora", "button-down")
    await hass.state("input_boolean.lamp", "on")
    await rig.happens("Nora", "button-down")
    await hass.state("input_boolean.lamp", "off")


async def button_toggles_light(rig, hass):
    await use(
        hass, "button_toggles_light", button="event.nora_button", lamp=["input_boolean.lamp"]
    )
    await rig.happens("Nora", "button-pressed")
    await hass.state("input_boolean.lamp", "on")
    # Neither another event nor coming back is a press.
    await rig.happens("Nora", "button-down")
    await rig.happens("Nora", "toy-status", {"connected": False})
    await hass.state("event.nora_button", "unavailable")
    await rig.happens("Nora", "toy-status", {"connected": True})
    await hass.state("event.nora_button", lambda state: state != "unavailable")
    await rig.happens("Nora", "button-pressed")
    await hass.state("input_boolean.lamp", "off")


async def film_gate(rig, hass):
    await hass.pretend("media_player.tv", "paused")
    await use(
        hass, "film_gate", player="media_player.tv", pattern="select.nora_pattern",
        pattern_name="Wave", toy=await toy_of(hass, "nora"),
    )
    await hass.pretend("media_player.tv", "playing")
    await hass.state("select.nora_pattern", "Wave")
    await rig.level("Nora", "Vibrate", lambda level: level > 0)
    await hass.pretend("media_player.tv", "paused")
    await hass.state("select.nora_pattern", "Off")
    await rig.level("Nora", "Vibrate", 0)
    # A player that comes back is no reason to start: of these only the pause is dealt with.
    before = await runs(hass, "film_gate")
    for state in ["unavailable", "playing"]:
        await hass.pretend("media_player.tv", state)
    paused = datetime.datetime.now(datetime.UTC)
    await hass.pretend("media_player.tv", "paused")

    async def dealt_with():
        return max(await runs(hass, "film_gate"), default=paused) > paused

    await until("the pause is dealt with", dealt_with)
    if len(await runs(hass, "film_gate") - before) != 1:
        raise Failed("it was triggered by a player that came back")
    await untouched(rig, hass)


async def level_follows_helper(rig, hass):
    await use(
        hass, "level_follows_helper", helper="input_number.knob", output="number.nora_vibrate",
        highest=60,
    )
    for value, level in [(30, 6), (100, 12), (0, 0)]:
        await hass.call("input_number.set_value", "input_number.knob", value=value)
        await rig.level("Nora", "Vibrate", level)


async def low_battery(rig, hass):
    await use(
        hass, "low_battery", batteries=["sensor.nora_battery", "sensor.edge_2_battery"], below=20,
        actions=[{"action": "input_boolean.turn_on", "target": {"entity_id": "input_boolean.lamp"}}],
    )
    await rig.happens("Nora", "battery-changed", {"value": 25})
    await hass.state("sensor.nora_battery", "25")
    await hass.state("input_boolean.lamp", "off")
    await rig.happens("Nora", "battery-changed", {"value": 19})
    await hass.state("input_boolean.lamp", "on")
    await rig.happens("Nora", "battery-changed", {"value": 90})
    await hass.state("sensor.nora_battery", "90")
    await hass.call("input_boolean.turn_off", "input_boolean.lamp")


async def morning_ramp(rig, hass):
    topic = f"toy2mqtt/{await toy_of(hass, 'nora')}"

    async def at_once():
        at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2.5)
        await use(
            hass, "morning_ramp", armed="input_boolean.armed", at=at.strftime("%H:%M:%S"),
            topic=topic, level=30, rise=1, hold=2,
        )

    before = await runs(hass, "morning_ramp")
    await at_once()
    await looked(hass, "morning_ramp", before)
    await untouched(rig, hass)
    await hass.call("input_boolean.turn_on", "input_boolean.armed")
    await at_once()
    await hass.state("input_boolean.armed", "off")
    # What is wanted is shown; what is there rises.
    await hass.state("light.nora", "on")
    await rig.level("Nora", "Vibrate", lambda level: 0 < level < 6)
    await hass.call("button.press", "button.nora_stop")
    await stopped(rig, hass)


async def notification_pulse(rig, hass):
    await use(
        hass, "notification_pulse", armed="input_boolean.armed", sensors=["input_boolean.door"],
        output="number.nora_vibrate", topic=f"toy2mqtt/{await toy_of(hass, 'nora')}",
        level=20, times=2,
    )
    before = await runs(hass, "notification_pulse")
    await hass.call("input_boolean.turn_on", "input_boolean.door")
    await looked(hass, "notification_pulse", before)
    await untouched(rig, hass)
    await hass.call("input_boolean.turn_off", "input_boolean.door")
    await hass.call("input_boolean.turn_on", "input_boolean.armed")
    seen = rig.app.text().count("Vibrate 0 -> 4")
    await hass.call("input_boolean.turn_on", "input_boolean.door")
    await until("two pulses", lambda: rig.app.text().count("Vibrate 0 -> 4") == seen + 2)
    await stopped(rig, hass)
    await hass.call("input_boolean.turn_off", ["input_boolean.door", "input_boolean.armed"])


async def panic_button(rig, hass):
    await use(
        hass, "panic_button",
        panic=[{"trigger": "state", "entity_id": "input_button.doorbell"}],
    )
    await start(rig, hass)
    await hass.call("input_button.press", "input_button.doorbell")
    await be_loud(hass)
    await stopped(rig, hass)


async def quiet_when_home(rig, hass):
    await hass.pretend("person.somebody", "not_home")
    await use(hass, "quiet_when_home", people=["person.somebody"])
    await start(rig, hass)
    await hass.pretend("person.somebody", "home")
    await be_loud(hass)
    await stopped(rig, hass)


async def session_timer(rig, hass):
    await use(
        hass, "session_timer", outputs=["number.nora_vibrate", "number.nora_rotate"],
        time={"seconds": 2}, toy=await toy_of(hass, "nora"),
    )
    began = time.monotonic()
    await start(rig, hass)
    await stopped(rig, hass)
    if time.monotonic() - began < 2:
        raise Failed("it was stopped before its time")


async def stop_all_on_sensor(rig, hass):
    await use(hass, "stop_all_on_sensor", sensors=["input_boolean.door"])
    await start(rig, hass)
    await hass.call("input_boolean.turn_on", "input_boolean.door")
    await stopped(rig, hass)
    await hass.state("binary_sensor.toy2mqtt_quiet", "off")
    await hass.call("input_boolean.turn_off", "input_boolean.door")
    await use(hass, "stop_all_on_sensor", sensors=["input_boolean.door"], quiet=True)
    await hass.call("input_boolean.turn_on", "input_boolean.door")
    await be_loud(hass)
    await stopped(rig, hass)
    await hass.call("input_boolean.turn_off", "input_boolean.door")


async def voice_stop(rig, hass):
    await use(hass, "voice_stop")
    for text in [
        "Stop everything", "stop", "Stop!", "stop now", "please stop everything", "stop the toys",
        "stop it", "halt", "stop everything now", "stop all", "Stop it now, please.", "stop the toy",
        "please stop all of the toys right now", "everything off", "everything stop now",
    ]:
        await start(rig, hass)
        await say(hass, text, "Done.")
        await stopped(rig, hass)
    # Nothing is claimed that did not happen: a base topic of no bridge, a bridge that is not there.
    no_answer = "The bridge does not answer. Stop by hand."
    await use(hass, "voice_stop", base_topic="home/toys")
    await say(hass, "stop", no_answer)
    await use(hass, "voice_stop")
    await rig.bridge.stop()
    await say(hass, "stop", no_answer)
    rig.bridge.start()
    await hass.state("light.nora", "off")


async def say(hass, text, wanted):
    """Says something to Assist, and hears the answer."""
    said = await hass.ask("conversation/process", text=text, language="en")
    answer = said["response"]["speech"]["plain"]["speech"]
    if answer != wanted:
        raise Failed(f"to {text!r} Assist says {answer!r}")


async def elsewhere(rig, hass):
    """The blueprints that stop do so where the bridge's entities have other ids: discreet, and under
    another base topic, which is told to them."""
    with hass.expecting(TOO_MANY):
        await elsewhere_in_turn(rig, hass)


async def elsewhere_in_turn(rig, hass):
    toy = await toy_of(hass, "nora")
    for base, discreet in [("home/toys", False), ("toy2mqtt", True)]:
        await rig.bridge.stop()
        rig.configure(base, discreet)
        rig.bridge.start()

        async def begin(base=base):
            await hass.publish(f"{base}/{toy}/vibrate/set", "50")
            levels = (await rig.simulated())["Nora"]["levels"]
            return levels["Vibrate"] == 10

        where = {"base_topic": base}
        await use(hass, "voice_stop", quiet=True, **where)
        await until("the toy runs", begin)
        await say(hass, "stop", "Done.")
        await rig.level("Nora", "Vibrate", 0)
        await hass.publish(f"{base}/bridge/quiet/set", "OFF")
        await use(hass, "panic_button", panic=[
            {"trigger": "state", "entity_id": "input_button.doorbell"},
        ], quiet=False, **where)
        await until("the toy runs", begin)
        await hass.call("input_button.press", "input_button.doorbell")
        await rig.level("Nora", "Vibrate", 0)
        await use(hass, "stop_all_on_sensor", sensors=["input_boolean.door"], **where)
        await until("the toy runs", begin)
        await hass.call("input_boolean.turn_on", "input_boolean.door")
        await rig.level("Nora", "Vibrate", 0)
        await hass.call("input_boolean.turn_off", "input_boolean.door")
        await hass.pretend("person.somebody", "not_home")
        await use(hass, "quiet_when_home", people=["person.somebody"], **where)
        await until("the toy runs", begin)
        await hass.pretend("person.somebody", "home")
        await rig.level("Nora", "Vibrate", 0)
        await hass.publish(f"{base}/bridge/quiet/set", "OFF")
        # The dashboard says where it is not certain, and its ids exist where it is.
        async def says_so(base=base, discreet=discreet):
            shown, doubts = await pictures.printed(rig, base)
            if bool(doubts) != discreet:
                raise Failed(f"the dashboard says {doubts}")
            known, _ = await hass.registry()
            ours = {
                entity["entity_id"] for key, entity in known.items()
                if key.startswith(("toy2mqtt_toy_", "toy2mqtt_bridge")) == (base == "toy2mqtt")
            }
            if not discreet and shown - ours:
                raise Failed(f"it shows {sorted(shown - ours)}, which are no entities of this bridge")
            return True

        await until("the dashboard says where it is not certain", says_so)
    await rig.bridge.stop()
    for key in (await hass.registry())[1]:
        if not key.startswith(("toy2mqtt_toy_", "toy2mqtt_bridge")):
            topic = f"homeassistant/device/{key}/config"
            await hass.call("mqtt.publish", topic=topic, payload="", retain=True)
    rig.configure()
    rig.bridge.start()
    await hass.state("light.nora", "off")


async def imported(_, hass):
    """All of them are read without complaint, and there is a step for each."""
    there = hass.folder / "blueprints" / "automation" / "toy2mqtt"
    shutil.copytree(HERE, there)
    listed = await hass.ask("blueprint/list", domain="automation")
    wanted = {path.stem for path in HERE.glob("*.yaml")}
    tried = {step.__name__ for step in STEPS}
    if wanted != tried:
        raise Failed(f"blueprints that are not tried, or not there: {wanted ^ tried}")
    for name in wanted:
        known = listed.get(f"toy2mqtt/{name}.yaml", {"error": "not listed"})
        if "error" in known:
            raise Failed(f"{name}: {known['error']}")


async def emptied(_, hass):
    """No automation is left."""
    (hass.folder / "automations.yaml").write_text("[]")
    await hass.call("automation.reload")


STEPS = [
    button_runs_actions, button_toggles_light, film_gate, level_follows_helper, low_battery,
    morning_ramp, notification_pulse, panic_button, quiet_when_home, session_timer,
    stop_all_on_sensor, voice_stop,
]


def steps():
    named = [(f"blueprint {step.__name__}", step) for step in STEPS]
    return [
        ("blueprints", imported), *named, ("blueprints elsewhere", elsewhere), ("no blueprints", emptied),
    ]
