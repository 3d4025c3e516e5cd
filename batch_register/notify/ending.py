"""How a run ended, and whether that is worth telling.

Decides: what each exit code means in words, which ends are trouble and which are told to
nobody. Must not know: forms, addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from batch_register.errors import LedgerLockedError, ManifestProblem
from batch_register.report.digest import headline
from batch_register.report.plain import printable
from batch_register.report.rows import Report

# The same words as in README's table; a test compares the two.
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
        130: "stopped by SIGINT, SIGTERM; run again",
        143: "stopped by SIGINT, SIGTERM; run again",
    }
)
_UNLISTED = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a run ended without a report; the words hold no secret."""

    reference: str
    message: str
    hint: str = ""
    problems: tuple[ManifestProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one run ended: with a report, or for a reason why there is none."""

    manifest: str  # its name, or its file's where it could not be read
    exit_code: int
    started_at: datetime
    finished_at: datetime
    report: Report | None = None
    reason: Reason | None = None
    is_rehearsal: bool = False

    @property
    def meaning(self) -> str:
        """Return what the exit code means; one that is not listed means failure."""
        return MEANINGS.get(self.exit_code, _UNLISTED)

    @property
    def is_trouble(self) -> bool:
        """Return whether somebody may have to do something."""
        return self.exit_code != 0

    @property
    def headline(self) -> str:
        """Return the whole in one line."""
        prefix = "rehearsal of " if self.is_rehearsal else ""
        gist = self.meaning if self.report is None else headline(self.report)
        return f"{prefix}{printable(self.manifest)}: {gist}"


def is_told(exit_code: int, *, on_trouble_only: bool) -> bool:
    """Return whether this end is told to anyone.

    A run that found the ledger taken tells nobody: the run that holds it will.
    """
    if exit_code == LedgerLockedError.exit_code:
        return False
    return exit_code != 0 or not on_trouble_only
