"""The job log, as GNU parallel itself reads it and goes on with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from batch_register.report import joblog_form
from batch_register.report.rows import Report

pytestmark = pytest.mark.integration

MANIFEST = """\
version: 1
name: wave-07
defaults: {bucket: wave-07, os_version: Ubuntu 22.04 server 64bit, min_disk: 40, size_bytes: 1048576}
images:
- {name: web-01, object: 1.qcow2}
- {name: web-02, object: 2.qcow2}
- {name: web-03, object: 3.qcow2}
"""
REFUSED_ONCE = """\
version: 1
rules:
- match: {route: image.register, image: web-02}
  effect: {status: 400, body: ims, code: IMG.0057, message: The file is empty.}
"""
PROGRAMS = Path(sys.executable).parent


def go_on(parallel: Path, *words: str | Path, cwd: Path, **environ: str) -> list[str]:
    """Run GNU parallel in a home of its own, and return the lines it printed."""
    done = subprocess.run(
        [parallel, "--will-cite", "-j1", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env={**os.environ, "HOME": str(cwd), **environ},
    )
    assert "wrong" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_resume_failed_goes_over_exactly_what_is_not_active(
    report: Report, parallel: Path, tmp_path: Path
) -> None:
    log, keys = tmp_path / "r.joblog", tmp_path / "keys"
    log.write_text(joblog_form.render(report), encoding="utf-8")
    keys.write_text("".join(f"{row.key}\n" for row in report.images), encoding="utf-8")
    words = ("--resume-failed", "--joblog", log, "echo {}", "::::", keys)
    assert go_on(parallel, *words, cwd=tmp_path) == [
        row.key for row in report.images if row.state != "active"
    ]
    assert go_on(parallel, *words, cwd=tmp_path) == []


def test_retry_failed_runs_exactly_the_failed_images_again(
    parallel: Path, tmp_path: Path
) -> None:
    """By the log's own commands; this time the simulated cloud finds nothing wrong."""
    (tmp_path / "wave-07.yaml").write_text(MANIFEST)
    (tmp_path / "faults.yaml").write_text(REFUSED_ONCE)
    run = (PROGRAMS / "batch-register", "run", "wave-07.yaml", "--simulate")
    first = subprocess.run(
        [*run, "--fault-script", "faults.yaml", "--report", "wave-07.joblog"],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert first.returncode == 3
    before = (tmp_path / "wave-07.joblog").read_text().splitlines()
    go_on(
        parallel,
        *("--retry-failed", "--joblog", "wave-07.joblog"),
        cwd=tmp_path,
        PATH=f"{PROGRAMS}:{os.environ['PATH']}",
        BATCH_REGISTER_SIMULATE="true",
    )
    after = (tmp_path / "wave-07.joblog").read_text().splitlines()
    (again,) = (line.split("\t") for line in after[len(before) :])
    assert (again[0], again[6]) == ("2", "0")
    last = subprocess.run(
        [*run, "--output", "json"], cwd=tmp_path, capture_output=True, check=True
    )
    assert json.loads(last.stdout)["summary"]["active"] == 3
