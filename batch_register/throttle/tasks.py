"""How many unfinished jobs a cloud lets us have, learned from its refusals.

Decides: whether another image may be begun, and whether another register may go out.
Must not know: clocks, loops, calls, images: a holder is whatever the caller names.
Times are seconds on whatever clock the caller uses.

A cloud does not publish the number, and others may use part of it. So: start slowly,
since a burst into an unknown limit is refused in its larger part; take the number of
our unfinished jobs when refused for the limit; try one more after a clean while, and
go on as long as that is accepted. One or two that were accepted on top may only have
taken the places of jobs whose ends we had not seen yet: they count once so many are
still unfinished when we must have seen that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

# Until the limit is known, a quarter more may be tried at once than was ever accepted:
# that part is refused when the limit is met.
_STEP_PARTS = 4
# A cloud that allows fewer jobs than this has its first burst refused in part.
_FIRST = 4
# More ends than this are hardly overlooked at once.
_OVERLOOKED = 2
# Of more jobs than this some end at any time, so that nothing could become certain; and
# among so many registers a few that are refused in vain do not matter.
_FEW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPolicy:
    """How a limit is tried again; times in seconds."""

    clean_s: float = 60.0  # so long after the refusal that taught it
    longest_clean_s: float = 1800.0  # each vain trial triples the wait, up to this
    # A job may outlive the image's activation; until measured, it is taken not to.
    linger_step_s: float = 1.0
    longest_linger_s: float = 15.0
    seen_s: float = 10.0  # so long after it has ended an image is known to have


class TaskCap:
    """Counts our unfinished jobs against what the cloud allows."""

    def __init__(self, policy: TaskPolicy, *, limit: int | None = None) -> None:
        """`limit`: as remembered; it is tried again like any other."""
        self._policy = policy
        self.limit = limit
        self.linger_s = 0.0
        self._begun: set[Hashable] = set()  # will register soon
        self._running: set[Hashable] = set()  # have a job
        self._peak = 0
        self._ended_s: deque[float] = deque()  # the ends that may still linger
        self._refused_s: float | None = None  # the last time
        self._base = 0  # what is certain of the limit: so many ran, all seen to run
        self._doubted_s: float | None = None  # since when more than that is doubtful
        self._vain = 0  # trials beyond it, in a row

    @property
    def running(self) -> int:
        """Return how many unfinished jobs of ours are known."""
        return len(self._running)

    @property
    def certain_limit(self) -> int | None:
        """Return the limit without what of it is doubtful just now."""
        return self.limit if self._doubted_s is None else self._base

    def holds(self, holder: Hashable) -> bool:
        """Return whether this one has a place."""
        return holder in self._begun or holder in self._running

    def admits(self, now_s: float) -> bool:
        """Return whether another image may be begun."""
        self._settle(now_s)
        held = len(self._begun) + self.running + self._lingering(now_s)
        return held < self._allowed(now_s)

    def may_register(self, now_s: float) -> bool:
        """Return whether one of those begun may send its register."""
        self._settle(now_s)
        return self.running + self._lingering(now_s) < self._allowed(now_s)

    def begin(self, holder: Hashable) -> None:
        """Give this one a place."""
        if holder not in self._running:
            self._begun.add(holder)

    def note_accepted(self, holder: Hashable, now_s: float) -> bool:
        """Take note of a job, or what may be one; return whether it raised the limit."""
        self._begun.discard(holder)
        self._running.add(holder)
        self._peak = max(self._peak, self.running)
        # those that may linger too: else a limit with many of them would never rise
        counted = self.running + self._lingering(now_s)
        if self.limit is None or counted <= self.limit:
            return False
        self.limit = counted
        return True

    def note_refused(self, now_s: float) -> None:
        """Take note that the cloud has refused a register for too many jobs."""
        self._settle(now_s)
        self._refused_s = now_s
        counted = self.running + self._lingering(now_s)
        if self.limit is not None and counted >= self.limit and self._is_doubtful:
            self._doubted_s = now_s if self._doubted_s is None else self._doubted_s
            return
        before, self._base = self._base, self._refused_limit(now_s)
        self.limit, self._doubted_s = self._base, None
        is_news = self._base > before or self._base < before - 1
        self._vain = 0 if is_news else self._vain + 1

    def _settle(self, now_s: float) -> None:
        """End a doubt once all ends from before it are known."""
        if self.limit is None or self._doubted_s is None:
            return
        if now_s < self._doubted_s + self._policy.seen_s:
            return
        before = self._base
        counted = self.running + self._lingering(now_s)
        self._base = max(before, min(counted, self.limit))
        self._vain = 0 if self._base > before else self._vain + 1
        self.limit, self._doubted_s = self._base, None

    @property
    def _is_doubtful(self) -> bool:
        """Return whether the limit has risen by no more than what may be overlooked."""
        limit = self.limit or 0
        return 0 < self._base <= _FEW and self._base < limit <= self._base + _OVERLOOKED

    def _refused_limit(self, now_s: float) -> int:
        """Return what a refusal shows to be the limit."""
        counted = self.running + self._lingering(now_s)
        if self.limit is not None and counted >= self.limit:
            return self.limit
        if self.limit is None:
            return max(1, self.running)
        fresh = self._fresh(now_s)
        if fresh:
            self._linger_longer(now_s - self._ended_s[-1])
        known = self.limit if self._doubted_s is None else self._base
        return max(1, min(self.running + fresh, known))

    def leave(self, holder: Hashable, now_s: float) -> None:
        """Take this one's place back."""
        self._begun.discard(holder)
        if holder in self._running:
            self._running.discard(holder)
            self._ended_s.append(now_s)
            self._fresh(now_s)

    def next_change_s(self, now_s: float) -> float | None:
        """Return when time alone may next change an answer; None: it never will."""
        moments = [at_s + self.linger_s for at_s in self._ended_s]
        if self._doubted_s is not None:
            moments.append(self._doubted_s + self._policy.seen_s)
        if self.limit is not None and self._refused_s is not None:
            moments.append(self._refused_s + self._clean_s)
        return min((at_s for at_s in moments if at_s > now_s), default=None)

    def _allowed(self, now_s: float) -> int:
        if self.limit is None:
            most = max(self._peak, self.running)
            return max(_FIRST, most + 1 + most // _STEP_PARTS)
        if self._doubted_s is not None:
            return self._base
        return self.limit + (1 if self._is_clean(now_s) else 0)

    def _is_clean(self, now_s: float) -> bool:
        """Return whether the limit may be tried again."""
        return self._refused_s is None or now_s >= self._refused_s + self._clean_s

    @property
    def _clean_s(self) -> float:
        policy = self._policy
        # beyond that the float only overflows
        return min(policy.longest_clean_s, policy.clean_s * 3.0 ** min(self._vain, 62))

    def _lingering(self, now_s: float) -> int:
        """Return how many jobs probably run on, though their images are done."""
        return sum(at_s > now_s - self.linger_s for at_s in self._ended_s)

    def _fresh(self, now_s: float) -> int:
        """Return how many jobs may run on at the most."""
        longest_s = self._policy.longest_linger_s
        while self._ended_s and self._ended_s[0] <= now_s - longest_s:
            self._ended_s.popleft()
        return len(self._ended_s)

    def _linger_longer(self, at_least_s: float) -> None:
        longer_s = max(2 * self.linger_s, at_least_s + self._policy.linger_step_s)
        self.linger_s = min(self._policy.longest_linger_s, longer_s)
