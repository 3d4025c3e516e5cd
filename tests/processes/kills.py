"""SIGKILL at random moments: `python -m tests.processes.kills --kills 100 --seed 1`.

In each of two lanes one manifest after another is run, killed and run again until it is
done, all against one simulated cloud in a process of its own; then the cloud is asked what
it saw.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.conftest import Cloud, Shell, serve
from tests.processes.judging import (
    FLAGS,
    each_made_once,
    manifest_in,
    nothing_is_left_to_send,
    run_all,
)

ENTRIES = 40
# An image takes two to eight polls; a write takes 0.1 s, in the middle of which it takes
# effect, so that many a death leaves its outcome open.
SPEED = 1200
SLOW_WRITES = f"""\
version: 1
rules:
  - match: {{route: [image.create, image.register]}}
    effect: {{delay_s: {0.05 * SPEED}, delay_answer_s: {0.05 * SPEED}}}
"""
CONCURRENCY = ("--concurrency", "15")
# A run that is not killed writes for about 1.5 s.
LATEST_S = 0.6
KILLED_IN_START_UP = 0.1  # of all
LANES = 2


@dataclass
class Lane:
    """Kills one run after another, and begins a manifest when the last one is done."""

    cloud: Cloud
    folder: Path
    rng: random.Random
    shells: list[Shell] = field(default_factory=list)
    kills: int = 0
    runs: int = 0

    def kill(self, times: int) -> None:
        """Kill so many runs at random moments; each one goes on where the last died."""
        self._next_manifest()
        while self.kills < times:
            if self._outlives_its_moment(self.shells[-1]):
                self._next_manifest()

    def _outlives_its_moment(self, shell: Shell) -> bool:
        """Start a run and kill it; return whether it had ended before."""
        manifest = manifest_in(shell)
        self.runs += 1
        is_early = self.rng.random() < KILLED_IN_START_UP
        moment_s = self.rng.uniform(0.0, LATEST_S)
        process = shell.begin(manifest, *CONCURRENCY)
        if not is_early:
            _until_it_writes(process, manifest.with_suffix(".ledger.jsonl"))
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment_s)
        has_ended = process.poll() is not None
        process.kill()
        code = shell.end(process).code
        self.kills += not has_ended
        assert code == 0 or not has_ended, code
        return has_ended

    def _next_manifest(self) -> None:
        name = f"{self.folder.name}-{len(self.shells)}"
        home = self.folder / name
        home.mkdir(parents=True)
        shell = Shell(home, self.cloud.clouds_yaml, FLAGS, is_measured=False)
        shell.manifest(ENTRIES, name=name)
        self.shells.append(shell)


def slow_cloud(folder: Path) -> tuple[str, ...]:
    """Return the flags of a simulator whose writes take their time."""
    script = folder / "slow-writes.script.yaml"
    script.write_text(SLOW_WRITES)
    return ("--speed", str(SPEED), "--fault-script", str(script))


def _until_it_writes(process: subprocess.Popen[str], ledger: Path) -> None:
    """Return once a run that was just started has added to its ledger, or has ended."""
    held = ledger.stat().st_size if ledger.exists() else 0
    while process.poll() is None:
        if ledger.exists() and ledger.stat().st_size != held:
            return
        time.sleep(0.005)


def kill_and_judge(cloud: Cloud, folder: Path, *, kills: int, seed: int) -> str:
    """Kill so often, run everything to its end, and fail where the cloud saw a mistake.

    Return the figures.
    """
    lanes = [
        Lane(cloud, folder / f"lane-{n}", random.Random(f"{seed}/{n}"))
        for n in range(LANES)
    ]
    shares = [kills // LANES, kills - kills // LANES]
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(Lane.kill, lanes, shares))
    shells = [shell for lane in lanes for shell in lane.shells]
    ended = run_all(shells, *CONCURRENCY)
    assert {one.code for one in ended} == {0}, [one.err for one in ended]
    audit = cloud.audit()
    each_made_once(audit, ended, ENTRIES * len(shells))
    nothing_is_left_to_send(cloud, shells)
    return (
        f"{sum(lane.kills for lane in lanes)} kills in {sum(lane.runs for lane in lanes)} "
        f"runs over {len(shells)} manifests of {ENTRIES}: {audit['images_created']} images "
        f"made, {len(audit['duplicates'])} duplicates, 0 lost"
    )


def main() -> int:
    """Kill as often as the command line says, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=fresh_seed())
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve(folder, *slow_cloud(folder)) as cloud:
            figures = kill_and_judge(
                cloud, folder, kills=options.kills, seed=options.seed
            )
    print(f"{figures}; {time.monotonic() - began_s:.0f} s")
    return 0


def fresh_seed() -> int:
    """Return a seed that nobody has chosen."""
    return random.SystemRandom().getrandbits(32)


if __name__ == "__main__":
    sys.exit(main())
