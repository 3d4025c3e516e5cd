"""When the image service was gone: no process listened at its address.

Decides: what a run and the runs before it remember of that. Must not know: how it is
found out, what follows from it.

A service that keeps its work in its own process loses it then, and may never say so:
OpenStack Glance leaves the imports of a process that died as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class Outage:
    """The latest outage, UTC by our own clock; None where none is known of."""

    remembered_at: datetime | None = None  # of the runs before this one
    seen_at: datetime | None = None  # of this run: when the service was last found gone

    def ago_s(self, now: datetime) -> float | None:
        """Return how long ago earlier runs last found the service gone, in seconds.

        A time that is still to come tells nothing: a clock was set back since.
        """
        if self.remembered_at is None or self.remembered_at > now:
            return None
        return (now - self.remembered_at).total_seconds()
