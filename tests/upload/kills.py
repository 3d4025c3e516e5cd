"""SIGKILL in the middle of an upload, again and again: what is sent twice, what arrives.

    python -m tests.upload.kills [--size 2147483648] [--kills 5] [--seed N]
                                 [--server moto|ceph]

Against an S3 server in another process. A relay between counts what goes towards the
store, heads of requests included, and says when to kill.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from batch_register.upload.parts import PART_BYTES
from tests.object_store.choice import SERVERS, server
from tests.object_store.server import Store
from tests.upload.relay import Relay, relayed

MIB = 2**20
_NAME = "disks/web-01.raw"
_END_S = 600.0
_ROOM = 4  # times the file; a part that is sent again takes its room again


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of it; sizes in bytes."""

    size: int
    part: int
    kills: int
    lost_by_kill: tuple[int, ...]  # arrived, and had to be sent again
    sent: int  # in all, heads of requests included

    @property
    def sent_twice(self) -> int:
        return self.sent - self.size

    def __str__(self) -> str:
        lost = ", ".join(f"{one / self.part:.2f}" for one in self.lost_by_kill)
        return (
            f"{self.size / MIB:.0f} MiB in parts of {self.part / MIB:.0f} MiB, "
            f"{self.kills} kills: {self.sent_twice / MIB:.2f} MiB sent twice, "
            f"{self.sent_twice / self.part / max(1, self.kills):.2f} parts per kill "
            f"(by kill: {lost}); object identical"
        )


class Carrier:
    """Runs the process that uploads, in one place."""

    def __init__(
        self, store: Store, bucket: str, folder: Path, part_bytes: int
    ) -> None:
        self.file = folder / "web-01.raw"
        self._environment = os.environ | {
            "AWS_ACCESS_KEY_ID": store.keys.access_key,
            "AWS_SECRET_ACCESS_KEY": store.keys.secret_key,
        }
        self._words = [
            sys.executable, "-m", "tests.upload.carry", str(self.file),
            f"{bucket}:{_NAME}", "--endpoint", store.endpoint,
            "--ledger", str(folder / "ledger.jsonl"), "--part-bytes", str(part_bytes),
        ]  # fmt: skip

    def begin(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._words,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def kill_and_judge(
    store: Store,
    folder: Path,
    *,
    size_bytes: int,
    kills: int,
    seed: int,
    part_bytes: int,
) -> Figures:
    """Kill so often, run to the end, fail where the object is not the file."""
    rng = random.Random(seed)
    with relayed(store.endpoint) as (endpoint, relay):
        bucket = asyncio.run(store.bucket("kills"))
        near = Store(endpoint=endpoint, keys=store.keys, region=store.region)
        carrier = Carrier(near, bucket, folder, part_bytes)
        expected = _make(carrier.file, size_bytes, rng)
        moments = sorted(rng.uniform(0.03, 0.95) * size_bytes for _ in range(kills))
        lost: list[int] = []
        for moment in [*moments, None]:
            lost.append(_run(carrier, relay, moment) - sum(lost))
        figures = Figures(
            size=size_bytes,
            part=part_bytes,
            kills=kills,
            lost_by_kill=tuple(lost[1:]),
            sent=relay.received_bytes,
        )
    found = asyncio.run(_digest(store, bucket))
    assert found == expected, "the object is not the file"
    return figures


def _run(carrier: Carrier, relay: Relay, moment: float | None) -> int:
    """Run until so much has arrived; return how much that arrived before was lost."""
    arrived_before = relay.settled_bytes()
    process = carrier.begin()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        stored_bytes = json.loads(line)["stored_bytes"]
        if moment is None:
            _, errors = process.communicate(timeout=_END_S)
            assert process.returncode == 0, errors
        while process.poll() is None and relay.received_bytes < (moment or 0):
            time.sleep(0.001)
        assert moment is None or process.returncode is None, "it ended before its kill"
        return arrived_before - int(stored_bytes)
    finally:
        process.kill()
        process.communicate()


def _make(path: Path, size_bytes: int, rng: random.Random) -> str:
    """Make a file that repeats itself nowhere; return its MD5."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        for offset in range(0, size_bytes, MIB):
            block = rng.randbytes(min(MIB, size_bytes - offset))
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


async def _digest(store: Store, bucket: str) -> str:
    """Return the MD5 of all of the object, fetched."""
    digest = hashlib.md5(usedforsecurity=False)
    async with store.raw() as s3:
        answer = await s3.get_object(Bucket=bucket, Key=_NAME)
        while block := await answer["Body"].read(MIB):
            digest.update(block)
    return digest.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2 * 2**30)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--part-bytes", type=int, default=PART_BYTES)
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().getrandbits(32)
    )
    parser.add_argument("--server", choices=SERVERS, default="moto")
    words = parser.parse_args()
    print(f"seed {words.seed}", flush=True)
    began_s = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as name,
        server(words.server, Path(name), _ROOM * words.size) as store,
    ):
        figures = kill_and_judge(
            store,
            Path(name),
            size_bytes=words.size,
            kills=words.kills,
            seed=words.seed,
            part_bytes=words.part_bytes,
        )
    print(f"{figures}; {time.monotonic() - began_s:.0f} s")


if __name__ == "__main__":
    main()
