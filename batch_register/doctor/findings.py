"""The findings of a check-up: what was looked at, what was seen, what to do.

Decides: which topics there are, in the order in which one rests on another, and which
exit code they amount to. Must not know: requests, words for the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from batch_register.model import Quota


class State(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"  # runs work, or may
    PROBLEM = "problem"  # runs do not work
    NOT_LOOKED_AT = "not looked at"


class Topic(StrEnum):
    """What is looked at; what comes later rests on what comes before."""

    SETTINGS = "settings"
    CREDENTIALS = "credentials"
    PROXY = "proxy"
    IDENTITY = "identity service"
    CLOCK = "clock"
    LOGIN = "login"
    PROJECT = "project"
    ENDPOINT = "image service"
    RIGHT = "right to list"
    LIST_CALL = "list call"
    TAG_FILTER = "tag filter"
    JOB_CALL = "job call"
    QUOTA = "image quota"
    LEDGER = "ledger"
    TASK_LIMIT = "task limit"
    LIST_LAG = "list lag"
    OBJECTS = "object storage"
    BUCKETS = "buckets"  # only where some were named
    PROBE = "probe"
    LEFTOVERS = "old probes"  # only where there are any


class TagFilter(StrEnum):
    """What lists make of a filter by tag."""

    HONOURED = "honoured"
    IGNORED = "ignored"  # everything is shown
    FINDS_NOTHING = "finds nothing"
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One topic: what was seen, what to do (empty: nothing), what it means for 0."""

    topic: Topic
    state: State
    seen: str
    advice: str = ""
    exit_code: int = 0  # of a problem
    behind: Topic | None = None  # whose problem kept it from being looked at


@dataclass(slots=True, kw_only=True)
class Capabilities:
    """What the cloud has, as far as it is known; None where it is not.

    Times are seconds; `clock_skew_s` is above 0 where this machine's clock is ahead.
    """

    list_call: str | None = None
    job_call: str | None = None
    tag_filter: TagFilter = TagFilter.NOT_KNOWN
    list_lag_s: float | None = None
    quota: Quota | None = None
    clock_skew_s: float | None = None
    task_limit: int | None = None


@dataclass(slots=True)
class Findings:
    """The findings so far, each topic once."""

    _by_topic: dict[Topic, Finding] = field(default_factory=dict)

    def add(self, *findings: Finding) -> None:
        """Take findings in; a later one of a topic replaces an earlier one."""
        for finding in findings:
            self._by_topic[finding.topic] = finding

    def all(self) -> list[Finding]:
        """Return them in the order of the topics."""
        return [self._by_topic[topic] for topic in Topic if topic in self._by_topic]


# Where problems disagree: the disk first, then what a person must be asked for.
_WORST_FIRST = (74, 77, 69, 2)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the exit code: 0, or that of the worst problem."""
    codes = {each.exit_code for each in findings if each.state is State.PROBLEM}
    return next((code for code in _WORST_FIRST if code in codes), 0)


def completed(
    findings: Iterable[Finding], *, skipped: Iterable[Topic] = ()
) -> list[Finding]:
    """Return the findings with a line for each topic that none is about.

    Such a topic was not reached: the first problem stood before it. `skipped` are
    topics of which nothing is said, since nobody asked for them.
    """
    known = {each.topic: each for each in findings}
    blocker = next(
        (t for t in Topic if t in known and known[t].state is State.PROBLEM), None
    )
    silent = set(skipped)
    return [
        known.get(topic) or _unreached(topic, blocker)
        for topic in Topic
        if topic in known or topic not in silent
    ]


def _unreached(topic: Topic, blocker: Topic | None) -> Finding:
    return Finding(
        topic=topic,
        state=State.NOT_LOOKED_AT,
        seen=f"see {blocker} first" if blocker else "not reached",
        behind=blocker,
    )
