"""A manifest beside what the ledger knows of it.

Decides: which entries are new, changed or gone, and what is to be done with each. Must
not know: how anything is done, clocks, the cloud.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence, Set
from dataclasses import dataclass

from batch_register.entry import EntryRecord, EntryState, count_states
from batch_register.model import (
    EntryKey,
    ImageSpec,
    Manifest,
    RunCounts,
    spec_digest,
)
from batch_register.ordering import ranking
from batch_register.plan import (
    Decision,
    RetryPolicy,
    decide,
)
from batch_register.stage import Active, Creating, Planned
from batch_register.turns import in_turns, sorted_in_turns

Work = list[tuple[ImageSpec | None, Decision]]


@dataclass(slots=True, kw_only=True)
class Batch:
    """The entries of one manifest; `records` belongs to the batch and is kept current."""

    manifest: Manifest
    records: dict[EntryKey, EntryRecord]
    is_selected: Callable[[EntryKey], bool]
    is_new_ledger: bool
    run_starts: Sequence[str] = ()  # stamps of the ledger's earlier runs, in order

    def wanted(self) -> list[ImageSpec]:
        """Return the selected entries in file order."""
        return [spec for spec in self.manifest.images if self.is_selected(spec.key)]

    def unmade(self) -> list[ImageSpec]:
        """Return the selected entries whose images are not active, in file order."""
        return [spec for spec in self.wanted() if not self._is_active(spec.key)]

    def _is_active(self, key: EntryKey) -> bool:
        record = self.records.get(key)
        return record is not None and isinstance(record.stage, Active)

    async def changes(self) -> tuple[list[ImageSpec], list[EntryKey]]:
        """Return the entries that are new or changed, and those that are gone."""
        named: set[EntryKey] = set()
        changed: list[ImageSpec] = []
        async for specs in in_turns(self.manifest.images):
            named.update(spec.key for spec in specs)
            changed += [spec for spec in specs if self._differs(spec)]
        removed: list[EntryKey] = []
        async for records in in_turns(list(self.records.values())):
            left = [one.key for one in records if not one.is_removed]
            removed += [key for key in left if key not in named]
        return changed, removed

    async def declare(
        self, changed: Collection[ImageSpec], removed: Collection[EntryKey]
    ) -> None:
        """Take such changes over into the records."""
        async for specs in in_turns(changed):
            for spec in specs:
                record = self.records.setdefault(spec.key, EntryRecord(key=spec.key))
                digest = spec_digest(spec)
                record.declare(spec.name, spec.image_url, digest, spec.labels)
        for key in removed:
            self.records[key].is_removed = True

    async def work(self, policy: RetryPolicy) -> Work:
        """Return what to do: the entries that are admitted, in that order, then the rest.

        The rest are wanted ones that need nothing more, and those that nobody wants.
        """
        todo: list[tuple[ImageSpec, Decision]] = []
        rest: Work = []
        wanted: set[EntryKey] = set()
        async for specs in in_turns(self.wanted()):
            for spec in specs:
                record = self.records[spec.key]
                decision = decide(record, is_wanted=True, policy=policy)
                if decision.needs_service:
                    todo.append((spec, decision))
                else:
                    rest.append((spec, decision))
            wanted.update(spec.key for spec in specs)
        async for records in in_turns(list(self.records.values())):
            rest += [
                (None, decide(record, is_wanted=False, policy=policy))
                for record in records
                if record.key not in wanted
            ]
        return [*await self._in_order(todo), *rest]

    async def _in_order(
        self, todo: list[tuple[ImageSpec, Decision]]
    ) -> list[tuple[ImageSpec, Decision]]:
        if not todo:
            return todo  # earlier nights need not be asked then
        rank = ranking(self.wanted(), self.records, self.run_starts)
        return await sorted_in_turns(todo, key=lambda item: rank(item[0]))

    def renames(self) -> dict[EntryKey, EntryRecord]:
        """Return the wanted entries that seem to be gone ones under another key.

        Name and source are those of an entry that the manifest no longer names, and of
        which there may be an image: another one with both would be the same twice.
        """
        gone = {
            (record.name, record.image_url): record
            for record in self.records.values()
            if record.is_removed and _may_have_image(record)
        }
        wanted = self.wanted() if gone else []
        pairs = ((spec.key, gone.get((spec.name, spec.image_url))) for spec in wanted)
        return {
            key: record
            for key, record in pairs
            if record is not None and self.records[key].image_id is None
        }

    def namesakes(self) -> dict[EntryKey, EntryRecord]:
        """Return wanted entries that were not begun and whose file has an image already.

        That image was made for an entry that the manifest no longer names: a renamed
        one, or one that is meant to be made again under another name. Nobody can tell.
        """
        gone = {
            record.image_url: record
            for record in self.records.values()
            if record.is_removed and record.image_id is not None
        }
        wanted = self.wanted() if gone else []
        pairs = ((spec.key, gone.get(spec.image_url)) for spec in wanted)
        return {
            key: record
            for key, record in pairs
            if record is not None and isinstance(self.records[key].stage, Planned)
        }

    async def made(self) -> frozenset[EntryKey]:
        """Return the wanted entries of which there is an image already."""
        made: set[EntryKey] = set()
        async for specs in in_turns(self.wanted()):
            made.update(spec.key for spec in specs if self._is_active(spec.key))
        return frozenset(made)

    async def counts(self, made_before: Set[EntryKey]) -> RunCounts:
        """Return how many of the wanted entries stand where."""
        states: Counter[EntryState] = Counter()
        skipped = 0
        async for specs in in_turns(self.wanted()):
            for spec in specs:
                state = self.records[spec.key].state
                states[state] += 1
                skipped += state is EntryState.ACTIVE and spec.key in made_before
        return count_states(states, skipped=skipped)

    def _differs(self, spec: ImageSpec) -> bool:
        record = self.records.get(spec.key)
        if record is None or record.is_removed:
            return True
        return (record.declared_spec, record.labels, record.name) != (
            spec_digest(spec),
            spec.labels,
            spec.name,
        )


def _may_have_image(record: EntryRecord) -> bool:
    is_open = isinstance(record.certain_stage, Creating)
    return is_open or record.image_id is not None
