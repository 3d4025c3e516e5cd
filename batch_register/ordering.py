"""In which order entries are admitted, and how long each is expected to take.

Decides: which entry goes before which; what earlier imports tell of later ones. Must not
know: quotas, slots, clocks (durations come from the ledger's own stamps).
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from batch_register.entry import EntryRecord
from batch_register.model import EntryKey, ImageSpec
from batch_register.stage import Active, Deferred, Failed, Registered, Registering

# Fewer observed imports than this tell nothing of how duration follows size.
_LEAST_SAMPLES = 3
# The share of the known sizes that an unknown one is taken to exceed.
_LARGE = 0.9
# So many sizes, or imports, tell all that a median or a line through them needs to know.
_ENOUGH = 2_000
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationModel:
    """An import's expected duration: `base_s` and so much for each byte of its file.

    Without any observation a byte counts as a second: only the order matters then.
    """

    base_s: float = 0.0
    s_per_byte: float = 1.0

    def expected_s(self, size_bytes: int) -> float:
        """Return how long the import of a file of this size is expected to take."""
        return self.base_s + self.s_per_byte * size_bytes


def fit(samples: Iterable[tuple[int, float]]) -> DurationModel | None:
    """Return a line through pairs of size (bytes) and duration (s); None: too few.

    The slope lies between the medians of the smallest and of the largest third, so that
    neither a stuck import nor a wrong size can tilt it (Tukey, "Exploratory Data
    Analysis", 1977: the resistant line). It never falls, and never begins below zero.
    """
    ordered = sorted(samples)
    if len(ordered) < _LEAST_SAMPLES:
        return None
    third = max(len(ordered) // 3, 1)
    low_size, low_s = _middle(ordered[:third])
    high_size, high_s = _middle(ordered[-third:])
    slope = 0.0
    if high_size > low_size:
        slope = max((high_s - low_s) / (high_size - low_size), 0.0)
    base_s = statistics.median(each_s - slope * size for size, each_s in ordered)
    if base_s < 0.0:
        base_s, slope = 0.0, _median_ratio(ordered)
    return DurationModel(base_s=base_s, s_per_byte=slope)


def _middle(samples: Sequence[tuple[int, float]]) -> tuple[float, float]:
    sizes, durations_s = zip(*samples, strict=True)
    return statistics.median(sizes), statistics.median(durations_s)


def _median_ratio(samples: Sequence[tuple[int, float]]) -> float:
    return statistics.median(each_s / max(size, 1) for size, each_s in samples)


Rank = tuple[int, bool, bool, float]


def ranking(
    specs: Sequence[ImageSpec],
    records: Mapping[EntryKey, EntryRecord],
    run_starts: Sequence[str] = (),
) -> Callable[[ImageSpec], Rank]:
    """Return what orders specs as they are admitted; equal ones keep their places.

    1. Higher priority first.
    2. Within one priority what the service has in hand already: it runs there whether it
       is followed or not, and takes one of its task places. Then what an earlier run has
       deferred.
    3. Longest expected first, which ends a batch sooner: what starts last is short
       (Graham, "Bounds on Multiprocessing Timing Anomalies", 1969).
    4. The place in the file, as the specs are sorted.

    `run_starts` are the stamps at which the ledger's runs began, in their order.
    """
    expected_s = _expectations(specs, records, run_starts)

    def rank(spec: ImageSpec) -> Rank:
        record = records.get(spec.key)
        is_in_hand = record is not None and isinstance(
            record.certain_stage, Registering | Registered
        )
        is_deferred = record is not None and isinstance(record.stage, Deferred)
        return -spec.priority, not is_in_hand, not is_deferred, -expected_s(spec)

    return rank


def _expectations(
    specs: Sequence[ImageSpec],
    records: Mapping[EntryKey, EntryRecord],
    run_starts: Sequence[str],
) -> Callable[[ImageSpec], float]:
    """Return what tells how long each spec is expected to take, in s or in bytes.

    A size that nobody knows counts as large: what may be long must not start last, while
    what is known to be short fills the end. With 10 to 80 % of 500 sizes unknown that ends
    within 2 to 10 % of the bound on 40 slots; counted as the median, within 4 to 18 %.
    """
    fitted = fit(_samples(specs, records, run_starts))
    model = fitted or DurationModel()
    known = (_size_bytes(spec, records.get(spec.key)) for spec in specs)
    sizes = sorted(_spread([size for size in known if size]))
    large = sizes[int(_LARGE * (len(sizes) - 1))] if sizes else 0
    unknown_s = model.expected_s(large)

    def expected_s(spec: ImageSpec) -> float:
        record = records.get(spec.key)
        size = _size_bytes(spec, record)
        by_size_s = model.expected_s(size) if size else unknown_s
        if fitted is None or record is None or not isinstance(record.stage, Failed):
            return by_size_s
        # an attempt that failed after so long tells that the next one takes no less
        return max(by_size_s, observed_s(record, run_starts) or 0.0)

    return expected_s


def _size_bytes(spec: ImageSpec, record: EntryRecord | None) -> int | None:
    """Return the file's size: as a look has shown it, else the manifest's hint."""
    if record is not None and record.source is not None:
        return record.source.size_bytes
    return spec.size_bytes


def _samples(
    specs: Iterable[ImageSpec],
    records: Mapping[EntryKey, EntryRecord],
    run_starts: Sequence[str],
) -> list[tuple[int, float]]:
    """Return size and duration of earlier imports; the file's size, if it is known."""
    ended = [one for one in records.values() if _was_timed(one)]
    chosen = {record.key: record for record in _spread(ended)}
    if not chosen:
        return []
    hints = {
        spec.key: _size_bytes(spec, chosen[spec.key])
        for spec in specs
        if spec.key in chosen
    }
    samples: list[tuple[int, float]] = []
    for key, record in chosen.items():
        size, took_s = (
            hints.get(key) or record.size_bytes,
            observed_s(record, run_starts),
        )
        if size and took_s is not None:
            samples.append((size, took_s))
    return samples


def _was_timed(record: EntryRecord) -> bool:
    return isinstance(record.stage, Active) and record.finished_at is not None


def _spread(items: Sequence[_T]) -> Sequence[_T]:
    """Return a part of many items: it tells as much as all of them.

    Evenly spread, yet in no step that the pattern of a regular manifest could follow
    (the multiples of the golden ratio: Weyl, 1916).
    """
    many = len(items)
    if many <= _ENOUGH:
        return items
    return [items[int(n * _GOLDEN % 1.0 * many)] for n in range(_ENOUGH)]


def observed_s(record: EntryRecord, run_starts: Sequence[str]) -> float | None:
    """Return how long an entry's last attempt took, in s; None where nobody knows.

    One that a second run had to end tells of the time between runs, not of the import.
    """
    began, ended = record.started_at, record.finished_at
    if began is None or ended is None:
        return None
    if bisect_right(run_starts, began) != bisect_right(run_starts, ended):
        return None
    try:
        took = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
    except (ValueError, TypeError):  # not stamps of a ledger's own
        return None
    return max(took.total_seconds(), 0.0)
