"""How much of a rate each worker may take. Numbers in, numbers out.

Decides: that the shares of all workers in use make up the rate. Must not know: tasks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager


class Shares:
    """A rate in bytes per second, cut evenly among the workers that may be sending.

    A worker learns its share with its next part, so that the sum may be above the rate
    while a part lasts that began when fewer workers were in use.
    """

    def __init__(self, bytes_per_s: float | None) -> None:
        self._bytes_per_s = bytes_per_s
        self._uses: Counter[str] = Counter()

    @contextmanager
    def taken(self, addresses: Collection[str]) -> Iterator[float | None]:
        """Give what each of these workers may send while the block runs; None: all."""
        self._uses.update(addresses)
        try:
            yield self._bytes_per_s and self._bytes_per_s / len(self._uses)
        finally:
            self._uses.subtract(addresses)
            self._uses = +self._uses
