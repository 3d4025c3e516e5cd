"""How far this machine's clock is from a server's, by the Date header of an answer.

Decides: when they disagree enough to be worth a word. Must not know: who asks why.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from batch_register.transport.contract import Reply

# Half of what gateways allow between a signature's time and theirs.
_NOTEWORTHY = timedelta(minutes=7, seconds=30)


def server_time(reply: Reply) -> datetime | None:
    """Return the Date header, UTC; None where it is missing or unreadable."""
    try:
        date = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)


def clock_words(reply: Reply, now: datetime) -> str:
    """Return what is wrong with our clock, as a sentence; nothing where it agrees."""
    theirs = server_time(reply)
    if theirs is None:
        return ""
    gap = now - theirs
    if abs(gap) < _NOTEWORTHY:
        return ""
    minutes = round(abs(gap) / timedelta(minutes=1))
    side = "ahead of" if gap > timedelta(0) else "behind"
    return f"this machine's clock is {minutes} minutes {side} the service's: set it"
