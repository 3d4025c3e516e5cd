"""Two runs of one manifest: on one ledger, after a kill, and on two ledgers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Cloud, Ended, Shell
from tests.processes.judging import each_made_once

pytestmark = pytest.mark.integration

SETTLE_S = 1.0  # as the shell's flags say


@pytest.mark.fault(25)
def test_a_second_run_on_one_ledger_ends_with_seven_and_one_quiet_line(
    shell: Shell, cloud: Cloud
) -> None:
    manifest = shell.manifest(60)
    process = shell.begin(manifest)
    while cloud.audit()["images_created"] < 5:
        assert process.poll() is None
    second = Shell(shell.folder, shell.clouds_yaml).run(manifest, "--output", "table")
    first = shell.end(process)

    assert (second.code, second.out) == (7, "")
    assert len(second.err.splitlines()) == 1, second.err
    assert "another run holds this ledger" in second.err
    assert first.code == 0
    each_made_once(cloud.audit(), [first], 60)


@pytest.mark.fault(26)
def test_the_lock_of_a_run_that_was_killed_is_free_at_once(
    shell: Shell, cloud: Cloud
) -> None:
    manifest = shell.manifest(60)
    process = shell.begin(manifest)
    while cloud.audit()["images_created"] < 5:
        assert process.poll() is None
    assert shell.run(manifest).code == 7
    process.kill()
    shell.end(process)

    ended = shell.run(manifest)

    assert ended.code == 0, ended.err
    each_made_once(cloud.audit(), [ended], 60)


# ------------------------------------------------------------ two ledgers


class Rivals:
    """Two runs of one manifest that do not know each other's ledgers."""

    names = ("one.ledger.jsonl", "other.ledger.jsonl")

    def __init__(self, shell: Shell, manifest: Path, *flags: str) -> None:
        self._shell, self._manifest, self._flags = shell, manifest, flags

    def run(self, *, apart_s: float) -> list[Ended]:
        """Start the second so much later than the first; return how both ended."""
        processes = []
        for name in self.names:
            processes.append(
                self._shell.begin(self._manifest, "--ledger", name, *self._flags)
            )
            time.sleep(apart_s)
        return [self._shell.end(process) for process in processes]

    def twins_told(self) -> list[set[str]]:
        """Return for each ledger the images that it calls duplicates."""
        return [self._told(self._shell.folder / name) for name in self.names]

    def _told(self, ledger: Path) -> set[str]:
        lines = map(json.loads, ledger.read_text().splitlines())
        return {
            line["image_id"]
            for line in lines
            if line["event"] == "image.duplicate_seen"
        }


@pytest.mark.fault(25)
def test_two_ledgers_whose_runs_begin_a_settle_time_apart_share_one_image_per_entry(
    shell: Shell, cloud: Cloud
) -> None:
    """Everything is under way at once: the second run finds all that the first made."""
    rivals = Rivals(shell, shell.manifest(40), "--concurrency", "40")

    first, second = rivals.run(apart_s=SETTLE_S)

    assert (first.code, second.code) == (0, 0), first.err
    for ended in (first, second):
        each_made_once(cloud.audit(), [ended], 40)


def slow_creates(folder: Path, seconds: float) -> tuple[str, ...]:
    """Return a simulator's flags by which a create takes effect so much later."""
    script = folder / "script.yaml"
    script.write_text(
        f"""\
version: 1
rules:
  - match: {{route: image.create}}
    effect: {{delay_s: {seconds * 600}}}
"""
    )
    return ("--speed", "600", "--fault-script", str(script))


@pytest.mark.fault(25)
def test_a_later_run_leaves_no_image_beside_one_that_the_earlier_one_has_made(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    """Most entries wait for a slot while both runs go through them."""
    cloud = serve_cloud(*slow_creates(tmp_path, 0.2))
    shell = Shell(tmp_path, cloud.clouds_yaml)
    rivals = Rivals(shell, shell.manifest(60), "--concurrency", "10")

    first, second = rivals.run(apart_s=1.5 * SETTLE_S)

    assert (first.code, second.code) == (0, 0), first.err
    audit = cloud.audit()
    live = audit["live_images_by_entry"]
    assert {entry: ids for entry, ids in live.items() if len(ids) > 1} == {}
    assert len(live) == 60
    assert audit["jobs_succeeded"] == 60  # no second file for any entry
    assert audit["images_with_several_jobs"] == {}


@pytest.mark.fault(25)
def test_of_twins_that_come_into_sight_in_time_one_gets_a_file_and_the_other_goes(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    """Both runs begin in the same moment, and have looked before either has made any."""
    cloud = serve_cloud(*slow_creates(tmp_path, 1.5))
    shell = Shell(tmp_path, cloud.clouds_yaml)
    rivals = Rivals(shell, shell.manifest(6))

    first, second = rivals.run(apart_s=0.0)

    assert (first.code, second.code) == (0, 0), first.err
    audit = cloud.audit()
    assert set(audit["images_created_by_entry"].values()) == {2}
    assert [len(ids) for ids in audit["live_images_by_entry"].values()] == [1] * 6
    assert audit["by_route"]["image.register"] == 6
