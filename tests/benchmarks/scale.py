"""Time and memory of every command at 1,000, 10,000 and 100,000 images.

    python -m tests.benchmarks.scale [--sizes 1000 10000 100000] [--commands ...]

Each command is a process of its own beside a simulated cloud in another: validate, plan
and run where all images are active already (a resume that finds nothing to do), report,
a bare replay, and PyYAML's CSafeLoader on the same manifest to compare validate with.
At the largest size a fresh run is stopped by SIGTERM once a fiftieth is made. Prints
processor seconds (start-up included), peak memory, the longest stall of the event loop,
and how each grows from one size to the next: 1.0 is linear in what comes on top of the
smallest size.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from batch_register.model import Target
from batch_register.simulator import SimulatorOptions
from tests.benchmarks.material import write_ledger, write_manifest
from tests.benchmarks.metered import PROGRAM, ROOT, Meter, metered
from tests.integration.conftest import Cloud, Shell, serve

MOST_VALIDATE_RATIO, MOST_GROWTH = 0.3, 1.15
MOST_RESUME_S, MOST_PEAK_MB, MOST_CANCEL_S, MOST_STALL_MS = 10.0, 350.0, 0.2, 50.0

_TIMES, _SMALL = 3, 10_000  # short commands are run so often: the growth goes by them
_LEDGER = "wave-07.ledger.jsonl"
_DONE = "done.jsonl"
COMMANDS: dict[str, tuple[str, ...]] = {
    "validate": ("validate", "wave-07.yaml"),
    "plan": ("plan", "wave-07.yaml", "--output=json"),
    "resume": ("run", "wave-07.yaml", "--output=json"),
    "report": ("report", _LEDGER, "--format=json"),
    "replay": ("replay", _LEDGER),
    "yaml": ("yaml", "wave-07.yaml"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS))
    parser.add_argument("--without-cancel", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), options), indent=2))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    sizes, names = options.sizes, options.commands
    found: dict[str, object] = {}
    took: dict[int, dict[str, Meter]] = {}
    quota = ("--quota", str(2 * max(sizes)))
    with serve(folder, "--speed", "6000", *quota) as cloud:
        shell = Shell(folder, cloud.clouds_yaml, is_measured=False)
        for size in sizes:
            _furnish(folder, size)
            times = _TIMES if size <= _SMALL else 1
            took[size] = {name: _took(shell, name, times) for name in names}
        if not options.without_cancel:
            found["cancel"] = _cancel(shell, cloud, max(sizes) // 50)
    found["commands"] = {name: _figures(name, took) for name in names}
    found["targets"] = _targets(took[max(sizes)])
    return found


def _furnish(folder: Path, size: int) -> None:
    """Write a manifest, and the ledger of a run that made all its images."""
    options = SimulatorOptions()
    target = Target(
        endpoint="http://127.0.0.1",
        project_id=options.project_id,
        region=options.region,
    )
    manifest = write_manifest(folder / "wave-07.yaml", size)
    write_ledger(folder / _DONE, manifest, target)


def _took(shell: Shell, name: str, times: int) -> Meter:
    """Run a command some times over, each on a ledger of its own; return the best."""
    meters = []
    for _ in range(times):
        shutil.copy(shell.folder / _DONE, shell.folder / _LEDGER)
        meters.append(metered(shell, *COMMANDS[name]))
    assert not any(meter.code for meter in meters), f"{name}: {meters}"
    return min(meters, key=lambda meter: meter.cpu_s)


def _figures(name: str, took: dict[int, dict[str, Meter]]) -> dict[str, object]:
    sizes = sorted(took)
    least = took[sizes[0]][name]
    figures: dict[str, object] = {}
    for before, size in zip([0, *sizes], sizes, strict=False):
        meter = took[size][name]
        figures[str(size)] = {
            "cpu_s": round(meter.cpu_s, 2),
            "wall_s": round(meter.wall_s, 2),
            "peak_mb": round(meter.peak_mb),
            "longest_stall_ms": round(meter.longest_stall_ms),
        }
        if before > sizes[0]:  # both lie beyond the start-up
            growth = (least, took[before][name], meter)
            times = (size - sizes[0]) / (before - sizes[0])
            figures[f"growth_{before}_to_{size}"] = {
                "cpu": _growth([each.cpu_s for each in growth], times),
                "memory": _growth([each.peak_mb for each in growth], times),
                "at_most": MOST_GROWTH,
            }
    return figures


def _growth(values: list[float], times: float) -> float | None:
    """Return growth over linear growth; None where too little comes on top to tell."""
    least, before, now = values
    return (
        round((now - least) / (before - least) / times, 2) if before > least else None
    )


def _targets(largest: dict[str, Meter]) -> dict[str, object]:
    """Return what was found at the largest size, each beside its target."""
    peak_mb = max(meter.peak_mb for name, meter in largest.items() if name != "yaml")
    found: dict[str, object] = {"peak_mb": [round(peak_mb), MOST_PEAK_MB]}
    if resume := largest.get("resume"):
        found["resume_cpu_s"] = [round(resume.cpu_s, 2), MOST_RESUME_S]
        found["longest_stall_ms"] = [round(resume.longest_stall_ms), MOST_STALL_MS]
    if "validate" in largest and "yaml" in largest:
        ratio = largest["validate"].cpu_s / largest["yaml"].cpu_s
        found["validate_to_yaml"] = [round(ratio, 3), MOST_VALIDATE_RATIO]
    return found


def _cancel(shell: Shell, cloud: Cloud, images: int) -> dict[str, object]:
    """Stop a fresh run by a signal once it has made so many images."""
    ledger, told = shell.folder / _LEDGER, shell.folder / "cancel.log"
    ledger.unlink()
    before = cloud.audit()["images_created"]
    with told.open("w") as log:
        process = subprocess.Popen(
            [*PROGRAM, "run", "wave-07.yaml", "--output=quiet", "--settle=1"],
            cwd=shell.folder,
            env={**shell.environment(), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        while cloud.audit()["images_created"] < before + images:
            assert process.poll() is None, "the run ended before it made its images"
            time.sleep(0.2)
        began_s = time.time()  # noqa: TID251 - compared with a file's own time
        process.send_signal(signal.SIGTERM)
        code = process.wait()
        wall_s = time.time() - began_s  # noqa: TID251 - as above
    assert code in (0, 143)
    took = json.loads(told.read_text().splitlines()[-1])
    return {
        "exit_code": code,
        "to_the_last_ledger_line_s": round(ledger.stat().st_mtime - began_s, 3),
        "at_most": MOST_CANCEL_S,
        "to_the_end_of_the_process_s": round(wall_s, 3),
        "cpu_s_of_the_whole_run": round(took["cpu_s"], 2),
        "longest_stall_ms": [round(took["longest_stall_ms"]), MOST_STALL_MS],
    }


if __name__ == "__main__":
    main()
