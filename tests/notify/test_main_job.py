"""The main job with receivers that misbehave: told or not, it ends as it would anyway."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batch_register.cli import main
from batch_register.cli.main_job import register_all
from batch_register.notify.carrier import Patience
from batch_register.pacing import Backoff
from batch_register.settings import Settings
from tests.notify.receiver import (
    Behaviour,
    answer,
    close_in_the_middle,
    hang_up,
    never_answer,
    never_end,
    receiving,
    talk_nonsense,
)

pytestmark = pytest.mark.integration

BRIEF = Patience(total_s=0.5, try_s=0.2, backoff=Backoff(base_s=0.02, cap_s=0.1))
SECRET = "c4n4ry-shared-secret"
MANIFEST = """\
version: 1
name: wave-07
defaults: {bucket: bucket-1, os_version: Ubuntu 22.04 server 64bit, min_disk: 40}
images:
  - {name: web-01, object: web-01.qcow2}
  - {name: web-02, object: web-02.qcow2}
"""
FAULTS = "jobs: [{object: '*:web-02.qcow2', code: IMG.1075}]\n"
FLAGS = ("--simulate", "--output", "json", "--poll-interval", "0.05", "--settle", "0")


@dataclass
class Ended:
    code: int
    out: str
    err: str

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = (line for line in self.err.splitlines() if line.startswith("{"))
        return [x for x in map(json.loads, lines) if x.get("event") == name]

    @property
    def result(self) -> dict[str, Any]:
        """Return what of the report is the same in every run."""
        report = json.loads(self.out)
        states = {row["key"]: row["state"] for row in report["images"]}
        return {"summary": report["summary"], "states": states}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if re.match(r"(?i)(BATCH_REGISTER_|OS_|(https?|all|no)_proxy)", name):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wave-07.yaml").write_text(MANIFEST)
    return tmp_path


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the ledger of a run that left one image active and one failed.

    A run that goes on with it and tries nothing again ends with 3 within a moment.
    """
    folder = tmp_path_factory.mktemp("history")
    (folder / "wave-07.yaml").write_text(MANIFEST)
    (folder / "faults.yaml").write_text(FAULTS)
    process = subprocess.run(
        [
            *(sys.executable, "-m", "batch_register", "run", "wave-07.yaml", *FLAGS),
            *("--fault-script", "faults.yaml", "--ledger", "1.jsonl"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
        text=True,
    )
    assert process.returncode == 3, process.stderr
    return (folder / "1.jsonl").read_text()


Command = Callable[..., Ended]


@pytest.fixture
def command(folder: Path, history: str, capsys: pytest.CaptureFixture[str]) -> Command:
    """Go on with the history, trying nothing again."""

    def run(*flags: str) -> Ended:
        path = folder / "1.jsonl"
        if not path.exists():
            path.write_text(history)
        capsys.readouterr()
        given = ("--ledger", "1.jsonl", "--no-retry-failed", *flags)
        code = main(["run", "wave-07.yaml", *FLAGS, *given])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


@pytest.mark.parametrize(
    "behave",
    [
        answer("200 OK", b"{ garbage"),
        answer("500 Internal Server Error"),
        answer("302 Found\r\nLocation: http://127.0.0.1:1/"),
        answer("404 Not Found"),
        never_answer,
        never_end,
        hang_up,
        close_in_the_middle,
        talk_nonsense,
    ],
    ids=["lies", "500", "302", "404", "silent", "endless", "hangs up", "half", "odd"],
)
def test_whatever_the_receiver_does_the_run_ends_as_without_it(
    folder: Path,
    history: str,
    command: Command,
    capsys: pytest.CaptureFixture[str],
    behave: Behaviour,
) -> None:
    quiet = command()
    assert quiet.code == 3, quiet.err
    (folder / "told.jsonl").write_text(history)
    flags = {"simulate": "true", "output": "json", "settle_s": "0"}
    flags |= {"poll_interval_s": "0.05", "ledger": "told.jsonl", "report": "r.json"}
    flags |= {"retry_failed": "no"}
    with receiving(behave) as receiver:
        hooks = (f"{receiver.url}/s3cret", f"{receiver.url}/other")
        resolved = Settings.resolve({**flags, "notify": hooks}, {}, None)
        capsys.readouterr()
        code = register_all(Path("wave-07.yaml"), resolved, patience=BRIEF)
        said = capsys.readouterr()
    told = Ended(code, said.out, said.err)
    assert (told.code, told.result) == (quiet.code, quiet.result)
    assert json.loads((folder / "r.json").read_text()) == json.loads(told.out)
    assert receiver.arrived
    ends = [*told.events("notify.sent"), *told.events("notify.failed")]
    assert len(ends) == 2
    finished = told.events("run.finished")[0]["timestamp"]
    assert all(seconds(finished, end["timestamp"]) < 5 for end in ends)
    assert "s3cret" not in told.err


def seconds(earlier: str, later: str) -> float:
    """Return the seconds between two stamps of one hour."""
    return (
        float(later[14:16]) * 60
        + float(later[17:-1])
        - (float(earlier[14:16]) * 60 + float(earlier[17:-1]))
    )


def test_what_arrives_is_the_runs_end_signed(
    folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "secret").write_text(f"{SECRET}\n")
    monkeypatch.setenv("BATCH_REGISTER_NOTIFY_SECRET_FILE", "secret")
    with receiving(answer("200 OK")) as receiver:
        monkeypatch.setenv("BATCH_REGISTER_NOTIFY", f"{receiver.url}/hook")
        ended = command()
    (arrived,) = receiver.arrived
    found = json.loads(arrived.body)
    report = json.loads(ended.out)
    assert ended.code == found["exit_code"] == 3
    assert found["summary"] == report["summary"]
    assert (found["manifest"], found["run_id"]) == ("wave-07", report["run_id"])
    assert [trouble["key"] for trouble in found["troubles"]] == ["web-02"]
    assert found["is_rehearsal"] is True
    signed = arrived.headers["x-batch-register-timestamp"].encode() + b"."
    expected = hmac.new(SECRET.encode(), signed + arrived.body, hashlib.sha256)
    assert (
        arrived.headers["x-batch-register-signature"]
        == f"sha256={expected.hexdigest()}"
    )


@pytest.mark.parametrize(("wish", "count"), [("always", 1), ("trouble", 0)])
def test_a_good_end_is_told_to_whom_it_may_concern(
    command: Command, wish: str, count: int
) -> None:
    with receiving(answer("200 OK")) as receiver:
        ended = command(
            "--select", "web-01", "--notify", receiver.url, "--notify-on", wish
        )
    assert ended.code == 0
    assert len(receiver.arrived) == count


@pytest.mark.parametrize(
    ("break_it", "code", "manifest", "words"),
    [
        (
            lambda folder: (folder / "wave-07.yaml").write_text("version: 1\n"),
            65,
            "wave-07.yaml",
            "nam",
        ),
        (
            lambda folder: (folder / "wave-07.yaml").unlink(),
            2,
            "wave-07.yaml",
            "wave-07.yaml",
        ),
        (
            lambda folder: (folder / "1.jsonl").write_text("no\nledger\n"),
            74,
            "wave-07",
            "1.jsonl",
        ),
    ],
    ids=["manifest", "no manifest", "ledger"],
)
def test_a_run_that_could_not_begin_is_trouble_worth_telling(
    folder: Path,
    command: Command,
    break_it: Callable[[Path], object],
    code: int,
    manifest: str,
    words: str,
) -> None:
    break_it(folder)
    with receiving(answer("200 OK")) as receiver:
        ended = command("--notify", receiver.url, "--notify-on", "trouble")
    assert ended.code == code, ended.err
    found = json.loads(receiver.arrived[0].body)
    assert (found["exit_code"], found["summary"]) == (code, None)
    assert found["manifest"] == manifest
    assert words in json.dumps(found["error"])


def test_a_run_without_a_cloud_is_told_too(
    folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    with receiving(answer("200 OK")) as receiver:
        ended = command("--no-simulate", "--notify", receiver.url)
    assert ended.code == 2, ended.err
    assert json.loads(receiver.arrived[0].body)["error"]["reference"] == "settings"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SECRET": "c4n4ry"}, "must have 16 to 4096 characters"),
        ({"SECRET_FILE": "not-there"}, "cannot be read"),
        ({"SECRET": SECRET, "SECRET_FILE": "x"}, "are both set"),
    ],
    ids=["short", "no file", "twice"],
)
def test_a_secret_that_is_no_good_is_refused_before_any_work(
    folder: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    words: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(f"BATCH_REGISTER_NOTIFY_{name}", value)
    ended = command("--notify", "http://127.0.0.1:1/")
    assert ended.code == 2
    assert words in ended.err
    assert "c4n4ry" not in ended.err
    assert ended.events("run.started") == []
    assert command().code == 3  # nobody is told, so nothing is wrong


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_telling_at_once(
    folder: Path, history: str, number: signal.Signals
) -> None:
    (folder / "1.jsonl").write_text(history)
    flags = (*FLAGS, "--ledger", "1.jsonl", "--no-retry-failed")
    with receiving(never_answer) as receiver:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "batch_register", "run", "wave-07.yaml"),
                *(*flags, "--notify", receiver.url),
            ],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert receiver.has_arrived.wait(60)
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - began < 5
    ended = Ended(process.returncode, out, err)
    assert ended.code == 3, err
    assert ended.events("notify.failed")[0]["reason"] == "stopped by a signal"
