"""Everything about the simulated cloud that a caller may choose.

Each switch stands for a question that the providers' pages leave open, or for a
difference between clouds; the default is the reading that is best supported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from batch_register.simulator.draws import hex_id
from batch_register.simulator.profiles import PROFILES, ProfileFlags, ProfileName

GIB_BYTES = 1 << 30


class RegisterFault(StrEnum):
    """What can be wrong with the source of a register call."""

    BLANK = "blank"
    BUCKET = "bucket"
    OBJECT = "object"
    STORAGE_CLASS = "storage_class"
    REGION = "region"
    SIZE = "size"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCredential:
    """A secret that stands for its user inside one project."""

    id: str
    name: str
    secret: str = field(repr=False)
    project_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAccount:
    """Someone who may ask IAM for tokens."""

    name: str = "rehearsal"
    password: str = field(default=hex_id("made-up password"), repr=False)
    id: str = hex_id("user", "rehearsal")
    domain_name: str = "SIMULATED-ACCOUNT"
    domain_id: str = hex_id("domain", "SIMULATED-ACCOUNT")
    passcode: str | None = field(default=None, repr=False)  # wanted beside the password
    application_credentials: tuple[ApplicationCredential, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """What an account lets the users of another one do in its name."""

    name: str
    domain_name: str = "SIMULATED-ACCOUNT"  # of the account that owns the projects
    domain_id: str = hex_id("domain", "SIMULATED-ACCOUNT")
    delegated_domain_name: str = "SIMULATED-PARTNER"  # of those who may use it


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A key pair; a security token makes it a temporary one."""

    access: str = "AKSIMULATED000000001"
    secret: str = field(default=hex_id("made-up secret key"), repr=False)
    security_token: str | None = field(default=None, repr=False)
    expires_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project, as IAM lists it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A gateway policy: so many calls of one route in a window, as a token bucket."""

    limit: int
    window_s: int
    scope: Literal["user", "ip"] = "user"
    routes: tuple[str, ...] = ()  # none named: each route has its own bucket
    counts_rejected: bool = False
    retry_after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """How this cloud behaves; durations are seconds of service time."""

    # Who is served.
    profile: ProfileName = "otc"
    flags: ProfileFlags | None = None  # none: those of the profile
    region: str = "sim-region-1"
    project_id: str = hex_id("project", "rehearsal")
    project_name: str | None = None  # none: named like the region
    other_projects: tuple[Project, ...] = ()
    users: tuple[UserAccount, ...] = (UserAccount(),)
    access_keys: tuple[AccessKey, ...] = (AccessKey(),)
    agencies: tuple[Agency, ...] = ()
    # Time.
    start_s: float | None = None  # none: the world's time when it starts
    speed: float = 1.0
    seed: int = 0
    gateway_skew_s: float = 0.0
    signature_skew_s: float = 15 * 60
    token_lifetime_s: float = 24 * 3600
    token_revoked_after_s: float | None = None
    # How many.
    quota: int | None = None  # none: that of the profile
    task_limit: int = 40
    rate_limits: tuple[RateLimit, ...] = ()
    gateway_prefix: Literal["APIGW", "APIG"] = "APIGW"
    signed_body_limit_bytes: int = 12 * 1000 * 1000
    audit_requests: int = 200_000
    entry_tag_key: str = "br-entry"
    # How long.
    job_init_range_s: tuple[float, float] = (1.0, 5.0)
    job_running_range_s: tuple[float, float] = (120.0, 600.0)
    job_longest_at_bytes: int = 64 * GIB_BYTES
    active_offset_range_s: tuple[float, float] = (-5.0, 5.0)
    delete_linger_range_s: tuple[float, float] = (3.0, 15.0)
    job_retention_s: float | None = None
    # Eventual consistency.
    get_create_lag_s: float = 0.0
    list_create_lag_s: float = 0.0
    list_status_lag_s: float = 0.0
    list_delete_lag_s: float = 0.0
    job_get_lag_s: float = 0.0
    # Create.
    strict_os_version: bool = False
    strict_tags: bool = False
    duplicate_names_refused: bool = False
    tags_on_create: Literal["honoured", "dropped"] = "honoured"
    extra_properties: Literal["dropped", "kept", "refused"] = "dropped"
    location_header: bool = False
    # Register and jobs.
    unknown_image_on_register: Literal["IMG.0027", "404"] = "IMG.0027"
    second_register: Literal["conflict", "refused", "accepted"] = "conflict"
    late_faults: frozenset[RegisterFault] = frozenset()
    failed_state: Literal["killed", "queued", "saving"] = "killed"
    job_id_blank: bool = False
    legacy_job_times: bool = False
    job_error_place: Literal["top", "entities", "both"] = "top"
    job_entities_empty: bool = False
    unknown_job_status: Literal[400, 404] = 400
    # Lists, reads and deletes.
    native_errors: Literal["glance", "wrapped", "html", "img"] = "glance"
    tag_filter: Literal["honoured", "ignored", "matches_nothing"] = "honoured"
    unknown_filters: Literal["ignored", "refused"] = "ignored"
    unknown_marker_status: Literal[400, 404] = 400
    glance_in: bool = False
    page_info: bool = False
    delete_unknown: Literal["no_content", "not_found"] = "no_content"
    delete_saving: Literal["refused", "cancels"] = "refused"
    delete_shows: Literal["pending_delete", "unchanged"] = "pending_delete"
    # Objects.
    objects_exist_by_default: bool = False
    object_access: Literal["signed", "open"] = "signed"

    def __post_init__(self) -> None:
        if self.speed <= 0:
            message = f"speed must be positive, not {self.speed}"
            raise ValueError(message)
        if not (self.users and self.access_keys):
            message = "a cloud without a user or an access key serves nobody"
            raise ValueError(message)

    @property
    def cloud(self) -> ProfileFlags:
        """The flags in force."""
        return self.flags or PROFILES[self.profile]

    @property
    def image_quota(self) -> int:
        """The number of private images that this project may have."""
        return self.cloud.quota if self.quota is None else self.quota

    @property
    def project(self) -> Project:
        """The project whose images this service keeps."""
        return Project(id=self.project_id, name=self.project_name or self.region)

    @property
    def projects(self) -> tuple[Project, ...]:
        """Every project that IAM knows, ours first."""
        return (self.project, *self.other_projects)
