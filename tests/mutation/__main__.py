"""Score the tests of the decisions: `poe mutants`, or `poe mutants plan ims.codes`.

Tries all mutants of mutmut, then those of `edits`, and prints what survives. Ends with
1 where a group is below the goal.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from tests.mutation.edits import edits
from tests.mutation.trial import KILLED, SURVIVED, try_out

ROOT = Path(__file__).parents[2]
JUDGED = Path(__file__).with_name("README.md")
GOAL = 90.0  # percent of the mutants of each group

# Each module with the group it counts in and the tests that belong to it.
MODULES = {
    "machine": ("machine", "tests/unit/test_machine.py"),
    "pacing": ("pacing", "tests/unit/test_pacing.py"),
    "plan": ("plan", "tests/unit/test_plan.py"),
    "ledger.line": ("ledger/line", "tests/ledger/test_line.py"),
    "ims.codes": ("error mapping", "tests/ims/test_codes.py"),
    "ims.failure": ("error mapping", "tests/ims/test_client_answers.py"),
    "ims.jobfault": ("error mapping", "tests/ims/test_jobfault.py"),
    "ims.refusal": ("error mapping", "tests/ims/test_refusal.py"),
    "transport.failure": ("error mapping", "tests/transport/test_translate.py"),
}

# mutmut's exit codes of one mutant; 5 and 33: no test calls it.
_MUTMUT_SURVIVED = {0, 5, 33}
_MUTMUT_HUNG = {24, -24, 36, 152, 255}


@dataclass
class Score:
    """What became of some mutants; what hung beyond its limit is killed."""

    killed: int = 0
    hung: int = 0  # how many of those killed
    survivors: list[str] = field(default_factory=list)

    @property
    def percent(self) -> float:
        return 100.0 * self.killed / ((self.killed + len(self.survivors)) or 1)

    def row(self, name: str) -> str:
        lives = len(self.survivors)
        numbers = f"{self.killed:6} {lives:8} {self.killed + lives:6}"
        return f"{name:28} {numbers} {self.percent:6.1f} %" + (
            f"  ({self.hung} hung)" if self.hung else ""
        )


def by_mutmut(modules: list[str]) -> dict[str, Score]:
    """Run mutmut from nothing: it would keep results of tests that have changed."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    patterns = [f"batch_register.{module}.*" for module in modules]
    _mutmut("run", "--max-children", "1", *patterns)
    return {module: _read(module) for module in modules}


def _mutmut(*words: str) -> str:
    command = [sys.executable, "-m", "mutmut", *words]
    done = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"mutmut {words[0]}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def _read(module: str) -> Score:
    path = ROOT / "mutants" / f"batch_register/{module.replace('.', '/')}.py.meta"
    score = Score()
    for name, code in json.loads(path.read_text())["exit_code_by_key"].items():
        if code in _MUTMUT_SURVIVED:
            score.survivors.append(_shown(name))
        elif code == KILLED or code in _MUTMUT_HUNG:
            score.killed += 1
            score.hung += code in _MUTMUT_HUNG
        else:
            sys.exit(f"mutmut ended with {code} on {name}")
    return score


def _shown(name: str) -> str:
    """Return mutmut's difference on one line."""
    lines = _mutmut("show", name).splitlines()
    lines = [one for one in lines if one[:3] not in ("---", "+++")]
    old, new = (
        " ".join(" ".join(one[1:].split()) for one in lines if one[:1] == sign)
        for sign in "-+"
    )
    function = name.rpartition(".")[2].rpartition("__mutmut_")[0]
    scope = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return f"{scope}: `{old}` → `{new}`" if new else f"{scope}: without `{old}`"


def by_edits(module: str) -> Score:
    """Try every edit of a module on the tests that belong to it."""
    name, tests = f"batch_register.{module}", MODULES[module][1]
    loaded = import_module(name)
    path = Path(str(loaded.__file__))
    text = path.read_bytes()
    if try_out(name, path, text, tests) != SURVIVED:
        sys.exit(f"{tests} fails without any mutant")
    score = Score()
    for edit in edits(text, vars(loaded)):
        code = try_out(name, path, edit.of(text), tests)
        score.hung += code == -signal.SIGALRM
        score.killed += code in (KILLED, -signal.SIGALRM)
        if code == SURVIVED:
            score.survivors.append(edit.told(text))
    return score


def report(scores: dict[str, list[Score]], groups: dict[str, Score]) -> Iterator[str]:
    """Yield the tables, then what survived; NEW is what README does not judge."""
    head = f"{'':28} {'killed':>6} {'survived':>8} {'total':>6} {'score':>8}"
    yield head
    for module, (mutmut, ours) in scores.items():
        yield mutmut.row(f"{module}, mutmut")
        yield ours.row(f"{module}, edits")
    yield f"\n{head}"
    yield from (group.row(name) for name, group in groups.items())
    judged = JUDGED.read_text(encoding="utf-8")
    for module, pair in scores.items():
        survivors = [one for score in pair for one in score.survivors]
        yield f"\n{module}" + ("" if survivors else ": none survives")
        yield from (f"{'   ' if one in judged else 'NEW'} {one}" for one in survivors)


def main() -> None:
    modules = sys.argv[1:] or list(MODULES)
    if unknown := set(modules) - set(MODULES):
        sys.exit(f"no such module: {', '.join(unknown)}; known: {', '.join(MODULES)}")
    print("mutmut: a few minutes", flush=True)
    mutmut = by_mutmut(modules)
    scores: dict[str, list[Score]] = {}
    groups: dict[str, Score] = {}
    for module in modules:
        print(f"edits of {module}", flush=True)
        scores[module] = [mutmut[module], by_edits(module)]
        group = groups.setdefault(MODULES[module][0], Score())
        for score in scores[module]:
            group.killed += score.killed
            group.hung += score.hung
            group.survivors += score.survivors
    print("", *report(scores, groups), sep="\n")
    sys.exit(any(group.percent < GOAL for group in groups.values()))


if __name__ == "__main__":
    main()
