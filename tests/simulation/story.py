"""One seed, one story: how large the world is, how it lags, what goes wrong, and when.

Everything is drawn here or from a stream named after the seed, so that a seed replays
exactly whatever is added to the streams of others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import StrEnum

SETTLE_S = 30.0
POLL_S = 5.0
CALL_DEADLINE_S = 20.0
# A write that is executed late and a view that lags add up to less than the settle time.
LATEST_S = 14.0
MOST_LAG_S = 13.0


class Ending(StrEnum):
    """How one run of a story is meant to end, unless it is done before."""

    FINISH = "finish"
    KILL = "kill"  # SIGKILL: what was written stays
    POWER = "power"  # power cut: what was not synced may be gone
    STOP = "stop"  # first signal
    CANCEL = "cancel"  # second signal
    WINDOW = "window"


class LedgerIs(StrEnum):
    """What a run finds of its ledger."""

    KEPT = "kept"
    LOST = "lost"
    OLD = "old"  # put back from a copy of some runs ago


class Beside(StrEnum):
    """When a second runner with a ledger of its own begins, beside a run."""

    TOGETHER = "together"  # in the same moment, give or take
    APART = "apart"  # a settle time after the first image was made


class Trigger(StrEnum):
    """What is counted until the ending comes."""

    STEP = "step"  # callbacks of the loop
    SEND = "send"  # requests of the run
    WRITE = "write"  # writes to the ledger's disk
    FSYNC = "fsync"  # flushes of the ledger's disk


class Tags(StrEnum):
    """What the cloud makes of our tags."""

    HONOURED = "honoured"
    NOT_QUERIED = "not-queried"  # kept, but a query by tag finds nothing
    FILTER_IGNORED = "filter-ignored"  # kept, but a query by tag returns everything
    DROPPED = "dropped"  # not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """One run of a story."""

    runner: int = 0
    ending: Ending = Ending.FINISH
    trigger: Trigger = Trigger.STEP
    count: int = 0
    further_steps: int = 0
    gap_s: float = 0.0  # from the end of the run before
    ledger_is: LedgerIs = LedgerIs.KEPT
    edits: tuple[int, ...] = ()  # entries whose source changes before this run
    renamed: tuple[int, ...] = ()  # entries whose key changes before this run
    unselected: tuple[int, ...] = ()  # entries that `--select` leaves out
    removed: tuple[int, ...] = ()  # entries that the manifest does not name this time
    concurrency: int = 3
    retry_failed: bool = True
    keep_failed: bool = False
    fsync_error_at: int = 0  # which flush fails; 0: none
    room_bytes: int | None = None  # what the disk still takes
    unfit: tuple[int, ...] = ()  # entries whose source is found unfit in this run
    replaced: tuple[int, ...] = ()  # whose file or object changes before this run
    calm: bool = False
    beside: tuple[Beside, RunPlan] | None = None  # another runner at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesAre:
    """What the entries' sources are like, and how it goes with them until the calm."""

    uploaded: tuple[int, ...] = ()  # entries with a file that is uploaded first
    auto: tuple[int, ...] = ()  # entries with `min_disk: auto`
    fault_rate: float = 0.0  # of looks, and of calls to the store
    part_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A whole world, before it begins."""

    seed: int
    entries: int
    runs: tuple[RunPlan, ...]
    runners: int
    copied_after: int  # after which run the ledger is copied; 0: never
    shuffles: bool
    tags: Tags
    list_lag_s: float
    get_lag_s: float
    fault_rate: float
    read_fault_rate: float
    outages: tuple[tuple[float, float], ...]
    task_limit: int | None
    quota: int | None  # until the calm
    job_failure_rate: float
    failed_state: str
    longest_job_s: float
    stuck_rate: float
    contradiction_rate: float
    forgets_jobs: bool
    clock_skew_s: float
    sources: SourcesAre | None = None  # None: nobody looks at them

    @property
    def may_end_unknown(self) -> bool:
        """Return whether some entries can never be told active, however calm it is."""
        return (
            self.tags is Tags.DROPPED
            or self.failed_state == "saving"
            or self.stuck_rate > 0
            or self.contradiction_rate > 0
            or self.runners > 1
            or self.copied_after > 0
        )

    @property
    def beside(self) -> Beside | None:
        """Return whether, and how, two runners are ever at work at the same time."""
        found = [plan.beside[0] for plan in self.runs if plan.beside is not None]
        return found[0] if found else None

    @property
    def has_several_ledgers(self) -> bool:
        """Return whether images may be known to one ledger and not to another."""
        changed = any(plan.ledger_is is not LedgerIs.KEPT for plan in self.runs)
        return self.runners > 1 or changed

    @property
    def may_end_in_conflict(self) -> bool:
        """Return whether an entry may rightly be made from another spec or source."""
        return any(plan.edits or plan.renamed or plan.replaced for plan in self.runs)


def stream(seed: int, name: str) -> random.Random:
    """Return the source of randomness of one part of the world."""
    return random.Random(f"{seed}/{name}")


def draw(seed: int) -> Story:
    """Return the story of a seed."""
    rng = stream(seed, "story")
    runners = 2 if rng.random() < 0.2 else 1
    entries = rng.randint(3, 12)
    runs = _draw_runs(rng, runners=runners, entries=entries)
    changes = [number for number, plan in enumerate(runs) if plan.ledger_is != "kept"]
    is_old = any(plan.ledger_is is LedgerIs.OLD for plan in runs)
    sources, runs = _draw_sources(seed, entries, runs)
    tags = _draw_tags(rng, several=runners > 1 or bool(changes))
    task_limit = rng.choice([None, None, None, 1, 2, 4])
    failed_states = ["killed", "killed", "queued", "queued"]
    if not any(plan.keep_failed for plan in runs):
        failed_states.append("saving")  # a kept one would look like a live one
    return Story(
        seed=seed,
        entries=entries,
        runs=runs,
        runners=runners,
        copied_after=rng.randint(1, changes[0]) if is_old else 0,
        shuffles=rng.random() < 0.8,
        tags=tags,
        list_lag_s=rng.choice([0.0, rng.uniform(0, MOST_LAG_S), MOST_LAG_S]),
        get_lag_s=rng.choice([0.0, 0.0, rng.uniform(0, MOST_LAG_S)]),
        fault_rate=rng.choice([0.0, 0.05, 0.2, 0.4, 0.6]),
        read_fault_rate=rng.choice([0.0, 0.0, 0.05, 0.3]),
        outages=_draw_outages(rng),
        task_limit=task_limit,
        quota=rng.randint(1, entries) if rng.random() < 0.1 else None,
        job_failure_rate=rng.choice([0.0, 0.0, 0.1, 0.4]),
        failed_state=rng.choice(failed_states),
        longest_job_s=rng.choice([5.0, 60.0, 200.0]),
        stuck_rate=0.2 if task_limit is None and rng.random() < 0.05 else 0.0,
        contradiction_rate=0.2 if rng.random() < 0.05 else 0.0,
        forgets_jobs=rng.random() < 0.15,
        clock_skew_s=rng.choice([0.0, 0.0, -300.0, 300.0]),
        sources=sources,
    )


def _draw_sources(
    seed: int, entries: int, runs: tuple[RunPlan, ...]
) -> tuple[SourcesAre | None, tuple[RunPlan, ...]]:
    """Return what the sources are like, and the runs with what happens to them."""
    rng = stream(seed, "sources")
    if rng.random() < 0.3:
        return None, runs

    def some(chance: float) -> tuple[int, ...]:
        return tuple(n for n in range(entries) if rng.random() < chance)

    sources = SourcesAre(
        uploaded=some(rng.choice([0.0, 0.4, 1.0])),
        auto=some(0.3),
        fault_rate=rng.choice([0.0, 0.02, 0.1, 0.3]),
        part_s=rng.choice([0.0, 2.0, 30.0]),
    )
    unfit, replaced = rng.choice([0.0, 0.0, 0.3]), rng.choice([0.0, 0.0, 0.2])
    return sources, tuple(
        replace(plan, unfit=some(unfit), replaced=some(replaced)) for plan in runs
    )


def _draw_tags(rng: random.Random, *, several: bool) -> Tags:
    choice = rng.choices(list(Tags), weights=[84, 6, 5, 5])[0]
    # without tags nobody can find what a ledger that is not at hand knows
    return Tags.HONOURED if several and choice is Tags.DROPPED else choice


def _draw_outages(rng: random.Random) -> tuple[tuple[float, float], ...]:
    if rng.random() < 0.8:
        return ()
    begins_s = rng.uniform(0, 200)
    return ((begins_s, begins_s + rng.choice([10.0, 60.0, 400.0])),)


def _draw_runs(
    rng: random.Random, *, runners: int, entries: int
) -> tuple[RunPlan, ...]:
    count = rng.randint(1, 5) + (runners - 1) * 2
    changed = rng.choice([LedgerIs.LOST, LedgerIs.OLD])
    changes_at = rng.randrange(1, count + 1) if rng.random() < 0.2 else 0
    base = RunPlan(concurrency=rng.randint(1, 5), keep_failed=rng.random() < 0.1)
    is_edited = rng.random() < 0.15
    is_renamed = runners == 1 and rng.random() < 0.1
    runs: list[RunPlan] = []
    for number in range(count):
        plan = replace(base, runner=rng.randrange(runners))
        if runners == 1 and number == changes_at > 0:
            plan = replace(plan, ledger_is=changed)
        if is_edited and number and rng.random() < 0.5:
            plan = replace(plan, edits=tuple(rng.sample(range(entries), 2)))
        if is_renamed and number and rng.random() < 0.5:
            plan = replace(plan, renamed=tuple(rng.sample(range(entries), 2)))
        if rng.random() < 0.1:
            plan = replace(plan, unselected=tuple(rng.sample(range(entries), 2)))
        if rng.random() < 0.1:
            plan = replace(plan, removed=tuple(rng.sample(range(entries), 2)))
        # whoever has no ledger of what was made must not look too early
        before = runs[-1].runner if runs else 0
        is_blind = (
            runners > 1 or plan.runner != before or plan.ledger_is is not LedgerIs.KEPT
        )
        gap_s = rng.choice([0.0, rng.uniform(0, 90)])
        plan = replace(plan, gap_s=gap_s + (SETTLE_S if is_blind else 0.0))
        plan = replace(plan, retry_failed=rng.random() < 0.9)
        runs.append(_with_disk(_with_ending(plan, rng), rng))
    if runners > 1 and rng.random() < 0.6:
        runs[0] = _with_company(runs[0], rng)
    return tuple(runs)


def _with_company(plan: RunPlan, rng: random.Random) -> RunPlan:
    """Have a second runner work at the same time."""
    other = _with_ending(replace(plan, runner=1 - plan.runner, gap_s=0.0), rng)
    finishes = replace(plan, ending=rng.choice([plan.ending, Ending.FINISH]))
    return replace(finishes, beside=(rng.choice(list(Beside)), other))


_LONGEST = {Trigger.STEP: 3000, Trigger.SEND: 60, Trigger.WRITE: 25, Trigger.FSYNC: 25}


def _with_ending(plan: RunPlan, rng: random.Random) -> RunPlan:
    trigger = rng.choice(list(Trigger))
    return replace(
        plan,
        ending=rng.choices(list(Ending), weights=[2, 4, 4, 3, 2, 1])[0],
        trigger=trigger,
        count=int(_LONGEST[trigger] ** rng.random()) + 1,  # early ones are denser
        further_steps=rng.choice([0, 0, 1, 2, 3, 5, 9]),
    )


def _with_disk(plan: RunPlan, rng: random.Random) -> RunPlan:
    if rng.random() < 0.92:
        return plan
    if rng.random() < 0.5:
        return replace(plan, fsync_error_at=rng.randint(1, 20))
    return replace(plan, room_bytes=rng.randint(1, 8000))
