"""The rules of the register call: which sources it takes, and what becomes of them.

Source: IMS API reference, "Registering an image", its preconditions and error codes.
Whether a fault is told at once or only by the job is not documented: a switch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from batch_register.simulator.codes import Img
from batch_register.simulator.draws import between
from batch_register.simulator.objects import (
    SOURCE_FORMATS,
    ObjectStore,
    StoredBucket,
    StoredObject,
)
from batch_register.simulator.options import (
    GIB_BYTES,
    RegisterFault,
    SimulatorOptions,
)
from batch_register.simulator.refusals import ims

_LARGEST_BYTES = 128 * GIB_BYTES
_NOISE_RANGE = (0.85, 1.15)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


# What is wrong with a source: the kind, its code, and the text.
SourceFault = tuple[RegisterFault, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFate:
    """What a fault script decides about one job; none means as usual."""

    error_code: str | None = None
    error_reason: str = "the import failed"
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """How a submitted import will go; seconds from its submission."""

    init_s: float
    running_s: float
    error_code: str | None
    error_reason: str | None


def read_register(document: Mapping[str, object]) -> str:
    """Return the ``image_url`` of a register body, or refuse it."""
    image_url = document.get("image_url")
    if not isinstance(image_url, str):
        raise ims(Img.URL_MALFORMED, "The image URL is missing.")
    bucket, colon, key = image_url.partition(":")
    if not colon or not key or key.startswith("//"):
        raise ims(Img.URL_MALFORMED, "The image URL must be <bucket>:<object>.")
    if not bucket:
        raise ims(Img.BUCKET_EMPTY, "The bucket name is empty.")
    if not _BUCKET.fullmatch(bucket):
        raise ims(Img.BUCKET_CHARACTERS, "The bucket name contains invalid characters.")
    return image_url


def check_source(
    image_url: str, store: ObjectStore, options: SimulatorOptions
) -> SourceFault | None:
    """Return what is wrong with a source (fault, code, text), or None.

    Raises:
        Refusal: where the fault is of a kind that is told at once.
    """
    bucket = store.find_bucket(image_url.partition(":")[0])
    found = store.find(image_url)
    late = None
    for fault, code, text in _faults(image_url, bucket, found, options):
        if fault not in options.late_faults:
            raise ims(code, text)
        late = late or (fault, code, text)
    return late


def plan_job(
    source: StoredObject | None,
    late: SourceFault | None,
    fate: JobFate | None,
    min_disk_gb: int,
    options: SimulatorOptions,
) -> JobPlan:
    """Decide how long an import takes and how it ends.

    Duration grows with the file; noise of 15 % either way depends on its name.
    """
    error = _job_error(source, late, fate, min_disk_gb)
    label = source.image_url if source else ""
    fixed_s = source.job_duration_s if source else None
    if fate is not None and fate.duration_s is not None:
        fixed_s = fate.duration_s
    if fixed_s is not None:
        init_s, running_s = 0.0, fixed_s
    else:
        init_s = between(options.job_init_range_s, options.seed, "init", label)
        running_s = _running_s(source, options)
    code, reason = error or (None, None)
    return JobPlan(
        init_s=init_s, running_s=running_s, error_code=code, error_reason=reason
    )


def _faults(
    image_url: str,
    bucket: StoredBucket | None,
    found: StoredObject | None,
    options: SimulatorOptions,
) -> Iterator[SourceFault]:
    if any(character.isspace() for character in image_url):
        text = "The folder or file name contains a blank."
        yield RegisterFault.BLANK, Img.BLANK_IN_NAME, text
    if bucket is None or bucket.forbidden:
        text = "The bucket does not exist or is not accessible."
        yield RegisterFault.BUCKET, Img.BUCKET, text
    elif (bucket.region or options.region) != options.region:
        yield RegisterFault.REGION, Img.REGION, "The bucket is in another region."
    if found is None or not _readable(found, options):
        text = "The image file is empty, missing, unreadable or of a wrong format."
        yield RegisterFault.OBJECT, Img.FILE, text
    elif not _standard(bucket, found, options):
        text = "The storage class of the image file is not Standard."
        yield RegisterFault.STORAGE_CLASS, Img.FILE, text
    elif found.size_bytes > _LARGEST_BYTES:
        yield RegisterFault.SIZE, Img.TOO_BIG, "The image file exceeds 128 GB."


def _readable(found: StoredObject, options: SimulatorOptions) -> bool:
    formats = (
        SOURCE_FORMATS if options.cloud.iso_registers else SOURCE_FORMATS - {"iso"}
    )
    usable = found.size_bytes > 0 and found.format in formats
    return usable and not (found.forbidden or found.encrypted)


def _standard(
    bucket: StoredBucket | None, found: StoredObject, options: SimulatorOptions
) -> bool:
    if bucket is not None and bucket.storage_class != "STANDARD":
        return False
    return found.storage_class == "STANDARD" or not options.cloud.object_class_matters


def _job_error(
    source: StoredObject | None,
    late: SourceFault | None,
    fate: JobFate | None,
    min_disk_gb: int,
) -> tuple[str, str] | None:
    if fate is not None and fate.error_code is not None:
        return fate.error_code, fate.error_reason
    if late is not None:
        return late[1], late[2]
    if source is None:
        return None
    if source.job_error_code is not None:
        return source.job_error_code, source.job_error_reason
    virtual_bytes = source.virtual_size_bytes or 0
    if virtual_bytes > min_disk_gb * GIB_BYTES:
        # The failure is documented in the provider's FAQ, its code is not.
        return Img.REGISTER_FAILED, "The system disk is larger than min_disk."
    return None


def _running_s(source: StoredObject | None, options: SimulatorOptions) -> float:
    low_s, high_s = options.job_running_range_s
    if source is None:
        return low_s
    share = min(source.size_bytes / options.job_longest_at_bytes, 1.0)
    noise = between(_NOISE_RANGE, options.seed, "running", source.image_url)
    return min(max((low_s + (high_s - low_s) * share) * noise, low_s), high_s)
