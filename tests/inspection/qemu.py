"""QEMU's own tool for disk images: the machine's, else Debian's, unpacked.

What makes an image is a line of its arguments; `{source}` is a raw disk of 64 MiB whose
first 3 MiB and last sector hold data.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.environments import NotToBeHadError, unpacked

SOURCE_BYTES = 64 << 20
_LACKING = re.compile(r"loading shared libraries: ([\w.]+)")
_LIBRARIES = {"libaio.so.1": "libaio1", "liburing.so.2": "liburing2"}


@dataclass(frozen=True)
class QemuImg:
    """The program, and where the libraries are that it needs and the machine lacks."""

    program: str
    libraries: tuple[Path, ...] = ()

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run it; what it says is in English."""
        places = ":".join(str(place) for place in self.libraries)
        return subprocess.run(
            [self.program, *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ | {"LC_ALL": "C", "LD_LIBRARY_PATH": places},
        )

    def do(self, *words: str | Path) -> str:
        """Run it and return its output.

        How long a key's derivation takes cannot be measured each time on a virtual
        machine; there it gives up.
        """
        done = self.run(*words)
        for _ in range(20):
            if "accurate CPU usage" in done.stderr:
                done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def info(self, image: Path, disk_format: str) -> dict[str, Any]:
        """Return what it tells of an image that is to be of that format."""
        told: dict[str, Any] = json.loads(
            self.do("info", "-U", "--output=json", "-f", disk_format, image)
        )
        return told


def qemu_img() -> QemuImg:
    """Return the program.

    Raises:
        NotToBeHadError: neither the machine nor its package index has it.
    """
    found = shutil.which("qemu-img")
    tool = QemuImg(found or str(unpacked("qemu-utils") / "usr" / "bin" / "qemu-img"))
    while missing := _LACKING.search(said := tool.run("--version").stderr):
        package = _LIBRARIES.get(missing[1])
        if package is None or len(tool.libraries) > len(_LIBRARIES):
            message = f"qemu-img does not start: {said.strip()}"
            raise NotToBeHadError(message)
        places = {file.parent for file in unpacked(package).rglob(f"{missing[1]}*")}
        tool = QemuImg(tool.program, (*tool.libraries, *sorted(places)))
    return tool


def make_source(place: Path) -> Path:
    """Make the raw disk that images are converted from."""
    with place.open("wb") as file:
        file.write(random.Random(7).randbytes(3 << 20))
        file.seek(SOURCE_BYTES - 512)
        file.write(b"\xee" * 512)
    return place
