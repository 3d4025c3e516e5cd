"""Each form, compared whole, over one report with all states and hostile text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batch_register.model import EntryKey
from batch_register.report import (
    csv_form,
    joblog_form,
    json_form,
    junit_form,
    markdown_form,
    table_form,
)
from batch_register.report.fold import fold, source_of
from batch_register.report.rows import Report
from batch_register.report.story import render_json, tell
from batch_register.report.story_text import render_text

GOLDEN = Path(__file__).parent / "golden"


def _golden(name: str) -> str:
    return (GOLDEN / name).read_bytes().decode()


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("report.json", json_form.render),
        ("report.csv", csv_form.render),
        ("report.md", markdown_form.render),
        ("report.xml", junit_form.render),
        ("report.joblog", joblog_form.render),
        ("report.txt", table_form.render),
        ("report-100.txt", lambda report: table_form.render(report, width=100)),
        ("report-80.txt", lambda report: table_form.render(report, width=80)),
    ],
)
def test_every_form_is_written_as_documented(
    name: str, render: Callable[[Report], str], all_states
) -> None:
    report = fold([source_of("a.jsonl", all_states.replay())])
    assert render(report) == _golden(name)


@pytest.mark.parametrize(
    ("name", "render"), [("story.txt", render_text), ("story.json", render_json)]
)
def test_a_story_is_written_as_documented(name: str, render, all_states) -> None:
    key = EntryKey("=cmd|'/c calc'!A1")
    story = tell(all_states.replay(), key, all_states.story(key))
    assert render(story) == _golden(name)
