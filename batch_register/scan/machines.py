"""Rows of tables to machines: one for each name, with its disks.

Decides: which rows belong together, and how cells are read. Must not know: what a
machine comes to in a manifest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from batch_register.scan.cells import Row, Table, TableError
from batch_register.scan.columns import Column, Columns, Field
from batch_register.scan.draft import LeftOut
from batch_register.scan.numerals import Unit, amount_bytes

Sheet = tuple[Table, Columns]

# An agent of vCenter's cluster services; it belongs to the cluster, and cannot be moved.
_CLUSTER_AGENT: Final = re.compile(r"vCLS(?: \(\d+\)|-[0-9a-f-]{36})?", re.IGNORECASE)
_UNTOLD: Final = frozenset(
    {"", "-", "?", "n/a", "na", "none", "null", "tbd", "unknown"}
)
_YES: Final = frozenset({"true", "yes", "1", "wahr", "ja", "x"})
_AMOUNTS: Final = (
    *(Field.CAPACITY, Field.TOTAL, Field.PROVISIONED),
    *(Field.MEMORY, Field.MIN_DISK, Field.MIN_RAM),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One disk of a machine; `label` as the table has it, such as "Hard disk 1"."""

    label: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What tables tell of one machine; amounts are bytes.

    `texts` holds the cells of a field that are not empty, the most telling one first;
    `has_unit` says whether the disk's size had one, where the table tells that size.
    """

    name: str
    texts: dict[Field, tuple[str, ...]] = field(default_factory=dict)
    amounts: dict[Field, int] = field(default_factory=dict)
    has_unit: bool = True
    disks: tuple[Disk, ...] = ()

    def text(self, wanted: Field) -> str:
        """Return the most telling text of a field, or nothing."""
        return next(iter(self.texts.get(wanted, ())), "")

    def says(self, wanted: Field) -> bool:
        """Return whether a field says yes."""
        return self.text(wanted).casefold() in _YES


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The machines of some tables, and what is none."""

    machines: tuple[Machine, ...]
    left_out: tuple[LeftOut, ...]


def inventory(sheets: Sequence[Sheet]) -> Inventory:
    """Return the machines of all tables, in the order of their rows.

    A table with a row for each disk completes the others by name; alone, it tells which
    machines there are.

    Raises:
        TableError: cells cannot be read; names them with line and column.
    """
    disk_sheets = [sheet for sheet in sheets if Field.DISK in sheet[1]]
    machine_sheets = [sheet for sheet in sheets if Field.DISK not in sheet[1]]
    rows = [row for sheet in disk_sheets for row in _read(sheet)]
    if not machine_sheets:
        found = tuple(_with_disks(group[0], group) for group in _by_name(rows).values())
        return _without_strangers(found, ())
    machines = [row for sheet in machine_sheets for row in _read(sheet)]
    return _joined(machines, _by_name(rows))


def _read(sheet: Sheet) -> list[Machine]:
    """Return every row as a machine.

    Raises:
        TableError: cells cannot be read.
    """
    table, columns = sheet
    problems: list[str] = []
    found = [_machine(row, columns, problems.append) for row in table.rows]
    if problems:
        raise TableError(table.source, *problems)
    return found


def _machine(row: Row, columns: Columns, tell: Callable[[str], None]) -> Machine:
    texts = {
        wanted: cells
        for wanted, some in columns.items()
        if (cells := tuple(filter(None, (row.cell(each.number) for each in some))))
    }
    amounts: dict[Field, int] = {}
    for wanted in _AMOUNTS:
        for column in columns.get(wanted, ()):
            amount = _amount(row, column, tell)
            # No disk and no memory has 0 bytes: it tells that the size is not known.
            if amount or (amount == 0 and wanted is Field.MIN_RAM):
                amounts.setdefault(wanted, amount)
    name = next(iter(texts.get(Field.NAME, ())), "")
    if not name:
        title = columns[Field.NAME][0].title
        tell(f'line {row.line}, column "{title}": the name is missing')
    sizes = [
        column.unit is not None or row.cell(column.number)[-1:].isalpha()
        for column in columns.get(Field.CAPACITY, ())
        if row.cell(column.number)
    ]
    return Machine(
        name=name, texts=texts, amounts=amounts, has_unit=sizes[0] if sizes else True
    )


def _amount(row: Row, column: Column, tell: Callable[[str], None]) -> int | None:
    """Return a cell's amount in bytes; None where it tells none, or is wrong and told."""
    text = row.cell(column.number)
    if text.casefold() in _UNTOLD:
        return None
    try:
        # What nobody gives a unit is mostly counted in GB.
        return amount_bytes(text, column.unit or Unit.GIB)
    except ValueError as error:
        tell(f'line {row.line}, column "{column.title}": {error}')
        return None


def _by_name(rows: Iterable[Machine]) -> dict[str, list[Machine]]:
    groups: dict[str, list[Machine]] = {}
    for row in rows:
        groups.setdefault(row.name.casefold(), []).append(row)
    return groups


def _joined(machines: list[Machine], disks: dict[str, list[Machine]]) -> Inventory:
    """Return the machines with their disks; two of one name get none of them."""
    counts = Counter(machine.name.casefold() for machine in machines)
    found = tuple(
        _with_disks(machine, disks.get(machine.name.casefold(), []))
        if counts[machine.name.casefold()] == 1
        else machine
        for machine in machines
    )
    strangers = tuple(
        LeftOut(what=group[0].name, why="only the table of disks names it")
        for name, group in disks.items()
        if name not in counts
    )
    return _without_strangers(found, strangers)


def _with_disks(machine: Machine, rows: Sequence[Machine]) -> Machine:
    disks = (
        Disk(label=row.text(Field.DISK), size_bytes=row.amounts.get(Field.CAPACITY))
        for row in rows
    )
    return Machine(
        name=machine.name,
        texts=machine.texts,
        amounts=machine.amounts,
        has_unit=machine.has_unit and all(row.has_unit for row in rows),
        disks=tuple(sorted(disks, key=lambda disk: _disk_order(disk.label))),
    )


def _disk_order(label: str) -> tuple[int, str]:
    """Return what sorts "Hard disk 2" before "Hard disk 10"."""
    number = re.search(r"(\d{1,9})\D*$", label)
    return (int(number[1]) if number else 0, label)


def _without_strangers(
    machines: tuple[Machine, ...], left_out: tuple[LeftOut, ...]
) -> Inventory:
    """Leave out what is no machine that could be moved."""
    reasons = {id(machine): _stranger(machine) for machine in machines}
    return Inventory(
        machines=tuple(each for each in machines if not reasons[id(each)]),
        left_out=(
            *(
                LeftOut(what=machine.name, why=reasons[id(machine)])
                for machine in machines
                if reasons[id(machine)]
            ),
            *left_out,
        ),
    )


def _stranger(machine: Machine) -> str:
    if machine.says(Field.PLACEHOLDER):
        return "a placeholder for another site's machine: it has no disk of its own"
    if _CLUSTER_AGENT.fullmatch(machine.name):
        return "an agent of the vSphere cluster: it stays with its cluster"
    return ""
