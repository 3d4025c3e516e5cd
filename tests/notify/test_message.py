"""What is told of an end, in JSON and in words, and to whom nothing is told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from batch_register.errors import ManifestProblem
from batch_register.exit_codes import MEANINGS
from batch_register.notify.document import LIMIT_BYTES, MOST_TROUBLES, body
from batch_register.notify.ending import Ending, Reason, is_told
from batch_register.notify.words import text, title
from tests.notify.endings import ending, report, row

INVALID = Reason(
    reference="manifest-invalid",
    message="wave-07.yaml: 12 problems",
    hint="correct them",
    problems=tuple(
        ManifestProblem(line=n, column=1, message=f"wrong {n}", entry=f"web-{n}")
        for n in range(1, 13)
    ),
)


def document(of: Ending) -> dict[str, Any]:
    data = body(of, delivery_id="id-1")
    assert len(data) <= LIMIT_BYTES
    found: dict[str, Any] = json.loads(data)
    return found


@pytest.mark.parametrize("code", MEANINGS)
def test_a_code_is_told_unless_another_run_is_at_it(code: int) -> None:
    assert is_told(code, on_trouble_only=False) is (code != 7)
    assert is_told(code, on_trouble_only=True) is (code not in (0, 7))


def test_the_document_says_what_happened_and_who_must_act() -> None:
    found = document(ending())
    trouble = found.pop("troubles")
    to_do = found.pop("to_do")
    assert re.fullmatch(r"batch-register \S+", found.pop("tool"))
    assert found == {
        "version": 1,
        "event": "run.finished",
        "id": "id-1",
        "manifest": "wave-07",
        "shard": None,
        "run_id": "run-1",
        "is_rehearsal": False,
        "target": {
            "endpoint": "https://ims.example.com",
            "project_id": "p-1",
            "region": "eu-de",
        },
        "exit_code": 3,
        "meaning": "some entries failed or are in conflict",
        "is_trouble": True,
        "headline": "wave-07: 1 of 2 images active, 1 failed",
        "started_at": "2026-11-26T22:00:00Z",
        "finished_at": "2026-11-27T04:30:15Z",
        "summary": {
            **dict.fromkeys(
                ("conflict", "unknown", "unfinished", "deferred", "pending"), 0
            ),
            "total": 2,
            "active": 1,
            "failed": 1,
            "skipped": 0,
        },
        "error": None,
        "troubles_left_out": 0,
    }
    assert [task["first_keys"] for task in to_do] == [["web-2"]]
    (one,) = trouble
    assert one.pop("advice").startswith("The disk file's owner:")
    assert one == {
        "key": "web-2",
        "name": "web-2",
        "state": "failed",
        "code": "IMG.0057",
        "reason": "The file is empty.",
        "http_status": 400,
        "request_id": "req-1",
        "image_id": "image-1",
        "action": "fix_source",
    }


def test_of_many_troubles_the_first_are_told_and_the_rest_counted() -> None:
    rows = [row(n, reason="empty") for n in range(MOST_TROUBLES + 7)]
    found = document(ending(report=report(*rows)))
    assert len(found["troubles"]) == MOST_TROUBLES
    assert found["troubles"][0]["key"] == "web-0"
    assert found["troubles_left_out"] == 7
    assert found["to_do"][0]["entries"] == MOST_TROUBLES + 7


def test_long_reasons_make_no_long_document() -> None:
    rows = [row(n, reason="\u202e" * 5000) for n in range(MOST_TROUBLES)]
    found = document(ending(report=report(*rows)))
    assert 0 < len(found["troubles"]) < MOST_TROUBLES
    assert found["troubles_left_out"] == MOST_TROUBLES - len(found["troubles"])


def test_a_run_without_a_report_tells_why_there_is_none() -> None:
    found = document(ending(report=None, reason=INVALID, exit_code=65))
    assert found["summary"] is found["run_id"] is found["target"] is None
    assert found["troubles"] == found["to_do"] == []
    assert found["headline"] == "wave-07: the manifest is invalid"
    assert found["error"]["message"] == "wave-07.yaml: 12 problems"
    assert len(found["error"]["problems"]) == 10
    assert found["error"]["problems"][0] == {
        "line": 1,
        "column": 1,
        "entry": "web-1",
        "message": "wrong 1",
    }


def test_a_rehearsal_is_not_taken_for_a_night() -> None:
    found = document(ending(is_rehearsal=True))
    assert found["is_rehearsal"] is True
    assert title(ending(is_rehearsal=True)).startswith("[TROUBLE] rehearsal of wave-07")


def test_the_words_say_what_to_do_and_what_went_wrong() -> None:
    assert title(ending()) == "[TROUBLE] wave-07: 1 of 2 images active, 1 failed"
    lines = text(ending()).splitlines()
    assert lines[0] == "Exit code 3: some entries failed or are in conflict."
    assert lines[1].startswith("The disk file's owner:")
    assert lines[1].endswith("(web-2)")
    assert lines[2:] == [
        "- web-2 failed, HTTP 400 IMG.0057: The file is empty. (request req-1)",
        "Run run-1.",
    ]


def test_the_words_of_a_good_night_are_short() -> None:
    good = ending(exit_code=0, report=report(row(1)))
    assert title(good) == "[ok] wave-07: 1 of 1 image active"
    assert text(good).count("\n") == 1


def test_the_words_stay_few_and_on_their_lines() -> None:
    rows = [row(n, reason="a\n\x1b[2J" + "b" * 5000) for n in range(100)]
    lines = text(ending(report=report(*rows))).splitlines()
    assert len(lines) == 14
    assert lines[1].endswith("web-4 and 95 more)")
    assert lines[-2] == "- and 90 more: see the report"
    assert all(line.isprintable() and len(line) <= 300 for line in lines)


def test_the_words_of_an_error_without_a_hint_are_the_error_alone() -> None:
    lost = Reason(reference="x", message="one\ntwo")
    lines = text(ending(report=None, reason=lost, exit_code=74)).splitlines()
    assert lines[1:] == ["one", "two"]


def test_the_words_of_an_invalid_manifest_name_the_lines() -> None:
    lines = text(ending(report=None, reason=INVALID, exit_code=65)).splitlines()
    assert lines[1] == "wave-07.yaml: 12 problems"
    assert lines[2] == "- line 1: web-1: wrong 1"
    assert lines[-1] == "What to do: correct them"


def test_a_code_that_is_not_listed_means_failure() -> None:
    assert ending(exit_code=99).meaning == "failure"
