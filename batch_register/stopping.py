"""One run's stop: why it stops, and waits that a stop cuts short.

Decides: nothing about when to stop; whoever asks first gives the reason. Must not know:
signals, entries, the service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from batch_register.errors import StoppedError
from batch_register.model import StopReason

_T = TypeVar("_T")


class Stop:
    """Tells every waiting task of a run to end at once; calls under way go on."""

    def __init__(self) -> None:
        self._requested = asyncio.Event()
        # by wait, in order: several may wait for one event
        self._wakes: dict[object, asyncio.Event] = {}
        self._followers: list[Callable[[], None]] = []
        self._cuts: set[asyncio.Timeout] = set()
        self.reason: StopReason | None = None

    @property
    def is_requested(self) -> bool:
        """Return whether the run has been told to stop."""
        return self.reason is not None

    def request(self, reason: StopReason) -> None:
        """Tell the run to stop; the first reason stays."""
        if self.reason is None:
            self.reason = reason
            self._requested.set()
            for wake in self._wakes.values():
                wake.set()
            for cut in self._cuts:
                cut.reschedule(0.0)
            for follower in self._followers:
                follower()

    def when_requested(self, follower: Callable[[], None]) -> None:
        """Call `follower` once the run is told to stop, at once if it has been.

        It must not block nor raise.
        """
        if self.is_requested:
            follower()
        else:
            self._followers.append(follower)

    async def pause(self, seconds: float) -> None:
        """Wait this long.

        Raises:
            StoppedError: the run was told to stop, before or during the wait.
        """
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._requested.wait()
        except TimeoutError:
            return
        raise StoppedError

    async def cutting(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do what may be cut short at any point, and return what it comes to.

        Raises:
            StoppedError: the run was told to stop, before or during the work.
        """
        if self.is_requested:
            work.close()
            raise StoppedError
        cut = asyncio.timeout(None)
        try:
            async with cut:
                self._cuts.add(cut)
                return await work
        except TimeoutError:
            if cut.expired():
                raise StoppedError from None
            raise
        finally:
            self._cuts.discard(cut)

    async def until(self, event: asyncio.Event) -> None:
        """Wait until `event` is set.

        Raises:
            StoppedError: the run was told to stop, before or during the wait.
        """
        me = object()
        self._wakes[me] = event
        try:
            if not self.is_requested:
                await event.wait()
        finally:
            del self._wakes[me]
        if self.is_requested:
            raise StoppedError
