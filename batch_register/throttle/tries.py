"""How one call has fared so far. Decides: nothing."""

from __future__ import annotations

from dataclasses import dataclass

from batch_register.throttle.window import Call


@dataclass(slots=True, kw_only=True)
class Tries:
    """One call and its sendings; times are loop time in seconds."""

    call: Call
    began_s: float
    sent_s: float  # when it last went out; before that, when it began
    sendings: int = 0
    failures: int = 0  # outages in a row
    refusals: int = 0  # "too many" in a row
