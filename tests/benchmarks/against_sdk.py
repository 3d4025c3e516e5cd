"""Requests, processor time and makespan beside the official SDK in a pool of threads.

    python -m tests.benchmarks.against_sdk [--images 500] [--concurrency 40]

Both register the same files, one after the other, on one simulated cloud in this
process, with as many images in flight and the same poll interval; image and job end
together there. Processor time is that of the whole client process, start-up included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batch_register.cli.simulator import CLOUD_NAME, clouds_yaml
from batch_register.simulator import Simulator, SimulatorOptions
from tests.benchmarks.metered import ROOT
from tests.integration.conftest import COMMAND, Shell

LEAST_REQUESTS_RATIO, LEAST_CPU_RATIO, MOST_MAKESPAN_RATIO = 4.0, 5.0, 1.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What one client took for all images."""

    requests: int
    cpu_s: float
    wall_s: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--concurrency", type=int, default=40)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--poll-interval", type=float, default=0.1)
    parser.add_argument("--settle", type=float, default=30.0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measure(Path(folder), options)), indent=2))


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    cloud = SimulatorOptions(
        speed=options.speed,
        quota=4 * options.images,
        task_limit=2 * options.concurrency,
        objects_exist_by_default=True,
        active_offset_range_s=(0.0, 0.0),
    )
    async with Simulator(cloud) as simulator:
        path = folder / "clouds.yaml"
        path.write_text(clouds_yaml({"clouds": {CLOUD_NAME: simulator.clouds_entry()}}))
        shell = Shell(folder, path, is_measured=False)
        manifest = shell.manifest(options.images)
        ours = await _took(
            simulator,
            shell,
            [
                *(*COMMAND, "run", manifest.name, "--output", "quiet"),
                f"--concurrency={options.concurrency}",
                f"--poll-interval={options.poll_interval}",
                f"--settle={options.settle}",
            ],
        )
        sdk = await _took(
            simulator,
            shell,
            [
                *(sys.executable, "-m", "tests.benchmarks.sdk_pool", simulator.url),
                *("0", str(options.images), str(options.concurrency)),
                str(options.poll_interval),
            ],
        )
    return _compared(ours, sdk, options.images)


async def _took(simulator: Simulator, shell: Shell, command: list[str]) -> Took:
    """Run one client to its end beside the cloud."""
    before = simulator.audit.total
    began_s = time.monotonic()
    cpu_s = await asyncio.to_thread(_cpu_s, shell, command)
    wall_s = time.monotonic() - began_s
    requests = simulator.audit.total - before
    return Took(requests=requests, cpu_s=cpu_s, wall_s=wall_s)


def _cpu_s(shell: Shell, command: list[str]) -> float:
    """Run a command; return the processor time of its whole process."""
    process = subprocess.Popen(
        command,
        cwd=shell.folder,
        env={**shell.environment(), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command} ended with {process.returncode}"
    return used.ru_utime + used.ru_stime


def _compared(ours: Took, sdk: Took, images: int) -> dict[str, object]:
    return {
        "images": images,
        "requests_per_image": {
            "ours": round(ours.requests / images, 2),
            "sdk": round(sdk.requests / images, 2),
            "sdk_to_ours": round(sdk.requests / ours.requests, 2),
            "at_least": LEAST_REQUESTS_RATIO,
        },
        "client_cpu_ms_per_image": {
            "ours": round(ours.cpu_s * 1000 / images, 2),
            "sdk": round(sdk.cpu_s * 1000 / images, 2),
            "sdk_to_ours": round(sdk.cpu_s / ours.cpu_s, 2),
            "at_least": LEAST_CPU_RATIO,
        },
        "makespan_s": {
            "ours": round(ours.wall_s, 2),
            "sdk": round(sdk.wall_s, 2),
            "ours_to_sdk": round(ours.wall_s / sdk.wall_s, 3),
            "at_most": MOST_MAKESPAN_RATIO,
        },
    }


if __name__ == "__main__":
    main()
