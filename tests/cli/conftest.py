"""Runs command lines: in this process, or as a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from batch_register.cli import main

GOOD_MANIFEST = """\
version: 1
name: wave-07
defaults:
  bucket: migration-wave-07
  os_version: Ubuntu 22.04 server 64bit
  min_disk: 40
images:
  - name: web-01
    object: disks/web-01.qcow2
  - name: web-02
    object: disks/web-02.qcow2
    min_disk: 20
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str


Invoke = Callable[..., Ended]


@pytest.fixture
def invoke(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Invoke:
    """Run a command line in this process, with nothing of ours in the environment."""
    for name in [name for name in os.environ if name.startswith("BATCH_REGISTER_")]:
        monkeypatch.delenv(name)

    def run(*arguments: object, **environ: str) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            capsys.readouterr()
            code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ended(code=code, out=said.out, err=said.err)

    return run


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "wave.yaml"
    path.write_text(GOOD_MANIFEST, encoding="utf-8")
    return path


def _environment() -> dict[str, str]:
    """Return this process's environment without anything of ours."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BATCH_REGISTER_")
    }


Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def spawn() -> Spawn:
    """Start `python -m batch_register` with pipes."""

    def start(
        *arguments: str,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        program: tuple[str, ...] = ("-m", "batch_register"),
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            env=_environment(),
        )

    return start
