"""When a list is complete: page by page, by marker, whatever the service leaves out.

Decides: whether another page is due and from where. Must not know: how one is got.

A list that ends too early hides an image, and a hidden image is made twice. So a page
is the last only if that is certain: it is empty, or it is smaller than a page that this
service has given before. One that is merely smaller than we asked for proves nothing,
because services cap the size of a page silently. ("Querying Images" documents `marker`
and `limit`, but neither a largest limit nor how the end shows.)
"""

from __future__ import annotations

from batch_register.ims.answer import AnswerError
from batch_register.ims.codes import OwnCode
from batch_register.ims.wire import Page
from batch_register.model import ImageId, ImageView

_MOST_PAGES = 1000  # half a million images: more is a service that counts in circles


class PageSizes:
    """The largest page that a service has given so far; shared by all lists."""

    def __init__(self) -> None:
        self._largest = 0

    def is_last(self, size: int) -> bool:
        """Take note of a page and return whether nothing can come after it."""
        is_smaller = size < self._largest
        self._largest = max(self._largest, size)
        return size == 0 or is_smaller


class Walk:
    """One way through a list; an image that shows twice counts once, as seen last."""

    def __init__(self, sizes: PageSizes, *, limit: int, single: bool) -> None:
        self._sizes = sizes
        self._limit = limit
        self._single = single  # at most one image can match
        self._images: dict[ImageId, ImageView] = {}
        self._markers: set[str] = set()

    @property
    def images(self) -> list[ImageView]:
        """Return what was seen so far, in the service's order."""
        return list(self._images.values())

    def take(self, page: Page) -> str | None:
        """Take one page; return the next page's marker, or None at the end.

        Raises:
            AnswerError: the pages never end, or cannot be told apart.
        """
        self._images |= {image.image_id: image for image in page.images}
        is_last = self._sizes.is_last(len(page.images))
        marker = page.next_marker
        if marker is None and not is_last:
            marker = page.images[-1].image_id
        if marker is None or self._single:
            return None
        if marker in self._markers:
            self._require_whole(page)
            return None
        self._markers.add(marker)
        if len(self._markers) >= _MOST_PAGES:
            raise AnswerError(OwnCode.LIST_STUCK, f"more than {_MOST_PAGES} pages")
        return marker

    def _require_whole(self, page: Page) -> None:
        """Accept that the marker changes nothing only if a page can hold the list."""
        if len(page.images) >= self._limit:
            reason = "full pages repeat themselves: the service ignores the marker"
            raise AnswerError(OwnCode.LIST_STUCK, reason)
