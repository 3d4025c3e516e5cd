"""Which ledgers a comparison goes by: those that were named, and who protects besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_register.cli.assembly import ledger_path
from batch_register.cli.ledgers import chosen_ledgers, default_ledgers
from batch_register.errors import LedgerError, SettingsError
from batch_register.settings import Settings
from batch_register.shard import Shard


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("wave.ledger.jsonl", "shard.jsonl", "own.jsonl"):
        (tmp_path / name).touch()
    return tmp_path


def chosen(
    folder: Path, *given: str, own: str | None = None, deletes: bool = True
) -> list[str]:
    """Return the names of the ledgers that a comparison goes by."""
    settings = Settings(ledger=None if own is None else folder / own)
    defaults = default_ledgers(folder / "wave.yaml", settings)
    paths = tuple(folder / name for name in given)
    found = chosen_ledgers(paths, defaults, settings, deletes=deletes)
    return [path.name for path in found]


def test_a_deletion_goes_by_the_runs_own_ledger_too_whatever_is_named(
    folder: Path,
) -> None:
    assert chosen(folder, "shard.jsonl") == ["shard.jsonl", "wave.ledger.jsonl"]
    assert chosen(folder, "shard.jsonl", own="own.jsonl") == [
        "shard.jsonl",
        "own.jsonl",
        "wave.ledger.jsonl",
    ]
    assert chosen(folder, own="own.jsonl") == ["own.jsonl", "wave.ledger.jsonl"]


def test_looking_goes_by_what_is_named_alone(folder: Path) -> None:
    assert chosen(folder, "shard.jsonl", deletes=False) == ["shard.jsonl"]
    assert chosen(folder, deletes=False) == ["wave.ledger.jsonl"]


def test_no_ledger_is_taken_twice(folder: Path) -> None:
    (folder / "link.jsonl").symlink_to("wave.ledger.jsonl")
    assert chosen(folder) == ["wave.ledger.jsonl"]
    assert chosen(folder, "link.jsonl", "wave.ledger.jsonl") == ["link.jsonl"]


def test_a_default_ledger_that_is_not_there_is_no_witness(folder: Path) -> None:
    (folder / "wave.ledger.jsonl").unlink()
    assert chosen(folder, "shard.jsonl") == ["shard.jsonl"]
    assert chosen(folder, deletes=False) == []
    with pytest.raises(SettingsError):
        chosen(folder)


def test_a_named_ledger_that_is_not_there_ends_it(folder: Path) -> None:
    with pytest.raises(LedgerError):
        chosen(folder, "nowhere.jsonl")


def test_a_rehearsal_has_a_default_of_its_own(folder: Path) -> None:
    settings = Settings(simulate=True)
    names = {path.name for path in default_ledgers(folder / "wave.yaml", settings)}
    assert names == {"wave.simulated.ledger.jsonl"}


# ------------------------------------------------------------ shards


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """A folder of a manifest that was split into 2 shards, and into 10 before."""
    for name in (
        "wave.shard-1-of-2",
        "wave.shard-0-of-2",
        "wave.shard-9-of-10",
        "wave.shard-x-of-2",
        "waves.shard-0-of-2",
    ):
        (tmp_path / f"{name}.ledger.jsonl").touch()
    return tmp_path


SPLIT = [f"wave.shard-{word}.ledger.jsonl" for word in ("0-of-2", "1-of-2", "9-of-10")]


def test_the_ledgers_of_all_shards_are_looked_at_where_none_is_named(
    split: Path,
) -> None:
    assert chosen(split, deletes=False) == chosen(split) == SPLIT


def test_the_ledgers_of_all_shards_protect_what_they_name(split: Path) -> None:
    (split / "own.jsonl").touch()
    assert chosen(split, "own.jsonl") == ["own.jsonl", *SPLIT]
    assert chosen(split, SPLIT[1]) == [SPLIT[1], SPLIT[0], SPLIT[2]]
    assert chosen(split, "own.jsonl", deletes=False) == ["own.jsonl"]


def test_each_shard_has_a_default_ledger_of_its_own(tmp_path: Path) -> None:
    paths = {
        ledger_path(tmp_path / "wave.yaml", Settings(shard=shard, simulate=simulate))
        for shard in (None, Shard(index=0, count=4), Shard(index=0, count=3))
        for simulate in (False, True)
    }
    assert {path.name for path in paths} == {
        "wave.ledger.jsonl",
        "wave.shard-0-of-4.ledger.jsonl",
        "wave.shard-0-of-3.ledger.jsonl",
        "wave.simulated.ledger.jsonl",
        "wave.shard-0-of-4.simulated.ledger.jsonl",
        "wave.shard-0-of-3.simulated.ledger.jsonl",
    }
