"""Every metric once: its name, its kind, its labels, what it tells.

Decides: what is measured and how it is called. Must not know: where values come from,
how they are written.

Names follow Prometheus, "Metric and label naming": base units, no count without what it
counts. One file tells of one run, so that even counts are gauges here: the next file
begins at 0 again, and a counter's rate over runs would mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "batch_register_"
# Of every metric. Two projects may use one manifest on one machine: their files must not
# tell of the same series.
BASE_LABELS = ("manifest", "project", "region")
# Of every metric of a run with --shard, for the same reason.
SHARD_LABEL = "shard"
# From the smallest test image to what takes a night's better part.
BUCKETS_S = (10, 30, 60, 120, 300, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200)


class Kind(StrEnum):
    """The kind of a metric, in Prometheus's own word."""

    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `labels` come beside those that all have."""

    short_name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: Kind = Kind.GAUGE

    @property
    def name(self) -> str:
        """Return the whole name."""
        return PREFIX + self.short_name


LAST_SUCCESS = Metric(
    "last_success_timestamp_seconds",
    "When a run last ended with exit code 0, Unix time; absent before the first one.",
)
LAST_RUN = Metric("last_run_timestamp_seconds", "When the last run ended, Unix time.")
DURATION = Metric(
    "last_run_duration_seconds", "How long the last run took, by the wall clock."
)
EXIT_CODE = Metric("last_run_exit_code", "The exit code of the last run.")
ENTRIES = Metric(
    "entries", "Entries of the manifest by state, as the report words it.", ("state",)
)
REFUSED_SOURCES = Metric(
    "refused_sources",
    "Failed entries whose source is not fit or could not be uploaded, by the action that"
    " is due.",
    ("action",),
)
IMAGE_DURATION = Metric(
    "last_run_image_duration_seconds",
    "From the first create to active, of the images that became active in the last run.",
    kind=Kind.HISTOGRAM,
)
REQUESTS = Metric(
    "last_run_requests",
    "Requests of the last run to the image service, a list with all its pages as one;"
    " outcome: ok, a kind of fault, or cancelled.",
    ("call", "outcome"),
)
RETRIES = Metric("last_run_retries", "Calls that the last run sent again.")
THROTTLED = Metric(
    "last_run_throttled_requests",
    "Requests of the last run that were refused for too many requests or unfinished jobs.",
)
PAUSES = Metric(
    "last_run_throttle_pauses",
    "Pauses that the service asked for; those that overlap are one; at most 200.",
)
PAUSE_SECONDS = Metric(
    "last_run_throttle_pause_seconds", "How long these pauses were together."
)
QUOTA_USED = Metric(
    "quota_used_images",
    "Private images of the project, as last read in the last run; absent if it was not.",
)
QUOTA_LIMIT = Metric(
    "quota_limit_images",
    "The most private images of the project, as last read; absent if it was not.",
)
UPLOADED_BYTES = Metric(
    "last_run_uploaded_bytes",
    "Bytes that the last run sent to buckets; of an upload that it did not complete, as"
    " far as it had noted them.",
)
TASK_LIMIT = Metric(
    "task_limit",
    "Unfinished jobs that the cloud allows, as learned; absent until then.",
)
ACTIVE_BYTES = Metric("active_bytes", "The sizes of all active images together.")
LAST_RUN_BYTES = Metric(
    "last_run_active_bytes", "The sizes of those that became active in the last run."
)
LEDGER_SIZE = Metric("ledger_size_bytes", "The size of the ledger file.")

METRICS = (
    LAST_SUCCESS,
    LAST_RUN,
    DURATION,
    EXIT_CODE,
    ENTRIES,
    REFUSED_SOURCES,
    IMAGE_DURATION,
    REQUESTS,
    RETRIES,
    THROTTLED,
    PAUSES,
    PAUSE_SECONDS,
    QUOTA_USED,
    QUOTA_LIMIT,
    UPLOADED_BYTES,
    TASK_LIMIT,
    ACTIVE_BYTES,
    LAST_RUN_BYTES,
    LEDGER_SIZE,
)
