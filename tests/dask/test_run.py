"""The whole command with files near three workers: one dies, or the run is stopped."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from batch_register.upload.parts import PART_BYTES
from tests.dask.cluster import THREADS, Farm
from tests.integration.conftest import Cloud, Shell, cloud, serve_cloud
from tests.object_store.server import Store
from tests.upload.relay import Relay, relayed

__all__ = ["cloud", "serve_cloud"]  # fixtures

pytestmark = pytest.mark.integration

MIB = 2**20
COUNT = 30
HEADS_BYTES = 2 * MIB  # of all requests
_HEAD = """\
version: 1
name: farm
defaults:
  bucket: {bucket}
  os_version: Ubuntu 22.04 server 64bit
  min_disk: 40
images:
"""


@dataclass
class StoreShell(Shell):
    """A shell whose commands have a login of one kind, and keys for the store beside."""

    store: Store | None = None

    def environment(self) -> dict[str, str]:
        assert self.store is not None
        keys = self.store.keys
        return super().environment() | {
            "OBS_ACCESS_KEY_ID": keys.access_key,
            "OBS_SECRET_ACCESS_KEY": keys.secret_key,
        }


@pytest.fixture
def relay(object_store: Store) -> Iterator[tuple[str, Relay]]:
    """Return what counts the bytes on their way to the store, and its address."""
    with relayed(object_store.endpoint) as counting:
        yield counting


@pytest.fixture
def shell(
    tmp_path: Path, cloud: Cloud, object_store: Store, relay: tuple[str, Relay]
) -> Shell:
    """Return a shell whose cloud is simulated, but for its object store."""
    text = cloud.clouds_yaml.read_text()
    text = text.replace(f"{cloud.url}/obs", relay[0])
    text = re.sub("region_name: .*", f"region_name: {object_store.region}", text)
    cloud.clouds_yaml.write_text(text)
    return StoreShell(tmp_path, cloud.clouds_yaml, store=object_store)


@dataclass
class Wave:
    """Files on a disk that all workers see, and their manifest."""

    shell: Shell
    bucket: str
    files: dict[str, Path]

    @property
    def manifest(self) -> Path:
        return self.shell.folder / "farm.yaml"

    @property
    def ledger(self) -> str:
        found = [*self.shell.folder.glob("*.ledger.jsonl")]
        return found[0].read_text(encoding="utf-8") if found else ""

    def begin(self, cluster: Farm, *flags: str) -> subprocess.Popen[str]:
        return self.shell.begin(self.manifest, "--dask", cluster.address, *flags)

    def await_uploads(self, count: int, process: subprocess.Popen[str]) -> None:
        """Wait until so many files are up, and the run is still busy."""
        ends_s = time.monotonic() + 120
        while self.ledger.count('"source.uploaded"') < count:
            assert process.poll() is None, self.shell.end(process).err
            assert time.monotonic() < ends_s
            time.sleep(0.02)

    async def check_objects(self, store: Store) -> None:
        """See that every object is its file."""
        for name, path in self.files.items():
            content = await store.content(self.bucket, f"{name}.raw")
            assert _md5(content) == _md5(await asyncio.to_thread(path.read_bytes))


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


async def _wave(shell: Shell, store: Store, count: int) -> Wave:
    bucket, rng = await store.bucket("farm"), random.Random(7)
    files = {f"web-{number}": shell.folder / f"{number}.raw" for number in range(count)}
    lines = []
    for name, path in files.items():
        path.write_bytes(rng.randbytes(rng.randint(4 * MIB, 24 * MIB)))
        lines.append(f"  - {{name: {name}, object: {name}.raw, source: {path}}}\n")
    wave = Wave(shell, bucket, files)
    wave.manifest.write_text(_HEAD.format(bucket=bucket) + "".join(lines))
    return wave


async def test_a_worker_killed_half_way_costs_nothing_but_its_parts(
    cluster: Farm,
    object_store: Store,
    shell: Shell,
    cloud: Cloud,
    relay: tuple[str, Relay],
) -> None:
    wave = await _wave(shell, object_store, COUNT)
    running = wave.begin(cluster)
    wave.await_uploads(COUNT // 3, running)
    cluster.kill("nas-02")
    ran = shell.end(running)

    assert ran.code == 0, ran.err
    assert ran.document["summary"]["active"] == COUNT
    audit = cloud.audit()
    assert (audit["images_existing"], audit["images_created"]) == (COUNT, COUNT)
    assert wave.ledger.count('"source.uploaded"') == COUNT
    assert "distributed" not in ran.err  # its own lines are none of ours
    total = sum(path.stat().st_size for path in wave.files.values())
    again = relay[1].settled_bytes() - total
    assert 0 < again <= THREADS * PART_BYTES + HEADS_BYTES
    await wave.check_objects(object_store)


async def test_a_stopped_run_ends_soon_and_goes_on_later(
    cluster: Farm, object_store: Store, shell: Shell, cloud: Cloud
) -> None:
    wave = await _wave(shell, object_store, 6)
    running = wave.begin(cluster, "--max-upload-rate", "8M")
    wave.await_uploads(1, running)
    running.send_signal(signal.SIGTERM)
    begun_s = time.monotonic()
    stopped = shell.end(running)
    took_s = time.monotonic() - begun_s

    assert took_s < 30
    assert stopped.code == 143, stopped.err
    again = shell.end(wave.begin(cluster))
    assert again.code == 0, again.err
    assert cloud.audit()["images_existing"] == 6
    await wave.check_objects(object_store)


async def test_a_cluster_that_dies_leaves_a_run_to_go_on_with(
    cluster: Farm, object_store: Store, shell: Shell, cloud: Cloud
) -> None:
    wave = await _wave(shell, object_store, 6)
    running = wave.begin(cluster, "--max-upload-rate", "8M")
    wave.await_uploads(1, running)
    cluster.close()
    ended = shell.end(running, timeout_s=250)

    assert ended.code == 4, ended.err
    # One line, one object of ours: whatever Dask has to say of its end, it does not.
    assert all(line.startswith("{") for line in ended.err.splitlines()), ended.err
    assert "distributed" not in ended.err
    assert "never retrieved" not in ended.err
    again = shell.run(wave.manifest)  # from here, without a cluster
    assert again.code == 0, again.err
    assert cloud.audit()["images_existing"] == 6
    await wave.check_objects(object_store)
