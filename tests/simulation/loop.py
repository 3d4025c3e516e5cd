"""A loop on virtual time that takes ready callbacks one by one, in an order by seed.

Between any two callbacks those in `on_step` may act: that is where a simulated process
dies.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Self

# What one callback takes. Without it, a wait shorter than the loop's clock resolution
# would end early again and again, at a moment that never passes.
_TURN_S = 1e-6


class _JumpingSelector(selectors.SelectSelector):
    """Never waits and never asks the system: it moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            message = "deadlock: nothing is left that could wake the loop up"
            raise RuntimeError(message)
        self.now_s += max(timeout, 0.0) + _TURN_S
        return []


class _NumberedTask(asyncio.Task[Any]):
    """A task with its number for a hash.

    A task group keeps its tasks in a set and cancels them in the order of that set,
    which would otherwise be an order of addresses: another one in each replay.
    """

    number: int

    def __new__(
        cls, _: Coroutine[Any, Any, Any], *, loop: SeededLoop, **__: Any
    ) -> Self:
        task = super().__new__(cls)
        task.number = loop.next_number()
        return task

    def __hash__(self) -> int:
        return self.number


class SeededLoop(asyncio.SelectorEventLoop):
    """Runs one ready callback per turn; which one, the seed decides."""

    _ready: deque[asyncio.Handle]

    def __init__(self, rng: random.Random, *, shuffles: bool) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._order = rng
        self._shuffles = shuffles
        self.steps = 0
        self._tasks = 0
        self.set_task_factory(_numbered)
        self.on_step: list[Callable[[], None]] = []

    def time(self) -> float:
        return self._jumping.now_s

    def next_number(self) -> int:
        """Return how many tasks there were before the one that is just being made."""
        self._tasks += 1
        return self._tasks

    def _run_once(self) -> None:
        self.steps += 1
        for hear in list(self.on_step):
            hear()
        ready, waiting = self._ready, list[asyncio.Handle]()
        if len(ready) > 1:
            if self._shuffles:
                ready.rotate(-self._order.randrange(len(ready)))
            chosen = ready.popleft()
            waiting = list(ready)
            ready.clear()
            ready.append(chosen)
        super()._run_once()  # type: ignore[misc] # the standard loop's own turn
        ready.extendleft(reversed(waiting))


def _numbered(
    loop: asyncio.AbstractEventLoop, coro: Any, **more: Any
) -> asyncio.Task[Any]:
    assert isinstance(loop, SeededLoop)
    return _NumberedTask(coro, loop=loop, **more)
