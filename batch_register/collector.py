"""Keep the garbage collector off large heaps that hold no garbage.

Decides: when it pauses and what it never searches again. Must not know: whose heap it is.

Its full passes take longer the more there is, and none of what a manifest or a ledger is
read into can be freed: with it on, 100,000 entries take twice as long to read, and the
event loop would stand still for a tenth of a second whenever it comes round.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_MANY = 10_000  # a pass over what belongs to these takes some 10 ms


@contextmanager
def paused() -> Iterator[None]:
    """Let the collector rest until the block ends; safe to nest, and in any thread."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def spare_what_is_there() -> None:
    """Leave all that exists now out of every later pass."""
    gc.freeze()


@contextmanager
def preparing(entries: int) -> Iterator[None]:
    """Do both for what is made of so many entries and stays: few are not worth it.

    Before the collector goes on: its next pass would be over all that is new.
    """
    if entries < _MANY:
        yield
        return
    with paused():
        yield
        gc.freeze()
