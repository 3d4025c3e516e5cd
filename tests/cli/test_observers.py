"""Observers: the log has a line for every event, under the ledger's name for it."""

from __future__ import annotations

import typing

from structlog.testing import capture_logs

from batch_register.cli.observers import LogObserver, Observers
from batch_register.engine.errand import STOPPED
from batch_register.entry import EntryRecord
from batch_register.event import (
    CreateRefused,
    CreateUnclear,
    Event,
    ImageCreated,
    ImageFailed,
    NoneFound,
    RegisterUnclear,
    SourceRefused,
    StillQueued,
    UploadProgressed,
)
from batch_register.model import Action, EntryKey, Fault, FaultKind, ImageId

RECORD = EntryRecord(key=EntryKey("web-01"), attempts=2)
FAULT = Fault(
    kind=FaultKind.JOB_FAILED,
    code="IMG.0100",
    reason="no file",
    action=Action.FIX_SOURCE,
    request_id="r-1",
)


def test_an_event_is_logged_with_its_facts() -> None:
    with capture_logs() as lines:
        LogObserver().entry_moved(RECORD, ImageCreated(image_id=ImageId("i")))
        LogObserver().entry_moved(RECORD, ImageFailed(error=FAULT, stage="job"))
    assert lines == [
        {
            "event": "image.created",
            "log_level": "info",
            "key": "web-01",
            "attempt": 2,
            "image_id": "i",
        },
        {
            "event": "image.failed",
            "log_level": "warning",
            "key": "web-01",
            "attempt": 2,
            "stage": "job",
            "error_kind": "job_failed",
            "error_code": "IMG.0100",
            "error_reason": "no file",
            "error_action": "fix_source",
            "error_request_id": "r-1",
        },
    ]


def test_writes_that_a_stop_forestalled_are_no_warnings() -> None:
    with capture_logs() as lines:
        LogObserver().entry_moved(RECORD, CreateRefused(error=FAULT))
        LogObserver().entry_moved(RECORD, CreateRefused(error=STOPPED))
    assert [line["log_level"] for line in lines] == ["warning", "info"]


def test_bytes_that_were_sent_are_no_news_and_a_source_that_is_unfit_is_a_warning() -> (
    None
):
    with capture_logs() as lines:
        LogObserver().entry_moved(RECORD, UploadProgressed(sent_bytes=1))
        LogObserver().entry_moved(RECORD, SourceRefused(error=FAULT))
        LogObserver().entry_moved(RECORD, SourceRefused(error=STOPPED))
    assert [line["log_level"] for line in lines] == ["debug", "warning", "info"]


def test_only_a_notice_that_explains_something_is_a_warning() -> None:
    log = LogObserver()
    with capture_logs() as lines:
        log.noticed("upload.progress", key="a", sent_bytes=1, total_bytes=2)
        log.noticed("preflight.progress", done=1, total=2)
        log.noticed("preflight.done", line="2 sources looked at, 1 unfit")
        log.noticed("service.was_gone")
    assert lines == [
        {
            "event": "preflight.done",
            "log_level": "info",
            "line": "2 sources looked at, 1 unfit",
        },
        {"event": "service.was_gone", "log_level": "warning"},
    ]


def test_what_the_ledger_does_not_know_has_a_name_too() -> None:
    events: list[Event] = [
        CreateUnclear(error=FAULT),
        NoneFound(),
        RegisterUnclear(error=FAULT),
        StillQueued(),
    ]
    with capture_logs() as lines:
        for event in events:
            LogObserver().entry_moved(RECORD, event)
    assert [line["event"] for line in lines] == [
        "image.create_unclear",
        "image.none_found",
        "image.register_unclear",
        "image.still_queued",
    ]
    unnamed = [kind for kind in typing.get_args(Event) if kind.ledger_name is None]
    assert {type(event) for event in events} == set(unnamed)


def test_every_observer_is_told_everything_in_order() -> None:
    with capture_logs() as lines:
        both = Observers([LogObserver(), LogObserver()])
        both.noticed("throttle.closed", seconds=3)
        both.entry_moved(RECORD, NoneFound())
    assert [line["event"] for line in lines] == [
        "throttle.closed",
        "throttle.closed",
        "image.none_found",
        "image.none_found",
    ]
    assert lines[0] == {
        "event": "throttle.closed",
        "log_level": "warning",
        "seconds": 3,
    }
