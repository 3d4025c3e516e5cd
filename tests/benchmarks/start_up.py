"""What `--version` and `--help` cost beside a bare interpreter.

    python -m tests.benchmarks.start_up [--runs 15]

Prints medians in milliseconds and their ratio to `python -c pass` in the same run, and
the modules of ours and of others that each of them imports.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "--version": ["-m", "batch_register", "--version"],
    "--help": ["-m", "batch_register", "--help"],
    "run --help": ["-m", "batch_register", "run", "--help"],
}
_LIBRARIES = ("click", "aiohttp", "pydantic", "structlog", "rich", "yaml", "asyncio")


def median_ms(arguments: list[str], runs: int) -> float:
    """Return the median wall time of a whole process, after one that does not count."""
    times_ms: list[float] = []
    for _ in range(runs + 1):
        began_s = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        times_ms.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(times_ms[1:])


def imported(arguments: list[str]) -> list[str]:
    """Return what a command imports, of ours and of the heavier libraries."""
    command = [sys.executable, "-X", "importtime", *arguments]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    names = {line.rsplit("|", 1)[-1].strip() for line in told.splitlines()}
    return sorted(
        name
        for name in names
        if name.startswith("batch_register") or name in _LIBRARIES
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    medians = {name: median_ms(words, runs) for name, words in COMMANDS.items()}
    bare_ms = medians["python -c pass"]
    print(
        json.dumps(
            {
                name: {
                    "median_ms": round(ms, 1),
                    "ratio_to_bare": round(ms / bare_ms, 2),
                }
                for name, ms in medians.items()
            }
            | {
                f"imported by {name}": imported(COMMANDS[name])
                for name in ("--version", "--help")
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
