"""Signals while the first login is tried again: the run ends at once, with their code."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from tests.hostile.conftest import Ended, Stage
from tests.hostile.front import Exchange, Misdeed
from tests.hostile.test_refusals import refusing
from tests.hostile.test_slow import say_nothing

pytestmark = pytest.mark.integration


def signalled(stage: Stage, number: int, misdeed: Misdeed, *, times: int) -> Ended:
    """Run, and send this process a signal once Keystone has been asked; tell how it ended."""

    async def misbehave(exchange: Exchange) -> None:
        for nth in range(1, times + 1):
            threading.Timer(0.1 * nth, os.kill, (os.getpid(), number)).start()
        await misdeed(exchange)

    next_one = stage.front.counts["token"] + 1
    stage.trouble("token", misbehave, when=lambda call: call.number == next_one)
    stage.trouble("token", misdeed)
    return stage.run()


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_ends_the_wait_for_the_next_try(
    stage: Stage, number: int, code: int
) -> None:
    ended = signalled(stage, number, refusing(503), times=1)
    assert (ended.code, ended.out) == (code, "")
    assert ended.is_intelligible()
    assert "the run was told to stop" in ended.err
    assert stage.front.counts["token"] == 1  # the wait was cut short
    assert not (stage.folder / "wave-07.ledger.jsonl").exists()
    stage.peace()
    assert stage.run().code == 0


def test_a_second_signal_ends_a_login_that_hangs(stage: Stage) -> None:
    began_s = time.monotonic()
    ended = signalled(stage, signal.SIGTERM, say_nothing, times=2)
    assert (ended.code, ended.out) == (143, "")
    assert ended.is_intelligible()
    assert time.monotonic() - began_s < 5
    stage.peace()
    assert stage.run().code == 0


def test_a_signal_before_the_login_of_a_later_run_reports_what_is_known(
    stage: Stage,
) -> None:
    """There is a ledger then, so that there is something to show."""
    assert stage.run().code == 0
    ended = signalled(stage, signal.SIGTERM, refusing(503), times=1)
    assert ended.code == 143
    assert set(ended.states.values()) == {"active"}


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        (
            {"ims_profile": "huaweii", "region_name": None},
            "ims_profile 'huaweii' is not known",
        ),
        ({"ims_profile_overrides": {"job_cal": "project"}}, "job_cal: is not known"),
    ],
)
def test_a_slip_in_the_profile_is_told_before_any_login(
    stage: Stage, slip: dict[str, object], told: str
) -> None:
    stage.entry |= slip
    stage.trouble("token", refusing(503))
    ended = stage.run()
    assert (ended.code, stage.front.counts["token"]) == (2, 0)
    assert told in ended.err
