"""A request as a value, and the table that finds which call of the API it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

from batch_register.simulator.codes import Img
from batch_register.simulator.refusals import Reply, ims
from batch_register.simulator.uploads import Received

Query = list[tuple[str, str]]
# Whose credentials a route asks for: a project's, a user's, a bucket's, or nobody's.
Access = Literal["project", "identity", "objects", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever a request was accepted from."""

    kind: str  # token, signature or nobody
    name: str
    project_id: str | None = None


NOBODY = Principal(kind="nobody", name="")


@dataclass(slots=True, kw_only=True)
class Call:
    """One request, after its route was found and before it was answered."""

    route: Route
    method: str
    raw_path: str
    raw_query: str
    query: Query
    params: Mapping[str, str]
    headers: Mapping[str, str]  # case-insensitive
    body: bytes
    base_url: str
    peer: str
    now_s: float
    gateway_now_s: float
    principal: Principal = NOBODY
    received: Received | None = None  # what was put into the object store

    def document(self) -> dict[str, object]:
        """Read a body that must be a JSON object, or refuse it."""
        if not self.body.strip():
            raise ims(Img.EMPTY_BODY, "The request body is empty.")
        document = self.json()
        if not isinstance(document, dict):
            raise ims(Img.MALFORMED, "The request body is not a JSON object.")
        return document

    def json(self) -> object:
        """Read a body that must be JSON, or refuse it."""
        try:
            document: object = json.loads(self.body)
        except ValueError as error:
            raise ims(Img.MALFORMED, "The request body is not JSON.") from error
        return document

    def query_value(self, name: str) -> str | None:
        """Return the last value of a query parameter."""
        values = [value for key, value in self.query if key == name]
        return values[-1] if values else None


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call of the API: its name in fault scripts, and its path template."""

    name: str
    method: str
    template: str
    handler: Handler
    access: Access = "project"
    writes: bool = False
    segments: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        segments = tuple(self.template.strip("/").split("/"))
        object.__setattr__(self, "segments", segments)

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Return the path parameters, or None where the path is another's.

        A last segment ``{name*}`` takes the rest of the path.
        """
        params: dict[str, str] = {}
        for position, wanted in enumerate(self.segments):
            if wanted.endswith("*}"):
                params[wanted[1:-2]] = unquote("/".join(segments[position:]))
                return params if len(segments) > position else None
            if position >= len(segments):
                return None
            if wanted.startswith("{"):
                params[wanted[1:-1]] = unquote(segments[position])
            elif wanted != segments[position]:
                return None
        return params if len(segments) == len(self.segments) else None


def route(
    name: str, line: str, handler: Handler, *, access: Access = "project"
) -> Route:
    """Build a route from its request line, ``POST /v2/images``."""
    method, _, template = line.partition(" ")
    return Route(
        name=name,
        method=method,
        template=template,
        handler=handler,
        access=access,
        writes=method not in {"GET", "HEAD"} and access == "project",
    )


class Router:
    """Finds routes; those named first win."""

    def __init__(self, routes: list[Route]) -> None:
        self.routes = tuple(routes)
        self._by_head: dict[tuple[str, str], list[Route]] = {}
        for route in routes:
            head = (route.method, route.segments[0])
            self._by_head.setdefault(head, []).append(route)

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route of a path and its parameters."""
        segments = tuple(raw_path.strip("/").split("/"))
        for route in self._by_head.get((method, segments[0]), ()):
            params = route.match(segments)
            if params is not None:
                return route, params
        return None

    def names(self) -> frozenset[str]:
        """Return every route name."""
        return frozenset(route.name for route in self.routes)
