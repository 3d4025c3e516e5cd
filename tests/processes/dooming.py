"""Runs whose fate strikes at the 1st, 2nd, ... durable point, until one comes through."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.integration.conftest import Cloud, Ended, Shell
from tests.processes.judging import FLAGS, SIDE_BY_SIDE
from tests.processes.mortal import Fate

MORTAL = (sys.executable, str(Path(__file__).with_name("mortal.py")))


def doomed(
    cloud: Cloud, folder: Path, fate: Fate, number: int, entries: int
) -> tuple[Shell, Ended]:
    """Run a manifest of its own until its fate strikes, or to its end."""
    home = folder / f"{fate}-{number}"
    home.mkdir()
    shell = Shell(home, cloud.clouds_yaml, FLAGS, is_measured=False)
    manifest = shell.manifest(entries, name=home.name, images=home.name)
    ledger = manifest.with_suffix(".ledger.jsonl").name
    audit_url = f"{cloud.url}/_simulator/audit"
    program = (*MORTAL, fate, str(number), ledger, audit_url)
    process = shell.begin(manifest, "--concurrency", "2", program=program)
    return shell, shell.end(process)


def every_doomed(
    cloud: Cloud, folder: Path, fate: Fate, entries: int
) -> list[tuple[Shell, Ended]]:
    """Return runs that met their fate at the 1st, 2nd, ... moment, and some that did not."""
    runs: list[tuple[Shell, Ended]] = []
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        while not any(ended.code == 0 for _, ended in runs):
            numbers = range(len(runs) + 1, len(runs) + 1 + SIDE_BY_SIDE)
            runs += pool.map(
                lambda number: doomed(cloud, folder, fate, number, entries), numbers
            )
    return runs
