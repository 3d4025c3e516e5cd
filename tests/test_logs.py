"""Logs: one form per place, no secret and no local variable, and never in the way."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from pathlib import Path

import pytest
import structlog
from hypothesis import given, strategies as st

from batch_register.errors import SettingsError
from batch_register.logs import (
    MASK,
    LogPlan,
    configured,
    keep_secret,
    redact,
    redact_text,
)

CANARY = "c4n4ry-Qx7ZpL0wVtR9"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Unshowable:
    def __str__(self) -> str:
        message = "no text for me"
        raise RuntimeError(message)


class BrokenStream(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def lines_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def without_stamps(text: str) -> list[dict[str, object]]:
    lines = lines_of(text)
    for line in lines:
        assert STAMP.fullmatch(str(line.pop("timestamp")))
    return lines


# ------------------------------------------------------------ forms


def test_elsewhere_than_on_a_terminal_a_line_is_one_json_object() -> None:
    stream = io.StringIO()
    with configured(LogPlan(stream=stream)):
        structlog.get_logger().info("image.created", key="web-01", path=Path("a"), n=2)
        structlog.get_logger().debug("not.wanted")

    assert without_stamps(stream.getvalue()) == [
        {
            "level": "info",
            "event": "image.created",
            "key": "web-01",
            "path": "a",
            "n": 2,
        }
    ]
    assert list(lines_of(stream.getvalue())[0])[:3] == ["timestamp", "level", "event"]


@pytest.mark.fault(39)
def test_on_a_terminal_a_line_is_for_a_person_and_drives_no_terminal() -> None:
    stream = io.StringIO()
    with configured(LogPlan(stream=stream, is_terminal=True)):
        structlog.get_logger().warning("image.failed", reason="bad \x1b[2J\r\nthing")

    line = stream.getvalue()
    assert STAMP.match(line)
    assert "[warning  ] image.failed" in line
    assert "reason='bad ?[2J??thing'" in line
    assert line.count("\n") == 1


def test_colour_only_where_the_plan_says_so() -> None:
    stream = io.StringIO()
    with configured(LogPlan(stream=stream, is_terminal=True, has_colour=True)):
        structlog.get_logger().info("hello")
    assert "\x1b[" in stream.getvalue()


def test_each_place_has_a_level_of_its_own(tmp_path: Path) -> None:
    stream, file = io.StringIO(), tmp_path / "run.log"
    plan = LogPlan(stream=stream, stream_level="warning", level="debug", log_file=file)
    with configured(plan):
        for level in ("debug", "info", "warning", "error"):
            getattr(structlog.get_logger(), level)(level)

    assert [line["event"] for line in lines_of(stream.getvalue())] == [
        "warning",
        "error",
    ]
    assert [line["event"] for line in lines_of(file.read_text())] == [
        "debug",
        "info",
        "warning",
        "error",
    ]


def test_a_log_file_is_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    for night in (1, 2):
        with configured(LogPlan(stream=io.StringIO(), log_file=file)):
            structlog.get_logger().info("night", number=night, name="\ud800")
    assert [line["number"] for line in lines_of(file.read_text())] == [1, 2]


def test_a_log_file_that_cannot_be_opened_is_a_settings_error(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match=r"log_file .* cannot be opened: Is a dir"),
        configured(LogPlan(log_file=tmp_path)),
    ):
        pass  # pragma: no cover - not reached


def test_without_a_stream_lines_go_to_standard_error_of_the_moment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with configured(LogPlan()):
        structlog.get_logger().info("one")
        usual, sys.stderr = sys.stderr, io.StringIO()
        try:
            structlog.get_logger().info("two")
            meanwhile = sys.stderr.getvalue()
        finally:
            sys.stderr = usual
    assert [line["event"] for line in lines_of(capsys.readouterr().err)] == ["one"]
    assert [line["event"] for line in lines_of(meanwhile)] == ["two"]


def test_what_libraries_log_goes_the_same_way() -> None:
    stream = io.StringIO()
    handlers = list(logging.getLogger().handlers)
    with configured(LogPlan(stream=stream)):
        logging.getLogger("asyncio").error("never %s: token=%s", "retrieved", CANARY)
        logging.getLogger("asyncio").info("of no interest")

    assert without_stamps(stream.getvalue()) == [
        {
            "level": "error",
            "event": "library.message",
            "library": "asyncio",
            "message": f"never retrieved: token={MASK}",
        }
    ]
    assert logging.getLogger().handlers == handlers


# ------------------------------------------------------------ exceptions


def _fail(password: str) -> None:
    message = f"refused, X-Auth-Token: {password}"
    raise ValueError(message)


@pytest.mark.fault(37)
@pytest.mark.parametrize("is_terminal", [False, True])
def test_an_exception_is_logged_without_locals_and_secrets(
    *, is_terminal: bool
) -> None:
    stream = io.StringIO()
    with configured(LogPlan(stream=stream, is_terminal=is_terminal)):
        try:
            _fail(CANARY)
        except ValueError:
            structlog.get_logger().exception("went.wrong")

    text = stream.getvalue()
    assert "ValueError" in text
    assert f"X-Auth-Token: {MASK}" in text
    assert '"locals"' not in text
    assert CANARY not in text
    assert is_terminal is ("\n  File " in text)


# ------------------------------------------------------------ never in the way


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_value_that_cannot_be_shown_costs_one_line(*, is_terminal: bool) -> None:
    stream = io.StringIO()
    with configured(LogPlan(stream=stream, is_terminal=is_terminal)):
        structlog.get_logger().info("first", odd=Unshowable())
        structlog.get_logger().info("second")
    assert "first" not in stream.getvalue()
    assert "second" in stream.getvalue()


@pytest.mark.fault(38)
def test_a_closed_pipe_loses_lines_and_the_others_are_told(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    with configured(LogPlan(stream=BrokenStream(), log_file=file)):
        structlog.get_logger().info("one")
        structlog.get_logger().info("two")
    assert without_stamps(file.read_text()) == [
        {"level": "info", "event": "one"},
        {"level": "info", "event": "two"},
        {"level": "warning", "event": "log.lines_lost", "lines": 2},
    ]


@pytest.mark.fault(38)
def test_a_full_disk_loses_lines_and_the_stream_is_told() -> None:
    stream = io.StringIO()
    with configured(LogPlan(stream=stream, log_file=Path("/dev/full"))):
        structlog.get_logger().info("one")
    assert without_stamps(stream.getvalue()) == [
        {"level": "info", "event": "one"},
        {"level": "warning", "event": "log.lines_lost", "lines": 1},
    ]


def test_a_stream_that_was_closed_raises_nothing() -> None:
    stream = io.StringIO()
    with configured(LogPlan(stream=stream)):
        stream.close()
        structlog.get_logger().info("one")


# ------------------------------------------------------------ secrets

PLACES = [
    "X-Auth-Token: {}",
    "x-subject-token:{}, next",
    '{{"X-Security-Token": "{}"}}',
    "{{'x-auth-token': '{}'}}",
    "Authorization: SDK-HMAC-SHA256 Access={0}, SignedHeaders=a;b, Signature={0}",
    "Set-Cookie: session={}; path=/",
    "Bearer {}",
    "basic {}",
    '{{"auth": {{"password": "{}"}}}}',
    '{{"methods": ["token"], "token": {{"id": "{}"}}}}',
    '{{"application_credential_secret" : "{}"}}',
    "https://b.obs.example/o?AccessKeyId={0}&Expires=1&Signature={0}",
    "https://b.obs.example/o?X-Amz-Security-Token={}&x=1",
    "https://user:{}@cloud.example/v3",
    "POST body username=a&password={}&x=1",
    "ak={0} sk={0}",
    "OS_PASSWORD={}",
    "HUAWEICLOUD_SDK_SK={}",
    "access_key='{}'",
    "found gAAAAAB{}1234567890123456",
    "found eyJhbGciOiJIUzI1NiJ9.{}.sig",
    "found MIIEvQ" + "A" * 60 + "{}",
]


@pytest.mark.fault(37)
@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_taken_out_of_text(place: str) -> None:
    shown = redact_text(f"before {place.format(CANARY)}")
    assert CANARY not in shown
    assert MASK in shown
    assert shown.startswith("before ")


@given(
    place=st.sampled_from(PLACES),
    secret=st.from_regex(r"[A-Za-z0-9_-]{12,40}", fullmatch=True),
    around=st.text(alphabet=st.characters(codec="utf-8"), max_size=30),
)
def test_no_secret_survives_in_any_of_these_places(
    place: str, secret: str, around: str
) -> None:
    shown = redact_text(f"{around} {place.format(secret)}\n{around}")
    assert secret not in shown.replace(around, "")


@pytest.mark.parametrize(
    "text",
    [
        "IMG.0015: quota exceeded (request 9f86d081884c7d65)",
        "https://ims.eu-de.otc.t-systems.com/v2/images?limit=50&marker=abc",
        "key=web-01 image_id=0b1c0d5e-0000-4000-8000-000000000001",
        "a basic idea; the bearer of news",
        "mask=1 task=2 asking: three",
        "migration-wave-07:disks/web-01.qcow2",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.fault(37)
def test_a_secret_that_is_known_is_masked_whatever_stands_around_it() -> None:
    keep_secret("kn0wn-c4n4ry-Tz3", "short")
    assert redact_text("KeyError('kn0wn-c4n4ry-Tz3')") == f"KeyError('{MASK}')"
    assert redact({"note": ["a kn0wn-c4n4ry-Tz3!"]}) == {"note": [f"a {MASK}!"]}
    assert redact_text("short words stay") == "short words stay"


def test_secrets_are_found_by_their_keys_at_any_depth() -> None:
    assert redact(
        {
            "key": "web-01",
            "has_token": True,
            "auth": {"user": "me"},
            "headers": [{"X-Auth-Token": CANARY, "Accept": "a"}],
            "sk": CANARY,
            "adminPass": None,
            "passwd": CANARY,
            3: (b"abc", {"x": 1.5}, None),
            "tags": frozenset({"a"}),
            "error": ValueError(f"password={CANARY}"),
        }
    ) == {
        "key": "web-01",
        "has_token": True,
        "auth": MASK,
        "headers": [{"X-Auth-Token": MASK, "Accept": "a"}],
        "sk": MASK,
        "adminPass": None,
        "passwd": MASK,
        "3": ["(3 bytes)", {"x": 1.5}, None],
        "tags": ["a"],
        "error": f"ValueError('password={MASK}')",
    }


def test_what_refers_to_itself_comes_to_an_end() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "too deep" in str(redact(loop))


def test_long_text_is_cut_off() -> None:
    shown = redact_text("a" * 1_000_000)
    assert shown.endswith(" (cut off)")
    assert len(shown) < 20_000


@pytest.mark.parametrize("piece", ["token", "a", "://a", "X-Auth-Token:", "eyJ", '\\"'])
def test_hostile_text_costs_linear_time(piece: str) -> None:
    """Were a pattern quadratic, these would take minutes."""
    for _ in range(10):
        redact_text(piece * 100_000)
