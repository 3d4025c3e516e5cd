"""Tokens: one login for many callers, replaced in time, never in a loop."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace

import pytest

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.identity.cloud import (
    Agency,
    CredentialLogin,
    Domain,
    PasswordLogin,
    Project,
    TokenLogin,
    User,
)
from batch_register.identity.keystone import KeystoneSource
from batch_register.identity.login import identity_root, login_request, who
from batch_register.identity.tokens import TokenAuth
from batch_register.model import Action, Applied, Fault, FaultKind
from batch_register.transport import Reply, Request

SECRET = "canary-password"
URL = "https://iam.example"
DOMAIN = Domain(name="ACCOUNT")
USER = User(name="batch", domain=DOMAIN)
LOGIN = PasswordLogin(auth_url=URL, user=USER, password=SECRET)
PROJECT = Project(name="eu-de")
ASKED = Request(operation="list images", method="GET", url="https://ims.example/v2")


def auth(sender, clock, login=LOGIN, project=PROJECT) -> TokenAuth:
    source = KeystoneSource(login, project, sender, cloud_name="otc")
    return TokenAuth(source, clock)


async def token_of(tokens: TokenAuth) -> str:
    return (await tokens.authorise(ASKED)).headers["X-Auth-Token"]


def error_reply(status: int, body: object = None, **headers: str) -> Reply:
    text = json.dumps(body).encode() if body is not None else b""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=text)


def lost() -> ServiceError:
    fault = Fault(
        kind=FaultKind.LOST,
        code="transport.timeout",
        reason="iam.example:443: it took too long",
        action=Action.RUN_AGAIN,
    )
    return ServiceError("log in", fault, applied=Applied.UNKNOWN)


@pytest.mark.parametrize(
    ("login", "project", "body"),
    [
        (
            LOGIN,
            PROJECT,
            {
                "identity": {
                    "methods": ["password"],
                    "password": {
                        "user": {
                            "name": "batch",
                            "domain": {"name": "ACCOUNT"},
                            "password": SECRET,
                        }
                    },
                },
                "scope": {"project": {"name": "eu-de", "domain": {"name": "ACCOUNT"}}},
            },
        ),
        (
            PasswordLogin(auth_url=URL, user=User(id="u1"), password=SECRET),
            Project(name="eu-de", domain=Domain(id="d1")),
            {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"id": "u1", "password": SECRET}},
                },
                "scope": {"project": {"name": "eu-de", "domain": {"id": "d1"}}},
            },
        ),
        (
            CredentialLogin(auth_url=URL, secret=SECRET, credential_id="c1"),
            Project(id="p1"),
            {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {"id": "c1", "secret": SECRET},
                }
            },
        ),
        (
            CredentialLogin(
                auth_url=URL, secret=SECRET, credential_name="night", user=USER
            ),
            Project(),
            {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {
                        "name": "night",
                        "user": {"name": "batch", "domain": {"name": "ACCOUNT"}},
                        "secret": SECRET,
                    },
                }
            },
        ),
        (
            TokenLogin(auth_url=URL, token=SECRET),
            Project(id="p1", name="eu-de"),
            {
                "identity": {"methods": ["token"], "token": {"id": SECRET}},
                "scope": {"project": {"id": "p1"}},
            },
        ),
        (
            TokenLogin(auth_url=URL, token=SECRET),
            PROJECT,
            {
                "identity": {"methods": ["token"], "token": {"id": SECRET}},
                "scope": {"project": {"name": "eu-de"}},
            },
        ),
    ],
)
def test_each_way_of_logging_in_is_worded_as_the_identity_api_has_it(
    login, project, body
):
    request = login_request(login, project, deadline_s=9.0)
    assert json.loads(request.body) == {"auth": body}
    assert request.url == "https://iam.example/v3/auth/tokens"
    assert (request.method, request.deadline_s) == ("POST", 9.0)
    assert SECRET not in repr(login)


AGENCY = Agency(name="migration", domain=Domain(name="CUSTOMER"))


async def test_an_agency_is_taken_on_with_a_token_of_the_users_own_account(
    clock, keystone, scripted
):
    """The project is the other account's; each renewal goes both steps anew."""
    sender = scripted(keystone)
    source = KeystoneSource(LOGIN, PROJECT, sender, cloud_name="otc", agency=AGENCY)
    tokens = TokenAuth(source, clock)
    asked = await tokens.authorise(ASKED)
    assert asked.headers["X-Auth-Token"] == "token-2"
    own, agency = sender.asked
    assert json.loads(own.body)["auth"]["scope"] == {"domain": {"name": "ACCOUNT"}}
    assert "X-Auth-Token" not in own.headers
    assert agency.headers["X-Auth-Token"] == "token-1"
    assert json.loads(agency.body)["auth"] == {
        "identity": {
            "methods": ["assume_role"],
            "assume_role": {"domain_name": "CUSTOMER", "agency_name": "migration"},
        },
        "scope": {"project": {"name": "eu-de", "domain": {"name": "CUSTOMER"}}},
    }
    assert SECRET in agency.confidential
    await tokens.renew(asked)
    assert await token_of(tokens) == "token-4"


async def test_a_refused_agency_is_named(clock, keystone, scripted):
    sender = scripted(keystone, error_reply(403, {"error": {"message": "no right"}}))
    agency = Agency(name="migration", domain=Domain(id="d1"))
    source = KeystoneSource(LOGIN, PROJECT, sender, cloud_name="otc", agency=agency)
    with pytest.raises(AuthenticationError) as caught:
        await TokenAuth(source, clock).session()
    assert caught.value.fault.reason == (
        "agency 'migration' of 'd1' for project 'eu-de' at iam.example, cloud otc: no right"
    )


@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("https://iam.example", "https://iam.example/v3"),
        ("https://iam.example/", "https://iam.example/v3"),
        ("https://iam.example:443/v3", "https://iam.example:443/v3"),
        ("https://iam.example:443/v3//", "https://iam.example:443/v3"),
        ("http://h:5000/identity", "http://h:5000/identity/v3"),
        ("http://h:5000/identity/v3/", "http://h:5000/identity/v3"),
        ("http://h:5000/v2.0", "http://h:5000/v3"),
    ],
)
def test_an_auth_url_may_be_written_with_or_without_its_version(written, root):
    assert identity_root(written) == root


@pytest.mark.fault(37)
@pytest.mark.parametrize(
    ("login", "name"),
    [
        (LOGIN, "user 'batch' of domain 'ACCOUNT'"),
        (
            PasswordLogin(auth_url=URL, user=User(id="u1"), password=SECRET),
            "user 'u1'",
        ),
        (
            PasswordLogin(auth_url=URL, user=User(name="batch"), password=SECRET),
            "user 'batch'",
        ),
        (
            CredentialLogin(auth_url=URL, secret=SECRET, credential_id="c1"),
            "application credential 'c1'",
        ),
        (
            CredentialLogin(
                auth_url=URL, secret=SECRET, credential_name="night", user=USER
            ),
            "application credential 'night' of user 'batch' of domain 'ACCOUNT'",
        ),
        (TokenLogin(auth_url=URL, token=SECRET), "the given token"),
    ],
)
async def test_a_refused_login_names_who_was_refused_but_no_secret(
    clock, scripted, login, name
):
    echo = f"bad:\n{SECRET}"
    body = {"error": {"code": 401, "message": echo, "title": "Unauthorized"}}
    sender = scripted(error_reply(401, body, x_iam_trace_id="trace-1"))
    tokens = auth(sender, clock, login)
    with pytest.raises(AuthenticationError) as caught:
        await tokens.authorise(ASKED)
    assert who(login) == name
    is_credential = isinstance(login, CredentialLogin)  # it has a project of its own
    project = "" if is_credential else " for project 'eu-de'"
    assert caught.value.exit_code == 77
    assert caught.value.fault == Fault(
        kind=FaultKind.UNAUTHENTICATED,
        code="login.unauthenticated",
        reason=f"{name}{project} at iam.example, cloud otc: bad: ***",
        action=Action.ASK_PERMISSION,
        http_status=401,
        request_id="trace-1",
    )
    assert SECRET not in repr(caught.value)


async def test_many_callers_cause_one_login(clock, keystone, scripted):
    sender = scripted(keystone)
    tokens = auth(sender, clock)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(token_of(tokens)) for _ in range(50)]
    assert {call.result() for call in calls} == {"token-1"}
    assert len(sender.asked) == 1


@pytest.mark.fault(10)
async def test_many_refusals_of_one_token_cause_one_login(clock, keystone, scripted):
    sender = scripted(keystone)
    tokens = auth(sender, clock)
    refused = await tokens.authorise(ASKED)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(tokens.renew(refused)) for _ in range(50)]
    assert {call.result() for call in calls} == {True}
    assert len(sender.asked) == 2
    assert await token_of(tokens) == "token-2"


async def test_a_login_that_gives_the_same_token_again_is_one_for_all(clock, scripted):
    headers = {"x-subject-token": "ever-the-same"}
    sender = scripted(Reply(status=201, headers=headers, body=b'{"token": {}}'))
    tokens = auth(sender, clock)
    refused = await tokens.authorise(ASKED)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(tokens.renew(refused)) for _ in range(50)]
    assert {call.result() for call in calls} == {True}
    assert await tokens.renew(refused) is False
    assert len(sender.asked) == 2


async def test_a_refusal_of_a_token_that_is_gone_asks_nothing(
    clock, keystone, scripted
):
    sender = scripted(keystone)
    tokens = auth(sender, clock)
    assert await tokens.renew(ASKED) is True
    first = await tokens.authorise(ASKED)
    await tokens.renew(first)
    assert await tokens.renew(first) is True
    assert len(sender.asked) == 2


@pytest.mark.fault(10)
async def test_a_replacement_that_is_refused_at_once_is_not_replaced_again(
    clock, keystone, scripted
):
    sender = scripted(keystone)
    tokens = auth(sender, clock)
    await tokens.renew(await tokens.authorise(ASKED))
    replacement = await tokens.authorise(ASKED)
    assert await tokens.renew(replacement) is False
    clock.forward(3600)
    assert await tokens.renew(replacement) is False
    assert len(sender.asked) == 2


@pytest.mark.fault(10)
async def test_a_replacement_that_has_worked_may_be_replaced(clock, keystone, scripted):
    """For its kind of call: what another kind says of a token is not known yet."""
    sender = scripted(keystone)
    tokens = auth(sender, clock)
    await tokens.renew(await tokens.authorise(ASKED))
    replacement = await tokens.authorise(ASKED)
    other = replace(replacement, operation="create image")
    tokens.accepted(other)
    assert await tokens.renew(replacement) is False
    tokens.accepted(replacement)
    assert await tokens.renew(replacement) is True
    third = await tokens.authorise(ASKED)
    tokens.accepted(replacement)  # an answer that was on its way says nothing of it
    assert await tokens.renew(third) is False
    assert await tokens.renew(replace(third, operation="create image")) is True
    assert len(sender.asked) == 4


@pytest.mark.fault(10)
async def test_a_token_near_its_end_is_replaced_once_for_many(
    clock, keystone, scripted
):
    keystone.life_s = 1000
    sender = scripted(keystone)
    tokens = auth(sender, clock)
    await tokens.session()
    clock.forward(941)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(token_of(tokens)) for _ in range(40)]
    assert {call.result() for call in calls} == {"token-2"}
    assert len(sender.asked) == 2


@pytest.mark.fault(10, 22)
@pytest.mark.parametrize(
    "life", [(86400, 86339, 86341), (5, 4.4, 4.6)], ids=["a day", "five seconds"]
)
@pytest.mark.parametrize(
    ("skew_s", "sends_date"), [(s, d) for s in (0, 7200, -7200) for d in (True, False)]
)
async def test_a_token_is_replaced_shortly_before_its_end_whatever_the_clocks_say(
    keystone, scripted, life, skew_s, sends_date
):
    """The margin is 60 s, or a tenth of a short life."""
    life_s, kept_s, replaced_s = life
    clock = keystone.clock
    keystone.life_s, keystone.skew_s, keystone.sends_date = life_s, skew_s, sends_date
    tokens = auth(scripted(keystone), clock)
    assert await token_of(tokens) == "token-1"
    clock.forward(kept_s)
    assert await token_of(tokens) == "token-1"
    clock.forward(replaced_s - kept_s)
    assert await token_of(tokens) == "token-2"


@pytest.mark.parametrize("expires_at", [None, "never", "2020-01-01T00:00:00Z", 7])
async def test_a_token_of_unknown_life_is_used_until_it_is_refused(
    clock, scripted, expires_at
):
    body = json.dumps({"token": {"expires_at": expires_at}}).encode()
    headers = {"x-subject-token": "t", "date": "rubbish"}
    sender = scripted(Reply(status=201, headers=headers, body=body))
    tokens = auth(sender, clock)
    await tokens.authorise(ASKED)
    clock.forward(10 * 86400)
    await tokens.authorise(ASKED)
    assert len(sender.asked) == 1


async def test_a_token_that_never_ends_is_used_for_long(clock, scripted):
    """The end of the calendar cannot be moved to a clock that is ahead."""
    body = {"token": {"expires_at": "9999-12-31T23:59:59Z"}}
    headers = {"x-subject-token": "token-1", "date": "Mon, 31 Aug 2026 23:00:00 GMT"}
    sender = scripted(
        Reply(status=201, headers=headers, body=json.dumps(body).encode())
    )
    tokens = auth(sender, clock)
    assert await token_of(tokens) == "token-1"
    clock.forward(300 * 86400)
    assert await token_of(tokens) == "token-1"
    assert len(sender.asked) == 1


async def test_a_date_without_a_zone_is_utc(clock, keystone, scripted):
    def zoneless(request):
        reply = keystone(request)
        headers = {**reply.headers, "date": "Tue, 01 Sep 2026 01:00:00 -0000"}
        return Reply(status=201, headers=headers, body=reply.body)

    keystone.life_s = 100
    tokens = auth(scripted(zoneless), clock)
    await tokens.session()
    clock.forward(91)
    assert await token_of(tokens) == "token-2"


async def test_a_refused_login_is_not_tried_again(clock, scripted):
    """Each further try with a wrong password brings a lock of the account nearer."""
    sender = scripted(error_reply(401))
    tokens = auth(sender, clock)
    errors = []
    for _ in range(3):
        with pytest.raises(AuthenticationError) as caught:
            await tokens.authorise(ASKED)
        errors.append(caught.value)
    assert len(sender.asked) == 1
    assert len({id(error) for error in errors}) == 3
    assert len({error.fault for error in errors}) == 1


async def test_callers_that_waited_share_a_failed_login(clock, keystone, scripted):
    sender = scripted(lost(), keystone)
    sender.gate = asyncio.Event()
    tokens = auth(sender, clock)

    async def attempt() -> ServiceError | None:
        try:
            await tokens.session()
        except ServiceError as error:
            return error
        return None

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(attempt()) for _ in range(20)]
        await asyncio.sleep(0)
        sender.gate.set()
    errors = [call.result() for call in calls]
    assert len(sender.asked) == 1
    assert [(e.kind, e.applied) for e in errors if e] == [
        (FaultKind.UNREACHABLE, Applied.NO)
    ] * 20
    assert await token_of(tokens) == "token-1"


async def test_a_caller_that_is_cancelled_in_its_login_leaves_it_to_the_next(
    clock, keystone, scripted
):
    sender = scripted(keystone)
    sender.gate = asyncio.Event()
    tokens = auth(sender, clock)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(token_of(tokens))
        second = group.create_task(token_of(tokens))
        await asyncio.sleep(0)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        sender.gate.set()
    assert second.result() == "token-1"
    assert len(sender.asked) == 2


async def test_a_token_that_still_works_is_used_while_keystone_is_away(
    clock, keystone, scripted
):
    keystone.life_s = 1000
    sender = scripted(keystone, lost(), lost(), keystone)
    tokens = auth(sender, clock)
    await tokens.session()
    clock.forward(945)
    assert [await token_of(tokens) for _ in range(3)] == ["token-1"] * 3
    assert len(sender.asked) == 2
    clock.forward(56)
    with pytest.raises(ServiceError, match="took too long"):
        await tokens.session()
    assert await token_of(tokens) == "token-2"


async def test_a_refusal_ends_even_a_token_that_still_works(clock, keystone, scripted):
    keystone.life_s = 1000
    tokens = auth(scripted(keystone, error_reply(403)), clock)
    await tokens.session()
    clock.forward(945)
    with pytest.raises(AuthenticationError) as caught:
        await tokens.session()
    assert caught.value.kind is FaultKind.FORBIDDEN


@pytest.mark.parametrize(
    ("reply", "error", "kind", "retry_after_s"),
    [
        (error_reply(400), AuthenticationError, FaultKind.REJECTED, None),
        (error_reply(404), ServiceError, FaultKind.NOT_FOUND, None),
        (error_reply(418), ServiceError, FaultKind.REJECTED, None),
        (error_reply(429, retry_after="7"), ServiceError, FaultKind.THROTTLED, 7.0),
        (error_reply(503, retry_after="soon"), ServiceError, FaultKind.SERVER, None),
        (error_reply(300), ServiceError, FaultKind.MISREAD, None),
        (error_reply(200, {"token": {}}), ServiceError, FaultKind.MISREAD, None),
        (error_reply(201, {"token": {}}), ServiceError, FaultKind.MISREAD, None),
        (
            error_reply(201, [1], x_subject_token="t"),
            ServiceError,
            FaultKind.MISREAD,
            None,
        ),
        (error_reply(201, x_subject_token="t"), ServiceError, FaultKind.MISREAD, None),
    ],
)
async def test_any_other_answer_has_its_kind_and_words(
    clock, scripted, reply, error, kind, retry_after_s
):
    tokens = auth(scripted(reply), clock)
    with pytest.raises(ServiceError) as caught:
        await tokens.session()
    assert type(caught.value) is error
    assert (caught.value.kind, caught.value.applied) == (kind, Applied.NO)
    assert caught.value.retry_after_s == retry_after_s
    assert caught.value.fault.reason.startswith(
        "user 'batch' of domain 'ACCOUNT' for project 'eu-de' at"
    )


async def test_iams_own_error_form_is_read_too(clock, scripted):
    body = {"error_code": "IAM.0011", "error_msg": "no such account"}
    tokens = auth(scripted(error_reply(403, body)), clock)
    with pytest.raises(AuthenticationError) as caught:
        await tokens.session()
    assert caught.value.fault.code == "IAM.0011"
    assert caught.value.fault.reason.endswith("no such account")


async def test_a_login_that_must_not_be_sent_stays_what_it_is(clock, scripted):
    fault = Fault(
        kind=FaultKind.REJECTED,
        code="transport.request",
        reason="not sent",
        action=Action.CONTACT_PROVIDER,
    )
    tokens = auth(scripted(ServiceError("log in", fault)), clock)
    with pytest.raises(ServiceError) as caught:
        await tokens.session()
    assert caught.value.fault == fault


async def test_the_session_shows_all_but_its_token(clock, keystone, scripted):
    session = await auth(scripted(keystone), clock).session()
    assert session.project_id == "p1"
    assert "token-1" not in repr(session)
