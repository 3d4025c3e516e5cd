"""Bodies that are no answer: endless, swollen, cut off, malformed, or about nothing.

A login or list that is answered so ends the run with a sentence, or is asked again where
only the connection broke. A write that is answered so is looked after: carried out or
not, there is one image in the end.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import pytest

from tests.hostile.conftest import Stage
from tests.hostile.front import Exchange, Misdeed, about, first

pytestmark = pytest.mark.integration


def _bomb(size_mib: int) -> bytes:
    """Return so many MiB of zeros, packed a thousandfold; their checksum is left out.

    After a full flush every MiB packs to the same bytes, so that one is enough.
    """
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * size_mib


BOMB = _bomb(300)


def test_a_bomb_grows_with_its_number() -> None:
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    assert len(inflate.decompress(_bomb(3))) == 3 << 20
    assert len(BOMB) < 1 << 20


@dataclass(frozen=True)
class Body:
    """A bad answer; `{status}` in its head is what would have been right."""

    head: str = "HTTP/1.1 {status}\r\nConnection: close\r\n"
    headers: str = "Content-Type: application/json\r\n"
    body: bytes = b""
    length: int | None = None  # what is promised; None: the truth
    repeats: bool = False  # the body goes on for ever
    breaks: bool = False  # the connection, which a read takes for an outage
    says: str = ""


BODIES = {
    "gzip bomb": Body(
        headers="Content-Encoding: gzip\r\n",
        body=BOMB,
        breaks=True,
        says="the answer is too large",
    ),
    "endless": Body(
        body=b"x" * 65_536,
        length=1 << 40,
        repeats=True,
        breaks=True,
        says="the answer is too large",
    ),
    "truncated chunk": Body(
        headers="Transfer-Encoding: chunked\r\n",
        body=b'ff\r\n{"images": [',
        breaks=True,
        says="the answer is cut off",
    ),
    "too short for its length": Body(
        body=b'{"images": []}', length=500, breaks=True, says="the answer is cut off"
    ),
    "not HTTP": Body(head="SSH-2.0-OpenSSH_9.6\r\n", headers="", breaks=True),
    "malformed JSON": Body(body=b'{"images": [', says="not JSON"),
    "a key twice": Body(body=b'{"id": "a", "id": "b", "images": []}', says="not JSON"),
    "NaN": Body(body=b'{"images": [], "id": "a", "min_disk": NaN}', says="not JSON"),
    "deep nesting": Body(body=b"[" * 100_000, says="not JSON"),
    "wrong types": Body(body=b'{"images": 7, "id": 7, "job_id": []}', says="i"),
    "nothing that was asked for": Body(body=b"{}", says="i"),
    "a list": Body(body=b"[]", says="not a JSON object"),
    "HTML": Body(
        headers="Content-Type: text/html\r\n",
        body=b"<html><title>Please log in</title></html>",
        says="Please log in",
    ),
    "empty": Body(says="no body"),
    "204": Body(head="HTTP/1.1 204 No Content\r\nConnection: close\r\n", says="204"),
    "202": Body(
        head="HTTP/1.1 202 Accepted\r\nConnection: close\r\n",
        body=b'{"id": "a", "job_id": "b", "images": []}',
        says="202",
    ),
    "206": Body(
        head="HTTP/1.1 206 Partial Content\r\nConnection: close\r\n",
        body=b'{"id": "a", "job_id": "b", "images": []}',
        says="206",
    ),
}
CASES = [
    pytest.param(
        body,
        id=name,
        marks=pytest.mark.fault(
            17 if name in ("gzip bomb", "endless") else 15 if body.breaks else 16
        ),
    )
    for name, body in BODIES.items()
]
_RIGHT = {"token": "201 Created", "create": "201 Created"}


def answering(bad: Body) -> Misdeed:
    async def answer(exchange: Exchange) -> None:
        status = _RIGHT.get(exchange.call.name, "200 OK")
        length = len(bad.body) if bad.length is None else bad.length
        head = bad.head.format(status=status) + bad.headers
        if "chunked" not in head and "204" not in head:
            head += f"Content-Length: {length}\r\n"
        await exchange.write(head.encode() + b"\r\n" + bad.body)
        while bad.repeats:
            await exchange.write(bad.body)

    return answer


@pytest.mark.parametrize("bad", CASES)
@pytest.mark.parametrize("name", ["token", "list"])
def test_a_read_that_is_answered_so_ends_in_a_sentence_or_is_asked_again(
    stage: Stage, name: str, bad: Body
) -> None:
    is_outage = bad.breaks and name == "list"
    stage.trouble(name, answering(bad), when=first(1 if is_outage else 1000))

    ended = stage.run("--max-duration", "1" if name == "token" else "1h")

    assert ended.is_intelligible(), ended.err
    assert ended.code == (0 if is_outage else 69), ended.err
    if is_outage:
        assert bad.says in ended.events("service.call_failed")[0]["error"]
    elif name == "list":
        assert f"{stage.front.url}: list images: HTTP 20" in ended.explanation
        assert bad.says in ended.explanation
    else:
        assert "log in: " in ended.err
        assert "hint: " in ended.err
    assert len(stage.front.calls) < 40
    stage.peace()
    assert stage.run().code == 0
    assert stage.made() == [1, 1, 1, 1]


@pytest.mark.parametrize("bad", CASES)
def test_a_write_that_is_answered_so_is_looked_after_and_made_once(
    stage: Stage, bad: Body
) -> None:
    misdeed = answering(bad)
    stage.trouble("create", misdeed, when=about("web-0"))
    stage.trouble("create", misdeed, when=about("web-1"), executed=True)
    stage.trouble("register", misdeed, when=about("web-2"))
    stage.trouble("register", misdeed, when=about("web-3"), executed=True)

    ended = stage.run()

    assert ended.is_intelligible(), ended.err
    assert ended.code == 0, ended.err
    unclear = ended.events("image.create_unclear")
    assert {line["key"] for line in unclear} == {"web-0", "web-1"}
    assert all(bad.says in line["error_reason"] for line in unclear)
    assert stage.made() == [1, 1, 1, 1]
    assert stage.front.counts["create"] == 5  # the one that was not carried out
    assert stage.front.counts["register"] == 5
    assert stage.audit()["images_with_several_jobs"] == {}


@pytest.mark.fault(16)
@pytest.mark.parametrize("name", ["get", "job"])
@pytest.mark.parametrize(
    "bad", [BODIES[name] for name in ("NaN", "wrong types", "HTML", "empty", "204")]
)
def test_looks_that_are_answered_so_prove_nothing(
    stage: Stage, name: str, bad: Body
) -> None:
    """One register's answer is lost, one job fails: both are then asked about."""
    stage.use_faults("jobs: [{object: '*:web-1.qcow2', code: IMG.1075, nth: 1}]")
    stage.trouble("register", answering(BODIES["empty"]), when=about("web-0"))
    stage.trouble(name, answering(bad), when=first(2))

    ended = stage.run("--image-deadline", "5s")

    assert ended.is_intelligible(), ended.err
    assert ended.code in (3, 4), ended.err
    assert ended.states["web-1"] in ("failed", "unknown")
    assert {ended.states[key] for key in ("web-2", "web-3")} == {"active"}
    assert stage.front.counts[name] > 0
    stage.peace()
    again = stage.run()
    assert again.code == 0, again.err
    assert stage.audit()["duplicates"] == {}
    assert sorted(stage.made()) == [1, 1, 1, 2]  # a fresh shell after the failed job
