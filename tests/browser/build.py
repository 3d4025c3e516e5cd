"""A Chromium found on the machine, and what drives and examines it, kept in a cache.

playwright and axe-core are installed once per version, into the user's cache folder
(`BATCH_REGISTER_TEST_CACHE` names another). A Chromium that is missing is installed only
where that needs nobody's leave: by apt, as root.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

PLAYWRIGHT, AXE = "playwright==1.65.2", "axe-core@4.14.1"
_PROGRAMS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable"),
)
_PACKAGE = "chromium-headless-shell"
_INSTALL_S = 120.0  # a test has 300 s; slower is as good as not to be had


class NotToBeHadError(Exception):
    """Something cannot be installed here; the reason in one line."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The browser, a Python that can drive it, and the script that examines a page."""

    browser: Path
    python: Path
    axe: Path


def built() -> Tools:
    """Return what is kept; install it where it is not there yet.

    Raises:
        NotToBeHadError: a package index does not give what is needed.
    """
    told = os.environ.get("BATCH_REGISTER_TEST_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(told) if told else Path(base) / "batch_register"
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    place = cache / f"browser-{PLAYWRIGHT.split('==')[1]}-{AXE.split('@')[1]}-{minor}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotToBeHadError(f"{cache} cannot be made: {error.strerror}") from None
    with (cache / "browser.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        browser = _browser()
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            _install(place)
            (place / "complete").touch()
    axe = place / "node_modules" / "axe-core" / "axe.min.js"
    return Tools(browser=browser, python=place / "env" / "bin" / "python", axe=axe)


def _browser() -> Path:
    found = _found()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
        _run([*install, _PACKAGE])
        found = _found()
    if found is None:
        raise NotToBeHadError("there is no Chromium on this machine")
    return found


def _found() -> Path | None:
    every = (shutil.which(program) for program in _PROGRAMS)
    return next((Path(one) for one in every if one), None)


def _install(place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotToBeHadError("there is no npm on this machine")
    venv.create(place / "env", with_pip=True)
    python = place / "env" / "bin" / "python"
    _run([str(python), "-m", "pip", "install", "--quiet", PLAYWRIGHT])
    _run([npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", AXE])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotToBeHadError("the installation takes too long") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise NotToBeHadError(" ".join(lines[-1:]) or f"{command[0]} failed")
