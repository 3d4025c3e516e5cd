"""Everything that one simulator consists of, put together, without a socket."""

from __future__ import annotations

from batch_register.simulator.audit import Audit
from batch_register.simulator.calls import Route, Router
from batch_register.simulator.clock import Clock
from batch_register.simulator.fault_engine import FaultEngine
from batch_register.simulator.faults import FaultScript
from batch_register.simulator.gatekeeping import Gatekeeper
from batch_register.simulator.options import SimulatorOptions
from batch_register.simulator.registration import JobFate
from batch_register.simulator.routes_identity import identity_routes
from batch_register.simulator.routes_images import image_routes
from batch_register.simulator.routes_objects import object_routes
from batch_register.simulator.routes_tags import tag_routes
from batch_register.simulator.routes_uploads import upload_routes
from batch_register.simulator.state import CloudState
from batch_register.simulator.tokens import Identity


class World:
    """State, identity, gateway, faults, audit and the table of routes."""

    def __init__(self, options: SimulatorOptions, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.identity = Identity(options)
        self.gatekeeper = Gatekeeper(options, self.identity)
        self.audit = Audit(keep_requests=options.audit_requests)
        self.faults = FaultEngine(FaultScript())
        self.state = CloudState(options, start_s=clock.start_s, fate_of=self._fate_of)
        routes = [
            *image_routes(self.state),
            *tag_routes(self.state),
            *identity_routes(self.identity, options),
            *object_routes(self.state),
            *upload_routes(self.state),
        ]
        self._names = frozenset(route.name for route in routes)
        self.router = Router(routes)

    def add_routes(self, routes: list[Route]) -> None:
        """Serve further calls."""
        self.router = Router([*self.router.routes, *routes])

    def use_script(self, script: FaultScript, *, source: str = "fault script") -> None:
        """Let a fault script rule from now on; its counts begin at zero.

        Raises:
            FaultScriptError: it names a route that does not exist.
        """
        script.check_routes(self._names, source)
        self.faults = FaultEngine(script)
        self.state.objects.set_rules(self.faults.object_rules())

    def summary(self, *, with_requests: bool = False) -> dict[str, object]:
        """Return what happened so far: requests, images, jobs, twins."""
        self.state.advance(self.clock.now_s())
        document = self.audit.document(with_requests=with_requests)
        return {**document, **self.state.tally.document()}

    def _fate_of(self, image_url: str, nth: int) -> JobFate | None:
        return self.faults.fate_of(image_url, nth)
