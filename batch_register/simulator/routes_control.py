"""The simulator's own calls, for tests and people: look inside, change the world.

They ask for no credentials: the server listens on the loopback address only.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from batch_register.simulator.calls import Call, Route, route
from batch_register.simulator.faults import FaultScript, FaultScriptError
from batch_register.simulator.images import image_document
from batch_register.simulator.objects import StoredBucket, StoredObject
from batch_register.simulator.refusals import Refusal, Reply, answer, dumps
from batch_register.simulator.state import SeedImage
from batch_register.simulator.world import World

_T = TypeVar("_T")
_PREFIX = "/_simulator"


class _ClockChange(BaseModel):
    advance_s: float


def control_routes(world: World) -> list[Route]:
    """Return the simulator's own routes."""
    api = _ControlApi(world)
    table = (
        ("audit", f"GET {_PREFIX}/audit", api.audit),
        ("images", f"GET {_PREFIX}/images", api.images),
        ("jobs", f"GET {_PREFIX}/jobs", api.jobs),
        ("seed_images", f"POST {_PREFIX}/images", api.seed_images),
        ("objects", f"POST {_PREFIX}/objects", api.objects),
        ("buckets", f"POST {_PREFIX}/buckets", api.buckets),
        ("revoke_tokens", f"POST {_PREFIX}/revoke-tokens", api.revoke_tokens),
        ("clock", f"POST {_PREFIX}/clock", api.clock),
        ("faults", f"POST {_PREFIX}/faults", api.faults),
    )
    return [
        route(f"simulator.{name}", line, handler, access="open")
        for name, line, handler in table
    ]


class _ControlApi:
    def __init__(self, world: World) -> None:
        self._world = world

    def audit(self, call: Call) -> Reply:
        with_requests = call.query_value("requests") == "1"
        return answer(self._world.summary(with_requests=with_requests))

    def images(self, call: Call) -> Reply:
        state = self._world.state
        state.advance(call.now_s)
        images = [image_document(image, image.status) for image in state.images()]
        return answer({"images": images})

    def jobs(self, call: Call) -> Reply:
        """Tell when each job began and ended, and when its image turned active."""
        state = self._world.state
        state.advance(call.now_s)
        return answer(
            {
                "jobs": [
                    {
                        "job_id": job.id,
                        "image_id": job.image_id,
                        "image_url": job.image_url,
                        "submitted_s": job.submitted_s,
                        "ends_s": job.ends_s,
                        "active_s": state.active_since(job.image_id),
                    }
                    for job in state.jobs()
                ]
            }
        )

    def seed_images(self, call: Call) -> Reply:
        seeds = _read(TypeAdapter(list[SeedImage]), call)
        try:
            for seed in seeds:
                self._world.state.seed(seed, call.now_s)
        except ValueError as error:
            raise _bad([str(error)]) from error
        return answer({"images": len(seeds)})

    def objects(self, call: Call) -> Reply:
        found = _read(TypeAdapter(list[StoredObject]), call)
        self._world.state.objects.furnish(found)
        return answer({"objects": len(found)})

    def buckets(self, call: Call) -> Reply:
        found = _read(TypeAdapter(list[StoredBucket]), call)
        self._world.state.objects.furnish_buckets(found)
        return answer({"buckets": len(found)})

    def revoke_tokens(self, call: Call) -> Reply:
        return answer({"tokens": self._world.identity.revoke_all(call.now_s)})

    def clock(self, call: Call) -> Reply:
        change = _read(TypeAdapter(_ClockChange), call)
        self._world.clock.advance(max(change.advance_s, 0.0))
        return answer({"now_s": self._world.clock.now_s()})

    def faults(self, call: Call) -> Reply:
        text = call.body.decode(errors="replace")
        try:
            self._world.use_script(FaultScript.parse(text))
        except FaultScriptError as error:
            raise _bad(error.problems) from error
        return answer({"rules": "in force"})


def _read(adapter: TypeAdapter[_T], call: Call) -> _T:
    try:
        return adapter.validate_json(call.body, extra="forbid")
    except ValidationError as error:
        raise _bad(
            [str(item["loc"]) + item["msg"] for item in error.errors()]
        ) from error


def _bad(problems: list[str]) -> Refusal:
    body = dumps({"problems": problems})
    return Refusal(Reply(status=400, body=body), "simulator")
