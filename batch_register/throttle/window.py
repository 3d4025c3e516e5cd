"""How many requests a gateway allows in a window, learned from what it says.

Decides: which calls a learned limit holds for, how long a call waits for it, and that
polling gives way to writes while requests are short. Must not know: clocks, loops, how
a refusal is worded. Times are seconds on whatever clock the caller uses.

A call is held against its window from the moment it is sent until a window after its
answer: the service has counted it at some moment in between. So nothing that we send
can exceed a sliding window of the service, nor one that starts on the minute, nor a
bucket of that size; and the whole of it may go out at once, in a burst.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from batch_register.model import RequestLimit


class Call(StrEnum):
    """The kinds of calls that a gateway may count apart: one per API."""

    CREATE = "create_image"
    REGISTER = "register_image"
    DELETE = "delete_image"
    GET_IMAGE = "get_image"
    GET_JOB = "get_job"
    LIST = "list_images"
    QUOTA = "get_quota"


POLLING = frozenset({Call.GET_IMAGE, Call.GET_JOB, Call.LIST})

# A limit holds for the calls of which so large a part of it was sent in the window; the
# rest may be what others of the same account have sent.
_EVIDENCE = 0.9
# Polling slows down once less than this part of a limit that it shares is left.
_RESERVE = 0.25
# Calls of one kind that are kept in mind: no larger limit can be told apart.
_HISTORY = 10_000


@dataclass(slots=True)
class _Lane:
    """The calls of one kind so far."""

    under_way: int = 0
    answered_s: deque[float] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    sent_s: float = float("-inf")  # when the latest one went out

    def within(self, window_s: float, now_s: float) -> list[float]:
        """Return when those were answered that a window counts then, oldest first."""
        begins_s = now_s - window_s
        return [at_s for at_s in self.answered_s if begins_s < at_s <= now_s]


@dataclass(slots=True)
class _Window:
    """One learned limit, and what counts against it."""

    rule: RequestLimit
    lanes: tuple[_Lane, ...]
    is_shared: bool  # holds for all kinds of calls together
    answered_s: deque[float]

    def used(self, now_s: float) -> int:
        """Return how many calls the service may still count at this moment."""
        while self.answered_s and self.answered_s[0] <= now_s - self.rule.window_s:
            self.answered_s.popleft()
        return len(self.answered_s) + self._under_way

    def wait_s(self, now_s: float, *, spare: int = 0) -> float:
        """Return how long until one call may go out and leave `spare` others room."""
        excess = self.used(now_s) + 1 + min(spare, self.rule.limit - 1)
        excess -= self.rule.limit
        if excess <= 0:
            return 0.0
        if excess > len(self.answered_s):
            return self.rule.window_s  # none of those under way is free any earlier
        return self.answered_s[excess - 1] + self.rule.window_s - now_s

    def fill(self, now_s: float) -> None:
        """Count as used up what the service says is used up, whoever used it."""
        missing = self.rule.limit - self.used(now_s)
        self.answered_s.extend([now_s] * missing)

    @property
    def _under_way(self) -> int:
        return sum(lane.under_way for lane in self.lanes)


class Traffic:
    """What was sent lately, and the limits that are known for it."""

    def __init__(self, *, poll_gap_s: float) -> None:
        """`poll_gap_s`: the longest that polling of a kind gives way to writes."""
        self._poll_gap_s = poll_gap_s
        self._lanes = {call: _Lane() for call in Call}
        self._windows: dict[tuple[Call | None, float], _Window] = {}
        self._is_poll_due = False
        self._held_writes = 0

    @contextmanager
    def holding(self, call: Call) -> Iterator[None]:
        """Take note that a call waits for its limits meanwhile."""
        held = 0 if call in POLLING else 1
        self._held_writes += held
        try:
            yield
        finally:
            self._held_writes -= held

    def note_sent(self, call: Call, now_s: float) -> None:
        """Take note that a call goes out."""
        lane = self._lanes[call]
        lane.under_way += 1
        lane.sent_s = now_s
        if call in POLLING:
            self._is_poll_due = False

    def note_answered(self, call: Call, now_s: float, *, is_counted: bool) -> None:
        """Take note that a call has ended; not counted: it never passed the gateway."""
        self._lanes[call].under_way -= 1
        if not is_counted:
            return
        self._lanes[call].answered_s.append(now_s)
        for (scope, _), window in self._windows.items():
            if scope in (None, call):
                window.answered_s.append(now_s)

    def learn(
        self,
        call: Call,
        rule: RequestLimit,
        now_s: float,
        *,
        sent_s: float | None = None,
    ) -> bool:
        """Learn from a refusal of `call`; return whether it tells whom the rule binds.

        It was counted about when it was sent (`sent_s`; None: now): its answer may have
        been long on its way.

        Where neither calls of this kind nor all calls together make up for the limit,
        others have used it up, or an earlier run: it tells nothing.
        """
        scope: Call | None = call
        counted_s = now_s if sent_s is None else sent_s
        if not self._is_evidence([call], rule, counted_s):
            if not self._is_evidence(list(Call), rule, counted_s):
                return False
            scope = None
        lanes = [self._lanes[one] for one in ([scope] if scope else Call)]
        answered = [at_s for x in lanes for at_s in x.within(rule.window_s, now_s)]
        self._windows[scope, rule.window_s] = _Window(
            rule, tuple(lanes), scope is None, deque(sorted(answered))
        )
        return True

    def exhaust(self, call: Call, rule: RequestLimit, now_s: float) -> None:
        """Count this limit as used up, as the service says."""
        for window in self._of(call):
            if window.rule == rule:
                window.fill(now_s)

    def wait_s(self, call: Call, now_s: float) -> float:
        """Return how long a call has to wait for its limits: 0.0 when it may go."""
        is_poll = call in POLLING
        spare = 1 if self._is_poll_due and not is_poll else 0
        waits_s = [
            window.wait_s(now_s, spare=spare if window.is_shared else 0)
            for window in self._of(call)
        ]
        wait_s = max(waits_s, default=0.0)
        if not is_poll:
            return wait_s
        gap_s = self._lanes[call].sent_s + self._poll_gap_s - now_s
        if gap_s > 0.0 and self._held_writes and self._is_short(now_s):
            return max(wait_s, gap_s)
        if wait_s > 0.0:
            self._is_poll_due = True  # the next place is kept for it
        return wait_s

    def limits(self) -> dict[str, RequestLimit]:
        """Return what is known, by kind of call or `all`."""
        return {
            scope.value if scope else "all": window.rule
            for (scope, _), window in self._windows.items()
        }

    def _is_evidence(
        self, calls: Collection[Call], rule: RequestLimit, now_s: float
    ) -> bool:
        sent = sum(
            len(self._lanes[call].within(rule.window_s, now_s))
            + self._lanes[call].under_way
            for call in calls
        )
        return sent >= _EVIDENCE * rule.limit

    def _is_short(self, now_s: float) -> bool:
        """Return whether requests that polling shares with writes are running out."""
        return any(
            window.used(now_s) > (1 - _RESERVE) * window.rule.limit
            for window in self._windows.values()
            if window.is_shared
        )

    def _of(self, call: Call) -> list[_Window]:
        return [
            window
            for (scope, _), window in self._windows.items()
            if scope in (None, call)
        ]
