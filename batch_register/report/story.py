"""One entry's whole story in plain words, over all runs, and its JSON form.

Decides: how every ledger event reads, how events are gathered into runs. Must not know:
files, where lines came from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from batch_register.event import (
    CreateIntended,
    CreateRefused,
    DuplicateSeen,
    EntryDeferred,
    Event,
    FileSeen,
    ImageActive,
    ImageAdopted,
    ImageCreated,
    ImageFailed,
    OutcomeUnknown,
    RegisterAccepted,
    RegisterIntended,
    RegisterRefused,
    RetryStarted,
    ShellDeleted,
    ShellFate,
    ShellKept,
    SourceAccepted,
    SourceRefused,
    SourceSeen,
    SourceUnseen,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.ledger.codec import from_fields
from batch_register.ledger.line import Line
from batch_register.ledger.notes import (
    ENTRY_DECLARED,
    ENTRY_REMOVED,
    ORPHAN_DELETE_INTENDED,
    ORPHAN_DELETE_UNCLEAR,
    ORPHAN_DELETED,
    ORPHAN_KEPT,
    UPLOAD_ABORT_INTENDED,
    UPLOAD_ABORT_UNCLEAR,
    UPLOAD_ABORTED,
    UPLOAD_KEPT,
)
from batch_register.ledger.replay import Replay, RunRecord
from batch_register.model import EntryKey, Fault, FaultKind
from batch_register.report import json_form
from batch_register.report.passages import Passage
from batch_register.report.plain import printable, size_words
from batch_register.report.rows import ReportRow, row_of
from batch_register.source import SourcePin

STORY_VERSION = 1

_SHELL_WORDS: dict[ShellFate, str] = {
    ShellFate.NONE: "no image is left of the try before",
    ShellFate.REUSE: "the file is registered again for the image that is there",
    ShellFate.REPLACE: "the image of the try before is deleted first",
    ShellFate.KEEP: "the image of the try before is kept",
}


# The stages that a failure is noted at.
_FAILED = {"create": "the create", "register": "the register", "job": "the job"}


def _why(fault: Fault) -> str:
    return fault.sentence()


def _refused(fault: Fault) -> str:
    """Return why a call came to nothing; it may never have left this machine."""
    what = "not sent" if fault.kind is FaultKind.UNREACHABLE else "refused"
    return f"{what}: {_why(fault)}"


def _job(event: RegisterAccepted) -> str:
    if event.job_id is None:
        return "its job id is not known, so the image itself is watched"
    return f"job {event.job_id}"


def pin_words(pin: SourcePin) -> str:
    """Return which content an object had, for a person."""
    return f"{size_words(pin.size_bytes)}, ETag {pin.etag}"


def _source(event: SourceSeen) -> str:
    """Return what an object was when somebody looked."""
    words = [size_words(event.size_bytes)]
    if event.disk_format:
        words.append(event.disk_format)
    if event.virtual_size_bytes:
        words.append(f"a disk of {size_words(event.virtual_size_bytes)}")
    return ", ".join([*words, f"ETag {event.etag}"])


# Every durable event; a test holds this against the list of them.
WORDS: dict[type[Event], Callable[[Any], str]] = {
    CreateIntended: lambda _: "about to create the image metadata",
    ImageCreated: lambda event: f"image metadata created: image {event.image_id}",
    CreateRefused: lambda event: f"create {_refused(event.error)}",
    ImageAdopted: lambda event: (
        f"image {event.image_id} is there by its tag, status {event.status}: taken over"
    ),
    RegisterIntended: lambda event: (
        f"about to register the file for image {event.image_id}"
    ),
    RegisterAccepted: lambda event: (
        f"file accepted for image {event.image_id}: {_job(event)}"
    ),
    RegisterRefused: lambda event: f"register {_refused(event.error)}",
    ImageActive: lambda event: (
        f"image {event.image_id} is active, {size_words(event.size_bytes)}"
    ),
    ImageFailed: lambda event: (
        f"{_FAILED.get(event.stage, event.stage)} failed: {_why(event.error)}"
    ),
    OutcomeUnknown: lambda event: f"outcome unknown: {_why(event.error)}",
    EntryDeferred: lambda event: f"held back: {_why(event.error)}",
    RetryStarted: lambda event: f"tried again; {_SHELL_WORDS[event.shell]}",
    ShellDeleted: lambda event: f"image {event.image_id} of a failed try is deleted",
    ShellKept: lambda event: (
        f"image {event.image_id} of a failed try could not be deleted: "
        f"{_why(event.error)}"
    ),
    DuplicateSeen: lambda event: (
        f"a further image carries this entry's tag: image {event.image_id}, status "
        f"{event.status}; left alone"
    ),
    SourceSeen: lambda event: f"source looked at: {_source(event)}",
    FileSeen: lambda event: (
        "the local file is of another age, and its content the same"
        if event.etag
        else "the local file is not what was uploaded any more"
    ),
    SourceAccepted: lambda _event: (
        "the image stays as it is: its source as seen last is taken"
    ),
    SourceUnseen: lambda _event: "registered without a look at the source",
    SourceRefused: lambda event: f"nothing sent: {_why(event.error)}",
    UploadBegun: lambda event: (
        f"upload begun: {size_words(event.size_bytes)} in parts of "
        f"{size_words(event.part_bytes)}"
    ),
    UploadProgressed: lambda event: f"{size_words(event.sent_bytes)} uploaded so far",
    SourceUploaded: lambda event: (
        f"upload complete: {size_words(event.size_bytes)}, of which "
        f"{size_words(event.sent_bytes)} in this run; ETag {event.etag}"
    ),
}


# What `reconcile` notes of images that no ledger names, and of uploads left open.
_ORPHAN_WORDS = {
    ORPHAN_DELETE_INTENDED: "about to delete orphan image {image_id}, status {status}",
    ORPHAN_DELETED: "orphan image {image_id} deleted",
    ORPHAN_KEPT: "orphan image {image_id} not deleted: {reason}",
    ORPHAN_DELETE_UNCLEAR: ("orphan image {image_id} may have been deleted: {reason}"),
    UPLOAD_ABORT_INTENDED: "about to give up an upload to {bucket}:{object}",
    UPLOAD_ABORTED: "an upload to {bucket}:{object} given up",
    UPLOAD_KEPT: "an upload to {bucket}:{object} not given up: {reason}",
    UPLOAD_ABORT_UNCLEAR: (
        "an upload to {bucket}:{object} may have been given up: {reason}"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """What one run noted of the entry; `run` is None where its start is not told."""

    run_id: str
    run: RunRecord | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One entry: where it stands now, and how it came there."""

    manifest: str
    row: ReportRow
    chapters: tuple[Chapter, ...]


def tell(replay: Replay, key: EntryKey, lines: Iterable[Line]) -> Story:
    """Return the story of `key`, whose lines in the ledger's order are `lines`.

    Raises:
        KeyError: the ledger has no entry of this key.
    """
    record = replay.records[key]
    chapters = tuple(
        Chapter(run_id=run_id, run=replay.run(run_id), lines=tuple(noted))
        for run_id, noted in groupby(lines, key=lambda line: line.run_id)
    )
    return Story(
        manifest=replay.manifest_name or "",
        row=row_of(record, is_removed=record.is_removed),
        chapters=chapters,
    )


def words(line: Line) -> str:
    """Return what one line says, as a person would say it; printable."""
    if line.event == ENTRY_DECLARED:
        return printable(_declared(line.fields))
    if line.event == ENTRY_REMOVED:
        return "the manifest no longer names this entry"
    orphan_words = _ORPHAN_WORDS.get(line.event)
    if orphan_words is not None:
        return printable(orphan_words.format_map(_Facts(line.fields)))
    event = from_fields(line.event, line.fields)
    if event is None:
        return printable(f"{line.event} (noted by a newer version of this tool)")
    return printable(WORDS[type(event)](event))


def passage_words(passage: Passage) -> str:
    """Return what a line says, and how many like it are passed over."""
    told, number = words(passage.line), passage.passed_over
    if not number:
        return told
    notes = "1 note between is" if number == 1 else f"{number} notes between are"
    return f"{told} ({notes} left out)"


class _Facts(dict[str, object]):
    """Fields of a line, where one that is missing only leaves a gap."""

    def __missing__(self, name: str) -> str:
        return "?"


def _declared(fields: Mapping[str, object]) -> str:
    return (
        f"declared by the manifest: {fields.get('name')} from {fields.get('image_url')}"
    )


def render_json(story: Story) -> str:
    """Return the story as one JSON document, fields as the ledger has them."""
    document = {
        "version": STORY_VERSION,
        "manifest": story.manifest,
        "image": json_form.image(story.row),
        "runs": [_chapter_object(chapter) for chapter in story.chapters],
    }
    return json.dumps(document, indent=2) + "\n"


def _chapter_object(chapter: Chapter) -> json_form.JsonObject:
    run = chapter.run
    return {
        "run_id": chapter.run_id,
        "started_at": run.started_at if run else None,
        "finished_at": run.finished_at if run else None,
        "exit_code": run.exit_code if run else None,
        "events": [
            {
                "seq": line.seq,
                "at": line.at,
                "event": line.event,
                "words": words(line),
                "fields": dict(line.fields),
            }
            for line in chapter.lines
        ],
    }
