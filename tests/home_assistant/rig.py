"""What surrounds Home Assistant: a broker, simulated toys and the bridge, each a process of its own."""

import asyncio
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

import aiohttp

# How long anything may take; two cores may be busy with something else.
PATIENCE = 60.0


class Failed(Exception):
    """What did not hold."""


def free_port():
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def until(what, condition, patience=PATIENCE):
    """Waits until `condition` gives something true, and returns it.

    It may be a coroutine function. What it says with `Failed` is part of the message if it never
    holds.
    """
    deadline = time.monotonic() + patience
    seen = None
    while True:
        try:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return result
            seen = None
        except Failed as error:
            seen = error
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {patience:.0f} s" + (f" ({seen})" if seen else ""))
        await asyncio.sleep(0.05)


class Process:
    """A program that writes into a file of its own."""

    def __init__(self, name, folder, *command):
        self.name = name
        self.command = [str(word) for word in command]
        self.log = folder / f"{name}.log"
        self.child = None

    def start(self):
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Without settings of whoever runs this.
                env={k: v for k, v in os.environ.items() if not k.startswith("TOY2MQTT_")},
            )

    def alive(self):
        if self.child is None or self.child.poll() is not None:
            raise Failed(f"{self.name} has ended: {self.text()[-2000:]}")
        return True

    async def stop(self, patience=PATIENCE):
        """Asks it to end and returns how it ended."""
        if self.child is None:
            return None
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            await until(f"{self.name} ends", lambda: self.child.poll() is not None, patience)
        except Failed:
            self.child.kill()
            raise
        code, self.child = self.child.wait(), None
        return code

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Rig:
    """Broker, two lots of simulated toys and the bridge. `async with` starts and ends them."""

    # By the phone's app, in this order: their addresses follow from it.
    MODELS = ["Nora", "Edge 2", "Solace Pro", "Max 2", "Lush 3"]
    # By websocket.
    WSDM = ["hush"]

    def __init__(self, program, folder):
        self.folder = pathlib.Path(folder)
        self.program = program
        self.broker_port, self.app_port, self.control_port = free_port(), free_port(), free_port()
        self.wsdm_port, self.web_port = free_port(), free_port()
        self.http = None
        mosquitto = self.folder / "mosquitto.conf"
        mosquitto.write_text(
            f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        )
        self.settings = self.folder / "toy2mqtt.toml"
        self.configure()
        self.broker = Process("mosquitto", self.folder, "mosquitto", "-c", mosquitto)
        self.bridge = Process("bridge", self.folder, program, "run", "--config", self.settings)
        url = f"ws://127.0.0.1:{self.wsdm_port}"
        self.sockets = Process(
            "websocket-toys", self.folder,
            program, "simulate", "--wsdm", url, "--models", ",".join(self.WSDM),
        )
        self.app = self.phone(self.MODELS)

    def configure(self, base="toy2mqtt", discreet=False):
        """Writes the settings; the bridge reads them when it starts."""
        self.settings.write_text(
            f'''
data_dir = "{self.folder / "data"}"
[mqtt]
url = "mqtt://127.0.0.1:{self.broker_port}"
base_topic = "{base}"
[privacy]
discreet = {str(discreet).lower()}
[[lovense_lan]]
host = "127.0.0.1"
port = {self.app_port}
[wsdm]
enabled = true
listen = "127.0.0.1:{self.wsdm_port}"
[web]
listen = "127.0.0.1:{self.web_port}"
[discovery]
enabled = false
[safety]
# Steps follow one another at once; how long Stop all holds is tested elsewhere.
stop_hold = "0s"
'''
        )

    def phone(self, models):
        """An app with these toys. The same place in the list is the same toy, whatever its model."""
        return Process(
            "app", self.folder,
            self.program, "simulate", "--models", ",".join(models),
            "--listen", f"127.0.0.1:{self.app_port}",
            "--control", f"127.0.0.1:{self.control_port}",
        )

    async def __aenter__(self):
        self.http = aiohttp.ClientSession()
        for process in (self.broker, self.app, self.bridge, self.sockets):
            process.start()
        await until("the simulated app", self.simulated)
        return self

    async def __aexit__(self, *_):
        for process in (self.sockets, self.bridge, self.app, self.broker):
            with contextlib.suppress(Failed):
                await process.stop(15)
        await self.http.close()

    async def simulated(self):
        """What the simulated app says of its toys, by model."""
        try:
            async with self.http.get(f"http://127.0.0.1:{self.control_port}/sim") as answer:
                toys = (await answer.json())["toys"]
        except aiohttp.ClientError as error:
            self.app.alive()
            raise Failed(str(error)) from error
        return {toy["model"]: toy for toy in toys}

    async def happens(self, model, event, data=None):
        """Lets a simulated toy do something, such as `button-pressed`."""
        toy = (await self.simulated())[model]["id"]
        url = f"http://127.0.0.1:{self.control_port}/sim/toy/{toy}/{event}"
        async with self.http.post(url, json=data or {}) as answer:
            if answer.status != 200:
                raise Failed(f"{event}: {await answer.text()}")

    async def level(self, model, function, wanted):
        """Waits until a function of a simulated toy has a level, in the toy's own steps."""

        async def there():
            levels = (await self.simulated())[model]["levels"]
            if levels.get(function) != wanted and not (callable(wanted) and wanted(levels.get(function))):
                raise Failed(f"{model} has {levels}")
            return True

        await until(f"{model} gets {function} = {wanted}", there)
