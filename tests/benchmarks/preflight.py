"""A pre-flight of many objects beside the bare requests that it cannot do without.

    python -m tests.benchmarks.preflight [--objects 1000] [--parallel 32] [--rounds 5]

A real S3 server in another process (moto) holds the objects, half of them qcow2, half of
them raw. Each round looks at all of them, and sends the very same requests once more by
the same client and as many at once, without reading, judging or counting anything; which
of the two goes first alternates. Prints the best and the median of both, their ratio, and
the processor time of this process for each object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from batch_register.ims.profile import OTC
from batch_register.inspection import inspect
from batch_register.model import ImageSpec
from batch_register.ports import ObjectStore
from batch_register.preflight import Summary, Survey, survey_lines
from batch_register.source import BucketView, ObjectView
from tests.fakes import spec
from tests.object_store.opened import opened
from tests.object_store.server import Store, served
from tests.preflight.fakes import FakeFiles
from tests.preflight.files import qcow2

MOST_RATIO = 1.2
_RAW_BYTES = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Wall time and this process's processor time, in seconds."""

    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class Recorder:
    """A store that notes which ranges of which object are read."""

    store: ObjectStore
    ranges: dict[str, list[tuple[int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def head_bucket(self, bucket: str) -> BucketView | None:
        return await self.store.head_bucket(bucket)

    async def head_object(self, bucket: str, key: str) -> ObjectView | None:
        return await self.store.head_object(bucket, key)

    async def read(self, bucket: str, key: str, offset: int, length: int) -> bytes:
        self.ranges[key].append((offset, length))
        return await self.store.read(bucket, key, offset, length)


async def timed(act: Callable[[], Awaitable[object]]) -> Took:
    began_s, cpu_s = time.perf_counter(), time.process_time()
    await act()
    return Took(wall_s=time.perf_counter() - began_s, cpu_s=time.process_time() - cpu_s)


async def filled(store: Store, objects: int) -> list[ImageSpec]:
    """Put the objects into a bucket, and return an entry for each."""
    bucket = await store.bucket("many")
    bodies = (qcow2(20 * 2**30), bytes(_RAW_BYTES))
    content = {f"disk-{n:05}": bodies[n % 2] for n in range(objects)}
    await store.put(bucket, content)
    return [spec(key, image_url=f"{bucket}:{key}") for key in content]


async def bare(
    store: ObjectStore, specs: Sequence[ImageSpec], recorder: Recorder, parallel: int
) -> None:
    """Send what a survey sends, and do nothing with the answers."""
    bucket = specs[0].image_url.partition(":")[0]
    keys = iter([spec.image_url.partition(":")[2] for spec in specs])

    async def work() -> None:
        for key in keys:
            await store.head_object(bucket, key)
            for offset, length in recorder.ranges[key]:
                await store.read(bucket, key, offset, length)

    await store.head_bucket(bucket)
    async with asyncio.TaskGroup() as group:
        for _ in range(parallel):
            group.create_task(work())


async def compared(
    store: Store, objects: int, parallel: int, rounds: int
) -> dict[str, object]:
    specs = await filled(store, objects)
    async with opened(store, connections=parallel) as ours:
        survey = Survey(
            ours,
            FakeFiles(),
            inspect,
            profile=OTC,
            region=store.region,
            parallel=parallel,
        )
        recorder = Recorder(ours)
        first = Survey(
            recorder,
            FakeFiles(),
            inspect,
            profile=OTC,
            region=store.region,
            parallel=parallel,
        )
        summary = (await first.look(specs)).summary  # warms up both sides as well
        assert summary.fit == objects
        sides: dict[str, Callable[[], Awaitable[object]]] = {
            "survey": lambda: survey.look(specs),
            "bare": lambda: bare(ours, specs, recorder, parallel),
        }
        took: dict[str, list[Took]] = defaultdict(list)
        for number in range(rounds):
            names = list(sides) if number % 2 else list(reversed(sides))
            for name in names:
                took[name].append(await timed(sides[name]))
    return _document(summary, took, objects, parallel)


def _document(
    summary: Summary, took: dict[str, list[Took]], objects: int, parallel: int
) -> dict[str, object]:
    ratio = min(t.wall_s for t in took["survey"]) / min(t.wall_s for t in took["bare"])
    return {
        "objects": objects,
        "parallel": parallel,
        "requests": summary.requests,
        "first line": survey_lines(summary)[0],
        "best_s": {
            name: round(min(t.wall_s for t in all_), 2) for name, all_ in took.items()
        },
        "median_s": {
            name: round(statistics.median(t.wall_s for t in all_), 2)
            for name, all_ in took.items()
        },
        "cpu_ms_per_object": {
            name: round(1000 * min(t.cpu_s for t in all_) / objects, 2)
            for name, all_ in took.items()
        },
        "ratio of best": round(ratio, 3),
        "target": f"at most {MOST_RATIO}",
        "met": ratio <= MOST_RATIO,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args(arguments)
    with served() as store:
        found = asyncio.run(compared(store, told.objects, told.parallel, told.rounds))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
