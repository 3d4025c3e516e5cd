"""One part to one address: what arrives, what is believed, what is never shown."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import pickle
import re
import ssl
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
import trustme

from batch_register.errors import ServiceError
from batch_register.model import Action, FaultKind, FilePlace
from batch_register.transport.tls import Tls
from batch_register.workers.answer import judged, signed_parts
from batch_register.workers.local import LocalFiles
from batch_register.workers.send import PartOrder, send_part
from tests.transport.conftest import Conversation, RawServer
from tests.workers.conftest import DATA

pytestmark = pytest.mark.integration

QUERY = "partNumber=1&uploadId=u-1&X-Amz-Signature=canary0123456789"
OFFSET, LENGTH = 1000, 700_000
BIG = 32 * 2**20
PIECE = DATA[OFFSET : OFFSET + LENGTH]


def md5_of(body: bytes) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()


DIGEST = md5_of(PIECE).hex()


def refusal(code: str, message: str = "words") -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


async def take(talk: Conversation) -> None:
    """Take parts, one after the other, as a store does."""
    while True:
        request = await talk.read()
        body = request.partition(b"\r\n\r\n")[2]
        await talk.answer("200 OK", b"", f'ETag: "{md5_of(body).hex()}"')


async def send(files: LocalFiles, path: Path, server: RawServer | str) -> str:
    url = server if isinstance(server, str) else server.url
    place = FilePlace(path=str(path))
    return await files.send(place, OFFSET, LENGTH, f"{url}/b/disks/a?{QUERY}")


def sparse(disk: Path, name: str = "big") -> Path:
    """Return a file of NULs that no socket's buffers hold."""
    big = disk.with_name(name)
    with big.open("wb") as file:
        file.truncate(BIG)
    return big


async def send_big(files: LocalFiles, path: Path, server: RawServer) -> str:
    return await files.send(
        FilePlace(path=str(path)), 0, BIG, f"{server.url}/b/a?{QUERY}"
    )


async def refused(files: LocalFiles, path: Path, server: RawServer | str) -> Any:
    """Return the error; nothing in it, nor in what it is printed with, is secret."""
    with pytest.raises(ServiceError) as caught:
        await send(files, path, server)
    printed = "".join(traceback.format_exception(caught.value))
    for text in (printed, repr(caught.value.fault)):
        assert "canary" not in text
        assert "uploadId" not in text
    return caught.value


async def test_a_range_arrives_with_its_digest(serve, files, disk):
    server = await serve(take)
    assert await send(files, disk, server) == DIGEST
    head, _, body = server.arrivals[0].partition(b"\r\n\r\n")
    assert body == PIECE
    lines = head.decode().split("\r\n")
    assert lines[0] == f"PUT /b/disks/a?{QUERY} HTTP/1.1"
    told = dict(line.split(": ", 1) for line in lines[1:])
    assert told.pop("User-Agent").startswith("batch-register/")
    assert told == {
        "Host": f"127.0.0.1:{server.port}",
        "Content-Length": str(LENGTH),
        "Content-MD5": base64.b64encode(md5_of(PIECE)).decode(),
    }


async def test_the_connection_is_kept_for_the_next_part(serve, files, disk):
    server = await serve(take)
    for _ in range(3):
        await send(files, disk, server)
    assert (len(server.arrivals), server.connections) == (3, 1)


async def test_a_connection_that_was_closed_meanwhile_is_not_used(serve, files, disk):
    async def take_one(talk):
        body = (await talk.read()).partition(b"\r\n\r\n")[2]
        await talk.answer("200 OK", b"", f'ETag: "{md5_of(body).hex()}"')

    server = await serve(take_one)
    for _ in range(3):
        await send(files, disk, server)
        await asyncio.sleep(0.02)  # the server's close arrives
    assert server.connections == 3


async def test_another_etag_is_a_fault_that_passes(serve, files, disk):
    async def spoil(talk):
        await talk.read()
        await talk.answer("200 OK", b"", f'ETag: "{"0" * 32}"')

    error = await refused(files, disk, await serve(spoil))
    assert (error.fault.code, error.fault.is_passing) == ("upload.etag-differs", True)


@pytest.mark.parametrize(
    "header",
    ["x-amz-server-side-encryption: aws:kms", "x-obs-server-side-encryption: kms"],
)
async def test_an_etag_that_is_no_digest_is_not_compared(serve, files, disk, header):
    async def encrypt(talk):
        await talk.read()
        await talk.answer("200 OK", b"", f'ETag: "{"0" * 32}"', header)

    assert await send(files, disk, await serve(encrypt)) == DIGEST


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        ("403 Forbidden", refusal("AccessDenied"),
         (FaultKind.FORBIDDEN, Action.ASK_PERMISSION, "obs.AccessDenied")),
        ("403 Forbidden", refusal("AccessDenied", "Request has expired"),
         (FaultKind.UNAUTHENTICATED, Action.RUN_AGAIN, "obs.AccessDenied")),
        ("404 Not Found", refusal("NoSuchBucket"),
         (FaultKind.NOT_FOUND, Action.FIX_MANIFEST, "obs.NoSuchBucket")),
        ("404 Not Found", refusal("NoSuchUpload"),
         (FaultKind.NOT_FOUND, Action.RUN_AGAIN, "obs.NoSuchUpload")),
        ("400 Bad Request", refusal("BadDigest"),
         (FaultKind.LOST, Action.RUN_AGAIN, "obs.BadDigest")),
        ("400 Bad Request", refusal("EntityTooLarge"),
         (FaultKind.REJECTED, Action.CONTACT_PROVIDER, "obs.EntityTooLarge")),
        ("503 Slow Down", refusal("SlowDown"),
         (FaultKind.THROTTLED, Action.RUN_AGAIN, "obs.SlowDown")),
        ("500 Oops", b"<html>",
         (FaultKind.SERVER, Action.RUN_AGAIN, "obs.http-500")),
        ("307 Temporary Redirect", b"",
         (FaultKind.REJECTED, Action.CONTACT_PROVIDER, "obs.redirected")),
        ("299 Odd", b"",
         (FaultKind.REJECTED, Action.CONTACT_PROVIDER, "obs.http-299")),
    ],
)  # fmt: skip
async def test_a_refusal_is_told_by_its_code(
    serve, files, disk, status, body, expected
):
    async def refuse(talk):
        await talk.read()
        await talk.answer(status, body)

    error = await refused(files, disk, await serve(refuse))
    fault = error.fault
    assert (fault.kind, fault.action, fault.code) == expected


async def test_words_that_repeat_the_address_are_masked(serve, files, disk):
    async def repeat(talk):
        await talk.read()
        message = f"no such /b/disks/a?{QUERY} \x1b[31m"
        await talk.answer("400 Bad Request", refusal("InvalidRequest", message))

    error = await refused(files, disk, await serve(repeat))
    assert "***" in error.fault.reason
    assert "\x1b" not in error.fault.reason


async def test_a_redirect_is_not_followed(serve, files, disk):
    other = await serve(take)

    async def redirect(talk):
        await talk.read()
        await talk.answer("307 Temporary Redirect", b"", f"Location: {other.url}/x")

    await refused(files, disk, await serve(redirect))
    assert other.connections == 0


async def test_an_answer_before_the_end_of_the_body_is_heard(serve, files, disk):
    """A store that refuses at once does not wait for gigabytes."""

    async def refuse(talk):
        await talk.reader.readuntil(b"\r\n\r\n")
        await talk.answer("403 Forbidden", refusal("AccessDenied"))
        await talk.reader.read()  # until the other side gives up

    server = await serve(refuse)
    with pytest.raises(ServiceError) as caught:
        await send_big(files, sparse(disk), server)
    assert caught.value.kind is FaultKind.FORBIDDEN


async def test_success_before_the_end_of_the_body_is_not_believed(serve, files, disk):
    async def hasty(talk):
        await talk.reader.readuntil(b"\r\n\r\n")
        await talk.answer("200 OK", b"", f'ETag: "{DIGEST}"')
        await talk.reader.read()

    server = await serve(hasty)
    with pytest.raises(ServiceError) as caught:
        await send_big(files, sparse(disk), server)
    assert caught.value.fault.is_passing


@pytest.mark.parametrize("moment", ["before", "within", "garbage"])
async def test_a_cut_connection_may_be_tried_again(serve, files, disk, moment):
    async def cut(talk):
        await talk.read()
        if moment == "within":
            await talk.write(b"HTTP/1.1 200 OK\r\nContent-Le")
        if moment == "garbage":
            await talk.write(b"220 mail.invalid ESMTP\r\n\r\n")
        else:
            talk.reset()

    error = await refused(files, disk, await serve(cut))
    assert error.kind is FaultKind.LOST


async def test_nobody_there_may_be_tried_again(files, disk):
    error = await refused(files, disk, "http://127.0.0.1:9")
    assert (error.kind, error.fault.code) == (
        FaultKind.UNREACHABLE,
        "transport.refused",
    )


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("<Code>{signature}</Code>", {}),
        ("<Message>given: {signature}</Message>", {}),
        ("", {"x-obs-request-id": "{signature}\u00a0{signature}"}),
    ],
)
def test_a_signature_is_repeated_nowhere(body: str, headers: dict[str, str]) -> None:
    """Alone it is as good as the address: the rest can be guessed."""
    signature = "0badc0de" * 8
    address = f"https://b.example/a?X-Amz-Expires=3600&X-Amz-Signature={signature}"
    answer = judged(
        403,
        {name: value.format(signature=signature) for name, value in headers.items()},
        body.format(signature=signature).encode(),
        digest="",
        secrets=signed_parts(address),
    )
    assert answer.fault is not None
    assert signature not in repr(answer)


async def test_a_host_without_an_address_is_told(files, disk):
    error = await refused(files, disk, "http://store.invalid")
    assert (error.fault.code, error.fault.is_passing) == ("transport.dns", True)


async def test_a_silent_store_ends_in_time(serve, open_files, disk):
    async def keep_silent(talk):
        await talk.read()
        await asyncio.sleep(60)

    files = await open_files(stall_s=0.3)
    error = await refused(files, disk, await serve(keep_silent))
    assert (error.fault.code, error.kind) == ("transport.timeout", FaultKind.LOST)


async def test_an_answer_that_trickles_ends_in_time(serve, open_files, disk):
    async def trickle(talk):
        await talk.read()
        while True:  # until the other side closes
            await talk.write(b"H")
            await asyncio.sleep(0.1)

    files = await open_files(stall_s=0.4)
    async with asyncio.timeout(10):
        error = await refused(files, disk, await serve(trickle))
    assert error.kind is FaultKind.LOST


async def test_a_huge_answer_is_not_read(serve, files, disk):
    async def flood(talk):
        await talk.read()
        await talk.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 9999999999\r\n\r\n")
        while True:  # until the other side closes
            await talk.write(b"x" * 65536)

    error = await refused(files, disk, await serve(flood))
    assert error.kind is FaultKind.SERVER


async def test_a_cancelled_send_ends_at_once(serve, files, disk):
    arrived = asyncio.Event()

    async def keep_silent(talk):
        await talk.read()
        arrived.set()
        await talk.reader.read()

    server = await serve(keep_silent)
    async with asyncio.timeout(5):  # not a minute, when the store's silence ends it
        task = asyncio.ensure_future(send(files, disk, server))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_the_parts_of_one_file_leave_one_after_the_other(serve, files, disk):
    """While one is on its way nothing of another is: a kill costs the one."""
    big = sparse(disk)
    heads: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def hold(talk):
        await talk.reader.readuntil(b"\r\n\r\n")
        may_read = asyncio.Event()
        await heads.put(may_read)
        await may_read.wait()
        body = await talk.reader.readexactly(BIG)
        await talk.answer("200 OK", b"", f'ETag: "{md5_of(body).hex()}"')

    server = await serve(hold)
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(send_big(files, big, server))
        for _ in range(3):
            may_read = await heads.get()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await heads.get()
            may_read.set()
    assert server.connections >= 2  # answers may be waited for side by side


async def test_files_do_not_wait_for_each_other(serve, files, disk):
    heads = 0
    both = asyncio.Event()

    async def hold(talk):
        nonlocal heads
        await talk.reader.readuntil(b"\r\n\r\n")
        heads += 1
        if heads == 2:
            both.set()
        await both.wait()
        body = await talk.reader.readexactly(BIG)
        await talk.answer("200 OK", b"", f'ETag: "{md5_of(body).hex()}"')

    server = await serve(hold)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for name in ("one", "two"):
            group.create_task(send_big(files, sparse(disk, name), server))


async def test_a_rate_is_kept_by_all_together(serve, open_files, disk, tmp_path):
    other = tmp_path / "db-01.raw"
    other.write_bytes(DATA)
    server = await serve(take)
    files = await open_files(max_bytes_per_s=1_000_000)
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for path in (disk, other):
            group.create_task(send(files, path, server))
    took_s = time.monotonic() - began_s
    # 1.4 MB, less the quarter of a second and the last block that may go at once
    assert took_s > 0.9
    assert server.connections == 2


async def test_tls_is_checked_by_the_given_authority(serve, open_files, disk, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    server = await serve(take, context=context)
    files = await open_files(tls=Tls(ca_file=ca_file))
    for _ in range(2):
        assert await send(files, disk, server) == DIGEST
    assert server.connections == 1
    error = await refused(await open_files(), disk, server)
    assert (error.fault.code, error.fault.is_passing) == (
        "transport.certificate",
        False,
    )


@pytest.fixture
def proxied(monkeypatch):
    def through(port: int) -> None:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://me:p%40ss@127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")

    return through


async def test_a_proxy_is_asked_for_the_whole_address(serve, open_files, disk, proxied):
    proxy = await serve(take)
    proxied(proxy.port)
    files = await open_files(trust_env=True)
    assert await send(files, disk, "http://store.invalid") == DIGEST
    head = proxy.arrivals[0].partition(b"\r\n\r\n")[0].decode()
    assert head.startswith(f"PUT http://store.invalid/b/disks/a?{QUERY} HTTP/1.1\r\n")
    assert "\r\nHost: store.invalid\r\n" in head
    assert "\r\nProxy-Authorization: Basic " in head


async def test_a_tunnel_hides_the_part_from_the_proxy(
    serve, open_files, disk, proxied, tmp_path
):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("store.invalid").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)

    async def tunnel(talk):
        await talk.read()
        await talk.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await talk.writer.start_tls(context)
        await take(talk)

    proxy = await serve(tunnel)
    proxied(proxy.port)
    files = await open_files(trust_env=True, tls=Tls(ca_file=ca_file))
    assert await send(files, disk, "https://store.invalid") == DIGEST
    connect, inner = (arrival[:500].decode("latin-1") for arrival in proxy.arrivals)
    assert connect.startswith("CONNECT store.invalid:443 HTTP/1.")
    assert "Proxy-Authorization: Basic " in connect
    assert "Proxy-Authorization" not in inner


async def test_a_proxy_that_refuses_is_told(serve, open_files, disk, proxied):
    async def refuse(talk):
        await talk.read()
        await talk.answer("407 Proxy Authentication Required")

    proxy = await serve(refuse)
    proxied(proxy.port)
    files = await open_files(trust_env=True)
    error = await refused(files, disk, "https://store.invalid")
    assert (error.fault.code, error.fault.action) == (
        "transport.proxy",
        Action.ASK_PERMISSION,
    )
    assert "p@ss" not in str(error)


async def test_without_the_environment_no_proxy_is_used(serve, files, disk, proxied):
    proxy, store = await serve(take), await serve(take)
    proxied(proxy.port)
    await send(files, disk, store)
    assert proxy.connections == 0


async def test_an_order_travels_and_shows_no_secret(serve, disk):
    """As it does to a worker on another machine, which then runs the same function."""
    server = await serve(take)
    order = PartOrder(
        path=str(disk), offset=OFFSET, length=LENGTH,
        address=f"{server.url}/b/disks/a?{QUERY}", trust_env=False,
    )  # fmt: skip
    arrived = pickle.loads(pickle.dumps(order))  # noqa: S301 - our own
    answer = await asyncio.to_thread(send_part, arrived)
    assert pickle.loads(pickle.dumps(answer)).digest == DIGEST  # noqa: S301 - our own
    again = pickle.loads(pickle.dumps(arrived))  # noqa: S301 - after its use, too
    assert again == order
    assert not re.search("canary|uploadId", repr(order))
