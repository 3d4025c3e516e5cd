"""What happened in a world, in time order, and what was wrong about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened; `key` is None where it concerns no single entry."""

    at_s: float
    who: str
    key: str | None
    what: str

    def __str__(self) -> str:
        return f"{self.at_s:9.2f} {self.who:<7} {self.key or '-':<5} {self.what}"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise."""

    rule: str
    key: str | None
    what: str


@dataclass
class History:
    """Everything that happened."""

    now_s: Callable[[], float]
    lines: list[Line] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def add(self, who: str, key: str | None, what: str) -> None:
        self.lines.append(Line(self.now_s(), who, key, what))

    def violate(self, rule: str, key: str | None, what: str) -> None:
        self.violations.append(Violation(rule, key, what))
        self.add("!!!", key, f"{rule}: {what}")

    def story_of(self, keys: set[str | None]) -> str:
        """Return what concerns these entries, and what concerns no single one."""
        wanted = keys | {None}
        return "\n".join(str(line) for line in self.lines if line.key in wanted)
