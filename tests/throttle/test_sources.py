"""Bytes that a run has sent, and the entries that it sent nothing for."""

from __future__ import annotations

from batch_register.engine.errand import STOPPED
from batch_register.entry import EntryRecord
from batch_register.event import (
    SourceRefused,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.model import Action, EntryKey, Fault, FaultKind
from batch_register.throttle import Meter
from batch_register.throttle.sources import SourceCount
from tests.ledger.disks import TickingClock

A, B, C = EntryKey("a"), EntryKey("b"), EntryKey("c")
BEGUN = UploadBegun(upload_id="u", part_bytes=8, size_bytes=100, modified_ns=1)


def refused(action: Action) -> SourceRefused:
    fault = Fault(kind=FaultKind.REJECTED, code="c", reason="r", action=action)
    return SourceRefused(error=fault)


def test_a_complete_upload_says_itself_what_went_out() -> None:
    count = SourceCount()
    count.take(A, BEGUN)
    count.take(A, UploadProgressed(sent_bytes=90))
    count.take(A, SourceUploaded(etag="e", size_bytes=100, sent_bytes=108))
    assert count.uploaded_bytes == 108


def test_of_an_upload_that_is_cut_short_counts_what_was_noted() -> None:
    count = SourceCount()
    count.take(A, BEGUN)
    for stored_bytes in (8, 24, 16, 40):
        count.take(A, UploadProgressed(sent_bytes=stored_bytes))
    count.take(B, UploadProgressed(sent_bytes=60))  # by an earlier run
    count.take(B, UploadProgressed(sent_bytes=67))
    assert count.uploaded_bytes == 8 + 16 + 24 + 7


def test_an_entry_whose_source_is_refused_twice_counts_once() -> None:
    count = SourceCount()
    count.take(A, refused(Action.RUN_AGAIN))
    count.take(A, refused(Action.FIX_SOURCE))
    count.take(B, refused(Action.FIX_SOURCE))
    count.take(C, refused(Action.RUN_AGAIN))
    count.take(C, SourceUploaded(etag="e", size_bytes=1, sent_bytes=1))
    count.take(C, SourceRefused(error=STOPPED))  # the run stopped, nothing is unfit
    assert count.refused == {"fix_source": 2}


def test_a_run_s_usage_has_what_its_meter_heard() -> None:
    meter = Meter(TickingClock())
    record = EntryRecord(key=A)
    meter.entry_moved(record, SourceUploaded(etag="e", size_bytes=9, sent_bytes=9))
    meter.entry_moved(record, refused(Action.FIX_SOURCE))
    usage = meter.usage(retries=0)
    assert (usage.uploaded_bytes, usage.sources_refused) == (9, {"fix_source": 1})
