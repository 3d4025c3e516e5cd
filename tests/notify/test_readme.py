"""The snippet for receivers in README does what it says."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from batch_register.notify.sign import (
    DELIVERY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signature,
)
from tests.documentation.test_documentation import section

SECRET, BODY = "c4n4ry-shared-secret", b'{"version": 1}'


@pytest.fixture
def is_genuine() -> Callable[[bytes, dict[str, str], bytes], bool]:
    (code,) = re.findall(r"```python\n(.*?)```", section("Being told"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - README's own
    found: Callable[[bytes, dict[str, str], bytes], bool] = names["is_genuine"]
    return found


def headers(age_s: float = 0.0) -> dict[str, str]:
    timestamp = str(int(time.time() - age_s))  # noqa: TID251 - the snippet reads it
    return {
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: signature(SECRET, timestamp, BODY),
    }


def test_the_snippet_takes_what_is_ours(is_genuine) -> None:
    assert is_genuine(SECRET.encode(), headers(), BODY)


def test_the_snippet_refuses_all_else(is_genuine) -> None:
    assert not is_genuine(b"another secret", headers(), BODY)
    assert not is_genuine(SECRET.encode(), headers(), BODY + b" ")
    assert not is_genuine(SECRET.encode(), headers(age_s=3600), BODY)


def test_the_headers_are_named() -> None:
    for name in (DELIVERY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER):
        assert name in section("Being told")
