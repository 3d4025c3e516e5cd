"""A sender that remembers which services have answered, and what time they said it was.

Decides: how a Date header becomes the distance between two clocks. Must not know: what
is asked of whom.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from batch_register.ports import Clock
from batch_register.transport import Reply, Request, Sender
from batch_register.transport.skew import server_time

# A Date has whole seconds (RFC 9110, section 5.6.7): on average it is half of one old.
_CUT_OFF = timedelta(seconds=0.5)
# A Date further ahead of us than this is more likely a broken machine's on the way.
_MOST_AHEAD_S = 3600.0


class Witness:
    """A `Sender` that listens; hosts are kept as `host:port`."""

    def __init__(self, sender: Sender, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock
        self.answered: set[str] = set()
        self.skew_s: float | None = None  # the latest; above 0: our clock is ahead

    async def send(self, request: Request) -> Reply:
        """Send as the inner sender does, and look at the answer's Date."""
        began = self._clock.now()
        reply = await self._sender.send(request)
        ended = self._clock.now()
        self.answered.add(urlsplit(request.url).netloc)
        said = server_time(reply)
        if said is not None:
            middle = began + (ended - began) / 2
            self.skew_s = (middle - said - _CUT_OFF).total_seconds()
        return reply

    def has_heard(self, url: str) -> bool:
        """Return whether the service at this address has answered anything."""
        return urlsplit(url).netloc in self.answered

    def service_now(self) -> datetime | None:
        """Return the service's time, UTC, at most an hour ahead; None: it told none."""
        if self.skew_s is None:
            return None
        skew_s = max(self.skew_s, -_MOST_AHEAD_S)
        return self._clock.now() - timedelta(seconds=skew_s)
