"""Redirects: never followed, so that no credential and no body reaches anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.hostile.conftest import Backstage, Stage
from tests.hostile.front import Exchange, Misdeed, about

pytestmark = [pytest.mark.integration, pytest.mark.fault(18)]


@dataclass
class Thief:
    """Another host: notes whoever connects, and everything that is sent."""

    port: int = 0
    heard: list[bytes] = field(default_factory=list)


@pytest.fixture
def thief(backstage: Backstage) -> Iterator[Thief]:
    found = Thief()

    async def listen(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        found.heard.append(b"(connected)")
        found.heard.append(await reader.read(65_536))
        writer.close()

    async def open_it() -> asyncio.Server:
        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        found.port = server.sockets[0].getsockname()[1]
        return server

    server = backstage.do(open_it())
    yield found

    async def close_it() -> None:
        server.close()

    backstage.do(close_it())


def to(status: str, location: str) -> Misdeed:
    """Redirect to an address, in which `{target}` is what was asked for."""

    async def redirect(exchange: Exchange) -> None:
        where = location.replace("{target}", exchange.call.target)
        await exchange.answer(status, b"", f"Location: {where}")

    return redirect


STATUSES = ("302 Found", "307 Temporary Redirect")


def address(where: str, stage: Stage, thief: Thief) -> str:
    """Return the address of another host, of one in clear text, or of the call itself."""
    return {
        "another host": f"https://127.0.0.1:{thief.port}{{target}}",
        "clear text": f"http://localhost:{thief.port}{{target}}",
        "itself": f"{stage.front.url}{{target}}",
    }[where]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("where", ["another host", "clear text", "itself"])
@pytest.mark.parametrize("name", ["token", "list"])
def test_a_service_that_redirects_is_not_followed_and_the_run_says_so(
    stage: Stage, thief: Thief, name: str, where: str, status: str
) -> None:
    stage.trouble(name, to(status, address(where, stage, thief)))

    ended = stage.run()

    assert ended.code == 69, ended.err
    assert ended.is_intelligible()
    told = ended.err if name == "token" else ended.explanation
    assert "redirected to" in told
    assert "127.0.0.1" in told
    assert stage.front.counts[name] == 1
    assert stage.audit()["writes"] == 0
    stage.peace()
    assert stage.run().code == 0
    assert thief.heard == []
    assert stage.made() == [1, 1, 1, 1]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("where", ["another host", "clear text", "itself"])
def test_a_redirected_write_is_looked_after_and_never_sent_elsewhere(
    stage: Stage, thief: Thief, where: str, status: str
) -> None:
    misdeed = to(status, address(where, stage, thief))
    stage.trouble("create", misdeed, when=about("web-0"))
    stage.trouble("create", misdeed, when=about("web-1"), executed=True)
    stage.trouble("register", misdeed, when=about("web-2"))
    stage.trouble("register", misdeed, when=about("web-3"), executed=True)

    ended = stage.run()

    assert ended.code == 0, ended.err
    assert ended.is_intelligible()
    assert thief.heard == []
    assert stage.made() == [1, 1, 1, 1]
    assert stage.front.counts["create"] == 5  # the one that was not carried out
    assert stage.front.counts["register"] == 5
