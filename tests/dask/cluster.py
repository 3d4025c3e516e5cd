"""A real Dask cluster on 127.0.0.1: a scheduler and workers, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

THREADS = 2  # of each worker
_START_S = 60.0
_DASK = (sys.executable, "-m", "dask")
_LOCAL = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")


@dataclass
class Farm:
    """The processes of one cluster; their logs, at debug level, lie in `folder`."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Return the scheduler's address."""
        return str(self._told["address"])

    @property
    def pages(self) -> str:
        """Return where the scheduler's pages are, which are served without Bokeh."""
        services = self._told["services"]
        assert isinstance(services, dict)
        return f"http://127.0.0.1:{services['dashboard']}"

    def start_scheduler(self, *flags: str) -> None:
        """Start the scheduler, and wait until its address is known."""
        self._file.unlink(missing_ok=True)
        told = ("--port", "0", "--scheduler-file", str(self._file))
        self._start("scheduler", *_LOCAL, *told, *flags)
        self._await(lambda: bool(self._read()), "the scheduler's address")

    def start_worker(
        self,
        name: str,
        *flags: str,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a worker in a folder, and wait until the scheduler has it."""
        words = ("--name", name, "--no-nanny", "--nthreads", str(THREADS))
        bounds = ("--memory-limit", "0", "--local-directory", str(self.folder))
        self._start(
            name,
            *_LOCAL,
            *words,
            *bounds,
            *flags,
            command="worker",
            target=self.address,
            folder=folder,
            environment=environment,
        )
        self._await(lambda: "Registered to:" in self.log(name), f"worker {name}")

    def kill(self, name: str) -> None:
        """End a process at once, as a power cut would."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(30)

    def log(self, name: str) -> str:
        """Return what a process has logged so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def close(self) -> None:
        """End all processes."""
        for name in list(self.processes):
            self.kill(name)

    def _start(
        self,
        name: str,
        *flags: str,
        command: str = "scheduler",
        target: str | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        passed = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        env = {
            **passed,
            "HOME": str(self.folder),
            "DASK_CONFIG": str(self.folder / "no-such-folder"),
            "DASK_LOGGING__DISTRIBUTED": "debug",
            **self.environment,
            **(environment or {}),
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [*_DASK, command, *([target] if target else []), *flags],
                cwd=folder or self.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def _file(self) -> Path:
        return self.folder / "scheduler.json"

    @property
    def _told(self) -> dict[str, object]:
        told: dict[str, object] = json.loads(self._read())
        return told

    def _read(self) -> str:
        try:
            text = self._file.read_text(encoding="utf-8")
            json.loads(text)
        except (FileNotFoundError, ValueError):
            return ""
        return text

    def _await(self, is_so: object, what: str) -> None:
        assert callable(is_so)
        ends_s = time.monotonic() + _START_S
        while not is_so():
            assert time.monotonic() < ends_s, f"no {what} in {_START_S:.0f} s"
            time.sleep(0.05)


@contextmanager
def farm(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Farm]:
    """Lend a cluster that has nothing yet; all of its processes end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Farm(folder, environment or {})
    try:
        yield cluster
    finally:
        cluster.close()
