"""Kinds of login that keystoneauth1 knows: its plugins, our wire."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from batch_register.errors import AuthenticationError, ServiceError, SettingsError
from batch_register.identity import Cloud, connect
from batch_register.identity.cloud import PluginLogin, Project
from batch_register.identity.keys import FixedHeaders
from batch_register.identity.tokens import TokenAuth
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.transport import Reply, Request

pytestmark = pytest.mark.peer

SECRET = "canary-secret"
URL = "https://iam.example/v3"
ASKED = Request(operation="list images", method="GET", url="https://ims.example/v2")
OIDC = {
    "auth_url": URL,
    "identity_provider": "idp",
    "protocol": "openid",
    "client_id": "client",
    "client_secret": SECRET,
    "access_token_endpoint": "https://idp.example/token",
    "username": "batch",
    "password": f"{SECRET}-2",
    "project_name": "eu-de",
    "project_domain_name": "ACCOUNT",
}


def cloud(auth_type: str, values: dict[str, str], **changes) -> Cloud:
    login = PluginLogin(auth_type=auth_type, values=values, given=frozenset(values))
    found = Cloud(
        name="otc",
        source="cloud 'otc'",
        auth=login,
        image_endpoint="https://ims.example",
    )
    return replace(found, **changes)


PLUGGED = cloud("v3oidcpassword", OIDC)


def json_reply(status: int, document: object, **headers: str) -> Reply:
    named = {"content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Reply(status=status, headers=named, body=json.dumps(document).encode())


GRANTED = json_reply(200, {"access_token": "canary-access"})


async def test_a_login_over_an_identity_provider_is_three_requests_on_our_wire(
    clock, keystone, scripted
):
    sender = scripted(GRANTED, keystone)
    connection = await connect(PLUGGED, sender, clock, deadline_s=7)
    assert isinstance(connection.authoriser, TokenAuth)
    assert (connection.project_id, connection.image_endpoint) == (
        "p1",
        "https://ims.example",
    )
    granted, federated, scoped = sender.asked
    assert granted.url == "https://idp.example/token"
    assert parse_qs(granted.body.decode())["password"] == [f"{SECRET}-2"]
    assert federated.headers["Authorization"] == "Bearer canary-access"
    assert federated.url.startswith(f"{URL}/OS-FEDERATION/")
    assert json.loads(scoped.body)["auth"]["scope"] == {
        "project": {"name": "eu-de", "domain": {"name": "ACCOUNT"}}
    }
    assert {request.deadline_s for request in sender.asked} == {7}
    assert all(f"{SECRET}-2" in request.confidential for request in sender.asked)
    request = await connection.authoriser.authorise(ASKED)
    assert request.headers["X-Auth-Token"] == "token-2"
    assert SECRET in request.confidential


async def test_its_token_is_replaced_before_its_end_and_after_a_refusal(
    clock, keystone, scripted
):
    keystone.life_s = 1000
    asker = cloud("v3totp", {**TOTP, "project_id": "p"})
    connection = await connect(asker, scripted(keystone), clock)
    authoriser = connection.authoriser
    first = await authoriser.authorise(ASKED)
    assert await authoriser.renew(first) is True
    second = await authoriser.authorise(ASKED)
    assert second.headers["X-Auth-Token"] == "token-2"
    clock.forward(950)
    third = await authoriser.authorise(ASKED)
    assert third.headers["X-Auth-Token"] == "token-3"


TOTP = {"auth_url": URL, "user_id": "u", "passcode": SECRET}


@pytest.mark.parametrize("times", [{}, {"issued_at": "then", "expires_at": None}])
async def test_a_token_of_which_no_time_is_told_is_used(clock, scripted, times):
    body = {"token": {"project": {"id": "p", "name": "eu-de"}, "user": {}, **times}}
    sender = scripted(json_reply(201, body, x_subject_token="token-1"))
    asker = cloud("v3totp", {**TOTP, "project_id": "p"})
    connection = await connect(asker, sender, clock)
    clock.forward(86400)
    asked = await connection.authoriser.authorise(ASKED)
    assert asked.headers["X-Auth-Token"] == "token-1"
    assert connection.project_id == "p"


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (
            json_reply(401, {"error": {"message": f"no: {SECRET}"}}),
            AuthenticationError,
            "auth_type v3totp, cloud otc: no: ***",
        ),
        (json_reply(403, {}), AuthenticationError, "may not log in here"),
        (json_reply(503, {}), ServiceError, "Keystone has trouble"),
        (json_reply(429, {}, retry_after="7"), ServiceError, "too many logins"),
        (
            json_reply(302, {}, location="https://thief.example/"),
            ServiceError,
            "redirected to thief.example; redirects are never followed",
        ),
        (json_reply(201, {"token": 7}), ServiceError, "the answer is not Keystone's"),
        (Reply(status=200, headers={}, body=b"<html>"), ServiceError, "not Keystone's"),
    ],
)
async def test_a_failed_login_is_told_as_our_own_are(
    clock, scripted, answer, kind, told
):
    sender = scripted(answer)
    with pytest.raises(ServiceError) as caught:
        await connect(cloud("v3totp", TOTP), sender, clock)
    assert type(caught.value) is kind
    assert told in caught.value.fault.reason
    assert SECRET not in str(caught.value)
    assert len(sender.asked) == 1


async def test_a_lost_answer_leaves_the_callers_own_request_unsent(clock, scripted):
    fault = Fault(
        kind=FaultKind.LOST,
        code="transport.timeout",
        reason="iam.example:443: it took too long",
        action=Action.RUN_AGAIN,
    )
    lost = ServiceError("log in", fault, applied=Applied.UNKNOWN)
    with pytest.raises(ServiceError) as caught:
        await connect(cloud("v3totp", TOTP), scripted(lost), clock)
    assert caught.value.kind is FaultKind.UNREACHABLE
    assert caught.value.applied is Applied.NO
    assert "it took too long" in caught.value.fault.reason


def test_a_login_that_is_given_up_ends_with_its_request(clock):
    """Its thread must not hold up the end of the process, which waits for threads."""
    sent: list[Request] = []

    class Silent:
        async def send(self, request: Request) -> Reply:
            sent.append(request)
            await asyncio.sleep(3600)
            raise AssertionError

    async def give_up() -> None:
        async with asyncio.timeout(0.2):
            await connect(cloud("v3totp", TOTP), Silent(), clock)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("auth_type", "values", "headers"),
    [
        ("none", {}, {"X-Auth-Token": "notused"}),
        (
            "http_basic",
            {"username": "u", "password": SECRET},
            {"Authorization": "Basic dTpjYW5hcnktc2VjcmV0"},
        ),
        ("admin_token", {"token": SECRET}, {"X-Auth-Token": SECRET}),
        ("token_endpoint", {"token": SECRET}, {"X-Auth-Token": SECRET}),
    ],
)
async def test_a_way_in_without_a_keystone_adds_headers_and_knows_its_address(
    clock, scripted, auth_type, values, headers
):
    sender = scripted()
    entry = cloud(
        auth_type,
        {**values, "endpoint": "https://alone.example/"},
        image_endpoint=None,
        project=Project(id="p"),
    )
    connection = await connect(entry, sender, clock)
    assert isinstance(connection.authoriser, FixedHeaders)
    assert connection.image_endpoint == "https://alone.example"
    asked = await connection.authoriser.authorise(ASKED)
    assert asked.headers == headers
    assert await connection.authoriser.renew(asked) is False
    assert SECRET not in repr(connection)
    assert sender.asked == []
    with pytest.raises(SettingsError, match="nothing tells the project's id"):
        await connect(replace(entry, project=Project()), sender, clock)


@pytest.mark.parametrize(
    ("auth_type", "values", "told"),
    [
        ("invented", TOTP, "auth_type 'invented' is not known to keystoneauth1"),
        ("v3totp", {**TOTP, "more": SECRET}, "auth_type 'v3totp' does not know more"),
        ("v3totp", {"passcode": SECRET}, "auth_type 'v3totp' needs auth_url"),
        (
            "v3totp",
            {"auth_url": URL, "username": "u", "passcode": SECRET},
            "user_domain_id or user_domain_name",
        ),
    ],
)
async def test_what_keystoneauth_cannot_use_is_named(
    clock, scripted, auth_type, values, told
):
    with pytest.raises(SettingsError) as caught:
        await connect(cloud(auth_type, values), scripted(), clock)
    assert caught.value.message.startswith("cloud 'otc': auth_type")
    assert told in caught.value.message
    assert SECRET not in str(caught.value) + caught.value.hint


async def test_without_the_extra_its_name_is_told(clock, scripted, monkeypatch):
    """The core does without: what is missing is named, and how to get it."""
    monkeypatch.delitem(sys.modules, "batch_register.identity.plugins", raising=False)
    monkeypatch.setitem(sys.modules, "keystoneauth1", None)
    with pytest.raises(SettingsError) as caught:
        await connect(cloud("v3totp", TOTP), scripted(), clock)
    assert caught.value.message == "cloud 'otc': auth_type 'v3totp' needs keystoneauth1"
    assert "batch-register[openstack]" in caught.value.hint


def test_nothing_of_it_is_loaded_before_it_is_needed():
    """It takes as long to load as all the rest, and may be missing."""
    code = (
        "import sys, batch_register.cli.connection; "
        "sys.exit(bool({'keystoneauth1', 'requests'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
