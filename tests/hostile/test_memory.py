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
# What `getrusage` tells of a child counts the memory of its parent at the fork as well.
PROGRAM = """
import sys
from pathlib import Path
from batch_register.cli import main
code = main(sys.argv[1:])
Path("status").write_text(Path("/proc/self/status").read_text())
sys.exit(code)
"""


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

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "run", "wave-07.yaml", *FLAGS],
        cwd=stage.folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 0, ended.stderr
    status = (stage.folder / "status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    assert peak_kib < LIMIT_KIB
    assert stage.made() == [1, 1, 1, 1]
    print(f"peak of resident memory: {peak_kib >> 10} MiB")
