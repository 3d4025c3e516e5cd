"""A check-up as a person reads it at a terminal.

Decides: layout and the closing sentence; nothing is said by colour alone. Must not
know: what a finding means.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from batch_register.doctor.findings import Finding, State, Topic
from batch_register.doctor.record import ProbeEnd, ProbeRecord
from batch_register.report.plain import printable

# Capitals, so that it is found among lines that are well.
_MARKS = {
    State.OK: "ok",
    State.WARNING: "warning",
    State.PROBLEM: "PROBLEM",
    State.NOT_LOOKED_AT: "not looked at",
}
_MARK_WIDTH = max(map(len, _MARKS.values()))
_TOPIC_WIDTH = max(map(len, Topic))
_UNBOUND = 1_000_000  # a width that nothing reaches
_LEAST = 60  # a narrower terminal wraps by itself


def render(findings: Sequence[Finding], *, width: int | None) -> str:
    """Return one line per finding, what to do below it; width in cells, None: any.

    What a problem kept from being looked at shares one line at the end.
    """
    shown = [each for each in findings if each.behind is None]
    text = "".join(_finding(each, width) for each in shown)
    unreached = [each for each in findings if each.behind is not None]
    if not unreached:
        return text
    names = ", ".join(each.topic for each in unreached)
    head = f"{_MARKS[State.NOT_LOOKED_AT]}  "
    words = f"{names}: see {unreached[0].behind} first"
    return text + _lines(_wrapped(words, head, " " * len(head), width))


def closing(
    findings: Sequence[Finding], *, next_step: str, is_whole: bool, width: int | None
) -> str:
    """Return the sentence that says what to do now; not `is_whole`: it was cut off."""
    words = _closing(findings, next_step=next_step, is_whole=is_whole)
    return _lines(_wrapped(words, "", "", width))


def doing(host: str, probe: ProbeRecord | None) -> str:
    """Return what a check-up is at; `host`: whose answer is waited for, if anybody's."""
    asked = f"waiting for {printable(host)}" if host else "between two looks"
    match probe:
        case ProbeRecord(end=ProbeEnd.LEFT, image_id=image_id):
            return f"probe {probe.name}, image {image_id}: looked for, then deleted; {asked}"
        case ProbeRecord(end=ProbeEnd.UNCLEAR):
            return f"probe {probe.name}: being made, or looked for; {asked}"
        case _:
            return asked


def _closing(findings: Sequence[Finding], *, next_step: str, is_whole: bool) -> str:
    problems = [each for each in findings if each.state is State.PROBLEM]
    warnings = sum(each.state is State.WARNING for each in findings)
    stopped = "" if is_whole else "Stopped before the end. "
    if problems:
        first = problems[0]
        beside = f" and {_count(warnings, 'warning')}" if warnings else ""
        return (
            f"{stopped}{_count(len(problems), 'problem')}{beside}. Begin with the "
            f"{first.topic}: {printable(first.advice or first.seen)}; then run doctor "
            "again."
        )
    if not is_whole:
        return f"{stopped}Run doctor again."
    if warnings:
        return f"Runs can work, with {_count(warnings, 'warning')}. {next_step}"
    return f"All is well. {next_step}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _finding(finding: Finding, width: int | None) -> str:
    mark = _MARKS[finding.state].ljust(_MARK_WIDTH)
    head = f"{mark}  {finding.topic.ljust(_TOPIC_WIDTH)}  "
    below = " " * len(head)
    lines = _wrapped(printable(finding.seen), head, below, width)
    if finding.advice:
        lines += _wrapped(printable(finding.advice), f"{below}> ", f"{below}  ", width)
    return _lines(lines)


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _wrapped(text: str, first: str, later: str, width: int | None) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, _LEAST) if width else _UNBOUND,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]
