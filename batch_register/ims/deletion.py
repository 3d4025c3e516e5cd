"""Deleting an image: the one call that IMS and plain Glance have in common, word for word.

Decides: that an image which is not there is as good as deleted. Must not know: which of
the two services is called. Source: "Deleting an Image (Native OpenStack API)"; Glance's
Image API v2, "Delete image".
"""

from __future__ import annotations

from typing import Final

from batch_register.ims.call import Caller, nothing, or_none
from batch_register.ims.outgoing import encoded
from batch_register.model import ImageId

_NO_CONTENT: Final = 204


async def delete_image(caller: Caller, image_id: ImageId) -> None:
    """Ask for an image's removal; one that is not there is removed.

    Raises:
        ServiceError: see `ports.ImageService`.
    """
    path = f"/v2/images/{encoded(image_id)}"
    request = caller.request("delete image", "DELETE", path)
    await or_none(caller.write(request, nothing, success=_NO_CONTENT))
