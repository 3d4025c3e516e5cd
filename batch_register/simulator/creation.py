"""The rules of the create-metadata call: what a body must be, and what it turns into.

Source: IMS API reference, "Creating image metadata", image attributes and error codes;
which code belongs to which fault is our reading of the code's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from batch_register.simulator.catalogue import OTHER_LINUX, facts_of, is_known
from batch_register.simulator.codes import Img
from batch_register.simulator.options import SimulatorOptions
from batch_register.simulator.refusals import ims
from batch_register.simulator.tagging import check_tags

_MAX_NAME_CHARACTERS = 128
_NAME = re.compile(r"[A-Za-z0-9._-]([A-Za-z0-9._ -]*[A-Za-z0-9._-])?")
_NAME_WITH_CHINESE = re.compile(
    r"[A-Za-z0-9._\u4e00-\u9fff-]([A-Za-z0-9._ \u4e00-\u9fff-]*[A-Za-z0-9._\u4e00-\u9fff-])?"
)
_WRITABLE = frozenset(
    {
        "__os_version",
        "name",
        "visibility",
        "protected",
        "container_format",
        "disk_format",
        "tags",
        "min_ram",
        "min_disk",
    }
)
_SET_BY_SERVICE = frozenset(
    {
        "__image_source_type",
        "__imagetype",
        "__isregistered",
        "__image_size",
        "__os_type",
        "__platform",
        "__os_bit",
        "__root_origin",
        "virtual_env_type",
        "owner",
        "id",
        "status",
        "schema",
        "self",
        "file",
        "created_at",
        "updated_at",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImage:
    """A create body that passed every rule."""

    name: str
    os_version: str
    disk_format: str
    min_disk_gb: int
    min_ram_mb: int
    protected: bool
    tags: list[str]
    extra: dict[str, object] = field(default_factory=dict)


def read_create(document: Mapping[str, object], options: SimulatorOptions) -> NewImage:
    """Check a create body and fill in the defaults.

    Raises:
        Refusal: with the IMG code of the first rule that is broken.
    """
    os_version = _os_version(document, options)
    extra = _extra(document, options)
    _fixed(document, "visibility", "private")
    _fixed(document, "container_format", "bare")
    return NewImage(
        name=_name(document, chinese=options.cloud.chinese_names),
        os_version=os_version,
        disk_format=_disk_format(document, options),
        min_disk_gb=_min_disk(document, os_version, options),
        min_ram_mb=_min_ram(document),
        protected=_protected(document),
        tags=_tags(document, options),
        extra=extra,
    )


def check_name(name: object, *, chinese: bool) -> str:
    """Return a usable image name, or refuse it."""
    if not isinstance(name, str):
        raise ims(Img.NAME_INVALID, "The image name is not a string.")
    if len(name) > _MAX_NAME_CHARACTERS:
        raise ims(Img.NAME_TOO_LONG, "The image name is too long.")
    pattern = _NAME_WITH_CHINESE if chinese else _NAME
    if not pattern.fullmatch(name):
        raise ims(Img.NAME_INVALID, "The image name contains invalid characters.")
    return name


def _name(document: Mapping[str, object], *, chinese: bool) -> str:
    # A shell without a name is legal in this call, only useless.
    name = document.get("name", "")
    return "" if name == "" else check_name(name, chinese=chinese)


def _os_version(document: Mapping[str, object], options: SimulatorOptions) -> str:
    os_version = document.get("__os_version", OTHER_LINUX)
    if not isinstance(os_version, str):
        raise ims(Img.OS_VERSION, "The OS version is invalid.")
    if options.strict_os_version and not is_known(os_version):
        raise ims(Img.OS_VERSION, "The OS version is invalid.")
    windows = facts_of(os_version).os_type == "Windows"
    if windows and not options.cloud.windows_allowed:
        raise ims(Img.OS_VERSION, "Windows images cannot be made by this call.")
    return os_version


def _extra(
    document: Mapping[str, object], options: SimulatorOptions
) -> dict[str, object]:
    fixed = sorted(_SET_BY_SERVICE & document.keys())
    if fixed:
        raise ims(Img.MALFORMED, f"The attribute {fixed[0]} is set by the service.")
    extra = {k: v for k, v in document.items() if k not in _WRITABLE}
    if extra and options.extra_properties == "refused":
        raise ims(Img.MALFORMED, f"Unknown attribute {min(extra)}.")
    return extra if options.extra_properties == "kept" else {}


def _fixed(document: Mapping[str, object], field_name: str, only: str) -> None:
    if document.get(field_name, only) != only:
        raise ims(Img.MALFORMED, f"{field_name} must be {only}.")


def _disk_format(document: Mapping[str, object], options: SimulatorOptions) -> str:
    cloud = options.cloud
    disk_format = document.get("disk_format", cloud.default_disk_format)
    if not isinstance(disk_format, str) or disk_format not in cloud.disk_formats:
        raise ims(Img.FORMAT, "The disk format is not supported.")
    return disk_format


def _min_disk(
    document: Mapping[str, object], os_version: str, options: SimulatorOptions
) -> int:
    cloud = options.cloud
    windows = facts_of(os_version).os_type == "Windows"
    floor_gb = cloud.windows_min_disk_floor_gb if windows else cloud.min_disk_floor_gb
    min_disk_gb = _integer(document.get("min_disk", floor_gb))
    if min_disk_gb is None or not floor_gb <= min_disk_gb <= cloud.min_disk_ceiling_gb:
        message = f"min_disk must be {floor_gb} to {cloud.min_disk_ceiling_gb} GB."
        raise ims(Img.DISK_OR_MEMORY, message)
    return min_disk_gb


def _min_ram(document: Mapping[str, object]) -> int:
    min_ram_mb = _integer(document.get("min_ram", 0))
    if min_ram_mb is None or min_ram_mb < 0:
        raise ims(Img.DISK_OR_MEMORY, "min_ram must be a number of MB.")
    return min_ram_mb


def _integer(value: object) -> int | None:
    # JSON's true is an int to Python, not to the service.
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _protected(document: Mapping[str, object]) -> bool:
    protected = document.get("protected", False)
    if not isinstance(protected, bool):
        raise ims(Img.MALFORMED, "protected must be a boolean.")
    return protected


def _tags(document: Mapping[str, object], options: SimulatorOptions) -> list[str]:
    tags = document.get("tags", [])
    if not isinstance(tags, list):
        raise ims(Img.TAG_INVALID, "tags must be an array of strings.")
    checked = check_tags(tags, strict=options.strict_tags)
    return [] if options.tags_on_create == "dropped" else checked
