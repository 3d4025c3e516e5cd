"""How fast a ledger takes lines, and how fast it is read again.

    python -m tests.benchmarks.ledger [--writers 512] [--seconds 4] [--images 83000]

Prints durable records per second of so many writers at once beside one fsync per record
on the same disk, in turns within one run; and the processor time of a replay beside a
plain loop of `json.loads` over the same lines, the collector on, as it is in a run. The
image lines of the ledger that is replayed carry one stamp per forty of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from batch_register.event import CreateIntended
from batch_register.ledger import LedgerFile, read_ledger
from batch_register.ledger.codec import to_fields
from batch_register.ledger.line import Line, encode
from batch_register.model import EntryKey, SpecDigest, Target
from tests.benchmarks.material import LINES_PER_IMAGE, write_ledger, write_manifest

LEAST_WRITES_RATIO, MOST_REPLAY_RATIO = 50.0, 0.5
_TARGET = Target(endpoint="http://127.0.0.1", project_id="p", region="r")
_EVENT = CreateIntended(spec=SpecDigest("s" * 26), name="srv-000001")
_TURNS = 3


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--images", type=int, default=83_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # a real disk
        found = {
            "writing": writing(Path(folder), options.writers, options.seconds),
            "replaying": replaying(Path(folder), options.images),
        }
    print(json.dumps(found, indent=2))


def writing(folder: Path, writers: int, seconds: float) -> dict[str, object]:
    """Return both rates, each the median of some turns."""
    turn_s = seconds / 2 / _TURNS
    grouped, single = [], []
    for turn in range(_TURNS):
        path = folder / f"grouped-{turn}.jsonl"
        grouped.append(asyncio.run(grouped_rate(path, writers, turn_s)))
        single.append(single_rate(folder / f"single-{turn}.jsonl", turn_s))
    rate, single_one = statistics.median(grouped), statistics.median(single)
    return {
        "writers": writers,
        "records_per_s": round(rate),
        "one_fsync_per_record_per_s": round(single_one),
        "ratio": round(rate / single_one, 1),
        "at_least": LEAST_WRITES_RATIO,
    }


async def grouped_rate(path: Path, writers: int, seconds: float) -> float:
    """Return how many records per second the ledger makes durable."""
    done = 0

    async def write(ledger: LedgerFile, key: EntryKey) -> None:
        nonlocal done
        while True:
            await ledger.append(key, _EVENT)
            done += 1

    opened = LedgerFile.open(
        path, manifest_name="w", target=_TARGET, run_id="run-1", clock=_Clock()
    )
    async with opened as ledger:
        began_s = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for number in range(writers):
                    group.create_task(write(ledger, EntryKey(f"srv-{number:06}")))
        return done / (time.monotonic() - began_s)


def single_rate(path: Path, seconds: float) -> float:
    """Return how many of the same records per second a loop with fsync makes durable."""
    name, fields = to_fields(_EVENT)
    done = 0
    with path.open("wb", buffering=0) as file:
        began_s = time.monotonic()
        while (took_s := time.monotonic() - began_s) < seconds:
            done += 1
            line = Line(
                seq=done,
                run_id="run-1",
                at="2026-11-24T01:02:03.456Z",
                event=name,
                key="srv-000001",
                fields=fields,
            )
            file.write(encode(line))
            os.fsync(file.fileno())
    return done / took_s


def replaying(folder: Path, images: int) -> dict[str, object]:
    """Return the time of a replay beside that of `json.loads`, each the best of three."""
    path = folder / "replayed.jsonl"
    manifest = write_manifest(folder / "manifest.yaml", images)
    count = write_ledger(path, manifest, _TARGET)
    assert count >= images * LINES_PER_IMAGE
    replay_s, json_s = [], []
    for _ in range(_TURNS):
        began_s = time.process_time()
        with path.open("rb") as file:
            for raw in file:
                json.loads(raw)
        json_s.append(time.process_time() - began_s)
        began_s = time.process_time()
        replay = read_ledger(path)
        replay_s.append(time.process_time() - began_s)
        assert len(replay.records) == images
        del replay
    return {
        "lines": count,
        "replay_us_per_line": round(min(replay_s) / count * 1e6, 2),
        "json_loads_us_per_line": round(min(json_s) / count * 1e6, 2),
        "ratio": round(min(replay_s) / min(json_s), 2),
        "at_most": MOST_REPLAY_RATIO,
    }


if __name__ == "__main__":
    main()
