"""The report by label: for each label, which of its values still have work, and what.

Decides: the order of values, which of them need no line of their own. Must not know:
the form that it is written in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batch_register.entry import EntryState
from batch_register.model import Action
from batch_register.report.digest import URGENCY
from batch_register.report.rows import ReportRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The images of one value of a label; `value` is None for those without it."""

    value: str | None
    total: int
    active: int
    due: tuple[tuple[Action, int], ...]  # most urgent first


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label, and the images of each of its values; most work first."""

    name: str
    shares: tuple[Share, ...]

    @property
    def with_work(self) -> tuple[Share, ...]:
        """Return the values that something is to be done for."""
        return tuple(share for share in self.shares if share.due)


def by_label(rows: Sequence[ReportRow]) -> list[Label]:
    """Return every label that occurs, by its name."""
    worths = [dict(row.labels) for row in rows]
    names = sorted({name for worth in worths for name in worth})
    return [
        _label(name, zip((worth.get(name) for worth in worths), rows, strict=True))
        for name in names
    ]


def values_among(rows: Iterable[ReportRow], name: str) -> list[tuple[str, int]]:
    """Return how many of the rows carry which value of a label, the most first."""
    found = Counter(
        value for row in rows for label, value in row.labels if label == name
    )
    return found.most_common()


def _label(name: str, pairs: Iterable[tuple[str | None, ReportRow]]) -> Label:
    total: Counter[str | None] = Counter()
    active: Counter[str | None] = Counter()
    due: dict[str | None, Counter[Action]] = {}
    for value, row in pairs:
        total[value] += 1
        active[value] += row.state is EntryState.ACTIVE
        if row.action is not Action.NONE:
            due.setdefault(value, Counter())[row.action] += 1
    shares = [
        Share(
            value=value,
            total=number,
            active=active[value],
            due=_by_urgency(due.get(value, Counter())),
        )
        for value, number in total.items()
    ]
    shares.sort(
        key=lambda s: (-sum(n for _, n in s.due), s.value is None, s.value or "")
    )
    return Label(name=name, shares=tuple(shares))


def _by_urgency(due: Counter[Action]) -> tuple[tuple[Action, int], ...]:
    return tuple((action, due[action]) for action in URGENCY if due[action])
