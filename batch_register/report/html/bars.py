"""Attempts as bars on a scale: one row each.

Decides: which attempts get a row where not all can have one, what a row says in words.
Must not know: markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from batch_register.model import EntryKey
from batch_register.report.html.scale import Scale, clock
from batch_register.report.plain import duration_words
from batch_register.report.timeline import Attempt, End

MOST_BARS = 150
SOME_BARS = 60  # beside a chart of all


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One attempt; places are percent of the width, `waits` None where it never did."""

    key: EntryKey
    begins: float
    makes: float  # its beginning, where nothing had to be uploaded
    waits: float | None
    ends: float
    end: End
    lasted: str
    words: str


def chosen(attempts: Sequence[Attempt], ends_s: float) -> tuple[Attempt, ...]:
    """Return the attempts that get a bar, in their order.

    Where they are too many: the longest of those that did not become active, then the
    longest of the others, half of the rows each.
    """
    if len(attempts) <= MOST_BARS:
        return tuple(attempts)
    ranked = sorted(attempts, key=lambda one: -_length_s(one, ends_s))
    others = [one for one in ranked if one.end is not End.ACTIVE][: SOME_BARS // 2]
    longest = [one for one in ranked if one.end is End.ACTIVE]
    kept = {id(one) for one in (*others, *longest[: SOME_BARS - len(others)])}
    return tuple(one for one in attempts if id(one) in kept)


def bar(attempt: Attempt, scale: Scale) -> Bar:
    """Return the bar of one attempt."""
    return Bar(
        key=attempt.key,
        begins=scale.percent(attempt.begins_s),
        makes=scale.percent(attempt.made_from_s(_end_s(attempt, scale.ends_s))),
        waits=None if attempt.waits_s is None else scale.percent(attempt.waits_s),
        ends=scale.percent(_end_s(attempt, scale.ends_s)),
        end=attempt.end,
        lasted=duration_words(_length_s(attempt, scale.ends_s)),
        words=_words(attempt, scale.ends_s),
    )


def _end_s(attempt: Attempt, night_ends_s: float) -> float:
    ends_s = night_ends_s if attempt.ends_s is None else attempt.ends_s
    return max(attempt.begins_s, ends_s)


def _length_s(attempt: Attempt, night_ends_s: float) -> float:
    return _end_s(attempt, night_ends_s) - attempt.begins_s


def _phases(attempt: Attempt, ends_s: float) -> Iterator[str]:
    """Yield what the attempt has come to, and how long that took."""
    makes_s = attempt.made_from_s(ends_s)
    if attempt.has_upload:
        yield f"upload {duration_words(makes_s - attempt.begins_s)}"
        if attempt.makes_s is None:
            return
    waits_s = ends_s if attempt.waits_s is None else attempt.waits_s
    yield f"create and register {duration_words(max(0.0, waits_s - makes_s))}"
    if attempt.waits_s is not None:
        yield f"wait {duration_words(max(0.0, ends_s - waits_s))}"


def _words(attempt: Attempt, night_ends_s: float) -> str:
    ends_s = _end_s(attempt, night_ends_s)
    if attempt.is_followed_on:
        parts = ["begun before this night"]
    else:
        parts = [f"begun {clock(attempt.begins_s)}", *_phases(attempt, ends_s)]
    if attempt.ends_s is None:
        return ", ".join([*parts, "still in flight"])
    return ", ".join([*parts, f"{attempt.end} {clock(attempt.ends_s)}"])
