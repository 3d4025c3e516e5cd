"""How long something lasts, as roughly as whoever watches wants to read it.

Decides: how a guess and an age are rounded. Must not know: what lasts.
"""

from __future__ import annotations

import math
from datetime import timedelta

_MINUTE_S = 60


def format_left(left: timedelta) -> str:
    """Return a duration as precisely as a guess deserves: up to a whole minute."""
    return _minutes(math.ceil(left.total_seconds() / _MINUTE_S))


def format_age(age: timedelta) -> str:
    """Return a duration that has passed: in seconds, later in whole minutes."""
    seconds = max(int(age.total_seconds()), 0)
    return _minutes(seconds // _MINUTE_S) if seconds >= _MINUTE_S else f"{seconds} s"


def _minutes(number: int) -> str:
    hours, minutes = divmod(number, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
