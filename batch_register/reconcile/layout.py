"""How the lines of a comparison are set: titles, items below them, none too wide.

Decides: indents and breaks, and that what is foreign does nothing to a terminal. Must
not know: findings, the terminal.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from batch_register.report.plain import printable

_UNBOUND = 10_000  # cells: without a terminal nothing is wrapped

Item = tuple[str, tuple[str, ...]]  # a heading line, and lines below it


def section(title: str, items: Sequence[Item], width: int | None) -> str:
    """Return a titled list, empty where it has no items; `width` in cells, None: any."""
    if not items:
        return ""
    lines = [f"{title} ({len(items)})\n"]
    for head, below in items:
        lines.append(wrapped(f"  {printable(head)}", width))
        lines += [wrapped(f"    {printable(line)}", width) for line in below]
    return "".join(lines) + "\n"


def wrapped(line: str, width: int | None) -> str:
    """Return a line broken between words so that it fits, its indent kept."""
    return "\n".join(_pieces(line, width)) + "\n"


def _pieces(line: str, width: int | None) -> Iterator[str]:
    text = line.lstrip(" ")
    indent = " " * (len(line) - len(text))
    yield from textwrap.wrap(
        text,
        width or _UNBOUND,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )
