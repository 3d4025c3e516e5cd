"""What follows a run fails alone: logged, and without a word about the run's result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from batch_register.cli.aftermath import Aftermath, Render
from batch_register.errors import LedgerLockedError
from batch_register.metrics.samples import Standing
from batch_register.settings import Settings
from tests.report.conftest import LedgerText, new_ledger

__all__ = ["new_ledger"]

BEGAN = datetime(2026, 6, 1, tzinfo=UTC)


class StoppedClock:
    def now(self) -> datetime:
        return BEGAN + timedelta(hours=1)


@pytest.fixture
def ledger(tmp_path: Path, new_ledger: Callable[..., LedgerText]) -> Path:
    text = new_ledger()
    text.start("run-1")
    text.declare("web-01")
    text.activate("web-01", "img-1")
    text.finish(0)
    path = tmp_path / "wave.jsonl"
    path.write_bytes(text.raw)
    return path


def aftermath(ledger: Path, render: Render) -> Aftermath:
    settings = Settings(metrics_file=ledger.with_name("wave.prom"))
    return Aftermath(
        settings=settings,
        ledger=ledger,
        run_id="run-2",
        began=BEGAN,
        clock=StoppedClock(),
        render_metrics=render,
    )


def test_a_bug_in_what_is_drawn_is_logged_and_the_table_is_shown(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_standing: Standing) -> str:
        raise RuntimeError("no such metric")

    with capture_logs() as said:
        report = aftermath(ledger, broken).follow(143, None)
    assert report.summary.active == 1
    assert [(line["event"], line["error"]) for line in said] == [
        ("metrics.not_written", "internal error: RuntimeError: no such metric")
    ]
    assert "1 of 1 image active" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "codes"),
    [
        (RuntimeError("a bug"), [0, 1]),
        (ExceptionGroup("several", [OSError("a"), RuntimeError("b")]), [0, 1]),
        (LedgerLockedError("wave.jsonl", "another run holds it"), None),
    ],
    ids=["bug", "bugs", "not ours"],
)
def test_the_metrics_tell_of_a_run_that_a_bug_ended(
    ledger: Path, error: Exception, codes: list[int] | None
) -> None:
    drawn: list[Standing] = []

    def draw(standing: Standing) -> str:
        drawn.append(standing)
        return "# drawn\n"

    aftermath(ledger, draw).follow_failure(error)
    found = [[run.exit_code for run in standing.runs] for standing in drawn]
    assert found == ([] if codes is None else [codes])
    assert ledger.with_name("wave.prom").exists() is (codes is not None)
