"""Blocking work that does not end keeps no process from ending."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from batch_register.notify.impatient import ImpatientLoop

PROGRAM = """
import asyncio, time
from batch_register.notify.impatient import ImpatientLoop

async def main():
    async with asyncio.timeout(0.1):
        await asyncio.to_thread(time.sleep, 60)

with asyncio.Runner(loop_factory=ImpatientLoop) as runner:
    try:
        runner.run(main())
    except TimeoutError:
        print("given up")
"""


@pytest.mark.integration
def test_a_process_ends_before_its_blocking_work() -> None:
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("given up\n", "", 0)
    assert time.monotonic() - began < 20


def test_results_and_errors_come_back() -> None:
    async def main() -> None:
        assert await asyncio.to_thread(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 7, 0)
        with ThreadPoolExecutor(1) as pool:
            loop = asyncio.get_running_loop()
            assert await loop.run_in_executor(pool, divmod, 7, 2) == (3, 1)

    with asyncio.Runner(loop_factory=ImpatientLoop) as runner:
        runner.run(main())
