"""Collects the values of all sources, the strongest first, with every complaint.

Decides: who wins, and how a wrong value is reported. Must not know: which settings
there are, nor what they mean together.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from batch_register.errors import SettingsError
from batch_register.settings.file import read_settings_file
from batch_register.settings.setting import (
    ENVIRONMENT_PREFIX,
    Kind,
    Origin,
    Setting,
    Source,
)


class Sources:
    """What the sources said so far; a value once taken is not replaced."""

    def __init__(self, table: tuple[Setting, ...]) -> None:
        self._table = table
        self._complaints: list[str] = []
        self.values: dict[str, object] = {}  # by field name
        self.origins: dict[str, Origin] = {}

    def take_flags(self, flags: Mapping[str, object]) -> None:
        """Take what the command line said; None and an empty list say nothing."""
        for setting in self._table:
            raw = flags.get(setting.field_name)
            if raw is not None and raw != ():
                self._take(setting, raw, Origin(source=Source.FLAG, place=setting.flag))

    def take_environment(self, environ: Mapping[str, str]) -> None:
        """Take what the environment says; an empty variable says nothing."""
        for setting in self._table:
            if raw := environ.get(setting.env):
                origin = Origin(source=Source.ENVIRONMENT, place=setting.env)
                self._take(setting, raw, origin)

    def take_file(self, path: Path) -> None:
        """Take what a settings file says; its relative paths start at its folder.

        Raises:
            SettingsError: the file cannot be read.
        """
        by_name = {setting.name: setting for setting in self._table}
        for name, value in read_settings_file(path).items():
            setting = by_name.get(name)
            if setting is None:
                self._complain_of_name(value.place, name, list(by_name))
                continue
            origin = Origin(source=Source.FILE, place=value.place)
            if isinstance(value.raw, list) and setting.kind is not Kind.LIST:
                self._complaints.append(
                    f"{name} must be one value, not a list ({origin})"
                )
                continue
            if self._take(setting, value.raw, origin) and setting.kind is Kind.FILE:
                given = self.values[setting.field_name]
                self.values[setting.field_name] = path.parent / str(given)

    def take_rehearsal(self) -> None:
        """Take what a rehearsal prefers, where nobody said otherwise."""
        origin = Origin(source=Source.REHEARSAL, place="--simulate")
        for setting in self._table:
            if setting.rehearsal is not None and setting.field_name not in self.origins:
                self.values[setting.field_name] = setting.rehearsal
                self.origins[setting.field_name] = origin

    def complain(self) -> None:
        """Raise one SettingsError for everything that was wrong, or do nothing."""
        if self._complaints:
            hint = "`batch-register config` shows every setting and its source"
            raise SettingsError("\n".join(self._complaints), hint=hint)

    def _take(self, setting: Setting, raw: object, origin: Origin) -> bool:
        """Take one value; return whether it won. A weaker one is checked all the same."""
        try:
            value = setting.parse(raw)
        except ValueError as error:
            shown = raw if isinstance(raw, str) else setting.format(raw)
            quoted = "" if setting.is_secret else f", not {shown!r}"
            self._complaints.append(f"{setting.name} {error}{quoted} ({origin})")
            return False
        if setting.field_name in self.origins:
            return False
        self.values[setting.field_name] = value
        self.origins[setting.field_name] = origin
        return True

    def _complain_of_name(self, place: str, name: str, known: list[str]) -> None:
        near = get_close_matches(name, known, n=1)
        advice = f"; did you mean {near[0]}?" if near else ""
        self._complaints.append(f"{place}: there is no setting {name!r}{advice}")


def unknown_variables(
    environ: Mapping[str, str], known: frozenset[str]
) -> tuple[str, ...]:
    """Return the variables with our prefix that no setting reads, sorted.

    They are reported, not refused: Kubernetes sets BATCH_REGISTER_PORT and the like by
    itself wherever a service bears our name.
    """
    ours = {name for name in environ if name.startswith(ENVIRONMENT_PREFIX)}
    return tuple(sorted(ours - known))
