"""How long the service asks us to stay away."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from batch_register.ims.waiting import request_limit, retry_after_s
from batch_register.model import RequestLimit

NOW = datetime(2026, 9, 1, 1, 0, 0, tzinfo=UTC)
WINDOW = "over ratelimit,limit:5,time:1 minute"


@pytest.mark.fault(6, 7)
@pytest.mark.parametrize(
    ("header", "text", "seconds"),
    [
        ("30", "", 30.0),
        (" 1.5 ", "", 1.5),
        ("0", "", 0.0),
        ("-5", "", 0.0),
        ("99999999999", "", 3600.0),
        ("9" * 20, "", 3600.0),
        ("Tue, 01 Sep 2026 01:00:20 GMT", "", 20.0),
        ("Tue, 01 Sep 2026 03:00:20 +0200", "", 20.0),
        ("Tue, 01 Sep 2026 01:00:20 -0000", "", 20.0),
        ("Tue, 01 Sep 2020 01:00:20 GMT", "", 0.0),
        ("Tue, 01 Sep 2099 01:00:20 GMT", "", 3600.0),
        ("soon", "", None),
        ("", "", None),
        ("nan", "", None),
        (None, "", None),
        (None, WINDOW, 60.0),
        (None, "limit:10, time:2 seconds", 2.0),
        (None, "limit:200,time:1 HOUR", 3600.0),
        (None, "limit:1,time:1 day", 3600.0),
        (None, "limit:many,time:1 minute", None),
        ("7", WINDOW, 7.0),
        ("soon", WINDOW, 60.0),
    ],
)
def test_header_first_then_the_window_in_the_text(header, text, seconds):
    assert retry_after_s(header, text, NOW) == seconds


@pytest.mark.fault(6)
@given(st.none() | st.text(), st.text())
def test_whatever_is_said_it_is_within_an_hour(header, text):
    seconds = retry_after_s(header, text, NOW)
    assert seconds is None or 0.0 <= seconds <= 3600.0


@pytest.mark.fault(6)
@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (WINDOW, (5, 60.0)),
        ("limit:200, time:5 minutes", (200, 300.0)),
        ("limit:1,time:1 day", (1, 86_400.0)),
        ("limit:0,time:1 day", None),
        ("limit:7,time:0 second", None),
        ("limit:many,time:1 minute", None),
        ("", None),
    ],
)
def test_the_rule_is_what_the_gateway_names(text, rule):
    limit = request_limit(text)
    assert (limit and (limit.limit, limit.window_s)) == rule


@given(st.text())
def test_no_text_names_a_rule_by_which_nothing_could_go_out(text):
    limit = request_limit(text)
    assert limit is None or isinstance(limit, RequestLimit)
    assert limit is None or (limit.limit > 0 and limit.window_s > 0.0)
