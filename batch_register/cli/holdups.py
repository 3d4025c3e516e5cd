"""Why a run moves slowly or not at all, as far as it has said so itself.

Decides: which notices explain that, for how long, and in which order. Must not know:
how it is shown, what the run does about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

_STOPPING = {
    "sigint": "again to stop at once",
    "sigterm": "again to stop at once",
    "window": "the window is over",
    "unauthenticated": "the service refuses the credentials",
    "unreachable": "the service does not answer",
}


class Holdups:
    """Remembers what was noticed, as long as it explains anything."""

    def __init__(self) -> None:
        self._stop_reason: str | None = None
        self._is_window_closed = False
        self._throttled_by = ""
        self._next_call: datetime | None = None
        self._lists_show: datetime | None = None
        self._outage = ""
        self._deferred = 0
        self._task_cap: int | None = None

    def notice(self, name: str, facts: Mapping[str, object], now: datetime) -> None:
        """Take note of one notice of the run; most explain nothing."""
        match name:
            case "run.stopping":
                self._stop_reason = str(facts.get("reason"))
            case "run.window_closed":
                self._is_window_closed = True
            case "service.throttled":
                self._throttle(str(facts.get("code")), _after(now, facts.get("wait_s")))
            case "look.waits_for_lists":
                self._lists_show = _after(now, facts.get("seconds"))
            case "quota.reached":
                self._deferred = _whole(facts.get("deferred")) or 0
            case "throttle.tasks_capped" | "throttle.tasks_raised":
                self._task_cap = _whole(facts.get("limit"))
            case "service.call_failed" | "watch.list_failed":
                self._outage = str(facts.get("error"))
            case _:
                pass

    def note_move(self) -> None:
        """Take note that an entry moved: whatever failed before, the service answers."""
        self._outage = ""

    def sentences(
        self, now: datetime, *, open_calls: int, pending: int
    ) -> tuple[str, ...]:
        """Return what explains a standstill at `now`, the weightiest first.

        `open_calls`: requests that wait for their answer; `pending`: entries that have
        not begun.
        """
        if self._stop_reason is not None:
            calls = "call finishes" if open_calls == 1 else "calls finish"
            what = _STOPPING.get(self._stop_reason, self._stop_reason)
            return (f"stopping: {open_calls} open {calls}; {what}",)
        found = [
            self._wait(self._next_call, now, f"throttled ({self._throttled_by})"),
            f"the service fails: {self._outage}" if self._outage else "",
            self._wait(self._lists_show, now, "lists may lag behind an earlier run"),
            "window closed: nothing new begins" if self._is_window_closed else "",
            f"image quota reached: {self._deferred} wait" if self._deferred else "",
            self._cap_words() if pending else "",
        ]
        return tuple(sentence for sentence in found if sentence)

    def _throttle(self, code: str, until: datetime) -> None:
        if self._next_call is None or until >= self._next_call:
            self._next_call, self._throttled_by = until, code

    def _wait(self, until: datetime | None, now: datetime, why: str) -> str:
        if until is None or until <= now:
            return ""
        left_s = -((now - until) // timedelta(seconds=1))  # rounded up
        return f"next call in {left_s} s: {why}"

    def _cap_words(self) -> str:
        if self._task_cap is None:
            return ""
        return f"task cap: the service takes {self._task_cap} at once"


def _after(now: datetime, seconds: object) -> datetime:
    return now + timedelta(seconds=seconds if isinstance(seconds, int | float) else 0)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
