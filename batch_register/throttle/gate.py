"""A moment before which nobody goes on, and how they go on after it.

Decides: nothing about when to close. Must not know: what passes, why it was closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from batch_register.stopping import Stop

# So many calls that were let through one after the other: the gate is open again.
_WIDE = 32


class Gate:
    """A moment before which nobody goes on; shared by all tasks.

    Once it has been closed, `single_file` is how its calls go on: one at a time, so that
    a service that has just a place or two is not asked by everybody at once. A gate that
    opens slowly lets one call through, and for each that passes one more at once.
    """

    def __init__(self) -> None:
        self._not_before_s = 0.0
        self._is_narrow = False
        self._one = asyncio.Lock()
        self._width: int | None = None  # calls that may be under way; None: any number
        self.under_way = 0  # calls that passed and have not ended
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def single_file(self) -> AsyncIterator[None]:
        """Let one caller at a time through, once this gate has ever been closed."""
        if not self._is_narrow:
            yield
            return
        async with self._one:
            yield

    def close_for(self, seconds: float, *, opens_slowly: bool = False) -> None:
        """Keep everybody waiting for at least this long from now."""
        until_s = asyncio.get_running_loop().time() + seconds
        self._not_before_s = max(self._not_before_s, until_s)
        self._is_narrow = True
        if opens_slowly:
            self._width = 1

    async def passage(self, stop: Stop) -> None:
        """Wait until the gate is open and has room.

        Raises:
            StoppedError: the run was told to stop.
        """
        while not self.is_open():
            if (left_s := self.left_s()) > 0:
                await stop.pause(left_s)
                continue
            self._freed.clear()
            await stop.until(self._freed)

    def is_open(self) -> bool:
        """Return whether a call may pass now."""
        has_room = self._width is None or self.under_way < self._width
        return self.left_s() <= 0 and has_room

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Count a call that passes while it is under way."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
            self._freed.set()

    def note_passed(self) -> None:
        """Take note that a call was not turned back: one more may go at once."""
        if self._width is not None:
            self._width = self._width + 1 if self._width < _WIDE else None
            self._freed.set()

    def left_s(self) -> float:
        """Return how long the gate stays closed."""
        return self._not_before_s - asyncio.get_running_loop().time()
