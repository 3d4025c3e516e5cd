"""One part of a manifest, for one of several runs that know nothing of each other.

Decides: which entry is in which shard. That depends on the manifest's name, the entry's
key and the number of shards alone: not on the order, on other entries, on the machine.
Must not know: ledgers, how many runs there are, who starts them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

from batch_register.model import EntryKey, Manifest, entry_digest

MOST_SHARDS = 10_000
_FORM = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of `count` shards; `index` counts from 0.

    So do JOB_COMPLETION_INDEX (Kubernetes, "Indexed Job for Parallel Processing with
    Static Work Assignment") and map_index (Airflow, "Dynamic Task Mapping").
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that a text such as `0/4` spells.

        Raises:
            ValueError: it spells none; the message begins with "must be".
        """
        form = _FORM.fullmatch(text)
        if form is None:
            message = "must be a shard and their number, such as 0/4"
            raise ValueError(message)
        index, count = int(form[1]), int(form[2])
        if not 1 <= count <= MOST_SHARDS:
            message = f"must be one of 1 to {MOST_SHARDS} shards"
            raise ValueError(message)
        if index >= count:
            last = f"0/{count}" if count == 1 else f"0/{count} to {count - 1}/{count}"
            message = f"must be {last}: shards count from 0"
            raise ValueError(message)
        return cls(index=index, count=count)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def file_word(self) -> str:
        """Return the shard as a part of a file's name, such as `0-of-4`."""
        return f"{self.index}-of-{self.count}"

    def holds(self, manifest_name: str, key: EntryKey) -> bool:
        """Return whether an entry is in this shard."""
        return self.holds_tag(entry_digest(manifest_name, key))

    def holds_tag(self, entry_tag: str) -> bool:
        """Return the same of the entry that a value of `br-entry` stands for.

        So it can be told of an image alone, whatever became of its entry.
        """
        digest = hashlib.blake2b(entry_tag.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index


def titled(manifest_name: str, shard: Shard | None) -> str:
    """Return what a person reads a batch, or a shard of one, by."""
    return manifest_name if shard is None else f"{manifest_name}, shard {shard}"


def part_of(manifest: Manifest, shard: Shard | None) -> Manifest:
    """Return the shard's entries, in their order; without a shard, all of them.

    The part still knows by their tags which entries are others' to make.
    """
    if shard is None:
        return manifest
    tags = [entry_digest(manifest.name, spec.key) for spec in manifest.images]
    ours = frozenset(tag for tag in tags if shard.holds_tag(tag))
    pairs = zip(manifest.images, tags, strict=True)
    images = tuple(spec for spec, tag in pairs if tag in ours)
    return replace(manifest, images=images, elsewhere=frozenset(tags) - ours)
