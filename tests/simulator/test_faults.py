"""Fault scripts: reading them, and when their rules fire."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batch_register.simulator import FaultScript, FaultScriptError
from batch_register.simulator.faking import fake
from batch_register.simulator.fault_engine import FaultEngine, Subject
from batch_register.simulator.faults import Effect
from batch_register.simulator.objects import ObjectStore
from batch_register.simulator.registration import JobFate


def subject(
    route: str = "image.create", image: str | None = None, url: str | None = None
) -> Subject:
    return Subject(
        route=route,
        method="POST",
        template="/v2/images",
        image_name=image,
        image_url=url,
    )


def fired(script: str, calls: list[Subject]) -> list[str | None]:
    engine = FaultEngine(FaultScript.parse(script))
    decided = [engine.decide(call) for call in calls]
    return [applied.name if applied else None for applied in decided]


def test_an_empty_script_does_nothing() -> None:
    """A script may be empty."""
    assert FaultScript.parse("") == FaultScript()
    assert fired("rules: []", [subject()]) == [None]


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("nth: 2", [2]),
        ("nth: [1, 3]", [1, 3]),
        ("from: 4", [4, 5, 6]),
        ("{from: 2, to: 3}", [2, 3]),
        ("{from: 2, every: 2}", [2, 4, 6]),
        ("probability: 0", []),
        ("route: job.show", []),
        ("method: [GET, POST]", [1, 2, 3, 4, 5, 6]),
        ("path: /v2/images", [1, 2, 3, 4, 5, 6]),
        ("path: /v2/cloudimages", []),
        ("object: '*'", []),
    ],
)
def test_a_rule_counts_the_calls_that_it_means(match: str, expected: list[int]) -> None:
    """Counting starts at one."""
    text = match if match.startswith("{") else f"{{{match}}}"
    script = f"rules:\n- match: {text}\n  effect: {{status: 500}}"
    names = fired(script, [subject()] * 6)
    assert [n for n, name in enumerate(names, 1) if name] == expected


def test_counting_may_be_per_image_or_object() -> None:
    """The first call of each image, whatever comes between."""
    script = """
    rules:
    - {name: image, match: {per: image, nth: 1, image: "web-*"}, effect: {status: 500}}
    - {name: object, match: {per: object, nth: 2, object: "b:*"}, effect: {drop: after}}
    """
    calls = [
        subject(image="web-1"),
        subject(image="web-2"),
        subject(image="web-1"),
        subject(image="db-1", url="b:1"),
        subject(url="b:2"),
        subject(url="b:1"),
        subject(url="c:1"),
    ]
    assert fired(script, calls) == ["image", "image", None, None, None, "object", None]


def test_the_first_rule_that_fires_wins_and_all_count() -> None:
    """A later rule counts the calls that an earlier one took."""
    script = """
    rules:
    - {match: {nth: 1}, effect: {status: 500}}
    - {match: {to: 2}, effect: {status: 503}}
    """
    assert fired(script, [subject()] * 3) == ["rule 1", "rule 2", None]


def test_probability_is_drawn_from_the_seed() -> None:
    """The same seed draws the same calls, another one others."""
    script = (
        "seed: {}\nrules: [{{match: {{probability: 0.3}}, effect: {{status: 500}}}}]"
    )
    calls = [subject()] * 300
    first = fired(script.format(1), calls)
    assert first == fired(script.format(1), calls)
    assert first != fired(script.format(2), calls)
    assert 60 < len([name for name in first if name]) < 120


def test_jobs_and_objects_follow_the_script() -> None:
    """Job rules count per object; object rules lay properties over a glob."""
    script = FaultScript.parse(
        """
        jobs:
        - {object: "b:bad-*", nth: 1, code: IMG.0057, reason: torn}
        - {object: "b:bad-*", nth: [2], duration_s: 30}
        objects:
        - {object: "b:*", size_bytes: 5}
        - {object: "b:gone", missing: true}
        """
    )
    engine = FaultEngine(script)
    torn = JobFate(error_code="IMG.0057", error_reason="torn")
    assert engine.fate_of("b:bad-1", 1) == torn
    assert engine.fate_of("b:bad-1", 2) == JobFate(duration_s=30)
    assert engine.fate_of("b:bad-1", 3) is None
    assert engine.fate_of("b:good", 1) is None
    store = ObjectStore(seed=0, exist_by_default=False)
    store.set_rules(engine.object_rules())
    found = store.find("b:disk")
    assert found is not None
    assert found.size_bytes == 5
    assert store.find("b:gone") is None
    assert store.find("c:disk") is None
    assert store.find_bucket("b") is not None
    assert store.find_bucket("c") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules:\n- effect: {staus: 500}", "line 2: rules.0.effect.staus"),
        ("rules:\n- match: {nth: 0}\n  effect: {status: 500}", "line 2: rules.0.match"),
        ("rules:\n- effect: {}", "line 2: rules.0.effect: Value error, an effect must"),
        (
            "rules:\n- effect: {status: 500, drop: after}",
            "exclude one another",
        ),
        ("rules:\n- effect: {delay_s: 1, execute: true}", "execute needs a faked"),
        ("rules:\n- match: {}", "line 2: rules.0.effect: Field required"),
        ("objects:\n- {object: a}\n- {object: b, sise: 1}", "line 3: objects.1.sise"),
        ("version: 2", "line 1: version"),
        ("rules: 1", "line 1: rules"),
        ("- 1", "the script"),
        ("seed: 1\nseed: 2", "line 2: seed is given twice"),
        ("rules: [", "line 1"),
    ],
)
def test_mistakes_are_told_with_their_line(text: str, problem: str) -> None:
    """A rule that silently never fires proves nothing."""
    with pytest.raises(FaultScriptError) as caught:
        FaultScript.parse(text, source="faults.yaml")
    assert str(caught.value).startswith("faults.yaml: ")
    assert any(problem in found for found in caught.value.problems)


def test_all_mistakes_are_told_at_once() -> None:
    """Not only the first."""
    with pytest.raises(FaultScriptError) as caught:
        FaultScript.parse("rules:\n- effect: {a: 1, status: 9}\nxyz: 1")
    assert len(caught.value.problems) == 3


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    """A file that is missing or no text is an error of the script."""
    path = tmp_path / "faults.yaml"
    path.write_text("seed: 7", encoding="utf-8")
    assert FaultScript.load(path).seed == 7
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FaultScriptError):
        FaultScript.load(path)
    with pytest.raises(FaultScriptError, match=r"none\.yaml"):
        FaultScript.load(tmp_path / "none.yaml")


def test_unknown_routes_are_refused() -> None:
    """The message names those that are known."""
    script = FaultScript.parse(
        "rules: [{match: {route: image.make}, effect: {drop: after}}]"
    )
    with pytest.raises(FaultScriptError, match=r"unknown routes.*image\.create"):
        script.check_routes(frozenset({"image.create"}), "faults.yaml")


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (
            {"status": 429},
            {
                "error_code": "APIGW.0308",
                "error_msg": "The throttling threshold has been reached: "
                "policy user over ratelimit,limit:200,time:1 second",
                "request_id": "{request-id}",
            },
        ),
        (
            {"status": 400, "code": "IMG.0015", "message": "full"},
            {"error": {"message": "full", "code": "IMG.0015"}},
        ),
        (
            {"status": 504},
            {"message": "Wait response timeout.", "request_id": "{request-id}"},
        ),
        (
            {"status": 401, "body": "iam", "message": "no"},
            {"error": {"code": 401, "message": "no", "title": "Unauthorized"}},
        ),
        (
            {"status": 503, "message": "away"},
            {
                "error_code": "APIGW.0613",
                "error_msg": "away",
                "request_id": "{request-id}",
            },
        ),
        ({"status": 200, "text": "{}"}, {}),
    ],
)
def test_faked_answers_have_the_shape_that_fits(
    effect: dict[str, object], expected: dict[str, object]
) -> None:
    """Each status has its usual shape, unless the script names another."""
    reply = fake(Effect.model_validate(effect), "APIGW", 0.0)
    assert reply.status == effect["status"]
    assert json.loads(reply.body) == expected


def test_faked_answers_may_be_no_json_at_all() -> None:
    """HTML, nothing, a portal's page, a redirect."""
    html = fake(Effect(status=502, body="html"), "APIGW", 0.0)
    assert html.content_type == "text/html"
    assert b"502 Bad Gateway" in html.body
    assert fake(Effect(status=499), "APIGW", 0.0).body == b""
    assert fake(Effect(status=503, body="empty"), "APIGW", 0.0).body == b""
    portal = fake(Effect(html_200=True), "APIGW", 0.0)
    assert (portal.status, portal.content_type) == (200, "text/html")
    moved = fake(Effect(status=307, location="http://127.0.0.1:1/"), "APIGW", 0.0)
    assert (moved.body, dict(moved.headers)) == (
        b"",
        {"Location": "http://127.0.0.1:1/"},
    )


def test_retry_after_is_seconds_or_a_date() -> None:
    """Both forms of the header."""
    seconds = fake(Effect(status=429, retry_after_s=7), "APIG", 0.0)
    assert seconds.headers["Retry-After"] == "7"
    date = fake(Effect(status=429, retry_after_date_s=60), "APIG", 0.0)
    assert date.headers["Retry-After"] == "Thu, 01 Jan 1970 00:01:00 GMT"
