"""What the store's refusals are called, without a store."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.model import Action, Applied, FaultKind
from batch_register.obs.failure import is_error_body, misread, not_sent, refusal
from batch_register.transport import Reply

SECRET = "canary-secret-key"


def xml(code: str, message: str = "as told", more: str = "") -> bytes:
    return (
        '<?xml version="1.0"?><Error>'
        f"<Code>{code}</Code><Message>{message}</Message>{more}"
        "<RequestId>req-body</RequestId><HostId>h</HostId></Error>"
    ).encode()


def refused(
    status: int, body: bytes = b"", *, is_write: bool = False, **headers: Any
) -> ServiceError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = Reply(status=status, headers=named, body=body)
    return refusal("look", reply, secrets=(SECRET,), is_write=is_write)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "InvalidAccessKeyId", FaultKind.UNAUTHENTICATED),
        (403, "SignatureDoesNotMatch", FaultKind.UNAUTHENTICATED),
        (403, "RequestTimeTooSkewed", FaultKind.UNAUTHENTICATED),
        (400, "TooManyWrongSignature", FaultKind.UNAUTHENTICATED),
        (400, "ExpiredToken", FaultKind.UNAUTHENTICATED),
        (403, "AccessDenied", FaultKind.FORBIDDEN),
        (403, "InvalidObjectState", FaultKind.REJECTED),
        (403, "AllAccessDisabled", FaultKind.FORBIDDEN),
        (404, "NoSuchKey", FaultKind.NOT_FOUND),
        (404, "NoSuchBucket", FaultKind.NOT_FOUND),
        (404, "NoSuchUpload", FaultKind.NOT_FOUND),
        (400, "EntityTooSmall", FaultKind.REJECTED),
        (408, "RequestTimeout", FaultKind.LOST),
        (409, "OperationAborted", FaultKind.CONFLICT),
        (429, "TooManyRequests", FaultKind.THROTTLED),
        (503, "SlowDown", FaultKind.THROTTLED),
        (500, "InternalError", FaultKind.SERVER),
        (503, "ServiceUnavailable", FaultKind.SERVER),
        (200, "InternalError", FaultKind.SERVER),  # an upload that failed late
        (200, "Unheard", FaultKind.MISREAD),
    ],
)
def test_codes_decide(status: int, code: str, kind: FaultKind) -> None:
    error = refused(status, xml(code))
    assert error.kind is kind
    assert error.fault.code == f"obs.{code}"
    assert error.fault.http_status == status
    assert "as told" in error.fault.reason
    is_keys = kind is FaultKind.UNAUTHENTICATED
    assert isinstance(error, AuthenticationError) is is_keys


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "obs.Unauthorized", FaultKind.UNAUTHENTICATED),
        (403, "obs.Forbidden", FaultKind.FORBIDDEN),
        (404, "obs.NotFound", FaultKind.NOT_FOUND),
        (400, "obs.BadRequest", FaultKind.REJECTED),
        (418, "obs.I'maTeapot", FaultKind.REJECTED),
        (429, "obs.TooManyRequests", FaultKind.THROTTLED),
        (500, "obs.InternalServerError", FaultKind.SERVER),
        (503, "obs.ServiceUnavailable", FaultKind.SERVER),
        (599, "obs.Status599", FaultKind.SERVER),
        (499, "obs.Status499", FaultKind.REJECTED),
    ],
)
def test_a_bare_status_decides_where_there_is_no_code(
    status: int, code: str, kind: FaultKind
) -> None:
    """As answers to HEAD are."""
    error = refused(status)
    assert (error.fault.code, error.kind) == (code, kind)
    assert error.fault.reason


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (301, b"", {"x_amz_bucket_region": "eu-nl"}, "in region eu-nl"),
        (307, b"", {"x_obs_bucket_location": "eu-nl"}, "in region eu-nl"),
        (400, b"", {"x_amz_bucket_region": "eu-nl"}, "in region eu-nl"),
        (
            400,
            xml("AuthorizationHeaderMalformed", more="<Region>eu-nl</Region>"),
            {},
            "in region eu-nl",
        ),
        (
            301,
            xml("PermanentRedirect", more="<Endpoint>obs.eu-nl.example</Endpoint>"),
            {},
            "served at obs.eu-nl.example",
        ),
        (307, b"", {"location": "https://obs.eu-nl.example/x?s=1"}, "obs.eu-nl.exam"),
        (302, b"<html>", {}, "another address"),
    ],
)
def test_another_region_is_named_and_nobody_goes_there(
    status: int, body: bytes, headers: dict[str, Any], words: str
) -> None:
    error = refused(status, body, **headers)
    assert error.kind is FaultKind.REJECTED
    assert words in error.fault.reason
    assert error.fault.action is Action.FIX_SOURCE
    assert "s=1" not in str(error)


def test_the_request_s_id_is_kept_in_either_dialect() -> None:
    assert refused(404, x_obs_request_id="a").fault.request_id == "a"
    assert refused(404, x_amz_request_id="b").fault.request_id == "b"
    assert refused(404, xml("NoSuchKey")).fault.request_id == "req-body"
    assert refused(404).fault.request_id is None


def test_a_write_may_have_been_done_where_the_store_had_trouble() -> None:
    for status, body in ((500, b""), (503, b""), (408, b""), (200, xml("Odd"))):
        assert refused(status, body, is_write=True).applied is Applied.UNKNOWN
        assert refused(status, body).applied is Applied.NO
    for status, body in ((503, xml("SlowDown")), (429, b""), (403, b""), (404, b"")):
        assert refused(status, body, is_write=True).applied is Applied.NO


@pytest.mark.parametrize(
    ("value", "wait_s"), [("7", 7.0), ("9999", 60.0), ("soon", None), ("-1", None)]
)
def test_how_long_to_stay_away(value: str, wait_s: float | None) -> None:
    assert refused(503, retry_after=value).retry_after_s == wait_s


def test_no_secret_of_ours_comes_back_in_an_error() -> None:
    body = xml("SignatureDoesNotMatch", f"{SECRET} &lt;{SECRET}&gt;")
    error = refused(403, body, x_obs_request_id=SECRET)
    assert SECRET not in f"{error} {error.fault!r} {error!r}"
    assert "***" in error.fault.reason


def test_words_of_an_error_are_words() -> None:
    error = refused(400, xml("Odd", "a &amp;lt; b\x1b[31m\n c"))
    assert "a &lt; b\\x1b[31m c" in error.fault.reason


def test_a_success_that_says_error_is_found() -> None:
    assert is_error_body(xml("InternalError"))
    assert not is_error_body(b"<CompleteMultipartUploadResult/>")


def test_our_own_refusals_have_a_code_and_a_reason() -> None:
    assert misread("look", "no size").kind is FaultKind.MISREAD
    assert misread("begin", "no id", is_write=True).applied is Applied.UNKNOWN
    assert not_sent("look", "no bucket").fault.action is Action.FIX_MANIFEST


@given(
    status=st.integers(200, 599),
    body=st.binary(max_size=200),
    header=st.text(max_size=20),
)
def test_any_answer_gives_a_fault(status: int, body: bytes, header: str) -> None:
    for whole in (body, xml(body.decode("latin-1"), body.decode("latin-1"))):
        error = refused(
            status,
            whole,
            location=header,
            x_amz_bucket_region=header,
            retry_after=header,
        )
        assert error.fault.code
        assert error.fault.reason.isprintable()
