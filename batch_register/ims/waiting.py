"""How long a service asks us to stay away, and how much it allows.

Decides: what a Retry-After header or a throttling text means in seconds and requests.
Must not know: what is done about it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from batch_register.model import RequestLimit

LONGEST_WAIT_S: Final = 3600.0  # a longer one is a mistake, or not worth obeying

_SECONDS: Final = re.compile(r"[+-]?\d{1,20}(\.\d{1,20})?", re.ASCII)
_WINDOW: Final = re.compile(
    r"limit:\s*(\d{1,9})\s*,\s*time:\s*(\d{1,9})\s*(second|minute|hour|day)",
    re.IGNORECASE | re.ASCII,
)
_UNIT_S: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}


def retry_after_s(header: str | None, text: str, now: datetime) -> float | None:
    """Return the seconds to stay away, 0 to an hour; None where nothing is said.

    The header counts (RFC 9110, section 10.2.3: seconds or a date), else the window
    that the gateway names in its text: `limit:5,time:1 minute`.
    """
    wait_s = _of_header(header.strip(), now) if header is not None else None
    if wait_s is None and (window := _WINDOW.search(text)):
        wait_s = _window_s(window)
    return None if wait_s is None else min(max(wait_s, 0.0), LONGEST_WAIT_S)


def request_limit(text: str) -> RequestLimit | None:
    """Return the rule that a gateway names in its text; None where it names none."""
    window = _WINDOW.search(text)
    if window is None:
        return None
    limit, window_s = int(window.group(1)), _window_s(window)
    if limit == 0 or window_s == 0.0:
        return None  # nothing could ever go out
    return RequestLimit(limit=limit, window_s=window_s)


def _window_s(window: re.Match[str]) -> float:
    return int(window.group(2)) * _UNIT_S[window.group(3).lower()]


def _of_header(value: str, now: datetime) -> float | None:
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:  # "-0000": UTC, from where is not told
        moment = moment.replace(tzinfo=UTC)
    return (moment - now).total_seconds()
