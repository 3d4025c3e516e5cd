"""Which entry is in which shard, and what a part knows of the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from batch_register.model import EntryKey, ImageSpec, Manifest, entry_digest
from batch_register.shard import MOST_SHARDS, Shard, part_of, titled
from tests.fakes import spec

KEYS = st.text(min_size=1, max_size=20).map(EntryKey)


def all_of(count: int) -> list[Shard]:
    """Return every shard of a manifest that is split so."""
    return [Shard(index=index, count=count) for index in range(count)]


def manifest(*keys: str, name: str = "wave-07") -> Manifest:
    return Manifest(
        name=name, images=tuple(replace(spec(), key=EntryKey(key)) for key in keys)
    )


@given(name=st.text(min_size=1), key=KEYS, count=st.integers(1, 50))
def test_every_entry_is_in_exactly_one_shard(
    name: str, key: EntryKey, count: int
) -> None:
    assert sum(shard.holds(name, key) for shard in all_of(count)) == 1


@given(st.lists(KEYS, unique=True, max_size=30), st.integers(1, 12), st.randoms())
def test_where_an_entry_is_depends_on_no_other(keys, count, rng) -> None:
    shuffled = list(keys)
    rng.shuffle(shuffled)
    some = shuffled[: len(keys) // 2]
    for shard in all_of(count):
        ours = {one.key for one in part_of(manifest(*keys), shard).images}
        assert {one.key for one in part_of(manifest(*some), shard).images} == ours & {
            *some
        }


def test_the_same_entries_are_in_the_same_shard_for_ever() -> None:
    """Ledgers of earlier nights are of these: another split would look for its images."""
    places = [
        next(s.index for s in all_of(4) if s.holds("wave-07", EntryKey(key)))
        for key in ("web-01", "web-02", "web-03", "db-01")
    ]
    assert places == [2, 1, 2, 0]


@pytest.mark.parametrize("pattern", ["web-{}", "host-{:05d}", "{}", "rack-{}.disk-1"])
def test_shards_are_about_as_large_as_one_another(pattern: str) -> None:
    """1,000 entries in 4 shards: 250 each, give or take three standard deviations."""
    keys = [EntryKey(pattern.format(n)) for n in range(1000)]
    sizes = Counter(
        shard.index for shard in all_of(4) for key in keys if shard.holds("wave", key)
    )
    assert all(209 <= size <= 291 for size in sizes.values()), sizes


def test_an_image_tells_by_its_tag_alone_whose_it_is() -> None:
    for shard in all_of(3):
        tag = entry_digest("wave-07", EntryKey("web-01"))
        assert shard.holds_tag(tag) is shard.holds("wave-07", EntryKey("web-01"))
    assert sum(shard.holds_tag("") for shard in all_of(3)) == 1


@given(st.lists(KEYS, unique=True, max_size=30), st.integers(1, 12))
def test_the_parts_are_the_manifest_and_know_of_one_another(keys, count) -> None:
    whole = manifest(*keys)
    parts = [part_of(whole, shard) for shard in all_of(count)]
    found: list[ImageSpec] = [one for part in parts for one in part.images]
    assert sorted(one.key for one in found) == sorted(keys)
    tags = {entry_digest(whole.name, key) for key in keys}
    for part in parts:
        ours = {entry_digest(whole.name, one.key) for one in part.images}
        assert part.elsewhere == tags - ours
        assert list(part.images) == [one for one in whole.images if one in part.images]


def test_without_a_shard_the_manifest_is_left_as_it_is() -> None:
    whole = manifest("a", "b")
    assert part_of(whole, None) is whole


@pytest.mark.parametrize("text", ["0/1", "0/4", "3/4", f"9999/{MOST_SHARDS}"])
def test_a_shard_is_read_as_it_is_written(text: str) -> None:
    assert str(Shard.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4/4", "must be 0/4 to 3/4: shards count from 0"),
        ("1/1", "must be 0/1: shards count from 0"),
        ("0/0", "must be one of 1 to 10000 shards"),
        ("0/10001", "must be one of 1 to 10000 shards"),
        *(
            (text, "must be a shard and their number, such as 0/4")
            for text in ("", "1", "/4", "1/", "-1/4", "1/4/4", "1 / 4", "٣/4", "a/b")
        ),
    ],
)
def test_anything_else_is_refused_and_says_what_it_must_be(
    text: str, message: str
) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        Shard.parse(text)
    assert str(caught.value) == message


def test_a_shard_has_a_name_for_files_and_one_for_people() -> None:
    one = Shard(index=0, count=4)
    assert (one.file_word, titled("wave-07", one)) == ("0-of-4", "wave-07, shard 0/4")
    assert titled("wave-07", None) == "wave-07"
