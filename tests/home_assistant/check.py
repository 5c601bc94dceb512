"""The bridge with a real Home Assistant: run by scripts/home-assistant.sh with its Python."""

import argparse
import asyncio
import pathlib
import sys
import tempfile
import time

import blueprints
import life
import pictures
import safe
from hass import HomeAssistant
from rig import Failed, Rig


async def run(options, folder):
    async with Rig(options.program, folder) as rig:
        hass = HomeAssistant(folder)
        await hass.start()
        try:
            print(f"Home Assistant {hass.version}", flush=True)
            await hass.use_mqtt(rig.broker_port)
            *lives, last = life.STEPS
            named = [(step.__name__, step) for step in [*lives, *safe.STEPS, last]]
            steps = named + blueprints.steps()
            steps.append(("dashboard", pictures.dashboard))
            if options.pictures:
                steps = [
                    ("entities", life.entities),
                    ("dashboard", pictures.dashboard),
                    ("pictures", lambda rig, hass: pictures.take(rig, hass, options.pictures)),
                ]
            for name, step in steps:
                if options.only and name not in options.only:
                    continue
                began = time.monotonic()
                await step(rig, hass)
                found = hass.complaints()
                if found:
                    raise Failed(f"{name}: Home Assistant complains:\n" + "\n".join(found))
                print(f"  {name} ({time.monotonic() - began:.1f} s)", flush=True)
        except BaseException:
            print(rig.bridge.text()[-3000:], file=sys.stderr)
            raise
        finally:
            await hass.stop()
        if found := hass.complaints():
            raise Failed("at the end Home Assistant complains:\n" + "\n".join(found))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--only", action="append", help="a step, by its name; can be repeated")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="toy2mqtt-home-assistant-") as folder:
        try:
            asyncio.run(run(options, pathlib.Path(folder)))
        except Failed as error:
            sys.exit(f"home-assistant: {error}")


if __name__ == "__main__":
    main()
