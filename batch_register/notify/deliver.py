"""One letter to all addresses at once, within one time for all of them.

Decides: that no carrier holds up another, the run's end, or its result, whatever it
does. Must not know: what carries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from batch_register.notify.carrier import Carrier, Letter, NotDeliveredError

# Told of each address as it is done with: what may be shown of it, and why the letter
# did not arrive; None where it did.
Tell = Callable[[str, str | None], None]


async def deliver(
    letter: Letter, carriers: Sequence[Carrier], *, total_s: float, tell: Tell
) -> None:
    """Carry the letter to all at once; a cancellation ends all of them at once."""
    async with asyncio.TaskGroup() as group:
        for carrier in carriers:
            group.create_task(_carry(letter, carrier, total_s, tell))


async def _carry(letter: Letter, carrier: Carrier, total_s: float, tell: Tell) -> None:
    try:
        async with asyncio.timeout(total_s):
            await carrier.carry(letter)
    except TimeoutError:
        reason: str | None = f"not delivered within {total_s:g} s"
    except NotDeliveredError as error:
        reason = str(error)
    except asyncio.CancelledError:
        tell(carrier.destination, "stopped by a signal")
        raise
    except Exception as error:  # noqa: BLE001 - a run's result is not at its mercy
        reason = f"internal error: {type(error).__name__}"
    else:
        reason = None
    tell(carrier.destination, reason)
