"""Outputs that close or fill up while a run is under way: the run does not mind."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.conftest import COMMAND, Cloud, Ended, Shell
from tests.notify.receiver import answer, receiving
from tests.processes.judging import each_made_once

pytestmark = pytest.mark.integration

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
ENTRIES = 3


def redirected(how: str) -> tuple[str, ...]:
    """Return the command with such a redirection of the shell's."""
    return ("sh", "-c", f'exec "$@" {how}', "sh", *COMMAND)


def finished(shell: Shell, cloud: Cloud, how: str, *flags: str) -> Ended:
    """Run with such a redirection, and see that nobody was harmed by it."""
    manifest = shell.manifest(ENTRIES)
    ended = shell.end(shell.begin(manifest, *flags, program=redirected(how)))
    again = shell.run(manifest)
    assert (again.code, again.document["summary"]["skipped"]) == (0, ENTRIES)
    each_made_once(cloud.audit(), [again], ENTRIES)
    return ended


@pytest.mark.fault(38)
@pytest.mark.parametrize(
    "how",
    [
        ">&-",
        "2>&-",
        "<&- >&- 2>&-",
        pytest.param("2>/dev/full", marks=needs_full),
        pytest.param(">&- 2>/dev/full", marks=needs_full),
    ],
)
def test_a_stream_that_was_never_there_or_is_full_changes_no_exit_code(
    shell: Shell, cloud: Cloud, how: str
) -> None:
    assert finished(shell, cloud, how).code == 0


@needs_full
@pytest.mark.fault(38)
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_result_that_finds_no_room_is_logged_and_told_all_the_same(
    shell: Shell, cloud: Cloud, output: str
) -> None:
    with receiving(answer("200 OK")) as receiver:
        flags = ("--output", output, "--notify", receiver.url)
        ended = finished(shell, cloud, ">/dev/full", *flags)
    assert ended.code == 0, ended.err
    assert "stdout.not_written" in ended.err
    told = json.loads(receiver.arrived[0].body)
    assert (told["exit_code"], told["summary"]["active"]) == (0, ENTRIES)


@pytest.mark.fault(38)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves_in_the_middle_of_a_run_changes_no_exit_code(
    shell: Shell, cloud: Cloud, stream: str
) -> None:
    manifest = shell.manifest(40)
    reading, writing = os.pipe()
    process = shell.start(
        "run",
        manifest.name,
        *shell.flags,
        stdout=writing if stream == "stdout" else subprocess.DEVNULL,
        stderr=writing if stream == "stderr" else None,
    )
    os.close(writing)
    while cloud.audit()["images_created"] < 10:
        assert process.poll() is None
    os.close(reading)
    ended = shell.end(process)

    assert ended.code == 0, ended.err
    again = shell.run(manifest)
    assert again.document["summary"]["skipped"] == 40
    each_made_once(cloud.audit(), [again], 40)


@needs_full
@pytest.mark.fault(38)
def test_a_log_file_that_is_full_loses_lines_which_are_counted(
    shell: Shell, cloud: Cloud
) -> None:
    ended = finished(shell, cloud, "", "--log-file", str(FULL))
    assert ended.code == 0
    assert "log.lines_lost" in ended.err
    assert ended.document["summary"]["active"] == ENTRIES


@needs_full
@pytest.mark.fault(38)
@pytest.mark.parametrize("name", ["full.json", "nowhere/report.json"])
def test_a_report_that_cannot_be_written_is_told_and_changes_no_exit_code(
    shell: Shell, cloud: Cloud, name: str
) -> None:
    (shell.folder / "full.json").symlink_to(FULL)
    ended = finished(shell, cloud, "", "--report", name)
    assert ended.code == 0
    assert "report.not_written" in ended.err
    assert ended.document["summary"]["active"] == ENTRIES
