"""One manifest, and the command that carries it, against the real stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stack.cloud import Stack
from tests.stack.sources import Sources, qcow2

_PATIENCE_S = 250  # of one command, on a busy machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the command ended."""

    code: int
    report: dict[str, Any]
    err: str


class Wave:
    """A manifest with its ledger, in a folder of its own."""

    def __init__(self, name: str, stack: Stack, sources: Sources, folder: Path) -> None:
        self.name = name
        self._stack = stack
        self._sources = sources
        self._folder = folder
        self._urls: dict[str, str] = {}
        self.path = folder / f"{name}.yaml"
        self.text = ""  # what to write instead of the images that were added

    def add(self, key: str, data: bytes | None = qcow2()) -> str:
        """Add an image; `data` is its file, None where there is to be none."""
        path = self.path_of(key)
        if data is not None:
            self._sources.files[path] = data
        self._urls[key] = self._sources.url(path)
        return path

    def path_of(self, key: str) -> str:
        """Return where an image's file is served."""
        return f"/{self.name}/{key}.qcow2"

    def add_elsewhere(self, key: str, url: str) -> None:
        """Add an image whose file is not ours to serve."""
        self._urls[key] = url

    def add_many(self, count: int) -> list[str]:
        """Add images, and return their keys."""
        keys = [f"image-{number:03}" for number in range(count)]
        for key in keys:
            self.add(key)
        return keys

    def start(self, *options: str, token_life_s: int = 3600) -> subprocess.Popen[str]:
        """Start the command."""
        clouds = self._stack.clouds_yaml(self._folder, token_life_s=token_life_s)
        self.path.write_text(self.text or self._text())
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BATCH_REGISTER_", "OS_"))
        }
        usual = ("--concurrency", "16", "--poll-interval", "0.5", "--settle", "2")
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "batch_register", "run", str(self.path)),
                *("--cloud", "stack", "--output", "json", *usual, *options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ | {"OS_CLIENT_CONFIG_FILE": str(clouds)},
        )

    def run(self, *options: str, token_life_s: int = 3600) -> Ended:
        """Run the command to its end."""
        return ended(self.start(*options, token_life_s=token_life_s))

    def lines(self) -> list[dict[str, Any]]:
        """Return the ledger's whole lines."""
        path = self.path.with_suffix(".ledger.jsonl")
        if not path.exists():
            return []
        whole = path.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in whole if line.endswith("\n")]

    def count(self, event: str) -> int:
        """Return how many lines of the ledger tell of an event."""
        return sum(line["event"] == event for line in self.lines())

    def in_glance(self) -> Counter[tuple[str, str]]:
        """Return how many images Glance lists, by name and status."""
        found = self._stack.images(self.name)
        return Counter((image["name"], image["status"]) for image in found)

    def _text(self) -> str:
        entries = "".join(
            f"  - {{name: {key}, source_url: '{url}'}}\n"
            for key, url in self._urls.items()
        )
        return (
            f"version: 1\nname: {self.name}\n"
            f"defaults: {{disk_format: qcow2}}\nimages:\n{entries}"
        )


def ended(process: subprocess.Popen[str]) -> Ended:
    """Return how a command ended that was started."""
    try:
        out, err = process.communicate(timeout=_PATIENCE_S)
    finally:
        process.kill()
    report = json.loads(out) if out.startswith("{") else {}
    return Ended(code=process.returncode, report=report, err=err)


def one_each(names: Iterable[str], status: str = "active") -> Mapping[object, int]:
    """Return what `in_glance` shows where each image is there once."""
    return Counter((name, status) for name in names)
