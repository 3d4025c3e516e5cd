"""What stands on the page, in the order in which it is read.

Decides: which parts there are, what each of them lists and what it leaves out, where
links lead. Must not know: markup, files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from batch_register.entry import EntryState
from batch_register.model import Action, EntryKey
from batch_register.report.chronicle import Chronicle
from batch_register.report.digest import Task, tasks
from batch_register.report.durations import Spread, spread
from batch_register.report.html.bars import Bar, bar, chosen
from batch_register.report.html.extract import MOST_TROUBLES, listed
from batch_register.report.html.flight import Flight, flight
from batch_register.report.html.scale import Scale
from batch_register.report.labels import Label, by_label, values_among
from batch_register.report.passages import Passage
from batch_register.report.rows import Report, ReportRow
from batch_register.report.timeline import Interval, RunSpan, Timeline

_MOST_KEYS = 12  # of one task
_MOST_VALUES = 6  # of one label within a task
_MOST_LABELS = 12
_MOST_SHARES = 15  # of one label
_LEAST_SPREAD = 3  # durations; fewer are no distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDo:
    """One task, whose entries are named up to a number, and counted by label."""

    task: Task
    keys: tuple[EntryKey, ...]
    more: int
    labels: tuple[tuple[str, list[tuple[str, int]], int], ...]  # name, values, others


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPart:
    """One label with the values that have work; of the others only how many."""

    label: Label
    shown: int
    done: int  # values without work

    @property
    def more(self) -> int:
        """Return how many values with work are not shown."""
        return len(self.label.with_work) - self.shown


@dataclass(frozen=True, slots=True, kw_only=True)
class NightPart:
    """The night as it is drawn: bars of all attempts, or a chart and bars of some."""

    timeline: Timeline
    scale: Scale
    bars: tuple[Bar, ...]
    flight: Flight | None

    @property
    def runs(self) -> tuple[RunSpan, ...]:
        """Return the runs of the night."""
        return self.timeline.runs

    @property
    def has_uploads(self) -> bool:
        """Return whether any attempt began with an upload."""
        return any(attempt.has_upload for attempt in self.timeline.attempts)

    def stretches(self, intervals: tuple[Interval, ...]) -> list[tuple[float, float]]:
        """Return where intervals begin and how wide they are, in percent."""
        places = [(self.scale.percent(a), self.scale.percent(b)) for a, b in intervals]
        return [(begins, round(ends - begins, 2)) for begins, ends in places]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """What one run noted of an entry."""

    run_id: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All parts of the page."""

    report: Report
    to_do: tuple[ToDo, ...]
    labels: tuple[LabelPart, ...]
    labels_left_out: int
    troubles: tuple[ReportRow, ...]
    troubles_left_out: int
    night: NightPart | None
    spread: Spread | None
    rows: tuple[ReportRow, ...]
    stories: Mapping[EntryKey, tuple[Chapter, ...]]
    anchors: Mapping[EntryKey, str]  # of entries that have a story, or work to do

    @property
    def rows_left_out(self) -> int:
        """Return how many images the table does not list."""
        return len(self.report.images) - len(self.rows)


def contents(report: Report, chronicle: Chronicle) -> Contents:
    """Return what stands on the page."""
    in_trouble = [row for row in report.images if row.is_in_trouble]
    rows = listed(report.images)
    labels = by_label(report.images)
    return Contents(
        report=report,
        to_do=tuple(_to_do(report)),
        labels=tuple(_label_part(label) for label in labels[:_MOST_LABELS]),
        labels_left_out=max(0, len(labels) - _MOST_LABELS),
        troubles=tuple(in_trouble[:MOST_TROUBLES]),
        troubles_left_out=max(0, len(in_trouble) - MOST_TROUBLES),
        night=_night(chronicle.timeline),
        spread=_spread(report),
        rows=tuple(rows),
        stories={key: _chapters(told) for key, told in chronicle.stories.items()},
        anchors=_anchors(report, rows, chronicle),
    )


def _to_do(report: Report) -> Iterator[ToDo]:
    rows = {row.key: row for row in report.images}
    names = sorted({name for row in report.images for name, _ in row.labels})
    for task in tasks(report):
        members = [rows[key] for key in task.keys]
        found = ((name, values_among(members, name)) for name in names[:_MOST_LABELS])
        yield ToDo(
            task=task,
            keys=task.keys[:_MOST_KEYS],
            more=max(0, len(task.keys) - _MOST_KEYS),
            labels=tuple(
                (name, values[:_MOST_VALUES], max(0, len(values) - _MOST_VALUES))
                for name, values in found
                if values
            ),
        )


def _label_part(label: Label) -> LabelPart:
    with_work = len(label.with_work)
    return LabelPart(
        label=label,
        shown=min(with_work, _MOST_SHARES),
        done=len(label.shares) - with_work,
    )


def _night(timeline: Timeline) -> NightPart | None:
    """Return the night, None where nothing was in flight in it."""
    if not timeline.attempts:
        return None
    scale = Scale(timeline.begins_s, timeline.ends_s)
    some = chosen(timeline.attempts, timeline.ends_s)
    return NightPart(
        timeline=timeline,
        scale=scale,
        bars=tuple(bar(attempt, scale) for attempt in some),
        flight=flight(timeline) if len(some) < len(timeline.attempts) else None,
    )


def _spread(report: Report) -> Spread | None:
    durations_s = [
        row.duration_s
        for row in report.images
        if row.duration_s is not None and row.state is EntryState.ACTIVE
    ]
    return spread(durations_s) if len(durations_s) >= _LEAST_SPREAD else None


def _chapters(passages: list[Passage]) -> tuple[Chapter, ...]:
    return tuple(
        Chapter(run_id=run_id, passages=tuple(noted))
        for run_id, noted in groupby(passages, key=lambda one: one.line.run_id)
    )


def _anchors(
    report: Report, rows: list[ReportRow], chronicle: Chronicle
) -> dict[EntryKey, str]:
    """Return where a link to an entry leads: to its story, else to its row."""
    numbers = {row.key: number for number, row in enumerate(report.images, start=1)}
    due = {row.key for row in rows if row.action is not Action.NONE}
    found = {key: f"row-{numbers[key]}" for key in due}
    return found | {key: f"story-{numbers[key]}" for key in chronicle.stories}
