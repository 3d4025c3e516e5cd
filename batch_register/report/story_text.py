"""One entry's story as text: the form for a person who has a minute.

Decides: what stands first, which lines are told, how the time between them reads. Must
not know: files, what an event holds.

The outcome and what to do come first, then run by run what happened, each step with the
time since the step before, the first one since its run began. An intent is told only
where no answer to it is noted: there something was lost. Otherwise the answer tells both.
Of an upload's progress in one run the first note and the last are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from batch_register.event import (
    Aside,
    CreateIntended,
    CreateRefused,
    EntryDeferred,
    ImageCreated,
    RegisterAccepted,
    RegisterIntended,
    RegisterRefused,
)
from batch_register.ledger.line import Line
from batch_register.report.advice import advice
from batch_register.report.passages import Passage, passages_of
from batch_register.report.plain import duration_words, printable, size_words
from batch_register.report.rows import ReportRow, moment_of, seconds_between
from batch_register.report.story import Chapter, Story, passage_words, pin_words

# Each intent, and the events that are an answer to it.
_ANSWERS: dict[str, frozenset[str]] = {
    CreateIntended.ledger_name: frozenset(
        {
            ImageCreated.ledger_name,
            CreateRefused.ledger_name,
            EntryDeferred.ledger_name,
        }
    ),
    RegisterIntended.ledger_name: frozenset(
        {RegisterAccepted.ledger_name, RegisterRefused.ledger_name}
    ),
}
_SENT: dict[str, str] = {
    CreateIntended.ledger_name: "create sent",
    RegisterIntended.ledger_name: "register sent",
}
# The same once more: only a look that settled the first one lets a run send it.
_SENT_AGAIN: dict[str, str] = {
    CreateIntended.ledger_name: "no image of it was found: create sent again",
    RegisterIntended.ledger_name: (
        "the image still waits for a file: register sent again"
    ),
}
_ASIDES = frozenset(cls.ledger_name for cls in get_args(Aside))
_LABEL_WIDTH = len("to do:  ")
_GAP_WIDTH = len("+59m59s")
_SHORTEST_GAP_S = 0.05  # a shorter one reads as 0.0s


def render_text(story: Story) -> str:
    """Return the story for a terminal; all stamps are UTC."""
    lines = [*_outcome(story)]
    last: Line | None = None
    for chapter in story.chapters:
        lines += ["", _chapter_heading(chapter, last), *_steps(chapter)]
        last = chapter.lines[-1]
    return "\n".join(lines) + "\n"


def _outcome(story: Story) -> Iterator[str]:
    row = story.row
    removed = ", no longer in the manifest" if row.is_removed else ""
    yield f"{printable(row.key)}: {row.state}{removed} ({_effort(story)})"
    for label, value in _facts(row):
        if value:
            yield f"  {label + ':':{_LABEL_WIDTH}}{printable(value)}"


def _effort(story: Story) -> str:
    """Return how much it took: runs, creates, and the last try's time."""
    runs, creates = len(story.chapters), story.row.attempts
    parts = [f"{runs} {'run' if runs == 1 else 'runs'}"]
    if creates:
        parts.append(f"{creates} {'create' if creates == 1 else 'creates'}")
    if time := duration_words(story.row.duration_s):
        parts.append(f"{time} for the last try")
    return ", ".join(parts)


def _facts(row: ReportRow) -> tuple[tuple[str, str | None], ...]:
    return (
        ("why", row.error.sentence() if row.error else None),
        ("to do", advice(row.action, row.error)),
        ("name", row.name),
        ("source", row.image_url),
        ("image", row.image_id),
        ("job", row.job_id),
        ("size", size_words(row.size_bytes)),
        ("object", pin_words(row.source) if row.source else None),
        ("upload", row.upload.sentence() if row.upload else None),
        ("labels", ", ".join(f"{name}={value}" for name, value in row.labels)),
    )


def _chapter_heading(chapter: Chapter, last: Line | None) -> str:
    """Return which run this is, how long after `last` it began, and how it ended."""
    parts = [f"run {printable(chapter.run_id)}"]
    run = chapter.run
    if run is not None:
        parts.append(f"from {_stamp(run.started_at)} UTC")
        parts += _pause(last.at, run.started_at) if last else []
        if run.finished_at is None:
            parts.append("no end noted: it was cut off, or is still under way")
        else:
            took = duration_words(seconds_between(run.started_at, run.finished_at))
            parts.append(
                f"took {took}" if took else f"to {_stamp(run.finished_at)} UTC"
            )
            parts.append(f"exit code of the whole run {run.exit_code}")
    return ", ".join(parts)


def _pause(before: str, after: str) -> list[str]:
    """Return how much later a run began; a clock may have been set back meanwhile."""
    later_s = seconds_between(before, after) or 0.0
    earlier_s = seconds_between(after, before) or 0.0
    if later_s >= _SHORTEST_GAP_S:
        return [f"{duration_words(later_s)} later"]
    if earlier_s >= _SHORTEST_GAP_S:
        return [f"by a clock set back by {duration_words(earlier_s)} or more"]
    return []


def _steps(chapter: Chapter) -> Iterator[str]:
    before: Line | None = None
    since = chapter.run.started_at if chapter.run else None
    passages = passages_of(chapter.lines)
    for place, passage in enumerate(passages):
        line = passage.line
        told = _told(before, passage, passages[place + 1 :])
        if told:
            yield f"  {_stamp(line.at)}  {_gap(since, line.at):>{_GAP_WIDTH}}  {told}"
            before, since = line, line.at


def _told(before: Line | None, passage: Passage, later: Sequence[Passage]) -> str:
    """Return what one line says; empty for an intent that the next one answers."""
    line = passage.line
    answers = _ANSWERS.get(line.event)
    if answers is None:
        return passage_words(passage)
    is_again = before is not None and before.event == line.event
    sent = (_SENT_AGAIN if is_again else _SENT)[line.event]
    own = (one.line.event for one in later if one.line.event not in _ASIDES)
    if next(own, None) in answers:
        return sent if is_again else ""
    return f"{sent}; no clear answer to it is noted"


def _gap(since: str | None, at: str) -> str:
    """Return the time since the step before, empty where it is next to nothing."""
    gap_s = seconds_between(since, at)
    if gap_s is None or gap_s < _SHORTEST_GAP_S:
        return ""
    return f"+{duration_words(gap_s)}"


def _stamp(stamp: str) -> str:
    """Return a stamp to the second, or as it is where it is none."""
    moment = moment_of(stamp)
    return printable(stamp) if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
