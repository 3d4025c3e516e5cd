"""Headers that somebody damaged or wrote to do harm: an answer, in bounds, always."""

from __future__ import annotations

import random
import struct
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from batch_register.source import DiskFormat, Inspection
from tests.inspection.conftest import MakeImage
from tests.inspection.made import EVERY, KIB, MIB, File, inspected, vmdk, vmdk_header
from tests.inspection.test_real_images import BAD, GOOD

MUTATIONS = 250  # of each file
MOST_BYTES = MIB  # of memory, for one inspection
MOST_S = 1.0  # of processor time; usual is less than a thousandth
HOSTILE = [
    struct.pack(layout, value)
    for layout, values in {
        "<I": (0, 1, 2**31, 2**32 - 1),
        ">I": (1, 2**31),
        "<Q": (0, 1, 2**63 - 1, 2**63, 2**64 - 1),
        ">Q": (1, 2**63 - 1, 2**63),
    }.items()
    for value in values
]
MAGICS = [
    b"QFI\xfb\0\0\0\1", b"QFI\xfb\0\0\0\2", b"QFI\xfb\0\0\0\3", b"QED\0", b"KDMV\1\0\0\0",
    b"COWD", b"conectix", b"vhdxfile", b"LUKS\xba\xbe", b"WithouFreSpacExt",
    b"# Disk DescriptorFile\n", b"<html>", b"PK\3\4", b"",
]  # fmt: skip


def hold(file: File) -> Inspection:
    """Inspect a file, in bounds; `inspected` holds it to its budget."""
    begun_s = time.process_time()
    found = inspected(file)
    assert time.process_time() - begun_s < MOST_S
    size = found.virtual_size_bytes
    assert found.disk_format is None or isinstance(found.disk_format, DiskFormat)
    assert size is None or 0 < size < 2**63
    assert len(found.problem) < 200
    assert found.problem == "" or found.problem.isprintable()
    return found


def mutated(file: File, chance: random.Random) -> File:
    """Return a file with flipped bits, another length, a strange number or a splice."""
    at = chance.choice([at for at, piece in file.pieces.items() if piece])
    piece = bytearray(file.pieces[at])
    place = chance.randrange(min(len(piece), chance.choice([128, 600, len(piece)])))
    match chance.randrange(4):
        case 0:
            for _ in range(chance.randrange(1, 9)):
                piece[chance.randrange(len(piece))] ^= 1 << chance.randrange(8)
        case 1:
            return file.cut(
                chance.choice([place + 1, chance.randrange(1, file.size_bytes + 1)])
            )
        case 2:
            number = chance.choice(HOSTILE)
            piece[place : place + len(number)] = number
        case _:
            other = chance.choice(list(EVERY.values()))().content(0, 4 * KIB)
            start = chance.randrange(len(other))
            spliced = other[start : start + 64]
            piece[place : place + len(spliced)] = spliced
    return File(file.size_bytes, file.pieces | {at: bytes(piece)})


@pytest.mark.parametrize("name", EVERY)
def test_a_few_hundred_damages_of_each_header(name):
    chance = random.Random(name)
    for _ in range(MUTATIONS):
        file = EVERY[name]()
        for _ in range(chance.randrange(1, 4)):
            file = mutated(file, chance)
        hold(file)


def every_number(file: File) -> Iterator[File]:
    """Give the file with a hostile number in place of each that it has."""
    for at, piece in file.pieces.items():
        for place in range(0, min(len(piece), 640), 4):
            for number in HOSTILE:
                yield file.patched(at + place, number[: len(piece) - place])


@pytest.mark.parametrize("name", [name for name in EVERY if name != "descriptor"])
def test_a_hostile_number_in_every_field(name):
    for file in every_number(EVERY[name]()):
        hold(file)


@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_a_few_hundred_damages_of_each_real_header(make_image: MakeImage, name: str):
    make_image("sparse.vmdk", GOOD["sparse.vmdk"])
    image = make_image(name, GOOD.get(name) or BAD[name][0])
    chance = random.Random(name)
    real = first_and_last(image)
    for _ in range(MUTATIONS):
        hold(mutated(real, chance))


def first_and_last(image: Path) -> File:
    """Return what an image begins and ends with, and a VHDX's tables, zeros between."""
    size_bytes = image.stat().st_size
    with image.open("rb") as file:
        pieces = {}
        for at, length in ((0, 256 * KIB), (2 * MIB, 128 * KIB), (3 * MIB, 64 * KIB)):
            file.seek(at)
            pieces[at] = file.read(length)
        pieces = {at: piece for at, piece in pieces.items() if piece}
        if size_bytes > 4 * MIB:
            file.seek(size_bytes - 1536)
            pieces[size_bytes - 1536] = file.read()
    return File(size_bytes, pieces)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(MAGICS),
    st.binary(max_size=600),
    st.integers(min_value=0, max_value=2**50),
)
def test_any_bytes_behind_any_magic(magic, rest, size_bytes):
    hold(File(size_bytes, {0: (magic + rest)[:size_bytes]}))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=2000))
def test_any_text(text):
    content = ("# Disk DescriptorFile\n" + text).encode()
    assert hold(File(len(content), {0: content})).disk_format is not None


@pytest.mark.parametrize(
    "text",
    ["\n", " ", "\t\n ", "RW ", "RW 1 ", '\nRW 1 a "', "a=", "\na = ", "#\n", "é\n"],
)
def test_a_descriptor_made_to_take_long(text):
    longest = (text * 20 * KIB).encode()[: 20 * KIB]
    header = vmdk_header()
    long_one = header[:36] + (50).to_bytes(8, "little") + header[44:]
    hold(vmdk(b"# Disk DescriptorFile\n" + longest, header=long_one))


def test_memory_is_bounded_whatever_the_header_says():
    inspected(EVERY["qcow2"]())  # what is imported once counts for no file
    peaks: dict[str, int] = {}
    tracemalloc.start()
    try:
        for name, make in EVERY.items():
            for file in list(every_number(make()))[:: len(HOSTILE) + 3]:
                tracemalloc.reset_peak()
                before, _ = tracemalloc.get_traced_memory()
                inspected(file)
                peak = tracemalloc.get_traced_memory()[1] - before
                peaks[name] = max(peak, peaks.get(name, 0))
    finally:
        tracemalloc.stop()
    assert max(peaks.values()) < MOST_BYTES, peaks
