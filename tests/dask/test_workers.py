"""Files near the workers of a real cluster: who reads them, and what shows of it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import distributed
import pytest

from batch_register.errors import ServiceError, SettingsError
from batch_register.model import Action, FilePlace
from batch_register.transport.tls import Tls
from batch_register.workers.crew import Patience
from batch_register.workers.dask_cluster import connected
from batch_register.workers.farm import FarmFiles
from tests.dask.cluster import Farm, farm
from tests.object_store.opened import opened
from tests.object_store.server import Store

pytestmark = pytest.mark.integration

SOON = Patience(worker_s=2.0, look_s=0.2)


class Told:
    """What was told of the cluster."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, dict[str, object]]] = []

    def __call__(self, name: str, **facts: object) -> None:
        self.facts.append((name, facts))


@asynccontextmanager
async def opened_farm(
    address: str, told: Told | None = None
) -> AsyncIterator[FarmFiles]:
    async with (
        connected(address) as cluster,
        FarmFiles(
            cluster, tls=Tls(), trust_env=False, notice=told or Told(), patience=SOON
        ) as files,
    ):
        yield files


async def test_pins_are_kept_and_a_file_may_be_seen_by_one_worker_alone(
    cluster: Farm, tmp_path: Path
) -> None:
    # The path is relative: each worker has a working folder of its own.
    (tmp_path / "nas-02" / "only.raw").write_bytes(b"only here")
    (tmp_path / "nas-03" / "san.raw").write_bytes(b"on the SAN")
    md5 = hashlib.md5(b"only here", usedforsecurity=False).hexdigest()
    async with opened_farm(cluster.address) as files:
        for _ in range(5):
            only = FilePlace(path="only.raw", host="nas-02")
            assert await files.digest(only, 0, 9) == md5
            elsewhere = FilePlace(path="only.raw", host="nas-01")
            assert await files.stamp(elsewhere) is None
            san = FilePlace(path="san.raw", resource="san-a")
            assert await files.read(san, 0, 100) == b"on the SAN"
        with pytest.raises(ServiceError) as caught:
            await files.stamp(FilePlace(path="only.raw", host="nas-04"))
    fault = caught.value.fault
    assert fault.action is Action.FIX_MANIFEST
    assert fault.reason == (
        "the cluster has no worker called nas-04; workers: nas-01, nas-02, nas-03"
    )


async def test_a_signed_address_shows_nowhere_but_in_its_task(
    cluster: Farm, object_store: Store, tmp_path: Path
) -> None:
    bucket, content = await object_store.bucket(), bytes(range(256)) * 100
    path = tmp_path / "a.raw"
    path.write_bytes(content)
    place, refused = (
        FilePlace(path=str(path)),
        "http://127.0.0.1:1/b/a?X-Amz-Signature=",
    )
    async with opened(object_store) as store, opened_farm(cluster.address) as files:
        upload = await store.begin_upload(bucket, "a.raw")
        address = await store.part_address(bucket, "a.raw", upload, 1)
        secret = re.search(r"Signature=([^&]+)", address)
        assert secret is not None
        assert await files.send(place, 0, len(content), address)
        failures = []
        for bad in (refused + secret[1], address.replace("uploadId=", "uploadId=x")):
            with pytest.raises(ServiceError) as caught:
                await files.send(place, 0, len(content), bad)
            failures.append(str(caught.value))
        shown = await _shown_by(cluster)
    logs = [cluster.log(name) for name in ("scheduler", "nas-01", "nas-02", "nas-03")]
    assert "send a part" in shown + "".join(logs)  # the looks did find the tasks
    for text in (*failures, shown, *logs):
        assert secret[1] not in text
        assert object_store.keys.secret_key not in text


async def _shown_by(cluster: Farm) -> str:
    """Return what the scheduler's pages and its log of tasks show."""
    texts = []
    async with distributed.Client(
        cluster.address, asynchronous=True, set_as_default=False
    ) as client:
        texts.append(str(await client.get_task_stream()))
        texts.append(str(await client.scheduler.events()))
        texts.append(str(await client.scheduler.get_logs()))
    pages = ("info/main/workers.html", "info/main/logs.html", "json/index.html")
    texts += [await asyncio.to_thread(_page, f"{cluster.pages}/{one}") for one in pages]
    return "\n".join(texts)


def _page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - own server
        return str(answer.read().decode())


async def test_a_worker_of_another_version_is_told_and_lives_on(
    tmp_path: Path,
) -> None:
    stub = tmp_path / "old" / "batch_register"
    stub.mkdir(parents=True)
    (stub / "__init__.py").write_text('__version__ = "0.0.1"\n')
    old, told = {"PYTHONPATH": str(stub.parent)}, Told()
    (tmp_path / "a.raw").write_bytes(b"a")
    with farm(tmp_path / "dask") as ours:
        ours.start_scheduler()
        ours.start_worker("old-01", environment=old)
        with pytest.raises(
            SettingsError, match=r"old-01 has another version"
        ) as caught:
            async with opened_farm(ours.address):
                pass
        ours.start_worker("new-01")
        async with opened_farm(ours.address, told) as files:
            for _ in range(4):
                assert await files.stamp(FilePlace(path=str(tmp_path / "a.raw")))
        assert ours.processes["old-01"].poll() is None
    assert "batch-register[dask]" in caught.value.hint
    ((name, facts),) = told.facts
    assert (name, facts["worker"]) == ("dask.worker_unfit", "old-01")


async def test_no_scheduler_is_a_fault_in_seconds() -> None:
    with pytest.raises(ServiceError, match=r"tcp://127.0.0.1:1 cannot be reached"):
        async with connected("tcp://127.0.0.1:1"):
            pass


async def test_a_scheduler_that_dies_passes_and_a_new_one_is_found(
    tmp_path: Path,
) -> None:
    place = FilePlace(path=str(tmp_path / "a.raw"))
    (tmp_path / "a.raw").write_bytes(b"a")
    with farm(tmp_path / "dask") as ours:
        ours.start_scheduler()
        ours.start_worker("nas-01")
        address, port = ours.address, ours.address.rpartition(":")[2]
        async with opened_farm(address) as files:
            assert await files.stamp(place)
            ours.close()
            with pytest.raises(ServiceError) as caught:
                await files.stamp(place)
            assert caught.value.fault.is_passing
            ours.start_scheduler("--port", port)
            ours.start_worker("nas-01")
            for _ in range(20):
                try:
                    assert await files.stamp(place)
                    break
                except ServiceError as error:
                    assert error.fault.is_passing  # noqa: PT017 - which one is known
            else:
                pytest.fail("the new scheduler was not found")
