"""SIGKILL at every moment at which the ledger makes something durable.

A death before a write and one within it leave the same ledger but for the torn line, so
only the worse of the two is shown.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.conftest import Cloud, Ended, Shell
from tests.processes.judging import (
    FLAGS,
    SIDE_BY_SIDE,
    SPEED,
    each_made_once,
    nothing_is_left_to_send,
    run_all,
)
from tests.processes.mortal import Fate

pytestmark = pytest.mark.integration

MORTAL = (sys.executable, str(Path(__file__).with_name("mortal.py")))
ENTRIES = 3
# opened, started, declared, and 6 lines per entry of which two at most share a commit
FEWEST_POINTS = 12


def doomed(cloud: Cloud, folder: Path, fate: Fate, number: int) -> tuple[Shell, Ended]:
    """Run a manifest of its own until its fate strikes, or to its end."""
    home = folder / f"{fate}-{number}"
    home.mkdir()
    shell = Shell(home, cloud.clouds_yaml, FLAGS, is_measured=False)
    manifest = shell.manifest(ENTRIES, name=f"wave-{fate}-{number}")
    ledger = manifest.with_suffix(".ledger.jsonl").name
    audit_url = f"{cloud.url}/_simulator/audit"
    program = (*MORTAL, fate, str(number), ledger, audit_url)
    process = shell.begin(manifest, "--concurrency", "2", program=program)
    return shell, shell.end(process)


def every_doomed(cloud: Cloud, folder: Path, fate: Fate) -> list[tuple[Shell, Ended]]:
    """Return runs that met their fate at the 1st, 2nd, ... moment, and some that did not."""
    runs: list[tuple[Shell, Ended]] = []
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        while not any(ended.code == 0 for _, ended in runs):
            numbers = range(len(runs) + 1, len(runs) + 1 + SIDE_BY_SIDE)
            runs += pool.map(
                lambda number: doomed(cloud, folder, fate, number), numbers
            )
    return runs


@pytest.mark.fault(1, 26)
@pytest.mark.parametrize("fate", [fate for fate in Fate if fate.is_death])
def test_a_death_at_any_durable_point_loses_nothing_and_makes_nothing_twice(
    serve_cloud: Callable[..., Cloud], tmp_path: Path, fate: Fate
) -> None:
    cloud = serve_cloud(*SPEED)
    runs = every_doomed(cloud, tmp_path, fate)
    codes = [ended.code for _, ended in runs]
    deaths = codes.count(-signal.SIGKILL)
    assert set(codes) == {-signal.SIGKILL, 0}
    assert deaths >= FEWEST_POINTS

    shells = [shell for shell, _ in runs]
    resumed = run_all(shells)

    assert {ended.code for ended in resumed} == {0}, [ended.err for ended in resumed]
    audit = cloud.audit()
    each_made_once(audit, resumed, ENTRIES * len(shells))
    nothing_is_left_to_send(cloud, shells)
    print(f"{fate}: {deaths} deaths, {audit['images_created']} images")
