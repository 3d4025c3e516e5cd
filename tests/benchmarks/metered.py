"""The command, and what it took: processor time, peak memory, longest stall.

    python -m tests.benchmarks.metered validate MANIFEST

runs the command as `python -m batch_register` would, and writes one JSON object as the
last line of standard error. Two words are no commands: `replay LEDGER` only reads a
ledger, `yaml FILE` only loads a file with PyYAML's own CSafeLoader. Processor time counts from the interpreter's start. Peak
memory is the high-water mark of this very process (Linux), else of its resource usage.
"""

from __future__ import annotations

import json
import resource
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.conftest import Shell
from tests.processes.stalls import WatchedSelector

PROGRAM = (sys.executable, "-m", "tests.benchmarks.metered")
ROOT = Path(__file__).parents[2]
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What one command took."""

    code: int
    out: str
    cpu_s: float
    wall_s: float
    peak_mb: float
    longest_stall_ms: float


def metered(shell: Shell, *arguments: str) -> Meter:
    """Run the command with these arguments in a shell, and measure it."""
    began_s = time.monotonic()
    ended = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=shell.folder,
        env={**shell.environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    wall_s = time.monotonic() - began_s
    found: dict[str, Any] = json.loads(ended.stderr.splitlines()[-1])
    return Meter(code=ended.returncode, out=ended.stdout, wall_s=wall_s, **found)


def _peak_mb() -> float:
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _work() -> int:
    """Do what the arguments say; imports are part of what is measured."""
    match sys.argv[1:]:
        case ["replay", path]:
            from batch_register.ledger import read_ledger  # noqa: PLC0415

            read_ledger(Path(path))
        case ["yaml", path]:
            import yaml  # noqa: PLC0415

            with Path(path).open("rb") as file:
                yaml.load(file, yaml.CSafeLoader)
        case _:
            from batch_register.__main__ import main  # noqa: PLC0415

            return main()
    return 0


def _metered_main() -> int:
    selectors.DefaultSelector = WatchedSelector  # type: ignore[misc]
    try:
        return _work()
    finally:
        took = {
            "cpu_s": time.process_time(),
            "peak_mb": _peak_mb(),
            "longest_stall_ms": WatchedSelector.longest_s * 1000,
        }
        print(json.dumps(took), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(_metered_main())
