"""What differs from cloud to cloud, bundled under the cloud's name.

Sources: the providers' IMS API references (create metadata, register, jobs, delete)
and their constraints pages. What no page states is marked as our assumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProfileName = Literal["huawei", "otc", "flexibleengine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFlags:
    """The documented differences between two clouds of this family."""

    disk_formats: frozenset[str]
    default_disk_format: str
    min_disk_floor_gb: int
    windows_min_disk_floor_gb: int
    min_disk_ceiling_gb: int = 1024
    windows_allowed: bool
    iso_registers: bool
    progress_route: bool
    jobs_name_the_image: bool
    object_class_matters: bool
    chinese_names: bool
    extension_filters: frozenset[str]
    protected_code: str
    quota: int


_COMMON_FILTERS = frozenset(
    {"__whole_image", "__system__cmkid", "virtual_env_type", "enterprise_project_id"}
)

PROFILES: dict[ProfileName, ProfileFlags] = {
    "huawei": ProfileFlags(
        disk_formats=frozenset({"zvhd2", "vhd", "raw", "qcow2", "iso"}),
        default_disk_format="zvhd2",
        min_disk_floor_gb=10,
        windows_min_disk_floor_gb=20,
        windows_allowed=False,
        iso_registers=True,
        progress_route=True,
        jobs_name_the_image=True,
        object_class_matters=True,
        chinese_names=True,
        extension_filters=_COMMON_FILTERS | {"flavor_id", "architecture"},
        protected_code="IMG.0091",
        quota=100,
    ),
    "otc": ProfileFlags(
        disk_formats=frozenset({"zvhd2", "vhd", "raw", "qcow2"}),
        default_disk_format="zvhd2",
        min_disk_floor_gb=1,
        windows_min_disk_floor_gb=1,
        windows_allowed=True,
        iso_registers=False,
        progress_route=False,
        jobs_name_the_image=False,
        object_class_matters=True,
        chinese_names=False,
        extension_filters=_COMMON_FILTERS,
        protected_code="IMG.0028",
        quota=50,
    ),
    "flexibleengine": ProfileFlags(
        disk_formats=frozenset({"vhd", "zvhd", "zvhd2", "raw", "qcow2"}),
        default_disk_format="vhd",
        min_disk_floor_gb=40,
        windows_min_disk_floor_gb=40,
        windows_allowed=True,
        iso_registers=False,
        progress_route=False,
        jobs_name_the_image=False,
        object_class_matters=True,
        chinese_names=False,
        extension_filters=_COMMON_FILTERS,
        protected_code="IMG.0028",
        # No page states a figure: the quota call's own example is assumed.
        quota=50,
    ),
}
