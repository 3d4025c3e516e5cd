"""What a process is started with."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import GOOD_MANIFEST, Invoke


def test_a_rehearsal_goes_through_no_proxy(invoke: Invoke, tmp_path: Path) -> None:
    """Its cloud is in this process, where no proxy gets; and nothing is to get out."""
    path = tmp_path / "wave.yaml"
    path.write_text(GOOD_MANIFEST)
    proxies = {"http_proxy": "http://127.0.0.1:1", "all_proxy": "socks5://127.0.0.1:1"}
    flags = ("--simulate", "--poll-interval", "0.1", "--settle", "0.2")
    ended = invoke("run", path, *flags, **proxies, no_proxy="")
    assert ended.code == 0, ended.err
