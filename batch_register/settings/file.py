"""Reads a settings file: a YAML mapping of names to text or lists of text.

Decides: what counts as a well-formed file. Scalars stay text, so that a file, the
environment and a flag are read by the same rules (and `no` or `1:30` by no others).
Must not know: which settings there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from batch_register.errors import SettingsError

_LIMIT_BYTES = 64 * 1024  # a settings file is a page of text
_NULL_TAG = "tag:yaml.org,2002:null"
_HINT = "a settings file holds lines such as `concurrency: 20`"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileValue:
    """One value of a settings file, and where it stands; lines count from 1."""

    raw: str | list[str]
    place: str


def read_settings_file(path: Path) -> Mapping[str, FileValue]:
    """Return the values of a settings file by name; null stands for "not set".

    Raises:
        SettingsError: it cannot be read, is no mapping, nests, or names a key twice.
    """
    root = _compose(path, _read(path))
    if root is None or root.tag == _NULL_TAG:
        return {}
    if not isinstance(root, yaml.MappingNode):
        message = f"{path}: must be a mapping of settings"
        raise SettingsError(message, hint=_HINT)
    values: dict[str, FileValue] = {}
    seen: set[str] = set()
    for key_node, value_node in root.value:
        place = f"{path}:{key_node.start_mark.line + 1}"
        name = str(key_node.value)
        if name in seen:
            message = f"{place}: {name} is set twice"
            raise SettingsError(message, hint="keep one of the two lines")
        seen.add(name)
        raw = _raw_value(value_node, f"{place}: {name}")
        if raw is not None:
            values[name] = FileValue(raw=raw, place=place)
    return values


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT_BYTES + 1)
        if len(data) <= _LIMIT_BYTES:
            return data.decode()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise SettingsError(message, hint="check --config") from error
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 text"
        raise SettingsError(message, hint=_HINT) from error
    message = f"{path}: is larger than {_LIMIT_BYTES} bytes"
    raise SettingsError(message, hint=_HINT)


def _compose(path: Path, text: str) -> yaml.Node | None:
    """Parse without constructing; the pure parser, since C code overruns its stack."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark is not None else 1
        message = f"{path}:{line}: {error.problem or 'is not YAML'}"
        raise SettingsError(message, hint=_HINT) from error
    except (yaml.YAMLError, RecursionError) as error:
        message = f"{path}: is not YAML of a settings file"
        raise SettingsError(message, hint=_HINT) from error


def _raw_value(node: yaml.Node, place: str) -> str | list[str] | None:
    match node:
        case yaml.ScalarNode(tag=tag, value=value):
            return None if tag == _NULL_TAG else str(value)
        case yaml.SequenceNode(value=items) if all(
            isinstance(item, yaml.ScalarNode) for item in items
        ):
            return [str(item.value) for item in items]
        case _:
            message = f"{place}: must be a plain value or a list of them"
            raise SettingsError(message, hint=_HINT)
