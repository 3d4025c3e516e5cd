"""What time the service says it is, learned from its answers.

Decides: how a Date header becomes the service's time now. Must not know: what anybody
wants to know the time for.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from batch_register.transport.contract import Reply, Request, Sender
from batch_register.transport.skew import server_time


class DatedSender:
    """A `Sender` that keeps the latest Date of its answers (RFC 9110, section 6.6.1)."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._said: datetime | None = None
        self._heard_s = 0.0

    async def send(self, request: Request) -> Reply:
        """Send as the inner sender does, and look at the answer's Date."""
        reply = await self._sender.send(request)
        said = server_time(reply)
        if said is not None:
            self._said, self._heard_s = said, asyncio.get_running_loop().time()
        return reply

    def service_now(self) -> datetime | None:
        """Return the service's time, UTC; None where it has not told any."""
        if self._said is None:
            return None
        passed_s = asyncio.get_running_loop().time() - self._heard_s
        return self._said + timedelta(seconds=passed_s)
