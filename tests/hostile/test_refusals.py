"""Services that refuse or fail: whom it hits, what is said, and what the run does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus

import pytest

from batch_register.simulator.objects import StoredBucket
from tests.hostile.conftest import Ended, Stage
from tests.hostile.front import Exchange, Misdeed, about, first

pytestmark = pytest.mark.integration

HTML = b"<html><head><title>Bad day</title></head><body>\x1b[2J nginx</body></html>"


def refusing(status: int, body: bytes = b"", *headers: str) -> Misdeed:
    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(f"{status} {HTTPStatus(status).phrase}", body, *headers)

    return refuse


def told(code: str, words: str = "as scripted") -> bytes:
    return f'{{"error": {{"code": "{code}", "message": "{words}"}}}}'.encode()


# ------------------------------------------------------------ 5xx


@pytest.mark.fault(9)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_page_of_a_failing_front_end_delays_and_loses_nothing(
    stage: Stage, status: int
) -> None:
    """Login and list are asked again, writes are looked after."""
    misdeed = refusing(status, HTML)
    stage.trouble("list", misdeed, when=first(1))
    stage.trouble("create", misdeed, when=about("web-0"))
    stage.trouble("create", misdeed, when=about("web-1"), executed=True)
    stage.trouble("register", misdeed, when=about("web-2"))
    stage.trouble("register", misdeed, when=about("web-3"), executed=True)

    ended = stage.run()

    assert ended.code == 0, ended.err
    assert ended.is_intelligible()
    assert stage.made() == [1, 1, 1, 1]
    unclear = ended.events("image.create_unclear")
    assert {line["error_reason"] for line in unclear} == {"Bad day"}
    assert {line["error_http_status"] for line in unclear} == {status}


@pytest.mark.fault(9)
def test_one_bad_moment_of_keystone_does_not_end_the_night(stage: Stage) -> None:
    stage.trouble("token", refusing(503, HTML), when=first(1))
    ended = stage.run()
    assert ended.code == 0, ended.err
    (line,) = ended.events("login.failed")
    assert "user 'rehearsal'" in line["error"]
    assert stage.front.counts["token"] == 2


# ------------------------------------------------------------ 403


@pytest.mark.fault(11)
@pytest.mark.parametrize("name", ["create", "register"])
def test_what_is_forbidden_to_one_entry_fails_that_entry_alone(
    stage: Stage, name: str
) -> None:
    body = told("IMG.0161", "no right for this one")
    stage.trouble(name, refusing(403, body), when=about("web-2", times=99))

    ended = stage.run()

    assert ended.code == 3, ended.err
    assert ended.states == {
        "web-0": "active",
        "web-1": "active",
        "web-2": "failed",
        "web-3": "active",
    }
    row = ended.rows["web-2"]
    assert row["action"] == "ask_permission"
    assert row["error"]["reason"] == "no right for this one"
    assert (row["error"]["http_status"], row["error"]["code"]) == (403, "IMG.0161")
    stage.peace()
    assert stage.run().code == 0
    assert stage.made() == [1, 1, 1, 1]


@pytest.mark.fault(11)
def test_what_is_forbidden_to_all_ends_the_run_before_any_write(stage: Stage) -> None:
    stage.trouble("list", refusing(403, told("IMG.0026", "role lacks the right")))

    ended = stage.run()

    assert ended.code == 77, ended.err
    assert "role lacks the right" in ended.explanation
    assert "administrator" in ended.explanation
    assert stage.audit()["writes"] == 0
    assert stage.front.counts["list"] == 1
    stage.peace()
    assert stage.run().code == 0


# ------------------------------------------------------------ 429

NOW = datetime.now(UTC)
THROTTLES: dict[str, tuple[str, bytes, tuple[str, ...], float]] = {
    "a second": ("list", b"", ("Retry-After: 1",), 1.0),
    "negative": ("create", b"", ("Retry-After: -5",), 0.0),
    "a date that is past": (
        "list",
        b"",
        (f"Retry-After: {format_datetime(NOW - timedelta(days=9), usegmt=True)}",),
        0.0,
    ),
    "the gateway's window": (
        "create",
        b'{"error_code": "APIGW.0308", "error_msg": "The throttling threshold has '
        b'been reached: policy ip over ratelimit,limit:5,time:1 second"}',
        (),
        1.0,
    ),
}


@pytest.mark.fault(6, 7)
@pytest.mark.parametrize(
    ("name", "body", "headers", "wait_s"), THROTTLES.values(), ids=THROTTLES
)
def test_one_throttled_call_waits_as_long_as_it_is_told_and_fails_nothing(
    stage: Stage, name: str, body: bytes, headers: tuple[str, ...], wait_s: float
) -> None:
    stage.manifest(1)
    stage.trouble(name, refusing(429, body, *headers), when=first(1))

    ended = stage.run()

    assert ended.code == 0, ended.err
    (line,) = ended.events("service.throttled")
    assert line["wait_s"] == wait_s
    assert stage.made() == [1]


ABSURD = {
    "a century": "3155760000",
    "a date far off": format_datetime(NOW + timedelta(days=36_500), usegmt=True),
    "more digits than a float holds": "9" * 400,
}


@pytest.mark.fault(6)
@pytest.mark.parametrize("value", ABSURD.values(), ids=ABSURD)
def test_an_absurd_wait_is_capped_and_the_window_ends_it(
    stage: Stage, value: str
) -> None:
    stage.trouble("create", refusing(429, b"", f"Retry-After: {value}"), when=first(1))

    ended = stage.run("--max-duration", "0.5")

    assert ended.code == 5, ended.err
    assert all(x["wait_s"] <= 3600 for x in ended.events("service.throttled"))
    stage.peace()
    assert stage.run().code == 0
    assert stage.made() == [1, 1, 1, 1]


# ------------------------------------------------------------ the service's own codes


@pytest.mark.fault(8)
def test_a_busy_service_is_waited_for_and_fails_nothing(stage: Stage) -> None:
    busy = refusing(400, told("IMG.0060", "too many tasks"))
    stage.trouble("register", busy, when=first(3))
    ended = stage.run()
    assert ended.code == 0, ended.err
    assert {line["code"] for line in ended.events("service.throttled")} == {"IMG.0060"}
    assert stage.made() == [1, 1, 1, 1]


@pytest.mark.fault(8)
def test_an_import_cap_fails_its_entry_and_names_it(stage: Stage) -> None:
    stage.trouble("create", refusing(400, told("IMG.0194")), when=about("web-1"))
    ended = stage.run()
    assert ended.code == 3, ended.err
    assert ended.states["web-1"] == "failed"
    assert ended.rows["web-1"]["error"]["code"] == "IMG.0194"
    assert stage.run().code == 0
    assert stage.made() == [1, 1, 1, 1]


@pytest.mark.fault(8, 36)
def test_a_quota_that_is_full_defers_the_rest_and_finishes_the_others(
    stage: Stage,
) -> None:
    """It shrinks in mid-run: two images were made before it is full."""
    full = refusing(400, told("IMG.0015", "quota exceeded"))
    stage.trouble("create", full, when=lambda call: call.number > 2)

    ended = stage.run("--concurrency", "1")

    assert ended.code == 6, ended.err
    assert sorted(ended.states.values()) == ["active", "active", "deferred", "deferred"]
    deferred = [row for row in ended.rows.values() if row["state"] == "deferred"]
    assert {row["action"] for row in deferred} == {"raise_quota"}
    stage.peace()
    assert stage.run().code == 0
    assert stage.made() == [1, 1, 1, 1]


# What the service answers to a register, and what a look at the source finds before.
SOURCES: dict[str, tuple[str, str, str]] = {
    "missing": ("missing: true", "IMG.0057", "preflight.object-missing"),
    "empty": ("size_bytes: 0", "IMG.0057", "preflight.object-empty"),
    "cold": ("storage_class: COLD", "IMG.0057", "preflight.object-archived"),
}


@pytest.mark.fault(35)
@pytest.mark.parametrize(
    ("wrong", "refusal", "_finding"), SOURCES.values(), ids=SOURCES
)
def test_a_source_that_cannot_be_used_is_told_by_the_services_refusal(
    stage: Stage, wrong: str, refusal: str, _finding: str
) -> None:
    stage.use_faults(f"objects: [{{object: '*:web-2.qcow2', {wrong}}}]")

    ended = stage.run("--no-preflight")

    check_one_unfit_source(ended, refusal)
    assert stage.made() == [1, 1, 1, 1]
    check_mended(stage)


@pytest.mark.fault(35)
@pytest.mark.parametrize(
    ("wrong", "_refusal", "finding"), SOURCES.values(), ids=SOURCES
)
def test_a_source_that_cannot_be_used_is_found_before_an_image_is_made_for_it(
    stage: Stage, wrong: str, _refusal: str, finding: str
) -> None:
    stage.use_faults(f"objects: [{{object: '*:web-2.qcow2', {wrong}}}]")

    ended = stage.run()

    check_one_unfit_source(ended, finding)
    assert stage.made() == [1, 1, 1]
    check_mended(stage)


def check_one_unfit_source(ended: Ended, code: str) -> None:
    assert ended.code == 3, ended.err
    row = ended.rows["web-2"]
    assert (row["state"], row["action"]) == ("failed", "fix_source")
    assert row["error"]["code"] == code
    assert list(ended.states.values()).count("active") == 3


def check_mended(stage: Stage) -> None:
    stage.use_faults("rules: []")
    assert stage.run().code == 0
    assert stage.made() == [1, 1, 1, 1]
    assert stage.audit()["duplicates"] == {}


@pytest.mark.fault(35)
@pytest.mark.parametrize(
    ("flags", "code", "made"),
    [((), "preflight.bucket-region", 2), (("--no-preflight",), "IMG.0058", 3)],
)
def test_a_bucket_in_another_region_is_found_or_told_by_the_services_refusal(
    stage: Stage, flags: tuple[str, ...], code: str, made: int
) -> None:
    async def furnish() -> None:
        stage.simulator.furnish((), [StoredBucket(name="far-away", region="else-2")])

    stage.backstage.do(furnish())
    stage.manifest(2, "  - {name: web-2, image_url: far-away:web-2.qcow2}\n")

    ended = stage.run(*flags)

    assert ended.code == 3, ended.err
    row = ended.rows["web-2"]
    assert (row["state"], row["action"]) == ("failed", "fix_source")
    assert row["error"]["code"] == code
    assert len(stage.made()) == made
