"""Counts over all that happened to images and jobs: what the witness testifies.

Twins are two live images for one manifest entry; the entry is read from a tag whose
key the caller names, and the image's name stands in where there is no such tag.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from batch_register.simulator.images import Image, ImageStatus, split_tag

# An image in one of these states is usable or may become so.
LIVE: frozenset[ImageStatus] = frozenset({"queued", "saving", "active"})


class Tally:
    """Running counts; peaks are over the whole life of the simulator."""

    def __init__(self, *, entry_tag_key: str) -> None:
        self._entry_tag_key = entry_tag_key
        self.existing = 0
        self.images_created = 0
        self.unfinished_jobs = 0
        self.peak_unfinished_jobs = 0
        self.jobs_succeeded = 0
        self.jobs_failed = 0
        self.created_by_entry: Counter[str] = Counter()
        self.peak_live_by_entry: Counter[str] = Counter()
        self.register_calls_by_image: Counter[str] = Counter()
        self.jobs_by_image: Counter[str] = Counter()
        self._jobs_by_source: Counter[str] = Counter()
        self._entry_by_image: dict[str, str] = {}
        self._live: defaultdict[str, set[str]] = defaultdict(set)

    def entry_of(self, image: Image) -> str | None:
        """Return the manifest entry that an image's tag names."""
        for tag in image.tags:
            key, value = split_tag(tag)
            if key == self._entry_tag_key:
                return value
        return None

    def created(self, image: Image) -> None:
        """Count a new image."""
        self.existing += 1
        self.images_created += 1
        self.created_by_entry[self._label(image)] += 1
        self.changed(image)

    def changed(self, image: Image) -> None:
        """Look again whether an image is live."""
        entry = self._label(image)
        before = self._entry_by_image.setdefault(image.id, entry)
        if before != entry:
            self._live[before].discard(image.id)
            self._entry_by_image[image.id] = entry
        live = self._live[entry]
        if image.status in LIVE and not (image.dead or image.deleting):
            live.add(image.id)
        else:
            live.discard(image.id)
        self.peak_live_by_entry[entry] = max(self.peak_live_by_entry[entry], len(live))

    def gone(self, image: Image) -> None:
        """Count an image that no longer exists."""
        self.existing -= 1
        self._live[self._entry_by_image.pop(image.id)].discard(image.id)

    def register_called(self, image_id: str) -> None:
        """Count a register call, whatever its answer."""
        self.register_calls_by_image[image_id] += 1

    def job_number(self, image_url: str) -> int:
        """Count a job of this source and return which one it is, from 1."""
        self._jobs_by_source[image_url] += 1
        return self._jobs_by_source[image_url]

    def job_started(self, image: Image) -> None:
        """Count a submitted job."""
        self.jobs_by_image[image.id] += 1
        self.unfinished_jobs += 1
        peak = max(self.peak_unfinished_jobs, self.unfinished_jobs)
        self.peak_unfinished_jobs = peak
        self.changed(image)

    def job_ended(self, image: Image | None, *, failed: bool) -> None:
        """Count a finished job."""
        self.unfinished_jobs -= 1
        self.jobs_failed += failed
        self.jobs_succeeded += not failed
        if image is not None:
            self.changed(image)

    def live_by_entry(self) -> dict[str, list[str]]:
        """Return the ids of live images for each entry that has any."""
        return {entry: sorted(ids) for entry, ids in self._live.items() if ids}

    def duplicates(self) -> dict[str, int]:
        """Return the entries that ever had more than one live image at a time."""
        peaks = self.peak_live_by_entry.items()
        return {entry: peak for entry, peak in peaks if peak > 1}

    def document(self) -> dict[str, object]:
        """Write the counts."""
        repeated = {k: n for k, n in self.register_calls_by_image.items() if n > 1}
        jobs = {k: n for k, n in self.jobs_by_image.items() if n > 1}
        return {
            "images_created": self.images_created,
            "images_existing": self.existing,
            "images_created_by_entry": dict(self.created_by_entry),
            "live_images_by_entry": self.live_by_entry(),
            "duplicates": self.duplicates(),
            "unfinished_jobs": self.unfinished_jobs,
            "peak_unfinished_jobs": self.peak_unfinished_jobs,
            "jobs_succeeded": self.jobs_succeeded,
            "jobs_failed": self.jobs_failed,
            "images_with_repeated_register_calls": repeated,
            "images_with_several_jobs": jobs,
        }

    def _label(self, image: Image) -> str:
        return self.entry_of(image) or f"name:{image.name}"
