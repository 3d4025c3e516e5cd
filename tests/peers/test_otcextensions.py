"""Open Telekom Cloud's own extension of openstacksdk reads the simulator, where it can.

It knows neither the creation of image metadata nor the register call: of what this
project needs it has the list and the job of the project.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from batch_register.simulator import SeedImage, Simulator, SimulatorOptions

pytestmark = [pytest.mark.peer, pytest.mark.integration]

IMAGE = "4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11"
_CLIENT = Path(__file__).with_name("otc_client.py")


async def _seen(python: Path, home: Path, asked: object) -> dict[str, Any]:
    """Return what the client saw, a process of its own that sees no other cloud."""
    client = await asyncio.create_subprocess_exec(
        python,
        "-I",
        _CLIENT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"HOME": str(home)},
    )
    out, err = await client.communicate(json.dumps(asked).encode())
    assert client.returncode == 0, err.decode()[-2000:]
    seen: dict[str, Any] = json.loads(out)
    return seen


async def test_lists_images_and_reads_a_job(otc_python: Path, tmp_path: Path) -> None:
    options = SimulatorOptions(objects_exist_by_default=True)
    async with Simulator(options) as simulator:
        simulator.seed_image(SeedImage(id=IMAGE, name="web-01", size_bytes=5 << 30))
        # It wants the versions in the addresses, and finds no service by our catalogue.
        entry = simulator.clouds_entry() | {
            "imsv1_endpoint_override": f"{simulator.url}/v1",
            "imsv2_endpoint_override": f"{simulator.url}/v2",
        }
        asked = {"entry": entry, "url": simulator.url}
        seen = await _seen(otc_python, tmp_path, asked)
        assert seen["images"] == [[IMAGE, "web-01", "active"]]
        assert seen["job"] == ["INIT", "imsNativeImportImageJob"]
        assert simulator.audit.by_route["cloudimage.list"] == 1
        assert simulator.audit.by_route["job.show"] == 1
