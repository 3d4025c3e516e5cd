"""An entry's lines as somebody reads them: a long upload's progress is first and last.

Decides: which lines are passed over. Must not know: files, what a line says in words.

A file of two hours has a line every half minute, which would hide all others. Lines are
taken one at a time, so that what is passed over is never held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batch_register.event import UploadProgressed
from batch_register.ledger.line import Line


@dataclass(frozen=True, slots=True)
class Passage:
    """One line that is told, and how many like it right before it are not."""

    line: Line
    passed_over: int = 0


def add(passages: list[Passage], line: Line) -> None:
    """Take the next line: in place of the last one where both only go on."""
    if len(passages) > 1 and all(_goes_on(one.line, line) for one in passages[-2:]):
        passages[-1] = Passage(line, passages[-1].passed_over + 1)
    else:
        passages.append(Passage(line))


def passages_of(lines: Iterable[Line]) -> list[Passage]:
    """Return what is told of lines in the ledger's order."""
    passages: list[Passage] = []
    for line in lines:
        add(passages, line)
    return passages


def _goes_on(before: Line, line: Line) -> bool:
    """Return whether both are progress of one upload in one run."""
    name = UploadProgressed.ledger_name
    return before.event == line.event == name and before.run_id == line.run_id
