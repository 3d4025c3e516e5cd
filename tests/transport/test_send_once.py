"""A request arrives once: no second try, no redirect, nothing added, nothing kept."""

from __future__ import annotations

import asyncio

import pytest

from batch_register.errors import ServiceError
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.transport import Reply, Request

pytestmark = pytest.mark.integration


def request(url: str, method: str = "GET", **fields: object) -> Request:
    return Request(operation="test call", method=method, url=url, **fields)  # type: ignore[arg-type]


async def answer_once_then_hang_up(talk):
    """Answer the first request of a connection; read the second and close."""
    await talk.read()
    await talk.answer("200 OK", b"ok")
    await talk.read()


async def hang_up(talk):
    await talk.read()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_read_on_a_kept_connection_that_closes_is_not_repeated(
    serve, sender, method
):
    server = await serve(answer_once_then_hang_up)
    await sender.send(request(server.url))
    with pytest.raises(ServiceError) as caught:
        await sender.send(request(server.url, method))
    assert (len(server.arrivals), server.connections) == (2, 1)
    assert caught.value.fault == Fault(
        kind=FaultKind.LOST,
        code="transport.reset",
        reason=f"127.0.0.1:{server.port}: "
        "the server closed the connection without an answer",
        action=Action.RUN_AGAIN,
    )
    assert caught.value.applied is Applied.UNKNOWN


@pytest.mark.fault(12)
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_a_write_that_stays_unanswered_arrives_once(serve, sender, method):
    server = await serve(hang_up)
    with pytest.raises(ServiceError) as caught:
        await sender.send(request(server.url, method, body=b"{}"))
    assert len(server.arrivals) == 1
    assert caught.value.applied is Applied.UNKNOWN


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
async def test_a_write_never_uses_a_connection_again(serve, sender, method):
    """The server closes an idle connection as we write: doubt for nothing."""
    server = await serve(answer_once_then_hang_up)
    await sender.send(request(server.url))
    for _ in range(2):
        assert (await sender.send(request(server.url, method))).body == b"ok"
    assert server.connections == 3


async def test_reads_share_a_connection(serve, sender):
    async def keep_answering(talk):
        while True:
            await talk.read()
            await talk.answer("200 OK")

    server = await serve(keep_answering)
    for _ in range(3):
        await sender.send(request(server.url))
    assert (len(server.arrivals), server.connections) == (3, 1)


@pytest.mark.fault(18)
@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
async def test_a_redirect_is_an_answer_and_carries_no_token_away(serve, sender, status):
    elsewhere = await serve(hang_up)

    async def redirect(talk):
        await talk.read()
        await talk.answer(f"{status} Go", b"", f"Location: {elsewhere.url}/stolen")

    server = await serve(redirect)
    reply = await sender.send(
        request(server.url, headers={"X-Auth-Token": "canary-token"})
    )
    assert reply.status == int(status)
    assert reply.headers["location"] == f"{elsewhere.url}/stolen"
    assert elsewhere.arrivals == []


async def test_the_bytes_on_the_wire_are_the_bytes_that_were_signed(serve, sender):
    async def answer(talk):
        await talk.read()
        await talk.answer("200 OK")

    server = await serve(answer)
    path = "/a%2fb/%C3%A9~;x=1?k=b&k=a&t=a+b%3A:&&e="
    headers = {"Host": "signed.example", "X-Sdk-Date": "20240229T120000Z"}
    body = b'{"a" : "\xc3\xa9"}'
    await sender.send(request(server.url + path, "POST", headers=headers, body=body))
    head, _, sent_body = server.arrivals[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == f"POST {path} HTTP/1.1"
    assert sent_body == body
    assert {line.partition(":")[0]: line.partition(": ")[2] for line in lines[1:]} == {
        "Host": "signed.example",
        "Accept-Encoding": "gzip",
        "User-Agent": "batch-register/0.1.0",
        "X-Sdk-Date": "20240229T120000Z",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }


async def test_an_answer_comes_back_whole_with_lower_case_names(serve, sender):
    async def answer(talk):
        await talk.read()
        await talk.answer("404 Not Found", b"gone", "X-Two: a", "x-two: b", "A: \xe4")

    server = await serve(answer)
    reply = await sender.send(request(server.url))
    assert reply == Reply(
        status=404,
        headers={"content-length": "4", "x-two": "a, b", "a": "\xe4"},
        body=b"gone",
    )


async def test_cookies_are_neither_kept_nor_sent(serve, sender):
    async def set_cookie(talk):
        await talk.read()
        await talk.answer("200 OK", b"", "Set-Cookie: session=1", "Connection: close")

    server = await serve(set_cookie)
    for _ in range(2):
        await sender.send(request(server.url))
    assert all(b"cookie" not in arrival.lower() for arrival in server.arrivals)


async def test_a_token_of_many_kilobytes_fits_into_a_header(serve, sender):
    token = "M" * 40_000

    async def answer(talk):
        await talk.read()
        await talk.answer("201 Created", b"{}", f"X-Subject-Token: {token}")

    server = await serve(answer)
    reply = await sender.send(request(server.url, "POST"))
    assert reply.headers["x-subject-token"] == token


@pytest.mark.fault(40)
async def test_no_more_connections_are_open_than_allowed(serve, open_sender):
    together = 0
    most = 0

    async def count(talk):
        nonlocal together, most
        await talk.read()
        together += 1
        most = max(most, together)
        for _ in range(20):
            await asyncio.sleep(0)
        together -= 1
        await talk.answer("200 OK", b"", "Connection: close")

    server = await serve(count)
    sender = await open_sender(connections=2)
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(sender.send(request(server.url, "PUT")))
    assert (len(server.arrivals), most) == (8, 2)


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", "ftp://host/", {}),
        ("GET", "http://", {}),
        ("GET", "/only/a/path", {}),
        ("GET", "http://user:canary@127.0.0.1/", {}),
        ("GET", "http://127.0.0.1/a b", {}),
        ("GET", "http://127.0.0.1/é", {}),
        ("GET", "http://127.0.0.1:99999/", {}),
        ("get", "http://127.0.0.1/", {}),
        ("GET", "http://127.0.0.1/", {"X-Auth-Token": "canary\r\nX-Evil: 1"}),
        ("GET", "http://127.0.0.1/", {"X-\nAuth": "canary"}),
    ],
)
async def test_a_malformed_request_is_refused_before_anything_is_sent(
    sender, method, url, headers
):
    with pytest.raises(ServiceError) as caught:
        await sender.send(request(url, method, headers=headers))
    error = caught.value
    assert (error.kind, error.fault.code) == (FaultKind.REJECTED, "transport.request")
    assert error.applied is Applied.NO
    assert "canary" not in str(error)


async def test_a_sender_that_was_not_opened_says_so(open_sender):
    sender = await open_sender()
    await sender.__aexit__(None, None, None)
    with pytest.raises(RuntimeError, match="async with"):
        await sender.send(request("http://127.0.0.1:1/"))


async def test_cancelling_a_call_ends_it_and_its_connection(serve, sender):
    arrived = asyncio.Event()
    gone = asyncio.Event()

    async def wait(talk):
        await talk.read()
        arrived.set()
        await talk.reader.read()
        gone.set()

    server = await serve(wait)
    async with asyncio.TaskGroup() as group:
        call = group.create_task(sender.send(request(server.url, "PUT")))
        await arrived.wait()
        call.cancel()
    assert call.cancelled()
    await asyncio.wait_for(gone.wait(), 5)  # noqa: TID251 - a bound for the test


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 9\r\n\r\nhalf",
        b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip",
        b"Content-Encoding: br\r\n\r\n",
        b"\r\n" + b"x" * 100_000,
    ],
    ids=["cut off", "garbage", "unknown encoding", "endless"],
)
async def test_a_body_that_nobody_wants_is_not_read(serve, open_sender, rest):
    async def handler(conversation):
        await conversation.read()
        await conversation.write(b"HTTP/1.1 200 OK\r\n" + rest)

    server = await serve(handler)
    sender = await open_sender(reads_bodies=False, body_limit_bytes=10)
    reply = await sender.send(request(server.url, "POST"))
    assert (reply.status, reply.body) == (200, b"")
