"""A Chromium found on the machine, and what drives and examines it, kept in a cache.

A Chromium that is missing is installed only where that needs nobody's leave: by apt, as
root.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.environments import (
    NotToBeHadError,
    attempt,
    environment,
    node_modules,
)

PLAYWRIGHT, AXE = "playwright==1.65.2", "axe-core@4.14.1"
_PROGRAMS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable"),
)
_PACKAGE = "chromium-headless-shell"


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
    browser = _browser()
    with (
        environment("playwright", PLAYWRIGHT) as env,
        node_modules("axe", AXE) as modules,
    ):
        axe = modules / "axe-core" / "axe.min.js"
        return Tools(browser=browser, python=env / "bin" / "python", axe=axe)


def _browser() -> Path:
    found = _found()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
        attempt([*install, _PACKAGE], failure="E:")
        found = _found()
    if found is None:
        raise NotToBeHadError("there is no Chromium on this machine")
    return found


def _found() -> Path | None:
    every = (shutil.which(program) for program in _PROGRAMS)
    return next((Path(one) for one in every if one), None)
