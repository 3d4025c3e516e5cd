"""Real processes: a simulated cloud in one, the command in another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.object_store.fixtures import object_store, tell_unserved

__all__ = ["object_store"]  # a fixture

COMMAND = [sys.executable, "-m", "batch_register"]
HEAD = """\
version: 1
name: {name}
defaults: {{bucket: bucket-1, os_version: Ubuntu 22.04 server 64bit, min_disk: 40}}
images:
"""


@dataclass
class Cloud:
    """A simulated cloud in a process of its own."""

    process: subprocess.Popen[str]
    clouds_yaml: Path
    url: str

    def audit(self, *, with_requests: bool = False) -> dict[str, Any]:
        """Return what the cloud itself counted."""
        return self._ask("audit?requests=1" if with_requests else "audit")

    def images(self) -> list[dict[str, Any]]:
        """Return the images as the cloud has them."""
        images: list[dict[str, Any]] = self._ask("images")["images"]
        return images

    def furnish(self, what: str, *things: dict[str, object]) -> None:
        """Put `objects` or `buckets` into the cloud."""
        told = self._ask(what, json.dumps(things).encode())
        assert told == {what: len(things)}, told

    def use_faults(self, script: str) -> None:
        """Let what is scripted go wrong from now on."""
        self._ask("faults", script.encode())

    def _ask(self, what: str, body: bytes | None = None) -> dict[str, Any]:
        address = f"{self.url}/_simulator/{what}"
        with urllib.request.urlopen(address, body, timeout=30) as answer:  # noqa: S310 - own server
            document: dict[str, Any] = json.load(answer)
        return document

    def stop(self) -> None:
        """End it politely."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Return the one JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclass
class Shell:
    """Runs commands in a folder of their own, against one cloud."""

    folder: Path
    clouds_yaml: Path | None = None
    flags: tuple[str, ...] = field(
        default=("--poll-interval", "0.05", "--settle", "1", "--output", "json")
    )
    is_measured: bool = True  # for coverage, which makes starting slower
    variables: dict[str, str] = field(default_factory=dict)  # beside the usual ones

    def environment(self) -> dict[str, str]:
        """Return an environment without anybody's own settings and credentials."""
        passed = ["PATH", "LANG"]
        if self.is_measured:
            passed += ["COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"]
        env = {name: os.environ[name] for name in passed if name in os.environ}
        env["HOME"] = str(self.folder)
        if self.clouds_yaml is not None:
            env["OS_CLIENT_CONFIG_FILE"] = str(self.clouds_yaml)
            env["OS_CLOUD"] = "simulator"
        return env | self.variables

    def start(
        self,
        *arguments: str,
        program: Sequence[str] = COMMAND,
        stdout: int = subprocess.PIPE,
        stderr: int | None = None,
    ) -> subprocess.Popen[str]:
        """Start a command and return while it runs; its log goes to a file."""
        with self._log.open("a") as log:
            return subprocess.Popen(
                [*program, *arguments],
                cwd=self.folder,
                env=self.environment(),
                stdout=stdout,
                stderr=log if stderr is None else stderr,
                text=True,
            )

    def end(self, process: subprocess.Popen[str], timeout_s: float = 120) -> Ended:
        """Wait for the end of a command that was started."""
        out, _ = process.communicate(timeout=timeout_s)
        return Ended(process.returncode, out or "", self._log.read_text())

    def __call__(self, *arguments: str) -> Ended:
        """Run a command to its end."""
        self._log.unlink(missing_ok=True)
        return self.end(self.start(*arguments))

    @property
    def _log(self) -> Path:
        return self.folder / "stderr.log"

    def run(self, manifest: Path, *flags: str) -> Ended:
        """Run the main job."""
        return self("run", manifest.name, *self.flags, *flags)

    def begin(
        self, manifest: Path, *flags: str, program: Sequence[str] = COMMAND
    ) -> subprocess.Popen[str]:
        """Start the main job and return while it runs."""
        return self.start("run", manifest.name, *self.flags, *flags, program=program)

    def manifest(
        self, count: int, name: str = "wave-07", extra: str = "", images: str = "web"
    ) -> Path:
        """Write a manifest of so many images, and `extra` entries in YAML."""
        names = [f"{images}-{n}" for n in range(count)]
        lines = [f"  - {{name: {name}, object: {name}.qcow2}}\n" for name in names]
        path = self.folder / f"{name}.yaml"
        path.write_text(HEAD.format(name=name) + "".join(lines) + extra)
        return path


@contextmanager
def serve(folder: Path, *flags: str) -> Iterator[Cloud]:
    """Serve a simulated cloud until the block ends."""
    shell = Shell(folder, is_measured=False)
    process = shell.start("simulator", "--quota", "5000", *flags)
    try:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "ims_profile" in line:  # the entry's last line
                break
        clouds_yaml = folder / "clouds.yaml"
        clouds_yaml.write_text("".join(lines))
        url = lines[0].split()[1].rstrip(",")
        yield Cloud(process, clouds_yaml, url)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def serve_cloud(tmp_path: Path) -> Iterator[Callable[..., Cloud]]:
    """Return a function that serves a cloud with these flags until the test ends."""
    with ExitStack() as stack:
        yield lambda *flags: stack.enter_context(serve(tmp_path, *flags))


@pytest.fixture
def cloud(serve_cloud: Callable[..., Cloud]) -> Cloud:
    """Return a quick cloud without faults."""
    return serve_cloud("--speed", "600")


@pytest.fixture
def shell(tmp_path: Path, cloud: Cloud) -> Shell:
    """Return a shell whose commands find the cloud."""
    return Shell(tmp_path, cloud.clouds_yaml)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    tell_unserved(terminalreporter, config, where="/integration/")
