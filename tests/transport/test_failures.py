"""Whatever goes wrong has one name, one verdict on `applied`, and gives nothing away."""

from __future__ import annotations

import asyncio
import gzip
import socket
import traceback

import aiohttp
import pytest

from batch_register.errors import ServiceError
from batch_register.model import Action, Applied, FaultKind
from batch_register.transport import Request
from batch_register.transport.failure import translate

pytestmark = pytest.mark.integration

CANARY = "canary-5f3a"
LIMIT_BYTES = 1000

SENT = (FaultKind.LOST, Applied.UNKNOWN)
UNSENT = (FaultKind.UNREACHABLE, Applied.NO)


def request(url: str, method: str = "PUT", deadline_s: float = 5.0) -> Request:
    return Request(
        operation="test call",
        method=method,
        url=f"{url}/path?signature={CANARY}",
        headers={"X-Auth-Token": CANARY, "Authorization": CANARY},
        body=CANARY.encode(),
        deadline_s=deadline_s,
    )


async def failure(sender, asked: Request) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await sender.send(asked)
    error = caught.value
    told = [repr(error), str(error), error.fault.sentence()]
    told += traceback.format_exception(error)
    told += [repr(error.__cause__), repr(error.__context__)]
    assert not any(CANARY in text for text in told)
    return error


def verdict(error: ServiceError) -> tuple[FaultKind, Applied]:
    return (error.kind, error.applied)


async def half_a_body(talk):
    await talk.read()
    await talk.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


async def half_a_chunk(talk):
    await talk.read()
    await talk.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{")


async def reset_in_the_body(talk):
    await talk.read()
    await talk.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    talk.reset()


async def reset_before_an_answer(talk):
    await talk.read()
    talk.reset()


async def nothing(talk):
    await talk.read()


async def not_http(talk):
    await talk.read()
    await talk.write(b"SSH-2.0-server\r\n\r\n")


async def huge_header(talk):
    await talk.read()
    await talk.answer("200 OK", b"", "X-Subject-Token: " + "M" * 100_000)


async def large_body(talk):
    await talk.read()
    await talk.answer("200 OK", b"a" * (LIMIT_BYTES + 1))


async def endless_body(talk):
    await talk.read()
    await talk.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await talk.write(b"64\r\n" + b"a" * 100 + b"\r\n")


async def gzip_bomb(talk):
    await talk.read()
    bomb = gzip.compress(bytes(50 * 2**20))
    await talk.answer("200 OK", bomb, "Content-Encoding: gzip")


async def cut_off_gzip(talk):
    await talk.read()
    packed = gzip.compress(b"some text")[:-8]
    await talk.answer("200 OK", packed, "Content-Encoding: gzip")


async def unasked_encoding(talk):
    await talk.read()
    await talk.answer("200 OK", b"abc", "Content-Encoding: br")


@pytest.mark.fault(12, 15)
@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (half_a_body, "transport.cut-off"),
        (half_a_chunk, "transport.cut-off"),
        (reset_in_the_body, "transport.cut-off"),
        (reset_before_an_answer, "transport.reset"),
        (nothing, "transport.reset"),
        (not_http, "transport.not-http"),
        (huge_header, "transport.not-http"),
        (large_body, "transport.body-too-large"),
        (endless_body, "transport.body-too-large"),
        (gzip_bomb, "transport.body-too-large"),
        (cut_off_gzip, "transport.undecodable"),
        (unasked_encoding, "transport.undecodable"),
    ],
)
async def test_an_answer_that_is_no_answer_leaves_us_in_doubt(
    serve, open_sender, handler, code
):
    server = await serve(handler)
    sender = await open_sender(body_limit_bytes=LIMIT_BYTES)
    error = await failure(sender, request(server.url))
    assert (error.fault.code, verdict(error)) == (code, SENT)
    assert error.fault.reason.startswith(f"127.0.0.1:{server.port}: ")
    assert len(server.arrivals) == 1


@pytest.mark.fault(14)
async def test_a_body_that_drips_ends_at_the_deadline(serve, sender):
    async def drip(talk):
        await talk.read()
        await talk.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await talk.write(b"a")
            await asyncio.sleep(0.01)

    server = await serve(drip)
    error = await failure(sender, request(server.url, deadline_s=0.1))
    assert (error.fault.code, verdict(error)) == ("transport.timeout", SENT)


@pytest.mark.fault(13)
async def test_a_server_that_never_answers_ends_at_the_deadline(serve, sender):
    async def wait(talk):
        await talk.read()
        await talk.reader.read()

    server = await serve(wait)
    error = await failure(sender, request(server.url, deadline_s=0.05))
    assert (error.fault.code, verdict(error)) == ("transport.timeout", SENT)


async def test_waiting_for_a_connection_until_the_deadline_sent_nothing(
    serve, open_sender
):
    busy = asyncio.Event()

    async def wait(talk):
        await talk.read()
        busy.set()
        await talk.reader.read()

    server = await serve(wait)
    sender = await open_sender(connections=1)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(sender.send(request(server.url)))
        await busy.wait()
        error = await failure(sender, request(server.url, deadline_s=0.05))
        first.cancel()
    assert (error.fault.code, verdict(error)) == ("transport.timeout", UNSENT)
    assert len(server.arrivals) == 1


async def test_a_connection_that_is_not_taken_up_in_time_sent_nothing(open_sender):
    """A listener whose queue is full leaves a connect hanging."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        sender = await open_sender(connect_timeout_s=0.05)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        error = await failure(sender, request(url))
        for filler in fillers:
            filler.close()
    assert (error.fault.code, verdict(error)) == ("transport.timeout", UNSENT)


@pytest.mark.fault(12)
async def test_a_refused_connection_sent_nothing(sender):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    error = await failure(sender, request(f"http://127.0.0.1:{port}"))
    assert (error.fault.code, verdict(error)) == ("transport.refused", UNSENT)
    assert error.fault.action is Action.RUN_AGAIN


@pytest.mark.fault(19)
async def test_a_name_that_does_not_resolve_sent_nothing(sender):
    """`.invalid` never resolves (RFC 6761)."""
    asked = request("http://cloud.invalid:8080", deadline_s=60.0)  # slow resolvers
    error = await failure(sender, asked)
    assert (error.fault.code, verdict(error)) == ("transport.dns", UNSENT)
    assert "cloud.invalid:8080" in error.fault.reason


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "two..dots.example"])
async def test_a_name_that_cannot_be_one_sent_nothing(sender, host):
    error = await failure(sender, request(f"http://{host}"))
    assert (error.fault.code, verdict(error)) == ("transport.dns", UNSENT)


@pytest.mark.parametrize(
    ("exc", "code"),
    [
        (aiohttp.ClientConnectionError("closed"), "transport.failed"),
        (aiohttp.ClientError(CANARY), "transport.failed"),
        (OSError(CANARY), "transport.reset"),
        (ConnectionResetError(104, "Connection reset by peer"), "transport.reset"),
    ],
)
def test_what_the_table_does_not_name_still_has_a_verdict(exc, code):
    asked = request("http://127.0.0.1:1")
    after = translate(asked, exc, may_be_sent=True)
    before = translate(asked, exc, may_be_sent=False)
    assert [after.fault.code, before.fault.code] == [code, code]
    assert [verdict(after), verdict(before)] == [SENT, UNSENT]
    assert CANARY not in str(after)
