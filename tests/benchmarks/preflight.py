"""A pre-flight of many objects beside the bare requests that it cannot do without.

    python -m tests.benchmarks.preflight [--objects 1000] [--parallel 32] [--rounds 3]

A real S3 server in another process (moto) holds the objects, half of them qcow2, half of
them raw. After one survey of all, rounds compare: a hundred objects are looked at, and the
very same requests are sent once more by the same client and as many at once, without
inspecting, judging or counting anything; which of the two goes first alternates. So what
else the machine does meets both alike. Prints wall and processor time of this process for
each object, and their ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
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
_SLICE = 100  # objects


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
        recorder = Recorder(ours)
        # Once for the figures of a whole manifest; it warms both sides up as well.
        summary = (await survey(recorder, store.region, parallel).look(specs)).summary
        assert summary.fit == objects
        surveying = survey(ours, store.region, parallel)
        took: dict[str, list[Took]] = {"survey": [], "bare": []}
        begins = [*range(0, objects, _SLICE)] * rounds
        for number, first in enumerate(begins):
            some = specs[first : first + _SLICE]
            sides: dict[str, Callable[[], Awaitable[object]]] = {
                "survey": partial(surveying.look, some),
                "bare": partial(bare, ours, some, recorder, parallel),
            }
            for name in sorted(sides, reverse=bool(number % 2)):
                took[name].append(await timed(sides[name]))
    return _document(summary, took, parallel, rounds)


def survey(store: ObjectStore, region: str, parallel: int) -> Survey:
    return Survey(
        store, FakeFiles(), inspect, profile=OTC, region=region, parallel=parallel
    )


def _document(
    summary: Summary, took: dict[str, list[Took]], parallel: int, rounds: int
) -> dict[str, object]:
    wall_s = {name: sum(each.wall_s for each in all_) for name, all_ in took.items()}
    cpu_s = {name: sum(each.cpu_s for each in all_) for name, all_ in took.items()}
    looks = summary.sources * rounds
    ratio = wall_s["survey"] / wall_s["bare"]
    return {
        "objects": summary.sources,
        "parallel": parallel,
        "requests": summary.requests,
        "all at once": survey_lines(summary)[0],
        "wall_ms_per_object": {
            name: round(1000 * all_s / looks, 2) for name, all_s in wall_s.items()
        },
        "cpu_ms_per_object": {
            name: round(1000 * all_s / looks, 2) for name, all_s in cpu_s.items()
        },
        "wall ratio": round(ratio, 3),
        "cpu ratio": round(cpu_s["survey"] / cpu_s["bare"], 3),
        "target": f"wall ratio at most {MOST_RATIO}",
        "met": ratio <= MOST_RATIO,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args(arguments)
    with served() as store:
        found = asyncio.run(compared(store, told.objects, told.parallel, told.rounds))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
