"""Answers that drip or never come: one total deadline per call, whatever arrives.

The deadline of a real run is a minute; the parts are put together here with a shorter
one.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from batch_register.cli.connection import WallClock, open_service
from batch_register.cli.display import Display
from batch_register.cli.main_job import _execute
from batch_register.cli.observers import LogObserver
from batch_register.engine import RunOutcome
from batch_register.errors import ServiceError
from batch_register.identity.entry import cloud_from_entry
from batch_register.identity.entry_keys import Origin
from batch_register.ledger import LedgerFile
from batch_register.manifest import load_manifest
from batch_register.model import FaultKind
from batch_register.settings import Settings
from batch_register.stopping import Stop
from tests.hostile.conftest import Stage
from tests.hostile.front import Exchange, about, first

pytestmark = [pytest.mark.integration, pytest.mark.fault(13, 14)]

DEADLINE_S = 0.25
SETTINGS = Settings(poll_interval_s=0.03, settle_s=0.15, image_deadline_s=20.0)


async def drip_a_body(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await exchange.write(b" ")
        await asyncio.sleep(0.05)


async def drip_a_head(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await exchange.write(b"X-Header: 1\r\n")
        await asyncio.sleep(0.05)


async def say_nothing(exchange: Exchange) -> None:
    del exchange
    await asyncio.sleep(600)


MISDEEDS = (drip_a_body, drip_a_head, say_nothing)


def run(stage: Stage, settings: Settings = SETTINGS) -> RunOutcome:
    """Run the main job's parts with a short deadline for every call."""
    origin = Origin(
        name="hostile", source="the test", cwd=stage.folder, home=stage.folder
    )
    cloud = cloud_from_entry(stage.entry, origin)
    manifest = load_manifest(stage.folder / "wave-07.yaml")
    clock, stop = WallClock(), Stop()

    async def main() -> RunOutcome:
        async with (
            open_service(
                cloud,
                settings,
                clock,
                stop=stop,
                observer=LogObserver(),
                call_deadline_s=DEADLINE_S,
            ) as service,
            LedgerFile.open(
                Path("wave-07.ledger.jsonl"),
                manifest_name=manifest.name,
                target=service.target,
                run_id="slow",
                clock=clock,
            ) as ledger,
        ):
            outcome, _ = await _execute(
                manifest, service, ledger, settings, stop, Display.NONE
            )
            return outcome

    return asyncio.run(main())


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_service_that_drips_delays_the_run_and_makes_nothing_twice(
    stage: Stage, misdeed
) -> None:
    stage.trouble("list", misdeed, when=first(1))
    stage.trouble("create", misdeed, when=about("web-0"))
    stage.trouble("create", misdeed, when=about("web-1"), executed=True)
    stage.trouble("register", misdeed, when=about("web-2"))
    stage.trouble("register", misdeed, when=about("web-3"), executed=True)
    began_s = time.monotonic()

    outcome = run(stage)

    assert outcome.exit_code == 0
    assert time.monotonic() - began_s < 6
    assert stage.made() == [1, 1, 1, 1]
    assert stage.front.counts["create"] == 5
    assert stage.front.counts["register"] == 5
    # and a run of the whole command finds nothing left to do
    assert stage.run().code == 0
    assert stage.front.counts["create"] == 5


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_login_that_drips_is_given_up_at_its_deadline(stage: Stage, misdeed) -> None:
    stage.trouble("token", misdeed)
    began_s = time.monotonic()
    with pytest.raises(ServiceError) as caught:
        run(stage, replace(SETTINGS, max_duration_s=0.5))
    assert time.monotonic() - began_s < 3
    assert caught.value.fault.kind is FaultKind.UNREACHABLE
    assert "it took too long" in caught.value.message
    assert f"127.0.0.1:{stage.front.port}" in caught.value.message
