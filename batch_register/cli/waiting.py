"""A word every few seconds to whoever waits at a terminal.

Decides: when a word is due. Must not know: what is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TextIO

EVERY_S = 5.0


@asynccontextmanager
async def told_while_waiting(
    stream: TextIO, doing: Callable[[], str]
) -> AsyncIterator[None]:
    """Write what is being done, and for how long, while the block goes on.

    Plain lines, without control characters; nothing where `stream` is no terminal, and
    nothing in a block that ends within EVERY_S.
    """
    if not stream.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    timers: list[asyncio.TimerHandle] = []  # the one that is due next

    def tell() -> None:
        wind_up()
        with suppress(OSError):  # a terminal that has gone is no reason to end
            stream.write(f"{loop.time() - began_s:3.0f} s: {doing()}\n")
            stream.flush()

    def wind_up() -> None:
        timers[:] = [loop.call_later(EVERY_S, tell)]

    wind_up()
    try:
        yield
    finally:
        timers[0].cancel()
