"""The files that describe clouds: where they stand, and how they are read.

Decides: the search path, that scalars stay as they are written, what a file must look
like. Must not know: what an entry means. Source: openstacksdk, "Configuring OpenStack
SDK Applications".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from batch_register.errors import SettingsError

Entry = Mapping[str, object]

_SUFFIXES = (".yaml", ".yml", ".json")
_SITE = Path("/etc/openstack")
_FILE_LIMIT_BYTES = 2**20
_KEPT_TAGS = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What this process was started with; secrets are in it, so it shows nothing."""

    environ: Mapping[str, str]
    cwd: Path
    home: Path

    def __repr__(self) -> str:
        """Return a text without any variable's value."""
        return "Surroundings(...)"


def find_file(
    surroundings: Surroundings, stem: str, *, variable: str | None = None
) -> Path | None:
    """Return the file that a variable names, else the first of the search path.

    Raises:
        SettingsError: the variable names no file, or a folder is closed to us.
    """
    told = surroundings.environ.get(variable) if variable else None
    if told:
        path = surroundings.cwd / told
        if not _is_file(path):
            message = f"{variable} names no file: {path}"
            raise SettingsError(message, hint=f"correct or unset {variable}")
        return path
    return next((path for path in places(surroundings, stem) if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    """Return whether a file is there; one that might be there is not passed over."""
    try:
        return path.is_file()
    except OSError as exc:
        message = f"{path} cannot be looked for: {exc.strerror}"
        raise SettingsError(message, hint="check the permissions there") from None


def read_entries(file: Path, section: str = "clouds") -> Entry:
    """Return the entries of a file by name.

    Raises:
        SettingsError: the file cannot be read, or is no such file; never quotes it.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(_FILE_LIMIT_BYTES + 1)
    except OSError as exc:
        message = f"{file} cannot be read: {exc.strerror}"
        raise SettingsError(message, hint="check its permissions") from None
    if len(text) > _FILE_LIMIT_BYTES:
        message = f"{file} is larger than {_FILE_LIMIT_BYTES} bytes"
        raise SettingsError(message, hint="is it really a clouds.yaml?")
    document = _parse(file, text)
    entries = document.get(section) if isinstance(document, Mapping) else None
    if not isinstance(entries, Mapping):
        message = f"{file} holds no mapping `{section}`"
        raise SettingsError(message, hint=f"its entries stand below `{section}:`")
    return {str(key): value for key, value in entries.items()}


def places(surroundings: Surroundings, stem: str) -> Iterator[Path]:
    """Return where a file of that name may stand, the first place first."""
    told = surroundings.environ.get("XDG_CONFIG_HOME")
    config = Path(told) if told else surroundings.home / ".config"
    shared = surroundings.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    folders = (
        surroundings.cwd,
        config / "openstack",
        surroundings.home / ".config" / "openstack",
        *(Path(folder) / "openstack" for folder in shared.split(":") if folder),
        _SITE,
    )
    for folder in folders:
        for suffix in _SUFFIXES:
            yield folder / f"{stem}{suffix}"


def _parse(file: Path, text: bytes) -> object:
    try:
        document: object = yaml.load(text, Loader=_TextLoader)  # noqa: S506 - safe kind
    except yaml.YAMLError as exc:
        # The parser's own message quotes the line, and a password may stand there.
        mark = getattr(exc, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        message = f"{file}{where}: not valid YAML"
    except (RecursionError, ValueError, KeyError, AttributeError, IndexError):
        # an explicit tag that its value does not fit, among others
        message = f"{file}: not valid YAML"
    else:
        return document
    raise SettingsError(message, hint="check the indentation and the quotes there")


class _TextLoader(yaml.SafeLoader):
    """Leaves every scalar as it is written: a password `0123` is not the number 83."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
