"""A signature that anyone with the secret can check, and nobody else can make."""

from __future__ import annotations

import subprocess

import pytest

from batch_register.notify.sign import signature

SECRET, TIMESTAMP, BODY = "c4n4ry-c4n4ry-c4n4ry", "1795761136", b'{"version": 1}'


def test_openssl_computes_the_same() -> None:
    ended = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", SECRET],
        input=TIMESTAMP.encode() + b"." + BODY,
        capture_output=True,
        check=True,
    )
    digest = ended.stdout.decode().split()[-1]
    assert signature(SECRET, TIMESTAMP, BODY) == f"sha256={digest}"


@pytest.mark.parametrize(
    "other",
    [
        (SECRET + "x", TIMESTAMP, BODY),
        (SECRET, "1795761137", BODY),
        (SECRET, TIMESTAMP, BODY + b" "),
    ],
    ids=["secret", "time", "body"],
)
def test_nothing_can_be_changed(other: tuple[str, str, bytes]) -> None:
    assert signature(*other) != signature(SECRET, TIMESTAMP, BODY)
