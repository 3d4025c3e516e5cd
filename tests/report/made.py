"""Rows and reports made for tests: plain ones, and any at all."""

from __future__ import annotations

from hypothesis import strategies as st

from batch_register.entry import EntryState
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    JobId,
    Target,
)
from batch_register.report.rows import Report, ReportRow, UploadShare, count
from batch_register.source import SourcePin

TARGET = Target(endpoint="https://e", project_id="p", region="r")
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=12) | st.text(
    "|`\\\n\r\"',=+-@ <", max_size=8
)
SOME_TEXT = TEXT.filter(str.strip)
MAYBE_TEXT = st.none() | SOME_TEXT
FAULTS = st.builds(
    Fault,
    kind=st.sampled_from(FaultKind),
    code=SOME_TEXT,
    reason=SOME_TEXT,
    action=st.sampled_from(Action),
    http_status=st.none() | st.integers(400, 599),
    request_id=MAYBE_TEXT,
)
ROWS = st.builds(
    ReportRow,
    key=SOME_TEXT.map(EntryKey),
    name=TEXT,
    image_url=TEXT,
    state=st.sampled_from(EntryState),
    image_id=MAYBE_TEXT.map(lambda text: ImageId(text) if text else None),
    job_id=MAYBE_TEXT.map(lambda text: JobId(text) if text else None),
    attempts=st.integers(0, 9),
    started_at=st.none() | st.just("2026-03-01T00:00:00.000Z"),
    finished_at=st.none() | st.just("2026-03-01T00:00:09.000Z"),
    duration_s=st.none() | st.floats(0, 1e6),
    size_bytes=st.none() | st.integers(0, 1 << 45),
    error=st.none() | FAULTS,
    action=st.sampled_from(Action),
    labels=st.lists(
        st.tuples(SOME_TEXT, TEXT), max_size=3, unique_by=lambda p: p[0]
    ).map(tuple),
    source=st.none()
    | st.builds(SourcePin, etag=TEXT, size_bytes=st.integers(0, 1 << 45)),
    upload=st.none()
    | st.builds(
        UploadShare,
        sent_bytes=st.integers(0, 1 << 45),
        size_bytes=st.integers(0, 1 << 45),
    ),
    is_removed=st.booleans(),
    is_skipped=st.booleans(),
)


def report_of(rows: list[ReportRow], notes: tuple[str, ...] = ()) -> Report:
    return Report(
        manifest="m",
        run_id="r",
        target=TARGET,
        summary=count(rows),
        images=tuple(rows),
        notes=notes,
    )


REPORTS = st.builds(
    report_of,
    st.lists(ROWS, max_size=5, unique_by=lambda row: row.key),
    st.lists(SOME_TEXT, max_size=2).map(tuple),
)


def plain_row(key: str, state: EntryState) -> ReportRow:
    return ReportRow(
        key=EntryKey(key),
        name=key,
        image_url="b:o",
        state=state,
        image_id=None,
        job_id=None,
        attempts=1,
        started_at=None,
        finished_at=None,
        duration_s=None,
        size_bytes=None,
        error=None,
        action=Action.NONE,
        labels=(),
    )
