"""Ledger and cloud compared: what is left over, double, different, or late."""

from __future__ import annotations

from batch_register.reconcile.begun import Begun, uploads_begun
from batch_register.reconcile.compare import (
    Judging,
    compare,
    jobs_around,
    late_finishers,
    looks,
)
from batch_register.reconcile.findings import (
    Findings,
    LateFinisher,
    Orphan,
    UploadFound,
    Uploads,
)
from batch_register.reconcile.give_up import UploadRemover
from batch_register.reconcile.known import Known, LedgerView, Sight
from batch_register.reconcile.mentions import mentioned
from batch_register.reconcile.outcome import (
    Deletion,
    Deletions,
    Outcome,
    UploadDeletion,
)
from batch_register.reconcile.record import record_finishers
from batch_register.reconcile.removal import judging_time, orphan_age_s
from batch_register.reconcile.remove import Remover
from batch_register.reconcile.survey import Survey
from batch_register.reconcile.upload_survey import see_uploads
from batch_register.reconcile.uploads import (
    judge_uploads,
    may_have_uploads,
    prefixes,
    upload_places,
)

__all__ = [
    "Begun",
    "Deletion",
    "Deletions",
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
    "UploadDeletion",
    "UploadFound",
    "UploadRemover",
    "Uploads",
    "compare",
    "jobs_around",
    "judge_uploads",
    "judging_time",
    "late_finishers",
    "looks",
    "may_have_uploads",
    "mentioned",
    "orphan_age_s",
    "prefixes",
    "record_finishers",
    "see_uploads",
    "upload_places",
    "uploads_begun",
]
