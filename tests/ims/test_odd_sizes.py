"""A size that no disk file can have counts as none: never as success."""

from __future__ import annotations

import json

import pytest

from batch_register.ims import wire
from batch_register.model import ImageId

IMAGE_ID = "4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11"


@pytest.mark.parametrize("size", ["-1", "0", "1" + "0" * 400, "x", None, "1e9"])
def test_an_impossible_size_counts_as_none(size: str | None) -> None:
    body = {"id": IMAGE_ID, "name": "n", "status": "active", "__image_size": size}
    view = wire.read_image(json.dumps(body).encode(), asked=ImageId(IMAGE_ID))
    assert view.size_bytes == 0
    assert not view.is_usable
