"""Pictures of Home Assistant with our toys, for docs/images; and whether the dashboard that
`toy2mqtt dashboard` prints suits it."""

import asyncio
import base64
import contextlib
import itertools
import json
import pathlib
import shutil
import subprocess
import tempfile

import aiohttp
import yaml

from rig import Failed, free_port, until

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"]
# Where and how large, in points; two dots each. `path` may be a device.
PICTURES = {
    "dashboard": {"path": "/toys/toys", "width": 1180, "height": 760},
    "device": {"path": "toy2mqtt", "slug": "nora", "width": 1180, "height": 940},
}


# A page is drawn once so many pictures of it are the same: for about two seconds.
STILL = 20


def entities(part):
    """The entities that a part of a dashboard names."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("entity", "entity_id"):
                yield value
            else:
                yield from entities(value)
    elif isinstance(part, list):
        for value in part:
            yield from entities(value)


async def dashboard(rig, hass):
    """The dashboard that the program prints is taken, and knows every entity by its id."""
    command = [rig.program, "dashboard", *["-o", f"mqtt.url=mqtt://127.0.0.1:{rig.broker_port}"]]
    # What a browser asks for first.
    await hass.ask("get_services")
    made = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    text, _ = await made.communicate()
    if made.returncode:
        raise Failed(f"toy2mqtt dashboard has ended with {made.returncode}")
    config = yaml.safe_load(text)
    if "toys" not in {known["url_path"] for known in await hass.ask("lovelace/dashboards/list")}:
        await hass.ask(
            "lovelace/dashboards/create", url_path="toys", title="Toys", icon="mdi:tune-vertical",
            mode="storage", allow_single_word=True,
        )
    await hass.ask("lovelace/config/save", url_path="toys", config=config)
    shown, there = set(entities(config)), set(await hass.states())
    if not shown or shown - there:
        raise Failed(f"there are no entities {sorted(shown - there)}")


async def printed(rig, base):
    """The entities of the dashboard of a bridge with this base topic, and what is not certain of them."""
    made = await asyncio.create_subprocess_exec(
        rig.program, "dashboard", "-o", f"mqtt.url=mqtt://127.0.0.1:{rig.broker_port}",
        "-o", f"mqtt.base_topic={base}", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )
    text, said = await made.communicate()
    if made.returncode:
        raise Failed(f"toy2mqtt dashboard has ended with {made.returncode}")
    doubts = [line for line in text.decode().splitlines() if line.startswith("# ")]
    if any(doubt.removeprefix("# ") not in said.decode() for doubt in doubts):
        raise Failed(f"not said as well: {doubts}")
    return set(entities(yaml.safe_load(text))), doubts


class Page:
    """A page of a browser without a window, spoken to by its debugging protocol."""

    def __init__(self, socket):
        self.socket = socket
        self.ids = itertools.count(1)

    async def ask(self, method, **params):
        number = next(self.ids)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        while True:
            answer = json.loads((await self.socket.receive(60)).data)
            if answer.get("id") == number:
                if "error" in answer:
                    raise Failed(f"{method}: {answer['error']}")
                return answer["result"]

    async def evaluate(self, script):
        result = await self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        return result["result"].get("value")


@contextlib.asynccontextmanager
async def browser():
    name = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not name:
        raise Failed("pictures need Chromium")
    port = free_port()
    with tempfile.TemporaryDirectory() as profile:
        child = subprocess.Popen(
            [
                name, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--no-first-run", f"--user-data-dir={profile}", f"--remote-debugging-port={port}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession() as http:

                async def page():
                    try:
                        async with http.get(f"http://127.0.0.1:{port}/json") as answer:
                            pages = [page for page in await answer.json() if page["type"] == "page"]
                    except aiohttp.ClientError as error:
                        raise Failed(str(error)) from error
                    return pages and pages[0]["webSocketDebuggerUrl"]

                url = await until("the browser", page)
                async with http.ws_connect(url, max_msg_size=0) as socket:
                    yield Page(socket)
        finally:
            child.terminate()
            child.wait()


async def take(rig, hass, folder):
    """Sets the scene and takes all pictures."""
    # They look better with something to see.
    for name, value in [
        ("nora_vibrate", 35), ("nora_rotate", 60), ("edge_2_vibrate_1", 20),
        ("edge_2_vibrate_2", 45), ("hush_vibrate", 25), ("max_2_limit", 60),
    ]:
        await hass.call("number.set_value", f"number.{name}", value=value)
        await hass.state(f"number.{name}", str(value))
    await hass.call("number.set_value", "number.solace_pro_stroke_minimum", value=20)
    await hass.call("number.set_value", "number.solace_pro_thrust", value=40)
    await rig.happens("Nora", "shake-frequency-changed", {"value": 3})
    await rig.happens("Nora", "button-pressed")
    await rig.happens("Nora", "shake")
    folder.mkdir(parents=True, exist_ok=True)
    _, devices = await hass.registry()
    tokens = {
        "access_token": hass.token, "token_type": "Bearer", "expires_in": 10**8,
        "hassUrl": hass.url, "clientId": hass.url + "/", "expires": 10**14, "refresh_token": "",
    }
    async with browser() as page:
        await page.ask("Page.enable")
        store = f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))});"
        store += "localStorage.setItem('dockedSidebar', '\"always_hidden\"');"
        await page.ask("Page.addScriptToEvaluateOnNewDocument", source=f"try{{{store}}}catch(_){{}}")
        for name, picture in PICTURES.items():
            path = picture["path"]
            if "slug" in picture:
                entities, _ = await hass.registry()
                device = next(
                    entity["device_id"] for entity in entities.values()
                    if entity["entity_id"] == f"light.{picture['slug']}"
                )
                path = f"/config/devices/device/{device}"
            await page.ask(
                "Emulation.setDeviceMetricsOverride", width=picture["width"],
                height=picture["height"], deviceScaleFactor=1.5, mobile=False,
            )
            await page.ask("Page.navigate", url=hass.url + path)
            # Until nothing has been drawn anew for a while.
            shots = []

            async def still():
                shot = await page.ask("Page.captureScreenshot", format="webp", quality=80)
                shots.append(base64.b64decode(shot["data"]))
                last = shots[-1]
                return len(last) > 12_000 and shots[-STILL:] == [last] * STILL and last

            shot = await until(f"a picture of {name} that stays as it is", still)
            pathlib.Path(folder / f"home-assistant-{name}.webp").write_bytes(shot)
    await hass.call("button.press", "button.toy2mqtt_stop_all")
