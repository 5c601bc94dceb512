"""A Home Assistant of this machine, with a configuration of its own and no way out."""

import asyncio
import base64
import contextlib
import datetime
import hashlib
import hmac
import itertools
import json
import pathlib
import re
import sys

import aiohttp

from rig import Failed, Process, free_port, until

KEY = "0815" * 16
NOW = "2026-01-01T00:00:00+00:00"

CONFIGURATION = """
homeassistant:
  name: Home
  latitude: 0
  longitude: 0
  elevation: 0
  unit_system: metric
  currency: EUR
  country: DE
  time_zone: UTC
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
config:
conversation:
frontend:
history:
logbook:
recorder:
  commit_interval: 1
logger:
  default: info
automation: !include automations.yaml
input_boolean: {{armed: {{name: Armed}}, door: {{name: Door}}, lamp: {{name: Lamp}}}}
input_number: {{knob: {{name: Knob, min: 0, max: 100, step: 1}}}}
input_button: {{doorbell: {{name: Doorbell}}}}
"""

# What Home Assistant says of itself, or of what this check does to it on purpose.
EXPECTED = [
    r"homeassistant\.bootstrap\] Skipping pip installation",
    # Only slower, and cameras.
    r"camera\.img_util\] Error loading libturbojpeg",
    r"aiohttp_fast_zlib\] ",
    # In YAML, so that it listens on the loopback address alone.
    r"homeassistant\.components\.http.*(YAML|yaml|server_host)",
]
WITHOUT_BROKER = [
    r"\[homeassistant\] Error doing job: Task exception was never retrieved",
    r"paho\.mqtt\.client\] failed to receive on socket",
    r"homeassistant\.components\.mqtt\.client\] (Disconnected from|Failed to connect|Error returned from)",
]
# Of 2025.4, once a device with triggers was removed, whoever it was of.
TRIGGER_GONE = [r"Unable to remove unknown dispatcher .*MqttDeviceTrigger"]
# Of 2025.4, which writes a line for each entity of devices that come and go at once.
TOO_MANY = [r"is logging too frequently"]


def _token():
    """A long-lived token of the user in `.storage/auth`, as Home Assistant would sign it."""

    def part(value):
        if not isinstance(value, bytes):
            value = json.dumps(value).encode()
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    issued = int(datetime.datetime.now(datetime.UTC).timestamp()) - 60
    claims = {"iss": "token", "iat": issued, "exp": issued + 10 * 365 * 86400}
    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims)
    mac = hmac.new(KEY.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + part(mac)).decode()


class HomeAssistant:
    """Starts with one user, past its first questions, and with the MQTT integration set up."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "home-assistant"
        self.port = free_port()
        self.token = _token()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = self.socket = self.reader = None
        self.version = None
        self.ids = itertools.count(1)
        self.answers = {}
        self.events = []
        self.allowed = list(EXPECTED)
        self.read_to = 0
        self.write()
        self.process = Process(
            "home-assistant-run", pathlib.Path(folder),
            sys.executable, "-u", pathlib.Path(__file__).with_name("start.py"), "run", "-c", self.folder,
            "--skip-pip", "--log-no-color", "--log-file", self.folder / "own.log",
        )

    def write(self):
        storage = self.folder / ".storage"
        storage.mkdir(parents=True)
        (self.folder / "configuration.yaml").write_text(CONFIGURATION.format(port=self.port))
        (self.folder / "automations.yaml").write_text("[]\n")

        def store(key, version, data, minor=1):
            content = {"version": version, "minor_version": minor, "key": key, "data": data}
            (storage / key).write_text(json.dumps(content))

        store("onboarding", 4, {"done": ["user", "core_config", "analytics", "integration"]})
        user = {
            "id": "user", "group_ids": ["system-admin"], "is_owner": True, "is_active": True,
            "name": "Alex", "system_generated": False, "local_only": False,
        }
        token = {
            "id": "token", "user_id": "user", "client_id": None, "client_name": "check",
            "client_icon": None, "token_type": "long_lived_access_token", "created_at": NOW,
            "access_token_expiration": 315360000.0, "token": "0" * 128, "jwt_key": KEY,
            "last_used_at": None, "last_used_ip": None, "expire_at": None, "version": None,
        }
        groups = [
            {"id": f"system-{group}", "name": name}
            for group, name in [("admin", "Administrators"), ("users", "Users"), ("read-only", "Read Only")]
        ]
        store("auth", 1, {
            "users": [user], "groups": groups, "credentials": [], "refresh_tokens": [token],
        })

    async def start(self):
        """Starts it, and waits until it runs and this end is connected."""
        self.process.start()
        self.http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.token}"})

        async def running():
            self.process.alive()
            try:
                return (await self.get("/api/config"))["state"] == "RUNNING"
            except (aiohttp.ClientError, Failed) as error:
                raise Failed(str(error)) from error

        await until("Home Assistant runs", running, 180)
        self.version = (await self.get("/api/config"))["version"]
        self.socket = await self.http.ws_connect(
            f"{self.url}/api/websocket", max_msg_size=64 * 1024 * 1024
        )
        await self.socket.receive_json()
        await self.socket.send_json({"type": "auth", "access_token": self.token})
        if (await self.socket.receive_json())["type"] != "auth_ok":
            raise Failed("Home Assistant does not take the token")
        self.reader = asyncio.create_task(self.read())
        # Newer ones would put the port back, if nobody says that it is right.
        with contextlib.suppress(Failed):
            await self.ask("http/config/promote")

    async def stop(self):
        if self.reader:
            self.reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.reader
        if self.http:
            await self.http.close()
        self.http = self.reader = None
        return await self.process.stop(90)

    async def read(self):
        async for message in self.socket:
            content = json.loads(message.data)
            if content["type"] == "event":
                self.events.append(content["event"])
            elif waiting := self.answers.pop(content["id"], None):
                waiting.set_result(content)

    async def get(self, path):
        async with self.http.get(self.url + path) as answer:
            if answer.status != 200:
                raise Failed(f"{path}: {answer.status} {await answer.text()}")
            return await answer.json()

    async def post(self, path, data):
        async with self.http.post(self.url + path, json=data) as answer:
            if answer.status not in (200, 201):
                raise Failed(f"{path}: {answer.status} {await answer.text()}")
            return await answer.json()

    async def ask(self, kind, **keys):
        """A command of the websocket API."""
        number = next(self.ids)
        self.answers[number] = waiting = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "type": kind, **keys})
        answer = await asyncio.wait_for(waiting, 30)
        if not answer["success"]:
            raise Failed(f"{kind} {keys}: {answer['error']}")
        return answer["result"]

    async def use_mqtt(self, port):
        """Adds the MQTT integration, as a user does."""
        path = "/api/config/config_entries/flow"
        flow = await self.post(path, {"handler": "mqtt", "show_advanced_options": False})
        for _ in range(3):
            if flow["type"] == "menu":
                flow = await self.post(f"{path}/{flow['flow_id']}", {"next_step_id": "broker"})
            elif flow["type"] == "form":
                if flow.get("errors"):
                    raise Failed(f"the MQTT integration: {flow['errors']}")
                given = {"broker": "127.0.0.1", "port": port}
                # Newer ones want to be told that there is no TLS.
                if any(field["name"] == "other_settings" for field in flow["data_schema"]):
                    given["other_settings"] = {"set_client_cert": False, "set_ca_cert": "off"}
                flow = await self.post(f"{path}/{flow['flow_id']}", given)
        if flow["type"] != "create_entry":
            raise Failed(f"the MQTT integration: {flow}")

    async def call(self, service, entity=None, **data):
        """Performs an action, as the dashboard does."""
        domain, name = service.split(".")
        target = {"target": {"entity_id": entity}} if entity else {}
        return await self.ask(
            "call_service", domain=domain, service=name, service_data=data, **target
        )

    async def publish(self, topic, payload):
        text = payload if isinstance(payload, str) else json.dumps(payload)
        await self.call("mqtt.publish", topic=topic, payload=text)

    async def pretend(self, entity, state, **attributes):
        """Sets the state of an entity of nobody's, such as a person or a media player."""
        await self.post(f"/api/states/{entity}", {"state": state, "attributes": attributes})

    async def states(self):
        return {state["entity_id"]: state for state in await self.ask("get_states")}

    async def state(self, entity, wanted, attributes=None):
        """Waits until an entity has a state, a text or a condition, and attributes; returns it."""

        async def there():
            state = (await self.states()).get(entity)
            if state is None:
                raise Failed("there is no such entity")
            right = wanted(state["state"]) if callable(wanted) else state["state"] == wanted
            shown = state["attributes"]
            for key, value in (attributes or {}).items():
                right = right and (value(shown.get(key)) if callable(value) else shown.get(key) == value)
            if not right:
                raise Failed(f"{state['state']}, {shown}")
            return state

        told = "as it should be" if callable(wanted) else wanted
        return await until(f"{entity} is {told} {attributes or ''}", there)

    async def registry(self):
        """The entities of the MQTT integration by unique id, and the devices by identifier."""
        entities = await self.ask("config/entity_registry/list")
        devices = await self.ask("config/device_registry/list")
        ours = {
            entity["unique_id"]: entity for entity in entities if entity["platform"] == "mqtt"
        }
        by_id = {
            identifier: device
            for device in devices
            for domain, identifier in device["identifiers"]
            if domain == "mqtt"
        }
        return ours, by_id

    @contextlib.contextmanager
    def expecting(self, complaints):
        """While these complaints are to be expected; others are not."""
        usual, self.allowed = self.allowed, [*self.allowed, *complaints]
        yield
        if found := self.complaints():
            raise Failed("\n".join(found))
        # These are not reported again.
        self.read_to, self.allowed = len(self.process.text()), usual

    def complaints(self):
        """Every line of WARNING or worse, with what belongs to it, but for what was expected."""
        lines, found = self.process.text()[self.read_to:].splitlines(), []
        start = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ (\w+) ")
        loud = False
        for line in lines:
            if match := start.match(line):
                loud = match[1] in ("WARNING", "ERROR", "CRITICAL")
                loud = loud and not any(re.search(known, line) for known in self.allowed)
            if loud:
                found.append(line)
        return found
