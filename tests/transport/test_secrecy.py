"""What a service repeats of our credentials is masked, however it spells them."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from batch_register.transport import Reply, Request
from batch_register.transport.secrecy import LONG, masked, unrepeated

TOKEN = "t0ken-" + "x" * LONG
ODD = 'p@ss/"w\\örd'


@pytest.mark.parametrize("spelled", [ODD, quote(ODD, safe=""), json.dumps(ODD)[1:-1]])
def test_a_secret_is_recognised_in_a_url_and_in_json(spelled: str) -> None:
    assert masked(f"you sent {spelled}!", [ODD]) == "you sent ***!"


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert masked("abcdefgh", ["abcd", "abcdefgh"]) == "***"


def test_words_of_three_letters_are_no_secrets() -> None:
    assert masked("you and me", ["and"]) == "you and me"


@given(
    st.text(min_size=4, max_size=30).filter(lambda text: "*" not in text),
    st.text(max_size=20),
)
def test_no_secret_survives(secret: str, around: str) -> None:
    shown = masked(f"{around}{secret}{around}", [secret])
    assert secret not in shown.replace(around, "") or secret in around


def test_an_answer_that_repeats_a_token_is_read_as_if_it_did_not() -> None:
    reply = Reply(
        status=200,
        headers={"x-request-id": f"r-{TOKEN}"},
        body=f'{{"fail_reason": "bad {TOKEN}"}}'.encode(),
    )
    assert unrepeated(reply, [TOKEN]) == Reply(
        status=200,
        headers={"x-request-id": "r-***"},
        body=b'{"fail_reason": "bad ***"}',
    )


def test_an_answer_is_not_touched_for_a_password_that_is_a_word() -> None:
    """A project named like the password must stay what it is."""
    reply = Reply(status=200, headers={"a": "migration"}, body=b'{"n": "migration"}')
    assert unrepeated(reply, ["migration"]) == reply


def test_nothing_secret_shows_in_a_request_or_a_reply() -> None:
    request = Request(
        operation="log in",
        method="POST",
        url="https://cloud.example/?signature=canary",
        headers={"X-Auth-Token": "canary"},
        body=b"canary",
        secrets=("canary",),
    )
    reply = Reply(status=201, headers={"x-subject-token": "canary"}, body=b"canary")
    assert "canary" not in f"{request!r} {reply!r}"
    assert request.confidential == ("canary", "canary")
