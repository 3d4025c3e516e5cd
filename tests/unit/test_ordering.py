"""In which order entries are admitted, and what earlier imports tell of later ones."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, strategies as st

from batch_register.entry import EntryRecord
from batch_register.model import EntryKey, FaultKind, ImageId, ImageSpec
from batch_register.ordering import (
    DurationModel,
    fit,
    observed_s,
    ranking,
)
from batch_register.stage import (
    Active,
    Deferred,
    Failed,
    Planned,
    Registered,
    Registering,
    Stage,
    Unknown,
)
from tests.fakes import fault, spec
from tests.unit.samples import IMAGE

PASSING = fault(FaultKind.LOST)
ACTIVE = Active(image_id=IMAGE, job_id=None, size_bytes=1)
FAILED = Failed(fault=fault(FaultKind.JOB_FAILED))


def record(
    key: str, stage: Stage, *, size: int | None = None, took_s: int | None = None
) -> EntryRecord:
    """Return a record whose last attempt began at midnight and took so long."""
    finished = None
    if took_s is not None:
        hours, rest = divmod(took_s, 3600)
        finished = f"2026-09-01T{hours:02}:{rest // 60:02}:{rest % 60:02}.000Z"
    return EntryRecord(
        key=EntryKey(key),
        stage=stage,
        size_bytes=size,
        started_at="2026-09-01T00:00:00.000Z",
        finished_at=finished,
    )


def order(specs: list[ImageSpec], *records: EntryRecord, runs: tuple[str, ...] = ()):
    by_key = {one.key: one for one in records}
    return [one.key for one in sorted(specs, key=ranking(specs, by_key, runs))]


# ------------------------------------------------------------ the order


def test_admission_goes_by_priority_then_size_then_place_in_the_file() -> None:
    small, large = spec("small", size_bytes=1), spec("large", size_bytes=9)
    twin, urgent = spec("twin", size_bytes=9), spec("urgent", priority=5)
    late = spec("late", priority=-1, size_bytes=99)
    specs = [late, small, large, twin, urgent]
    assert order(specs) == ["urgent", "large", "twin", "small", "late"]


def test_without_any_size_the_file_decides() -> None:
    assert order([spec(key) for key in "bca"]) == ["b", "c", "a"]


def test_a_size_that_nobody_knows_counts_as_large() -> None:
    """What may be long must not start last: see `_expectations`."""
    sized = [spec(f"s{n}", size_bytes=n) for n in range(1, 12)]
    keys = order([*sized, spec("unknown")])
    assert keys[:3] == ["s11", "s10", "unknown"]


def test_what_was_deferred_goes_first_within_its_priority() -> None:
    specs = [spec("urgent", priority=1), spec("new", size_bytes=9), spec("held")]
    held = record("held", Deferred(fault=PASSING))
    assert order(specs, held) == ["urgent", "held", "new"]


@pytest.mark.parametrize(
    "stage",
    [
        Registering(image_id=IMAGE),
        Registered(image_id=IMAGE, job_id=None),
        Unknown(fault=PASSING, was=Registered(image_id=IMAGE, job_id=None)),
    ],
)
def test_what_runs_at_the_service_already_goes_first_within_its_priority(
    stage: Stage,
) -> None:
    specs = [spec("large", size_bytes=9), spec("held"), spec("running", size_bytes=1)]
    specs.append(spec("urgent", priority=9))
    held = record("held", Deferred(fault=PASSING))
    expected = ["urgent", "running", "held", "large"]
    assert order(specs, record("running", stage), held) == expected


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.none() | st.integers(1, 5), st.booleans()),
        max_size=40,
    )
)
def test_every_entry_is_admitted_once_and_equals_keep_their_places(
    drawn: list[tuple[int, int | None, bool]],
) -> None:
    specs = [
        spec(f"e{n}", priority=priority, size_bytes=size)
        for n, (priority, size, _) in enumerate(drawn)
    ]
    records = {
        EntryKey(f"e{n}"): record(f"e{n}", Deferred(fault=PASSING))
        for n, (_, _, is_held) in enumerate(drawn)
        if is_held
    }
    ordered = sorted(specs, key=ranking(specs, records))
    assert Counter(one.key for one in ordered) == Counter(one.key for one in specs)
    ranks = [
        (-one.priority, one.key not in records, -(one.size_bytes or 0))
        for one in ordered
    ]
    assert [rank[:2] for rank in ranks] == sorted(rank[:2] for rank in ranks)
    by_rank: dict[tuple[int, bool, int], list[int]] = {}
    for one, rank in zip(ordered, ranks, strict=True):
        by_rank.setdefault(rank, []).append(int(one.key[1:]))
    assert all(places == sorted(places) for places in by_rank.values())


def test_of_very_many_sizes_a_part_tells_which_one_counts_as_large() -> None:
    sized = [spec(f"s{n}", size_bytes=n) for n in range(1, 10_001)]
    rank = ranking([*sized, spec("unknown")], {})
    (*_, expected) = rank(spec("unknown"))
    assert -expected == pytest.approx(9_000, rel=0.01)


@pytest.mark.parametrize("many", [2_001, 3_000, 4_000, 10_000])
def test_a_regular_manifest_does_not_hide_half_of_its_sizes(many: int) -> None:
    sized = [spec(f"s{n}", size_bytes=1 + 98 * (n % 2)) for n in range(many)]
    rank = ranking([*sized, spec("unknown")], {})
    assert rank(spec("unknown"))[-1] == -99


# ------------------------------------------------------------ earlier nights


def test_the_few_imports_whose_time_is_known_are_found_among_very_many() -> None:
    taken_over = [record(f"t{n}", ACTIVE, size=n + 1) for n in range(5_000)]
    known = [record(f"k{n}", ACTIVE, size=n, took_s=n * 60) for n in range(1, 7)]
    rank = ranking(
        [spec("new", size_bytes=3)], {one.key: one for one in taken_over + known}
    )
    assert rank(spec("new", size_bytes=3))[-1] == pytest.approx(-180)


def test_an_attempt_that_failed_after_long_is_expected_to_take_no_less() -> None:
    known = [record(f"k{n}", ACTIVE, size=n, took_s=n * 60) for n in range(1, 7)]
    specs = [spec("large", size_bytes=20), spec("small", size_bytes=2), spec("again")]
    specs[-1] = spec("again", size_bytes=1)
    failed = record("again", FAILED, took_s=1000)
    assert order(specs, *known, failed) == ["large", "again", "small"]
    soon = record("again", FAILED, took_s=5)
    assert order(specs, *known, soon) == ["large", "small", "again"]


def test_without_earlier_nights_seconds_are_not_compared_with_bytes() -> None:
    specs = [spec("again", size_bytes=1), spec("small", size_bytes=2)]
    failed = record("again", FAILED, took_s=1000)
    assert order(specs, failed) == ["small", "again"]


def test_the_manifests_size_goes_before_the_clouds() -> None:
    """A cloud may tell the converted image's size: hints are compared with hints."""
    done = [spec(f"k{n}", size_bytes=n * 10) for n in range(1, 7)]
    known = [record(f"k{n}", ACTIVE, size=7, took_s=n * 100) for n in range(1, 7)]
    again, other = spec("again", size_bytes=1), spec("other", size_bytes=30)
    failed = record("again", FAILED, took_s=299)
    ordered = order([again, other, *done], *known, failed)
    assert ordered.index("other") < ordered.index("again")
    failed = record("again", FAILED, took_s=301)
    ordered = order([again, other, *done], *known, failed)
    assert ordered.index("again") < ordered.index("other")


@pytest.mark.parametrize(
    ("began", "ended", "expected"),
    [
        ("2026-09-01T00:00:00.000Z", "2026-09-01T00:01:30.500Z", 90.5),
        ("2026-09-01T00:00:00.000Z", None, None),
        (None, "2026-09-01T00:00:00.000Z", None),
        ("2026-09-01T00:00:01.000Z", "2026-09-01T00:00:00.000Z", 0.0),
        ("2026-09-01T00:00:00.000Z", "2026-09-02T00:00:01.000Z", None),
        ("soon", "sooner", None),
        ("2026-09-01T00:00:00", "2026-09-01T00:00:00Z", None),
    ],
)
def test_only_an_attempt_within_one_run_has_a_duration(
    began: str | None, ended: str | None, expected: float | None
) -> None:
    one = EntryRecord(key=EntryKey("a"), started_at=began, finished_at=ended)
    runs = ("2026-08-31T00:00:00.000Z", "2026-09-02T00:00:00.000Z")
    assert observed_s(one, runs) == expected


# ------------------------------------------------------------ the model


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], None),
        ([(1, 1.0), (2, 2.0)], None),
        ([(10, 25.0), (20, 45.0), (30, 65.0)], DurationModel(base_s=5, s_per_byte=2)),
        ([(10, 7.0), (10, 7.0), (10, 9.0)], DurationModel(base_s=7, s_per_byte=0)),
        ([(10, 9.0), (20, 8.0), (30, 7.0)], DurationModel(base_s=8, s_per_byte=0)),
        # below zero it would begin: through the origin then
        ([(10, 1.0), (20, 20.0), (30, 60.0)], DurationModel(s_per_byte=1)),
        ([(0, 0.0), (0, 3.0), (0, 4.0)], DurationModel(base_s=3, s_per_byte=0)),
    ],
)
def test_a_line_is_fitted(
    samples: list[tuple[int, float]], expected: DurationModel | None
) -> None:
    assert fit(samples) == expected


def test_stuck_imports_do_not_tilt_the_line() -> None:
    rng = random.Random(1)
    sizes = [rng.lognormvariate(2, 0.6) * 1e9 for _ in range(200)]
    samples = [(int(size), 30 + size / 1e8 * rng.uniform(0.8, 1.2)) for size in sizes]
    clean = fit(samples)
    stuck = fit([*samples, *((int(1e9), 3600.0) for _ in range(10))])
    assert clean is not None
    assert stuck is not None
    for size in (5_000_000_000, 20_000_000_000):
        assert clean.expected_s(size) == pytest.approx(30 + size / 1e8, rel=0.1)
        assert stuck.expected_s(size) == pytest.approx(30 + size / 1e8, rel=0.15)


@given(st.lists(st.tuples(st.integers(0, 10**13), st.floats(0, 1e6)), min_size=3))
def test_more_bytes_are_never_expected_to_take_less_time(
    samples: list[tuple[int, float]],
) -> None:
    model = fit(samples)
    assert model is not None
    assert model.base_s >= 0
    assert 0 <= model.expected_s(10) <= model.expected_s(10**12)


def test_what_was_never_observed_is_ordered_by_size_alone() -> None:
    dead = record("dead", FAILED)
    fresh = record("fresh", Planned())
    no_size = record("odd", Active(image_id=ImageId("i"), job_id=None, size_bytes=0))
    specs = [spec("dead", size_bytes=2), spec("fresh", size_bytes=3)]
    assert order(specs, dead, fresh, no_size) == ["fresh", "dead"]
