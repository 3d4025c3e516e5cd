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
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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


def seconds(command: Sequence[str], store: Store) -> float:
    """Return how long a command took, in seconds, once it has done its work."""
    keys = {
        "AWS_ACCESS_KEY_ID": store.keys.access_key,
        "AWS_SECRET_ACCESS_KEY": store.keys.secret_key,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    began_s = time.monotonic()
    subprocess.run(command, check=True, env=os.environ | keys, capture_output=True)
    return time.monotonic() - began_s


async def _emptied(store: Store, bucket: str, size_bytes: int) -> None:
    """Delete what arrived: memory is what the server keeps it in."""
    async with store.raw() as s3:
        head = await s3.head_object(Bucket=bucket, Key=_KEY)
        assert head["ContentLength"] == size_bytes
        await s3.delete_object(Bucket=bucket, Key=_KEY)


def measured(
    store: Store, folder: Path, aws: Path, *, size_bytes: int, rounds: int
) -> dict[str, list[float]]:
    """Return the times of both in seconds, by name, round by round."""
    file = folder / "web-01.raw"
    with file.open("wb") as disk:
        for offset in range(0, size_bytes, _MIB):
            disk.write(random.Random(offset).randbytes(min(_MIB, size_bytes - offset)))
    bucket = asyncio.run(store.bucket("bench"))
    times: dict[str, list[float]] = {"ours": [], "awscli": []}
    for number in range(rounds):
        commands = {
            "ours": ours(store, file, bucket, folder / f"ledger-{number}"),
            "awscli": theirs(store, file, bucket, aws),
        }
        order = sorted(commands, reverse=number % 2 == 0)
        for name in order:
            times[name].append(seconds(commands[name], store))
            asyncio.run(_emptied(store, bucket, size_bytes))
    return times


def figures(times: dict[str, list[float]], size_bytes: int) -> dict[str, object]:
    """Return throughputs in MB/s and their ratio, ours to awscli's."""
    best = {name: min(taken) for name, taken in times.items()}
    middle = {name: statistics.median(taken) for name, taken in times.items()}
    return {
        "size_bytes": size_bytes,
        "seconds": {n: [round(one, 2) for one in taken] for n, taken in times.items()},
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
        times = measured(
            store,
            Path(name),
            env / "bin" / "aws",
            size_bytes=words.size,
            rounds=words.rounds,
        )
    print(json.dumps(figures(times, words.size), indent=2))


if __name__ == "__main__":
    main()
