"""Whole runs by seed: whatever is lost, late, refused or killed, the promises hold.

More seeds: `python -m tests.simulation --seeds 10000`.
"""

from __future__ import annotations

import secrets
import time

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.process import Parts
from tests.simulation.world import play

_SEEDS = range(200)
_FRESH = 50
_CAUGHT_WITHIN = 200
# Slow machines play fewer fresh seeds; the fixed ones are always played.
_FRESH_BUDGET_S = 5.0


@pytest.mark.fault(1, 2, 4, 5, 12, 13, 24, 25, 31, 32, 33, 35, 42)
@pytest.mark.parametrize("first", _SEEDS[::25])
def test_promises_hold_in_every_story(first: int) -> None:
    for seed in range(first, first + 25):
        verdict = play(seed)
        assert not verdict.violations, verdict.report()


def test_promises_hold_in_stories_that_nobody_has_seen_before() -> None:
    base = secrets.randbelow(10**9)
    print(f"fresh seeds from {base}")
    ends_s = time.monotonic() + _FRESH_BUDGET_S
    for seed in range(base, base + _FRESH):
        verdict = play(seed)
        assert not verdict.violations, verdict.report()
        if time.monotonic() > ends_s:
            break


@pytest.mark.parametrize("seed", [3, 7, 11])
def test_a_story_replays_exactly(seed: int) -> None:
    """Wherever its objects come to lie in memory."""
    once = [str(line) for line in play(seed).history.lines]
    in_the_way: list[list[object]] = []
    for number in range(1, 5):
        in_the_way.append([object() for _ in range(number * 9_973)])
        assert [str(line) for line in play(seed).history.lines] == once
        del in_the_way[: number // 2]


def test_stories_hold_what_they_are_meant_to() -> None:
    """A simulation in which nothing happens would prove nothing."""
    seen: set[str] = set()
    for seed in range(60):
        for line in play(seed).history.lines:
            seen.add(" ".join(line.what.split()[:3]))
    for word in (
        "ends: dead (kill)",
        "ends: dead (power)",
        "ends: cancelled",
        "stop requested",
        "the ledger is",
        "disk: fsync failed",
        "< create lost",
        "< create server",
        "< register busy",
        "< create quota",
        "ledger: image.adopted",
        "ledger: image.shell_deleted",
        "ledger: source.seen",
        "ledger: source.refused",
        "ledger: source.uploaded",
        "> list parts",
        "> abort",
        "replaced:",
    ):
        assert any(what.startswith(word) for what in seen), word


def _catching_seed(parts: Parts) -> int | None:
    """Return the first seed that notices these parts and not the right ones."""
    for seed in range(_CAUGHT_WITHIN):
        if play(seed, parts).violations and not play(seed).violations:
            return seed
    return None


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_engine_is_noticed(name: str) -> None:
    seed = _catching_seed(MUTANTS[name]())
    assert seed is not None
    print(f"{name}: caught by seed {seed}")
