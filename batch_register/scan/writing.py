"""A draft to the text of a manifest, with what is uncertain in its comments.

Decides: the layout, and how values and comments are spelled so that they stay what they
are. Must not know: where values come from.

Source: YAML 1.2.2, "Plain Style", "Escape Sequences"; plain is written only what older
versions read as text too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from batch_register.manifest.rules import VERSION
from batch_register.scan.draft import Draft, DraftImage, LeftOut, Line

TO_CHECK: Final = "TODO check"
_MOST_LEFT_OUT: Final = 1_000  # that are named one by one
_PLAIN: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_./@()+ -]*[A-Za-z0-9_./@()+-])?")
# Other kinds of values, in YAML 1.1 or 1.2.
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def manifest_text(draft: Draft) -> str:
    """Return the manifest's text."""
    return "".join(f"{line}".rstrip() + "\n" for line in _lines(draft))


def scalar(value: str | int) -> str:
    """Return a value as YAML that every reader takes for the same value."""
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return f'"{_escaped(value, also=_IN_QUOTES)}"'


def comment(text: str) -> str:
    """Return a text that stays within its comment, without hidden letters."""
    return _escaped(text, also={})


_IN_QUOTES: Final = {'"': '\\"', "\\": "\\\\"}


def _escaped(text: str, *, also: dict[str, str]) -> str:
    """Return a text in which only printable characters stand as they are."""
    return "".join(
        also.get(each, each) if each.isprintable() else _escape(each) for each in text
    )


def _escape(character: str) -> str:
    return f"\\U{ord(character):08x}"


def _lines(draft: Draft) -> Iterator[str]:
    yield f"# Written by `batch-register scan` from {comment(draft.origin)}."
    yield from _advice(draft)
    yield f"version: {VERSION}"
    yield f"name: {scalar(draft.name)}"
    if draft.defaults:
        yield "defaults:"
        for name, value in draft.defaults.items():
            yield f"  {name}: {scalar(value)}"
    yield "images:"
    for image in draft.ready:
        yield from _image_lines(image)
    yield from _held_back(draft.held_back)
    yield from _left_out(draft.left_out)


def _advice(draft: Draft) -> Iterator[str]:
    for warning in draft.warnings:
        yield f"# {TO_CHECK}: {comment(warning)}"
    if draft.unsure_count:
        yield f'# Look at every "{TO_CHECK}" before you run it; then remove these words.'


def _image_lines(image: DraftImage) -> Iterator[str]:
    if image.about:
        yield f"  # {comment(image.about)}"
    for number, line in enumerate(image.lines):
        start = "    " if number else "  - "
        yield f"{start}{line.field}: {scalar(line.value)}{_remark(line)}"


def _remark(line: Line) -> str:
    if line.is_sure:
        return f"  # {comment(line.remark)}" if line.remark else ""
    return f"  # {TO_CHECK}: {comment(line.remark)}"


def _held_back(images: tuple[DraftImage, ...]) -> Iterator[str]:
    """Yield as comments what a person has to complete first."""
    if not images:
        return
    yield ""
    yield f"# Held back ({len(images)}): mend each, and take the #| before its lines away."
    for image in images:
        yield f"# {comment(image.held_back)}:"
        yield from (f"#|{line}" for line in _image_lines(image))


def _left_out(left_out: tuple[LeftOut, ...]) -> Iterator[str]:
    if not left_out:
        return
    yield ""
    yield f"# Left out ({len(left_out)}):"
    for each in left_out[:_MOST_LEFT_OUT]:
        yield f"#   {comment(each.what)}: {comment(each.why)}"
    rest = Counter(each.why for each in left_out[_MOST_LEFT_OUT:])
    for why, count in rest.most_common(_MOST_LEFT_OUT):
        yield f"#   and {count} more: {comment(why)}"
