"""One entry's story: every event has words, and runs are told as they ended."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from batch_register.event import (
    DURABLE_EVENTS,
    RegisterAccepted,
    RetryStarted,
    ShellFate,
)
from batch_register.ledger.line import Line
from batch_register.ledger.notes import ORPHAN_EVENTS
from batch_register.model import EntryKey, ImageId
from batch_register.report.json_schema import STORY
from batch_register.report.story import WORDS, render_json, tell, words

ERROR = {
    "kind": "server",
    "http_status": 503,
    "code": "c",
    "reason": "r",
    "request_id": "q",
    "action": "wait",
}
WHY = "HTTP 503 c: r (request q)"


def _line(event: str, fields: dict[str, object] | None = None, **more: object) -> Line:
    fields = {**(fields or {}), **more}
    return Line(seq=1, run_id="r", at="t", event=event, key="k", fields=fields)


def test_every_durable_event_has_words() -> None:
    assert set(WORDS) == set(DURABLE_EVENTS)


@pytest.mark.parametrize("event", sorted(ORPHAN_EVENTS))
def test_every_event_of_an_orphan_has_words(event: str) -> None:
    assert words(_line(event)).startswith(("about", "orphan"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            _line("entry.declared", name="n\x07", image_url="b:o", spec="s", labels={}),
            "declared by the manifest: n\\x07 from b:o",
        ),
        (_line("entry.removed"), "the manifest no longer names this entry"),
        (
            _line("image.warped", to="\x1b"),
            "image.warped (noted by a newer version of this tool)",
        ),
        (
            _line("image.create_intended", spec="s"),
            "about to create the image metadata",
        ),
        (_line("image.created", image_id="i"), "image metadata created: image i"),
        (_line("image.create_refused", error=ERROR), f"create refused: {WHY}"),
        (
            _line("image.adopted", image_id="i", status="saving", spec="s"),
            "image i is there by its tag, status saving: taken over",
        ),
        (
            _line("image.register_intended", image_id="i"),
            "about to register the file for image i",
        ),
        (
            _line("image.registered", image_id="i", job_id="j"),
            "file accepted for image i: job j",
        ),
        (
            _line("image.registered", image_id="i", job_id=None),
            "file accepted for image i: its job id is not known, so the image itself "
            "is watched",
        ),
        (
            _line("image.register_refused", image_id="i", error=ERROR),
            f"register refused: {WHY}",
        ),
        (
            _line("image.active", image_id="i", size_bytes=2 << 30),
            "image i is active, 2.0 GiB",
        ),
        (_line("image.failed", error=ERROR, stage="job"), f"the job failed: {WHY}"),
        (_line("image.unknown", error=ERROR), f"outcome unknown: {WHY}"),
        (_line("image.deferred", error=ERROR), f"held back: {WHY}"),
        (
            _line("image.retry_started", {"shell": "replace"}),
            "tried again; the image of the try before is deleted first",
        ),
        (
            _line("image.shell_deleted", image_id="i"),
            "image i of a failed try is deleted",
        ),
        (
            _line("image.shell_kept", image_id="i", error=ERROR),
            f"image i of a failed try could not be deleted: {WHY}",
        ),
        (
            _line("image.duplicate_seen", image_id="i", status="active"),
            "a further image carries this entry's tag: image i, status active; left "
            "alone",
        ),
        (
            _line("orphan.delete_intended", image_id="i", status="queued"),
            "about to delete orphan image i, status queued",
        ),
        (_line("orphan.deleted", image_id="i"), "orphan image i deleted"),
        (_line("orphan.deleted"), "orphan image ? deleted"),
        (
            _line("orphan.kept", image_id="i", reason="it is\x1bactive"),
            "orphan image i not deleted: it is\\x1bactive",
        ),
        (
            _line("orphan.delete_unclear", image_id="i", reason="timed out"),
            "orphan image i may have been deleted: timed out",
        ),
        (
            _line("upload.abort_intended", bucket="b", object="o", upload_id="u"),
            "about to give up an upload to b:o",
        ),
        (
            _line("upload.aborted", bucket="b", object="o\x1b", upload_id="u"),
            "an upload to b:o\\x1b given up",
        ),
        (
            _line("upload.kept", bucket="b", object="o", reason="it is gone already"),
            "an upload to b:o not given up: it is gone already",
        ),
        (
            _line("upload.abort_unclear", bucket="b", object="o", reason="timed out"),
            "an upload to b:o may have been given up: timed out",
        ),
    ],
)
def test_each_event_is_told_in_plain_words(line: Line, told: str) -> None:
    assert words(line) == told


@pytest.mark.parametrize("call", ["create", "register"])
def test_a_call_that_never_went_out_was_not_refused(call: str) -> None:
    error = ERROR | {"kind": "unreachable", "http_status": None, "request_id": None}
    line = _line(f"image.{call}_refused", error=error, image_id="i")
    assert words(line) == f"{call} not sent: c: r"


def test_every_fate_of_a_shell_has_words() -> None:
    told = {WORDS[RetryStarted](RetryStarted(shell=shell)) for shell in ShellFate}
    assert len(told) == len(ShellFate)


def test_an_accepted_register_without_a_job_says_what_is_watched() -> None:
    event = RegisterAccepted(image_id=ImageId("i"), job_id=None)
    assert "image itself is watched" in WORDS[RegisterAccepted](event)


def test_a_key_that_the_ledger_does_not_hold_has_no_story(new_ledger) -> None:
    with pytest.raises(KeyError):
        tell(new_ledger().replay(), EntryKey("a"), [])


def test_the_json_form_fits_its_schema(all_states) -> None:
    check = Draft202012Validator(STORY)
    for key in all_states.specs:
        story = tell(all_states.replay(), EntryKey(key), all_states.story(key))
        document = json.loads(render_json(story))
        check.validate(document)
        del document["image"]
        assert not check.is_valid(document)
