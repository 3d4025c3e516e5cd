"""The bytes of a file that an inspection may see, within its budget.

Decides: how much is read, and that nothing behind the file's end is asked for. Must not
know: what the bytes mean.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Self

Read = Callable[[int, int], Awaitable[bytes]]

BUDGET_BYTES: Final = 64 * 1024
HEAD_BYTES: Final = 33 * 1024  # an ISO's first descriptor begins at 32 KiB


class CutOffError(Exception):
    """A structure that a format begins with is not whole."""


class Window:
    """A file's first bytes, and more of it on demand until the budget is used up."""

    def __init__(self, read: Read, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.head = b""
        self._read = read
        self._left_bytes = BUDGET_BYTES

    @classmethod
    async def open(cls, read: Read, size_bytes: int) -> Self:
        """Return a window whose `head` is read."""
        window = cls(read, size_bytes)
        window.head = await window._fetch(0, HEAD_BYTES)
        return window

    async def at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`, both 0 or more, as the budget allows.

        Fewer, too, where the file ends.
        """
        held = self.head[offset : offset + length]
        return held + await self._fetch(offset + len(held), length - len(held))

    async def whole(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`.

        Raises:
            CutOffError: there are not that many.
        """
        found = await self.at(offset, length)
        if len(found) < length:
            raise CutOffError
        return found

    async def _fetch(self, offset: int, length: int) -> bytes:
        length = min(length, self.size_bytes - offset, self._left_bytes)
        if length <= 0:
            return b""
        self._left_bytes -= length
        return (await self._read(offset, length))[:length]
