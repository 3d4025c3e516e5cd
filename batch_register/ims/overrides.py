"""What an operator knows better of a cloud than its profile does.

Decides: which facts of a profile can be replaced, under which keys, by which values.
Must not know: files, where the keys were read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from batch_register.errors import SettingsError
from batch_register.ims.profile import JobCall, Profile

KEY = "ims_profile_overrides"  # of an entry of clouds.yaml

_JOB_CALLS = {"progress": JobCall.PROGRESS, "project": JobCall.PROJECT}


def _words(value: object) -> object:
    """Return a list as it is, and a text of several words as a list."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


class Overrides(BaseModel):
    """The keys; left out, the profile's own fact stays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_call: Literal["progress", "project"] | None = None
    min_disk_linux: Annotated[int, Field(ge=1)] | None = None  # GB, here and below
    min_disk_windows: Annotated[int, Field(ge=1)] | None = None
    min_disk_most: Annotated[int, Field(ge=1)] | None = None
    disk_formats: (
        Annotated[
            list[Annotated[str, Field(pattern="^[a-z0-9]+$")]],
            BeforeValidator(_words),
            Field(min_length=1),
        ]
        | None
    ) = None
    takes_iso: bool | None = None
    takes_windows: bool | None = None
    takes_chinese_names: bool | None = None
    takes_kms_objects: bool | None = None
    task_limit: Annotated[int, Field(ge=1)] | None = None


# The field of a profile that each key replaces.
FIELDS = {
    "job_call": "job_call",
    "min_disk_linux": "linux_min_disk_floor_gb",
    "min_disk_windows": "windows_min_disk_floor_gb",
    "min_disk_most": "min_disk_ceiling_gb",
    "disk_formats": "disk_formats",
    "takes_iso": "takes_iso",
    "takes_windows": "takes_windows",
    "takes_chinese_names": "takes_chinese_names",
    "takes_kms_objects": "takes_kms_objects",
    "task_limit": "task_limit",
}


def overridden(
    profile: Profile, overrides: Mapping[str, object], *, source: str
) -> Profile:
    """Return the profile with the facts that `overrides` replace.

    `source` says where they were read, for messages.

    Raises:
        SettingsError: a key is not known or its value cannot be; names them all.
    """
    try:
        told = Overrides.model_validate(dict(overrides))
    except ValidationError as error:
        problems = "; ".join(
            _problem(each["loc"], each["msg"]) for each in error.errors()
        )
        message = f"{source}: {problems}"
        raise SettingsError(message, hint=f"known keys: {', '.join(FIELDS)}") from None
    given = told.model_dump(exclude_none=True)
    facts: dict[str, object] = {FIELDS[key]: value for key, value in given.items()}
    if told.job_call is not None:
        facts["job_call"] = _JOB_CALLS[told.job_call]
    if told.disk_formats is not None:
        facts["disk_formats"] = tuple(sorted(set(told.disk_formats)))
    facts["assumed"] = profile.assumed - facts.keys()
    changed: Profile = replace(profile, **facts)  # type: ignore[arg-type] # by FIELDS
    _check_range(changed, source)
    return changed


def _problem(place: tuple[int | str, ...], words: str) -> str:
    """Return one problem with its key; the value is not quoted."""
    name = ".".join(str(part) for part in place)
    unknown = "Extra inputs are not permitted"
    return f"{KEY}.{name}: {'is not known' if words == unknown else words}"


def _check_range(profile: Profile, source: str) -> None:
    floors_gb = {
        "min_disk_linux": profile.linux_min_disk_floor_gb,
        "min_disk_windows": profile.windows_min_disk_floor_gb,
    }
    most_gb = profile.min_disk_ceiling_gb
    for key, floor_gb in floors_gb.items():
        if floor_gb > most_gb:
            message = (
                f"{source}: {KEY}: {key} {floor_gb} is above min_disk_most {most_gb}"
            )
            raise SettingsError(message, hint="no disk would be allowed: correct one")
