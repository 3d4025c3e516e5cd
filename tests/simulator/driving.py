"""A plain aiohttp client of the simulator: each call of the API in one line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from batch_register.simulator import FaultScript, Simulator, SimulatorOptions

# A start in whole seconds, far from midnight, so that times in answers are readable.
START_S = 1788224400.0  # 2026-09-01T01:00:00Z
CREATE = {
    "name": "web-01",
    "__os_version": "Ubuntu 22.04 server 64bit",
    "min_disk": 40,
    "tags": ["br-entry=e1", "batch=nightly"],
}
SOURCE = "bucket:disks/web-01.qcow2"


class Answer:
    """An answer that was read to its end."""

    def __init__(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code of whichever shape the body has."""
        document = self.json
        error = document.get("error", {})
        return str(document.get("error_code") or error.get("code"))


class Driver:
    """Sends requests as the first user of a simulator."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.project_id = simulator.options.project_id
        self.headers = {"X-Auth-Token": simulator.issue_token()}

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.request(
            method,
            self.simulator.url + path,
            data=None if body is None else data,
            headers=self.headers if headers is None else headers,
            allow_redirects=False,
        ) as response:
            return Answer(response, await response.read())

    async def create(self, **changes: object) -> Answer:
        return await self.send("POST", "/v2/images", {**CREATE, **changes})

    async def register(self, image_id: str, image_url: str = SOURCE) -> Answer:
        path = f"/v1/cloudimages/{image_id}/upload"
        return await self.send("PUT", path, {"image_url": image_url})

    async def job(self, job_id: str) -> Answer:
        return await self.send("GET", f"/v1/{self.project_id}/jobs/{job_id}")

    async def show(self, image_id: str) -> Answer:
        return await self.send("GET", f"/v2/images/{image_id}")

    async def listed(self, query: str = "") -> list[str]:
        answer = await self.send("GET", f"/v2/cloudimages{query}")
        return [image["name"] for image in answer.json["images"]]

    async def made(self, **changes: object) -> str:
        """Create a shell and return its id."""
        answer = await self.create(**changes)
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    async def started(self, image_id: str, image_url: str = SOURCE) -> str:
        """Register and return the job id."""
        answer = await self.register(image_id, image_url)
        assert answer.status == 200, answer.body
        return str(answer.json["job_id"])


def options(**changes: Any) -> SimulatorOptions:
    """Options of a cloud where every object exists and time stands at START_S."""
    given: dict[str, Any] = {
        "objects_exist_by_default": True,
        "start_s": START_S,
        **changes,
    }
    return SimulatorOptions(**given)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another task is about to do."""
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0.002)


@asynccontextmanager
async def driven(script: str | None = None, **changes: Any) -> AsyncIterator[Driver]:
    """Start a simulator and return a driver for it."""
    rules = None if script is None else FaultScript.parse(script)
    async with (
        Simulator(options(**changes), fault_script=rules) as simulator,
        aiohttp.ClientSession() as session,
    ):
        yield Driver(simulator, session)
