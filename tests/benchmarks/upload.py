"""An upload beside `aws s3 cp` on the same server: how fast bytes go out.

    python -m tests.benchmarks.upload [--size 2147483648] [--rounds 3]
                                      [--server ceph|moto]

Whole processes are timed, in turns and in alternating order, after one of each that is
not counted: it makes the server's pools and Python's bytecode. Ours is `tests.upload.carry`:
an uploader and a ledger of its own, without login and pre-flight. awscli runs as it is, and
once more with nothing to check (`awscli_bare`): parts as large as ours, neither hashed nor
signed. Ours hashes each part once more than that. Prints JSON.
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
from tests.object_store.choice import SERVERS, server
from tests.object_store.server import Store

AWSCLI = "awscli==1.46.3"
TARGET = 0.9
_MIB = 2**20
_BARE = """[default]
request_checksum_calculation = when_required
s3 =
    payload_signing_enabled = false
    multipart_chunksize = 16MB
"""
_KEPT_FILES = 6  # that Ceph has room for: it takes seconds to forget one
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


def run(command: Sequence[str], environment: Mapping[str, str], taken: Taken) -> None:
    """Run a command to its end, and note what it took."""
    began_s, began_cpu_s = time.monotonic(), _cpu_s()
    subprocess.run(command, check=True, env=environment, capture_output=True)
    taken.wall.append(time.monotonic() - began_s)
    taken.cpu.append(_cpu_s() - began_cpu_s)


def environments(store: Store, bytecode: Path) -> dict[str, dict[str, str]]:
    """Return what each program finds in its environment, by the program's name."""
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("AWS_")}
    settings = bytecode.with_name("bare.config")
    settings.write_text(_BARE, encoding="utf-8")
    common = {
        **inherited,
        "AWS_ACCESS_KEY_ID": store.keys.access_key,
        "AWS_SECRET_ACCESS_KEY": store.keys.secret_key,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # What is installed has its bytecode beside it; a source tree may have none.
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    bare = {**common, "AWS_CONFIG_FILE": str(settings)}
    return {"ours": common, "awscli": common, "awscli_bare": bare}


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
    """Return what each took, by name; the first round warms up."""
    file = folder / "web-01.raw"
    with file.open("wb") as disk:
        for offset in range(0, size_bytes, _MIB):
            disk.write(random.Random(offset).randbytes(min(_MIB, size_bytes - offset)))
    bucket = asyncio.run(store.bucket("bench"))
    environment_of = environments(store, folder / "bytecode")
    taken = {name: Taken() for name in environment_of}
    for number in range(rounds + 1):
        for name in sorted(environment_of, reverse=number % 2 == 0):
            if name == "ours":
                command = ours(store, file, bucket, folder / f"ledger-{number}")
            else:
                command = theirs(store, file, bucket, aws)
            into = taken[name] if number else Taken()
            run(command, environment_of[name], into)
            asyncio.run(_emptied(store, bucket, size_bytes))
    return taken


def figures(taken: Mapping[str, Taken], size_bytes: int) -> dict[str, object]:
    """Return throughputs in MB/s and their ratios, ours to awscli's."""
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
        "ratio_of_best": _ratios(best),
        "ratio_of_medians": _ratios(middle),
        "target": TARGET,
    }


def _ratios(taken_s: Mapping[str, float]) -> dict[str, float]:
    ours_s = taken_s["ours"]
    return {n: round(s / ours_s, 2) for n, s in taken_s.items() if n != "ours"}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2 * 2**30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server", choices=SERVERS, default="ceph")
    words = parser.parse_args(arguments)
    with (
        environment("awscli", AWSCLI) as env,
        tempfile.TemporaryDirectory() as name,
        server(words.server, Path(name), _KEPT_FILES * words.size) as store,
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
