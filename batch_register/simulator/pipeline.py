"""The way of a request: log, faults, gateway, service, faults again, answer.

The only module that meets aiohttp's requests and responses. A fault that resets the
connection aborts the transport, so that the client sees what a broken link shows.
"""

from __future__ import annotations

import asyncio
import json
from email.utils import formatdate
from hashlib import md5

from aiohttp import web

from batch_register.simulator.audit import RequestRecord
from batch_register.simulator.calls import Call, Route
from batch_register.simulator.draws import hex_id
from batch_register.simulator.faking import fake
from batch_register.simulator.fault_engine import Applied, Subject
from batch_register.simulator.faults import Effect
from batch_register.simulator.refusals import (
    REQUEST_ID_MARK,
    Refusal,
    Reply,
    gateway,
)
from batch_register.simulator.uploads import HEAD_BYTES, Received
from batch_register.simulator.world import World

_ID_HEADERS = {
    "identity": "X-IAM-Trace-Id",
    "objects": "x-obs-request-id",
}
_UNROUTED = "unknown"
_CONTROL = "simulator."


class _ConnectionLostError(Exception):
    """The script wants the connection reset here."""


class Pipeline:
    """Answers requests out of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._serial = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        found = self._world.router.find(request.method, request.rel_url.raw_path)
        if found is not None and found[0].name.startswith(_CONTROL):
            return await self._control(request, found)
        now_s = self._world.clock.now_s()
        record = self._record(request, found, now_s)
        self._world.audit.arrive(record)
        try:
            return await self._serve(request, found, record)
        # The latter where a client goes away in the middle of its body.
        except (_ConnectionLostError, ConnectionResetError):
            return _reset(request)
        finally:
            self._world.audit.leave(record, self._world.clock.now_s())

    async def _control(
        self, request: web.Request, found: tuple[Route, dict[str, str]]
    ) -> web.StreamResponse:
        call = await self._call(request, *found)
        try:
            reply = call.route.handler(call)
        except Refusal as refusal:
            reply = refusal.reply
        return _response(reply, {}, "")

    async def _serve(
        self,
        request: web.Request,
        found: tuple[Route, dict[str, str]] | None,
        record: RequestRecord,
    ) -> web.StreamResponse:
        if found is None:
            code = f"{self._world.options.gateway_prefix}.0101"
            refusal = gateway(404, code, "The API does not exist or is not published.")
            return self._finish(refusal.reply, record, "project")
        try:
            call = await self._call(request, *found)
        except web.HTTPRequestEntityTooLarge:
            code = f"{self._world.options.gateway_prefix}.0201"
            refusal = gateway(413, code, "The request body is too large.")
            return self._finish(refusal.reply, record, "project")
        applied = self._world.faults.decide(self._subject(call, record))
        if applied is None:
            reply = self._execute(call, record)
            return self._finish(reply, record, call.route.access)
        record.fault = applied.name
        reply = await self._faulty(call, record, applied)
        if applied.effect.truncate == "transfer":
            return await _cut_off(request, reply)
        return self._finish(reply, record, call.route.access)

    async def _faulty(
        self, call: Call, record: RequestRecord, applied: Applied
    ) -> Reply:
        effect, world = applied.effect, self._world
        if effect.revoke_tokens:
            world.identity.revoke_all(world.clock.now_s())
        await self._pause(effect.delay_s)
        if effect.drop == "before":
            raise _ConnectionLostError
        call.now_s = world.clock.now_s()
        reply: Reply | None = None
        if effect.execute or not effect.fakes_answer:
            reply = self._execute(call, record)
        await self._pause(effect.delay_answer_s)
        if effect.drop == "after":
            raise _ConnectionLostError
        return self._replaced(effect, reply, call)

    def _replaced(self, effect: Effect, reply: Reply | None, call: Call) -> Reply:
        if reply is None or effect.fakes_answer:
            prefix = self._world.options.gateway_prefix
            return fake(effect, prefix, call.gateway_now_s)
        if effect.truncate == "json":
            half = reply.body[: len(reply.body) // 2]
            return Reply(status=reply.status, body=half, headers=reply.headers)
        return reply

    def _execute(self, call: Call, record: RequestRecord) -> Reply:
        try:
            self._world.gatekeeper.admit(call)
            record.principal = f"{call.principal.kind}:{call.principal.name}"
            reply = call.route.handler(call)
        except Refusal as refusal:
            record.code = refusal.code
            return refusal.reply
        record.executed = True
        self._learn(call, reply, record)
        return reply

    async def _pause(self, service_s: float) -> None:
        if service_s:
            await asyncio.sleep(self._world.clock.real_s(service_s))

    # -- records --------------------------------------------------------------

    def _record(
        self,
        request: web.Request,
        found: tuple[Route, dict[str, str]] | None,
        now_s: float,
    ) -> RequestRecord:
        self._serial += 1
        params = found[1] if found else {}
        return RequestRecord(
            number=0,
            at_s=now_s,
            method=request.method,
            route=found[0].name if found else _UNROUTED,
            path=request.rel_url.raw_path,
            query=request.rel_url.raw_query_string,
            writes=found[0].writes if found else False,
            in_flight=0,
            image_id=params.get("image_id"),
            job_id=params.get("job_id"),
            request_id=hex_id("request", self._world.options.seed, self._serial),
        )

    def _subject(self, call: Call, record: RequestRecord) -> Subject:
        state = self._world.state
        if record.job_id is not None:
            job = state.memory.jobs.get(record.job_id)
            record.image_id = job.image_id if job else None
        image = state.memory.index.get(record.image_id or "")
        body = _fields(call.body) if call.route.writes else {}
        record.image_name = image.name if image else _text(body.get("name"))
        url = _text(body.get("image_url")) or (image.image_url if image else None)
        if call.route.access == "objects" and "key" in call.params:
            url = f"{call.params['bucket']}:{call.params['key']}"
        return Subject(
            route=call.route.name,
            method=call.method,
            template=call.route.template,
            image_name=record.image_name,
            image_url=url,
        )

    def _learn(self, call: Call, reply: Reply, record: RequestRecord) -> None:
        # What the answer tells about the write, for whoever reads the log.
        if call.route.name == "image.create":
            record.image_id = _text(_fields(reply.body).get("id"))
        elif call.route.name == "image.register":
            job_id = _text(_fields(reply.body).get("job_id"))
            record.job_id = job_id.strip() if job_id else None

    # -- wire -----------------------------------------------------------------

    async def _call(
        self, request: web.Request, route: Route, params: dict[str, str]
    ) -> Call:
        is_upload = route.access == "objects" and request.method == "PUT"
        received = await _received(request) if is_upload else None
        body = b"" if is_upload else await request.read()
        clock = self._world.clock
        return Call(
            route=route,
            method=request.method,
            raw_path=request.rel_url.raw_path,
            raw_query=request.rel_url.raw_query_string,
            query=list(request.query.items()),
            params=params,
            headers=request.headers,
            body=body,
            base_url=f"{request.scheme}://{request.host}",
            peer=request.remote or "",
            now_s=clock.now_s(),
            gateway_now_s=clock.gateway_now_s(),
            received=received,
        )

    def _finish(
        self, reply: Reply, record: RequestRecord, access: str
    ) -> web.StreamResponse:
        record.status = reply.status
        request_id = record.request_id
        # The gateway's clock, which clients measure their own against.
        date = formatdate(self._world.clock.gateway_now_s(), usegmt=True)
        headers = {"X-Request-Id": request_id, "Date": date}
        extra = _ID_HEADERS.get(access)
        if record.route.startswith("token."):
            extra = _ID_HEADERS["identity"]
        if extra is not None:
            headers[extra] = request_id
        if access == "objects":
            headers["x-obs-id-2"] = request_id
        return _response(reply, headers, request_id)


async def _received(request: web.Request) -> Received:
    """Read a file's part of any size, and keep what it begins with."""
    digest, size_bytes, head = md5(usedforsecurity=False), 0, b""
    async for piece in request.content.iter_any():
        digest.update(piece)
        size_bytes += len(piece)
        head += piece[: HEAD_BYTES - len(head)]
    return Received(size_bytes=size_bytes, md5=digest.hexdigest(), head=head)


def _response(reply: Reply, headers: dict[str, str], request_id: str) -> web.Response:
    body = reply.body
    if body and REQUEST_ID_MARK.encode() in body:
        body = body.replace(REQUEST_ID_MARK.encode(), request_id.encode())
    headers = {**headers, **reply.headers}
    if body or "Content-Length" in headers:
        headers["Content-Type"] = reply.content_type
    return web.Response(status=reply.status, body=body or None, headers=headers)


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _cut_off(request: web.Request, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_type = reply.content_type
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    _reset(request)
    return response


def _fields(body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
