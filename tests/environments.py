"""Programs that others wrote, each in a folder of its own, kept for later.

They are not part of the extra `dev`: their dependencies are many, and not ours. Built
once for each set of versions and kept in the user's cache folder; a lock keeps two test
runs from building at once. `BATCH_REGISTER_TEST_CACHE` names another folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

INSTALL_S = 200.0  # a test has 300 s; slower is as good as not to be had


class NotToBeHadError(Exception):
    """The packages cannot be installed here; the reason in one line."""


@contextmanager
def environment(name: str, *packages: str) -> Iterator[Path]:
    """Lend the folder of an environment with these packages; nobody else has it.

    Raises:
        NotToBeHadError: the package index does not give what is needed.
    """
    version = digest(sys.version, sys.base_prefix, *packages)
    with _built(name, version, lambda env: _install(env, packages)) as env:
        yield env


@contextmanager
def node_modules(name: str, *packages: str) -> Iterator[Path]:
    """Lend a folder `node_modules` with these packages; nobody else has it.

    Raises:
        NotToBeHadError: there is no Node.js here, or its registry does not give them.
    """
    if shutil.which("node") is None or (npm := shutil.which("npm")) is None:
        raise NotToBeHadError("there is no Node.js here")
    flags = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")

    def install(env: Path) -> None:
        env.mkdir()
        (env / "package.json").write_text("{}", encoding="utf-8")
        _run([npm, "install", "--prefix", str(env), *flags, *packages], "npm error")

    with _built(name, digest(*packages), install) as env:
        yield env / "node_modules"


@contextmanager
def _built(name: str, version: str, build: Callable[[Path], None]) -> Iterator[Path]:
    """Lend a folder of the cache, built if this version is not there yet."""
    cache = _cache()
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotToBeHadError(f"{cache} cannot be made: {error.strerror}") from None
    env = cache / f"{name}-{version}"
    with _locked(cache / f"{name}.lock"):
        if not (env / "complete").exists():
            shutil.rmtree(env, ignore_errors=True)
            build(env)
            (env / "complete").touch()
        yield env


def digest(*parts: str) -> str:
    """Return a short name for what depends on these parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def tell_untested(
    reporter: pytest.TerminalReporter, what: str, *, where: str, why: str
) -> None:
    """Say at the end of a test run, in red, which tests could not be run and why.

    `where` is a part of the path that all of them have, and no other test.
    """
    skipped = reporter.stats.get("skipped", [])
    count = sum(where in f"/{report.nodeid}" for report in skipped)
    reporter.write_sep("!", f"{what} NOT TESTED", red=True)
    reporter.write_line(f"{count} tests were not run: {why}", red=True)


def _cache() -> Path:
    told = os.environ.get("BATCH_REGISTER_TEST_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(told) if told else Path(base) / "batch_register"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(env: Path, packages: tuple[str, ...]) -> None:
    venv.create(env, with_pip=True)
    pip = [str(env / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    _run([*pip, *packages], "ERROR")


def _run(command: list[str], error_word: str) -> None:
    """Run an installer; its last line with `error_word` is the reason it failed."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotToBeHadError("the installation takes too long") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if error_word in line]
        raise NotToBeHadError(" ".join(lines[-1:]) or "the installation failed")
