"""What a survey of sources came to, in figures.

Decides: which entries count as fit, faulty or not looked at. Must not know: how they
were looked at, words.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from batch_register.model import EntryKey, Fault
from batch_register.preflight.judge import Judgement
from batch_register.source import SourceVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlooked:
    """So many entries whose source was not looked at, or not to its end, and why."""

    code: str
    reason: str  # of the first of them
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of a survey; every entry counts in one of the first four.

    `gone` is set where the store was not to be had: then nothing was judged, and the
    first four are empty.
    """

    fit: int = 0
    faulty: int = 0  # must be mended
    pinned: int = 0  # only asked what content they have
    unlooked: tuple[Unlooked, ...] = ()
    sources: int = 0  # different ones; entries may share one
    requests: int = 0
    took_s: float = 0.0
    notices: tuple[str, ...] = ()
    gone: Fault | None = None


class Tally:
    """Takes judgements as they come, and counts them."""

    def __init__(self) -> None:
        self.verdicts: dict[EntryKey, SourceVerdict] = {}
        self._counts: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._notices: dict[str, None] = {}  # in the order in which they came

    def take(self, key: EntryKey, judgement: Judgement, *, is_pin: bool) -> None:
        """Count one entry."""
        fault, unseen = judgement.verdict.fault, judgement.unseen
        self.verdicts[key] = judgement.verdict
        self._notices.update(dict.fromkeys(judgement.notices))
        if fault is not None and not fault.is_passing:
            self._counts["faulty"] += 1
        elif unseen is not None:
            self._unseen[unseen.code] += 1
            self._reasons.setdefault(unseen.code, unseen.sentence())
        else:
            self._counts["pinned" if is_pin else "fit"] += 1

    def summary(self, *, sources: int, requests: int, took_s: float) -> Summary:
        """Return the figures; `sources` and `requests` are what it took."""
        return Summary(
            fit=self._counts["fit"],
            faulty=self._counts["faulty"],
            pinned=self._counts["pinned"],
            unlooked=tuple(
                Unlooked(code=code, reason=self._reasons[code], count=count)
                for code, count in self._unseen.most_common()
            ),
            sources=sources,
            requests=requests,
            took_s=took_s,
            notices=tuple(self._notices),
        )
