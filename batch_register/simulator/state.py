"""The image service as a value: each call of the API as a method, time given in.

Pure: no socket, no clock, no randomness. Every method first lets happen what is due,
so that nothing depends on being asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batch_register.simulator.codes import Img
from batch_register.simulator.creation import read_create
from batch_register.simulator.draws import between
from batch_register.simulator.images import Image, ImageStatus
from batch_register.simulator.importing import FateOf, Importer
from batch_register.simulator.jobs import Job, JobForm
from batch_register.simulator.memory import Memory
from batch_register.simulator.options import SimulatorOptions
from batch_register.simulator.refusals import ims


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedImage:
    """An image that exists from the beginning, for instance from an earlier run."""

    id: str
    name: str
    tags: tuple[str, ...] = ()
    status: ImageStatus = "active"
    size_bytes: int = 0  # 0: that of the object
    image_url: str | None = None
    job_id: str | None = None
    os_version: str = "Other Linux(64 bit)"
    disk_format: str | None = None
    min_disk_gb: int = 40
    min_ram_mb: int = 0
    protected: bool = False
    created_s: float | None = None
    remaining_s: float | None = None  # of the job of a saving image


class CloudState:
    """Everything that the simulated service remembers and does."""

    def __init__(
        self,
        options: SimulatorOptions,
        *,
        start_s: float,
        fate_of: FateOf = lambda _image_url, _nth: None,
    ) -> None:
        self.options = options
        self.memory = Memory(options, start_s=start_s)
        self.importer = Importer(self.memory, fate_of)
        self.objects = self.memory.objects
        self.tally = self.memory.tally
        self.job_form = JobForm(
            legacy_times=options.legacy_job_times,
            error_place=options.job_error_place,
            entities_empty=options.job_entities_empty,
            name_in_entities=options.cloud.jobs_name_the_image,
        )

    @property
    def now_s(self) -> float:
        """The time up to which everything has happened."""
        return self.memory.now_s

    def advance(self, now_s: float) -> None:
        """Let everything happen that is due."""
        self.memory.advance(now_s)

    def create(self, document: Mapping[str, object], now_s: float) -> Image:
        """Make a shell.

        Raises:
            Refusal: a broken rule, a name taken, the quota reached.
        """
        self.advance(now_s)
        wanted = read_create(document, self.options)
        if self.options.duplicate_names_refused and self._has_name(wanted.name):
            raise ims(Img.NAME_TAKEN, "The image name already exists.")
        # Shells count as well, by our reading: no page says.
        if self.tally.existing >= self.options.image_quota:
            raise ims(Img.QUOTA, "The private image quota is reached.")
        image = Image(
            id=self.memory.new_image_id(),
            name=wanted.name,
            owner=self.options.project_id,
            os_version=wanted.os_version,
            disk_format=wanted.disk_format,
            min_disk_gb=wanted.min_disk_gb,
            min_ram_mb=wanted.min_ram_mb,
            protected=wanted.protected,
            tags=wanted.tags,
            created_s=self.now_s,
            updated_s=self.now_s,
            extra=wanted.extra,
        )
        return self.memory.add(image)

    def images(self) -> list[Image]:
        """Return every image that exists, whatever reads and lists show of it."""
        return [i for i in self.memory.index.all() if i.gone_s is None]

    def jobs(self) -> list[Job]:
        """Return every job that was ever submitted, the oldest first."""
        return list(self.memory.jobs.values())

    def active_since(self, image_id: str) -> float | None:
        """Return when an image turned active, or None where it has not."""
        image = self.memory.image_by_id(image_id)
        return None if image is None else image.active_s

    def _has_name(self, name: str) -> bool:
        return any(image.name == name for image in self.images())

    def register(
        self, image_id: str, document: Mapping[str, object], now_s: float
    ) -> Job:
        """Submit the import of an object into a shell.

        Raises:
            Refusal: no such shell, a shell in use, a bad source, too many tasks.
        """
        self.advance(now_s)
        return self.importer.register(image_id, document)

    def find_image(self, image_id: str, now_s: float) -> Image:
        """Return an image that a read by id shows.

        Raises:
            Refusal: 404 in the native shape.
        """
        self.advance(now_s)
        image = self.memory.image_by_id(image_id)
        if image is None:
            raise self.memory.no_image(image_id)
        return image

    def find_job(self, job_id: str, now_s: float) -> Job:
        """Return a job that a read shows.

        Raises:
            Refusal: the switch's answer to an unknown job.
        """
        self.advance(now_s)
        job = self.memory.jobs.get(job_id)
        lag_s = self.options.job_get_lag_s
        if job is None or self.now_s < job.submitted_s + lag_s:
            status = self.options.unknown_job_status
            raise ims(Img.JOB_QUERY, f"Failed to query the job {job_id}.", status)
        return job

    def listed_status(self, image: Image) -> ImageStatus | None:
        """Return the state that a list shows now, or None where it shows no image."""
        options = self.options
        if self.now_s < image.appeared_s + options.list_create_lag_s:
            return None
        if image.gone_s is None and not options.list_status_lag_s:
            return image.status
        return image.status_as_of(self.now_s - options.list_status_lag_s)

    def delete(self, image_id: str, now_s: float) -> None:
        """Begin to remove an image; it lingers for a while.

        Raises:
            Refusal: protected, still being created, or unknown (a switch).
        """
        self.advance(now_s)
        image = self.memory.image_by_id(image_id)
        if image is None:
            # The service answers 204 no matter what, as its own tooling notes.
            if self.options.delete_unknown == "not_found":
                raise self.memory.no_image(image_id)
            return
        if image.protected:
            raise ims(self.options.cloud.protected_code, "The image is protected.")
        if image.status == "saving" and not image.deleting:
            if self.options.delete_saving == "refused":
                raise ims(
                    Img.UNDER_CREATION, "An image under creation cannot be deleted."
                )
            self.importer.cancel(image)
        if not image.deleting:
            self._begin_delete(image)

    def _begin_delete(self, image: Image) -> None:
        image.deleting = True
        if self.options.delete_shows == "pending_delete":
            image.move("pending_delete", self.now_s)
        self.tally.changed(image)
        bounds = self.options.delete_linger_range_s
        linger_s = between(bounds, self.options.seed, "linger", image.id)
        self.memory.later(self.now_s + linger_s, lambda: self._gone(image))

    def _gone(self, image: Image) -> None:
        image.gone_s = self.now_s
        self.tally.gone(image)
        due_s = self.now_s + self.options.list_delete_lag_s
        self.memory.later(due_s, lambda: self.memory.index.forget(image.id))

    def seed(self, seed: SeedImage, now_s: float) -> Image:
        """Put an image of an earlier life into the cloud; a saving one goes on.

        Raises:
            ValueError: an image of that id is there already.
        """
        self.advance(now_s)
        if seed.id in self.memory.index:
            message = f"image {seed.id} exists already"
            raise ValueError(message)
        image = self.memory.add(self._seeded(seed))
        if seed.status == "active":
            image.active_s = image.created_s
        elif seed.status == "saving":
            job_id = seed.job_id or self.memory.new_job_id()
            self.importer.resume(job_id, image, seed.remaining_s)
        return image

    def _seeded(self, seed: SeedImage) -> Image:
        source = self.objects.find(seed.image_url or "")
        size_bytes = seed.size_bytes or (source.size_bytes if source else 0)
        created_s = self.now_s if seed.created_s is None else seed.created_s
        return Image(
            id=seed.id,
            name=seed.name,
            owner=self.options.project_id,
            os_version=seed.os_version,
            disk_format=seed.disk_format or self.options.cloud.default_disk_format,
            min_disk_gb=seed.min_disk_gb,
            min_ram_mb=seed.min_ram_mb,
            protected=seed.protected,
            tags=list(seed.tags),
            created_s=created_s,
            updated_s=created_s,
            status=seed.status,
            size_bytes=size_bytes if seed.status == "active" else 0,
            image_url=seed.image_url,
            job_id=seed.job_id,
            history=[(self.now_s, seed.status)],
        )
