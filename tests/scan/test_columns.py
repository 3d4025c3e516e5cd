"""Columns are found by their usual titles, and never one that may hold secrets."""

from __future__ import annotations

import pytest

from batch_register.errors import SettingsError
from batch_register.scan.cells import Table, TableError
from batch_register.scan.columns import (
    Column,
    Field,
    chosen_columns,
    columns_of,
    is_secret,
)
from batch_register.scan.numerals import Unit


def table(*titles: str) -> Table:
    return Table(source="t.csv", titles=titles, rows=())


@pytest.mark.parametrize(
    ("title", "field", "unit"),
    [
        ("vm", Field.NAME, None),
        ("Server_Name", Field.NAME, None),
        ("vInfoVMName", Field.NAME, None),
        ("Memory", Field.MEMORY, Unit.MIB),
        ("RAM (GB)", Field.MEMORY, Unit.GIB),
        ("Memory MiB", Field.MEMORY, Unit.MIB),
        ("Capacity MB", Field.CAPACITY, Unit.MIB),
        ("Disk size [GB]", Field.CAPACITY, Unit.GIB),
        ("Provisioned MB", Field.PROVISIONED, Unit.MIB),
        ("Total disk capacity MiB", Field.TOTAL, Unit.MIB),
        ("min_disk", Field.MIN_DISK, Unit.GIB),
        ("OS according to the configuration file", Field.OS, None),
        ("OS-Version", Field.OS_VERSION, None),
        ("Instance name", Field.NAME, None),
        ("Disk C: (GB)", Field.CAPACITY, Unit.GIB),
        ("Guest Operating System", Field.OS, None),
        ("Target Bucket", Field.BUCKET, None),
        ("Image File", Field.OBJECT, None),
    ],
)
def test_a_usual_title_is_known_with_its_unit(
    title: str, field: Field, unit: Unit | None
) -> None:
    columns = columns_of(table("x", "Name", title), {})
    assert Column(2, title, unit) in columns[field]


def test_the_more_telling_column_comes_first_whatever_the_order() -> None:
    titles = ("VM", "OS according to the configuration file", "Guest Detailed Data")
    found = columns_of(table(*titles), {})[Field.OS]
    assert [column.number for column in found] == [2, 1]


def test_a_column_can_be_chosen_whatever_its_title_means() -> None:
    columns = columns_of(
        table("VM", "Asset", "Volume GB"),
        {
            Field.NAME: "asset",
            Field.CAPACITY: "Volume GB",
        },
    )
    assert columns[Field.NAME][0].number == 1
    assert columns[Field.CAPACITY][0].unit is Unit.GIB


def test_disk_means_a_size_where_no_capacity_stands_beside_it() -> None:
    columns = columns_of(table("VM", "Disk (GB)"), {})
    assert columns[Field.CAPACITY][0].unit is Unit.GIB
    assert Field.DISK not in columns


def test_a_table_without_names_is_refused_by_its_titles() -> None:
    with pytest.raises(TableError, match='names; there are "Cluster", "Host"'):
        columns_of(table("Cluster", "Host"), {})


@pytest.mark.parametrize(
    "title",
    [
        "Password",
        "root password",
        "Secret",
        "API Key",
        "api_key",
        "Token",
        "AK",
        "PWD",
        "Access-Key",
        "Passwort",
        "login credentials",
    ],
)
def test_a_column_that_may_hold_secrets_cannot_be_chosen(title: str) -> None:
    assert is_secret(title)
    with pytest.raises(SettingsError, match="may hold secrets"):
        columns_of(table("VM", title), {Field.OBJECT: title})


def test_a_secret_column_is_not_taken_for_a_name() -> None:
    assert not is_secret("VM")
    assert not is_secret("Keyboard")


@pytest.mark.parametrize("text", ["name", "name=", "colour=Red", "=VM"])
def test_what_is_no_pair_of_field_and_column_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="FIELD=COLUMN"):
        chosen_columns((text,))


def test_a_column_may_have_an_equals_sign() -> None:
    assert chosen_columns(("name=A=B",)) == {Field.NAME: "A=B"}
