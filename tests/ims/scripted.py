"""A cloud of prepared answers and an authoriser of numbered tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from batch_register import __version__
from batch_register.errors import ServiceError
from batch_register.ims.client import ImsClient
from batch_register.ims.profile import GENERIC, Profile
from batch_register.model import EntryKey, ImageId, ImageSpec, JobId
from batch_register.transport import Reply, Request

ENDPOINT = "https://ims.example.com"
PROJECT = "0123456789abcdef0123456789abcdef"
IMAGE = ImageId("4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11")
JOB = JobId("9a175ac89d2a5e14019d3c76e7cc774c")
NOW = datetime(2026, 9, 1, 1, 0, 0, tzinfo=UTC)

SPEC = ImageSpec(
    key=EntryKey("web-01"),
    name="web-01",
    image_url="wave-07:disks/web-01.qcow2",
    os_version="Ubuntu 22.04 server 64bit",
    min_disk_gb=40,
)

Answer = Reply | ServiceError


def reply(
    status: int, body: object = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """Return an answer; anything but bytes goes out as JSON, None as no body."""
    if body is None:
        raw = b""
    else:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status=status, headers=headers or {}, body=raw)


def image(**fields: object) -> dict[str, object]:
    """Return an image as the service shows it."""
    return {"id": IMAGE, "status": "queued", "name": "web-01"} | fields


def request(
    method: str,
    path: str,
    body: bytes = b"",
    *,
    operation: str,
    token: str = "test-token-1",
) -> Request:
    """Return the request that we expect to be sent, whole."""
    return Request(
        operation=operation,
        method=method,
        url=f"{ENDPOINT}{path}",
        headers={
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": f"batch-register/{__version__}",
            "X-Auth-Token": token,
        },
        body=body,
        deadline_s=60.0,
    )


class ScriptedSender:
    """Gives the prepared answers in order and keeps every request."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Reply:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    @property
    def paths(self) -> list[str]:
        return [request.url.removeprefix(ENDPOINT) for request in self.requests]


@dataclass
class FakeAuthoriser:
    """Adds `test-token-1`, after a renewal `test-token-2`, and so on."""

    header: str = "X-Auth-Token"
    can_renew: bool = True
    renewals: list[str] = field(default_factory=list)  # the tokens that were refused
    taken: list[str] = field(default_factory=list)  # those that were accepted

    async def authorise(self, request: Request) -> Request:
        token = f"test-token-{len(self.renewals) + 1}"
        return replace(request, headers={**request.headers, self.header: token})

    def accepted(self, sent: Request) -> None:
        self.taken.append(sent.headers[self.header])

    async def renew(self, refused: Request) -> bool:
        if self.can_renew:
            self.renewals.append(refused.headers[self.header])
        return self.can_renew


class StoppedClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class Scene:
    """A client and what stands around it."""

    client: ImsClient
    sender: ScriptedSender
    authoriser: FakeAuthoriser


def scene(
    *answers: Answer,
    profile: Profile = GENERIC,
    authoriser: FakeAuthoriser | None = None,
    endpoint: str = ENDPOINT,
) -> Scene:
    """Return a client that will meet these answers."""
    sender = ScriptedSender(answers)
    authoriser = authoriser or FakeAuthoriser()
    client = ImsClient(
        sender=sender,
        authoriser=authoriser,
        clock=StoppedClock(),
        endpoint=endpoint,
        project_id=PROJECT,
        profile=profile,
    )
    return Scene(client, sender, authoriser)
