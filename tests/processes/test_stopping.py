"""Signals and the window's end, in every order: resumable, in time, with the right code."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from batch_register.ledger import read_ledger
from tests.integration.conftest import Cloud, Shell
from tests.processes.judging import each_made_once

pytestmark = pytest.mark.integration

SPEED = 600
LONGEST_STOP_S = 30
TERM, INT = signal.SIGTERM, signal.SIGINT
CODES = {TERM: 143, INT: 130}

Serve = Callable[..., Cloud]


@pytest.fixture
def serve_slow(serve_cloud: Serve, tmp_path: Path) -> Callable[[float], Cloud]:
    """Return a function that serves a cloud which answers creates so much later."""

    def serve(seconds: float) -> Cloud:
        script = tmp_path / "script.yaml"
        script.write_text(
            f"""\
version: 1
rules:
  - match: {{route: image.create, to: 3}}
    effect: {{delay_answer_s: {seconds * SPEED}}}
"""
        )
        return serve_cloud("--speed", str(SPEED), "--fault-script", str(script))

    return serve


def until_made(cloud: Cloud, process: subprocess.Popen[str], images: int) -> None:
    """Return once so many images exist; the run must not have ended."""
    while cloud.audit()["images_created"] < images:
        assert process.poll() is None
        time.sleep(0.01)


def until_stopping(shell: Shell, process: subprocess.Popen[str]) -> None:
    """Return once the run has noticed that it is to stop."""
    while "run.stopping" not in (shell.folder / "stderr.log").read_text():
        assert process.poll() is None
        time.sleep(0.01)


@pytest.mark.fault(24)
@pytest.mark.parametrize("number", [TERM, INT])
def test_one_signal_lets_open_calls_end_and_sends_nothing_more(
    serve_slow: Callable[[float], Cloud], tmp_path: Path, number: signal.Signals
) -> None:
    cloud = serve_slow(1.5)
    shell = Shell(tmp_path, cloud.clouds_yaml)
    manifest = shell.manifest(9)
    process = shell.begin(manifest, "--concurrency", "3")
    until_made(cloud, process, 3)
    process.send_signal(number)
    stopped = shell.end(process, timeout_s=LONGEST_STOP_S)

    assert stopped.code == CODES[number], stopped.err
    summary = stopped.document["summary"]
    assert (summary["unfinished"], summary["pending"]) == (3, 6)
    records = read_ledger(manifest.with_suffix(".ledger.jsonl")).records.values()
    assert sum(bool(record.image_id) for record in records) == 3  # answers came home
    assert cloud.audit()["writes"] == 3

    ended = shell.run(manifest)
    assert ended.code == 0, ended.err
    each_made_once(cloud.audit(), [ended], 9)


@pytest.mark.fault(24)
@pytest.mark.parametrize(("first", "second"), [(INT, INT), (TERM, INT), (INT, TERM)])
def test_a_second_signal_ends_the_run_at_once_with_the_code_of_the_first(
    serve_slow: Callable[[float], Cloud],
    tmp_path: Path,
    first: signal.Signals,
    second: signal.Signals,
) -> None:
    cloud = serve_slow(60)
    shell = Shell(tmp_path, cloud.clouds_yaml)
    manifest = shell.manifest(3)
    process = shell.begin(manifest)
    until_made(cloud, process, 3)
    process.send_signal(first)
    until_stopping(shell, process)
    process.send_signal(second)
    stopped = shell.end(process, timeout_s=5)

    assert stopped.code == CODES[first], stopped.err
    assert "Traceback" not in stopped.err
    ended = shell.run(manifest)
    assert ended.code == 0, ended.err
    each_made_once(cloud.audit(), [ended], 3)


@pytest.mark.fault(24)
def test_a_signal_after_the_windows_end_hurries_nothing_and_a_second_one_does(
    serve_slow: Callable[[float], Cloud], tmp_path: Path
) -> None:
    cloud = serve_slow(60)
    shell = Shell(tmp_path, cloud.clouds_yaml)
    manifest = shell.manifest(3)
    process = shell.begin(manifest, "--max-duration", "1")
    until_stopping(shell, process)
    process.send_signal(TERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(TERM)
    stopped = shell.end(process, timeout_s=5)

    assert stopped.code == 5, stopped.err  # why it stopped is why it stopped first
    ended = shell.run(manifest)
    assert ended.code == 0, ended.err
    each_made_once(cloud.audit(), [ended], 3)
