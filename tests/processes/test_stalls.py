"""The event loop keeps turning while a thousand images are registered."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Cloud, Shell
from tests.processes.judging import FLAGS, each_made_once
from tests.processes.stalls import FOUND

pytestmark = pytest.mark.integration

STALLS = (sys.executable, str(Path(__file__).with_name("stalls.py")))
ENTRIES = 1000
LONGEST_MS = 100


@pytest.mark.fault(41)
def test_no_turn_of_the_loop_takes_a_tenth_of_a_second(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = serve_cloud("--speed", "6000")
    shell = Shell(tmp_path, cloud.clouds_yaml, FLAGS, is_measured=False)
    manifest = shell.manifest(ENTRIES)

    ended = shell.end(shell.begin(manifest, "--concurrency", "40", program=STALLS))

    assert ended.code == 0, ended.err
    found = re.search(f"{FOUND}([0-9.]+)", ended.err)
    assert found, ended.err
    print(f"longest stall over {ENTRIES} entries: {found[1]} ms")
    assert float(found[1]) < LONGEST_MS
    each_made_once(cloud.audit(), [ended], ENTRIES)
