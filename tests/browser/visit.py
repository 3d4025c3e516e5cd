"""Visits of a page in a real browser, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.build import Tools

_DRIVE = Path(__file__).with_name("drive.py")
_VISIT_S = 200.0


@dataclass(frozen=True, slots=True)
class Visit:
    """What a browser made of a page."""

    messages: list[str]  # of its console
    requests: list[str]
    width: int  # of the whole page, in CSS pixels
    scrolled: list[str]  # parts of it that have to be scrolled sideways
    faults: list[dict[str, Any]]  # what axe-core found


@dataclass(frozen=True, slots=True)
class Visitor:
    tools: Tools

    def visit(self, page: Path, *, width: int, scheme: str) -> Visit:
        picture = page.with_suffix(f".{width}-{scheme}.png")
        tools = self.tools
        command = [tools.python, _DRIVE, tools.browser, tools.axe, page]
        done = subprocess.run(
            [*map(str, command), str(width), scheme, str(picture)],
            capture_output=True,
            text=True,
            timeout=_VISIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return Visit(**json.loads(done.stdout))

    def print(self, page: Path) -> bytes:
        """Return the page as a PDF, as the browser itself prints it."""
        file = page.with_suffix(".pdf")
        profile = page.with_suffix(".profile")
        options = [
            *("--headless", "--no-sandbox", "--disable-gpu"),
            *("--disable-background-networking", "--disable-component-update"),
            *("--disable-sync", f"--user-data-dir={profile}"),
            f"--print-to-pdf={file}",
        ]
        subprocess.run(
            [str(self.tools.browser), *options, page.as_uri()],
            capture_output=True,
            timeout=_VISIT_S,
            check=True,
        )
        return file.read_bytes()
