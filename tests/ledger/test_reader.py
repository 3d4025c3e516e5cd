"""Reading a ledger without its lock."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from batch_register.errors import LedgerDamagedError, LedgerError, LedgerVersionError
from batch_register.ledger import raw_lines, read_history, read_ledger, torn_tail
from batch_register.ledger.disk import lines_in
from batch_register.ledger.line import MAX_LINE_BYTES, Line, decode, encode
from batch_register.ledger.reader import Scan
from batch_register.ledger.replay import Replay
from tests.ledger.stories import DB, SMALL, WEB, ledgers
from tests.ledger.test_line import sealed

WHOLE = b"".join(SMALL)


def scanned(content: bytes) -> Replay:
    """Return what a reader makes of a file's bytes."""
    replay = Replay()
    scan = Scan("x.jsonl", content.splitlines(keepends=True))
    for _ in scan.through(replay.take):
        pass
    assert scan.good_bytes + scan.torn_bytes == len(content)
    return replay


@pytest.mark.fault(2)
def test_every_beginning_of_a_ledger_is_a_ledger_of_fewer_lines():
    states = [scanned(b"".join(SMALL[:n])) for n in range(len(SMALL) + 1)]
    for size in range(len(WHOLE) + 1):
        assert scanned(WHOLE[:size]) == states[WHOLE[:size].count(b"\n")], size


@given(ledgers(), st.data())
def test_any_beginning_of_any_ledger_is_a_ledger_of_fewer_lines(lines, data):
    whole = b"".join(lines)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    fewer = lines[: cut.count(b"\n")]
    assert scanned(cut) == scanned(b"".join(fewer))


def test_every_flipped_bit_of_a_ledger_is_found():
    few = b"".join(SMALL[:3])
    for place in range(len(few) * 8):
        flipped = bytearray(few)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(LedgerDamagedError):
            scanned(bytes(flipped))


@given(ledgers(), st.data())
def test_any_flipped_bit_of_any_ledger_is_found(lines, data):
    flipped = bytearray(b"".join(lines))
    place = data.draw(st.integers(0, len(flipped) * 8 - 1))
    flipped[place // 8] ^= 1 << place % 8
    with pytest.raises(LedgerDamagedError):
        scanned(bytes(flipped))


def test_lost_newline_between_lines_is_found_though_the_end_is_torn():
    glued = SMALL[0][:-1] + b"*" + SMALL[1][:-1]
    with pytest.raises(LedgerDamagedError, match="line 1: something other"):
        scanned(glued)


@pytest.mark.parametrize("number", range(1, 5))
def test_damage_is_told_with_its_line_number_and_what_to_do(number):
    lines = list(SMALL)
    lines[number - 1] = lines[number - 1].replace(b"2026", b"2027")
    with pytest.raises(LedgerDamagedError) as caught:
        scanned(b"".join(lines))
    assert (caught.value.message, caught.value.line_number, caught.value.hint) == (
        f"x.jsonl: line {number}: its checksum does not match",
        number,
        "move the file away and run again: images are found again by their tags",
    )


def test_lost_line_is_found():
    with pytest.raises(LedgerDamagedError, match="line 2: seq is 3, 2 was due"):
        scanned(SMALL[0] + SMALL[2])


def test_newer_ledger_is_refused_as_such():
    with pytest.raises(LedgerVersionError) as caught:
        scanned(SMALL[0] + sealed('{"v":2,"x":1'))
    assert (caught.value.message, caught.value.hint) == (
        "x.jsonl: line 2: version 2, this tool reads up to 1",
        "use the newer tool that wrote it",
    )


@pytest.mark.parametrize("content", [b"name: web\n", b"name: web", b"\n", b"\xff"])
def test_other_file_is_refused(content):
    with pytest.raises(LedgerDamagedError, match="line 1: not a ledger line") as caught:
        scanned(content)
    # It may be anything, such as a manifest: nobody should move it away.
    assert caught.value.hint == "name a ledger: this file does not begin like one"


@pytest.mark.parametrize(
    ("content", "tail"),
    [
        (b"", b""),
        (WHOLE, b""),
        (WHOLE[:-9], SMALL[-1][:-9]),
        (b"half", b"half"),
        (WHOLE + b"x" * (MAX_LINE_BYTES - 1), b"x" * (MAX_LINE_BYTES - 1)),
    ],
)
def test_what_will_be_cut_off_can_be_read_before(tmp_path: Path, content, tail):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    assert torn_tail(path) == tail


def test_what_is_no_file_has_no_torn_tail(tmp_path: Path):
    assert torn_tail(tmp_path / "nowhere.jsonl") == b""
    assert torn_tail(tmp_path) == b""  # opening it as a ledger says what is wrong


def test_a_torn_tail_that_cannot_be_read_is_an_error(tmp_path: Path):
    memory = Path("/proc/self/mem")  # a file whose size and beginning do not exist
    with pytest.raises(LedgerError, match="cannot be read"):
        torn_tail(memory)


@pytest.mark.parametrize("content", [b"", b'{"v":1,"seq":1,"ru', b"\0\0\0"])
def test_ledger_whose_first_line_is_torn_is_empty(content):
    assert scanned(content) == Replay()


def test_line_without_end_is_refused_and_not_taken_for_a_torn_one(tmp_path: Path):
    path = tmp_path / "endless"
    path.write_bytes(SMALL[0] + b"\0" * (MAX_LINE_BYTES + 10))
    with pytest.raises(LedgerDamagedError, match="line 2: too long"):
        read_ledger(path)


def test_reader_sees_what_the_file_holds(tmp_path: Path):
    path = tmp_path / "wave.ledger.jsonl"
    path.write_bytes(WHOLE)
    assert read_ledger(path) == scanned(WHOLE)


def test_reader_leaves_out_a_last_line_that_lacks_its_newline(tmp_path: Path):
    path = tmp_path / "wave.ledger.jsonl"
    path.write_bytes(WHOLE[:-1])
    assert read_ledger(path) == scanned(b"".join(SMALL[:-1]))


def test_reader_takes_what_is_added_while_it_reads(tmp_path: Path):
    """A line that was half there when it was read is left out, as in any ledger."""
    path = tmp_path / "wave.ledger.jsonl"
    path.write_bytes(SMALL[0])
    seen: list[Line] = []
    with path.open("rb") as reader, path.open("ab", buffering=0) as writer:
        for line in Scan("x", lines_in(reader)).through(decode):
            seen.append(line)
            if len(seen) < 4:
                writer.write(SMALL[len(seen)])
            elif len(seen) == 4:
                writer.write(SMALL[4][:9])
    assert seen == [decode(raw) for raw in SMALL[:4]]


def test_history_is_every_line_of_one_entry(tmp_path: Path):
    path = tmp_path / "wave.ledger.jsonl"
    path.write_bytes(WHOLE)
    lines = [decode(raw) for raw in SMALL]
    for key in (WEB, DB):
        wanted = [line for line in lines if line.key == key]
        assert list(read_history(path, key)) == wanted


def test_history_finds_damage(tmp_path: Path):
    path = tmp_path / "wave.ledger.jsonl"
    path.write_bytes(WHOLE.replace(b"0.1.0", b"0.2.0"))
    with pytest.raises(LedgerDamagedError, match="line 2"):
        list(read_history(path, WEB))


def test_missing_file_and_directory_are_ledger_errors(tmp_path: Path):
    with pytest.raises(LedgerError, match="cannot be read: No such file") as missing:
        read_ledger(tmp_path / "none")
    with pytest.raises(LedgerError, match="cannot be read: Is a directory"):
        read_ledger(tmp_path)
    assert missing.value.exit_code == 74


def test_failing_disk_is_a_ledger_error():
    def failing() -> Iterator[bytes]:
        yield SMALL[0]
        raise OSError(errno.EIO, "Input/output error")

    scan = Scan("x.jsonl", failing())
    with pytest.raises(LedgerError) as caught:
        list(scan.through(decode))
    assert (caught.value.message, caught.value.hint) == (
        "x.jsonl: cannot be read: Input/output error",
        "the disk failed: look at the system log, then run again",
    )


def test_encoded_small_ledger_is_stable():
    """The lines are an outside contract: encode(decode(x)) is x, to the byte."""
    assert [encode(decode(raw)) for raw in SMALL] == SMALL


def test_raw_lines_are_all_that_the_file_holds_damaged_and_torn_ones_too(
    tmp_path: Path,
):
    path = tmp_path / "wave.ledger.jsonl"
    path.write_bytes(WHOLE + b"damage\n" + WHOLE[:7])
    assert b"".join(raw_lines(path)) == WHOLE + b"damage\n" + WHOLE[:7]


def test_raw_lines_of_a_file_that_is_not_there_are_a_ledger_error(tmp_path: Path):
    with pytest.raises(LedgerError, match="cannot be read"):
        list(raw_lines(tmp_path / "none.jsonl"))
