"""The simulator's own time, and the text forms in which the cloud writes it.

It knows two clocks: the service's, which may run faster than the world's, and the
gateway's, which checks signatures of clients that live in the world's time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

_ACCEPTED_FORMS = (
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%d %H:%M:%S",
)


def wall_now_s() -> float:
    """Return the world's time in seconds since the epoch."""
    return datetime.now(UTC).timestamp()


class Clock:
    """Service time: a start, plus what has passed since then, times a speed."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
        start_s: float | None = None,
        speed: float = 1.0,
        gateway_skew_s: float = 0.0,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._origin_s = monotonic()
        self._skipped_s = 0.0
        self._gateway_skew_s = gateway_skew_s
        self.start_s = wall() if start_s is None else start_s
        self.speed = speed

    def now_s(self) -> float:
        """Return the service's time in seconds since the epoch."""
        passed_s = self._monotonic() - self._origin_s
        return self.start_s + passed_s * self.speed + self._skipped_s

    def gateway_now_s(self) -> float:
        """Return the time against which signed dates are checked, in epoch seconds."""
        return self._wall() + self._gateway_skew_s

    def advance(self, by_s: float) -> None:
        """Skip service seconds at once, so that a test need not wait for them."""
        if by_s < 0:
            message = f"the clock cannot go back by {-by_s} s"
            raise ValueError(message)
        self._skipped_s += by_s

    def real_s(self, service_s: float) -> float:
        """Return how many loop seconds the given service seconds take."""
        return service_s / self.speed


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def seconds_text(at_s: float) -> str:
    """Write a time as images carry it: ``2026-09-01T01:00:04Z``."""
    return _moment(int(at_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def millis_text(at_s: float) -> str:
    """Write a time as jobs carry it: ``2026-09-01T01:00:06.195Z``."""
    millis = int(at_s * 1000)
    return _moment(millis // 1000).strftime(f"%Y-%m-%dT%H:%M:%S.{millis % 1000:03d}Z")


def micros_text(at_s: float) -> str:
    """Write a time as tokens carry it: ``2026-09-01T01:00:00.527363Z``."""
    return _moment(at_s).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def legacy_text(at_s: float) -> str:
    """Write a time as the oldest job pages show it: ``04-Jun-2015 18:11:06:586``."""
    millis = int(at_s * 1000)
    return _moment(millis // 1000).strftime(f"%d-%b-%Y %H:%M:%S:{millis % 1000:03d}")


def parse_time(text: str) -> float:
    """Read a time of a list filter into epoch seconds.

    Raises:
        ValueError: the text has none of the documented forms.
    """
    for form in _ACCEPTED_FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    message = f"not a time of the API: {text!r}"
    raise ValueError(message)
