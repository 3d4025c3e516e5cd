"""How close a run comes to the shortest time that its jobs allow.

    python -m tests.benchmarks.makespan [--images 500] [--concurrency 40] [--speed 60]

Runs the command against a simulated cloud in another process and prints, as ratios, the
wall time against list scheduling of the very jobs that this run had on as many slots,
and the requests per image. Durations are drawn by the cloud from the files' sizes.
"""

from __future__ import annotations

import argparse
import heapq
import json
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.integration.conftest import Shell, serve


def list_schedule_s(durations_s: list[float], slots: int) -> float:
    """Return when the last job ends if each starts as soon as a slot is free."""
    free_at_s = [0.0] * slots
    for duration_s in durations_s:
        heapq.heappush(free_at_s, heapq.heappop(free_at_s) + duration_s)
    return max(free_at_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--concurrency", type=int, default=40)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--poll-interval", type=float, default=0.25)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), options), indent=2))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    with serve(folder, "--speed", str(options.speed)) as cloud:
        shell = Shell(folder, cloud.clouds_yaml)
        manifest = shell.manifest(options.images)
        began_s = time.monotonic()
        ended = shell(
            "run",
            manifest.name,
            f"--concurrency={options.concurrency}",
            f"--poll-interval={options.poll_interval}",
            "--output=json",
        )
        wall_s = time.monotonic() - began_s
        audit = cloud.audit()
        jobs = _get(f"{cloud.url}/_simulator/jobs")["jobs"]
    durations_s = [
        (job["active_s"] - job["submitted_s"]) / options.speed
        for job in sorted(jobs, key=lambda job: job["submitted_s"])
    ]
    ideal_s = list_schedule_s(durations_s, options.concurrency)
    bound_s = max(sum(durations_s) / options.concurrency, *durations_s)
    lists = audit["by_route"].get("cloudimage.list", 0)
    return {
        "exit_code": ended.code,
        "images_active": ended.document["summary"]["active"],
        "images_made": audit["images_created"],
        "peak_unfinished_jobs": audit["peak_unfinished_jobs"],
        "wall_s": round(wall_s, 2),
        "list_scheduling_s": round(ideal_s, 2),
        "wall_to_list_scheduling": round(wall_s / ideal_s, 3),
        "wall_to_lower_bound": round(wall_s / bound_s, 3),
        "requests_per_image_without_lists": round(
            (audit["requests"] - lists) / options.images, 3
        ),
        "lists_per_poll_interval": round(lists * options.poll_interval / wall_s, 3),
    }


def _get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - own server
        document: dict[str, Any] = json.load(answer)
    return document


if __name__ == "__main__":
    main()
