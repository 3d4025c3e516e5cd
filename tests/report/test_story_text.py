"""A story for a person: the outcome first, then what happened and how long it took."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.event import (
    CreateIntended,
    DuplicateSeen,
    Event,
    ImageCreated,
    OutcomeUnknown,
    RegisterAccepted,
    RegisterIntended,
    SourceSeen,
    SourceUploaded,
)
from batch_register.model import (
    Action,
    EntryKey,
    FaultKind,
    ImageId,
    ImageStatus,
    SpecDigest,
)
from batch_register.report.story import tell
from batch_register.report.story_text import render_text
from tests.report.conftest import LedgerText, fault

IMAGE = ImageId("i")
CREATE = CreateIntended(spec=SpecDigest("any"))
REGISTER = RegisterIntended(image_id=IMAGE)
ACCEPTED = RegisterAccepted(image_id=IMAGE, job_id=None)


def told(ledger: LedgerText, key: str = "a") -> list[str]:
    story = tell(ledger.replay(), EntryKey(key), ledger.story(key))
    return render_text(story).splitlines()


def steps(ledger: LedgerText) -> list[str]:
    """Return what is told of each step, without stamps and times."""
    lines = told(ledger)
    runs = lines[lines.index("") :]
    return [line[32:] for line in runs if line.startswith("  2026")]


def begun(new_ledger, *events: Event) -> LedgerText:
    ledger: LedgerText = new_ledger()
    ledger.start("run-1")
    ledger.declare("a")
    ledger.happen("a", CREATE, *events)
    return ledger


def test_the_outcome_stands_first(all_states) -> None:
    assert told(all_states, "lost")[:6] == [
        "lost: unknown (2 runs, 1 create, 4m00s for the last try)",
        "  why:    deadline: not active in time",
        "  to do:  Whoever runs the batch: run the same command again; if this comes "
        "back, raise --image-deadline.",
        "  name:   lost",
        "  source: b:o.qcow2",
        "  image:  img-lost",
    ]


def test_an_intent_that_is_answered_is_told_by_its_answer(new_ledger) -> None:
    ledger = begun(new_ledger, ImageCreated(image_id=IMAGE), REGISTER, ACCEPTED)
    assert [line.partition(":")[0] for line in steps(ledger)] == [
        "declared by the manifest",
        "image metadata created",
        "file accepted for image i",
    ]


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        ((), ["create sent; no clear answer to it is noted"]),
        (
            (CREATE, ImageCreated(image_id=IMAGE)),
            [
                "create sent; no clear answer to it is noted",
                "no image of it was found: create sent again",
                "image metadata created: image i",
            ],
        ),
        (
            (
                ImageCreated(image_id=IMAGE),
                REGISTER,
                REGISTER,
            ),
            [
                "image metadata created: image i",
                "register sent; no clear answer to it is noted",
                "the image still waits for a file: register sent again; no clear "
                "answer to it is noted",
            ],
        ),
    ],
)
def test_what_was_lost_is_told(new_ledger, events, lines: list[str]) -> None:
    assert steps(begun(new_ledger, *events))[1:] == lines


def test_another_image_is_no_answer_and_hides_none(new_ledger) -> None:
    twin = DuplicateSeen(image_id=ImageId("t"), status=ImageStatus.QUEUED)
    ledger = begun(new_ledger, twin, ImageCreated(image_id=IMAGE))
    assert [line.split()[0] for line in steps(ledger)] == ["declared", "a", "image"]


def test_the_time_since_the_step_before_or_the_begin_is_told(new_ledger) -> None:
    """Every line of this ledger is a minute after the last; the intent is not told."""
    ledger = begun(new_ledger, ImageCreated(image_id=IMAGE))
    assert told(ledger)[-2:] == [
        "  2026-03-01 00:03:01   +1m00s  declared by the manifest: a from b:o.qcow2",
        "  2026-03-01 00:05:01   +2m00s  image metadata created: image i",
    ]


def test_runs_say_how_they_ended_and_when_the_next_one_began(new_ledger) -> None:
    error = fault(FaultKind.DEADLINE, "deadline", "late", Action.RUN_AGAIN)
    ledger = begun(
        new_ledger, ImageCreated(image_id=IMAGE), OutcomeUnknown(error=error)
    )
    ledger.finish(4)
    ledger.start("run-2")
    twin = DuplicateSeen(image_id=ImageId("t"), status=ImageStatus.QUEUED)
    ledger.happen("a", twin)
    assert [line for line in told(ledger) if line.startswith("run ")] == [
        "run run-1, from 2026-03-01 00:02:01 UTC, took 5m00s, exit code of the whole "
        "run 4",
        "run run-2, from 2026-03-01 00:08:01 UTC, 2m00s later, no end noted: it was "
        "cut off, or is still under way",
    ]


def test_a_run_that_began_before_the_step_before_it_had_another_clock(
    new_ledger,
) -> None:
    ledger = begun(new_ledger, ImageCreated(image_id=IMAGE))
    story = tell(ledger.replay(), EntryKey("a"), ledger.story("a"))
    (chapter,) = story.chapters
    assert chapter.run is not None
    later = replace(
        chapter,
        run_id="run-2",
        run=replace(chapter.run, started_at="2026-03-01T00:03:31.000Z"),
    )
    text = render_text(replace(story, chapters=(chapter, later)))
    assert (
        "run run-2, from 2026-03-01 00:03:31 UTC, by a clock set back by 1m30s" in text
    )


def test_a_run_whose_start_is_not_told_and_a_removed_entry(new_ledger) -> None:
    ledger = new_ledger()
    ledger.run_id = "run-0"
    ledger.declare("a")
    ledger.remove("a")
    assert told(ledger) == [
        "a: pending, no longer in the manifest (1 run)",
        "  to do:  Nobody: nothing is to be done.",
        "  name:   a",
        "  source: b:o.qcow2",
        "",
        "run run-0",
        "  2026-03-01 00:02:01           declared by the manifest: a from b:o.qcow2",
        "  2026-03-01 00:03:01   +1m00s  the manifest no longer names this entry",
    ]


def test_of_an_upload_s_progress_the_first_and_the_last_note_of_a_run_are_told(
    new_ledger,
) -> None:
    ledger: LedgerText = new_ledger()
    ledger.start("run-1")
    ledger.declare("a")
    ledger.begin_upload("a")
    ledger.send("a", *(number << 20 for number in range(1, 241)))
    ledger.start("run-2")
    ledger.send("a", 241 << 20)
    ledger.send("a", 250 << 20, 260 << 20)
    ledger.happen("a", SourceUploaded(etag="e", size_bytes=2 << 30, sent_bytes=1 << 30))
    ledger.happen("a", SourceSeen(etag="e", size_bytes=2 << 30, disk_format="qcow2"))
    assert steps(ledger) == [
        "declared by the manifest: a from b:o.qcow2",
        "upload begun: 2.0 GiB in parts of 64.0 MiB",
        "1.0 MiB uploaded so far",
        "240.0 MiB uploaded so far (238 notes between are left out)",
        "241.0 MiB uploaded so far",
        "260.0 MiB uploaded so far (1 note between is left out)",
        "upload complete: 2.0 GiB, of which 1.0 GiB in this run; ETag e",
        "source looked at: 2.0 GiB, qcow2, ETag e",
    ]


def test_a_create_that_an_upload_came_before_is_told_by_its_answer(new_ledger) -> None:
    ledger: LedgerText = new_ledger()
    ledger.start("run-1")
    ledger.declare("a")
    ledger.send("a", 1, 2, 3)
    ledger.create("a", "img-1")
    assert steps(ledger)[-1] == "image metadata created: image img-1"
