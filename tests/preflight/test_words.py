"""The lines that say what was looked at, what was not, and why."""

from __future__ import annotations

from dataclasses import replace

from batch_register.preflight import Summary, Unlooked, survey_lines, unlooked_line
from tests.preflight.scenes import BUSY

SUMMARY = Summary(fit=997, faulty=3, sources=1000, requests=2004, took_s=3.14)


def test_one_line_says_what_was_looked_at() -> None:
    assert survey_lines(SUMMARY) == [
        "1,000 sources looked at in 3.1 s, 2,004 requests: 997 fit, 3 must be mended"
    ]


def test_a_single_one_reads_well() -> None:
    one = Summary(pinned=1, sources=1, requests=1, took_s=0.04)
    assert survey_lines(one) == [
        "1 source looked at in 0.0 s, 1 request: 1 of active images"
    ]


def test_without_sources_nothing_is_claimed() -> None:
    assert survey_lines(Summary()) == ["0 sources looked at in 0.0 s, 0 requests"]


def test_what_was_not_looked_at_has_a_line_for_each_reason() -> None:
    summary = replace(
        SUMMARY,
        unlooked=(
            Unlooked(
                code="obs.SlowDown", reason="HTTP 503 obs.SlowDown: slow", count=9
            ),
            Unlooked(code="obs.Lost", reason="obs.Lost: no\x1b answer", count=1),
        ),
    )
    gist, *others = survey_lines(summary)
    assert gist.endswith("3 must be mended, 10 not looked at")
    assert others == [
        "9 sources not looked at: HTTP 503 obs.SlowDown: slow",
        "1 source not looked at: obs.Lost: no\\x1b answer",
    ]


def test_many_reasons_and_notices_are_cut_short() -> None:
    reasons = tuple(
        Unlooked(code=str(number), reason=str(number), count=1) for number in range(9)
    )
    summary = replace(SUMMARY, unlooked=reasons, notices=("a", "b", "c", "d"))
    lines = survey_lines(summary)
    assert lines[-5:] == ["and 6 more", "a", "b", "c", "and 1 more"]


def test_a_store_that_was_given_up_has_one_line() -> None:
    assert survey_lines(replace(SUMMARY, gone=BUSY)) == [
        "sources were not looked at: HTTP 503 obs.SlowDown: as scripted (request r-1)"
    ]
    assert unlooked_line("no access keys") == (
        "sources were not looked at: no access keys"
    )
