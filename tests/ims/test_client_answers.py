"""What an answer proves, what it leaves open, and what is no answer at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings, strategies as st

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.ims.client import ImsClient
from batch_register.model import (
    Action,
    Applied,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageView,
    RequestLimit,
)
from batch_register.transport import Reply
from tests.ims.scripted import IMAGE, JOB, SPEC, FakeAuthoriser, image, reply, scene

Call = Callable[[ImsClient], Awaitable[object]]

CREATE: Call = lambda client: client.create_image(SPEC, ())  # noqa: E731 - a table
REGISTER: Call = lambda client: client.register_image(IMAGE, SPEC)  # noqa: E731
GET: Call = lambda client: client.get_image(IMAGE)  # noqa: E731
DELETE: Call = lambda client: client.delete_image(IMAGE)  # noqa: E731
JOB_GET: Call = lambda client: client.get_job(JOB)  # noqa: E731
LIST: Call = lambda client: client.list_images(ImageQuery())  # noqa: E731
QUOTA: Call = lambda client: client.get_quota()  # noqa: E731

WRITES = {"create": CREATE, "register": REGISTER, "delete": DELETE}
READS = {"get": GET, "job": JOB_GET, "list": LIST, "quota": QUOTA}
ALL = WRITES | READS


async def fails(call: Call, *answers: Reply | ServiceError) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call(scene(*answers).client)
    return caught.value


# -------------------------------------------------- no answer that anybody documents

TOKEN = "test-token-1"
HTML = b"<html><head><title>Sign in</title></head></html>"

MISREAD = {
    "redirect": (
        reply(307, None, {"location": "https://evil.example.org/x?token=1"}),
        "answer.redirect",
        "redirected to evil.example.org; redirects are never followed",
    ),
    "redirect to nowhere": (
        reply(302),
        "answer.redirect",
        "redirected to another address; redirects are never followed",
    ),
    "redirect to nonsense": (
        reply(301, None, {"location": "http://[x"}),
        "answer.redirect",
        "redirected to another address; redirects are never followed",
    ),
    "accepted": (
        reply(202, image()),
        "answer.status",
        "status 202 is not the documented answer",
    ),
    "informational": (
        reply(100),
        "answer.status",
        "status 100 is not the documented answer",
    ),
    "redirect with a choice": (
        reply(300, None, {"location": "https://other.example.org/"}),
        "answer.redirect",
        "redirected to other.example.org; redirects are never followed",
    ),
    "beyond the statuses": (
        reply(600, image()),
        "answer.status",
        "status 600 is not the documented answer",
    ),
    "no status at all": (
        reply(999, image()),
        "answer.status",
        "status 999 is not the documented answer",
    ),
}


@pytest.mark.fault(16)
@pytest.mark.parametrize(("answer", "code", "reason"), MISREAD.values(), ids=MISREAD)
@pytest.mark.parametrize("call", ALL.values(), ids=ALL)
async def test_another_status_is_no_success(call, answer, code, reason):
    error = await fails(call, answer)
    assert error.fault == Fault(
        kind=FaultKind.MISREAD,
        code=code,
        reason=reason,
        action=Action.CONTACT_PROVIDER,
        http_status=answer.status,
    )
    is_write = call in WRITES.values()
    assert error.applied is (Applied.UNKNOWN if is_write else Applied.NO)


BODIES = {
    "empty": (b"", "answer.empty", "the answer has no body"),
    "HTML": (HTML, "answer.not-json", "the answer is not JSON: Sign in"),
    "truncated": (
        b'{"id": "4f6c',
        "answer.not-json",
        'the answer is not JSON: {"id": "4f6c',
    ),
    "a key twice": (
        b'{"id":"a","id":"b"}',
        "answer.not-json",
        "the answer is not JSON",
    ),
    "NaN": (b'{"id":NaN}', "answer.not-json", "the answer is not JSON"),
    "another type": (b"[]", "answer.shape", "the answer is not a JSON object"),
}


@pytest.mark.fault(16)
@pytest.mark.parametrize(("body", "code", "reason"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(
    ("status", "call"),
    [
        (201, CREATE),
        (200, REGISTER),
        (200, GET),
        (200, JOB_GET),
        (200, LIST),
        (200, QUOTA),
    ],
    ids=["create", "register", "get", "job", "list", "quota"],
)
async def test_the_right_status_with_the_wrong_body_is_no_success(
    call, status, body, code, reason
):
    error = await fails(call, reply(status, body, {"x-request-id": "5f0c"}))
    assert error.fault == Fault(
        kind=FaultKind.MISREAD,
        code=code,
        reason=reason,
        action=Action.CONTACT_PROVIDER,
        http_status=status,
        request_id="5f0c",
    )
    is_write = call in WRITES.values()
    assert error.applied is (Applied.UNKNOWN if is_write else Applied.NO)


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("call", "answer", "reason"),
    [
        (CREATE, reply(201, {"status": "queued"}), "id: Field required"),
        (CREATE, reply(201, image(id="1")), "the image id is not a UUID: 1"),
        (CREATE, reply(201, image(id=1)), "id: Input should be a valid string"),
        (REGISTER, reply(200, {}), "job_id: Field required"),
        (REGISTER, reply(200, {"message": "Done."}), "job_id: Field required"),
        (
            REGISTER,
            reply(200, {"job_id": " "}),
            "job_id: String should have at least 1 character",
        ),
        (
            REGISTER,
            reply(200, {"job_id": None}),
            "job_id: Input should be a valid string",
        ),
    ],
)
async def test_a_write_without_its_id_may_have_been_carried_out(call, answer, reason):
    error = await fails(call, answer)
    assert (error.fault.code, error.fault.reason) == ("answer.shape", reason)
    assert (error.kind, error.applied) == (FaultKind.MISREAD, Applied.UNKNOWN)


async def test_a_create_answered_with_200_is_no_success_even_with_an_id():
    error = await fails(CREATE, reply(200, image()))
    assert (error.kind, error.applied) == (FaultKind.MISREAD, Applied.UNKNOWN)


# ------------------------------------------------------ what a refusal leaves open


def coded(status: int, code: str, headers: dict[str, str] | None = None) -> Reply:
    return reply(status, {"error": {"code": code, "message": "m"}}, headers)


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("answer", "kind", "applied"),
    [
        (reply(400), FaultKind.REJECTED, Applied.NO),
        (reply(403), FaultKind.FORBIDDEN, Applied.NO),
        (reply(408), FaultKind.LOST, Applied.UNKNOWN),
        (reply(409), FaultKind.CONFLICT, Applied.UNKNOWN),
        (reply(413), FaultKind.REJECTED, Applied.NO),
        (reply(403, {"message": "body too large"}), FaultKind.FORBIDDEN, Applied.NO),
        (reply(429), FaultKind.THROTTLED, Applied.NO),
        (reply(499), FaultKind.LOST, Applied.UNKNOWN),
        (reply(500), FaultKind.SERVER, Applied.UNKNOWN),
        (reply(502, HTML), FaultKind.SERVER, Applied.UNKNOWN),
        (reply(503), FaultKind.SERVER, Applied.UNKNOWN),
        (reply(504), FaultKind.SERVER, Applied.UNKNOWN),
        (coded(400, "IMG.0060"), FaultKind.BUSY, Applied.NO),
        (coded(400, "IMG.0015"), FaultKind.QUOTA, Applied.NO),
        (coded(400, "IMG.0194"), FaultKind.REJECTED, Applied.NO),
        # A code of a fault further back: the work may have been done before it.
        (coded(400, "IMG.0014"), FaultKind.SERVER, Applied.UNKNOWN),
        (coded(400, "IMG.1075"), FaultKind.SERVER, Applied.UNKNOWN),
        (coded(400, "IMG.0046"), FaultKind.CONFLICT, Applied.UNKNOWN),
        # A refusal by a gateway that fails at the same time proves nothing.
        (coded(500, "IMG.0060"), FaultKind.BUSY, Applied.UNKNOWN),
        (coded(400, "answer.shape"), FaultKind.MISREAD, Applied.UNKNOWN),
        (coded(408, "IMG.0060"), FaultKind.BUSY, Applied.UNKNOWN),
        (coded(499, "IMG.0060"), FaultKind.BUSY, Applied.UNKNOWN),
    ],
)
async def test_a_write_is_certainly_not_done_only_after_a_clear_refusal(
    answer, kind, applied
):
    for call in WRITES.values():
        error = await fails(call, answer)
        assert (error.kind, error.applied) == (kind, applied)
    assert (await fails(QUOTA, answer)).applied is Applied.NO


@pytest.mark.fault(12, 13)
@pytest.mark.parametrize(
    ("kind", "told", "kept"),
    [
        (FaultKind.LOST, Applied.NO, Applied.UNKNOWN),
        (FaultKind.LOST, Applied.UNKNOWN, Applied.UNKNOWN),
        (FaultKind.UNREACHABLE, Applied.NO, Applied.NO),
    ],
)
async def test_a_write_without_an_answer_is_never_certain(kind, told, kept):
    def no_answer() -> ServiceError:
        fault = Fault(kind=kind, code="c", reason="r", action=Action.RUN_AGAIN)
        return ServiceError("send", fault, applied=told)

    for call in WRITES.values():
        assert (await fails(call, no_answer())).applied is kept
    assert (await fails(GET, no_answer())).applied is told


@pytest.mark.fault(6, 7)
@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (reply(429, None, {"retry-after": "7"}), 7.0),
        (reply(429, None, {"retry-after": "-7"}), 0.0),
        (reply(429, None, {"retry-after": "999999"}), 3600.0),
        (reply(429, None, {"retry-after": "Tue, 01 Sep 2026 01:00:30 GMT"}), 30.0),
        (
            reply(
                429,
                {
                    "error_code": "APIG.0308",
                    "error_msg": "over ratelimit,limit:5,time:1 minute",
                },
            ),
            60.0,
        ),
        (reply(429), None),
        (coded(400, "IMG.0060", {"retry-after": "9"}), 9.0),
        (reply(503, None, {"retry-after": "9"}), 9.0),
        (reply(400, None, {"retry-after": "9"}), None),
    ],
)
async def test_how_long_to_stay_away(answer, seconds):
    assert (await fails(REGISTER, answer)).retry_after_s == seconds


FIVE_A_MINUTE = "over ratelimit,limit:5,time:1 minute"


@pytest.mark.parametrize(
    ("status", "code", "limit"),
    [
        (429, "APIGW.0308", RequestLimit(limit=5, window_s=60.0)),
        (400, "IMG.0060", None),  # busy: nothing is said about requests
        (503, "APIGW.0101", None),
        (400, "IMG.0005", None),
    ],
)
async def test_only_a_refusal_for_the_rate_teaches_the_limit(status, code, limit):
    answer = reply(status, {"error_code": code, "error_msg": FIVE_A_MINUTE})
    assert (await fails(REGISTER, answer)).limit == limit


@pytest.mark.parametrize("answer", [reply(202), reply(400), reply(401)])
async def test_an_error_names_the_call_that_failed(answer):
    error = await fails(GET, answer, answer)
    assert error.operation == "get image"
    assert str(error).startswith("get image: ")


async def test_a_refusal_without_words_is_told_in_those_of_the_standard():
    error = await fails(GET, reply(502))
    assert error.fault == Fault(
        kind=FaultKind.SERVER,
        code="http.502",
        reason="Bad Gateway; the answer gives no reason",
        action=Action.RUN_AGAIN,
        http_status=502,
    )
    unheard = await fails(GET, reply(499))
    assert unheard.fault.reason == "HTTP 499; the answer gives no reason"


async def test_the_request_id_may_be_in_the_body_and_is_made_plain():
    body = {"message": "Wait response timeout.", "request_id": "a\x1b" + "b" * 200}
    error = await fails(GET, reply(504, body))
    assert error.fault.request_id == "a\\x1b" + "b" * 122 + "…"


@pytest.mark.fault(37)
async def test_credentials_that_come_back_as_a_request_id_are_masked():
    error = await fails(GET, reply(504, {"message": "late", "request_id": TOKEN}))
    assert error.fault.request_id == "***"


@pytest.mark.fault(37)
@pytest.mark.parametrize("status", [400, 500])
async def test_credentials_that_an_answer_repeats_are_masked(status):
    echo = {"message": "x" * 270 + "you sent test-token-1 as X-Auth-Token"}
    error = await fails(GET, reply(status, echo))
    assert error.fault.reason == "x" * 270 + "you sent *** as X-Auth-Token"


@pytest.mark.parametrize(
    "header", ["X-Auth-Token", "Authorization", "X-Security-Token", "x-auth-token"]
)
async def test_whatever_header_carries_the_credentials_they_are_masked(header):
    echo = reply(400, {"message": "bad request: test-token-1"})
    stage = scene(echo, authoriser=FakeAuthoriser(header))
    with pytest.raises(ServiceError) as caught:
        await stage.client.get_image(IMAGE)
    assert caught.value.fault.reason == "bad request: ***"


async def test_other_headers_that_an_answer_repeats_are_not_masked():
    error = await fails(GET, reply(400, {"message": "not application/json"}))
    assert error.fault.reason == "not application/json"


async def test_credentials_in_a_page_that_is_no_answer_are_masked_too():
    error = await fails(GET, reply(200, b"<title>echo: test-token-1</title>"))
    assert "test-token-1" not in str(error)


# ----------------------------------------------------------------------- the 401 rule

EXPIRED = {"error_code": "APIGW.0307", "error_msg": "The token must be updated."}
WRONG = {"error_code": "APIGW.0301", "error_msg": "decrypt token fail"}
SKEWED = {
    "error_code": "APIGW.0301",
    "error_msg": "Incorrect IAM authentication information: verify aksk signature fail",
}
TOO_LARGE = {
    "error_code": "APIGW.0301",
    "error_msg": "Incorrect IAM authentication information: "
    "calc aksk signature fail:body too large",
}


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    "refusal",
    [
        reply(401),
        reply(401, EXPIRED),
        reply(401, WRONG),
        reply(401, SKEWED),
        coded(400, "IMG.0087"),
    ],
)
async def test_a_refused_token_is_renewed_and_the_request_replayed(refusal):
    stage = scene(refusal, reply(201, image()))
    view = await stage.client.create_image(SPEC, ())
    assert isinstance(view, ImageView)
    tokens = [request.headers["X-Auth-Token"] for request in stage.sender.requests]
    assert (tokens, stage.authoriser.renewals) == (
        ["test-token-1", "test-token-2"],
        ["test-token-1"],
    )
    first, second = (request.body for request in stage.sender.requests)
    assert first == second


@pytest.mark.fault(10)
async def test_a_second_refusal_is_final():
    stage = scene(reply(401, EXPIRED), reply(401, EXPIRED))
    with pytest.raises(AuthenticationError) as caught:
        await stage.client.create_image(SPEC, ())
    assert len(stage.sender.requests) == 2
    assert caught.value.fault == Fault(
        kind=FaultKind.UNAUTHENTICATED,
        code="APIGW.0307",
        reason="The token must be updated.",
        action=Action.ASK_PERMISSION,
        http_status=401,
    )
    assert caught.value.applied is Applied.NO
    assert caught.value.hint == (
        "check the credentials, and that they belong to this region's project"
    )


async def test_a_success_alone_speaks_for_the_credentials():
    stage = scene(reply(401, EXPIRED), reply(404), reply(200, image()))
    assert await stage.client.get_image(IMAGE) is None
    assert stage.authoriser.taken == []
    await stage.client.get_image(IMAGE)
    assert stage.authoriser.renewals == ["test-token-1"]
    assert stage.authoriser.taken == ["test-token-2"]


async def test_where_renewing_cannot_help_nothing_is_replayed():
    stage = scene(reply(401), authoriser=FakeAuthoriser(can_renew=False))
    with pytest.raises(AuthenticationError):
        await stage.client.get_image(IMAGE)
    assert len(stage.sender.requests) == 1


@pytest.mark.parametrize(
    "words",
    [
        SKEWED["error_msg"],
        "Signature verification failed",
        "The request timestamp expired",
        "X-Sdk-Date is missing",
        "Clock skew too large",
    ],
)
async def test_a_bad_signature_is_not_made_again_with_the_same_key(words):
    refusal = reply(401, SKEWED | {"error_msg": words})
    stage = scene(refusal, authoriser=FakeAuthoriser("Authorization"))
    with pytest.raises(AuthenticationError) as caught:
        await stage.client.get_image(IMAGE)
    assert (stage.authoriser.renewals, len(stage.sender.requests)) == ([], 1)
    assert caught.value.hint == (
        "check the access key and the secret key, and that this machine's clock is "
        "right to within 15 minutes"
    )


@pytest.mark.fault(22)
async def test_a_refused_signature_tells_of_a_wrong_clock():
    date = {"date": "Tue, 01 Sep 2026 00:40:00 GMT"}
    stage = scene(reply(401, SKEWED, date), authoriser=FakeAuthoriser("Authorization"))
    with pytest.raises(AuthenticationError) as caught:
        await stage.client.get_image(IMAGE)
    assert caught.value.fault.reason == (
        f"{SKEWED['error_msg']} "
        "(this machine's clock is 20 minutes ahead of the service's: set it)"
    )


async def test_a_refused_token_has_nothing_to_do_with_the_clock():
    skewed = reply(401, WRONG, {"date": "Tue, 01 Sep 2026 00:40:00 GMT"})
    error = await fails(GET, skewed, skewed)
    assert error.fault.reason == WRONG["error_msg"]


async def test_a_temporary_key_that_ran_out_is_renewed():
    stage = scene(
        reply(401, {"error_code": "APIGW.0301", "error_msg": "ak AKTEST not exist"}),
        reply(200, image()),
        authoriser=FakeAuthoriser("Authorization"),
    )
    await stage.client.get_image(IMAGE)
    assert stage.authoriser.renewals == ["test-token-1"]


async def test_a_body_that_is_too_large_says_nothing_about_credentials():
    stage = scene(reply(401, TOO_LARGE))
    with pytest.raises(ServiceError) as caught:
        await stage.client.register_image(IMAGE, SPEC)
    assert not isinstance(caught.value, AuthenticationError)
    assert (caught.value.kind, stage.authoriser.renewals) == (FaultKind.REJECTED, [])
    assert caught.value.fault.action is Action.CONTACT_PROVIDER


async def test_a_write_that_may_have_been_done_is_not_replayed_for_a_token():
    error = await fails(CREATE, reply(502, EXPIRED))
    assert (error.kind, error.applied) == (FaultKind.UNAUTHENTICATED, Applied.UNKNOWN)


async def test_the_replay_is_judged_like_any_answer():
    error = await fails(CREATE, reply(401), reply(504))
    assert (error.kind, error.applied) == (FaultKind.SERVER, Applied.UNKNOWN)


async def test_a_forbidden_call_renews_nothing():
    stage = scene(reply(403))
    with pytest.raises(ServiceError) as caught:
        await stage.client.get_image(IMAGE)
    assert (caught.value.kind, stage.authoriser.renewals) == (FaultKind.FORBIDDEN, [])


# --------------------------------------------------------------------------- anything

_BODIES = st.binary(max_size=200) | st.sampled_from(
    [
        b'{"id":"4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11","status":"queued"}',
        b'{"job_id":"1"}',
        b'{"images":[]}',
        b'{"error":{"code":"IMG.0060"}}',
        b'{"error_code":"APIGW.0307"}',
    ]
)
_HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "location", "x-request-id", "content-type"]),
    st.text(max_size=40),
)
_REPLIES = st.builds(
    Reply,
    status=st.sampled_from([200, 201, 204, 301, 400, 401, 404, 409, 429, 503])
    | st.integers(-1, 1000),
    headers=_HEADERS,
    body=_BODIES,
)


@pytest.mark.fault(16)
@given(st.lists(_REPLIES, min_size=12, max_size=12), st.sampled_from(sorted(ALL)))
@settings(max_examples=300)
async def test_no_answer_makes_the_client_raise_anything_but_a_service_error(
    replies, name
):
    told: ServiceError | None = None
    try:
        await ALL[name](scene(*replies * 200).client)
    except ServiceError as error:
        told = error
    if told is not None:
        assert told.fault.code
        assert told.fault.reason
        assert str(told).isprintable()


@given(_REPLIES)
async def test_an_image_counts_as_made_only_after_201_with_an_id(answer):
    try:
        view = await scene(answer, answer).client.create_image(SPEC, ())
    except ServiceError:
        return
    assert (answer.status, view.image_id) == (201, ImageId(IMAGE))
