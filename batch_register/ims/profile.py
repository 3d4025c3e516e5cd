"""What differs from cloud to cloud, and what a spec may not ask of one.

Decides: limits, formats, call paths and default addresses per cloud. Must not know:
requests, answers, credentials.

Sources: "Creating Image Metadata", "Registering an Image" and "Constraints" of each
cloud's Image Management Service documentation; "Regions and Endpoints"; OpenStack
Glance, "Disk and Container Formats".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from batch_register.errors import SettingsError
from batch_register.model import ImageSpec


class JobCall(StrEnum):
    """The two calls that tell about a job; a cloud has one or both."""

    PROGRESS = "job progress"  # GET /v1/cloudimages/job/{job_id}
    PROJECT = "job of the project"  # GET /v1/{project_id}/jobs/{job_id}

    @property
    def other(self) -> JobCall:
        """Return the call to try where this one does not exist."""
        return JobCall.PROJECT if self is JobCall.PROGRESS else JobCall.PROGRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Default addresses of one region; None where none is published."""

    image: str
    identity: str | None
    objects: str
    # The image service's is made after the others' pattern; no page spells it out.
    is_image_assumed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One cloud, as far as registering images goes."""

    name: str
    job_call: JobCall = JobCall.PROJECT
    linux_min_disk_floor_gb: int = 40
    windows_min_disk_floor_gb: int = 40
    min_disk_ceiling_gb: int = 1024
    disk_formats: tuple[str, ...] = ("qcow2", "raw", "vhd", "zvhd2")
    takes_iso: bool = False
    takes_windows: bool = True
    takes_chinese_names: bool = False
    # Source objects that the store encrypts by a key of its key service (SSE-KMS).
    takes_kms_objects: bool = False
    fetches_from_web: bool = False  # plain Glance: no buckets, addresses instead
    task_limit: int | None = None  # unfinished tasks at once; None: not published
    domains: tuple[str, ...] = ()  # by which an endpoint's host is known
    regions: Mapping[str, Endpoints] = field(default_factory=dict, hash=False)
    assumed: frozenset[str] = frozenset()  # facts that no page of the provider states

    def min_disk_floor_gb(self, os_version: str) -> int:
        """Return the smallest system disk, in GB, for this operating system."""
        if _is_windows(os_version):
            return self.windows_min_disk_floor_gb
        return self.linux_min_disk_floor_gb

    def endpoints(self, region: str) -> Endpoints | None:
        """Return the region's default addresses, or None where it is not known."""
        return self.regions.get(region)

    def without_assumptions(self) -> Profile:
        """Return the profile with every assumed limit as wide as any cloud's."""
        if not self.assumed:
            return self
        wide = {fact: _WIDEST[fact] for fact in self.assumed & _WIDEST.keys()}
        return replace(self, assumed=frozenset(), **wide)  # type: ignore[arg-type] # by name


_WIDEST: Final[Mapping[str, object]] = {
    "linux_min_disk_floor_gb": 0,
    "windows_min_disk_floor_gb": 0,
    "min_disk_ceiling_gb": 2**31 - 1,
    "disk_formats": (
        *("iso", "ploop", "qcow2", "raw", "vdi", "vhd", "vhdx", "vmdk"),
        *("zvhd", "zvhd2"),
    ),
    "takes_iso": True,
    "takes_windows": True,
    "takes_chinese_names": True,
    "takes_kms_objects": True,
}


def _huawei_endpoints(region: str) -> Endpoints:
    # The European regions of Huawei Cloud have a domain of their own.
    top = "eu" if region.startswith("eu-west-1") else "com"
    return Endpoints(
        image=f"https://ims.{region}.myhuaweicloud.{top}",
        identity=f"https://iam.{region}.myhuaweicloud.{top}/v3",
        objects=f"https://obs.{region}.myhuaweicloud.{top}",
    )


def _otc_endpoints(region: str) -> Endpoints:
    return Endpoints(
        image=f"https://ims.{region}.otc.t-systems.com",
        identity=f"https://iam.{region}.otc.t-systems.com/v3",
        objects=f"https://obs.{region}.otc.t-systems.com",
    )


_OTC_SWISS: Final = Endpoints(
    image="https://ims.eu-ch2.sc.otc.t-systems.com",
    identity=None,  # not published: has to be configured
    objects="https://obs.eu-ch2.sc.otc.t-systems.com",
    is_image_assumed=True,
)
_FLEXIBLE_ENGINE: Final = Endpoints(
    image="https://ims.eu-west-0.prod-cloud-ocb.orange-business.com",
    identity="https://iam.eu-west-0.prod-cloud-ocb.orange-business.com/v3",
    objects="https://oss.eu-west-0.prod-cloud-ocb.orange-business.com",
    is_image_assumed=True,
)
_HUAWEI_REGIONS: Final = {
    "ae-ad": (1,),
    "af-north": (1,),
    "af-south": (1,),
    "ap-southeast": (1, 2, 3, 4, 5),
    "cn-east": (2, 3, 4, 5),
    "cn-north": (1, 2, 4, 9, 11, 12),
    "cn-south": (1, 2, 4),
    "cn-southwest": (2, 3),
    "eu-west": (101,),
    "la-north": (2,),
    "la-south": (2,),
    "me-east": (1,),
    "my-kualalumpur": (1,),
    "na-mexico": (1,),
    "ru-moscow": (1,),
    "sa-brazil": (1,),
    "tr-west": (1,),
}

HUAWEI: Final = Profile(
    name="huawei",
    job_call=JobCall.PROGRESS,  # the other one is marked as going away
    linux_min_disk_floor_gb=10,
    windows_min_disk_floor_gb=20,
    disk_formats=("iso", "qcow2", "raw", "vhd", "zvhd2"),
    takes_iso=True,
    takes_windows=False,  # since 2025
    takes_chinese_names=True,
    takes_kms_objects=True,
    domains=("myhuaweicloud.com", "myhuaweicloud.eu"),
    regions={
        f"{area}-{number}": _huawei_endpoints(f"{area}-{number}")
        for area, numbers in _HUAWEI_REGIONS.items()
        for number in numbers
    },
)
OTC: Final = Profile(
    name="otc",
    linux_min_disk_floor_gb=1,
    windows_min_disk_floor_gb=1,
    task_limit=40,
    domains=("otc.t-systems.com",),
    regions={
        "eu-de": _otc_endpoints("eu-de"),
        "eu-nl": _otc_endpoints("eu-nl"),
        "eu-ch2": _OTC_SWISS,
    },
)
FLEXIBLE_ENGINE: Final = Profile(
    name="flexibleengine",
    disk_formats=("qcow2", "raw", "vhd", "zvhd", "zvhd2"),
    assumed=frozenset(
        {
            "linux_min_disk_floor_gb",
            "windows_min_disk_floor_gb",
            "disk_formats",
            "takes_kms_objects",
        }
    ),
    domains=("prod-cloud-ocb.orange-business.com",),
    regions={"eu-west-0": _FLEXIBLE_ENGINE},
)
OPENSTACK: Final = Profile(
    name="openstack",
    linux_min_disk_floor_gb=0,
    windows_min_disk_floor_gb=0,
    disk_formats=("iso", "ploop", "qcow2", "raw", "vdi", "vhd", "vhdx", "vmdk"),
    takes_iso=True,
    takes_chinese_names=True,
    fetches_from_web=True,
    assumed=frozenset({"min_disk_ceiling_gb"}),  # Glance has none; manifests do
)
GENERIC: Final = Profile(
    name="generic",
    assumed=frozenset(_WIDEST.keys() - {"takes_windows"}),  # nobody's: what all take
)

PROFILES: Final = {
    profile.name: profile
    for profile in (HUAWEI, OTC, FLEXIBLE_ENGINE, OPENSTACK, GENERIC)
}


def profile_for(endpoint_host: str, explicit: str | None) -> Profile:
    """Return the profile that is named, else the one that the host belongs to.

    Raises:
        SettingsError: no profile has that name.
    """
    if explicit is not None:
        if explicit in PROFILES:
            return PROFILES[explicit]
        message = f"ims_profile {explicit!r} is not known"
        raise SettingsError(message, hint=f"use one of: {', '.join(PROFILES)}")
    host = endpoint_host.partition(":")[0].rstrip(".").lower()
    for profile in PROFILES.values():
        if any(f".{host}".endswith(f".{domain}") for domain in profile.domains):
            return profile
    return GENERIC


# "Image Attributes": letters, digits, blank and - . _, no blank at either end.
_NAME: Final = re.compile(r"[\w.-]([\w. -]{0,126}[\w.-])?", re.ASCII)
_NAME_WITH_CHINESE: Final = re.compile(
    r"[A-Za-z0-9_.\u4e00-\u9fff-]([A-Za-z0-9_. \u4e00-\u9fff-]{0,126}"
    r"[A-Za-z0-9_.\u4e00-\u9fff-])?"
)


def check_spec(spec: ImageSpec, profile: Profile) -> list[str]:
    """Return what this cloud would refuse of one entry, one sentence each."""
    problems = [
        source_problem(spec, profile),
        _name_problem(spec, profile),
        min_disk_problem(spec, profile),
        _disk_format_problem(spec, profile),
        _iso_problem(spec, profile),
        _windows_problem(spec, profile),
    ]
    return [problem for problem in problems if problem is not None]


def source_problem(spec: ImageSpec, profile: Profile) -> str | None:
    """Return that this cloud does not take the kind of source that an entry has."""
    if spec.is_from_web == profile.fetches_from_web:
        return None
    if spec.is_from_web:
        return (
            f"source_url: the {profile.name} profile takes files from buckets only; "
            "copy the file to a bucket, and name it with `bucket` and `object`, or set "
            "ims_profile: openstack if that is what the cloud is"
        )
    return (
        f"{spec.image_url!r} is an object in a bucket: the {profile.name} profile has "
        "no buckets; give `source_url`, an http or https address of the file"
    )


def min_disk_problem(spec: ImageSpec, profile: Profile) -> str | None:
    """Return that `min_disk` is beyond what this cloud takes for the operating system."""
    floor_gb = profile.min_disk_floor_gb(spec.os_version)
    if spec.min_disk_is_auto:  # made to fit
        return None
    if floor_gb <= spec.min_disk_gb <= profile.min_disk_ceiling_gb:
        return None
    return (
        f"min_disk {spec.min_disk_gb}: the {profile.name} profile takes {floor_gb} "
        f"to {profile.min_disk_ceiling_gb} GB for {spec.os_version!r}"
    )


def _is_windows(os_version: str) -> bool:
    return os_version.strip().lower().startswith("windows")


def _name_problem(spec: ImageSpec, profile: Profile) -> str | None:
    pattern = _NAME_WITH_CHINESE if profile.takes_chinese_names else _NAME
    if pattern.fullmatch(spec.name):
        return None
    return (
        f"name {spec.name!r}: the {profile.name} profile takes 1 to 128 letters, "
        "digits, blanks and - . _, without a blank at either end"
    )


def _disk_format_problem(spec: ImageSpec, profile: Profile) -> str | None:
    if spec.disk_format is None or spec.disk_format in profile.disk_formats:
        return None
    return (
        f"disk_format {spec.disk_format!r}: the {profile.name} profile takes "
        f"{', '.join(profile.disk_formats)}"
    )


def _iso_problem(spec: ImageSpec, profile: Profile) -> str | None:
    if profile.takes_iso or not spec.image_url.lower().endswith(".iso"):
        return None
    return (
        f"image_url {spec.image_url!r}: the {profile.name} profile does not register "
        "ISO files"
    )


def _windows_problem(spec: ImageSpec, profile: Profile) -> str | None:
    if profile.takes_windows or not _is_windows(spec.os_version):
        return None
    return (
        f"os_version {spec.os_version!r}: the {profile.name} profile takes no Windows "
        "metadata"
    )
