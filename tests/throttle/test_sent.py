"""Bytes that a run has sent to buckets."""

from __future__ import annotations

from batch_register.entry import EntryRecord
from batch_register.event import SourceUploaded, UploadBegun, UploadProgressed
from batch_register.model import EntryKey
from batch_register.throttle import Meter
from batch_register.throttle.sent import SentBytes
from tests.ledger.disks import TickingClock

A, B = EntryKey("a"), EntryKey("b")
BEGUN = UploadBegun(upload_id="u", part_bytes=8, size_bytes=100, modified_ns=1)


def test_a_complete_upload_says_itself_what_went_out() -> None:
    sent = SentBytes()
    sent.take(A, BEGUN)
    sent.take(A, UploadProgressed(sent_bytes=90))
    sent.take(A, SourceUploaded(etag="e", size_bytes=100, sent_bytes=108))
    assert sent.total() == 108


def test_of_an_upload_that_is_cut_short_counts_what_was_noted() -> None:
    sent = SentBytes()
    sent.take(A, BEGUN)
    for stored_bytes in (8, 24, 16, 40):
        sent.take(A, UploadProgressed(sent_bytes=stored_bytes))
    sent.take(B, UploadProgressed(sent_bytes=60))  # by an earlier run
    sent.take(B, UploadProgressed(sent_bytes=67))
    assert sent.total() == 8 + 16 + 24 + 7


def test_a_run_s_usage_has_what_its_meter_heard() -> None:
    meter = Meter(TickingClock())
    uploaded = SourceUploaded(etag="e", size_bytes=9, sent_bytes=9)
    meter.entry_moved(EntryRecord(key=A), uploaded)
    assert meter.usage(retries=0).uploaded_bytes == 9
