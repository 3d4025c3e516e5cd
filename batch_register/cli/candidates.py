"""What a shell may complete: manifests, ledgers, their keys, clouds.

Decides: which values are offered. Must not know: shells. A mistake offers nothing: an
error text would land in the middle of somebody's command line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click

Complete = Callable[[click.Context, click.Parameter, str], list[str]]

_YAML = (".yaml", ".yml")
_LEDGER = (".jsonl",)
_LARGEST_LEDGER_BYTES = 16 * 2**20  # read within a second
_DEEPEST = 16  # folders in a row that hold but one another


def manifests(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return YAML files and folders that go on as begun."""
    return files(begun, _YAML)


def ledgers(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return ledgers and folders that go on as begun."""
    return files(begun, _LEDGER)


def keys(ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the keys in the ledger that the command line names before."""
    # Here and not above: help need not wait for a ledger's reader.
    from batch_register.ledger import read_ledger  # noqa: PLC0415

    with suppress(Exception):
        ledger = Path(os.path.expanduser(str(ctx.params["ledger"])))  # noqa: PTH111 - `~nobody` stays as it is
        if ledger.stat().st_size <= _LARGEST_LEDGER_BYTES:
            return _fitting(read_ledger(ledger).records, begun)
    return []


def clouds(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the names in clouds.yaml."""
    # Here and not above: help need not wait for a YAML parser.
    from batch_register.identity.clouds import cloud_names  # noqa: PLC0415
    from batch_register.identity.files import Surroundings  # noqa: PLC0415

    with suppress(Exception):
        here = Surroundings(environ=os.environ, cwd=Path.cwd(), home=Path.home())
        return _fitting(cloud_names(here), begun)
    return []


def files(begun: str, suffixes: tuple[str, ...]) -> list[str]:
    """Return files of these suffixes, and folders with a slash at their end.

    A single folder gives way to what is in it: a shell would close it with a space.
    """
    for _ in range(_DEEPEST):
        found = _entries(begun, suffixes)
        if len(found) != 1 or not found[0].endswith("/"):
            return found
        begun = found[0]
    return []


def _entries(begun: str, suffixes: tuple[str, ...]) -> list[str]:
    folder, slash, start = begun.rpartition("/")
    where = os.path.expanduser(f"{folder}{slash}") or "."  # noqa: PTH111 - as above
    found: list[str] = []
    with suppress(OSError), os.scandir(where) as entries:
        for entry in entries:
            if entry.name.startswith(".") and not start.startswith("."):
                continue
            if entry.is_dir():
                found.append(f"{entry.name}/")
            elif entry.name.endswith(suffixes):
                found.append(entry.name)
    return [f"{folder}{slash}{name}" for name in _fitting(found, start)]


def _fitting(values: Iterable[str], begun: str) -> list[str]:
    """Return what goes on as begun, in order; what is no line of text is left out."""
    return sorted(
        value for value in values if value.startswith(begun) and value.isprintable()
    )
