"""What the metrics are worth after a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from batch_register.ledger import Replay, RunRecord
from batch_register.metrics.samples import Distribution, Sample, Standing, samples
from batch_register.metrics.table import METRICS, Metric
from batch_register.model import Quota
from batch_register.report.fold import fold, source_of
from batch_register.usage import RunUsage
from tests.report.conftest import LedgerText

BEGIN = datetime(2026, 3, 4, 1, tzinfo=UTC)
USAGE = RunUsage(
    requests={"list_images": {"ok": 9, "server": 1}, "create_image": {"ok": 2}},
    retries=1,
    throttled=3,
    pauses=(
        (BEGIN, BEGIN + timedelta(seconds=7)),
        (BEGIN + timedelta(seconds=20), BEGIN + timedelta(seconds=21.5)),
    ),
    quota=Quota(used=49, limit=50),
    uploaded_bytes=9000,
)

Found = dict[tuple[str, ...], float | tuple[float, ...]]


def found(
    replay: Replay,
    *,
    runs: Sequence[RunRecord] | None = None,
    task_limit: int | None = None,
) -> Found:
    """Return every value by short name and own labels."""
    standing = Standing(
        report=fold([source_of("a", replay)]),
        runs=replay.runs if runs is None else runs,
        task_limit=task_limit,
        ledger_bytes=4096,
    )
    by_name: Found = {}
    for sample in samples(standing):
        match sample:
            case Sample(metric=metric, value=value, labels=labels):
                by_name[metric.short_name, *labels] = value
            case Distribution(metric=metric, values=values):
                by_name[metric.short_name,] = values
    return by_name


@pytest.fixture
def two_nights(new_ledger: Callable[..., LedgerText]) -> Replay:
    """One image active in the first night, which succeeded; two in the second."""
    ledger = new_ledger()
    ledger.start("run-1")
    ledger.declare("web-01")
    ledger.activate("web-01", "img-1", 1000)
    ledger.finish(0)
    ledger.start("run-2")
    ledger.declare("web-02")
    ledger.declare("db-01")
    ledger.activate("web-02", "img-2", 20)
    ledger.activate("db-01", "img-3", 3)
    ledger.finish(4)
    return ledger.replay()


def unix_s(stamp: str | None) -> float:
    assert stamp is not None
    return datetime.fromisoformat(stamp).timestamp()


def test_the_last_success_outlives_a_failed_run(two_nights: Replay) -> None:
    first, second = two_nights.runs
    values = found(two_nights)
    assert values["last_success_timestamp_seconds",] == unix_s(first.finished_at)
    assert values["last_run_timestamp_seconds",] == unix_s(second.finished_at)
    assert values["last_run_exit_code",] == 4
    length_s = unix_s(second.finished_at) - unix_s(second.started_at)
    assert values["last_run_duration_seconds",] == pytest.approx(length_s)


def test_without_any_success_there_is_no_time_of_one(two_nights: Replay) -> None:
    values = found(two_nights, runs=two_nights.runs[1:])
    assert ("last_success_timestamp_seconds",) not in values


def test_only_images_of_the_last_run_count_for_it(two_nights: Replay) -> None:
    """Each takes four lines from its create on, and a line is a minute and 1 ms."""
    values = found(two_nights)
    assert values["last_run_image_duration_seconds",] == (240.004, 240.004)
    assert values["last_run_active_bytes",] == 23
    assert values["active_bytes",] == 1023
    assert values["entries", "active"] == 3
    assert values["entries", "failed"] == 0  # said, so that an alert can end


def test_a_run_that_could_not_begin_has_made_nothing_active(
    two_nights: Replay,
) -> None:
    """Its exit code is told all the same, so that somebody is woken up."""
    last = replace(two_nights.runs[-1], run_id="run-3", exit_code=77)
    values = found(two_nights, runs=[*two_nights.runs, last])
    assert values["last_run_exit_code",] == 77
    assert values["last_run_image_duration_seconds",] == ()
    assert values["last_run_active_bytes",] == 0
    assert values["active_bytes",] == 1023


def test_every_state_has_its_count(
    all_states: LedgerText,
) -> None:
    values = found(all_states.replay())
    states = {
        labels[0]: n for (name, *labels), n in values.items() if name == "entries"
    }
    assert states == {
        "active": 3,
        "conflict": 1,
        "deferred": 1,
        "failed": 2,
        "pending": 1,
        "unfinished": 1,
        "unknown": 1,
    }


def test_unfit_sources_count_as_they_stand_by_what_is_to_be_done(
    source_side: LedgerText,
) -> None:
    """Also in a run that finds an entry as unfit as the run before, and notes nothing."""
    values = found(source_side.replay())
    refused = {k[1]: n for k, n in values.items() if k[0] == "refused_sources"}
    assert refused == {
        "ask_permission": 1,
        "fix_manifest": 1,
        "fix_source": 1,
        "run_again": 0,
    }


def test_other_failures_are_no_unfit_sources(all_states: LedgerText) -> None:
    values = found(all_states.replay())
    assert values["refused_sources", "fix_source"] == 0
    assert values["refused_sources", "ask_permission"] == 0


def test_requests_and_pauses_are_those_of_the_last_run(two_nights: Replay) -> None:
    last = replace(two_nights.runs[-1], usage=USAGE)
    values = found(two_nights, runs=[two_nights.runs[0], last], task_limit=12)
    assert values["last_run_requests", "list_images", "ok"] == 9
    assert values["last_run_requests", "list_images", "server"] == 1
    assert values["last_run_requests", "create_image", "ok"] == 2
    assert values["last_run_retries",] == 1
    assert values["last_run_throttled_requests",] == 3
    assert values["last_run_throttle_pauses",] == 2
    assert values["last_run_throttle_pause_seconds",] == 8.5
    assert values["quota_used_images",] == 49
    assert values["quota_limit_images",] == 50
    assert values["last_run_uploaded_bytes",] == 9000
    assert values["task_limit",] == 12
    assert values["ledger_size_bytes",] == 4096


def test_a_quota_that_was_not_read_is_left_out(two_nights: Replay) -> None:
    last = replace(two_nights.runs[-1], usage=replace(USAGE, quota=None))
    values = found(two_nights, runs=[last])
    assert values["last_run_retries",] == 1
    assert ("quota_used_images",) not in values


def test_what_is_not_known_is_left_out(two_nights: Replay) -> None:
    values = {name for name, *_ in found(two_nights)}
    unknown = {"last_run_requests", "last_run_retries", "quota_used_images"}
    assert values & {*unknown, "task_limit"} == set()


def test_a_run_that_has_not_ended_tells_no_end(two_nights: Replay) -> None:
    last = replace(two_nights.runs[-1], finished_at=None, exit_code=None)
    values = found(two_nights, runs=[two_nights.runs[0], last])
    assert ("last_run_timestamp_seconds",) not in values
    assert ("last_success_timestamp_seconds",) in values


def test_before_any_run_only_what_the_ledger_holds_is_told(
    new_ledger: Callable[..., LedgerText],
) -> None:
    ledger = new_ledger()
    ledger.declare("web-01")
    values = found(ledger.replay())
    assert values["entries", "pending"] == 1
    assert ("last_run_exit_code",) not in values


def test_a_value_on_a_bound_belongs_below_it() -> None:
    buckets = dict(Distribution(METRICS[0], (10.0, 10.5, 9000.0)).buckets())
    assert (buckets["10.0"], buckets["30.0"], buckets["7200.0"]) == (1, 2, 2)
    assert buckets["+Inf"] == 3


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.short_name)
def test_no_label_could_tell_images_apart(metric: Metric) -> None:
    """Thousands of series per run would drown whoever stores them."""
    assert set(metric.labels) <= {"state", "call", "outcome", "action"}
