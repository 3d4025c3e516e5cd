"""The simulator as a server on the loopback address."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from aiohttp import web

from batch_register.simulator.audit import Audit
from batch_register.simulator.clock import Clock, wall_now_s
from batch_register.simulator.faults import FaultScript
from batch_register.simulator.images import Image
from batch_register.simulator.objects import StoredBucket, StoredObject
from batch_register.simulator.options import SimulatorOptions
from batch_register.simulator.pipeline import Pipeline
from batch_register.simulator.routes_control import control_routes
from batch_register.simulator.state import CloudState, SeedImage
from batch_register.simulator.world import World

HOST = "127.0.0.1"
_LARGEST_BODY_BYTES = 16 << 20
_LARGEST_HEADER_BYTES = 64 << 10  # tokens alone take several kilobytes
_SHUTDOWN_S = 0.1

AuthKind = Literal["password", "token", "application_credential"]


class Simulator:
    """An embedded cloud; use it as an asynchronous context manager."""

    def __init__(
        self,
        options: SimulatorOptions | None = None,
        *,
        fault_script: FaultScript | Path | str | None = None,
        port: int = 0,
        clock: Clock | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.options = options or SimulatorOptions()
        self._script, self._source = _script(fault_script)
        self._port = port
        self._given_clock = clock
        self._ssl_context = ssl_context
        self._runner: web.AppRunner | None = None
        self._world: World | None = None

    async def __aenter__(self) -> Self:
        """Start to serve.

        Raises:
            FaultScriptError: the script names a route that does not exist.
            OSError: the port is taken.
        """
        world = World(self.options, self._given_clock or self._new_clock())
        world.use_script(self._script, source=self._source)
        world.add_routes(control_routes(world))
        self._world = world
        app = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", Pipeline(world).handle)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_SHUTDOWN_S,
            max_line_size=_LARGEST_HEADER_BYTES,
            max_field_size=_LARGEST_HEADER_BYTES,
        )
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, HOST, self._port, ssl_context=self._ssl_context
        )
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to serve; what was witnessed stays readable."""
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """The address of every service but the object store."""
        scheme = "http" if self._ssl_context is None else "https"
        return f"{scheme}://{HOST}:{self._port}"

    @property
    def objects_url(self) -> str:
        """The address of the object store, path style."""
        return f"{self.url}/obs"

    @property
    def world(self) -> World:
        """Everything behind the sockets, once started."""
        if self._world is None:
            message = "the simulator is not started: use it with 'async with'"
            raise RuntimeError(message)
        return self._world

    @property
    def state(self) -> CloudState:
        """Images, jobs and objects, up to the present moment."""
        self.world.state.advance(self.clock.now_s())
        return self.world.state

    def images(self) -> list[Image]:
        """Return every image that exists, whatever the service shows of it."""
        return self.state.images()

    @property
    def audit(self) -> Audit:
        """The request log."""
        return self.world.audit

    @property
    def clock(self) -> Clock:
        """The service's time; ``advance`` skips some."""
        return self.world.clock

    def summary(self, *, with_requests: bool = False) -> dict[str, object]:
        """Return what ``GET /_simulator/audit`` returns."""
        return self.world.summary(with_requests=with_requests)

    def furnish(
        self, objects: Iterable[StoredObject], buckets: Iterable[StoredBucket] = ()
    ) -> None:
        """Put objects and buckets into the object store."""
        self.world.state.objects.furnish(objects)
        self.world.state.objects.furnish_buckets(buckets)

    def seed_image(self, image: SeedImage) -> Image:
        """Put an image of an earlier run into the cloud."""
        return self.world.state.seed(image, self.clock.now_s())

    def revoke_tokens(self) -> int:
        """Make all issued tokens fail from now on; return how many there are."""
        return self.world.identity.revoke_all(self.clock.now_s())

    def use_faults(self, script: FaultScript) -> None:
        """Replace the fault script; counts begin at zero."""
        self.world.use_script(script)

    def issue_token(self) -> str:
        """Return a token of the first user for the project."""
        user = self.options.users[0]
        who = {
            "name": user.name,
            "password": user.password,
            "domain": {"id": user.domain_id},
        }
        identity = {"methods": ["password"], "password": {"user": who}}
        scope = {"project": {"id": self.options.project_id}}
        document: dict[str, object] = {"auth": {"identity": identity, "scope": scope}}
        return self.world.identity.authenticate(document, self.clock.now_s()).text

    def clouds_entry(self, auth: AuthKind = "password") -> dict[str, object]:
        """Return a clouds.yaml entry that leads here.

        An application credential is taken from the first user, who must have one.
        """
        entry: dict[str, object] = {
            "auth": {"auth_url": f"{self.url}/v3", **self._auth(auth)},
            "region_name": self.options.region,
            "image_endpoint_override": self.url,
            "obs_endpoint_override": self.objects_url,
            "ims_profile": self.options.profile,
        }
        if auth != "password":
            suffix = {
                "token": "token",
                "application_credential": "applicationcredential",
            }
            entry["auth_type"] = f"v3{suffix[auth]}"
        return entry

    def _auth(self, auth: AuthKind) -> dict[str, str]:
        user = self.options.users[0]
        match auth:
            case "password":
                return {
                    "username": user.name,
                    "password": user.password,
                    "user_domain_name": user.domain_name,
                    "project_name": self.options.project.name,
                    "project_domain_name": user.domain_name,
                }
            case "token":
                return {
                    "token": self.issue_token(),
                    "project_id": self.options.project_id,
                }
            case "application_credential":
                credential = user.application_credentials[0]
                return {
                    "application_credential_id": credential.id,
                    "application_credential_secret": credential.secret,
                }

    def _new_clock(self) -> Clock:
        return Clock(
            monotonic=asyncio.get_running_loop().time,
            wall=wall_now_s,
            start_s=self.options.start_s,
            speed=self.options.speed,
            gateway_skew_s=self.options.gateway_skew_s,
        )


def _script(given: FaultScript | Path | str | None) -> tuple[FaultScript, str]:
    if given is None:
        return FaultScript(), "no fault script"
    if isinstance(given, FaultScript):
        return given, "fault script"
    return FaultScript.load(Path(given)), str(given)
