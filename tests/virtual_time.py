"""An asyncio loop whose time jumps to the next timer: hours pass in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

_T = TypeVar("_T")

# Once nothing can happen any more, waiting for ever would hang the test.
_FOREVER_S = 10 * 365 * 86400.0


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: it moves the loop's clock by as long as it should have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                message = "nothing is left that could wake the loop up"
                raise RuntimeError(message)
            self.now_s += max(timeout, 0.0)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop on virtual time; for code without sockets and threads."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def run_virtually(main: Coroutine[object, object, _T]) -> _T:
    """Run a coroutine to its end on virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(_bounded(main))


async def _bounded(main: Coroutine[object, object, _T]) -> _T:
    async with asyncio.timeout(_FOREVER_S):
        return await main
