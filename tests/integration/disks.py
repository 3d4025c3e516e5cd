"""Files, buckets and clouds for whole runs over sources."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import Any

from tests.integration.conftest import Cloud, Shell
from tests.object_store.server import Store

MIB, GIB = 1 << 20, 1 << 30
BUCKET = "disks-1"
LEDGER = "wave-07.ledger.jsonl"
HEAD = """\
version: 1
name: wave-07
defaults: {{bucket: {bucket}, os_version: Ubuntu 22.04 server 64bit, min_disk: 40}}
images:
"""
# A run in an installation that has not the packages of the extra: nobody finds them.
WITHOUT_EXTRA = """\
import sys
class Blind:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *more):
        if name.partition(".")[0] in ("aiobotocore", "botocore", "oslo_utils"):
            return None
        return self.finder.find_spec(name, *more)
sys.meta_path = [Blind(finder) for finder in sys.meta_path]
from batch_register.__main__ import main
sys.exit(main())
"""
UNEXTENDED = (sys.executable, "-c", WITHOUT_EXTRA)


def disk(folder: Path, name: str, size_bytes: int) -> bytes:
    """Write a file that looks like a raw disk, and return its content."""
    content = Random(name).randbytes(size_bytes)
    (folder / name).write_bytes(bytes(512) + content[512:])
    return (folder / name).read_bytes()


def manifest(shell: Shell, *entries: str, bucket: str = BUCKET) -> Path:
    """Write a manifest of entries in YAML, without braces."""
    path = shell.folder / "wave-07.yaml"
    lines = "".join(f"  - {{{entry}}}\n" for entry in entries)
    path.write_text(HEAD.format(bucket=bucket) + lines)
    return path


def uploaded(name: str) -> str:
    """Return an entry whose file of that name is uploaded first."""
    return f"name: {name}, object: {name}.raw, source: {name}.raw"


def events(shell: Shell, key: str | None = None) -> list[dict[str, Any]]:
    """Return the ledger's lines, or those of one entry."""
    path = shell.folder / LEDGER
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    return [line for line in whole if key is None or line.get("key") == key]


def names(shell: Shell, key: str) -> list[str]:
    """Return what happened to an entry."""
    return [line["event"] for line in events(shell, key)]


def until(process: Popen[str], shell: Shell, event: str) -> dict[str, Any]:
    """Return the first ledger line of that event; the run must not have ended."""
    while True:
        for line in events(shell):
            if line["event"] == event:
                return line
        assert process.poll() is None, event
        time.sleep(0.02)


def looks(cloud: Cloud) -> int:
    """Return how many objects were asked for."""
    count: int = cloud.audit()["by_route"].get("object.head", 0)
    return count


def with_store(shell: Shell, cloud: Cloud, store: Store) -> None:
    """Have the shell's commands find the simulated image service and a real store."""
    text = cloud.clouds_yaml.read_text()
    for name, value in (
        ("obs_endpoint_override", store.endpoint),
        ("region_name", store.region),
    ):
        text = re.sub(rf"{name}: .*", f'{name}: "{value}"', text)
    cloud.clouds_yaml.write_text(text)
    shell.variables |= {
        "OBS_ACCESS_KEY_ID": store.keys.access_key,
        "OBS_SECRET_ACCESS_KEY": store.keys.secret_key,
    }
