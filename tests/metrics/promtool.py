"""Prometheus's own tool, from the machine or from its package index, kept in the cache.

Nothing is installed: the package is only unpacked.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.stack.build import cache_folder

_DOWNLOAD_S = 120.0


class NotToBeHadError(Exception):
    """The tool cannot be had here; the reason in one line."""


def promtool() -> str:
    """Return the program's path.

    Raises:
        NotToBeHadError: neither the machine nor its package index has it.
    """
    return shutil.which("promtool") or str(_kept())


def _kept() -> Path:
    """Return the unpacked program; fetch it where it is not there yet."""
    cache = cache_folder()
    program = cache / "promtool"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "promtool.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not program.exists():
                _fetch(program)
    except OSError as error:
        message = f"{cache} cannot be used: {error}"
        raise NotToBeHadError(message) from error
    return program


def _fetch(program: Path) -> None:
    """Take the program out of the distribution's package `prometheus`."""
    with tempfile.TemporaryDirectory() as folder:
        _call(["apt-get", "download", "prometheus"], folder)
        (package,) = Path(folder).glob("prometheus_*.deb")
        _call(["dpkg-deb", "--extract", package.name, "."], folder)
        part = program.with_suffix(".part")
        shutil.copy2(Path(folder) / "usr" / "bin" / "promtool", part)
        part.replace(program)


def _call(command: list[str], folder: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{command[0]}: {error}"
        raise NotToBeHadError(message) from error
    if done.returncode:
        words = (done.stderr.strip() or "failed").splitlines()[-1]
        message = f"{' '.join(command)}: {words}"
        raise NotToBeHadError(message)
