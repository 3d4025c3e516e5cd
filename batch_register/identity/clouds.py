"""Which cloud is meant, and where its entry stands.

Decides: how secure.yaml and clouds-public.yaml add to it, and what comes first: a named
entry, then `OS_*`, then `HUAWEICLOUD_SDK_*`. Must not know: how a file is read, what the
keys of an entry mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from batch_register.errors import SettingsError
from batch_register.identity.cloud import Cloud
from batch_register.identity.entry import cloud_from_entry
from batch_register.identity.entry_keys import Origin
from batch_register.identity.files import (
    Entry,
    Surroundings,
    find_file,
    read_entries,
)
from batch_register.identity.layers import SHIPPED, profile_name

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
        "OS_ENDPOINT",
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
    "HUAWEICLOUD_SDK_IAM_ENDPOINT": "auth_url",
}
# The official SDK's other ways in; where nothing else is told, they are meant.
_HUAWEI_UNFIT = (
    "HUAWEICLOUD_SDK_CREDENTIALS_FILE",
    "HUAWEICLOUD_SDK_IDP_ID",
    "HUAWEICLOUD_SDK_ID_TOKEN_FILE",
)
_HUAWEI_IMAGES = "HUAWEICLOUD_SDK_REGION_IMS_"  # and the region, in capitals
# What the official SDK takes from its caller may stand beside its variables.
_BESIDE_HUAWEI = frozenset(
    {
        "OS_IMS_PROFILE",
        "OS_IMAGE_ENDPOINT_OVERRIDE",
        "OS_IMS_ENDPOINT_OVERRIDE",
        "OS_OBS_ENDPOINT_OVERRIDE",
        "OS_CACERT",
        "OS_CERT",
        "OS_KEY",
        "OS_VERIFY",
        "OS_INSECURE",
    }
)


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
    if unfit := next((name for name in _HUAWEI_UNFIT if environ.get(name)), None):
        message = f"environment: {unfit} cannot be honoured"
        hint = "set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK"
        raise SettingsError(message, hint=hint)
    message = "no cloud is described: no --cloud, OS_CLOUD, OS_* or HUAWEICLOUD_SDK_*"
    known = ", ".join(sorted(_clouds(surroundings)[0]))
    hint = f"name one with --cloud: {known}" if known else "write a clouds.yaml"
    raise SettingsError(message, hint=hint)


def cloud_names(surroundings: Surroundings) -> list[str]:
    """Return the names that `--cloud` takes.

    Raises:
        SettingsError: a file cannot be read.
    """
    return sorted(_clouds(surroundings)[0])


def told_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the variables that credentials in the environment stand in."""
    return sorted(name for name in {*_TELLING, *_HUAWEI} if environ.get(name))


def _named(surroundings: Surroundings, name: str, region: str | None) -> Cloud:
    clouds, source = _clouds(surroundings)
    entry = clouds.get(name)
    if entry is None:
        known = ", ".join(sorted(clouds))
        message = f"there is no cloud {name!r} in {source}"
        if not known:
            raise SettingsError(message, hint="describe it in clouds.yaml")
        close = get_close_matches(name, map(str, clouds), n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise SettingsError(message, hint=f"{meant}name one of these: {known}")
    if not isinstance(entry, Mapping):
        message = f"cloud {name!r} in {source} is not a mapping"
        raise SettingsError(message, hint="indent its keys below its name")
    origin = _origin(surroundings, name, f"cloud {name!r} in {source}")
    return _cloud(surroundings, entry, origin, region)


def _from_variables(surroundings: Surroundings, region: str | None) -> Cloud:
    entry = {
        variable.removeprefix("OS_").lower(): value
        for variable, value in surroundings.environ.items()
        if variable.startswith("OS_") and variable not in _NOT_KEYS and value
    }
    origin = _origin(surroundings, "environment", "environment", prefix="OS_")
    return _cloud(surroundings, entry, origin, region)


def _from_huawei_variables(surroundings: Surroundings, region: str | None) -> Cloud:
    wanted = region or surroundings.environ.get("OS_REGION_NAME")
    entry = _huawei_entry(surroundings.environ, wanted)
    origin = _origin(
        surroundings, "environment", "environment", prefix="HUAWEICLOUD_SDK_"
    )
    return _cloud(surroundings, entry, origin, wanted)


def _huawei_entry(environ: Mapping[str, str], region: str | None) -> Entry:
    """Return the entry that the official SDK's variables amount to.

    Source: huaweicloudsdkcore, its providers of credentials and of regions.
    """
    known = {
        **{name: name.removeprefix("OS_").lower() for name in _BESIDE_HUAWEI},
        **_HUAWEI,
    }
    entry = {known[name]: environ[name] for name in known if environ.get(name)}
    place = f"{_HUAWEI_IMAGES}{(region or '').replace('-', '_').upper()}"
    if images := environ.get(place):
        entry.setdefault("image_endpoint_override", images.partition(",")[0])
    if "image_endpoint_override" not in entry and "ims_endpoint_override" not in entry:
        entry.setdefault("ims_profile", "huawei")  # whose SDK it is
    return {**entry, "auth_type": "aksk"}


def _cloud(
    surroundings: Surroundings, entry: Entry, origin: Origin, region: str | None
) -> Cloud:
    profile = _profile(surroundings, entry, origin)
    return cloud_from_entry(entry, origin, region=region, profile=profile)


def _profile(surroundings: Surroundings, entry: Entry, origin: Origin) -> Entry:
    """Return the vendor's profile below an entry; what a file says of it comes first."""
    name = profile_name(entry)
    if name is None:
        return {}
    file = find_file(surroundings, "clouds-public")
    known = {**SHIPPED, **(read_entries(file, "public-clouds") if file else {})}
    found = known.get(name) if isinstance(name, str) else None
    if not isinstance(found, Mapping):
        message = f"{origin.source}: there is no profile {name!r}"
        hint = f"use one of {sorted(known)}, or describe it in clouds-public.yaml"
        raise SettingsError(message, hint=hint)
    if profile_name(found) is not None:
        message = f"{origin.source}: profile {name!r} in {file} builds on another one"
        raise SettingsError(message, hint="write the other one's keys out there")
    return found


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
            find_file(surroundings, "clouds", variable="OS_CLIENT_CONFIG_FILE"),
            find_file(surroundings, "secure", variable="OS_CLIENT_SECURE_FILE"),
        )
        if file is not None
    ]
    if not files:
        return {}, "any clouds.yaml (there is none)"
    merged: Entry = {}
    for file in files:
        try:
            merged = merge(merged, read_entries(file))
        except RecursionError:
            message = f"{file}: an entry contains itself"
            raise SettingsError(message, hint="write its keys out") from None
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
