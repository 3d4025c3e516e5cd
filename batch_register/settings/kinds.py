"""The kinds of settings that there are: how each is asked for and read.

Decides: which parser and which hint on the command line go with a kind. Must not know:
which settings there are.
"""

from __future__ import annotations

from enum import StrEnum

from batch_register.settings import values
from batch_register.settings.setting import Kind, Setting
from batch_register.settings.values import Parser


def name(help_text: str) -> Setting:
    """Return a setting that is a name."""
    return Setting(help=help_text, kind=Kind.TEXT, parse=values.word, metavar="NAME")


def number(help_text: str, parse: Parser, metavar: str) -> Setting:
    """Return a setting whose text has a form of its own."""
    return Setting(help=help_text, kind=Kind.TEXT, parse=parse, metavar=metavar)


def file(help_text: str, parse: Parser = values.path) -> Setting:
    """Return a setting that is the path of a file."""
    return Setting(help=help_text, kind=Kind.FILE, parse=parse, metavar="FILE")


def switch(help_text: str) -> Setting:
    """Return a setting that is on or off."""
    return Setting(help=help_text, kind=Kind.SWITCH, parse=values.switch)


def duration(
    help_text: str, *, may_be_zero: bool = False, rehearsal: float | None = None
) -> Setting:
    """Return a setting in seconds, with what a rehearsal prefers."""
    return Setting(
        help=help_text,
        kind=Kind.DURATION,
        parse=values.duration(may_be_zero=may_be_zero),
        metavar="DURATION",
        rehearsal=rehearsal,
    )


def choice(help_text: str, of: type[StrEnum]) -> Setting:
    """Return a setting that is one of a few words."""
    words = tuple(str(member) for member in of)
    parse = values.choice(of)
    return Setting(help=help_text, kind=Kind.CHOICE, parse=parse, choices=words)


def globs(help_text: str) -> Setting:
    """Return a setting that is a list of globs."""
    return Setting(help=help_text, kind=Kind.LIST, parse=values.globs, metavar="GLOB")


def addresses(help_text: str) -> Setting:
    """Return a setting that is a list of addresses, each a secret."""
    return Setting(
        help=help_text,
        kind=Kind.LIST,
        parse=values.addresses,
        metavar="URL",
        is_secret=True,
    )
