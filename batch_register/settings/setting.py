"""One setting: what it is called everywhere, what it takes, where a value came from.

Decides: the names of flag, variable and file key, all drawn from one field name. Must
not know: which settings there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from batch_register.settings.values import Parser, format_duration

ENVIRONMENT_PREFIX = "BATCH_REGISTER_"


class Source(StrEnum):
    """Where a value came from, the strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    REHEARSAL = "rehearsal"  # what --simulate prefers
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where one value came from; `place` names the flag, variable, or file and line."""

    source: Source
    place: str = ""

    def __str__(self) -> str:
        return f"{self.source} {self.place}".rstrip()


class Kind(StrEnum):
    """What sort of value a setting takes, for whoever draws up the command line."""

    TEXT = "text"
    DURATION = "duration"
    FILE = "file"
    SWITCH = "switch"
    CHOICE = "choice"
    LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting, as the command line, the environment and the file know it."""

    help: str
    kind: Kind
    parse: Parser
    metavar: str = ""
    choices: tuple[str, ...] = ()
    is_secret: bool = False  # what was given is not quoted, not even where it is wrong
    rehearsal: object = None  # preferred with --simulate; None: the default
    field_name: str = ""  # this and the default come from the field of Settings
    default: object = None

    @property
    def name(self) -> str:
        """The name in a settings file: without the unit, which a value may carry."""
        return self.field_name.removesuffix("_s").removesuffix("_per")

    @property
    def flag(self) -> str:
        """The flag on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def env(self) -> str:
        """The environment variable."""
        return ENVIRONMENT_PREFIX + self.name.upper()

    def format(self, value: object) -> str:
        """Write a value as it could be given again."""
        match value:
            case None:
                return "none"
            case bool():
                return "true" if value else "false"
            case tuple():
                return ",".join(str(part) for part in value) or "none"
            case float() if self.kind is Kind.DURATION:
                return format_duration(value)
            case _:
                return str(value)
