"""What shells are offered: never an error, never what makes no line of text."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from batch_register.cli import candidates
from batch_register.cli.candidates import files

ARGUMENT = click.Argument(["x"])


def context(**params: object) -> click.Context:
    ctx = click.Context(click.Command("x"))
    ctx.params = params
    return ctx


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (
        *("wave.yaml", "wave.yml", "wave.txt", ".hidden.yaml", "bad\x1b.yaml"),
        *("nights/a.ledger.jsonl", "nights/old/b.ledger.jsonl", "one/two/three.yaml"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("begun", "offered"),
    [
        ("", ["nights/", "one/", "wave.yaml", "wave.yml"]),
        ("wave.", ["wave.yaml", "wave.yml"]),
        (".h", [".hidden.yaml"]),
        ("on", ["one/two/three.yaml"]),  # a single folder gives way to what is in it
        ("one/two/", ["one/two/three.yaml"]),
        ("~/wave.ya", ["~/wave.yaml"]),
        ("nothing", []),
        ("no/such/folder/", []),
        ("\0", []),
    ],
)
def test_manifests_are_yaml_files(folder: Path, begun: str, offered: list[str]) -> None:
    assert candidates.manifests(context(), ARGUMENT, begun) == offered


def test_ledgers_are_found_below_folders(folder: Path) -> None:
    offered = candidates.ledgers(context(), ARGUMENT, "nights/")
    assert offered == ["nights/a.ledger.jsonl", "nights/old/"]


def test_an_absolute_path_stays_one(folder: Path) -> None:
    assert files(f"{folder}/wave.ym", (".yml",)) == [f"{folder}/wave.yml"]


def test_a_folder_in_itself_ends(folder: Path) -> None:
    (folder / "loop").mkdir()
    (folder / "loop" / "loop").symlink_to(folder / "loop")
    assert files("loop", (".yaml",)) == []


@pytest.mark.parametrize("ledger", ["no.ledger.jsonl", "wave.yaml", "\0", None])
def test_no_ledger_has_no_keys(folder: Path, ledger: str | None) -> None:
    (folder / "wave.yaml").write_text("no ledger\n")
    assert candidates.keys(context(ledger=ledger), ARGUMENT, "") == []
    assert candidates.keys(context(), ARGUMENT, "") == []


def test_a_ledger_that_takes_long_is_not_read(folder: Path) -> None:
    large = folder / "large.ledger.jsonl"
    with large.open("wb") as file:
        file.truncate(17 * 2**20)
    assert candidates.keys(context(ledger=large), ARGUMENT, "") == []


def test_clouds_are_those_of_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = folder / "elsewhere.yaml"
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(described))
    described.write_text("clouds: {night: {}, day: {}, never: {}}\n")
    assert candidates.clouds(context(), ARGUMENT, "") == ["day", "never", "night"]
    assert candidates.clouds(context(), ARGUMENT, "n") == ["never", "night"]
    described.write_text("clouds: [")
    assert candidates.clouds(context(), ARGUMENT, "n") == []
