"""The report as JUnit XML: the form for a CI server.

Decides: which state is a passed test, a failure or an error. Must not know: files.

One suite for the manifest, one test per image. A suite is red exactly when `run` over
the whole manifest would not end with 0: a test passes if and only if its image is
active. What failed or is in conflict is a failure: somebody has to act. What is not done
(unknown, unfinished, deferred, pending) is an error: the run did not get that far. An
image that the manifest no longer names counts for no run, so it never turns a suite red:
where it is not active it is skipped.

The elements are those of the schema that Jenkins' xUnit plugin checks files against
(`junit-10.xsd`). It has no properties of a single test, so the ids and labels stand
in the test's output, one `name=value` a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal, TypeAlias
from xml.etree.ElementTree import Element, SubElement, tostring

from batch_register.entry import EntryState
from batch_register.model import Action
from batch_register.report.advice import advice
from batch_register.report.plain import printable
from batch_register.report.rows import ROWS_PER_PIECE, Report, ReportRow

Verdict: TypeAlias = Literal["passed", "failure", "error", "skipped"]

_VERDICTS: dict[EntryState, Verdict] = {
    EntryState.ACTIVE: "passed",
    EntryState.FAILED: "failure",
    EntryState.CONFLICT: "failure",
    EntryState.UNKNOWN: "error",
    EntryState.UNFINISHED: "error",
    EntryState.DEFERRED: "error",
    EntryState.PENDING: "error",
}

# Where no fault explains the state.
_WHY: dict[EntryState, str] = {
    EntryState.ACTIVE: "an image holds the data",
    EntryState.FAILED: "no reason was given",
    EntryState.CONFLICT: "the image and the manifest differ",
    EntryState.UNKNOWN: "neither success nor failure is proven",
    EntryState.UNFINISHED: "an image or a job was begun, and no end is seen yet",
    EntryState.DEFERRED: "held back for lack of quota",
    EntryState.PENDING: "not begun yet",
}


def render(report: Report) -> str:
    """Return one XML document."""
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """Yield the same document piece by piece: of a large one no two copies exist."""
    suite = _suite(report)
    totals = {name: suite.attrib[name] for name in ("tests", "failures", "errors")}
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield _opening(Element("testsuites", totals))
    yield _opening(suite)
    yield _text(_run_properties(report))
    for first in range(0, len(report.images), ROWS_PER_PIECE):
        rows = report.images[first : first + ROWS_PER_PIECE]
        yield "".join(_text(_case(report.manifest, row)) for row in rows)
    yield "</testsuite>\n</testsuites>\n"


def verdict(row: ReportRow) -> Verdict:
    """Return what an image is as a test."""
    if row.is_removed and row.state is not EntryState.ACTIVE:
        return "skipped"
    return _VERDICTS[row.state]


def _suite(report: Report) -> Element:
    verdicts = Counter(verdict(row) for row in report.images)
    started = min(
        (row.started_at for row in report.images if row.started_at), default=""
    )
    facts = {
        "name": printable(report.title),
        "tests": str(len(report.images)),
        "failures": str(verdicts["failure"]),
        "errors": str(verdicts["error"]),
        "skipped": str(verdicts["skipped"]),
        "time": _seconds(sum(row.duration_s or 0 for row in report.images)),
    }
    if started:
        facts["timestamp"] = printable(started)
    return Element("testsuite", facts)


def _run_properties(report: Report) -> Element:
    element = Element("properties")
    for name, value in (
        ("run_id", report.run_id),
        ("shard", str(report.shard or "")),
        ("project_id", report.target.project_id),
        ("region", report.target.region),
        ("endpoint", report.target.endpoint),
    ):
        if value:
            SubElement(element, "property", name=name, value=printable(value))
    return element


def _case(manifest: str, row: ReportRow) -> Element:
    element = Element(
        "testcase",
        classname=printable(manifest),
        name=printable(row.key),
        time=_seconds(row.duration_s or 0),
    )
    found = verdict(row)
    if found != "passed":
        message = _why(row)
        kind = row.error.kind if row.error else row.state
        told = SubElement(element, found, type=str(kind), message=message)
        told.text = f"{message}\n{advice(row.action, row.error)}"
    SubElement(element, "system-out").text = "\n".join(_output(row))
    return element


def _why(row: ReportRow) -> str:
    if row.error:
        reason = printable(row.error.sentence())
    elif row.upload and row.state is EntryState.UNFINISHED and row.image_id is None:
        reason = (
            f"its upload was begun, and no end is seen yet: {row.upload.sentence()}"
        )
    else:
        reason = _WHY[row.state]
    removed = "no longer in the manifest; " if row.is_removed else ""
    return f"{removed}{row.state}: {reason}"


def _output(row: ReportRow) -> Iterator[str]:
    """Yield every fact as `name=value`, and last who has to do what, if anybody has."""
    facts: tuple[tuple[str, object], ...] = (
        ("state", row.state),
        ("name", row.name),
        ("image_url", row.image_url),
        ("image_id", row.image_id),
        ("job_id", row.job_id),
        ("request_id", row.error.request_id if row.error else None),
        ("attempts", row.attempts),
        ("size_bytes", row.size_bytes),
        ("source_etag", row.source.etag if row.source else None),
        ("source_size_bytes", row.source.size_bytes if row.source else None),
        ("upload_sent_bytes", row.upload.sent_bytes if row.upload else None),
        ("upload_size_bytes", row.upload.size_bytes if row.upload else None),
        *((f"label.{name}", value) for name, value in row.labels),
    )
    for name, value in facts:
        if value is not None:
            yield printable(f"{name}={value}")
    if row.action is not Action.NONE:
        yield f"{row.action}: {advice(row.action, row.error)}"


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.3f}"


def _text(element: Element) -> str:
    return tostring(element, encoding="unicode") + "\n"


def _opening(element: Element) -> str:
    """Return the start tag of an element that has no content yet."""
    return tostring(element, encoding="unicode").removesuffix(" />") + ">\n"
