"""What the service remembers, and the queue of what will happen to it.

Pure: time comes in as an argument. Nothing happens in between; whoever asks first lets
everything happen that is due.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from batch_register.simulator.codes import Img
from batch_register.simulator.draws import hex_id, uuid_id
from batch_register.simulator.images import Image, ImageIndex
from batch_register.simulator.jobs import Job
from batch_register.simulator.objects import ObjectStore
from batch_register.simulator.options import SimulatorOptions
from batch_register.simulator.refusals import Refusal, native
from batch_register.simulator.tally import Tally


class Memory:
    """Images, jobs, objects, counts and the events to come."""

    def __init__(self, options: SimulatorOptions, *, start_s: float) -> None:
        self.options = options
        self.now_s = start_s
        self.index = ImageIndex()
        self.jobs: dict[str, Job] = {}
        self.objects = ObjectStore(
            seed=options.seed, exist_by_default=options.objects_exist_by_default
        )
        self.tally = Tally(entry_tag_key=options.entry_tag_key)
        # Ids differ between two runs of one seed: an earlier run's images may be
        # furnished to the later one, and must not meet their own ids there.
        self._id_label = (options.seed, start_s)
        self._serial = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def advance(self, now_s: float) -> None:
        """Let everything happen that is due; time never goes back."""
        while self._events and self._events[0][0] <= now_s:
            due_s, _, happen = heapq.heappop(self._events)
            self.now_s = max(self.now_s, due_s)
            happen()
        self.now_s = max(self.now_s, now_s)

    def later(self, due_s: float, happen: Callable[[], None]) -> None:
        """Queue an event."""
        self._serial += 1
        heapq.heappush(self._events, (due_s, self._serial, happen))

    def new_image_id(self) -> str:
        """Return an id that no image has."""
        self._serial += 1
        return uuid_id("image", *self._id_label, self._serial)

    def new_job_id(self) -> str:
        """Return an id that no job has."""
        self._serial += 1
        return hex_id("job", *self._id_label, self._serial)

    def add(self, image: Image) -> Image:
        """Take in an image."""
        self.index.add(image)
        self.tally.created(image)
        return image

    def image_by_id(self, image_id: str) -> Image | None:
        """Return the image that a read by id shows now."""
        image = self.index.get(image_id)
        if image is None or image.gone_s is not None:
            return None
        visible_s = image.appeared_s + self.options.get_create_lag_s
        return image if self.now_s >= visible_s else None

    def no_image(self, image_id: str) -> Refusal:
        """Return the native half's answer to an unknown id."""
        message = f"No image found with ID {image_id}"
        shape = self.options.native_errors
        return native(404, message, shape=shape, code=Img.NOT_FOUND)
