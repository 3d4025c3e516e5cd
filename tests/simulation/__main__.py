"""Play many seeds: python -m tests.simulation --seeds 10000 [--from N] [--processes 2]."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.simulation.world import play

_AT_ONCE = 50  # seeds that one process plays between two words about them
_SHOWN = 3  # failing seeds that are told in full


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What is kept of one seed."""

    seed: int
    rules: tuple[str, ...]
    report: str
    runs: int
    virtual_s: float


def result(seed: int) -> Result:
    """Play one seed and keep what matters."""
    verdict = play(seed)
    return Result(
        seed=seed,
        rules=tuple(dict.fromkeys(one.rule for one in verdict.violations)),
        report=verdict.report() if verdict.violations else "",
        runs=verdict.runs,
        virtual_s=verdict.virtual_s,
    )


def results(seeds: Iterable[int], processes: int) -> Iterator[Result]:
    """Play seeds in one process or several."""
    if processes == 1:
        yield from map(result, seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(result, seeds, chunksize=_AT_ONCE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    began_s = time.perf_counter()
    rules: Counter[str] = Counter()
    failed: list[int] = []
    runs, virtual_s = 0, 0.0
    seeds = range(options.first, options.first + options.seeds)
    for one in results(seeds, options.processes):
        runs += one.runs
        virtual_s += one.virtual_s
        if one.rules:
            rules.update(one.rules)
            failed.append(one.seed)
            if len(failed) <= _SHOWN:
                print(one.report, end="\n\n")
    elapsed_s = time.perf_counter() - began_s
    print(
        f"{len(seeds)} seeds, {runs} runs, {virtual_s / 86400:.1f} simulated days, "
        f"{len(seeds) / elapsed_s * 60:.0f} seeds per minute"
    )
    print(f"failed: {len(failed)} {dict(rules)} {failed[:40]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
