"""Chat services, mail and the like through Apprise: the extra `notify`.

Apprise is blocking code with time-outs of its own; it runs in a thread that nobody waits
for. Decides: when an address is one of Apprise's. Must not know: what a service does
with the text. Source: Apprise, "Development API". Imported only where such an address is
told: the extra may be missing.
"""

from __future__ import annotations

import asyncio
import logging

import apprise

from batch_register.errors import SettingsError
from batch_register.notify.carrier import Letter, NotDeliveredError
from batch_register.settings import Address

# Its lines may quote what it sends and where.
_ABOVE_ALL = logging.CRITICAL + 1


class Chat:
    """One address that Apprise serves; a `Carrier`."""

    def __init__(self, address: Address) -> None:
        """Raise SettingsError where Apprise cannot use the address."""
        self._address = address
        logging.getLogger("apprise").setLevel(_ABOVE_ALL)
        self._service = apprise.Apprise()
        if not self._service.add(address.url):
            message = f"notify: Apprise cannot use the address {address.shown}"
            raise SettingsError(message, hint="its documentation lists the forms")

    @property
    def destination(self) -> str:
        """Return what may be shown of the address."""
        return self._address.shown

    async def carry(self, letter: Letter) -> None:
        """Deliver the letter; raise NotDeliveredError where Apprise did not."""
        arrived = await asyncio.to_thread(
            self._service.notify,
            body=letter.text,
            title=letter.title,
            notify_type=apprise.NotifyType.FAILURE
            if letter.is_trouble
            else apprise.NotifyType.SUCCESS,
            body_format=apprise.NotifyFormat.TEXT,
        )
        if not arrived:
            message = "Apprise could not deliver it; its own command says more (-vv)"
            raise NotDeliveredError(message)
