"""Memory: an answer of hundreds of megabytes costs a few, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batch_register.cli.simulator import clouds_yaml
from tests.hostile.conftest import FLAGS, Stage
from tests.hostile.front import about, first
from tests.hostile.test_bodies import BODIES, answering

pytestmark = [pytest.mark.integration, pytest.mark.fault(17)]

LIMIT_KIB = 150 << 10


def test_bombs_and_endless_bodies_leave_no_trace_in_the_peak_of_memory(
    stage: Stage,
) -> None:
    bomb, endless = answering(BODIES["gzip bomb"]), answering(BODIES["endless"])
    stage.trouble("list", bomb, when=first(1))
    stage.trouble("create", bomb, when=about("web-0"))
    stage.trouble("create", endless, when=about("web-1"), executed=True)
    stage.trouble("register", endless, when=about("web-2"))
    stage.trouble("register", bomb, when=about("web-3"), executed=True)
    entry = {"clouds": {"hostile": stage.entry}}
    (stage.folder / "clouds.yaml").write_text(clouds_yaml(entry))

    with (stage.folder / "err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "batch_register", "run", "wave-07.yaml", *FLAGS],
            cwd=stage.folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.DEVNULL,
            stderr=err,
        )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)

    assert process.returncode == 0, (stage.folder / "err").read_text()
    assert usage.ru_maxrss < LIMIT_KIB, f"{usage.ru_maxrss >> 10} MiB"
    assert stage.made() == [1, 1, 1, 1]
    print(f"peak of resident memory: {usage.ru_maxrss >> 10} MiB")
