"""The exit code: one table, and which code wins where several hold."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from batch_register.engine.outcome import RunOutcome, exit_code
from batch_register.entry import EntryRecord, count_states
from batch_register.model import EntryKey, FaultKind, ImageId, RunCounts, StopReason
from batch_register.stage import (
    Active,
    Created,
    Deferred,
    Failed,
    Planned,
    Stage,
    Unknown,
)
from tests.fakes import fault

ALL_TROUBLE = {
    "failed": 1,
    "conflict": 1,
    "deferred": 1,
    "unknown": 1,
    "unfinished": 1,
    "pending": 1,
}


@pytest.mark.parametrize(
    ("counts", "stop_reason", "code"),
    [
        ({}, None, 0),
        ({"active": 3, "skipped": 1}, None, 0),
        ({"failed": 1}, None, 3),
        ({"conflict": 1}, None, 3),
        ({"unknown": 1}, None, 4),
        ({"unfinished": 1}, None, 4),
        ({"pending": 1}, None, 4),
        ({"deferred": 1}, None, 6),
        # the window, and what is graver
        ({"active": 3}, StopReason.WINDOW, 0),
        ({"unfinished": 1}, StopReason.WINDOW, 5),
        ({"pending": 1}, StopReason.WINDOW, 5),
        ({"unknown": 1}, StopReason.WINDOW, 5),
        ({"deferred": 1, "pending": 1}, StopReason.WINDOW, 6),
        ({"failed": 1, "deferred": 1, "pending": 1}, StopReason.WINDOW, 3),
        (ALL_TROUBLE, None, 3),
        (ALL_TROUBLE, StopReason.WINDOW, 3),
        # signals
        (ALL_TROUBLE, StopReason.SIGINT, 130),
        (ALL_TROUBLE, StopReason.SIGTERM, 143),
        ({"active": 3}, StopReason.SIGTERM, 143),
        # credentials
        (ALL_TROUBLE, StopReason.UNAUTHENTICATED, 77),
        ({"active": 3}, StopReason.UNAUTHENTICATED, 77),
    ],
)
def test_the_gravest_trouble_gives_the_exit_code(
    counts: dict[str, Any], stop_reason: StopReason | None, code: int
) -> None:
    for has_moved in (True, False):
        outcome = RunOutcome(
            counts=RunCounts(**counts), stop_reason=stop_reason, has_moved=has_moved
        )
        direct = exit_code(outcome.counts, stop_reason, has_moved=has_moved)
        assert outcome.exit_code == direct == code


@pytest.mark.parametrize(
    ("counts", "has_moved", "code"),
    [
        ({"pending": 3}, False, 69),
        ({"pending": 3}, True, 4),
        ({"active": 2, "skipped": 2, "pending": 1}, False, 69),
        ({"active": 2, "skipped": 2, "unfinished": 1}, True, 4),
        ({"active": 2, "skipped": 1, "pending": 1}, True, 4),
        # older failures do not make up for a service that was never reached
        ({"failed": 1, "pending": 1}, False, 69),
        ({"conflict": 1}, False, 69),
        (ALL_TROUBLE, False, 69),
        ({"active": 1, "failed": 1}, True, 3),
        ({"active": 1, "deferred": 1, "pending": 1}, True, 6),
        ({"active": 3}, True, 0),
    ],
)
def test_a_lost_service_is_the_exit_code_only_where_nothing_moved(
    counts: dict[str, Any], has_moved: bool, code: int
) -> None:
    outcome = RunOutcome(
        counts=RunCounts(**counts),
        stop_reason=StopReason.UNREACHABLE,
        has_moved=has_moved,
    )
    assert outcome.exit_code == code


def test_every_entry_is_counted_once() -> None:
    image = ImageId("image-1")
    conflict = fault(FaultKind.SPEC_CONFLICT)
    passing = fault(FaultKind.LOST)
    stages: list[Stage] = [
        Active(image_id=image, job_id=None, size_bytes=1),
        Active(image_id=image, job_id=None, size_bytes=1),
        Failed(fault=fault(FaultKind.REJECTED)),
        Failed(fault=conflict),
        Unknown(fault=passing, was=Planned()),
        Created(image_id=image),
        Deferred(fault=passing),
        Planned(),
    ]
    records = [EntryRecord(key=EntryKey("k"), stage=stage) for stage in stages]
    states = Counter(record.state for record in records)
    assert count_states(states, skipped=1) == RunCounts(
        total=8,
        active=2,
        failed=1,
        conflict=1,
        unknown=1,
        unfinished=1,
        deferred=1,
        pending=1,
        skipped=1,
    )
