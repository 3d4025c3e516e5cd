"""How fast bytes may go out, all files together. Numbers in, numbers out.

Must not know: clocks, sockets, threads. Times are seconds on the caller's clock.
"""

from __future__ import annotations

from dataclasses import dataclass

# How much of a second may go out at once after a rest; what a rest saved is not caught
# up with, or the line would see twice the rate.
_BURST_S = 0.25
_SMALLEST_BLOCK_BYTES = 4 * 2**10
LARGEST_BLOCK_BYTES = 256 * 2**10


@dataclass(slots=True, kw_only=True)
class Pace:
    """A rate that is shared: whoever is about to send asks how long to wait first.

    Turns are handed out in advance: a block is paid for by whoever sends after it, so
    that the sum over all senders keeps the rate, whatever the size of their blocks.
    """

    bytes_per_s: float
    _free_at_s: float = float("-inf")

    def wait_s(self, length: int, now_s: float) -> float:
        """Take a turn for so many bytes; return how long to wait before sending them."""
        start_s = max(self._free_at_s, now_s - _BURST_S)
        self._free_at_s = start_s + length / self.bytes_per_s
        return max(0.0, start_s - now_s)

    @property
    def block_bytes(self) -> int:
        """Return how much to send at once: about eight blocks a second, or more."""
        eighth = int(self.bytes_per_s / 8)
        return max(_SMALLEST_BLOCK_BYTES, min(LARGEST_BLOCK_BYTES, eighth))
