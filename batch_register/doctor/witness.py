"""A sender that remembers which services have answered, and what time they said it was.

Decides: how a Date header becomes the distance between two clocks. Must not know: what
is asked of whom.
"""

from __future__ import annotations

import asyncio
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
        self.asked = ""  # whose answer is waited for now
        self.slowest_s: dict[str, float] = {}  # answer of each that has answered
        self.skew_s: float | None = None  # the latest; above 0: our clock is ahead

    async def send(self, request: Request) -> Reply:
        """Send as the inner sender does, and look at the answer's Date."""
        loop, host = asyncio.get_running_loop(), urlsplit(request.url).netloc
        began, began_s = self._clock.now(), loop.time()
        self.asked = host
        try:
            reply = await self._sender.send(request)
        finally:
            self.asked = ""
        ended, took_s = self._clock.now(), loop.time() - began_s
        self.slowest_s[host] = max(took_s, self.slowest_s.get(host, 0.0))
        said = server_time(reply)
        if said is not None:
            middle = began + (ended - began) / 2
            self.skew_s = (middle - said - _CUT_OFF).total_seconds()
        return reply

    def has_heard(self, url: str) -> bool:
        """Return whether the service at this address has answered anything."""
        return self.slowest_of(url) is not None

    def slowest_of(self, url: str) -> float | None:
        """Return the time of its slowest answer, in seconds; None: it gave none."""
        return self.slowest_s.get(urlsplit(url).netloc)

    def service_now(self) -> datetime | None:
        """Return the service's time, UTC, at most an hour ahead; None: it told none."""
        if self.skew_s is None:
            return None
        skew_s = max(self.skew_s, -_MOST_AHEAD_S)
        return self._clock.now() - timedelta(seconds=skew_s)
