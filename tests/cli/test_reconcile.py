"""`reconcile` before it reaches any cloud: who may delete, and by which ledgers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke


def test_without_a_terminal_nothing_is_deleted_unless_it_was_agreed_to(
    invoke: Invoke, manifest: Path
) -> None:
    ended = invoke("reconcile", manifest, "--delete-orphans", "--output", "json")
    assert (ended.code, ended.out) == (2, "")
    assert "nobody can be asked" in ended.err
    assert json.loads(ended.err.splitlines()[-1])["error"]["hint"].startswith(
        "add --yes"
    )


def test_without_any_ledger_nothing_is_deleted(invoke: Invoke, manifest: Path) -> None:
    ended = invoke("reconcile", manifest, "--delete-orphans", "--yes")
    assert ended.code == 2
    assert "there is no ledger that tells which images are in use" in ended.err


@pytest.mark.parametrize("flags", [(), ("--delete-orphans", "--yes")])
def test_a_ledger_that_was_named_must_be_there(
    invoke: Invoke, manifest: Path, flags: tuple[str, ...]
) -> None:
    ended = invoke("reconcile", manifest, "--ledger", "shard-1.jsonl", *flags)
    assert ended.code == 74
    assert "shard-1.jsonl: there is no such ledger" in ended.err


def test_a_ledger_that_the_environment_names_must_be_there_too(
    invoke: Invoke, manifest: Path
) -> None:
    ended = invoke("reconcile", manifest, BATCH_REGISTER_LEDGER="night.jsonl")
    assert ended.code == 74


@pytest.mark.parametrize("named", [True, False])
def test_the_log_never_goes_into_a_ledger(
    invoke: Invoke, manifest: Path, *, named: bool
) -> None:
    ledger = manifest.with_suffix(".ledger.jsonl")
    ledger.touch()
    flags = ("--ledger", ledger) if named else ()
    ended = invoke("reconcile", manifest, *flags, "--log-file", ledger)
    assert ended.code == 2
    assert "the same file" in ended.err


@pytest.mark.parametrize("age", ["0", "-1h", "soon", "400d"])
def test_an_age_that_is_none_is_a_usage_error(
    invoke: Invoke, manifest: Path, age: str
) -> None:
    ended = invoke("reconcile", manifest, "--orphan-age", age)
    assert ended.code == 2
    assert "'--orphan-age'" in ended.err


def test_an_invalid_manifest_is_told_before_anything_is_asked(
    invoke: Invoke, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("version: 1\n")
    assert invoke("reconcile", broken).code == 65


def test_the_environment_cannot_agree_to_a_deletion(
    invoke: Invoke, manifest: Path
) -> None:
    """A variable that somebody set once must not delete images every night."""
    agreed = {"BATCH_REGISTER_YES": "1", "BATCH_REGISTER_DELETE_ORPHANS": "1"}
    ended = invoke("reconcile", manifest, "--delete-orphans", **agreed)
    assert ended.code == 2
