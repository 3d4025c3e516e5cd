"""How often failed calls may be sent again, over all tasks together.

Decides: whether one more repeat is affordable. Must not know: why a call has failed,
clocks. An outage must not be answered by five times the usual number of requests.

Source: AWS SDKs and Tools Reference Guide, "Retry behavior", retry quota.
"""

from __future__ import annotations

from dataclasses import dataclass

_FULL = 500
_OUTAGE_COST = 14
_REFUSAL_COST = 5
_REFUND = 2  # of every answer: seven good ones pay for a repeat after an outage


@dataclass(slots=True)
class RetryBudget:
    """Tokens that repeats cost and answers bring back; one budget per kind of call."""

    tokens: int = _FULL

    def note_refused(self) -> None:
        """Pay for a repeat that the service asked for; it is never denied."""
        self.tokens = max(0, self.tokens - _REFUSAL_COST)

    def pay(self) -> bool:
        """Pay for a repeat after an outage; False: it cannot be afforded."""
        if self.tokens < _OUTAGE_COST:
            return False
        self.tokens -= _OUTAGE_COST
        return True

    def note_answer(self) -> None:
        """Take note of an answer: the service is well enough."""
        self.tokens = min(_FULL, self.tokens + _REFUND)
