"""Giving uploads up: intent, look, abort, result."""

from __future__ import annotations

import pytest

from batch_register.errors import LedgerError
from batch_register.model import FaultKind, StopReason
from batch_register.reconcile import Outcome, UploadDeletion, UploadRemover
from batch_register.reconcile.outcome import Hindrance
from batch_register.stopping import Stop
from tests.fakes import service_error
from tests.reconcile.scenes import KEY
from tests.reconcile.test_remove import Journal
from tests.reconcile.upload_scenes import BUCKET, OBJECT, OLD, ListingStore, found
from tests.virtual_time import run_virtually


class Bench:
    """A remover with a store and a journal that share one log."""

    def __init__(self, *, lines_left: int = 99, is_open: bool = True) -> None:
        self.log: list[str] = []
        self.store = ListingStore(
            calls=self.log, uploads={"u1": {1: b"x"}, "u2": {}} if is_open else {}
        )
        self.journal = Journal(self.log, lines_left)
        self.stop = Stop()

    def remove(self, *uploads: str) -> list[UploadDeletion]:
        remover = UploadRemover(self.journal, self.store, self.stop)
        return run_virtually(remover.remove(found(each) for each in uploads))


def test_the_intent_comes_first_then_a_look_then_the_abort_then_the_result() -> None:
    bench = Bench()
    (one,) = bench.remove("u1")
    assert (one.outcome, one.reason) == (Outcome.DELETED, "")
    assert bench.log == [
        "upload.abort_intended",
        "list_parts",
        "abort_upload",
        "upload.aborted",
    ]
    place = {"key": KEY, "bucket": BUCKET, "object": OBJECT, "upload_id": "u1"}
    assert bench.journal.fields == [
        {**place, "begun_at": OLD},
        {**place, "reason": ""},
    ]
    assert list(bench.store.uploads) == ["u2"]


def test_one_that_is_gone_meanwhile_is_not_counted_as_given_up() -> None:
    bench = Bench(is_open=False)
    (one,) = bench.remove("u1")
    assert (one.outcome, one.reason) == (Outcome.KEPT, "it is gone already")
    assert bench.log[-1] == "upload.kept"
    assert bench.store.aborted == []


@pytest.mark.parametrize("call", ["list_parts", "abort_upload"])
@pytest.mark.parametrize(
    ("kind", "hindrance"),
    [
        (FaultKind.FORBIDDEN, Hindrance.FORBIDDEN),
        (FaultKind.THROTTLED, Hindrance.BUSY),
    ],
)
def test_a_refusal_keeps_one_and_stops_no_other(
    call: str, kind: FaultKind, hindrance: Hindrance
) -> None:
    bench = Bench()
    bench.store.troubles = {call: [service_error(kind)]}
    first, second = bench.remove("u1", "u2")
    assert (first.outcome, first.hindrance) == (Outcome.KEPT, hindrance)
    assert second.outcome is Outcome.DELETED
    assert list(bench.store.uploads) == ["u1"]


def test_an_abort_whose_answer_is_lost_is_told_as_such() -> None:
    bench = Bench()
    bench.store.troubles = {"abort_upload": [service_error(FaultKind.LOST)]}
    (one,) = bench.remove("u1")
    assert (one.outcome, one.reason) == (Outcome.UNCLEAR, "test: as scripted")
    assert bench.log[-1] == "upload.abort_unclear"


def test_a_stop_before_leaves_it_untouched() -> None:
    bench = Bench()
    bench.stop.request(StopReason.SIGTERM)
    (one,) = bench.remove("u1")
    assert (one.outcome, bench.log) == (Outcome.NOT_TRIED, [])


def test_a_stop_during_the_look_is_noted_and_nothing_is_sent() -> None:
    bench = Bench()
    bench.store.before = {"list_parts": lambda: bench.stop.request(StopReason.SIGINT)}
    first, second = bench.remove("u1", "u2")
    assert (first.outcome, second.outcome) == (Outcome.KEPT, Outcome.NOT_TRIED)
    assert bench.log[-1] == "upload.kept"
    assert bench.store.aborted == []


@pytest.mark.parametrize(("lines", "aborted"), [(0, []), (1, ["u1"])])
def test_after_a_ledger_that_fails_nothing_more_is_sent(
    lines: int, aborted: list[str]
) -> None:
    bench = Bench(lines_left=lines)
    with pytest.raises(LedgerError):
        bench.remove("u1", "u2")
    assert bench.store.aborted == aborted
