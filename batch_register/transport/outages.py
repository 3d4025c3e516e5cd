"""Notice when nothing listens at a service's address any more.

Decides: which failure shows that. Must not know: what anybody makes of it.
"""

from __future__ import annotations

from batch_register.errors import ServiceError
from batch_register.outage import Outage
from batch_register.ports import Clock
from batch_register.transport.contract import Reply, Request, Sender
from batch_register.transport.failure import REFUSED


class OutageSender:
    """A `Sender` that keeps when a connection was last refused (RFC 9293, 3.5.2).

    That is the host's own word that no process listens there. No answer, no route and
    no name may be the network's fault, and the service be well.
    """

    def __init__(self, sender: Sender, outage: Outage, clock: Clock) -> None:
        self._sender = sender
        self._outage = outage
        self._clock = clock

    async def send(self, request: Request) -> Reply:
        """Send as the inner sender does, and look at its failure."""
        try:
            return await self._sender.send(request)
        except ServiceError as error:
            if error.fault.code == REFUSED:
                self._outage.seen_at = self._clock.now()
            raise
