"""Each benchmark still runs, at the smallest size that says nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks import against_sdk, ledger, preflight, scale, upload
from tests.environments import NotToBeHadError
from tests.object_store.server import Store

pytestmark = pytest.mark.integration


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_ledger(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ledger.main(["--writers=4", "--seconds=0.1", "--images=10"])
    assert set(printed(capsys)) == {"writing", "replaying"}


def test_scale(capsys: pytest.CaptureFixture[str]) -> None:
    scale.main(["--sizes", "20", "--commands", "replay", "--without-cancel"])
    assert set(printed(capsys)) == {"commands", "targets"}


def test_preflight(capsys: pytest.CaptureFixture[str], object_store: Store) -> None:
    """The store is only asked for so that the test is skipped where there can be none."""
    preflight.main(["--objects=4", "--parallel=2", "--rounds=1"])
    assert printed(capsys)["requests"] == 11


@pytest.mark.peer
def test_against_sdk(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--images=2", "--concurrency=2", "--speed=6000"]
    against_sdk.main([*arguments, "--poll-interval=0.05", "--settle=0.1"])
    assert printed(capsys)["images"] == 2


def test_upload(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        upload.main(["--size=1000000", "--rounds=1", "--server=moto"])
    except NotToBeHadError as why:
        pytest.skip(f"no awscli or no S3 server here: {why}")
    assert printed(capsys)["size_bytes"] == 1_000_000
