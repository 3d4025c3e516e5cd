"""A comparison as one JSON document, for programs; version 1 only gains fields.

Decides: names and order of the fields. Must not know: files, words for people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from batch_register.model import ENTRY_TAG, SPEC_TAG, ImageView, Target
from batch_register.reconcile.findings import (
    Drift,
    Duplicate,
    Findings,
    LateFinisher,
    Leftover,
    Orphan,
    Untraced,
    UploadFound,
)
from batch_register.reconcile.outcome import Deletion, UploadDeletion
from batch_register.reconcile.words import (
    leftover_reason,
    obstacle_words,
    upload_reason,
)

VERSION = 1

Object = dict[str, object]


def document(
    findings: Findings,
    deletions: Sequence[Deletion],
    *,
    manifest_name: str,
    target: Target,
    ledgers: Sequence[str],
    upload_deletions: Sequence[UploadDeletion] = (),
) -> Object:
    """Return everything that was found and done."""
    uploads = findings.uploads
    return {
        "version": VERSION,
        "manifest": manifest_name,
        "target": asdict(target),
        "ledgers": list(ledgers),
        "summary": {
            "late_finishers": len(findings.late),
            "orphans": len(findings.orphans),
            "deletable": len(findings.deletable),
            "leftovers": len(findings.leftovers),
            "duplicates": len(findings.duplicates),
            "drift": len(findings.drift),
            "untraced": len(findings.untraced),
            "unseen": len(findings.unseen),
            "elsewhere": findings.elsewhere,
            "deletions": Counter(str(each.outcome) for each in deletions),
            "stray_uploads": len(uploads.stray),
            "deletable_uploads": len(uploads.deletable),
            "other_uploads": uploads.others,
            "upload_deletions": Counter(str(each.outcome) for each in upload_deletions),
        },
        "late_finishers": [_late(late) for late in findings.late],
        "orphans": [_orphan(orphan) for orphan in findings.orphans],
        "leftovers": [_leftover(leftover) for leftover in findings.leftovers],
        "duplicates": [_duplicate(duplicate) for duplicate in findings.duplicates],
        "drift": [_drift(drift) for drift in findings.drift],
        "untraced": [_untraced(untraced) for untraced in findings.untraced],
        "unseen": [{"id": asked, "reason": why} for asked, why in findings.unseen],
        "deletions": [_deletion(deletion) for deletion in deletions],
        "uploads": [_upload(found) for found in uploads.found],
        "uploads_unseen": [
            {"bucket": bucket, "reason": why} for bucket, why in uploads.unseen
        ],
        "uploads_not_looked_at": uploads.why_not or None,
        "upload_deletions": [_upload_deletion(each) for each in upload_deletions],
    }


def _late(late: LateFinisher) -> Object:
    return {
        "key": late.key,
        "ledger": late.ledger,
        "was": str(late.was),
        "now": "active" if late.is_active else "failed",
        "image_id": late.image_id,
        "is_written": not late.why_not,
        "why_not": late.why_not,
    }


def _orphan(orphan: Orphan) -> Object:
    reasons = [obstacle_words(each, orphan.view) for each in orphan.obstacles]
    return {
        "key": orphan.key,
        "kind": str(orphan.kind),
        **_image(orphan.view),
        "is_deletable": not orphan.obstacles,
        "obstacles": [str(obstacle) for obstacle in orphan.obstacles],
        "reason": "; ".join(reasons),
    }


def _leftover(leftover: Leftover) -> Object:
    return {
        "key": leftover.key,
        "kind": str(leftover.kind),
        **_image(leftover.view),
        "reason": leftover_reason(leftover),
    }


def _duplicate(duplicate: Duplicate) -> Object:
    return {
        "key": duplicate.key,
        "kept": _image(duplicate.kept),
        "others": [_image(view) for view in duplicate.others],
        "in_ledger": duplicate.in_ledger,
    }


def _drift(drift: Drift) -> Object:
    return {
        "key": drift.key,
        "kind": str(drift.kind),
        "ledger": drift.ledger,
        "image_id": drift.image_id,
        "what": drift.what,
        "expected": drift.expected,
        "found": drift.found,
    }


def _untraced(untraced: Untraced) -> Object:
    return {
        "key": untraced.key,
        "ledger": untraced.ledger,
        "was": str(untraced.was),
        "image_id": untraced.image_id,
    }


def _deletion(deletion: Deletion) -> Object:
    return {
        "key": deletion.key,
        "image_id": deletion.image_id,
        "outcome": str(deletion.outcome),
        "hindrance": None if deletion.hindrance is None else str(deletion.hindrance),
        "reason": deletion.reason,
    }


def _upload(found: UploadFound) -> Object:
    return {
        "key": found.key,
        "kind": str(found.kind),
        "bucket": found.bucket,
        "object": found.upload.key,
        "upload_id": found.upload.upload_id,
        "begun_at": found.upload.begun_at,
        "is_deletable": not found.obstacles,
        "obstacles": [str(obstacle) for obstacle in found.obstacles],
        "reason": upload_reason(found),
    }


def _upload_deletion(deletion: UploadDeletion) -> Object:
    return {**asdict(deletion)}


def _image(view: ImageView) -> Object:
    return {
        "image_id": view.image_id,
        "name": view.name,
        "status": view.raw_status or str(view.status),
        "created_at": view.created_at,
        "entry_tag": view.tag(ENTRY_TAG),
        "spec_tag": view.tag(SPEC_TAG),
        "is_protected": view.is_protected,
    }
