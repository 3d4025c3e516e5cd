"""Which cloud is meant, and where its entry stands.

Decides: the search path of clouds.yaml, how secure.yaml adds to it, and what comes
first: a named entry, then `OS_*`, then `HUAWEICLOUD_SDK_*`. Must not know: what the keys
of an entry mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from batch_register.errors import SettingsError
from batch_register.identity.cloud import Cloud
from batch_register.identity.entry import cloud_from_entry
from batch_register.identity.entry_keys import Origin

_SUFFIXES = (".yaml", ".yml", ".json")
_SITE = Path("/etc/openstack")
_FILE_LIMIT_BYTES = 2**20
# Any of these says that the environment describes a cloud; others only select one.
_TELLING = frozenset(
    {
        "OS_AUTH_URL",
        "OS_USERNAME",
        "OS_USER_ID",
        "OS_PASSWORD",
        "OS_TOKEN",
        "OS_AUTH_TOKEN",
        "OS_APPLICATION_CREDENTIAL_ID",
        "OS_APPLICATION_CREDENTIAL_NAME",
        "OS_APPLICATION_CREDENTIAL_SECRET",
    }
)
_NOT_KEYS = frozenset(
    {"OS_CLOUD", "OS_CLOUD_NAME", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE"}
)
_HUAWEI = {
    "HUAWEICLOUD_SDK_AK": "ak",
    "HUAWEICLOUD_SDK_SK": "sk",
    "HUAWEICLOUD_SDK_PROJECT_ID": "project_id",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN": "security_token",
}

_KEPT_TAGS = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")

Entry = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What this process was started with; secrets are in it, so it shows nothing."""

    environ: Mapping[str, str]
    cwd: Path
    home: Path

    def __repr__(self) -> str:
        """Return a text without any variable's value."""
        return "Surroundings(...)"


def load_cloud(
    surroundings: Surroundings, *, name: str | None = None, region: str | None = None
) -> Cloud:
    """Return the cloud to use; `name` and `region` are what flags said.

    Raises:
        SettingsError: none is described, the named one is not there, or an entry is
            wrong; says which file or variable, never a value that may be secret.
    """
    name = name or surroundings.environ.get("OS_CLOUD") or None
    if name is not None:
        return _named(surroundings, name, region)
    environ = surroundings.environ
    if any(environ.get(variable) for variable in _TELLING):
        return _from_variables(surroundings, region)
    if environ.get("HUAWEICLOUD_SDK_AK") or environ.get("HUAWEICLOUD_SDK_SK"):
        return _from_huawei_variables(surroundings, region)
    message = "no cloud is described: no --cloud, OS_CLOUD, OS_* or HUAWEICLOUD_SDK_*"
    known = ", ".join(sorted(_clouds(surroundings)[0]))
    hint = f"name one with --cloud: {known}" if known else "write a clouds.yaml"
    raise SettingsError(message, hint=hint)


def told_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that credentials in the environment stand in."""
    return sorted(name for name in {*_TELLING, *_HUAWEI} if environ.get(name))


def _named(surroundings: Surroundings, name: str, region: str | None) -> Cloud:
    clouds, source = _clouds(surroundings)
    entry = clouds.get(name)
    if entry is None:
        known = ", ".join(sorted(clouds)) or "none"
        message = f"there is no cloud {name!r} in {source}"
        raise SettingsError(message, hint=f"known clouds: {known}")
    if not isinstance(entry, Mapping):
        message = f"cloud {name!r} in {source} is not a mapping"
        raise SettingsError(message, hint="indent its keys below its name")
    origin = _origin(surroundings, name, f"cloud {name!r} in {source}")
    return cloud_from_entry(entry, origin, region=region)


def _from_variables(surroundings: Surroundings, region: str | None) -> Cloud:
    entry = {
        variable.removeprefix("OS_").lower(): value
        for variable, value in surroundings.environ.items()
        if variable.startswith("OS_") and variable not in _NOT_KEYS and value
    }
    origin = _origin(surroundings, "environment", "environment", prefix="OS_")
    return cloud_from_entry(entry, origin, region=region)


def _from_huawei_variables(surroundings: Surroundings, region: str | None) -> Cloud:
    environ = surroundings.environ
    entry: dict[str, str] = {
        key: environ[variable]
        for variable, key in _HUAWEI.items()
        if environ.get(variable)
    }
    entry["auth_type"] = "aksk"
    wanted = region or environ.get("OS_REGION_NAME")
    origin = _origin(
        surroundings, "environment", "environment", prefix="HUAWEICLOUD_SDK_"
    )
    return cloud_from_entry(entry, origin, region=wanted)


def _origin(
    surroundings: Surroundings, name: str, source: str, *, prefix: str = ""
) -> Origin:
    return Origin(
        name=name,
        source=source,
        cwd=surroundings.cwd,
        home=surroundings.home,
        variable_prefix=prefix,
    )


def _clouds(surroundings: Surroundings) -> tuple[Entry, str]:
    """Return all entries, secure.yaml merged into them, and the files' names."""
    files = [
        file
        for file in (
            _first(surroundings, "clouds", "OS_CLIENT_CONFIG_FILE"),
            _first(surroundings, "secure", "OS_CLIENT_SECURE_FILE"),
        )
        if file is not None
    ]
    if not files:
        return {}, "any clouds.yaml (there is none)"
    merged: Entry = {}
    for file in files:
        merged = merge(merged, _read(file))
    return merged, " and ".join(str(file) for file in files)


def merge(base: Entry, over: Entry) -> Entry:
    """Return both mappings as one; inner mappings are merged, else `over` wins."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def _first(surroundings: Surroundings, stem: str, variable: str) -> Path | None:
    told = surroundings.environ.get(variable)
    if told:
        path = surroundings.cwd / told
        if not path.is_file():
            message = f"{variable} names no file: {path}"
            raise SettingsError(message, hint=f"correct or unset {variable}")
        return path
    return next((path for path in _places(surroundings, stem) if path.is_file()), None)


def _places(surroundings: Surroundings, stem: str) -> Iterator[Path]:
    told = surroundings.environ.get("XDG_CONFIG_HOME")
    config = Path(told) if told else surroundings.home / ".config"
    folders = (
        surroundings.cwd,
        config / "openstack",
        surroundings.home / ".config" / "openstack",
        _SITE,
    )
    for folder in folders:
        for suffix in _SUFFIXES:
            yield folder / f"{stem}{suffix}"


def _read(file: Path) -> Entry:
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
    clouds = document.get("clouds") if isinstance(document, Mapping) else None
    if not isinstance(clouds, Mapping):
        message = f"{file} holds no mapping `clouds`"
        raise SettingsError(message, hint="its entries stand below `clouds:`")
    return {str(key): value for key, value in clouds.items()}


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
