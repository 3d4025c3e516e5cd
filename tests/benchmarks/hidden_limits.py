"""How a run fares under limits that the cloud does not publish.

    python -m tests.benchmarks.hidden_limits [--poll-interval 5] [--seed 1] [--real]

Whole runs against a cloud in this process, on virtual time: minutes cost milliseconds.
With --real the command against the simulator in another process, scaled, once each.
Prints, as ratios, the throttled share and the makespan against what each limit allows:
200 requests per 300 s for each API and over all; ten unfinished jobs, told only by
refusals (IMG.0060); and a gateway that turns everything away for five minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from batch_register.engine import Batch, Lookout, Run, RunLimits, RunOutcome, RunPorts
from batch_register.errors import ServiceError
from batch_register.model import (
    Action,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    JobId,
    JobView,
    Manifest,
    Pairs,
    Quota,
    RequestLimit,
)
from batch_register.pacing import Backoff, SettleTime, Window
from batch_register.plan import RetryPolicy
from batch_register.simulator.options import RateLimit
from batch_register.stopping import Stop
from batch_register.throttle import (
    CountedLists,
    Lessons,
    TaskPolicy,
    Throttle,
    ThrottlePolicy,
)
from batch_register.watcher import WatchLimits
from tests.fakes import FakeCloud, MemoryLedger, Notebook, spec
from tests.integration.conftest import Cloud, Shell
from tests.virtual_time import run_virtually

RULE = RequestLimit(limit=200, window_s=300.0)
LATENCY_S = (0.05, 0.3)  # of each way of a call

_T = TypeVar("_T")


def refusal(
    kind: FaultKind, hint_s: float | None = None, rule: RequestLimit | None = None
) -> ServiceError:
    fault = Fault(kind=kind, code=kind, reason="hidden", action=Action.RUN_AGAIN)
    return ServiceError("call", fault, retry_after_s=hint_s, limit=rule)


@dataclass
class HiddenLimits(FakeCloud):
    """A cloud with a gateway, a bound on jobs, and jobs that outlive their images."""

    rng: random.Random = field(default_factory=random.Random)
    rule: RequestLimit | None = None
    is_rule_shared: bool = False
    task_limit: int = 1000
    closed_s: tuple[float, float] = (0.0, 0.0)  # from when to when all are turned away
    closed_hint_s: float | None = None
    job_range_s: tuple[float, float] = (20.0, 40.0)
    passed: dict[str, deque[float]] = field(default_factory=dict)
    arrived: Counter[str] = field(default_factory=Counter)
    turned_away: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    jobs_end_s: list[float] = field(default_factory=list)
    durations_s: list[float] = field(default_factory=list)
    unfinished: list[tuple[float, int]] = field(default_factory=list)
    first_passed_s: float | None = None  # after the gateway was closed

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        parent = super().create_image
        return await self._behind_gateway("create", lambda: parent(spec, tags))

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        return await self._behind_gateway(
            "register", lambda: self._register(image_id, spec)
        )

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        parent = super().get_image
        return await self._behind_gateway("get", lambda: parent(image_id))

    async def get_job(self, job_id: JobId) -> JobView | None:
        parent = super().get_job
        return await self._behind_gateway("job", lambda: parent(job_id))

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        return await self._behind_gateway("list", lambda: self._listed(query))

    async def get_quota(self) -> Quota:
        return await self._behind_gateway("quota", super().get_quota)

    async def _listed(self, query: ImageQuery) -> list[ImageView]:
        views = await super().list_images(query)
        since = query.created_since or ""
        return [view for view in views if view.created_at and view.created_at >= since]

    async def _register(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        now_s = _now_s()
        self.jobs_end_s = [at_s for at_s in self.jobs_end_s if at_s > now_s]
        if len(self.jobs_end_s) >= self.task_limit:
            self.busy += 1
            raise refusal(FaultKind.BUSY)
        duration_s = self.rng.uniform(*self.job_range_s)
        linger_s = max(0.0, self.rng.uniform(-5.0, 5.0))
        self.jobs_end_s.append(now_s + duration_s + linger_s)
        self.durations_s.append(duration_s + linger_s)
        self.unfinished.append((now_s, len(self.jobs_end_s)))
        job_id = await super().register_image(image_id, spec)
        self.images[image_id].ends_at_s = now_s + duration_s
        return job_id

    async def _behind_gateway(self, api: str, call: Callable[[], Awaitable[_T]]) -> _T:
        await asyncio.sleep(self.rng.uniform(*LATENCY_S))
        self._admit(api)
        answer = await call()
        await asyncio.sleep(self.rng.uniform(*LATENCY_S))
        return answer

    def _admit(self, api: str) -> None:
        now_s = _now_s()
        self.arrived[api] += 1
        if self.closed_s[0] <= now_s < self.closed_s[1]:
            self.turned_away[api] += 1
            raise refusal(FaultKind.THROTTLED, self.closed_hint_s)
        if self.first_passed_s is None and now_s >= self.closed_s[1]:
            self.first_passed_s = now_s
        if self.rule is None:
            return
        scope = "all" if self.is_rule_shared else api
        passed = self.passed.setdefault(scope, deque())
        while passed and passed[0] <= now_s - self.rule.window_s:
            passed.popleft()
        if len(passed) >= self.rule.limit:
            self.turned_away[api] += 1
            raise refusal(FaultKind.THROTTLED, self.rule.window_s, self.rule)
        passed.append(now_s)


@dataclass
class Played:
    """One run that is over."""

    outcome: RunOutcome
    cloud: HiddenLimits
    notebook: Notebook
    makespan_s: float

    @property
    def throttled_share(self) -> float:
        return self.cloud.turned_away.total() / self.cloud.arrived.total()

    def show(self) -> dict[str, object]:
        cloud = self.cloud
        return {
            "active": self.outcome.counts.active,
            "failed": self.outcome.counts.failed,
            "makespan_s": round(self.makespan_s, 1),
            "requests": dict(cloud.arrived),
            "turned_away": dict(cloud.turned_away),
            "throttled_share": round(self.throttled_share, 4),
        }


def play(cloud: HiddenLimits, images: int, slots: int, poll_s: float) -> Played:
    """Carry one run out on virtual time."""
    return run_virtually(_play(cloud, images, slots, poll_s))


async def _play(cloud: HiddenLimits, images: int, slots: int, poll_s: float) -> Played:
    stop, notebook, ledger = Stop(), Notebook(), MemoryLedger()
    specs = tuple(spec(f"image-{number:04}") for number in range(images))
    batch = Batch(
        manifest=Manifest(name="wave", images=specs),
        records={},
        is_selected=lambda _: True,
        is_new_ledger=False,
    )
    limits = RunLimits(
        concurrency=slots,
        watch=WatchLimits(
            poll_interval_s=poll_s,
            settle=SettleTime(least_s=30.0, list_every_s=poll_s),
            image_deadline_s=3600.0,
        ),
        window=Window(length_s=None),
        retry=RetryPolicy(),
    )
    policy = _manners(poll_s)
    lessons = Lessons(policy)
    lookout = Lookout(
        CountedLists(cloud, lessons.traffic), batch, limits.watch, stop=stop
    )
    throttle = Throttle(
        lookout,
        policy,
        stop=stop,
        observer=notebook,
        rng=random.Random(cloud.rng.random()),
        lessons=lessons,
    )
    ports = RunPorts(
        service=throttle, lookout=lookout, ledger=ledger, observer=notebook
    )
    outcome = await Run(batch, ports, limits, stop=stop).execute()
    return Played(outcome, cloud, notebook, _now_s())


def _manners(poll_s: float) -> ThrottlePolicy:
    """Return what the command makes of the poll interval; see cli.assembly."""
    return ThrottlePolicy(
        busy=Backoff(base_s=poll_s, cap_s=12 * poll_s),
        tasks=TaskPolicy(
            clean_s=12 * poll_s,
            longest_clean_s=360 * poll_s,
            linger_step_s=0.2 * poll_s,
            longest_linger_s=3 * poll_s,
            seen_s=2 * poll_s,
        ),
        poll_gap_s=2.5 * poll_s,
    )


def allowed_s(durations_s: list[float], slots: int, *, writes: int) -> float:
    """Return when the last job ends where each starts as early as slots and rule allow.

    Each image costs so many writes of the rule, at once; lists cost nothing here.
    """
    free_s = [0.0] * slots
    sent_s: list[float] = []
    for duration_s in durations_s:
        at_s = heapq.heappop(free_s)
        for _ in range(writes):
            if len(sent_s) >= RULE.limit:
                at_s = max(at_s, sent_s[-RULE.limit] + RULE.window_s)
            sent_s.append(at_s)
        heapq.heappush(free_s, at_s + duration_s)
    return max(free_s)


def seen_s(writes: int) -> float:
    """Return when the rule lets the earliest list go out that comes after all writes.

    Who does not know when jobs end has to ask once at the very least.
    """
    return writes // RULE.limit * RULE.window_s


def under_rule(
    options: argparse.Namespace, images: int, *, shared: bool
) -> dict[str, object]:
    """Measure a run whose gateway allows 200 requests in 300 s."""
    cloud = HiddenLimits(
        rng=random.Random(options.seed), rule=RULE, is_rule_shared=shared
    )
    played = play(cloud, images, 40, options.poll_interval)
    writes = 2 if shared else 1
    for_writes_s = allowed_s(cloud.durations_s, 40, writes=writes)
    bound_s = for_writes_s
    if shared:
        bound_s = max(bound_s, seen_s(writes * images))
    return played.show() | {
        "allowed_s": round(bound_s, 1),
        "makespan_to_allowed": round(played.makespan_s / bound_s, 3),
        "makespan_to_writes_alone": round(played.makespan_s / for_writes_s, 3),
    }


def under_rules(options: argparse.Namespace, *, shared: bool) -> dict[str, object]:
    """Measure several sizes: where the last window begins is a matter of luck."""
    sizes = range(450, 751, 50)
    all_shown = [under_rule(options, images, shared=shared) for images in sizes]
    ratios = [shown["makespan_to_allowed"] for shown in all_shown]
    of_writes = [shown["makespan_to_writes_alone"] for shown in all_shown]
    shares = [shown["throttled_share"] for shown in all_shown]
    return {
        "images": list(sizes),
        "makespan_to_allowed": ratios,
        "makespan_to_writes_alone": of_writes,
        "makespan_to_allowed_mean": round(statistics.mean(map(_number, ratios)), 3),
        "throttled_share_worst": max(map(_number, shares)),
        "of_600": all_shown[3],
    }


def under_task_limit(options: argparse.Namespace) -> dict[str, object]:
    """Measure 200 images in 40 slots where ten jobs may be unfinished."""
    cloud = HiddenLimits(
        rng=random.Random(options.seed), task_limit=10, job_range_s=(120.0, 600.0)
    )
    played = play(cloud, 200, 40, options.poll_interval)
    bound_s = max(sum(cloud.durations_s) / 10, *cloud.durations_s)
    later = [jobs for at_s, jobs in cloud.unfinished if at_s > bound_s / 10]
    return played.show() | {
        "registers_refused": cloud.busy,
        "refused_share": round(cloud.busy / cloud.arrived["register"], 4),
        "unfinished_jobs_mean": round(sum(later) / len(later), 2),
        "bound_s": round(bound_s, 1),
        "makespan_to_bound": round(played.makespan_s / bound_s, 3),
    }


def behind_closed_gateway(
    options: argparse.Namespace, hint_s: float | None
) -> dict[str, object]:
    """Measure a run whose gateway turns everything away for five minutes."""
    calm = HiddenLimits(rng=random.Random(options.seed))
    calm_s = play(calm, options.images, 40, options.poll_interval).makespan_s
    cloud = HiddenLimits(
        rng=random.Random(options.seed), closed_s=(60.0, 360.0), closed_hint_s=hint_s
    )
    played = play(cloud, options.images, 40, options.poll_interval)
    assert cloud.first_passed_s is not None
    return played.show() | {
        "without_s": round(calm_s, 1),
        "first_call_passed_after_s": round(cloud.first_passed_s - 360.0, 1),
        "lost_beyond_the_closure_s": round(played.makespan_s - calm_s - 300.0, 1),
    }


def real_run(**limits: Any) -> dict[str, object]:
    """Run the command once against a simulator with these limits, and count."""
    images, poll_s = 100, 0.5
    code = SERVER.format(limits=repr(limits), seed=7)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        server = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        )
        stack.callback(server.communicate)
        stack.callback(server.terminate)
        assert server.stdout is not None
        lines: list[str] = []
        while not lines or "ims_profile" not in lines[-1]:
            lines.append(server.stdout.readline())
        clouds = folder / "clouds.yaml"
        clouds.write_text("".join(lines))
        cloud = Cloud(server, clouds, lines[0].split()[1].rstrip(","))
        shell = Shell(folder, clouds, is_measured=False)
        manifest = shell.manifest(images)
        began_s = time.monotonic()
        ended = shell(
            "run",
            manifest.name,
            "--concurrency=40",
            f"--poll-interval={poll_s}",
            "--output=json",
        )
        wall_s = time.monotonic() - began_s
        audit = cloud.audit()
        with urllib.request.urlopen(f"{cloud.url}/_simulator/jobs") as answer:  # noqa: S310 - own server
            jobs = json.load(answer)["jobs"]
    told = [json.loads(line) for line in ended.err.splitlines() if line[:1] == "{"]
    return {
        "exit_code": ended.code,
        "active": ended.document["summary"]["active"],
        "wall_s": round(wall_s, 1),
        "tenth_of_all_jobs_s": round(
            sum(job["active_s"] - job["submitted_s"] for job in jobs) / 10, 1
        ),
        "requests": audit["requests"],
        "peak_unfinished_jobs": audit["peak_unfinished_jobs"],
        "refused": dict(
            Counter(x["code"] for x in told if x["event"] == "service.throttled")
        ),
        "learned": [x for x in told if x["event"].startswith("throttle.")][-3:],
    }


# Jobs of sixteen poll intervals on the average; the time of the service is our own.
SERVER = """
import asyncio
from batch_register.cli.simulator import _serve
from batch_register.simulator import Simulator
from batch_register.simulator.options import RateLimit, SimulatorOptions
options = SimulatorOptions(
    objects_exist_by_default=True, quota=5000, seed={seed},
    job_init_range_s=(0.1, 0.5), job_running_range_s=(6.0, 10.0),
    active_offset_range_s=(-0.5, 0.5), **{limits})
asyncio.run(_serve(Simulator(options, port=0)))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--poll-interval", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", action="store_true")
    options = parser.parse_args()
    shown: dict[str, object]
    if options.real:
        shown = {
            "40 per 10 s, each API": real_run(
                rate_limits=(RateLimit(limit=40, window_s=10),)
            ),
            "ten unfinished jobs": real_run(task_limit=10),
        }
    else:
        shown = {
            "200 per 300 s, each API": under_rules(options, shared=False),
            "200 per 300 s, over all": under_rules(options, shared=True),
            "ten unfinished jobs": under_task_limit(options),
            "429 to all, Retry-After: 30": behind_closed_gateway(options, 30.0),
            "429 to all, no hint": behind_closed_gateway(options, None),
        }
    print(json.dumps(shown, indent=2))


def _number(value: object) -> float:
    assert isinstance(value, float)
    return value


def _now_s() -> float:
    return asyncio.get_running_loop().time()


if __name__ == "__main__":
    main()
