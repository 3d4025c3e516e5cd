"""What a signal does to the work that follows a run."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from batch_register.cli.finishing import finish


async def _signalled(times: int, then_s: float) -> None:
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
    await asyncio.sleep(then_s)


def test_one_signal_does_not_end_what_ends_soon() -> None:
    finish(_signalled(1, 0.01))


def test_a_second_signal_gives_the_work_up_at_once() -> None:
    with pytest.raises(TimeoutError):
        finish(_signalled(2, 3600.0))


def test_what_blocks_in_a_thread_is_left_behind(tmp_path) -> None:
    """Nobody ever opens the other end of the pipe."""
    pipe = tmp_path / "report.json"
    os.mkfifo(pipe)

    async def write() -> None:
        opening = asyncio.get_running_loop().run_in_executor(None, os.open, pipe, 1)
        await _signalled(2, 0.0)
        await opening

    with pytest.raises(TimeoutError):
        finish(write())


def test_signals_mean_what_they_did_before_once_it_is_over() -> None:
    before = signal.getsignal(signal.SIGTERM)
    finish(_signalled(1, 0.0))
    assert signal.getsignal(signal.SIGTERM) == before
