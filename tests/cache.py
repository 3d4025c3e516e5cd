"""What tests install for themselves once and keep: environments in the cache folder.

`BATCH_REGISTER_TEST_CACHE` names another folder than the user's own; a lock keeps two
test runs from building at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

INSTALL_S = 200.0  # a test has 300 s; slower is as good as not to be had


class NotToBeHadError(Exception):
    """What is needed cannot be installed here; the reason in one line."""


@contextmanager
def cache_of(name: str) -> Iterator[Path]:
    """Hold the cache folder, to build `name` in it.

    Raises:
        NotToBeHadError: there can be no such folder.
    """
    told = os.environ.get("BATCH_REGISTER_TEST_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(told) if told else Path(base) / "batch_register"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotToBeHadError(f"{cache} cannot be made: {error.strerror}") from None
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield cache


def digest(*parts: str) -> str:
    """Return a short name for what is built of these parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def environment(cache: Path, name: str, packages: Sequence[str]) -> Path:
    """Return an environment with these packages; make it where it is not there yet.

    Raises:
        NotToBeHadError: the package index does not give what is needed.
    """
    env = cache / f"{name}-{digest(sys.version, sys.base_prefix, *packages)}"
    if not (env / "complete").exists():
        shutil.rmtree(env, ignore_errors=True)
        venv.create(env, with_pip=True)
        pip(env, "install", *packages)
        (env / "complete").touch()
    return env


def pip(env: Path, *words: str) -> None:
    """Let pip do something in an environment.

    Raises:
        NotToBeHadError: it could not, or not in time.
    """
    command = [str(env / "bin" / "python"), "-m", "pip", words[0], "--quiet"]
    attempt([*command, *words[1:]], failure="ERROR")


def attempt(command: Sequence[str], *, failure: str, cwd: Path | None = None) -> None:
    """Run a command that fetches something; `failure` marks the line that says why not.

    Raises:
        NotToBeHadError: it failed, is not there, or takes too long.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=False,
            cwd=cwd,
        )
    except subprocess.TimeoutExpired:
        raise NotToBeHadError("the installation takes too long") from None
    except OSError as error:
        raise NotToBeHadError(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if failure in line]
        raise NotToBeHadError(" ".join(lines[-1:]) or "the installation failed")
