"""The stack itself: real logins, a real catalogue, a real import."""

from __future__ import annotations

import time

import pytest

from tests.stack.cloud import Stack
from tests.stack.sources import Sources, qcow2

pytestmark = pytest.mark.integration


def test_an_image_is_imported_from_the_web(stack: Stack, sources: Sources) -> None:
    sources.files["/smoke.qcow2"] = qcow2()
    fields = {"name": "smoke", "disk_format": "qcow2", "container_format": "bare"}
    made = stack.ask("POST", "/v2/images", fields)
    assert made.status == 201, made
    path = f"/v2/images/{made.data['id']}"
    method = {"name": "web-download", "uri": sources.url("/smoke.qcow2")}
    assert stack.ask("POST", f"{path}/import", {"method": method}).status == 202
    until = time.monotonic() + 120
    image = stack.ask("GET", path).data
    while image["status"] != "active" and time.monotonic() < until:
        time.sleep(0.1)
        image = stack.ask("GET", path).data
    assert (image["status"], image["size"]) == ("active", len(qcow2()))
