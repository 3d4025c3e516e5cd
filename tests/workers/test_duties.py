"""What a worker does: values come back whatever happens, and a run can be ended."""

from __future__ import annotations

import hashlib
import pickle
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batch_register.model import Action
from batch_register.transport.tls import Tls
from batch_register.workers import duties
from batch_register.workers.cut import CutError
from batch_register.workers.runs import Runs
from batch_register.workers.send import PartOrder
from tests.workers.conftest import DATA

SECRET = "c0ffee"


def order(path: Path, address: str, **changes: object) -> PartOrder:
    plain: dict[str, object] = {
        "path": str(path),
        "offset": 0,
        "length": 10,
        "address": address,
        "trust_env": False,
    }
    return PartOrder(**{**plain, **changes})  # type: ignore[arg-type]


def test_a_file_is_looked_at_read_and_hashed(disk: Path) -> None:
    stamp = duties.stamp(str(disk)).value
    assert stamp is not None
    assert stamp.size_bytes == len(DATA)
    assert duties.read(str(disk), 1, 2).value == b"\x01\x02"
    assert duties.digest("run", str(disk), 0, 5).value == (
        hashlib.md5(DATA[:5], usedforsecurity=False).hexdigest()
    )
    assert duties.stamp(str(disk.with_name("gone"))) == duties.Done()


def test_what_is_wrong_with_a_file_comes_back_as_a_value(disk: Path) -> None:
    done = duties.read(str(disk.with_name("gone")), 0, 1)
    assert done.fault is not None
    assert done.fault.action is Action.FIX_SOURCE
    assert pickle.loads(pickle.dumps(done)) == done  # noqa: S301 - our own


@pytest.mark.parametrize(
    "address",
    [
        f"http://127.0.0.1:1/bucket/a?X-Amz-Signature={SECRET}",
        f"http://127.0.0.1:99999/bucket/a?X-Amz-Signature={SECRET}",
        f"no address {SECRET}",
    ],
)
def test_no_failure_shows_the_address(disk: Path, address: str) -> None:
    done = duties.send("run", order(disk, address), None)
    assert done.fault is not None
    assert SECRET not in repr(done)
    assert SECRET not in repr(order(disk, address))


def test_a_workers_own_settings_are_told(disk: Path) -> None:
    tls = Tls(ca_file=disk.with_name("no-such.pem"))
    done = duties.send("run", order(disk, "https://127.0.0.1:1/a", tls=tls), None)
    assert done.fault is not None
    assert done.fault.code == "dask.worker-settings"
    assert "no-such.pem" in done.fault.reason


def test_an_ended_run_ends_its_tasks_and_no_others() -> None:
    runs = Runs()
    with runs.work_for("mine") as mine, runs.work_for("theirs") as theirs:
        runs.end("mine")
        with pytest.raises(CutError):
            mine.check()
        theirs.check()
    runs.end("mine")  # once more, when nothing is left


def test_the_end_of_a_run_ends_a_part_that_waits_for_its_answer(disk: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, ThreadPoolExecutor(1) as pool:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}/b/a"
        sending = pool.submit(duties.send, "run", order(disk, address), None)
        connection, _ = mute.accept()
        with connection:
            while b"\x00\x01\x02" not in connection.recv(4096):
                pass
            duties.end_run("another")
            duties.end_run("run")
            done = sending.result(timeout=20)
    assert done.fault is not None
    assert done.fault.code == "dask.ended"


def test_a_run_has_one_pace_at_the_latest_rate() -> None:
    runs = Runs()
    pace = runs.pace_of("mine", 100.0)
    assert runs.pace_of("mine", 50.0) is pace
    assert pace is not None
    assert pace.bytes_per_s == 50.0
    assert runs.pace_of("mine", None) is None
    assert runs.pace_of("theirs", 50.0) is not pace


def test_paces_of_runs_that_never_ended_are_forgotten() -> None:
    runs = Runs()
    first = runs.pace_of("run-0", 1.0)
    for number in range(1, 30):
        runs.pace_of(f"run-{number}", 1.0)
    assert runs.pace_of("run-0", 1.0) is not first
