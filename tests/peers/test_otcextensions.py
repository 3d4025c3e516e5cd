"""Open Telekom Cloud's own extension of openstacksdk reads the simulator, where it can.

It knows neither the creation of image metadata nor the register call. It is not part of
the extra `dev`, as it brings a dozen packages along for two calls: `pip install
otcextensions`, and these tests run.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import openstack
import pytest

from batch_register.simulator import SeedImage, Simulator, SimulatorOptions

pytestmark = [
    pytest.mark.peer,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings(
        "ignore::openstack.warnings.OpenStackDeprecationWarning"
    ),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

otc: Any = pytest.importorskip("otcextensions.sdk", reason="pip install otcextensions")

IMAGE = "4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11"
SOURCE = "migration:web-02.qcow2"


def _use(entry: dict[str, object], url: str) -> tuple[list[Any], Any]:
    with openstack.connect(
        load_envvars=False, load_yaml_config=False, **entry
    ) as connection:
        otc.register_otc_extensions(connection)
        images = list(connection.imsv2.images(limit=5))
        made = connection.session.post(
            f"{url}/v2/images",
            json={
                "name": "web-02",
                "__os_version": "Ubuntu 22.04 server 64bit",
                "min_disk": 40,
            },
        )
        started = connection.session.put(
            f"{url}/v1/cloudimages/{made.json()['id']}/upload",
            json={"image_url": SOURCE},
        )
        return images, connection.imsv1.get_async_job(started.json()["job_id"])


async def test_lists_images_and_reads_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    options = SimulatorOptions(objects_exist_by_default=True)
    async with Simulator(options) as simulator:
        simulator.seed_image(SeedImage(id=IMAGE, name="web-01", size_bytes=5 << 30))
        # It wants the versions in the addresses, and finds no service by our catalogue.
        entry = simulator.clouds_entry() | {
            "imsv1_endpoint_override": f"{simulator.url}/v1",
            "imsv2_endpoint_override": f"{simulator.url}/v2",
        }
        images, job = await asyncio.to_thread(_use, entry, simulator.url)
        assert [(i.id, i.name, i.status) for i in images] == [
            (IMAGE, "web-01", "active")
        ]
        assert (job.status, job.job_type) == ("INIT", "imsNativeImportImageJob")
        assert simulator.audit.by_route["cloudimage.list"] == 1
        assert simulator.audit.by_route["job.show"] == 1
