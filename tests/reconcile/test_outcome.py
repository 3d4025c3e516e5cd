"""Which exit code the deletions of orphans amount to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.model import FaultKind
from batch_register.reconcile import Deletion, Deletions, Outcome, UploadDeletion
from batch_register.reconcile.outcome import Hindrance, exit_code, hindrance_of
from tests.fakes import fault
from tests.reconcile.scenes import KEY, ONE


def came(outcome: Outcome, hindrance: Hindrance | None = None) -> Deletion:
    return Deletion(image_id=ONE, key=KEY, outcome=outcome, hindrance=hindrance)


DELETED, KEPT = came(Outcome.DELETED), came(Outcome.KEPT)
UNCLEAR, NOT_TRIED = came(Outcome.UNCLEAR), came(Outcome.NOT_TRIED)
FORBIDDEN = came(Outcome.KEPT, Hindrance.FORBIDDEN)
BUSY = came(Outcome.KEPT, Hindrance.BUSY)


@pytest.mark.parametrize(
    ("deletions", "stopped", "code"),
    [
        ([], None, 0),
        ([DELETED, KEPT], None, 0),
        ([DELETED, UNCLEAR], None, 4),
        ([BUSY, DELETED], None, 4),
        ([FORBIDDEN, BUSY, UNCLEAR], None, 77),
        ([], 130, 130),
        ([UNCLEAR, NOT_TRIED], 143, 143),
        ([FORBIDDEN, NOT_TRIED], 143, 77),
    ],
)
def test_a_scheduler_learns_what_became_of_the_deletions(
    deletions: list[Deletion], stopped: int | None, code: int
) -> None:
    assert exit_code(deletions, stopped) == code


def test_an_upload_that_was_kept_or_is_unclear_counts_like_an_image() -> None:
    kept = UploadDeletion(
        bucket="b",
        object="o",
        upload_id="u",
        key=KEY,
        outcome=Outcome.KEPT,
        hindrance=Hindrance.FORBIDDEN,
    )
    unclear = replace(kept, outcome=Outcome.UNCLEAR, hindrance=None)
    for upload, code in ((kept, 77), (unclear, 4)):
        both = Deletions(images=[DELETED], uploads=[upload])
        assert exit_code(both.all, None) == code


@pytest.mark.parametrize(
    ("kind", "hindrance"),
    [
        (FaultKind.FORBIDDEN, Hindrance.FORBIDDEN),
        (FaultKind.UNAUTHENTICATED, Hindrance.FORBIDDEN),
        (FaultKind.UNREACHABLE, Hindrance.BUSY),
        (FaultKind.SERVER, Hindrance.BUSY),
        (FaultKind.CONFLICT, None),
        (FaultKind.REJECTED, None),
    ],
)
def test_a_fault_hinders_by_what_can_be_done_about_it(
    kind: FaultKind, hindrance: Hindrance | None
) -> None:
    assert hindrance_of(fault(kind)) is hindrance
