"""What a process is started with: proxies, a home, a working directory, or none."""

from __future__ import annotations

import pwd
from pathlib import Path
from typing import NoReturn

import pytest

from tests.cli.conftest import GOOD_MANIFEST, Invoke


def test_a_rehearsal_goes_through_no_proxy(invoke: Invoke, tmp_path: Path) -> None:
    """Its cloud is in this process, where no proxy gets; and nothing is to get out."""
    path = tmp_path / "wave.yaml"
    path.write_text(GOOD_MANIFEST)
    proxies = {"http_proxy": "http://127.0.0.1:1", "all_proxy": "socks5://127.0.0.1:1"}
    flags = ("--simulate", "--poll-interval", "0.1", "--settle", "0.2")
    ended = invoke("run", path, *flags, **proxies, no_proxy="")
    assert ended.code == 0, ended.err


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLOUD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_a_working_directory_that_is_gone_is_named(
    invoke: Invoke, bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    bare.chdir(gone)
    gone.rmdir()
    ended = invoke("doctor", "--cloud", "x")
    bare.chdir(tmp_path)
    assert ended.code == 2
    assert "the working directory cannot be used: No such file" in ended.out


def test_a_user_without_a_home_is_served(
    invoke: Invoke, bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Containers run as users that no file of the machine knows."""

    def nobody(_user_id: int) -> NoReturn:
        raise KeyError

    bare.delenv("HOME")
    bare.setattr(pwd, "getpwuid", nobody)
    (tmp_path / "clouds.yaml").write_text("clouds: {y: {}}")
    ended = invoke("doctor", "--cloud", "x")
    assert ended.code == 2
    assert "known clouds: y" in ended.out
