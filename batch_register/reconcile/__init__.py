"""Ledger and cloud compared: what is left over, double, different, or late."""

from __future__ import annotations

from batch_register.reconcile.compare import (
    Judging,
    compare,
    jobs_around,
    late_finishers,
    looks,
)
from batch_register.reconcile.findings import Findings, LateFinisher, Orphan
from batch_register.reconcile.known import Known, LedgerView, Sight
from batch_register.reconcile.mentions import mentioned
from batch_register.reconcile.outcome import Deletion, Outcome
from batch_register.reconcile.record import record_finishers
from batch_register.reconcile.removal import judging_time, orphan_age_s
from batch_register.reconcile.remove import Remover
from batch_register.reconcile.survey import Survey

__all__ = [
    "Deletion",
    "Findings",
    "Judging",
    "Known",
    "LateFinisher",
    "LedgerView",
    "Orphan",
    "Outcome",
    "Remover",
    "Sight",
    "Survey",
    "compare",
    "jobs_around",
    "judging_time",
    "late_finishers",
    "looks",
    "mentioned",
    "orphan_age_s",
    "record_finishers",
]
