"""A clock that is wrong: no harm to tokens, and named where a signature is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hostile.conftest import Stage

pytestmark = [pytest.mark.integration, pytest.mark.fault(22)]


class TestAnHourAway:
    """The gateway allows a quarter of an hour."""

    @pytest.fixture(params=[3600.0, -3600.0])
    def skew_s(self, request: pytest.FixtureRequest) -> float:
        seconds: float = request.param
        return seconds

    @pytest.fixture
    def options(self, skew_s: float) -> dict[str, Any]:
        return {"gateway_skew_s": skew_s, "speed": 100.0}

    def test_a_refused_signature_tells_how_wrong_this_machines_clock_is(
        self, stage: Stage, skew_s: float
    ) -> None:
        use_access_key(stage)
        ended = stage.run()
        assert ended.code == 77, ended.err
        side = "behind" if skew_s > 0 else "ahead of"
        assert f"clock is 60 minutes {side} the service's: set it" in ended.explanation
        assert stage.front.counts["list"] == 1  # a signature is not made again
        assert stage.audit()["writes"] == 0

    def test_tokens_do_not_mind(self, stage: Stage) -> None:
        ended = stage.run()
        assert ended.code == 0, ended.err
        assert stage.front.counts["token"] == 1


class TestWithinTheTolerance:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"gateway_skew_s": 600.0, "speed": 100.0}

    def test_a_signature_counts(self, stage: Stage) -> None:
        use_access_key(stage)
        ended = stage.run()
        assert ended.code == 0, ended.err
        assert stage.front.counts["token"] == 0

    def test_a_wrong_key_is_not_blamed_on_the_clock_alone(self, stage: Stage) -> None:
        use_access_key(stage, secret="wrong-canary-secret-key")
        ended = stage.run()
        assert ended.code == 77, ended.err
        assert "check the access key and the secret key" in ended.explanation
        assert "wrong-canary-secret-key" not in ended.err + ended.out


def use_access_key(stage: Stage, *, secret: str | None = None) -> None:
    options = stage.simulator.options
    key = options.access_keys[0]
    stage.entry["auth_type"] = "aksk"
    stage.entry["auth"] = {
        "ak": key.access,
        "sk": secret or key.secret,
        "project_id": options.project_id,
    }
