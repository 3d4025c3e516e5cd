"""The page: sound, closed to the world, and in agreement with the other forms."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings, strategies as st

from batch_register.entry import EntryState
from batch_register.event import SourceRefused
from batch_register.model import Action, EntryKey, Fault, FaultKind
from batch_register.report import json_form
from batch_register.report.advice import advice
from batch_register.report.chronicle import MOST_STORY_LINES, Chronicle, chronicle_of
from batch_register.report.fold import fold, source_of
from batch_register.report.html.extract import MOST_ROWS, MOST_TROUBLES
from batch_register.report.html.page import render
from batch_register.report.passages import Passage
from batch_register.report.rows import Report
from batch_register.report.timeline import Timeline
from tests.report.conftest import fault
from tests.report.html.strict import Element, read
from tests.report.made import REPORTS, plain_row, report_of

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
NOTHING = Chronicle(timeline=Timeline(), stories={})


def page_of(ledger) -> tuple[Report, str]:
    report = fold([source_of("a.jsonl", ledger.replay())])
    chronicle = chronicle_of(report, [(report.run_id, ledger.lines)])
    return report, render(report, chronicle, rendered_at=NOW)


def sound(text: str) -> Element:
    root, mistakes = read(text)
    assert mistakes == []
    return root


def rows_of(root: Element, kind: str) -> list[list[str]]:
    (table,) = root.all("table", **{"class": kind})
    (body,) = table.all("tbody")
    return [[cell.words for cell in row.parts] for row in body.all("tr")]


def test_the_page_is_sound_and_leads_with_the_verdict(all_states) -> None:
    _, text = page_of(all_states)
    root = sound(text)
    assert text.startswith("<!doctype html>\n")
    assert [one.words for one in root.all("h1")] == [
        "3 of 10 images active (2 before this run), 2 failed, 1 conflict, 1 unknown, "
        "1 unfinished, 1 deferred, 1 pending"
    ]
    assert root.all("p", **{"class": "verdict"})[0].words == "Somebody has to act."
    assert root.all("footer")[0].words.startswith("Rendered 2026-03-04 05:06:07 UTC")
    assert [one.words for one in root.all("h2")] == [
        "Notes",
        "What to do",
        "What went wrong",
        "The night",
        "How long images took",
        "All images",
        "Histories",
    ]


def test_the_counts_are_those_of_the_json_form(all_states) -> None:
    report, text = page_of(all_states)
    summary = json.loads(json_form.render(report))["summary"]
    (counts,) = sound(text).all("ul", **{"class": "counts"})
    told = {part.words.split()[1]: int(part.words.split()[0]) for part in counts.parts}
    assert told == {str(state): summary[state] for state in EntryState}


def test_every_image_is_in_the_table_in_its_order_and_state(all_states) -> None:
    report, text = page_of(all_states)
    images = json.loads(json_form.render(report))["images"]
    rows = rows_of(sound(text), "all")
    assert [row[1].split()[0] for row in rows] == [image["state"] for image in images]
    assert [row[2] or "none" for row in rows] == [image["action"] for image in images]
    assert [row[7] for row in rows] == [image["image_id"] or "" for image in images]


def test_every_trouble_has_code_reason_request_advice_and_history(all_states) -> None:
    report, text = page_of(all_states)
    root = sound(text)
    told = rows_of(root, "stacked")
    troubles = [row for row in report.images if row.is_in_trouble]
    assert len(told) == len(troubles) == 4
    for row, cells in zip(troubles, told, strict=True):
        assert row.error is not None
        assert cells[1] == row.state
        assert cells[2].split()[0] == row.error.code
        assert cells[4] == (row.error.request_id or "")
        assert cells[5] == advice(row.action, row.error)
    (table,) = root.all("table", **{"class": "stacked"})
    targets = [link.attributes["href"] for link in table.all("a")]
    stories = [article.attributes["id"] for article in root.all("article")]
    assert targets == [f"#{story}" for story in stories]


def test_a_history_tells_every_run(all_states) -> None:
    _, text = page_of(all_states)
    story = next(
        one for one in sound(text).all("article") if one.words.startswith("changed")
    )
    assert [part.words for part in story.all("h4")] == ["Run run-1", "Run run-2"]
    told = [part.words.split(" ", 2)[2] for part in story.all("li")]
    assert told[0] == "declared by the manifest: changed from b:o.qcow2"
    assert told[-1] == "declared by the manifest: changed from b:other.qcow2"


def test_an_entry_of_many_tries_tells_the_last_of_them(new_ledger) -> None:
    ledger = new_ledger()
    ledger.start("run-1")
    ledger.declare("a")
    error = Fault(
        kind=FaultKind.JOB_FAILED, code="c", reason="r", action=Action.RUN_AGAIN
    )
    report = report_of([replace(plain_row("a", EntryState.FAILED), error=error)])
    line = ledger.lines[-1]
    found = chronicle_of(report, [("run-1", [line] * 3 * MOST_STORY_LINES)])
    assert found.stories == {EntryKey("a"): [Passage(line)] * MOST_STORY_LINES}


def test_the_night_has_a_row_for_every_attempt(all_states) -> None:
    _, text = page_of(all_states)
    rows = rows_of(sound(text), "bars")
    assert [(cells[0], cells[2]) for cells in rows] == [
        ("web-01", "active 4m00s"),
        ("changed", "active 4m00s"),
        ("gone-active", "active 4m00s"),
        ("=cmd|'/c calc'!A1", "failed 4m00s"),
        ("数据库-主", "active 4m00s"),
        ("lost", "unknown 4m00s"),
        ("running", "in flight 7m00s"),
        ("refused", "failed 1m00s"),
    ]


def test_work_is_told_by_action_and_by_label(all_states) -> None:
    _, text = page_of(all_states)
    root = sound(text)
    (tasks,) = root.all("ol", **{"class": "tasks"})
    actions = [part.all("code")[0].words for part in tasks.all("h3")]
    assert actions == [
        "ask_permission",
        "raise_quota",
        "fix_manifest",
        "fix_source",
        "run_again",
        "run_again",
    ]
    shares = [
        [cell.words for cell in row.parts]
        for table in root.all("table", **{"class": "label"})
        for row in table.all("tbody")[0].all("tr")
    ]
    due = "1 ask_permission, 1 raise_quota, 1 fix_manifest, 1 fix_source, 3 run_again"
    assert shares == [
        ["without it", "2 of 9", due],  # by owner
        ["without it", "1 of 8", due],  # by ticket
    ]


def test_all_is_well_and_nothing_is_asked_of_anybody() -> None:
    root = sound(
        render(report_of([plain_row("a", EntryState.ACTIVE)]), NOTHING, rendered_at=NOW)
    )
    assert root.all("p", **{"class": "verdict"})[0].words == "All is done."
    assert [one.words for one in root.all("h2")] == ["All images"]


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "abc\u202egnp.exe\u2066",
    "\x00\x1b[2J\x7f\x85\r\n",
    "w" * 128,
    "&lt;b&gt;",
    "\ud800",
    "javascript:alert(1)",
    "]]></style><style>*{}",
)


@pytest.mark.fault(39)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text: str, new_ledger) -> None:
    ledger = new_ledger(manifest=text)
    ledger.start(text)
    ledger.declare(text, name=text, source=text, labels=((text, text),))
    ledger.register(text, text, text)
    error = Fault(
        kind=FaultKind.JOB_FAILED,
        code=text,
        reason=text,
        action=Action.CONTACT_PROVIDER,
        request_id=text,
    )
    row = replace(
        plain_row(text, EntryState.FAILED),
        name=text,
        image_url=text,
        error=error,
        action=Action.CONTACT_PROVIDER,
        labels=((text, text),),
    )
    report = replace(report_of([row], (text,)), manifest=text, run_id=text)
    chronicle = chronicle_of(report, [(text, ledger.lines)])
    page = render(report, chronicle, rendered_at=NOW)
    root = sound(page)
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page
    )
    assert len(page.encode()) > 0  # no lone surrogate is left
    assert len(root.all("style")) == 1
    assert len(root.all("article")) == 1


@given(REPORTS)
@settings(deadline=None, max_examples=30)
def test_every_report_makes_a_sound_page_that_any_file_can_hold(report: Report) -> None:
    page = render(report, NOTHING, rendered_at=NOW)
    root = sound(page)
    page.encode()
    assert len(rows_of(root, "all")) == len(report.images) if report.images else True


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=30)
def test_a_reason_reads_as_it_is_written(reason: str) -> None:
    shown = "".join(one if one.isprintable() else "" for one in reason)
    error = Fault(
        kind=FaultKind.REJECTED,
        code="c",
        reason=f"({shown})",
        action=Action.FIX_MANIFEST,
    )
    row = replace(plain_row("a", EntryState.FAILED), error=error)
    root = sound(render(report_of([row]), NOTHING, rendered_at=NOW))
    assert rows_of(root, "stacked")[0][3] == " ".join(f"({shown})".split())


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = render(report_of([]), NOTHING, rendered_at=NOW)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = sound(page).all("head")[0]
    (meta,) = head.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert meta.attributes["content"] == policy
    assert "url(" not in page.replace("url(#", "")
    assert "@import" not in page


def test_of_very_many_images_the_page_says_which_it_leaves_out() -> None:
    rows = [plain_row(f"a{number}", EntryState.ACTIVE) for number in range(MOST_ROWS)]
    failed = [
        plain_row(f"f{number}", EntryState.FAILED)
        for number in range(MOST_TROUBLES + 1)
    ]
    report = report_of([*rows, *failed])
    page = render(report, NOTHING, rendered_at=NOW)
    assert page.count('<tr><th scope="row">f') == MOST_TROUBLES + 1
    assert (
        f"{MOST_TROUBLES + 1} of {len(report.images)} images are left out here" in page
    )
    assert "1 more are left out here" in page
    assert len(page) < 10_000_000


def test_an_upload_has_its_own_colour_and_legend_only_where_there_is_one(
    source_side, all_states
) -> None:
    _, text = page_of(source_side)
    root = sound(text)
    (legend,) = root.all("ul", **{"class": "legend"})
    assert legend.words.split()[0] == "upload"
    assert text.count('<rect class="uploading" x=') == 4
    assert (
        "upload"
        not in sound(page_of(all_states)[1]).all("ul", **{"class": "legend"})[0].words
    )


def test_a_long_upload_hides_nothing_of_its_image_s_history(new_ledger) -> None:
    ledger = new_ledger()
    ledger.start("run-1")
    ledger.declare("a")
    ledger.begin_upload("a")
    ledger.send("a", *(number << 20 for number in range(1, 241)))
    error = fault(FaultKind.REJECTED, "upload.file-changed", "r", Action.FIX_SOURCE)
    ledger.happen("a", SourceRefused(error=error))
    _, text = page_of(ledger)
    (story,) = sound(text).all("ol", **{"class": "events"})
    assert [item.all("span")[0].words for item in story.all("li")] == [
        "declared by the manifest: a from b:o.qcow2",
        "upload begun: 2.0 GiB in parts of 64.0 MiB",
        "1.0 MiB uploaded so far",
        "240.0 MiB uploaded so far (238 notes between are left out)",
        "nothing sent: upload.file-changed: r",
    ]
