"""Networks that lead nowhere: names, ports, cut handshakes, proxies."""

from __future__ import annotations

import asyncio
from contextlib import closing
from socket import create_server

import pytest

from tests.hostile.conftest import Backstage, Stage
from tests.hostile.front import Exchange

pytestmark = pytest.mark.integration

# A run whose window is over so soon gives the first login one try.
ONE_TRY = ("--max-duration", "0.5")


def free_port() -> int:
    """Return a port on which nobody listens."""
    with closing(create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


def lead_to(stage: Stage, url: str, *, image_service_only: bool) -> None:
    """Let the cloud's entry name another address."""
    stage.entry["image_endpoint_override"] = url
    if not image_service_only:
        stage.entry["auth"]["auth_url"] = f"{url}/v3"


# ------------------------------------------------------------ names and ports


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://nowhere.invalid", "nowhere.invalid:443: the host name cannot be"),
        ("https://" + "a" * 64 + ".example", "the host name is malformed"),
    ],
)
def test_a_name_that_leads_nowhere_is_said_with_its_host(
    stage: Stage, url: str, words: str
) -> None:
    good = dict(stage.entry, auth=dict(stage.entry["auth"]))
    lead_to(stage, url, image_service_only=False)

    ended = stage.run(*ONE_TRY)

    assert ended.code == 69, ended.err
    assert words in ended.err
    assert (
        "hint: Whoever runs the batch: check network, proxy and endpoint" in ended.err
    )
    stage.entry = good
    assert stage.run().code == 0


@pytest.mark.fault(19)
def test_a_name_of_the_image_service_alone_that_leads_nowhere(stage: Stage) -> None:
    """A window ends the wait; without one it is given up after half a minute."""
    good = dict(stage.entry)
    lead_to(stage, "https://nowhere.invalid", image_service_only=True)

    ended = stage.run(*ONE_TRY)

    assert ended.code == 5, ended.err
    (line, *_) = ended.events("service.call_failed")
    assert "nowhere.invalid:443: the host name cannot be resolved" in line["error"]
    assert set(ended.states.values()) == {"pending"}
    stage.entry = good
    assert stage.run().code == 0


@pytest.mark.fault(12)
def test_a_port_without_a_server_is_said_with_its_number(stage: Stage) -> None:
    port = free_port()
    lead_to(stage, f"http://127.0.0.1:{port}", image_service_only=False)
    ended = stage.run(*ONE_TRY)
    assert ended.code == 69, ended.err
    assert f"127.0.0.1:{port}: cannot connect" in ended.err


@pytest.mark.fault(12)
@pytest.mark.parametrize("name", ["create", "register"])
@pytest.mark.parametrize("executed", [True, False])
def test_connections_that_break_in_mid_call_make_nothing_twice(
    stage: Stage, name: str, *, executed: bool
) -> None:
    stage.trouble(
        name, Exchange.reset, executed=executed, when=lambda call: call.number <= 2
    )
    ended = stage.run()
    assert ended.code == 0, ended.err
    assert stage.made() == [1, 1, 1, 1]
    assert stage.front.counts[name] == (4 if executed else 6)


# ------------------------------------------------------------ TLS


@pytest.mark.fault(20)
def test_a_handshake_that_is_cut_is_tls_trouble_of_that_host(
    stage: Stage, backstage: Backstage
) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x16\x03\x03\x00")  # the beginning of a record, no more
        writer.close()

    async def open_it() -> asyncio.Server:
        return await asyncio.start_server(cut, "127.0.0.1", 0)

    server = backstage.do(open_it())
    port = server.sockets[0].getsockname()[1]
    lead_to(stage, f"https://127.0.0.1:{port}", image_service_only=False)

    ended = stage.run(*ONE_TRY)

    assert ended.code == 69, ended.err
    assert ended.is_intelligible()
    assert f"127.0.0.1:{port}" in ended.err

    async def close_it() -> None:
        server.close()

    backstage.do(close_it())


# ------------------------------------------------------------ proxies


async def demand_a_login(exchange: Exchange) -> None:
    await exchange.answer("407 Proxy Authentication Required", b"<html>who?</html>")


@pytest.mark.fault(21)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_login_is_named_and_its_password_is_not(
    stage: Stage, quiet_environment: pytest.MonkeyPatch, scheme: str
) -> None:
    proxy = f"http://batch:pr0xy-canary@127.0.0.1:{stage.front.port}"
    quiet_environment.setenv(f"{scheme}_proxy", proxy)
    stage.front.troubles.clear()
    for name in ("other", "token"):
        stage.trouble(name, demand_a_login)
    lead_to(stage, f"{scheme}://cloud.example", image_service_only=False)

    ended = stage.run()  # without a window: it is not tried again

    assert ended.code == 69, ended.err
    assert "pr0xy-canary" not in ended.err
    assert ended.events("login.failed") == []
    assert f"through the proxy 127.0.0.1:{stage.front.port}: the proxy" in ended.err
    assert "refused (HTTP 407)" in ended.err
    assert len(stage.front.calls) == 1


@pytest.mark.fault(21)
def test_a_proxy_that_is_not_there_is_named(
    stage: Stage, quiet_environment: pytest.MonkeyPatch
) -> None:
    port = free_port()
    quiet_environment.setenv("https_proxy", f"http://u:pr0xy-canary@127.0.0.1:{port}")
    lead_to(stage, "https://cloud.example", image_service_only=False)
    ended = stage.run(*ONE_TRY)
    assert ended.code == 69, ended.err
    assert f"through the proxy 127.0.0.1:{port}: the proxy cannot be" in ended.err
    assert "pr0xy-canary" not in ended.err


@pytest.mark.fault(21, 37)
@pytest.mark.parametrize("secret", ["can/ary", "can#ary", "can?ary", "can@ary"])
def test_a_proxy_address_with_an_unescaped_password_does_not_give_it_away(
    stage: Stage, quiet_environment: pytest.MonkeyPatch, secret: str
) -> None:
    quiet_environment.setenv(
        "https_proxy", f"http://u:{secret}@127.0.0.1:{free_port()}"
    )
    lead_to(stage, "https://cloud.example", image_service_only=False)
    ended = stage.run(*ONE_TRY, "--log-level", "debug")
    assert ended.code == (69 if "@" in secret else 2), ended.err
    if ended.code == 2:
        assert "https_proxy is not the address of a proxy" in ended.err
    assert "u:can" not in ended.err
    assert "ary" not in ended.err
