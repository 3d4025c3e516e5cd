"""Programs that others wrote, each in a place of its own, kept for later.

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
from collections.abc import Callable, Iterator, Sequence
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

    def install(env: Path) -> None:
        venv.create(env, with_pip=True)
        pip(env, "install", *packages)

    version = digest(sys.version, sys.base_prefix, *packages)
    with _built(name, version, install) as env:
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
        words = [npm, "install", "--prefix", str(env), *flags, *packages]
        attempt(words, failure="npm error code")

    with _built(name, digest(*packages), install) as env:
        yield env / "node_modules"


def unpacked(package: str) -> Path:
    """Return the folder of a Debian package that is unpacked there, and not installed.

    Raises:
        NotToBeHadError: the package index does not give it.
    """

    def unpack(place: Path) -> None:
        place.mkdir()
        _unpack([package], place)

    with _built(package, "unpacked", unpack) as place:
        return place


def unpacked_whole(package: str, *others: str) -> Path:
    """Return a folder with packages and all that this machine lacks of what they need.

    Raises:
        NotToBeHadError: the package index does not give them.
    """
    words = ["apt-get", "install", "-s", "-y", "--no-install-recommends"]

    def unpack(place: Path) -> None:
        place.mkdir()
        plan = attempt([*words, package, *others], failure="E:")
        wanted = [line.split()[1] for line in plan.splitlines() if line[:5] == "Inst "]
        _unpack(wanted, place)

    with _built(package, f"whole-{digest(*others)}", unpack) as place:
        return place


def _unpack(packages: Sequence[str], place: Path) -> None:
    _download(packages, place)
    for archive in place.glob("*.deb"):
        attempt(["dpkg", "-x", str(archive), str(place)], failure="error")
        archive.unlink()


@contextmanager
def _built(name: str, version: str, build: Callable[[Path], None]) -> Iterator[Path]:
    """Lend a folder of the cache, built if this version is not there yet."""
    with _cache_of(name) as cache:
        place = cache / f"{name}-{version}"
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            build(place)
            (place / "complete").touch()
        yield place


@contextmanager
def _cache_of(name: str) -> Iterator[Path]:
    """Lend the cache folder to build `name` in; nobody else builds it.

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


def _download(packages: Sequence[str], place: Path) -> None:
    download = ["apt-get", "download", "--quiet", *packages]
    try:
        attempt(download, failure="E:", cwd=place)
    except NotToBeHadError:
        if os.geteuid() != 0:
            raise
        attempt(["apt-get", "update", "--quiet"], failure="E:")
        attempt(download, failure="E:", cwd=place)


def pip(env: Path, *words: str) -> None:
    """Let pip do something in an environment.

    Raises:
        NotToBeHadError: it could not, or not in time.
    """
    command = [str(env / "bin" / "python"), "-m", "pip", words[0], "--quiet"]
    attempt([*command, *words[1:]], failure="ERROR")


def attempt(command: Sequence[str], *, failure: str, cwd: Path | None = None) -> str:
    """Return what a command that fetches something says.

    `failure` marks the line that says why it failed.

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
    return done.stdout


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
