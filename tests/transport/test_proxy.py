"""Which requests go through a proxy, and what the proxy and the cloud each see."""

from __future__ import annotations

import base64
import ssl

import pytest
import trustme

from batch_register.errors import ServiceError, SettingsError
from batch_register.model import Action, Applied, FaultKind
from batch_register.transport import Request
from batch_register.transport.proxy import NO_PROXIES, Proxies, Route
from batch_register.transport.tls import Tls

BASIC = "Basic " + base64.b64encode(b"me:p@ss").decode()


def test_without_proxies_everything_is_direct():
    assert NO_PROXIES.route("https://cloud.example/x") == Route()


def test_a_proxy_is_chosen_by_the_scheme_and_its_password_kept_apart():
    proxies = Proxies(
        {"http": "plain.example:3128", "https": "http://me:p%40ss@tls.example:8080"}
    )
    assert proxies.route("http://cloud.example/") == Route(
        url="http://plain.example:3128", name="plain.example:3128"
    )
    assert proxies.route("https://cloud.example/") == Route(
        url="http://tls.example:8080",
        name="tls.example:8080",
        connect_headers={"Proxy-Authorization": BASIC},
        secrets=("p@ss", BASIC.removeprefix("Basic ")),
    )


def test_a_plain_request_carries_the_proxys_password_itself():
    route = Proxies({"http": "http://me:p%40ss@h:1"}).route("http://cloud.example/")
    assert route.request_headers == {"Proxy-Authorization": BASIC}
    assert route.connect_headers is None
    assert "p@ss" not in repr(route)
    assert BASIC not in repr(route)


@pytest.mark.fault(21, 37)
@pytest.mark.parametrize(
    "address",
    [
        "http://u:sec/ret@proxy:1",
        "http://u:sec#ret@proxy:1",
        "u:sec?ret@proxy:1",
        "http://u:secret@proxy:port",
        "http://u:secret@:1",
        "socks5://u:secret@proxy:1",
        "http://[proxy:1",
    ],
)
@pytest.mark.parametrize("name", ["https", "all"])
def test_a_malformed_proxy_is_refused_without_being_quoted(name, address):
    proxies = Proxies({name: address, "no": "inside"})
    with pytest.raises(SettingsError, match=f"{name}_proxy is not the") as caught:
        proxies.route("https://cloud.example/")
    assert "ret" not in f"{caught.value}{caught.value.hint}"
    assert proxies.route("https://inside/") == Route()


def test_one_proxy_for_all_and_hosts_without_any():
    proxies = Proxies({"all": "http://p:1", "no": "127.0.0.1,.inside.example"})
    assert proxies.route("https://cloud.example/").url == "http://p:1"
    assert proxies.route("http://127.0.0.1:80/") == Route()
    assert proxies.route("https://ims.inside.example/") == Route()


@pytest.mark.parametrize(
    ("url", "is_direct"),
    [
        ("http://10.1.2.3/", True),
        ("https://10.1.2.3:5000/v3", True),
        ("http://11.1.2.3/", False),
        ("http://[fd00::7]:5000/", True),
        ("http://[fc00::1]:5000/", True),
        ("http://[fe00::7]/", False),
        ("http://ims.example:8080/", True),
        ("http://ims.example:8081/", False),
        ("http://ims.example/", False),
        ("http://10.1.2.3.example/", False),
    ],
)
def test_networks_and_ports_need_no_proxy_either(url, is_direct):
    """As requests has it, and with it openstacksdk; networks of IPv6 are curl's."""
    exceptions = "odd/1, 10.0.0.0/8, fd00::/16, [fc00::1], ims.example:8080"
    proxies = Proxies({"all": "http://p:1", "no": exceptions})
    assert (proxies.route(url) == Route()) is is_direct


@pytest.fixture
def proxied(monkeypatch, open_sender):
    """Open a sender whose environment names a proxy."""

    async def start(port: int, **changes: object):
        for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://me:p%40ss@127.0.0.1:{port}")
        return await open_sender(trust_env=True, **changes)

    return start


def request(url: str) -> Request:
    return Request(operation="test call", method="PUT", url=url)


@pytest.mark.integration
async def test_a_plain_request_goes_to_the_proxy_whole(serve, proxied):
    async def answer(talk):
        await talk.read()
        await talk.answer("200 OK", b"by proxy")

    proxy = await serve(answer)
    sender = await proxied(proxy.port)
    reply = await sender.send(request("http://cloud.invalid/a%2fb?c=%3A"))
    assert reply.body == b"by proxy"
    head = proxy.arrivals[0].decode()
    assert head.startswith("PUT http://cloud.invalid/a%2fb?c=%3A HTTP/1.1\r\n")
    assert f"Proxy-Authorization: {BASIC}\r\n" in head


@pytest.mark.integration
async def test_a_tunnel_hides_the_request_from_the_proxy(serve, proxied, tmp_path):
    """CONNECT, then TLS with the cloud itself through the same connection."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("cloud.invalid").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)

    async def tunnel(talk):
        await talk.read()
        await talk.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await talk.writer.start_tls(context)
        await talk.read()
        await talk.answer("200 OK", b"through")

    proxy = await serve(tunnel)
    sender = await proxied(proxy.port, tls=Tls(ca_file=ca_file))
    reply = await sender.send(request("https://cloud.invalid/x"))
    assert reply.body == b"through"
    connect, inner = (arrival.decode() for arrival in proxy.arrivals)
    assert connect.startswith("CONNECT cloud.invalid:443 HTTP/1.1\r\n")
    assert f"Proxy-Authorization: {BASIC}\r\n" in connect
    assert inner.startswith("PUT /x HTTP/1.1\r\n")
    assert "Proxy-Authorization" not in inner


@pytest.mark.fault(21)
@pytest.mark.integration
@pytest.mark.parametrize("answered", [True, False])
async def test_a_proxy_that_refuses_means_that_nothing_was_sent(
    serve, proxied, answered
):
    async def refuse(talk):
        await talk.read()
        if answered:
            await talk.answer("407 Proxy Authentication Required")

    proxy = await serve(refuse)
    sender = await proxied(proxy.port)
    with pytest.raises(ServiceError) as caught:
        await sender.send(request("https://cloud.invalid/x?signature=canary"))
    error = caught.value
    assert (error.kind, error.applied) == (FaultKind.UNREACHABLE, Applied.NO)
    assert "p@ss" not in str(error)
    assert "canary" not in str(error)
    if answered:
        assert error.fault.code == "transport.proxy"
        assert error.fault.action is Action.ASK_PERMISSION
        assert error.fault.reason == (
            f"cloud.invalid:443 through the proxy 127.0.0.1:{proxy.port}: "
            "the proxy refused (HTTP 407)"
        )


@pytest.mark.integration
async def test_a_proxy_that_is_not_there_is_named(proxied):
    sender = await proxied(1)
    with pytest.raises(ServiceError) as caught:
        await sender.send(request("http://cloud.invalid/"))
    error = caught.value
    assert (error.fault.code, error.applied) == ("transport.proxy", Applied.NO)
    assert "127.0.0.1:1" in error.fault.reason
