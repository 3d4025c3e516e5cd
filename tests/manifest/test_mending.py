"""Typical mistakes: each message is enough to mend the file where it points.

Every mend changes the line that the message names, and nothing else; what it writes
there, the message says.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from batch_register.errors import ManifestError, ManifestProblem
from batch_register.manifest import parse_manifest
from batch_register.manifest.events import open_native, open_pure

GOOD = """\
version: 1
name: wave-07
defaults:
  bucket: migration-wave-07
  os_version: Ubuntu 22.04 server 64bit
  min_disk: 40
images:
  - name: web-01
    object: disks/web-01.qcow2
  - name: web-02
    object: disks/web-02.qcow2
"""
Mend = Callable[[str, ManifestProblem], str]


def in_code(message: str) -> str:
    """Return the last thing that a message shows between backticks."""
    return str(re.findall(r"`([^`]+)`", message)[-1])


def word_at(line: str, problem: ManifestProblem) -> str:
    """Return the word that begins where the message points."""
    found = re.match(r"[^\s:]+", line[problem.column - 1 :])
    assert found is not None
    return found[0]


def value_at(line: str, problem: ManifestProblem) -> str:
    """Return what stands from there to the end of the line."""
    return line[problem.column - 1 :].rstrip()


def write_the_field_that_is_meant(line: str, problem: ManifestProblem) -> str:
    assert "did you mean" in problem.message
    return line.replace(word_at(line, problem), in_code(problem.message))


def write_the_value_that_is_meant(line: str, problem: ManifestProblem) -> str:
    found = re.search(r'(?:did you mean|write) "([^"]+)"', problem.message)
    assert found is not None
    return line.replace(value_at(line, problem), found[1])


def add_the_line_that_is_shown(line: str, problem: ManifestProblem) -> str:
    assert "is missing" in problem.message
    return f"{line}\n    {in_code(problem.message)}"


def indent_by_spaces(line: str, problem: ManifestProblem) -> str:
    assert "spaces only" in problem.message
    return line.replace("\t", "  ")


def put_it_in_quotes(line: str, problem: ManifestProblem) -> str:
    found = re.search(r'put it in quotes, \w+: ("[^"]+")', problem.message)
    assert found is not None
    return line.replace(found[1].strip('"'), found[1])


def quote_the_value(line: str, problem: ManifestProblem) -> str:
    assert re.search(
        "put (it|the value|this one|a value .*) in quotes", problem.message
    )
    key, _, value = line.partition(": ")
    return f'{key}: "{value}"'


def write_the_switch(line: str, problem: ManifestProblem) -> str:
    found = re.search("write (true|false), without quotes", problem.message)
    assert found is not None
    return line.replace(value_at(line, problem), found[1])


def remove_the_line(line: str, problem: ManifestProblem) -> str:
    assert "remove " in problem.message
    return "# nothing here"


def name_another_object(line: str, problem: ManifestProblem) -> str:
    assert "has a blank" in problem.message
    assert "write its new key here" in problem.message
    return line.replace("web 01", "web-01")


def name_another_image(line: str, problem: ManifestProblem) -> str:
    assert "rename it" in problem.message
    return line.replace("web-01", "web-01-b")


def digits_only(line: str, problem: ManifestProblem) -> str:
    assert "write digits only, without a unit" in problem.message
    return line.replace('"40 GB"', "40")


def without_quotes(line: str, problem: ManifestProblem) -> str:
    assert "remove the quotes" in problem.message
    return line.replace('"', "")


def begin_with_a_dash(line: str, problem: ManifestProblem) -> str:
    key = in_code(problem.message)
    assert key.startswith("- name: ")
    return f"  {key}"


def put_a_blank(line: str, problem: ManifestProblem) -> str:
    start = in_code(problem.message)
    assert "a blank is missing" in problem.message
    return line.replace(start.replace(": ", ":"), start).replace(
        start.replace("- ", "-"), start
    )


def shorten(line: str, problem: ManifestProblem) -> str:
    found = re.search("and ([0-9]+) are allowed: shorten it", problem.message)
    assert found is not None
    return line[: problem.column - 1 + int(found[1])]


def close_the_quote(line: str, problem: ManifestProblem) -> str:
    assert "close it where the value ends" in problem.message
    return line + line[problem.column - 1]


def write_the_pair_of_source(line: str, problem: ManifestProblem) -> str:
    assert 'write "<bucket>:<object>" instead' in problem.message
    return line.replace("obs://migration-wave-07/", "migration-wave-07:")


def indent_like_the_others(line: str, problem: ManifestProblem) -> str:
    assert "indentation" in problem.message
    return f"{' ' * (problem.column)}{line.strip()}"


MISTAKES: dict[str, tuple[tuple[str, str], int, Mend]] = {
    # what is replaced by what, the line that is blamed, the mend
    "no min_disk": (("  min_disk: 40\n", ""), 7, add_the_line_that_is_shown),
    "a tab": (("  min_disk", "\tmin_disk"), 6, indent_by_spaces),
    "a name that YAML takes for a number": (("name: web-01", "name: 1.10"), 8, put_it_in_quotes),
    "a tag that YAML takes for a number": (("  min_disk: 40", "  min_disk: 40\n  tags: {wave: 07}"), 7, put_it_in_quotes),
    "no for false": (("  min_disk: 40", "  min_disk: 40\n  protected: no"), 7, write_the_switch),
    "a switch in quotes": (("  min_disk: 40", '  min_disk: 40\n  protected: "True"'), 7, write_the_switch),
    "a misspelt default": (("os_version", "os_verison"), 5, write_the_field_that_is_meant),
    "a misspelt field": (("object: disks/web-01", "objct: disks/web-01"), 9, write_the_field_that_is_meant),
    "a field's other name": (("min_disk", "disk_size"), 6, write_the_field_that_is_meant),
    "image for images": (("images:", "image:"), 7, write_the_field_that_is_meant),
    "a key twice": (("-01.qcow2", "-01.qcow2\n    object: b.raw"), 10, remove_the_line),
    "an object with a blank": (("disks/web-01", "disks/web 01"), 9, name_another_object),
    "a bucket in capitals": (("migration-wave", "Migration-Wave"), 4, write_the_value_that_is_meant),
    "an image copied": (("web-02.qcow2", "web-02.qcow2\n  - {name: web-01, key: b, object: disks/web-01.qcow2}"), 12, name_another_image),
    "a size with its unit": (("min_disk: 40", 'min_disk: "40 GB"'), 6, digits_only),
    "a number in quotes": (("min_disk: 40", 'min_disk: "40"'), 6, without_quotes),
    "a format's near miss": (("min_disk: 40", "min_disk: 40\n  disk_format: qcow"), 7, write_the_value_that_is_meant),
    "a format in capitals": (("min_disk: 40", "min_disk: 40\n  disk_format: RAW"), 7, write_the_value_that_is_meant),
    "images as a map": (("  - name: web-01\n    object: disks/web-01.qcow2\n  - name: web-02\n", "  web-01:\n"), 8, begin_with_a_dash),
    "no blank behind a colon": (("min_disk: 40", "min_disk:40"), 6, put_a_blank),
    "no blank behind a dash": (("- name: web-01", "-name: web-01"), 8, put_a_blank),
    "a name too long": (("name: web-01", f"name: {'w' * 140}"), 8, shorten),
    "an open quote": (("name: wave-07", 'name: "wave-07'), 2, close_the_quote),
    "an alias of nothing": (("Ubuntu 22.04", "*Ubuntu 22.04"), 5, quote_the_value),
    "an anchor of nothing": (("Ubuntu", "& Ubuntu"), 5, quote_the_value),
    "a colon in a value": (("Ubuntu 22", "Linux: Ubuntu 22"), 5, quote_the_value),
    "a value that begins with a sign": (("Ubuntu 22", "@Ubuntu 22"), 5, quote_the_value),
    "an address for an object": (("object: disks/web-01", "image_url: obs://migration-wave-07/disks/web-01"), 9, write_the_pair_of_source),
    "a line one blank to the left": (("    object: disks/web-01", "   object: disks/web-01"), 9, indent_like_the_others),
    "a password": (("defaults:", "password: do-not-show-me\ndefaults:"), 3, remove_the_line),
    "a region": (("defaults:", "region: eu-de\ndefaults:"), 3, remove_the_line),
}  # fmt: skip


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("opener", [open_native, open_pure])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_message_is_enough_to_mend_it(mistake, opener, line_break):
    (right, wrong), line, mend = MISTAKES[mistake]
    assert right in GOOD
    text = GOOD.replace(right, wrong, 1).replace("\n", line_break)
    with pytest.raises(ManifestError) as caught:
        parse_manifest(text.encode(), path="wave.yaml", open_events=opener)
    first = caught.value.problems[0]
    assert first.line == line
    assert "do-not-show-me" not in first.message
    lines = text.split(line_break)
    lines[line - 1] = mend(lines[line - 1], first)
    mended = _without_its_like(lines, caught.value.problems[1:], mend)
    parse_manifest(mended.encode(), path="wave.yaml")


def _without_its_like(
    lines: list[str], others: tuple[ManifestProblem, ...], mend: Mend
) -> str:
    """Return the text, mended where the same is told of further lines, from below."""
    for problem in reversed(others):
        lines[problem.line - 1] = mend(lines[problem.line - 1], problem)
    return "\n".join(lines)


def test_an_empty_file_is_filled_by_what_the_messages_say():
    """Each message names the next line, until the manifest is whole."""
    text = ""
    added = ["version: 1", "name: wave-07", "images:\n- name: web-01"]
    with pytest.raises(ManifestError, match="1 problem") as caught:
        parse_manifest(b"", path="wave.yaml")
    assert "`version`, `name` and `images`" in caught.value.problems[0].message
    for line in added:
        text += f"{line}\n"
        with pytest.raises(ManifestError) as caught:
            parse_manifest(text.encode(), path="wave.yaml")
    fields = [in_code(p.message) for p in caught.value.problems[:2]]
    text += "".join(f"  {field}\n" for field in fields)
    with pytest.raises(ManifestError) as caught:
        parse_manifest(text.encode(), path="wave.yaml")
    (problem,) = caught.value.problems
    assert problem.message.startswith("the source is missing: give `image_url`")
    parse_manifest(f"{text}  image_url: bkt:a.raw\n".encode(), path="wave.yaml")
