"""Files that are broken as a whole: always ManifestError, with a place and a sentence."""

from __future__ import annotations

import random
import time
import tracemalloc

import pytest

from batch_register.errors import ManifestError
from batch_register.manifest import excerpt_text, parse_manifest, render_problems
from batch_register.manifest.events import open_native, open_pure

HEAD = "version: 1\nname: w\n"
GOOD = "- {name: a, image_url: 'bkt:a.raw', os_version: X, min_disk: 40}\n"
MIB = 2**20


def laughs(levels: int, width: int) -> str:
    rows = [f"  l0: &l0 [{', '.join(['lol'] * width)}]"]
    rows += [
        f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]" for n in range(1, levels)
    ]
    return f"{HEAD}defaults:\n" + "\n".join(rows) + f"\nimages:\n{GOOD}"


BAD: dict[str, tuple[str | bytes, int, int, str]] = {
    "empty": ("", 1, 1, "the file is empty: a manifest is a map with"),
    "only comments": ("# nothing\n\n", 1, 1, "the file is empty"),
    "only a document mark": ("---\n", 2, 1, "the file is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", 1, 1, "the file is empty"),
    "a list": ("- a\n- b\n", 1, 1, "the file holds a list: a manifest is a map"),
    "a word": ("hello\n", 1, 1, "this is text: a manifest is a map"),
    "a number": ("42", 1, 1, "this is text: a manifest is a map"),
    "json, but a list": ("[]", 1, 1, "the file holds a list"),
    "utf-16": ("version: 1".encode("utf-16"), 1, 1, "the file is UTF-16 or UTF-32"),
    "utf-16 without mark": ("version: 1".encode("utf-16-le"), 1, 1, "the file is UTF-16"),
    "latin-1": ("version: 1\nname: café".encode("latin-1"), 2, 10, "byte 0xE9 is not UTF-8"),
    "nul": (f"{HEAD}\0", 3, 1, "a NUL byte is not allowed"),
    "escape": (f"{HEAD}images: \x1b[31m", 3, 9, "the control character U+001B"),
    "two byte order marks": ("\ufeff\ufeffversion: 1", 1, 1, "the control character U+FEFF"),
    "zip": (b"PK\x03\x04" + bytes(100), 1, 3, "the control character U+0003"),
    "gzip": (b"\x1f\x8b\x08\x00", 1, 2, "byte 0x8B is not UTF-8"),
    "tab": (f"{HEAD}images:\n\t- name: a\n", 4, 1, "a tab is used for indentation"),
    "tab deeper": (f"{HEAD}images:\n- name: a\n\tkey: b\n", 5, 1, "a tab is used for indentation"),
    "at sign": ("name: @x", 1, 7, "a value cannot begin with '@': put it in quotes"),
    "backtick": ("name: `x`", 1, 7, "a value cannot begin with '`'"),
    "per cent": ("name: %x", 1, 7, "a value cannot begin with '%'"),
    "colon in value": ("name: a: b", 1, 8, "a ':' is not expected here"),
    "wrong indentation": ("name: a\n version: 1", 2, 9, "a ':' is not expected here"),
    "item beside key": ("images: - a", 1, 9, "a '- ' is not expected here"),
    "key mark in value": ("name: ? a", 1, 7, "a '? ' is not expected here"),
    "missing colon": (f"{HEAD}images\n", 3, 1, "a ':' is missing: write `key: value` on this line"),
    "open quote": ("name: 'x\nversion: 1\n", 1, 7, "a quote is opened here and never closed"),
    "open double quote": ('name: "x\n', 1, 7, "a quote is opened here and never closed"),
    "quote over a mark": ('"a\n---\nb"', 2, 1, "a quote is still open where '---'"),
    "quote inside": ("name: 'it's'", 1, 11, "this does not continue what stands above"),
    "bad escape": ('name: "\\q"', 1, 8, "an unknown escape follows a backslash"),
    "bad hex": ('name: "\\xZZ"', 1, 10, "an escape such as \\x41 or \\u0041 is malformed"),
    "surrogate": ('name: "\\ud800"', 1, 10, "an escape such as \\x41"),
    "open list": ("images: [a, b\n", 2, 1, "a ',' or the closing ']'"),
    "open map": ("images: {a: b\n", 2, 1, "a ',' or the closing '}'"),
    "stray bracket": ("images: ]", 1, 9, "a value is missing before this place"),
    "too many braces": ("{version: 1}}", 1, 13, "the document has ended before"),
    "item and key mixed": ("images:\n- a\nb: 1\n- c", 4, 1, "this does not continue"),
    "blank missing": ("{images:}", 1, 8, "a blank is missing after this ':'"),
    "star as value": ("name: *", 1, 8, "'&' begins an anchor and '*' an alias"),
    "anchor without name": ("name: & x", 1, 8, "'&' begins an anchor"),
    "unknown alias": ("name: *base", 1, 7, "the alias *base has no anchor &base above"),
    "alias of itself": ("defaults: &d {tags: *d}", 1, 21, "the alias *d stands inside"),
    "unknown directive": ("%FOO x\n---\nname: a", 1, 5, "lines that begin with '%'"),
    "yaml 2": ("%YAML 2.0\n---\nname: a", 1, 1, "lines that begin with '%'"),
    "tag handle": ("name: !x!y z", 1, 7, "lines that begin with '%' and tags"),
    "bad block scalar": ("name: |3x\n", 1, 9, "this is not YAML: did not find expected"),
    "two documents": (f"{HEAD}images:\n{GOOD}---\na: 1\n", 5, 1, "a second document begins"),
    "billion laughs": (laughs(10, 10), 10, 27, "the file holds more than 5,000,000 values"),
    "quadratic blow-up": (
        f"{HEAD}defaults: [&d [{'x, ' * 20_000}], {'*d, ' * 1_000}]\n",
        3, 61011, "the file holds more than 5,000,000 values",
    ),
    "deep lists": (f"{HEAD}images: {'[' * 900}", 3, 58, "lists and maps are nested deeper"),
    "deep maps": (f"{HEAD}defaults: {'{a: ' * 100_000}", 3, 207, "lists and maps are nested"),
    "deep blocks": (f"{HEAD}images:\n{'- ' * 100_000}", 4, 99, "lists and maps are nested"),
    "one long line": (f"{HEAD}images: {'x' * MIB}\n", 3, 9, "`images` must be a list, not"),
    "one long key": (f"{'k' * MIB}: 1\n", 1, 1048577, "a \':\' is not expected here"),
    "100 MB": (b"garbage \xff" * (100 * MIB // 9), 1, 1, "the file is larger than 64 MiB"),
    "63 MB of noise": (random.Random(7).randbytes(63 * MIB), 1, 1, ""),
    "8 MB of brackets": ("[]" * (4 * MIB), 1, 1, "the file holds a list"),
    "a huge number": (f"version: {'9' * 1_000_000}\n", 1, 10, "this manifest is of version 9"),
    "windows line ends": ("version: 1\r\nname: w\r\n\timages: 1\r\n", 3, 1, "a tab is used"),
    "old mac line ends": ("version: 1\rname: w\r\timages: 1\r", 3, 1, "a tab is used"),
}  # fmt: skip


@pytest.mark.fault(29)
@pytest.mark.parametrize("name", BAD)
def test_a_broken_file_ends_in_one_clear_error(name):
    content, line, column, begin = BAD[name]
    data = content.encode() if isinstance(content, str) else content
    started_s = time.process_time()
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data, path="m.yaml")
    spent_s = time.process_time() - started_s
    first = caught.value.problems[0]
    if begin:
        assert (first.line, first.column) == (line, column)
        assert first.message.startswith(begin)
    assert first.line >= 1
    assert first.column >= 1
    assert first.message.isprintable()
    assert caught.value.exit_code == 65
    assert spent_s < 2


@pytest.mark.fault(29)
def test_lists_nested_beyond_the_parsers_own_limit_end_in_the_same_words():
    """Newer libyaml refuses at 1,000 levels itself, and only there tells the place."""
    deep = f"{HEAD}images: {'[' * 100_000}".encode()
    with pytest.raises(ManifestError) as caught:
        parse_manifest(deep, path="m.yaml")
    first = caught.value.problems[0]
    assert (first.line, first.column) in {(3, 58), (3, 1008)}
    assert first.message == "lists and maps are nested deeper than 50 levels"


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    "name", ["billion laughs", "deep lists", "deep blocks", "8 MB of brackets"]
)
def test_a_bomb_takes_little_memory(name):
    content = BAD[name][0]
    data = content.encode() if isinstance(content, str) else content
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError):
            parse_manifest(data, path="m.yaml")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 16 * MIB


SMALL = {
    name: case
    for name, case in BAD.items()
    if len(case[0]) < 1_000
    and name not in {"unknown directive", "blank missing", "surrogate"}
}


@pytest.mark.parametrize("name", SMALL)
def test_the_parser_in_python_says_the_same(name):
    """Places may differ a little; whether and what is wrong may not."""
    content = SMALL[name][0]
    data = content.encode() if isinstance(content, str) else content
    messages = []
    for open_events in (open_native, open_pure):
        with pytest.raises(ManifestError) as caught:
            parse_manifest(data, path="m.yaml", open_events=open_events)
        messages.append(caught.value.problems[0].message)
    native, pure = messages
    if not native.startswith("this is not YAML"):
        assert pure == native


def test_windows_line_ends_and_a_byte_order_mark_are_fine():
    data = f"\ufeff{HEAD}images:\n{GOOD}".replace("\n", "\r\n").encode()
    assert parse_manifest(data, path="m.yaml").images[0].line == 4


def test_a_thousand_wrong_images_give_a_hundred_problems_and_a_count():
    rows = "- {name: a b, colour: red}\n" * 1_000
    data = f"{HEAD}defaults: {{bucket: bkt, object: o}}\nimages:\n{rows}".encode()
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data, path="m.yaml")
    *shown, last = caught.value.problems
    assert len(shown) == 100
    # reading ends where so much is wrong already: four problems an image, of which
    # two are noted when the next image begins
    assert last.message == "and at least 1901 more: correct the ones above first"
    text = render_problems(caught.value, data.decode())
    assert text.count("\n     ") > 100


def test_an_endless_line_is_not_quoted():
    data = b"x" * 3_000_000  # searching it for secrets step by step would take hours
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data, path="m.yaml")
    assert len(render_problems(caught.value, data.decode())) < 1_000


def test_a_file_far_larger_than_any_manifest_is_not_quoted(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_bytes(b"x\n" * (21 * 2**20))
    assert excerpt_text(path) == ""
