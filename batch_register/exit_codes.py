"""What each exit code means, in one line.

Decides: the words. Must not know: which error gives which code (that is `errors` and
`engine.outcome`; a test compares).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_STOPPED = "stopped by SIGINT, SIGTERM; run again"

MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        0: "every selected entry is active, by the ledger",
        1: "internal error: please report it",
        2: "wrong usage or settings",
        3: "some entries failed or are in conflict",
        4: "unfinished or unknown entries remain: run again",
        5: "the window of `--max-duration` is over; run again",
        6: "the image quota is reached; the rest is deferred",
        7: "another run holds the ledger",
        65: "the manifest is invalid",
        69: "the service is unreachable, and nothing could be done",
        74: "the ledger cannot be read or written",
        77: "not authenticated, or not allowed",
        130: _STOPPED,
        143: _STOPPED,
    }
)


def by_meaning() -> dict[str, str]:
    """Return the meanings by their codes as text; codes of one meaning stand together."""
    codes: dict[str, list[str]] = {}
    for code, meaning in MEANINGS.items():
        codes.setdefault(meaning, []).append(str(code))
    return {", ".join(same): meaning for meaning, same in codes.items()}
