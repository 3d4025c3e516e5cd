"""A large manifest, many images at once, and few files that may be open."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import COMMAND, Cloud, Shell
from tests.processes.judging import FLAGS

pytestmark = pytest.mark.integration

OPEN_FILES = 64
# At first each create is under way for 0.2 s: all that are admitted want a connection.
SLOW_CREATES = """\
version: 1
rules:
  - match: {route: image.create, to: 300}
    effect: {delay_s: 1200}
"""


def limited(open_files: int) -> tuple[str, ...]:
    """Return the command under a hard limit of open files."""
    return ("sh", "-c", f'ulimit -n {open_files} && exec "$@"', "sh", *COMMAND)


def most_open_files(process: subprocess.Popen[str]) -> int:
    """Return the highest number of open files that was seen until the process ended."""
    most = 0
    while True:
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            fds = Path(f"/proc/{process.pid}/fd")
            most = max(most, sum(1 for _ in fds.iterdir()))
        else:
            return most


@pytest.mark.fault(40)
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_two_thousand_entries_two_hundred_at_once_need_few_files(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(SLOW_CREATES)
    cloud = serve_cloud("--speed", "6000", "--fault-script", str(script))
    shell = Shell(tmp_path, cloud.clouds_yaml, (*FLAGS, "--output", "quiet"))
    process = shell.begin(
        shell.manifest(2000), "--concurrency", "200", program=limited(OPEN_FILES)
    )
    most = most_open_files(process)
    ended = shell.end(process)

    assert ended.code == 0, ended.err
    assert "Too many open files" not in ended.err
    assert "service.call_failed" not in ended.err
    assert most < OPEN_FILES
    audit = cloud.audit()
    assert set(audit["images_created_by_entry"].values()) == {1}
    assert audit["images_existing"] == 2000
    print(f"at most {most} of {OPEN_FILES} files were open")
