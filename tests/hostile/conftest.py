"""The whole command, in this process, against a cloud behind a misbehaving front.

Cloud and front live on a loop in a thread of their own, so that the command can have
the main thread, its loop and its signal handlers, as it has in real life.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from batch_register.cli import main
from batch_register.cli.simulator import clouds_yaml
from batch_register.simulator import FaultScript, Simulator, SimulatorOptions
from tests.hostile.front import Front, Misdeed, Trouble, always

_T = TypeVar("_T")

# A cloud whose jobs take some hundredths of a second of ours.
QUICK = {
    "objects_exist_by_default": True,
    "quota": 5000,
    "speed": 1000.0,
    "job_init_range_s": (1.0, 2.0),
    "job_running_range_s": (10.0, 30.0),
}
FLAGS = ("--poll-interval", "0.03", "--settle", "0.15", "--output", "json")
HEAD = """\
version: 1
name: wave-07
defaults: {bucket: bucket-1, os_version: Ubuntu 22.04 server 64bit, min_disk: 40}
images:
"""
_BUG = re.compile("Traceback|internal error|never retrieved|Error\\(")


class Backstage:
    """A loop in a thread; `do` carries a coroutine out there."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Return what a coroutine returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def end(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the report's rows by key."""
        return {row["key"]: row for row in json.loads(self.out)["images"]}

    @property
    def states(self) -> dict[str, str]:
        """Return what became of every entry."""
        return {key: row["state"] for key, row in self.rows.items()}

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of one event."""
        lines = (line for line in self.err.splitlines() if line.startswith("{"))
        return [x for x in map(json.loads, lines) if x.get("event") == name]

    @property
    def explanation(self) -> str:
        """Return what is said of a run that gave up: what, where, and what to do."""
        (line,) = self.events("run.gave_up")
        return f"{line['endpoint']}: {line['error']}; {line['advice']}"

    def is_intelligible(self) -> bool:
        """Return whether nothing looks like a bug of ours."""
        return not _BUG.search(self.err)


@dataclass
class Stage:
    """One cloud, its front, and a folder from which commands are run."""

    folder: Path
    backstage: Backstage
    capsys: pytest.CaptureFixture[str]
    simulator: Simulator
    front: Front
    entry: dict[str, Any] = field(default_factory=dict)

    def command(self, *arguments: str) -> Ended:
        """Run one command line to its end, with the entry as it is now."""
        clouds = {"clouds": {"hostile": self.entry}}
        (self.folder / "clouds.yaml").write_text(clouds_yaml(clouds))
        return self.command_as_it_is(*arguments)

    def command_as_it_is(self, *arguments: str) -> Ended:
        """Run one command line to its end, and leave the folder alone."""
        self.capsys.readouterr()
        code = main(list(arguments))
        said = self.capsys.readouterr()
        return Ended(code, said.out, said.err)

    def manifest(self, count: int, extra: str = "") -> Path:
        """Write a manifest of so many images, and `extra` entries in YAML."""
        lines = [
            f"  - {{name: web-{n}, object: web-{n}.qcow2}}\n" for n in range(count)
        ]
        path = self.folder / "wave-07.yaml"
        path.write_text(HEAD + "".join(lines) + extra)
        return path

    def run(self, *flags: str) -> Ended:
        """Run the main job."""
        return self.command("run", "wave-07.yaml", *FLAGS, *flags)

    def trouble(self, name: str, misdeed: Misdeed, **more: Any) -> None:
        """Misbehave from now on."""
        self.front.troubles.append(Trouble(name=name, misdeed=misdeed, **more))

    def peace(self) -> None:
        """Misbehave no more."""
        self.front.troubles.clear()

    def audit(self) -> dict[str, Any]:
        """Return what the cloud itself counted."""

        async def summary() -> dict[str, Any]:
            return self.simulator.summary()

        return self.backstage.do(summary())

    def made(self) -> list[int]:
        """Return for every entry how many images were ever made for it."""
        return list(self.audit()["images_created_by_entry"].values())

    def use_faults(self, script: str) -> None:
        """Let the cloud itself misbehave."""

        async def use() -> None:
            self.simulator.use_faults(FaultScript.parse(script))

        self.backstage.do(use())


@pytest.fixture(scope="session")
def backstage() -> Iterator[Backstage]:
    found = Backstage()
    yield found
    found.end()


@pytest.fixture
def quiet_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """Take every setting of this machine out of the environment."""
    for name in list(os.environ):
        if re.match(
            r"(?i)(OS_|OBS_|BATCH_REGISTER_|HUAWEICLOUD_|(https?|all|no)_proxy)", name
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    monkeypatch.setenv("OS_CLOUD", "hostile")
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture
def options() -> dict[str, Any]:
    """Return what is particular about this test's cloud; override per module."""
    return {}


@pytest.fixture
def stage(
    tmp_path: Path,
    backstage: Backstage,
    capsys: pytest.CaptureFixture[str],
    quiet_environment: pytest.MonkeyPatch,
    options: dict[str, Any],
) -> Iterator[Stage]:
    """Return a quick cloud behind a front that behaves until it is told otherwise."""
    simulator = Simulator(SimulatorOptions(**{**QUICK, **options}))

    async def open_all() -> Front:
        await simulator.__aenter__()
        front = Front(upstream_port=int(simulator.url.rpartition(":")[2]))
        await front.open()
        return front

    front = backstage.do(open_all())
    entry = json.loads(
        json.dumps(simulator.clouds_entry()).replace(simulator.url, front.url)
    )
    stage = Stage(tmp_path, backstage, capsys, simulator, front, entry)
    stage.manifest(4)
    yield stage

    async def close_all() -> None:
        await front.close()
        await simulator.__aexit__(None, None, None)

    backstage.do(close_all())


__all__ = ["Ended", "Stage", "always"]
