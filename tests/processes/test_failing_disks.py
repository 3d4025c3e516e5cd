"""Disks that fill up or fail under a run: it ends with 74, and nothing was sent since."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import COMMAND, Cloud, Ended, Shell
from tests.processes.dooming import every_doomed
from tests.processes.judging import (
    SPEED,
    each_made_once,
    nothing_is_left_to_send,
    run_all,
)
from tests.processes.mortal import COUNTED, Fate

pytestmark = pytest.mark.integration

ENTRIES = 2
# opened, started, declared, and the lines of two entries, which may share commits
FEWEST_POINTS = 9


def sent_afterwards(cloud: Cloud, shell: Shell, ended: Ended) -> list[dict[str, Any]]:
    """Return the writes of a run that arrived after its disk had failed."""
    counted = re.search(f"{COUNTED}(\\d+)", ended.err)
    assert counted, ended.err
    return [
        record
        for record in cloud.audit(with_requests=True)["log"]
        if record["writes"]
        and record["number"] > int(counted[1])
        and record["image_name"].startswith(f"{shell.folder.name}-")
    ]


@pytest.mark.fault(3, 4, 5)
@pytest.mark.parametrize("fate", [fate for fate in Fate if not fate.is_death])
def test_a_disk_that_fails_at_any_durable_point_ends_the_run_before_anything_is_sent(
    serve_cloud: Callable[..., Cloud], tmp_path: Path, fate: Fate
) -> None:
    cloud = serve_cloud(*SPEED)
    runs = every_doomed(cloud, tmp_path, fate, ENTRIES)
    failed = [(shell, ended) for shell, ended in runs if ended.code != 0]
    assert {ended.code for _, ended in failed} == {74}, [e.err for _, e in failed]
    assert len(failed) >= FEWEST_POINTS
    for shell, ended in failed:
        assert sent_afterwards(cloud, shell, ended) == []
        assert "Traceback" not in ended.err

    shells = [shell for shell, _ in runs]
    resumed = run_all(shells)

    assert {ended.code for ended in resumed} == {0}, [ended.err for ended in resumed]
    each_made_once(cloud.audit(), resumed, ENTRIES * len(shells))
    print(f"{fate}: {len(failed)} failures, each ended with 74")


@pytest.mark.fault(3, 4)
def test_a_file_that_may_not_grow_ends_in_whole_lines_and_the_next_run_goes_on(
    shell: Shell, cloud: Cloud
) -> None:
    manifest = shell.manifest(30)
    # in blocks of 512 bytes; byte code must not be cut off as well
    limit = 'ulimit -f 16 && exec "$@"'
    program = ("sh", "-c", limit, "sh", COMMAND[0], "-B", *COMMAND[1:])
    process = shell.begin(manifest, program=program)
    stopped = shell.end(process)

    assert (stopped.code, stopped.out) == (74, ""), stopped.err
    assert "File too large" in stopped.err
    lines = manifest.with_suffix(".ledger.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) > 30
    assert all(line.endswith(b"}\n") for line in lines)
    ended = shell.run(manifest)
    assert ended.code == 0, ended.err
    each_made_once(cloud.audit(), [ended], 30)
    nothing_is_left_to_send(cloud, [shell])
