"""A check-up as a person reads it, and as a program does."""

from __future__ import annotations

import json

import pytest

from batch_register.doctor import (
    Capabilities,
    Diagnosis,
    Finding,
    ProbeEnd,
    ProbeRecord,
    State,
    TagFilter,
    Topic,
)
from batch_register.doctor.document import document
from batch_register.doctor.words import closing, doing, render
from batch_register.model import ImageId, Quota, Target

WELL = Finding(topic=Topic.PROXY, state=State.OK, seen="none")
WARNED = Finding(
    topic=Topic.CLOCK, state=State.WARNING, seen="9 minutes", advice="set it"
)
BROKEN = Finding(
    topic=Topic.LOGIN,
    state=State.PROBLEM,
    seen="refused \x1b[2J",
    advice="check it",
    exit_code=77,
)
OPEN = Finding(topic=Topic.LIST_LAG, state=State.NOT_LOOKED_AT, seen="not known")
BEHIND = [
    Finding(
        topic=topic,
        state=State.NOT_LOOKED_AT,
        seen="see login first",
        behind=Topic.LOGIN,
    )
    for topic in (Topic.QUOTA, Topic.PROJECT)
]
NEXT = "Next: plan."


def test_states_are_words_in_one_column_and_advice_stands_below() -> None:
    text = render([WELL, WARNED, BROKEN, *BEHIND, OPEN], width=None)
    assert text.splitlines() == [
        "ok             proxy             none",
        "warning        clock             9 minutes",
        "                                 > set it",
        "PROBLEM        login             refused \\x1b[2J",
        "                                 > check it",
        "not looked at  list lag          not known",
        "not looked at  image quota, project: see login first",
    ]


def test_a_narrow_terminal_gets_lines_that_fit_and_no_word_is_lost() -> None:
    seen = " ".join(f"word-{number}" for number in range(40))
    long = Finding(topic=Topic.PROXY, state=State.OK, seen=seen, advice=seen)
    lines = render([long, *BEHIND * 10], width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(lines).split().count("word-39") == 2


def test_nothing_found_is_nothing_shown() -> None:
    assert render([], width=80) == ""


@pytest.mark.parametrize(
    ("findings", "is_whole", "words"),
    [
        ([WELL], True, "All is well. Next: plan.\n"),
        ([WELL, WARNED], True, "Runs can work, with 1 warning. Next: plan.\n"),
        (
            [WARNED, BROKEN],
            True,
            "1 problem and 1 warning. Begin with the login: check it; then run doctor "
            "again.\n",
        ),
        (
            [BROKEN, BROKEN],
            False,
            "Stopped before the end. 2 problems. Begin with the login: check it; then "
            "run doctor again.\n",
        ),
        ([WELL, WARNED], False, "Stopped before the end. Run doctor again.\n"),
    ],
)
def test_the_last_sentence_says_where_to_begin(
    findings: list[Finding], is_whole: bool, words: str
) -> None:
    told = closing(findings, next_step=NEXT, is_whole=is_whole, width=None)
    assert told == words
    narrow = closing(findings, next_step=NEXT, is_whole=is_whole, width=60)
    assert max(map(len, narrow.splitlines())) <= 60
    assert narrow.split() == words.split()


def test_the_document_is_made_of_plain_words_and_numbers() -> None:
    diagnosis = Diagnosis(
        capabilities=Capabilities(
            list_call="extension list",
            tag_filter=TagFilter.FINDS_NOTHING,
            list_lag_s=1.5,
            quota=Quota(used=1, limit=2),
            clock_skew_s=-0.5,
        ),
        target=Target(endpoint="https://i", project_id="p", region="r"),
        probe=ProbeRecord(name="n", end=ProbeEnd.LEFT, image_id=ImageId("i-1")),
    )
    whole = document(diagnosis, [OPEN], 69)
    assert json.loads(json.dumps(whole)) == {
        "version": 1,
        "exit_code": 69,
        "target": {"endpoint": "https://i", "project_id": "p", "region": "r"},
        "findings": [
            {
                "topic": "list_lag",
                "state": "not_looked_at",
                "seen": "not known",
                "advice": "",
            }
        ],
        "capabilities": {
            "list_call": "extension list",
            "job_call": None,
            "tag_filter": "finds_nothing",
            "list_lag_s": 1.5,
            "quota": {"used": 1, "limit": 2},
            "clock_skew_s": -0.5,
            "task_limit": None,
        },
        "probe": {"name": "n", "image_id": "i-1", "end": "left"},
    }


def test_a_document_of_nothing_holds_nulls() -> None:
    whole = document(Diagnosis(), [], 0)
    assert (whole["target"], whole["probe"]) == (None, None)


ID = ImageId("image-1")


@pytest.mark.parametrize(
    ("host", "probe", "words"),
    [
        ("ims:443", None, "waiting for ims:443"),
        ("", None, "between two looks"),
        (
            "ims:443",
            ProbeRecord(name="p-1", end=ProbeEnd.UNCLEAR),
            "probe p-1: being made, or looked for; waiting for ims:443",
        ),
        (
            "",
            ProbeRecord(name="p-1", end=ProbeEnd.LEFT, image_id=ID),
            "probe p-1, image image-1: looked for, then deleted; between two looks",
        ),
    ],
)
def test_whoever_waits_is_told_for_whom_and_what_a_probe_has_made(
    host: str, probe: ProbeRecord | None, words: str
) -> None:
    assert doing(host, probe) == words
