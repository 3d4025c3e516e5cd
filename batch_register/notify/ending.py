"""How a run ended, and whether that is worth telling.

Decides: which ends are trouble and which are told to
nobody. Must not know: forms, addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from batch_register.errors import LedgerLockedError, ManifestProblem
from batch_register.exit_codes import MEANINGS
from batch_register.report.digest import headline
from batch_register.report.plain import printable
from batch_register.report.rows import Report
from batch_register.shard import Shard, titled

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
    shard: Shard | None = None

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
        return f"{prefix}{printable(titled(self.manifest, self.shard))}: {gist}"


def is_told(exit_code: int, *, on_trouble_only: bool) -> bool:
    """Return whether this end is told to anyone.

    A run that found the ledger taken tells nobody: the run that holds it will.
    """
    if exit_code == LedgerLockedError.exit_code:
        return False
    return exit_code != 0 or not on_trouble_only
