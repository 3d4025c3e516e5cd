"""Who may begin an image while the number of unfinished jobs is bounded.

Decides: in which order places are given, and when one comes back. Must not know: what
the bound is (that is `tasks`), calls, images.

A place belongs to the asyncio task that asks for it, which is one entry's, and comes
back when that task ends, however it ends: none can leak. A shell that is not registered
soon does not keep one either.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from batch_register.stopping import Stop
from batch_register.throttle.tasks import TaskCap

_Holder = asyncio.Task[Any]


class Places:
    """Hands out places in the order of asking, shells that exist first."""

    def __init__(self, cap: TaskCap, *, stop: Stop, shell_s: float) -> None:
        self.cap = cap
        self._stop = stop
        self._shell_s = shell_s
        self._queue: deque[tuple[_Holder, asyncio.Event]] = deque()
        self._idle: dict[_Holder, asyncio.TimerHandle] = {}
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, *, is_shell: bool = False) -> None:
        """Take a place for the calling task, unless it has one.

        Raises:
            StoppedError: the run was told to stop.
        """
        me = _caller()
        self._rouse(me)
        if self.cap.holds(me):
            return
        me.add_done_callback(self._leave)
        if not self._queue and self.cap.admits(_now_s()):
            self.cap.begin(me)
            return
        turn = asyncio.Event()
        place = (me, turn)
        if is_shell:
            self._queue.appendleft(place)
        else:
            self._queue.append(place)
        self._hand_out()
        try:
            await self._stop.until(turn)
        finally:
            if not turn.is_set():
                self._queue.remove(place)

    async def room(self) -> None:
        """Wait until a register may go out.

        Raises:
            StoppedError: the run was told to stop.
        """
        while not self.cap.may_register(_now_s()):
            self._changed.clear()
            self._set_timer()
            await self._stop.until(self._changed)

    def rest(self) -> None:
        """Take note that the calling task has a shell, and may be long with it."""
        me = _caller()
        loop = asyncio.get_running_loop()
        self._idle[me] = loop.call_later(self._shell_s, self._leave, me)

    def accept(self) -> bool:
        """Take note that the calling task has a job; return whether the cap rose."""
        has_risen = self.cap.note_accepted(_caller(), _now_s())
        self._hand_out()
        return has_risen

    def leave(self) -> None:
        """Give the calling task's place back."""
        self._leave(_caller())

    def _leave(self, holder: _Holder) -> None:
        self._rouse(holder)
        self.cap.leave(holder, _now_s())
        self._hand_out()

    def _rouse(self, holder: _Holder) -> None:
        timer = self._idle.pop(holder, None)
        if timer is not None:
            timer.cancel()

    def _hand_out(self) -> None:
        self._changed.set()
        while self._queue and self.cap.admits(_now_s()):
            holder, turn = self._queue.popleft()
            self.cap.begin(holder)
            turn.set()
        if self._queue:
            self._set_timer()

    def _set_timer(self) -> None:
        """Look again when time alone may make room."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at_s = self.cap.next_change_s(_now_s())
        if at_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(at_s, self._hand_out)


def _caller() -> _Holder:
    task = asyncio.current_task()
    if task is None:
        message = "a place belongs to a task"
        raise AssertionError(message)
    return task


def _now_s() -> float:
    return asyncio.get_running_loop().time()
