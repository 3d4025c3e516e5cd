"""An ImageService whose lists are counted where they are really sent.

Decides: nothing. Must not know: who asks for a list. Whoever stands between throttle and
service may send a list of its own; the gateway counts it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from batch_register.errors import ServiceError
from batch_register.model import FaultKind, ImageQuery, ImageView
from batch_register.ports import ImageService
from batch_register.relay import Relay
from batch_register.throttle.window import Call, Traffic

_NEVER_PASSED = frozenset({FaultKind.THROTTLED, FaultKind.UNREACHABLE})


@asynccontextmanager
async def counting(traffic: Traffic, call: Call) -> AsyncIterator[None]:
    """Count a call while it is under way, and afterwards if it passed the gateway."""
    loop = asyncio.get_running_loop()
    traffic.note_sent(call, loop.time())
    is_counted = True
    try:
        yield
    except ServiceError as error:
        is_counted = error.kind not in _NEVER_PASSED
        raise
    except Exception:  # whoever stands in between has not sent it
        is_counted = False
        raise
    finally:
        traffic.note_answered(call, loop.time(), is_counted=is_counted)


class CountedLists(Relay):
    """Passes everything on, and counts lists."""

    def __init__(self, service: ImageService, traffic: Traffic) -> None:
        super().__init__(service)
        self._traffic = traffic

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """See ports.ImageService."""
        async with counting(self._traffic, Call.LIST):
            return await super().list_images(query)
