"""Where files are opened: here, or near a cluster whose extra may be missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from batch_register.model import FilePlace
from batch_register.transport.tls import Tls
from batch_register.workers.opening import open_files

_WITHOUT_DASK = """
import asyncio, sys
sys.modules["distributed"] = None
from batch_register.errors import SettingsError
from batch_register.transport.tls import Tls
from batch_register.workers.opening import open_files

async def main():
    async with open_files(
        "tcp://127.0.0.1:1", tls=Tls(), trust_env=False, threads=1, notice=print
    ):
        pass

try:
    asyncio.run(main())
except SettingsError as error:
    print(error.message, "|", error.hint)
"""


async def test_without_a_scheduler_files_are_this_machines(disk: Path) -> None:
    def notice(name: str, **facts: object) -> None:
        message = f"{name} {facts}"
        raise AssertionError(message)

    opened = open_files(None, tls=Tls(), trust_env=False, threads=1, notice=notice)
    async with opened as files:
        assert await files.read(FilePlace(path=str(disk)), 0, 2) == b"\x00\x01"


def test_a_missing_extra_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_DASK],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "needs distributed" in done.stdout
    assert "batch-register[dask]" in done.stdout


def test_nothing_of_dask_is_loaded_before_it_is_used() -> None:
    code = (
        "import sys, batch_register.workers.opening\n"
        "print(sorted({'dask', 'distributed', 'tornado'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"
