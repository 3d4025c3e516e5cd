"""What is read of a file, what is shown of its names, what the library has to say."""

from __future__ import annotations

import importlib
import sys

import pytest

from batch_register.errors import SettingsError
from batch_register.inspection import inspect
from batch_register.inspection.clauses import elsewhere, needs
from batch_register.inspection.library import objection
from batch_register.source import DiskFormat, Inspection
from tests.inspection import made
from tests.inspection.made import KIB, MIB, File, finished, inspected


def test_what_the_reader_raises_goes_through():
    async def read(_offset: int, _length: int) -> bytes:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        finished(inspect(read, MIB))


def test_a_reader_that_gives_nothing_leaves_the_format_open():
    async def read(_offset: int, _length: int) -> bytes:
        return b""

    problem = "nothing of it can be read"
    expected = Inspection(disk_format=None, problem=problem)
    assert finished(inspect(read, MIB)) == expected


@pytest.mark.parametrize("name", made.EVERY)
def test_a_reader_that_gives_too_much_changes_nothing(name):
    file = made.EVERY[name]()

    async def read(offset: int, length: int) -> bytes:
        return await file.read(offset, length) + b"\xff" * 100

    assert finished(inspect(read, file.size_bytes)) == inspected(made.EVERY[name]())


@pytest.mark.parametrize("most", [1, 50, 600, 2 * KIB, 20 * KIB])
@pytest.mark.parametrize("name", made.EVERY)
def test_a_reader_that_gives_less_never_makes_it_raise(name, most):
    file = made.EVERY[name]()

    async def read(offset: int, length: int) -> bytes:
        return await file.read(offset, min(length, most))

    assert isinstance(finished(inspect(read, file.size_bytes)), Inspection)


def test_nothing_behind_the_end_is_asked_for():
    for make in made.EVERY.values():
        file = make().cut(40 * KIB)
        inspected(file)
        assert all(offset + length <= 40 * KIB for offset, length in file.ranges)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("base.qcow2", " base.qcow2"),
        ("../../srv/base.qcow2", " base.qcow2"),
        ("D:\\images\\base.vhd", " base.vhd"),
        ("nbd:user:secret", ""),
        ("https://user:secret/x", ""),
        ("//user:se@cret/x", ""),
        ('json:{"password": "secret"}', ""),
        ("x?X-Amz-Signature=secret", ""),
        ("a\x1b[31m\nb", " a?[31m?b"),
        ("\u202egpj.exe", " ?gpj.exe"),
        ("x" * 61, " " + "x" * 59 + "…"),
        ("dir/", ""),
        ("", ""),
    ],
)
def test_of_a_name_only_what_is_safe_is_shown(name, shown):
    assert needs("the backing file", name) == f"it needs the backing file{shown}"
    comma = f",{shown}" if shown else ""
    assert elsewhere(name) == f"its data lie in another file{comma}"


def test_the_library_logs_nothing_of_a_hostile_file(caplog):
    file = made.vmdk(made.DESCRIPTOR.replace(b"web-01", b"/x"))
    assert "refuse it as unsafe" in inspected(file).problem
    assert caplog.records == []


@pytest.mark.parametrize("content", [b"", b"QFI\xfb", b"\xff" * KIB])
@pytest.mark.parametrize("disk_format", ["qcow2", "vmdk"])
def test_a_library_that_comes_to_no_verdict_objects_to_nothing(disk_format, content):
    assert objection(disk_format, content) == ""


def test_a_missing_library_names_the_extra(monkeypatch):
    name = "oslo_utils.imageutils.format_inspector"
    importlib.import_module(name)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SettingsError) as raised:
        inspected(made.qcow2())
    assert "qcow2" in raised.value.message
    assert "batch-register[obs]" in raised.value.hint
    assert inspected(File(MIB)).disk_format is DiskFormat.RAW
