"""Long work is cut into turns, and the loop runs in between."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, strategies as st

from batch_register.turns import in_turns, sorted_in_turns
from tests.virtual_time import run_virtually


async def walk(items: int) -> tuple[list[int], int]:
    """Return the items as they came, and how often the loop turned meanwhile."""
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn)

    loop = asyncio.get_running_loop()
    loop.call_soon(turn)
    found = [item async for some in in_turns(range(items)) for item in some]
    return found, turns


@pytest.mark.parametrize(
    ("items", "turns"), [(0, 0), (1, 0), (1000, 0), (1001, 1), (3000, 2), (3001, 3)]
)
def test_the_loop_turns_between_thousands_and_not_otherwise(
    items: int, turns: int
) -> None:
    assert run_virtually(walk(items)) == (list(range(items)), turns)


@given(st.integers(0, 4), st.randoms(use_true_random=False))
def test_what_is_sorted_in_turns_is_sorted_and_equals_keep_their_places(
    thousands: int, chance: object
) -> None:
    items = [(chance.randrange(9), n) for n in range(thousands * 999)]  # type: ignore[attr-defined]
    ordered = run_virtually(sorted_in_turns(items, key=lambda item: item[0]))
    assert ordered == sorted(items)
