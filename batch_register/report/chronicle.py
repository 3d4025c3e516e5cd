"""What rows do not tell and a ledger does: the night's timeline, and stories of trouble.

Decides: whose lines are kept, and how many. Must not know: files, drawing.

Lines are taken one at a time, and only those of rows in trouble stay: a ledger of
100,000 images is never held a second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from batch_register.ledger.line import Line
from batch_register.model import EntryKey
from batch_register.report.passages import Passage, add
from batch_register.report.rows import Report
from batch_register.report.timeline import Night, Timeline, overlaid

MOST_STORIES = 1000
MOST_STORY_LINES = (
    60  # that are told: the last ones of an entry that was tried for months
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    """The last night, and what is told of entries in trouble, in the ledgers' order."""

    timeline: Timeline
    stories: dict[EntryKey, list[Passage]]


def chronicle_of(
    report: Report, ledgers: Iterable[tuple[str | None, Iterable[Line]]]
) -> Chronicle:
    """Return what the ledgers tell; each gives the run that is reported, and its lines.

    Of more than `MOST_STORIES` entries in trouble the first ones have a story.
    """
    in_trouble = (row.key for row in report.images if row.is_in_trouble)
    stories: dict[EntryKey, list[Passage]] = {
        key: [] for key in islice(in_trouble, MOST_STORIES)
    }
    nights = []
    for run_id, lines in ledgers:
        nights.append(night := Night(run_id=run_id))
        for line in lines:
            night.take(line)
            story = stories.get(EntryKey(line.key)) if line.key is not None else None
            if story is not None:
                add(story, line)
                del story[:-MOST_STORY_LINES]
    return Chronicle(timeline=overlaid(nights), stories=stories)
