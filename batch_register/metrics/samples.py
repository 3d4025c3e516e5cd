"""The values of all metrics, from a report, the ledger's runs and what it remembers.

Decides: what each metric is worth after a run, and which are left out because nobody
knows them. Must not know: files, clocks, the text form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batch_register.entry import EntryState
from batch_register.ledger.replay import RunRecord
from batch_register.metrics import table
from batch_register.metrics.table import Metric
from batch_register.model import Action
from batch_register.report.digest import by_state
from batch_register.report.rows import Report, ReportRow
from batch_register.usage import RunUsage

# What a source mostly asks for: said at 0, too, so that an alert can end.
_USUAL_REFUSALS = (
    *(Action.ASK_PERMISSION, Action.FIX_MANIFEST, Action.FIX_SOURCE, Action.RUN_AGAIN),
)
# The codes of what went wrong with a source, whatever had been made before.
_SOURCE_CODES = ("preflight.", "upload.", "obs.")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a gauge."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()  # the values of the metric's own labels


@dataclass(frozen=True, slots=True)
class Distribution:
    """The values that a histogram is made of."""

    metric: Metric
    values: tuple[float, ...]

    def buckets(self) -> list[tuple[str, float]]:
        """Return how many values are at most each bound, the last of which is +Inf."""
        counts: list[tuple[str, float]] = [
            (str(float(bound)), sum(value <= bound for value in self.values))
            for bound in table.BUCKETS_S
        ]
        return [*counts, ("+Inf", len(self.values))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the metrics are drawn from; the last of `runs` is the one that has ended."""

    report: Report
    runs: Sequence[RunRecord]
    task_limit: int | None
    ledger_bytes: int


def samples(standing: Standing) -> Iterator[Sample | Distribution]:
    """Yield every value that is known, in the table's order.

    "Last success" comes from the ledger, so that a failed run does not lose it.
    """
    report, runs = standing.report, standing.runs
    run = runs[-1] if runs else None
    yield from _of_time(runs)
    yield from _of_entries(report)
    # A run that came to an end before it could begin has made nothing active.
    is_reported = run is not None and report.run_id == run.run_id
    new = [row for row in report.images if is_reported and _is_new(row)]
    durations_s = (row.duration_s for row in new if row.duration_s is not None)
    yield Distribution(table.IMAGE_DURATION, tuple(durations_s))
    if run is not None and run.usage is not None:
        yield from _of_usage(run.usage)
    if standing.task_limit is not None:
        yield Sample(table.TASK_LIMIT, standing.task_limit)
    active = [row for row in report.images if row.state is EntryState.ACTIVE]
    yield Sample(table.ACTIVE_BYTES, sum(row.size_bytes or 0 for row in active))
    yield Sample(table.LAST_RUN_BYTES, sum(row.size_bytes or 0 for row in new))
    yield Sample(table.LEDGER_SIZE, standing.ledger_bytes)


def _of_time(runs: Sequence[RunRecord]) -> Iterator[Sample]:
    successes = (run for run in reversed(runs) if run.exit_code == 0)
    success = next(successes, None)
    if success is not None and success.finished_at is not None:
        yield Sample(table.LAST_SUCCESS, _unix_s(success.finished_at))
    if not runs or runs[-1].finished_at is None or runs[-1].exit_code is None:
        return
    ended_s = _unix_s(runs[-1].finished_at)
    yield Sample(table.LAST_RUN, ended_s)
    duration_s = max(ended_s - _unix_s(runs[-1].started_at), 0.0)
    yield Sample(table.DURATION, round(duration_s, 3))
    yield Sample(table.EXIT_CODE, runs[-1].exit_code)


def _of_entries(report: Report) -> Iterator[Sample]:
    states = ((EntryState.ACTIVE, report.summary.active), *by_state(report.summary))
    for state, number in states:
        yield Sample(table.ENTRIES, number, (state.value,))
    refused = Counter(row.action for row in report.images if _has_unfit_source(row))
    for action in sorted({*_USUAL_REFUSALS, *refused}):
        yield Sample(table.REFUSED_SOURCES, refused[action], (action.value,))


def _of_usage(usage: RunUsage) -> Iterator[Sample]:
    requests: Mapping[str, Mapping[str, int]] = usage.requests
    for call, outcomes in sorted(requests.items()):
        for outcome, number in sorted(outcomes.items()):
            yield Sample(table.REQUESTS, number, (call, outcome))
    yield Sample(table.RETRIES, usage.retries)
    yield Sample(table.THROTTLED, usage.throttled)
    yield Sample(table.PAUSES, len(usage.pauses))
    lengths = (ends - begins for begins, ends in usage.pauses)
    yield Sample(table.PAUSE_SECONDS, sum(lengths, timedelta()).total_seconds())
    if usage.quota is not None:
        yield Sample(table.QUOTA_USED, usage.quota.used)
        yield Sample(table.QUOTA_LIMIT, usage.quota.limit)
    yield Sample(table.UPLOADED_BYTES, usage.uploaded_bytes)


def _has_unfit_source(row: ReportRow) -> bool:
    code = row.error.code if row.error else ""
    return row.state is EntryState.FAILED and code.startswith(_SOURCE_CODES)


def _is_new(row: ReportRow) -> bool:
    """Return whether the row became active in the run that is reported."""
    return row.state is EntryState.ACTIVE and not row.is_skipped


def _unix_s(stamp: str) -> float:
    """Return a ledger's stamp as Unix time in seconds."""
    return datetime.fromisoformat(stamp).timestamp()
