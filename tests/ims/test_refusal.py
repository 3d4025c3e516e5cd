"""Every error body that has been seen, and any other, is read without failing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from batch_register.ims.refusal import Refusal, read_refusal

REQUEST_ID = "5f0c7a52a4b14b1f9d2f6f0d3c1b9e77"
NO_KEY = "Incorrect IAM authentication information: ak AKTEST not exist"
TOO_FAST = (
    "The throttling threshold has been reached: "
    "policy ip over ratelimit,limit:5,time:1 minute"
)

DOCUMENTED = {
    "image service": (
        {"error": {"message": "The imagetype is invalid.", "code": "IMG.0024"}},
        Refusal("IMG.0024", "The imagetype is invalid."),
    ),
    "gateway": (
        {"error_code": "APIGW.0301", "error_msg": NO_KEY, "request_id": REQUEST_ID},
        Refusal("APIGW.0301", NO_KEY, REQUEST_ID),
    ),
    "shared gateway": (
        {"error_code": "APIG.0308", "error_msg": TOO_FAST, "request_id": REQUEST_ID},
        Refusal("APIG.0308", TOO_FAST, REQUEST_ID),
    ),
    "identity service": (
        {"error": {"code": 401, "message": "No token.", "title": "Unauthorized"}},
        Refusal("", "No token."),
    ),
    "OpenStack fault": (
        {"itemNotFound": {"message": "Image not found.", "code": 404}},
        Refusal("itemNotFound", "Image not found."),
    ),
    "OpenStack fault without words": ({"itemNotFound": {"code": 404}}, Refusal()),
    "OpenStack fault with a code of its own": (
        {"badRequest": {"code": "IMG.0060", "message": "Busy."}},
        Refusal("IMG.0060", "Busy."),
    ),
    "webob": (
        {
            "message": "Taken.<br /><BR>\n\n",
            "code": "409 Conflict",
            "title": "Conflict",
        },
        Refusal("", "Taken."),
    ),
    "gateway without a code": (
        {"message": "Wait response timeout.", "request_id": REQUEST_ID},
        Refusal("", "Wait response timeout.", REQUEST_ID),
    ),
    "other services": (
        {"errorCode": "Svc.0001", "errorMsg": "No."},
        Refusal("Svc.0001", "No."),
    ),
    "other services, plain": (
        {"code": "Svc.0002", "message": "No."},
        Refusal("Svc.0002", "No."),
    ),
    "one more level": (
        {
            "status": 400,
            "body": {"error": {"error_code": "IMG.0060", "error_msg": "."}},
        },
        Refusal("IMG.0060", "."),
    ),
    "a list of errors": (
        {"errors": [{"code": "Svc.0003", "title": "Bad", "request_id": REQUEST_ID}]},
        Refusal("Svc.0003", "Bad", REQUEST_ID),
    ),
    "a number above the code": (
        {"code": 400, "error": {"code": "IMG.0015", "message": "Full."}},
        Refusal("IMG.0015", "Full."),
    ),
    "words above the code": (
        {"message": "Failed.", "error": {"code": "IMG.0060", "message": "Busy."}},
        Refusal("IMG.0060", "Busy."),
    ),
    "only a title": ({"title": "Unauthorized"}, Refusal("", "Unauthorized")),
    "a text": ("just words", Refusal("", "just words")),
    "a number": (404, Refusal()),
    "null": (None, Refusal()),
    "nothing of use": ({"error": {"code": True, "message": 5}}, Refusal()),
}


@pytest.mark.parametrize(("body", "refusal"), DOCUMENTED.values(), ids=DOCUMENTED)
def test_json_error_bodies(body, refusal):
    assert read_refusal(json.dumps(body).encode()) == refusal


XML = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code>'
    b"<Message>Access &lt;denied&gt;</Message><RequestId>0001</RequestId></Error>"
)
OTHERS = {
    "object storage": (XML, Refusal("AccessDenied", "Access <denied>", "0001")),
    "XML without a code": (b"<Error><Code></Code></Error>", Refusal()),
    "XML twice": (
        b"<Error><Code>First</Code><Message>m</Message><Code>Second</Code></Error>",
        Refusal("First", "m"),
    ),
    "XML cut off": (b"<Error><Code>AccessDenied", Refusal("", "AccessDenied")),
    "HTML": (
        b"<html><head><title>404 Not\nFound</title></head><body>x</body></html>",
        Refusal("", "404 Not\nFound"),
    ),
    "HTML in capitals": (
        b"<HTML><HEAD><TITLE>502</TITLE></HEAD><BODY>x",
        Refusal("", "502"),
    ),
    "HTML without a title": (
        b"<html><body><h1>Bad&nbsp;Gateway</h1>",
        Refusal("", "Bad\xa0Gateway"),
    ),
    "plain text": (b"upstream connect error\n", Refusal("", "upstream connect error")),
    "plain text with signs": (b"5 < 6 &amp; 7 > 6", Refusal("", "5 < 6 &amp; 7 > 6")),
    "nothing": (b"", Refusal()),
    "cut off": (b'{"error":{"mess', Refusal("", '{"error":{"mess')),
    "no text at all": (b"\xff\xfe\x00", Refusal("", "��\x00")),
    "a byte order mark": (b'\xef\xbb\xbf{"message":"m"}', Refusal("", "m")),
    "too deep": (b"[" * 100_000, Refusal("", "[" * 65_536)),
    "deeper than anyone goes": (
        b'{"a":{"a":{"a":{"a":{"code":"Svc.1"}}}}}',
        Refusal(),
    ),
}


@pytest.mark.parametrize(("body", "refusal"), OTHERS.values(), ids=OTHERS)
def test_bodies_that_are_not_json_objects(body, refusal):
    assert read_refusal(body) == refusal


@pytest.mark.parametrize("key", ["title", "detail", "reason"])
def test_words_are_found_under_every_name_that_was_seen(key):
    assert read_refusal(json.dumps({key: "No."}).encode()) == Refusal("", "No.")


@pytest.mark.parametrize("key", ["request_id", "requestId", "RequestId"])
def test_the_request_id_is_found_under_every_name_that_was_seen(key):
    body = json.dumps({"message": "No.", key: REQUEST_ID}).encode()
    assert read_refusal(body) == Refusal("", "No.", REQUEST_ID)


@pytest.mark.parametrize(
    "name",
    [
        *("badRequest", "computeFault", "conflictingRequest", "forbidden"),
        *("itemNotFound", "overLimit", "unauthorized"),
    ],
)
def test_the_name_of_an_openstack_fault_is_its_code(name):
    body = {name: {"message": "No.", "code": 400}}
    assert read_refusal(json.dumps(body).encode()) == Refusal(name, "No.")


def test_a_wide_body_is_read_only_so_far():
    def found(place: int) -> Refusal:
        body: dict[str, object] = {f"member {n}": {} for n in range(place)}
        body["error"] = {"code": "IMG.0060"}
        return read_refusal(json.dumps(body).encode())

    assert (found(19), found(20)) == (Refusal("IMG.0060"), Refusal())


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "error_code", "error_msg"]),
            inner,
        )
    ),
)


@given(st.binary() | _JSON.map(lambda data: json.dumps(data).encode()))
def test_no_body_makes_the_reader_fail(body):
    refusal = read_refusal(body)
    assert all(
        isinstance(part, str)
        for part in (refusal.code, refusal.message, refusal.request_id)
    )
