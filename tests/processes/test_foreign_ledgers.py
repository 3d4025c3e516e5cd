"""Ledgers that are not this run's: refused with a reason, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batch_register.ledger.line import Line, encode
from tests.integration.conftest import Cloud, Shell
from tests.ledger.test_line import sealed

pytestmark = pytest.mark.integration


def of_another_manifest(shell: Shell, ledger: Path) -> None:
    """Leave the ledger of a run over another manifest."""
    other = shell.manifest(1, name="wave-08")
    assert shell.run(other, "--ledger", ledger.name).code == 0


def of_another_project(_: Shell, ledger: Path) -> None:
    """Leave a ledger that was begun for another project."""
    fields = {
        "manifest": "wave-07",
        "endpoint": "https://ims.example.com",
        "project_id": "0123456789abcdef",
        "region": "elsewhere-1",
    }
    ledger.write_bytes(
        encode(
            Line(
                seq=1,
                run_id="run-1",
                at="2026-03-04T05:06:07.000Z",
                event="ledger.opened",
                key=None,
                fields=fields,
            )
        )
    )


def of_a_newer_tool(_: Shell, ledger: Path) -> None:
    """Leave a ledger whose lines are of a version that we do not know."""
    ledger.write_bytes(sealed('{"v":2,"seq":1,"manifest":"wave-07"'))


def damaged(shell: Shell, ledger: Path) -> None:
    """Leave a ledger of this manifest with a flipped bit before its end."""
    assert shell.run(shell.manifest(1), "--ledger", ledger.name).code == 0
    data = bytearray(ledger.read_bytes())
    data[len(data) // 2] ^= 1
    ledger.write_bytes(data)


def no_ledger_at_all(_: Shell, ledger: Path) -> None:
    """Leave some other file."""
    ledger.write_text("dear diary\n")


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("leave", "reason"),
    [
        (of_another_manifest, "belongs to manifest 'wave-08'"),
        (of_another_project, "project '0123456789abcdef' in region 'elsewhere-1'"),
        (of_a_newer_tool, "version 2"),
        (damaged, "line "),
        (no_ledger_at_all, "line 1"),
    ],
)
def test_a_ledger_that_cannot_be_this_runs_is_refused_and_stays_as_it_is(
    shell: Shell,
    cloud: Cloud,
    leave: Callable[[Shell, Path], None],
    reason: str,
) -> None:
    ledger = shell.folder / "found.ledger.jsonl"
    leave(shell, ledger)
    manifest, held = shell.manifest(3), ledger.read_bytes()
    before = cloud.audit()["writes"]

    ended = shell.run(manifest, "--ledger", ledger.name)

    assert (ended.code, ended.out) == (74, ""), ended.err
    assert reason in ended.err
    assert "hint: " in ended.err
    assert "Traceback" not in ended.err
    assert ledger.read_bytes() == held
    assert cloud.audit()["writes"] == before
