"""An upload beside `aws s3 cp` on the same server: how fast bytes go out.

    python -m tests.benchmarks.upload [--size 2147483648] [--rounds 3] [--endpoint URL]

Against moto's server in another process, or the S3 server at `--endpoint` with the keys
of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Whole processes are timed, in turns and in
alternating order; awscli runs with its own defaults. Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.environments import environment
from tests.object_store.server import Store
from tests.upload.kills import server_at

AWSCLI = "awscli==1.46.3"
TARGET = 0.9
_MIB = 2**20
_KEY = "disks/web-01.raw"


def ours(store: Store, file: Path, bucket: str, ledger: Path) -> list[str]:
    return [
        sys.executable, "-m", "tests.upload.carry", str(file), f"{bucket}:{_KEY}",
        "--endpoint", store.endpoint, "--ledger", str(ledger),
    ]  # fmt: skip


def theirs(store: Store, file: Path, bucket: str, aws: Path) -> list[str]:
    return [
        str(aws), "--endpoint-url", store.endpoint, "--region", store.region,
        "s3", "cp", "--only-show-errors", str(file), f"s3://{bucket}/{_KEY}",
    ]  # fmt: skip


@dataclass(slots=True)
class Taken:
    """What the runs of one program took, in seconds, round by round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def run(command: Sequence[str], store: Store, taken: Taken) -> None:
    """Run a command to its end, and note what it took."""
    keys = {
        "AWS_ACCESS_KEY_ID": store.keys.access_key,
        "AWS_SECRET_ACCESS_KEY": store.keys.secret_key,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    began_s, began_cpu_s = time.monotonic(), _cpu_s()
    subprocess.run(command, check=True, env=os.environ | keys, capture_output=True)
    taken.wall.append(time.monotonic() - began_s)
    taken.cpu.append(_cpu_s() - began_cpu_s)


def _cpu_s() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


async def _emptied(store: Store, bucket: str, size_bytes: int) -> None:
    """Delete what arrived: memory is what the server keeps it in."""
    async with store.raw() as s3:
        head = await s3.head_object(Bucket=bucket, Key=_KEY)
        assert head["ContentLength"] == size_bytes
        await s3.delete_object(Bucket=bucket, Key=_KEY)


def measured(
    store: Store, folder: Path, aws: Path, *, size_bytes: int, rounds: int
) -> dict[str, Taken]:
    """Return what both took, by name."""
    file = folder / "web-01.raw"
    with file.open("wb") as disk:
        for offset in range(0, size_bytes, _MIB):
            disk.write(random.Random(offset).randbytes(min(_MIB, size_bytes - offset)))
    bucket = asyncio.run(store.bucket("bench"))
    taken = {"ours": Taken(), "awscli": Taken()}
    for number in range(rounds):
        commands = {
            "ours": ours(store, file, bucket, folder / f"ledger-{number}"),
            "awscli": theirs(store, file, bucket, aws),
        }
        order = sorted(commands, reverse=number % 2 == 0)
        for name in order:
            run(commands[name], store, taken[name])
            asyncio.run(_emptied(store, bucket, size_bytes))
    return taken


def figures(taken: Mapping[str, Taken], size_bytes: int) -> dict[str, object]:
    """Return throughputs in MB/s and their ratio, ours to awscli's."""
    best = {name: min(one.wall) for name, one in taken.items()}
    middle = {name: statistics.median(one.wall) for name, one in taken.items()}
    return {
        "size_bytes": size_bytes,
        "wall_s": {n: [round(s, 2) for s in one.wall] for n, one in taken.items()},
        "cpu_s": {n: [round(s, 2) for s in one.cpu] for n, one in taken.items()},
        "best_mb_per_s": {n: round(size_bytes / s / 1e6, 1) for n, s in best.items()},
        "median_mb_per_s": {
            n: round(size_bytes / s / 1e6, 1) for n, s in middle.items()
        },
        "ratio_of_best": round(best["awscli"] / best["ours"], 2),
        "ratio_of_medians": round(middle["awscli"] / middle["ours"], 2),
        "target": TARGET,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2 * 2**30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--endpoint")
    words = parser.parse_args(arguments)
    with (
        environment("awscli", AWSCLI) as env,
        server_at(words.endpoint) as store,
        tempfile.TemporaryDirectory() as name,
    ):
        taken = measured(
            store,
            Path(name),
            env / "bin" / "aws",
            size_bytes=words.size,
            rounds=words.rounds,
        )
    print(json.dumps(figures(taken, words.size), indent=2))


if __name__ == "__main__":
    main()
