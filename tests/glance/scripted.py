"""A Glance of prepared answers; what stands around it is the other client's."""

from __future__ import annotations

from dataclasses import dataclass

from batch_register.glance.client import GlanceClient
from batch_register.model import EntryKey, ImageSpec, Pairs, identity_tags
from tests.ims.scripted import (
    ENDPOINT,
    PROJECT,
    Answer,
    FakeAuthoriser,
    ScriptedSender,
    StoppedClock,
)

SPEC = ImageSpec(
    key=EntryKey("web-01"),
    name="web-01",
    image_url="https://files.example.com/disks/web-01.qcow2",
    os_version="",
    min_disk_gb=0,
    disk_format="qcow2",
)
TAGS: Pairs = identity_tags("wave-07", SPEC)


@dataclass
class Scene:
    """A client and what stands around it."""

    client: GlanceClient
    sender: ScriptedSender


def scene(*answers: Answer, endpoint: str = ENDPOINT) -> Scene:
    """Return a client that will meet these answers."""
    sender = ScriptedSender(answers)
    client = GlanceClient(
        sender=sender,
        authoriser=FakeAuthoriser(),
        clock=StoppedClock(),
        endpoint=endpoint,
        project_id=PROJECT,
    )
    return Scene(client, sender)


def refusal(title: str, message: str) -> dict[str, str]:
    """Return an error as Glance writes it where JSON is asked for."""
    return {"message": f"{message}<br /><br />\n\n\n", "code": title, "title": "x"}


def task(**fields: object) -> dict[str, object]:
    """Return an import task as Glance shows it, an hour before the scripted now."""
    return {
        "id": "2e5dd85d-4382-4136-94b3-4306861c6023",
        "type": "api_image_import",
        "status": "processing",
        "created_at": "2026-09-01T00:00:00.884182",
        "updated_at": "2026-09-01T00:00:00.984182",
        "request_id": "req-b8cddd71-acf8-4909-b6fe-cbabc2756fd9",
        "message": "",
        "result": None,
    } | fields
