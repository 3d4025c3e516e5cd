"""What the service itself testifies, beside what the runs have said.

Everything is judged over the whole life of one simulated cloud, whatever number of
manifests was run against it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.integration.conftest import Cloud, Ended, Shell

# Quick, and every wait that a run may need is still there.
FLAGS = ("--poll-interval", "0.05", "--settle", "0.3", "--output", "json")
SPEED = ("--speed", "6000")
SIDE_BY_SIDE = 3
REPEATED = (sys.executable, str(Path(__file__).with_name("repeated.py")))


def run_all(shells: Sequence[Shell], *flags: str) -> list[Ended]:
    """Run the main job in each of these folders, some at a time."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return list(
            pool.map(lambda shell: shell.run(manifest_in(shell), *flags), shells)
        )


def manifest_in(shell: Shell) -> Path:
    """Return the only manifest of a folder."""
    (manifest,) = (p for p in shell.folder.glob("*.yaml") if p != shell.clouds_yaml)
    return manifest


def each_made_once(audit: dict[str, Any], ended: Iterable[Ended], entries: int) -> None:
    """Fail unless each entry has one image, made once, and the runs know which."""
    made = audit["images_created_by_entry"]
    assert {entry: n for entry, n in made.items() if n != 1} == {}
    assert audit["duplicates"] == audit["images_with_several_jobs"] == {}
    live = audit["live_images_by_entry"]
    assert len(made) == len(live) == audit["images_existing"] == entries
    rows = [row for one in ended for row in one.document["images"]]
    assert {row["state"] for row in rows} == {"active"}
    ids = sorted(image_id for images in live.values() for image_id in images)
    assert sorted(row["image_id"] for row in rows) == ids


def nothing_is_left_to_send(cloud: Cloud, shells: Sequence[Shell]) -> None:
    """Run everything once more, and fail if anything was written to the service."""
    before = cloud.audit()["writes"]
    manifests = [str(manifest_in(shell)) for shell in shells]
    process = shells[0].start(*manifests, "--", "run", *FLAGS, program=REPEATED)
    ended = shells[0].end(process)
    assert ended.code == 0, ended.err
    assert ended.out.count('"summary"') == len(shells)
    assert cloud.audit()["writes"] == before
