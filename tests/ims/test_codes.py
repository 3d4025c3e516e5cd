"""What each code means, code by code, and what a status means without a code."""

from __future__ import annotations

import pytest

from batch_register.ims.codes import (
    TABLE,
    OwnCode,
    Verdict,
    action_for_failed_job,
    is_missing_call,
    verdict_for,
)
from batch_register.model import Action, FaultKind

# Written from the provider's page of codes, apart from the table under test.
MANIFEST = (
    [
        *(1, 2, 3, 4, 7, 9, 13, 17, 21, 24, 28, 35, 54, 55, 56, 62, 68, 91, 105, 109),
        *(111, 115, 116, 122, 123, 141, 158, 159, 166, 167, 194, 212),
    ],
    Verdict(FaultKind.REJECTED, Action.FIX_MANIFEST),
)
SOURCE = ([57, 58, 59, 72, 175], Verdict(FaultKind.REJECTED, Action.FIX_SOURCE))
MISSING = ([23, 27, 66, 86, 121, 144], Verdict(FaultKind.NOT_FOUND, Action.RUN_AGAIN))
PERMISSION = (
    [25, 26, 30, 47, 67, 69, 92, 94, *range(95, 105), 106, 145, 155, 161],
    Verdict(FaultKind.FORBIDDEN, Action.ASK_PERMISSION),
)
ACCOUNT = (
    [238, 239, 241, 242],
    Verdict(FaultKind.FORBIDDEN, Action.CONTACT_PROVIDER),
)
TOKEN = ([87], Verdict(FaultKind.UNAUTHENTICATED, Action.ASK_PERMISSION))
QUOTA = ([15], Verdict(FaultKind.QUOTA, Action.RAISE_QUOTA))
BUSY = ([60], Verdict(FaultKind.BUSY, Action.RUN_AGAIN))
CEILING = ([187], Verdict(FaultKind.THROTTLED, Action.RUN_AGAIN))
STATE = ([46, 90, 148], Verdict(FaultKind.CONFLICT, Action.WAIT))
BEHIND = (
    [10, 14, 18, 36, 37, 61, 64, 65, 154, 156, 1075],
    Verdict(FaultKind.SERVER, Action.RUN_AGAIN),
)
SERVICE = {
    f"IMG.{number:04}": verdict
    for numbers, verdict in (
        *(MANIFEST, SOURCE, MISSING, PERMISSION, ACCOUNT, TOKEN),
        *(QUOTA, BUSY, CEILING, STATE, BEHIND),
    )
    for number in numbers
}

UNKNOWN_CALL = (
    [101, 103, 104, 105, 106, 602, 607],
    Verdict(FaultKind.REJECTED, Action.CONTACT_PROVIDER),
)
CREDENTIALS = (
    [301, 303, 305, 307, 311],
    Verdict(FaultKind.UNAUTHENTICATED, Action.ASK_PERMISSION),
)
NOT_ALLOWED = (
    [302, 304, 306, 310, 401, 402, 404, 501, 502, 801, 802],
    Verdict(FaultKind.FORBIDDEN, Action.ASK_PERMISSION),
)
TOO_MANY = ([308], Verdict(FaultKind.THROTTLED, Action.RUN_AGAIN))
INSIDE = (
    [601, 605, 606, 608, 609, 610, 611, 612, 613, 705],
    Verdict(FaultKind.SERVER, Action.RUN_AGAIN),
)
GATEWAY = {
    f"APIGW.{number:04}": verdict
    for numbers, verdict in (UNKNOWN_CALL, CREDENTIALS, NOT_ALLOWED, TOO_MANY, INSIDE)
    for number in numbers
}


@pytest.mark.parametrize(("code", "verdict"), SERVICE.items())
def test_a_service_code_counts_before_the_status_it_comes_with(code, verdict):
    assert [verdict_for(code, status) for status in (400, 403, 404)] == [verdict] * 3


@pytest.mark.parametrize(("code", "verdict"), SERVICE.items())
def test_a_failing_service_can_refuse_but_cannot_prove_that_a_thing_is_missing(
    code, verdict
):
    failing = Verdict(FaultKind.SERVER, Action.RUN_AGAIN)
    expected = failing if verdict.kind is FaultKind.NOT_FOUND else verdict
    assert verdict_for(code, 500) == expected


@pytest.mark.parametrize(("code", "verdict"), GATEWAY.items())
def test_a_gateway_code_counts_under_both_its_prefixes(code, verdict):
    shared = code.replace("APIGW.", "APIG.")
    assert (verdict_for(code, 400), verdict_for(shared, 400)) == (verdict, verdict)


def test_the_table_holds_these_codes_and_our_own_and_no_others():
    own = {code.upper() for code in OwnCode if code is not OwnCode.JOB_FAILED}
    assert set(TABLE) == set(SERVICE) | set(GATEWAY) | own


@pytest.mark.parametrize("code", sorted(set(OwnCode) - {OwnCode.JOB_FAILED}))
def test_our_own_codes_mean_an_answer_that_nobody_documents(code):
    misread = Verdict(FaultKind.MISREAD, Action.CONTACT_PROVIDER)
    assert verdict_for(code, 200) == misread


def test_our_word_for_a_failed_job_proves_nothing_when_a_refusal_says_it():
    assert verdict_for(OwnCode.JOB_FAILED, 400).kind is FaultKind.REJECTED
    assert verdict_for(OwnCode.JOB_FAILED, 500).kind is FaultKind.SERVER


STATUSES = [
    (400, FaultKind.REJECTED, Action.FIX_MANIFEST),
    (401, FaultKind.UNAUTHENTICATED, Action.ASK_PERMISSION),
    (403, FaultKind.FORBIDDEN, Action.ASK_PERMISSION),
    (404, FaultKind.NOT_FOUND, Action.RUN_AGAIN),
    (405, FaultKind.REJECTED, Action.CONTACT_PROVIDER),
    (407, FaultKind.FORBIDDEN, Action.ASK_PERMISSION),
    (408, FaultKind.LOST, Action.RUN_AGAIN),
    (409, FaultKind.CONFLICT, Action.RUN_AGAIN),
    (413, FaultKind.REJECTED, Action.FIX_MANIFEST),
    (429, FaultKind.THROTTLED, Action.RUN_AGAIN),
    (494, FaultKind.REJECTED, Action.FIX_MANIFEST),
    (499, FaultKind.LOST, Action.RUN_AGAIN),
    (500, FaultKind.SERVER, Action.RUN_AGAIN),
    (504, FaultKind.SERVER, Action.RUN_AGAIN),
    (599, FaultKind.SERVER, Action.RUN_AGAIN),
    (600, FaultKind.MISREAD, Action.CONTACT_PROVIDER),
    (302, FaultKind.MISREAD, Action.CONTACT_PROVIDER),
    (0, FaultKind.MISREAD, Action.CONTACT_PROVIDER),
]


@pytest.mark.parametrize(("status", "kind", "action"), STATUSES)
@pytest.mark.parametrize("code", ["", "IMG.9999", "IAM.0011", "Ims.Other"])
def test_without_a_code_that_we_know_the_status_decides(code, status, kind, action):
    assert verdict_for(code, status) == Verdict(kind, action)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, FaultKind.REJECTED), (414, FaultKind.REJECTED), (502, FaultKind.SERVER)],
)
def test_a_malformed_request_and_a_dead_backend_share_a_code(status, kind):
    """APIGW.0201 means either, so its status decides."""
    assert verdict_for("APIGW.0201", status).kind is kind


@pytest.mark.parametrize(
    ("code", "action"),
    [
        ("IMG.0057", Action.FIX_SOURCE),
        ("IMG.0069", Action.ASK_PERMISSION),
        ("IMG.1075", Action.RUN_AGAIN),
        ("img.0111 ", Action.FIX_MANIFEST),
        ("Job.Unheard", Action.CONTACT_PROVIDER),
        (OwnCode.JOB_FAILED, Action.CONTACT_PROVIDER),
    ],
)
def test_a_failed_job_tells_what_to_do_by_its_code(code, action):
    assert action_for_failed_job(code) is action


@pytest.mark.parametrize(
    ("code", "status", "missing"),
    [
        ("APIGW.0101", 404, True),
        ("APIG.0103", 404, True),
        ("http.405", 405, True),
        ("http.404", 404, False),  # may well be the job that is missing
        ("IMG.0027", None, False),
    ],
)
def test_a_call_that_a_cloud_lacks_is_told_from_a_thing_that_is_missing(
    code, status, missing
):
    assert is_missing_call(code, status) is missing
