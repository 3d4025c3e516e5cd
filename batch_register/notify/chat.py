"""Chat services, mail and the like through Apprise: the extra `notify`.

Apprise is blocking code with time-outs and thread pools of its own, which Python joins on
its way out. So it works in a process of its own, which can be ended at any moment.
Decides: when an address is one of Apprise's. Must not know: what a service does with the
text. Source: Apprise, "Development API". Imported only where such an address is told: the
extra may be missing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE

import apprise

from batch_register.errors import SettingsError
from batch_register.notify.carrier import TOTAL_S, Letter, NotDeliveredError
from batch_register.settings import Address

# Its lines may quote what it sends and where.
_ABOVE_ALL = logging.CRITICAL + 1
# No module of the working directory may pass for Apprise (-P).
_PROGRAM = (sys.executable, "-P", "-m", "batch_register.notify.chat_process")


class Chat:
    """One address that Apprise serves; a `Carrier`."""

    def __init__(self, address: Address) -> None:
        """Raise SettingsError where Apprise cannot use the address."""
        self._address = address
        logging.getLogger("apprise").setLevel(_ABOVE_ALL)
        if not apprise.Apprise().add(address.url):
            message = f"notify: Apprise cannot use the address {address.shown}"
            raise SettingsError(message, hint="its documentation lists the forms")

    @property
    def destination(self) -> str:
        """Return what may be shown of the address."""
        return self._address.shown

    async def carry(self, letter: Letter) -> None:
        """Deliver the letter; raise NotDeliveredError where Apprise did not."""
        # Over a pipe and not as arguments, which every process of the machine can read.
        process = await asyncio.create_subprocess_exec(
            *_PROGRAM,
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is for us
        )
        try:
            await process.communicate(self._task(letter))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            message = "Apprise could not deliver it; its own command says more (-vv)"
            raise NotDeliveredError(message)

    def _task(self, letter: Letter) -> bytes:
        task = {
            "url": self._address.url,
            "title": letter.title,
            "text": letter.text,
            "is_trouble": letter.is_trouble,
            "longest_s": TOTAL_S,
        }
        return json.dumps(task).encode()
