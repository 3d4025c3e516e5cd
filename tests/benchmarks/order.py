"""How close a run comes to the shortest time that its jobs allow, on virtual time.

    python -m tests.benchmarks.order [--images 500] [--slots 40] [--seeds 20]

A whole run against a cloud in this process whose durations follow file size: median 60
poll intervals, sigma 0.6, and 30 % noise. Hours pass in a second, so the figures hold
nothing but the engine's own decisions and the calls' latency. Prints, with sizes known
and without: the makespan against the lower bound max(sum / slots, longest), and against
list scheduling in manifest order; requests per image besides the lists; lists per poll
interval; the mean detection latency in poll intervals.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import statistics
from dataclasses import dataclass, field

from batch_register.event import ImageActive
from batch_register.model import (
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    JobId,
    JobView,
    Pairs,
    Quota,
)
from tests.benchmarks.makespan import list_schedule_s
from tests.engine.rig import LoggedLedger, Rig, watch_limits
from tests.fakes import FakeCloud, Notebook, spec

POLL_S = 5.0
MEDIAN_POLLS = 60
SIGMA = 0.6
NOISE = 0.3
CALL_S = 0.1  # there and back, half before the service acts
BYTES_PER_S = 50_000_000


@dataclass
class PacedCloud(FakeCloud):
    """A cloud whose calls take a while, and whose jobs take what was drawn for each."""

    durations_s: dict[str, float] = field(default_factory=dict)
    ended_s: dict[ImageId, float] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        async with _Trip():
            return await super().create_image(spec, tags)

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        async with _Trip():
            job_id = await super().register_image(image_id, spec)
            image = self.images[image_id]
            image.ends_at_s = image.registered_at_s + self.durations_s[spec.name]
            self.ended_s[image_id] = image.ends_at_s
            return job_id

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        async with _Trip():
            return await super().list_images(query)

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        async with _Trip():
            return await super().get_image(image_id)

    async def get_job(self, job_id: JobId) -> JobView | None:
        async with _Trip():
            return await super().get_job(job_id)

    async def get_quota(self) -> Quota:
        async with _Trip():
            return await super().get_quota()


class _Trip:
    """One call's way there and back."""

    async def __aenter__(self) -> None:
        await asyncio.sleep(CALL_S / 2)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(CALL_S / 2)


@dataclass
class Detections(Notebook):
    """Notes how long after its job's end each image was seen to be active."""

    cloud: PacedCloud | None = None
    latencies_s: list[float] = field(default_factory=list)

    def entry_moved(self, record, event) -> None:
        if isinstance(event, ImageActive) and self.cloud is not None:
            now_s = asyncio.get_running_loop().time()
            self.latencies_s.append(now_s - self.cloud.ended_s[event.image_id])


class _Rig(Rig):
    def build(self):
        run = super().build()
        detections = Detections(cloud=self.cloud)  # type: ignore[arg-type]
        run._recorder._observer = detections
        self.detections = detections
        return run


def measure(images: int, slots: int, seed: int, *, are_sizes_known: bool):
    """Play one night and return its figures."""
    rng = random.Random(seed)
    median_s = MEDIAN_POLLS * POLL_S
    expected_s = [rng.lognormvariate(math.log(median_s), SIGMA) for _ in range(images)]
    took_s = [one * math.exp(rng.gauss(0, NOISE)) for one in expected_s]
    specs = [
        spec(f"e{n}", size_bytes=int(one * BYTES_PER_S) if are_sizes_known else None)
        for n, one in enumerate(expected_s)
    ]
    durations_s = {one.name: each for one, each in zip(specs, took_s, strict=True)}
    cloud = PacedCloud(durations_s=durations_s, quota=10 * images)
    watch = watch_limits(poll_interval_s=POLL_S, image_deadline_s=8 * 3600.0)
    rig = _Rig(
        cloud=cloud,  # type: ignore[arg-type]
        ledger=LoggedLedger(),
        specs=specs,
        concurrency=slots,
        watch=watch,
    )
    outcome = rig.run()
    makespan_s = rig.elapsed_s - 60.0
    lists = cloud.calls["list"]
    bound_s = max(sum(took_s) / slots, *took_s)
    return {
        "exit_code": outcome.exit_code,
        "makespan_to_bound": makespan_s / bound_s,
        "makespan_to_list_scheduling": makespan_s / list_schedule_s(took_s, slots),
        "requests_per_image": (cloud.calls.total() - lists) / images,
        "lists_per_poll": lists * POLL_S / makespan_s,
        "detection_polls": statistics.mean(rig.detections.latencies_s) / POLL_S,
        "calls": dict(cloud.calls),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--slots", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    for are_sizes_known in (True, False):
        nights = [
            measure(
                options.images, options.slots, seed, are_sizes_known=are_sizes_known
            )
            for seed in range(options.seeds)
        ]
        figures = {
            name: {
                "median": round(statistics.median(night[name] for night in nights), 4),
                "worst": round(max(night[name] for night in nights), 4),
            }
            for name in nights[0]
            if name != "calls"
        }
        title = "sizes known" if are_sizes_known else "sizes not known"
        print(title, json.dumps(figures, indent=2), nights[0]["calls"])


if __name__ == "__main__":
    main()
