"""Play one story from its beginning to its end, and say what was wrong with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from batch_register.entry import EntryState
from batch_register.model import EntryKey, FilePlace, ImageSpec, Manifest
from tests.fakes import spec
from tests.simulation import invariants
from tests.simulation.cloud import SimCloud
from tests.simulation.disk import SimFile
from tests.simulation.history import History, Violation
from tests.simulation.loop import SeededLoop
from tests.simulation.process import Parts, Process, World
from tests.simulation.sources import SimStore
from tests.simulation.story import (
    SETTLE_S,
    Beside,
    LedgerIs,
    RunPlan,
    Story,
    draw,
    stream,
)
from tests.simulation.witness import DurableLines

_CALM_RUNS = 7
_SAMPLED_PREFIXES = 4  # every how many-th seed has its ledger cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a story went."""

    story: Story
    violations: tuple[Violation, ...]
    history: History
    runs: int
    virtual_s: float
    active: int
    steps: int  # of the first run

    def report(self) -> str:
        """Return what was wrong, with the story of the entries concerned."""
        broken = "\n".join(
            f"{one.rule} {one.key or ''}: {one.what}" for one in self.violations
        )
        keys = {one.key for one in self.violations}
        return (
            f"seed {self.story.seed}\n{self.story}\n{broken}\n"
            f"{self.history.story_of(keys)}\n"
            f"replay: python -m tests.simulation --seeds 1 --from {self.story.seed}"
        )


def play(seed: int, parts: Parts | None = None) -> Verdict:
    """Play the story of a seed."""
    return play_story(draw(seed), parts)


def play_story(story: Story, parts: Parts | None = None) -> Verdict:
    """Play a story; it always goes the same way."""
    loop = SeededLoop(stream(story.seed, "loop"), shuffles=story.shuffles)
    stage = _Stage(loop, story, parts or Parts())
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            runner.run(stage.play())
        except RuntimeError as error:
            if "deadlock" not in str(error):
                raise
            stage.world.history.violate("hang", None, str(error))
        return stage.verdict()


class _Stage:
    """One story under way."""

    def __init__(self, loop: SeededLoop, story: Story, parts: Parts) -> None:
        history = History(loop.time)
        self.world = World(
            loop=loop,
            history=history,
            cloud=SimCloud(story, history, loop.time),
            manifest=Manifest(
                name="sim",
                images=tuple(_entry(n, story) for n in range(story.entries)),
            ),
            parts=parts,
            clock_skew_s=story.clock_skew_s,
            store=SimStore(),
        )
        self._story = story
        self._files = [SimFile() for _ in range(story.runners)]
        self._lines = [DurableLines(file) for file in self._files]
        self._copies = [b"" for _ in self._files]
        self._runs = 0
        self._active = 0
        self._first_steps = 0

    def verdict(self) -> Verdict:
        """Return how it went."""
        return Verdict(
            story=self._story,
            violations=tuple(self.world.history.violations),
            history=self.world.history,
            runs=self._runs,
            virtual_s=self.world.loop.time(),
            active=self._active,
            steps=self._first_steps,
        )

    async def play(self) -> None:
        """Play all runs, then calm ones until each runner is done."""
        for plan in self._story.runs:
            if plan.beside is None:
                await self._run(plan)
            else:
                await self._run_two(plan, *plan.beside)
            if self.world.history.violations:
                return
        self.world.cloud.is_calm = True
        calm = replace(RunPlan(gap_s=SETTLE_S, concurrency=3), calm=True)
        for runner in range(self._story.runners):
            await self._finish(replace(calm, runner=runner))
            if self.world.history.violations:
                return
        self._check_end()

    async def _finish(self, calm: RunPlan) -> None:
        """Run in calm until code 0, then once more: that one must write nothing."""
        code = None
        for _ in range(_CALM_RUNS):
            code = await self._run(calm)
            if code == 0 or self.world.history.violations:
                break
            if code == 4 and self._story.may_end_unknown:
                break
        file = self._files[calm.runner]
        if self.world.history.violations:
            return
        invariants.check_converged(file, self._story, self.world.history)
        if code == 0:
            again = await self._process(calm)
            sent = again.witness.sent.total()
            if sent:
                words = f"{sent} requests after success"
                self.world.history.violate("I4", None, words)

    async def _run_two(self, plan: RunPlan, when: Beside, other: RunPlan) -> None:
        """Have two runners work at the same time, each with a ledger of its own."""
        async with asyncio.TaskGroup() as group:
            first = group.create_task(self._run(plan))
            if when is Beside.APART:
                await self._first_image(first)
                await asyncio.sleep(SETTLE_S)
            await self._run(other)

    async def _first_image(self, run: asyncio.Task[int | None]) -> None:
        """Wait until an image is made, or that run is over."""
        made = asyncio.Event()
        self.world.cloud.when_made = made.set
        run.add_done_callback(lambda _: made.set())
        await made.wait()

    async def _run(self, plan: RunPlan) -> int | None:
        process = await self._process(plan)
        return None if process.outcome is None else process.outcome.exit_code

    async def _process(self, plan: RunPlan) -> Process:
        await asyncio.sleep(plan.gap_s)
        file = self._files[plan.runner]
        self._prepare(plan)
        self._runs += 1
        process = Process(
            world=self.world,
            plan=plan,
            name=f"run-{self._runs}",
            file=file,
            lines=self._lines[plan.runner],
            rng=stream(self._story.seed, f"run-{self._runs}"),
        )
        await process.live()
        self._first_steps = self._first_steps or process.steps
        if self._runs == self._story.copied_after:
            self._copies[plan.runner] = file.durable
        invariants.check_run(process, self.world.history)
        return process

    def _prepare(self, plan: RunPlan) -> None:
        """Have happen what happens between two runs."""
        if plan.ledger_is in (LedgerIs.LOST, LedgerIs.OLD):
            is_old = plan.ledger_is is LedgerIs.OLD
            kept = self._copies[plan.runner] if is_old else b""
            file, words = self._files[plan.runner], "put back" if is_old else "lost"
            self.world.history.add("world", None, f"the ledger is {words}")
            file.content, file.durable, file.pending = bytearray(kept), kept, []
            self._lines[plan.runner].start_over()
        if plan.renamed:
            self.world.history.add("world", None, f"renamed: {plan.renamed}")
            self.world.manifest = replace(
                self.world.manifest,
                images=tuple(
                    replace(one, key=EntryKey(f"{one.key}r"))
                    if number in plan.renamed
                    else one
                    for number, one in enumerate(self.world.manifest.images)
                ),
            )
        for number in plan.replaced:
            self.world.store.replace(self.world.manifest.images[number])
        if plan.replaced:
            self.world.history.add("world", None, f"replaced: {plan.replaced}")
        if plan.edits:
            self.world.history.add("world", None, f"edited: {plan.edits}")
            images = [
                replace(one, image_url=f"{one.image_url}.{self._runs}")
                if number in plan.edits
                else one
                for number, one in enumerate(self.world.manifest.images)
            ]
            self.world.manifest = replace(self.world.manifest, images=tuple(images))

    def _check_end(self) -> None:
        history = self.world.history
        for file in self._files:
            invariants.check_ledger(
                file, self._files, self.world.cloud, self._story, history
            )
            if self._story.seed % _SAMPLED_PREFIXES == 0:
                rng = stream(self._story.seed, "prefixes")
                invariants.check_prefixes(file, history, rng)
        records = invariants.replay_of(bytes(self._files[-1].content)).records
        self._active = sum(
            record.state is EntryState.ACTIVE for record in records.values()
        )


def _entry(number: int, story: Story) -> ImageSpec:
    """Return one entry of the manifest."""
    key, sources = f"e{number}", story.sources
    is_auto = sources is not None and number in sources.auto
    is_uploaded = sources is not None and number in sources.uploaded
    return spec(
        key,
        min_disk_gb=0 if is_auto else 40,
        min_disk_is_auto=is_auto,
        source=FilePlace(path=f"{key}.img") if is_uploaded else None,
    )
